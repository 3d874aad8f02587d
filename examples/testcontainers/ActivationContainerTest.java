import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.utility.DockerImageName;

/** The mock in a container, started by the tests: a generic container with a wait on health. */
@Testcontainers
class ActivationContainerTest {
  @Container
  static final GenericContainer<?> MOCK =
      new GenericContainer<>(DockerImageName.parse("activation-mockserver"))
          .withExposedPorts(8080)
          .waitingFor(Wait.forHttp("/__admin/health").forStatusCode(200));

  @Test
  void aCardIsActivated() throws Exception {
    String base = "http://" + MOCK.getHost() + ":" + MOCK.getMappedPort(8080) + "/sandbox/container";
    String body =
        "{\"customer_id\": \"TEST-CUSTOMER\", \"card_identifier\": \"TEST-CARD\","
            + " \"reference_batch\": \"7e4b85e27c4610824900af48f340394d\"}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + "/debit/v1/activateCardForCustomer"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
    assertEquals("activated-existing-customer", answer.headers().firstValue("Mock-Scenario").orElseThrow());
  }
}
