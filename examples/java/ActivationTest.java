import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Tests against a running mock (MOCK_URL); each test has a sandbox of its own, so that they can run in parallel. */
class ActivationTest {
  static final String MOCK = System.getenv().getOrDefault("MOCK_URL", "http://127.0.0.1:8080");
  static final String BATCH = "7e4b85e27c4610824900af48f340394d";

  // HTTP/1.1: java.net.http sends a request again by itself where a reused connection breaks, but not a POST.
  static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(2)).build();

  final String base = MOCK + "/sandbox/java-" + UUID.randomUUID();

  HttpResponse<String> send(String method, String path, String body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(Duration.ofSeconds(2))
            .header("Content-Type", "application/json")
            .method(method, BodyPublishers.ofString(body))
            .build();
    return HTTP.send(request, BodyHandlers.ofString());
  }

  HttpResponse<String> activate(String card, String customer) throws IOException, InterruptedException {
    String body =
        String.format(
            "{\"customer_id\": \"%s\", \"card_identifier\": \"%s\", \"reference_batch\": \"%s\"}",
            customer, card, BATCH);
    return send("POST", "/debit/v1/activateCardForCustomer", body);
  }

  void verify(String claim) throws IOException, InterruptedException {
    HttpResponse<String> verdict = send("POST", "/__admin/verify", claim);
    assertEquals(200, verdict.statusCode(), verdict.body()); // the body says what was got instead
  }

  @Test
  void aCardIsActivated() throws Exception {
    HttpResponse<String> answer = activate("CARD-001", "12345678");
    assertEquals(200, answer.statusCode());
    assertTrue(answer.body().contains("\"status\":\"activated\""));
  }

  @Test
  void byValueACardThatIsActivatedAlready() throws Exception {
    HttpResponse<String> answer = activate("TEST-ACTIVATED", "TEST-CUSTOMER");
    assertEquals("card-already-activated", answer.headers().firstValue("Mock-Scenario").orElseThrow());
    assertTrue(answer.body().contains("\"code\":4433"));
  }

  @Test
  void armedTheProviderCannotBeReached() throws Exception {
    send("POST", "/__admin/arm", "{\"scenario\": \"provider-communication\"}");
    assertTrue(activate("CARD-001", "12345678").body().contains("\"code\":5001"));
    assertTrue(activate("CARD-001", "12345678").body().contains("\"text\":\"Success\""));
  }

  @Test
  void aLostAnswerIsNoLostCard() throws Exception {
    send("POST", "/__admin/arm", "{\"fault\": \"reset\", \"commit\": true}");
    assertThrows(IOException.class, () -> activate("CARD-001", "12345678"));
    assertTrue(activate("CARD-001", "12345678").body().contains("\"code\":4433"));
    verify("{\"when\": {\"body.card_identifier\": \"CARD-001\"}, \"count\": {\"exactly\": 2}}");
    verify("{\"armed\": \"used\"}");
  }

  @AfterAll
  static void coverage() throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(MOCK + "/__admin/coverage?all=true&format=text")).build();
    System.out.println(HTTP.send(request, BodyHandlers.ofString()).body());
  }
}
