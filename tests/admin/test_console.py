"""The console in a real browser, as a tester uses it."""

import http.client
import json
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from mockserver import running
from mockserver.reports.translations import TRANSLATIONS
from tests.support import (
    BATCH,
    LASTING,
    ONCE,
    PATH,
    PATIENCE,
    PING,
    Client,
    Serving,
    folder,
    free_port,
    head,
    serving,
    wait_until,
)
from tests.support.browser import Opened, violations, wait_for

SCRIPT = "<script>window.wasRun = true</script><img src=x onerror='window.wasRun = true'>"


@pytest.fixture(scope="module")
def mock() -> Iterator[Serving]:
    """A server for all tests of the module: each uses a sandbox of its own."""
    with serving("--log-format", "none") as serve:
        yield serve


@contextmanager
def nearby(**how: Any) -> Iterator[Client]:
    """A server in this process, which is there sooner than one of its own; `how` is that of `running`.

    Not for a page that stays while the server stops: a connection that it opens then may not be closed in time.
    """
    with running(**how) as mock:
        yield Client(mock.url)


def at(serve: Client, sandbox: str, view: str = "", **params: Any) -> str:
    """The address of a view in a sandbox."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return f"{serve.url}/sandbox/{sandbox}/" + (f"#/{view}?{query}" if view else "")


def rows(page: Page) -> Any:
    """The rows of the journal that are in sight."""
    return page.locator(".rows-body [role=row]")


def send(serve: Client, sandbox: str, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A request of the client under test."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return serve.post(body, f"/sandbox/{sandbox}{PATH}", **named)


# -- the journal --------------------------------------------------------------------------------------


def test_a_request_appears_as_a_row(mock: Serving, console: Opened) -> None:
    """Live, newest on top, with scenario, source, status and trigger; before that an empty state."""
    page = console(at(mock, "live"))
    expect(page.get_by_text("No requests yet")).to_be_visible()
    send(mock, "live", ONCE)
    expect(rows(page)).to_have_count(1)
    send(mock, "live", ONCE)
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("card-already-activated")
    expect(rows(page).first).to_contain_text("400")
    expect(rows(page).first).to_contain_text("state")
    expect(rows(page).last).to_contain_text("activated-existing-customer")
    expect(rows(page).last).to_contain_text("documented")


def test_an_entry_shows_violations_and_evidence(mock: Serving, console: Opened) -> None:
    """Violations at their member, heading, near misses, records, the cause as a link."""
    send(mock, "entry", {**ONCE, "pin": "4821"})
    send(mock, "entry", ONCE)
    send(mock, "entry", {**ONCE, "card_identifier": "", "pin": "12"})
    page = console(at(mock, "entry"))
    rows(page).filter(has_text="card-identifier-empty").click()
    detail = page.locator(".detail")
    expect(detail.get_by_role("heading", name="4400 · card-identifier-empty")).to_be_focused()
    expect(detail.locator(".marked", has_text='"card_identifier"')).to_be_visible()
    expect(detail.locator(".finding-text").last).to_contain_text("expected at least 4 characters, got 2")
    expect(detail.get_by_text("Empty card identifier.")).to_be_visible()
    rows(page).filter(has_text="card-already-activated").click()
    expect(detail.get_by_role("heading", name="card-already-activated")).to_be_visible()
    expect(detail.get_by_role("heading", name="Near misses")).to_be_visible()
    detail.get_by_role("link", name=re.compile("#[0-9]+")).click()
    expect(detail.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
    expect(detail.locator("tr.changed", has_text="status")).to_contain_text("issued")
    expect(detail.locator("tr.changed", has_text="status")).to_contain_text("activated")
    expect(detail.get_by_text("Hidden by the journal: body.pin")).to_be_visible()
    expect(detail.locator(".line", has_text='"pin": "0000"hidden')).to_be_visible()
    assert "4821" not in page.content().replace(mock.url, "").replace(mock.url.partition("//")[2], "")


def test_an_entry_comes_with_the_connection(mock: Serving, console: Opened) -> None:
    """One that was opened while the mock was away needs no click more."""
    send(mock, "entry-away", LASTING)
    page = console(at(mock, "entry-away"), tells=False)
    expect(rows(page)).to_have_count(1)
    entry_id = rows(page).get_attribute("id").rpartition("-")[2]
    page.route("**/__admin/**", lambda route: route.abort())
    page.goto(at(mock, "entry-away", "journal", id=entry_id, all="1"))  # another stream, as that one goes on
    expect(page.locator(".detail .bad")).to_be_visible()
    expect(page.locator(".away-banner")).to_be_visible()
    page.unroute("**/__admin/**")
    expect(page.locator(".detail").get_by_role("heading", name="activated-existing-customer")).to_be_visible()


@pytest.mark.parametrize(("locale", "mark"), [("es-MX", "."), ("es-ES", ",")])
def test_numbers_and_times_have_the_marks_of_one_locale(mock: Serving, console: Opened, locale: str, mark: str) -> None:
    """That of the browser, where it is one of the language of the page."""
    where = f"marks-{locale}"
    send(mock, where, LASTING)
    arm(mock, where, delay="1.5s")
    page = console(at(mock, where), locale=locale)
    rows(page).click()
    line = re.compile(rf":\d\d{re.escape(mark)}\d{{3}} .*procesada en \d+({re.escape(mark)}\d+)? ms")
    expect(page.locator(".detail").get_by_text(line)).to_be_visible()
    expect(page.locator(".next-list")).to_contain_text(f"retraso 1{mark}5 s")


def test_a_problem_of_the_mock_blames_no_client(mock: Serving, console: Opened) -> None:
    """Its badge says that it is the mock's."""
    page = console(at(mock, "blame"))
    texts = page.evaluate(
        """async () => {
            const main = document.querySelector('script[type=module]').src;
            const { sourceBadge } = await import(new URL('widgets.js', main));
            const kinds = ['broken', 'store-unavailable', 'unknown-path'];
            return kinds.map((problem) => sourceBadge({ problem }).textContent);
        }"""
    )
    assert texts == ["mock problem", "mock problem", "misuse"]


def test_a_trace_leads_to_its_requests(mock: Serving, console: Opened) -> None:
    """The trace id of an entry is a link to all requests that have it, in any sandbox."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for sandbox, span in [("trace", "00f067aa0ba902b7"), ("trace2", "b9c7c989f97918e1")]:
        send(mock, sandbox, LASTING, traceparent=f"00-{trace}-{span}-01")
    send(mock, "trace", LASTING)
    page = console(at(mock, "trace"))
    rows(page).last.click()
    page.locator(".detail").get_by_role("link", name=trace).click()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_label("Search requests and answers")).to_have_value(trace)


def test_a_url_shows_the_same_view(mock: Serving, console: Opened) -> None:
    """It holds text, filter and the open entry."""
    for number in range(3):
        send(mock, "link", {**LASTING, "device_id": f"device-{number}"})
    send(mock, "link", {**LASTING, "reference_batch": ""})
    page = console(at(mock, "link"))
    page.get_by_label("Which requests").select_option("documented")
    page.get_by_label("Search requests and answers").fill("device-1")
    expect(rows(page)).to_have_count(1)
    rows(page).first.click()
    expect(page.locator(".detail").get_by_text('"device-1"')).to_be_visible()
    other = console(page.url)
    expect(rows(other)).to_have_count(1)
    expect(other.get_by_label("Search requests and answers")).to_have_value("device-1")
    expect(other.locator(".detail").get_by_text('"device-1"')).to_be_visible()
    send(mock, "link", {**LASTING, "device_id": "device-12"})
    expect(rows(other)).to_have_count(2)


def test_a_pause_holds_new_rows(mock: Serving, console: Opened) -> None:
    """They are counted, and shown when the reader goes on."""
    send(mock, "pause", LASTING)
    page = console(at(mock, "pause"))
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    send(mock, "pause", LASTING)
    send(mock, "pause", LASTING)
    going_on = page.get_by_role("button", name="Resume (2 new)")
    expect(going_on).to_be_visible()
    expect(rows(page)).to_have_count(1)
    going_on.click()
    expect(rows(page)).to_have_count(3)


def test_filters_select_rows(console: Opened) -> None:
    """By scenario, source, unexpected answers, all sandboxes; an emptied journal shows none."""
    with nearby() as serve:
        send(serve, "one", ONCE)
        send(serve, "one", {**ONCE, "reference_batch": None})
        send(serve, "one", {}, Mock_Scenario="nothing")
        send(serve, "two", LASTING, Mock_Delay="20ms")
        page = console(at(serve, "one"), tells=False)
        expect(rows(page)).to_have_count(3)
        page.get_by_label("Which requests").select_option("assumed")
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("reference-batch-empty")
        page.get_by_label("Which requests").select_option("unexpected")
        expect(rows(page)).to_have_count(2)
        page.get_by_label("Scenario or code").select_option("unknown-scenario")
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("There is no such scenario · POST ")
        expect(page.get_by_text("1 of 3 requests")).to_be_visible()
        page.get_by_label("Search requests and answers").fill("nothing-of-this")
        page.get_by_role("button", name="Show all requests").click()
        expect(rows(page)).to_have_count(3)
        page.get_by_label("All sandboxes").check()
        expect(rows(page)).to_have_count(4)
        expect(rows(page).first).to_contain_text("two")
        expect(rows(page).first).to_contain_text("20 ms")
        rows(page).first.click()
        expect(page.locator(".detail")).to_contain_text("POST /sandbox/two/debit")
        page.get_by_label("All sandboxes").uncheck()
        page.get_by_role("button", name="Empty the journal").click()
        page.get_by_role("button", name="Empty it").click()
        expect(page.get_by_text("No requests yet")).to_be_visible()
        expect(page.locator("main").get_by_text(f"{serve.url}/sandbox/one", exact=True)).to_be_visible()
        send(serve, "one", LASTING)
        expect(rows(page)).to_have_count(1)
        page.close()


def test_rows_are_told_apart_and_filtered_by_what_is_odd(mock: Serving, console: Opened) -> None:
    """By the number that other entries refer to, keys, faults, and warnings but that of missing credentials."""
    send(mock, "odd", {**LASTING, "custmer_id": "1"})
    send(
        mock,
        "odd",
        {**ONCE, "card_identifier": "CARD-77"},
        Mock_Fault="gateway",
        Content_Type="application/json",
    )
    page = console(at(mock, "odd"), viewport={"width": 1440, "height": 800})
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("CARD-77 · 12345678 · answer lost")
    expect(page.get_by_role("columnheader", name="Keys sent, message")).to_be_visible()
    ids = [one["id"] for one in mock.ask("GET", "/sandbox/odd/__admin/requests")[1]["requests"]]
    expect(rows(page).first.locator(".when")).to_contain_text(f"#{ids[0]}")
    page.get_by_label("Which requests").select_option("warnings")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("TEST-CARD")
    page.get_by_label("Which requests").select_option("faults")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("answer lost")
    page.set_viewport_size({"width": 2560, "height": 1440})
    rows(page).click()
    expect(rows(page).get_by_text("CARD-77 · 12345678 · answer lost")).to_be_visible()


def test_an_unknown_test_value_is_answered_with_those_that_there_are(mock: Serving, console: Opened) -> None:
    """In the reader's language; missing credentials alone are no warning about an accepted request."""
    typed = {"Content_Type": "application/json"}
    send(mock, "none-such", LASTING, **typed)
    send(mock, "none-such", {**LASTING, "card_identifier": "TEST-NONE"}, **typed)
    page = console(at(mock, "none-such"), locale="es-MX")
    rows(page).first.click()
    expect(page.locator(".detail .facts").first).to_contain_text("Valores de pruebaTEST-CARD, TEST-UNKNOWN")
    rows(page).last.click()
    expect(page.locator(".detail .notice.info").last).to_have_text(
        "También se observó:no se enviaron credenciales; aquí no se exigen"
    )


def test_markup_of_a_client_is_shown_as_text(mock: Serving, console: Opened) -> None:
    """A script in a body, a header or a path."""
    send(mock, "script", {**LASTING, "device_id": SCRIPT, SCRIPT: SCRIPT}, X_Note=SCRIPT)
    page = console(at(mock, "script"))
    rows(page).first.click()
    expect(page.locator(".detail .json").first).to_contain_text("<script>window.wasRun = true</script>")
    page.locator(".detail details.headers summary").first.click()
    expect(page.locator(".detail details.headers").first).to_contain_text("onerror=")
    assert page.evaluate("window.wasRun") is None
    assert page.locator("#app script, #app img").count() == 0


def test_numbers_are_shown_as_they_were_sent(mock: Serving, console: Opened) -> None:
    """Also those that a browser would round: in entry, curl line, form and record."""
    big = "1234567890123456789"
    raw = (
        json.dumps({**LASTING, "balance": {"id": 0}, "more": [1]}).replace(" 0}", f" {big}}}").replace("[1]", "[2.50]")
    )
    serve_raw(mock, "numbers", raw)
    page = console(at(mock, "numbers"), tells=False, permissions=["clipboard-read", "clipboard-write"])
    rows(page).first.click()
    shown = page.locator(".detail .json").first
    expect(shown).to_contain_text(f'"id": {big}')
    expect(shown).to_contain_text("2.5")
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert f'"balance":{{"id":{big}}}' in page.evaluate("navigator.clipboard.readText()")
    page.goto(at(mock, "numbers", "try", example="activated-composite-balance"))
    page.get_by_label("id", exact=True).fill(big)
    page.get_by_label("Send customer_id").uncheck()
    page.get_by_role("button", name="JSON").click()
    expect(page.get_by_label("Body", exact=True)).to_have_value(re.compile(f'"id": {big}'))
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_label("id", exact=True)).to_have_value(big)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("link", name="Open in the journal")).to_be_visible()
    sent = mock.ask("GET", "/sandbox/numbers/__admin/requests?limit=1")[1]["requests"][0]["id"]
    assert mock.ask("GET", f"/sandbox/numbers/__admin/requests/{sent}")[1]["request"]["body"]["balance"] == {
        "id": int(big)
    }


def serve_raw(serve: Client, sandbox: str, body: str) -> None:
    """A request whose body is these very characters."""
    connection = http.client.HTTPConnection(urlsplit(serve.url).netloc, timeout=PATIENCE)
    try:
        connection.request("POST", f"/sandbox/{sandbox}{PATH}", body, {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    finally:
        connection.close()


def test_five_thousand_rows_scroll(mock: Serving, console: Opened) -> None:
    """The document stays small."""
    flood(mock, "many", 5_000)
    page = console(at(mock, "many"))
    expect(page.get_by_text("5000 requests")).to_be_visible()
    for top in range(0, 5_000 * 44, 20_011):
        page.locator(".rows").evaluate("(list, top) => { list.scrollTop = top; }", top)
        expect(rows(page).first).to_be_visible()
    assert page.locator(".rows-body [role=row]").count() < 60
    page.locator(".rows").press("End")
    expect(rows(page).last).to_be_visible()
    expect(page.locator(".rows")).to_have_attribute("aria-rowcount", "5001")
    expect(page.locator(".rows [role=row].current")).to_have_attribute("aria-rowindex", "5001")


def flood(serve: Client, sandbox: str, count: int) -> None:
    """Many requests on one connection, a hundred at a time."""
    body = json.dumps(LASTING).encode()
    one, split = head("POST", f"/sandbox/{sandbox}{PATH}", length=len(body)) + body, urlsplit(serve.url)
    with socket.create_connection((split.hostname, split.port), PATIENCE) as connection:
        for _ in range(count // 100):
            connection.sendall(one * 100)
            came = b""
            while came.count(b"HTTP/1.1 200 OK") < 100 or not came.endswith(b"}}"):
                came += connection.recv(65_536)


# -- what comes next ----------------------------------------------------------------------------------


def program(page: Page) -> Any:
    """Open the dialog that arms an answer."""
    page.get_by_role("button", name="Arm an answer").click()
    return page.get_by_role("dialog")


def waiting(page: Page) -> Any:
    """The place that says what the next requests get."""
    return page.get_by_role("region", name="Next answers")


def test_a_code_is_armed_in_two_clicks(mock: Serving, console: Opened) -> None:
    """From the first view; the message names it and undoes it, and each view shows what waits."""
    page = console(at(mock, "two"))
    program(page).get_by_role("button", name="5001").first.click()
    expect(waiting(page)).to_contain_text("5001 · provider-communication · for 1 request")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Armed: 5001 · provider-communication")
    program(page).get_by_role("button", name="5001").first.click()
    expect(toast.get_by_role("button", name="Undo")).to_have_count(1)
    expect(page.locator(".chip")).to_have_count(2)
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".chip")).to_have_count(1)
    page.get_by_role("button", name="Disarm: ").click()
    expect(waiting(page)).to_contain_text("nothing armed")
    assert send(mock, "two", LASTING)[0] == 200
    for view in VIEWS:
        page.get_by_role("link", name=LINKS[view]).last.click()
        expect(waiting(page)).to_be_visible()
    program(page).get_by_role("button", name="5001").first.click()
    expect(waiting(page)).to_contain_text("5001")
    expect(toast.get_by_role("button", name="Undo")).to_be_visible()
    assert send(mock, "two", LASTING)[1]["Mock-Scenario"] == "provider-communication"
    expect(waiting(page)).to_contain_text("nothing armed")
    expect(toast.get_by_role("button", name="Undo")).to_have_count(0)


def test_what_is_used_already_is_not_taken_back(mock: Serving, console: Opened) -> None:
    """It is told in words, also where a request was faster than the page knows."""
    page = console(at(mock, "used"), tells=False, locale="es-MX")
    page.locator(".next > .primary").click()
    page.get_by_role("dialog").get_by_role("button", name="5001").first.click()
    expect(page.locator(".toast button")).to_be_visible()
    page.route("**/__admin/armed", lambda route: route.abort())
    assert send(mock, "used", LASTING)[1]["Mock-Scenario"] == "provider-communication"
    page.locator(".toast button").click()
    expect(page.locator(".toast").last).to_have_text("Ya se usó: no hay nada que quitar.")
    page.unroute_all(behavior="wait")


def test_a_refusal_is_told_within_the_dialog(mock: Serving, console: Opened) -> None:
    """A message beside it would be dimmed behind it."""
    page = console(at(mock, "refused"), tells=False)
    dialog = program(page)
    dialog.get_by_role("button", name="Settings: 5001").first.click()
    dialog.get_by_text("Only when a field equals").click()
    dialog.get_by_label("Field").fill("bodi.customer_id")
    dialog.get_by_label("Value").fill("1")
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(dialog.get_by_role("alert").last).to_contain_text("bodi")
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("Escape")


def test_details_of_a_refusal_are_marked_as_english(mock: Serving, console: Opened) -> None:
    """For a reader of Spanish: in the dialog to arm, in that of a record, and for a copy that is none."""
    page = console(at(mock, "refused-es", "state", collection="cards"), tells=False, locale="es-MX")
    page.locator(".next > .primary").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Ajustes: 5001").first.click()
    dialog.locator("summary").click()
    dialog.get_by_label("Campo").fill("customer_id")
    dialog.get_by_label("Valor").fill("1")
    dialog.locator("button[type=submit]").click()
    marked(dialog.get_by_role("alert").last, "unknown reference customer_id")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Editar TEST-CARD", exact=True).click()
    dialog.locator("textarea").fill("[]")
    dialog.locator("button[type=submit]").click()
    marked(dialog.get_by_role("alert"), "expected")
    page.keyboard.press("Escape")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Cargar").click()
    chosen.value.set_files({"name": "state.json", "mimeType": "application/json", "buffer": b"[]"})
    marked(page.locator(".toast"), "expected")


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        (
            "es-MX",
            [
                "No se conoce card_identifier; ¿quiso decir body.card_identifier? Detalle",
                'record.status se esperaba: uno de estos valores: "issued", "activated"; se recibió: otro texto.',
                "record.estado es un campo desconocido.",
            ],
        ),
        (
            "en-US",
            [
                "did you mean body.card_identifier?",
                'record.status: expected one of "issued", "activated", got other text.',
                "record.estado: is not a member that is known here.",
            ],
        ),
    ],
)
def test_a_refusal_says_which_field_and_what_to_write(
    mock: Serving, console: Opened, locale: str, told: list[str]
) -> None:
    """In the reader's language; the detail of the mock stays below."""
    page = console(at(mock, "fields", "state", collection="cards"), tells=False, locale=locale)
    texts = TRANSLATIONS[locale[:2]]
    page.locator(".next > .primary").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=texts["arm.settings"].format(what="5001")).first.click()
    dialog.locator("summary").click()
    dialog.get_by_label(texts["arm.member"]).fill("card_identifier")
    dialog.get_by_label(texts["arm.value"]).fill("1")
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("alert").last).to_contain_text(told[0])
    page.keyboard.press("Escape")
    page.get_by_role("button", name=texts["state.edit"].format(key="TEST-CARD"), exact=True).click()
    dialog.locator("textarea").fill('{"status": "foo", "estado": 1}')
    dialog.locator("button[type=submit]").click()
    for words in told[1:]:
        expect(dialog.get_by_role("alert")).to_contain_text(words)


def marked(told: Any, english: str) -> None:
    """The title in Spanish, the rest as English."""
    expect(told).to_have_text(re.compile(r"^(La condición|El cuerpo) .+[.?] Detalle \(en inglés\): "))
    expect(told.locator("[lang=en]")).to_contain_text(english)


def test_an_answer_is_lost_in_two_clicks(mock: Serving, console: Opened) -> None:
    """The change is kept, so that the next request finds it made."""
    page = console(at(mock, "lost"))
    program(page).get_by_role("button", name=re.compile("^lost answer what the request changes")).click()
    expect(waiting(page)).to_contain_text("reset · changes kept · for 1 request")
    with pytest.raises(OSError, match="reset"):
        send(mock, "lost", ONCE)
    assert send(mock, "lost", ONCE)[1]["Mock-Scenario"] == "card-already-activated"
    lost = rows(page).last
    expect(lost.locator(".cell.status s")).to_have_text("200")
    expect(lost).to_contain_text("answer lost")
    lost.click()
    detail = page.locator(".detail")
    expect(detail.locator(".notice.bad")).to_contain_text(
        "What the request changes was kept, so a retry finds it done."
    )
    expect(detail.get_by_text("What to do")).to_have_count(0)
    expect(detail.get_by_role("heading", name="Reply that did not arrive")).to_be_visible()
    retried = detail.locator("dt", has_text=re.compile("^Retry$")).locator("+ dd")
    expect(retried).to_have_text(re.compile(r"^#\d+( · after \d+ ms)? · 400 · 4433 · card-already-activated$"))
    retried.get_by_role("link").click()
    repeats = detail.locator("dt", has_text="Retry of").locator("+ dd")
    expect(repeats).to_have_text(re.compile(r"^#\d+( · after \d+ ms)? · answer lost · activated-existing-customer$"))
    program(page).get_by_role("button", name="Settings: lost answer").click()
    expect(page.get_by_label("Keep what the request changes")).to_be_checked()


def test_an_open_entry_finds_the_retry_that_came_meanwhile(mock: Serving, console: Opened) -> None:
    """In Spanish; hidden values are not compared, and it says so."""
    body = {**ONCE, "pin": "1234"}
    assert send(mock, "retried", body, **{"Mock-Fault": "gateway"})[0] == 503
    page = console(at(mock, "retried"), locale="es-MX")
    rows(page).first.click()
    retried = page.locator(".detail dt", has_text=re.compile("^Reintento$")).locator("+ dd")
    expect(retried).to_contain_text("Aún no hay ninguno entre las 1000 solicitudes siguientes")
    send(mock, "retried", body)
    retried.get_by_role("button", name="Buscar otra vez").click()
    expect(retried).to_have_text(
        re.compile(r" · tras \d+ ms · 200 · activated-.+ · los valores ocultos no se compararon$")
    )


def test_an_outcome_is_armed_by_click(mock: Serving, console: Opened) -> None:
    """For requests with a value; the checklist then counts it, live."""
    page = console(at(mock, "arm", "outcomes"))
    item = page.locator(".outcome", has=page.get_by_text("provider-communication", exact=True))
    expect(item.locator("summary").first).to_contain_text("not met yet")
    item.locator("summary").first.click()
    expect(item.locator(".json")).to_contain_text("Wrong parameters")
    item.get_by_role("button", name="Arm this answer").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Only when a field equals").click()
    dialog.get_by_label("Field").fill("body.customer_id")
    dialog.get_by_label("Value").fill("77")
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(waiting(page)).to_contain_text("for 1 request · body.customer_id = 77")
    assert send(mock, "arm", LASTING)[0] == 200
    assert send(mock, "arm", {**LASTING, "customer_id": "77"})[1]["Mock-Scenario"] == "provider-communication"
    expect(waiting(page)).to_contain_text("nothing armed")
    expect(item.locator("summary").first).to_contain_text("once")
    page.get_by_label("Which outcomes").select_option("met")
    expect(page.locator(".outcome:visible")).to_have_count(2)
    page.get_by_label("Code, heading or scenario").fill("5001 provider")
    expect(page.locator(".outcome:visible")).to_have_count(1)


def test_an_entry_arms_its_outcome(mock: Serving, console: Opened) -> None:
    """For the next two requests with the value of its own request."""
    send(mock, "again", {**ONCE, "customer_id": "9", "reference_batch": ""})
    page = console(at(mock, "again"))
    rows(page).first.click()
    page.get_by_role("button", name="Arm this answer").click()
    page.get_by_label("For how many requests").fill("2")
    page.get_by_text("Only when a field equals").click()
    page.get_by_label("Field").fill("body.customer_id")
    page.get_by_label("Value").focus()
    expect(page.get_by_label("Value")).to_have_value("9")
    page.clock.install()
    page.get_by_role("button", name="Arm", exact=True).click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("4400 · reference-batch-empty · body.customer_id = 9")
    expect(waiting(page)).to_contain_text("4400 · reference-batch-empty · for 2 requests")
    page.clock.fast_forward(10_000)
    expect(toast).to_have_count(0)  # after some seconds, although it waits
    answered = [
        send(mock, "again", {**LASTING, "customer_id": who})[1]["Mock-Scenario"] for who in ("1", "9", "9", "9")
    ]
    assert answered[1:3] == ["reference-batch-empty"] * 2
    assert "reference-batch-empty" not in (answered[0], answered[3])


def test_the_journal_shows_and_filters_codes(mock: Serving, console: Opened) -> None:
    """The code of the provider and the hint of its error; nearly every status is 400."""
    send(mock, "codes", {**LASTING, "reference_batch": ""})
    send(mock, "codes", LASTING, Mock_Scenario="provider-communication")
    page = console(at(mock, "codes"))
    expect(rows(page).first.locator(".cell.code")).to_have_text("5001")
    expect(rows(page).last.locator(".cell.code")).to_have_text("4400")
    expect(rows(page).last).to_contain_text("Reference batch can't be empty")
    page.get_by_label("Scenario or code").select_option("Code 4400")
    expect(rows(page)).to_have_count(1)
    rows(page).first.click()
    expect(page.locator(".entry-title")).to_have_text("4400 · reference-batch-empty")


def test_an_entry_is_sent_again(mock: Serving, console: Opened) -> None:
    """Its request opens in *Try it*, says what is hidden, and is sent as edited."""
    send(mock, "resend", {**LASTING, "reference_batch": "", "pin": "4821"})
    page = console(at(mock, "resend"))
    rows(page).first.click()
    page.get_by_role("link", name="Send again").click()
    expect(page.get_by_text("The journal does not keep body.pin")).to_be_visible()
    member = page.locator(".member", has=page.get_by_label("Send reference_batch"))
    expect(member.locator(".wrong")).to_have_text("expected 32 hexadecimal digits, got empty text")
    page.get_by_label("reference_batch", exact=True).fill(BATCH)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="activated-existing-customer")).to_be_visible()


def test_an_answer_to_try_is_that_of_the_form_beside_it(mock: Serving, console: Opened) -> None:
    """It goes when the form is filled from an entry, and when the sandbox changes; not while a view is looked at."""
    send(mock, "beside", {**ONCE, "reference_batch": ""})
    send(mock, "beside-other", LASTING)
    page = console(at(mock, "beside", "try"), tells=False)
    answer, empty = page.locator("main .beside"), page.get_by_role("heading", name="Nothing sent yet")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(answer.get_by_role("link", name="Open in the journal")).to_be_visible()
    page.get_by_role("link", name="Journal", exact=True).click()
    rows(page).last.click()
    page.get_by_role("link", name="Try it", exact=True).click()
    expect(answer.get_by_role("link", name="Open in the journal")).to_be_visible()
    page.get_by_role("link", name="Journal", exact=True).click()
    rows(page).last.click()
    page.get_by_role("link", name="Send again").click()
    expect(page.get_by_text("This is the request #")).to_be_visible()
    expect(empty).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(answer.get_by_role("heading", name="reference-batch-empty")).to_be_visible()
    page.get_by_label("Sandbox", exact=True).select_option("beside-other")
    expect(empty).to_be_visible()
    expect(page.get_by_label("card_identifier", exact=True)).to_have_value("TEST-CARD")


def test_a_form_tells_a_number_from_its_text(mock: Serving, console: Opened) -> None:
    """12345 is marked as a number, and what was wrong with it stands at its field until it is edited."""
    send(mock, "number", {**LASTING, "reference_batch": 12345})
    page = console(at(mock, "number"), tells=False)
    rows(page).first.click()
    page.get_by_role("link", name="Send again").click()
    member = page.locator(".member", has=page.get_by_label("Send reference_batch"))
    expect(member.locator(".member-head")).to_contain_text("a number")
    expect(member.locator(".wrong")).to_have_text("expected a string, got a number")
    member.get_by_label("reference_batch", exact=True).fill("12345")
    expect(member.locator(".member-head")).not_to_contain_text("a number")
    expect(member.locator(".wrong")).to_have_text("")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(member.locator(".wrong")).to_have_text("expected 32 hexadecimal digits, got other text")


def test_the_first_request_to_try_works_each_time(mock: Serving, console: Opened) -> None:
    """However often it is sent."""
    page = console(at(mock, "works", "try"))
    for number in (1, 2, 3):
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator(".facts").first).to_be_visible()
        expect(page.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
        expect(page.get_by_text("TEST-CARD is a test value that stays as it is")).to_be_visible()
        shown = mock.ask("GET", "/sandbox/works/__admin/requests")[1]["requests"]
        assert [one["status"] for one in shown] == [200] * number


def test_only_an_answer_that_stays_is_said_to_stay(mock: Serving, console: Opened) -> None:
    """Not where a key of the request changes state, nor where an answer was forced or armed."""
    note = "is a test value that stays as it is"
    own_card = {**LASTING, "card_identifier": "CARD-OWN"}
    mock.post({"scenario": "code=5001", "when": {"body.device_id": "armed"}}, "/sandbox/stays/__admin/arm")
    send(mock, "stays", LASTING)
    for body in (own_card, own_card, {**LASTING, "device_id": "armed"}):
        send(mock, "stays", body)
    send(mock, "stays", LASTING, Mock_Scenario="code=5001")
    page = console(at(mock, "stays"))
    detail = page.locator(".detail")
    for place, title in enumerate(
        ["5001 · provider", "5001 · provider", "4433 · card-already", "activated-existing", "activated-existing"]
    ):
        expect(rows(page)).to_have_count(5)
        rows(page).nth(place).click()
        number = rows(page).nth(place).locator(".when .cut").inner_text()
        expect(detail).to_contain_text(f"{number} ·")
        expect(detail.get_by_role("heading", name=title)).to_be_visible()
        expect(detail.get_by_text(note)).to_have_count(1 if place == 4 else 0)


def test_test_values_are_copied_from_one_page(mock: Serving, console: Opened) -> None:
    """A value, and from each view the address with the sandbox."""
    page = console(at(mock, "values", "values"), permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".value-line")).to_have_count(22)
    page.get_by_label("Code, value or scenario").fill("5001")
    expect(page.locator(".value-line")).to_have_count(1)
    page.get_by_role("button", name="Copy TEST-PROVIDER-DOWN").click()
    expect(page.locator(".toast", has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "TEST-PROVIDER-DOWN"
    page.get_by_role("button", name="Copy the address for your application").click()
    expect(page.locator(".toast", has_text="Address copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{mock.url}/sandbox/values"


def test_a_test_value_goes_with_the_rest_of_the_example(mock: Serving, console: Opened) -> None:
    """The row says so, and what is a number; the curl line has all; each of several values is copied alone."""
    page = console(at(mock, "rest", "values"), permissions=["clipboard-read", "clipboard-write"])
    lines = page.locator(".value-line")
    expect(lines.filter(has_text="malformed")).to_contain_text("body.customer_id 85 (a number)")
    for scenario in ("no-customer", "first-name-empty", "email-taken"):
        line = lines.filter(has=page.get_by_text(scenario, exact=True))
        expect(line).to_contain_text("with the rest of the example")
        page.evaluate("navigator.clipboard.writeText('')")
        line.get_by_role("button", name=re.compile(f"Copy curl: .*{scenario}$")).click()
        page.wait_for_function("navigator.clipboard.readText().then(it => it !== '')")
        body = json.loads(shlex.split(page.evaluate("navigator.clipboard.readText()"))[-1])
        assert mock.post(body, f"/sandbox/rest-{scenario}{PATH}")[1]["Mock-Scenario"] == scenario
    line = lines.filter(has_text="activated-existing-customer")
    for value in ("TEST-CARD", "TEST-CUSTOMER"):
        line.get_by_role("button", name=f"Copy {value}").click()
        page.wait_for_function("text => navigator.clipboard.readText().then(it => it === text)", arg=value)
    item = console(at(mock, "rest", "outcomes")).locator(".outcome", has_text="no-customer")
    item.locator("summary").first.click()
    expect(item).to_contain_text("with the rest of the example")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_address_follows_the_sandbox(mock: Serving, console: Opened, width: int) -> None:
    """The one in sight and the copied one, after a choice in the list."""
    send(mock, "address-b", LASTING)
    can = ["clipboard-read", "clipboard-write"]
    page = console(at(mock, "address-a"), permissions=can, viewport={"width": width, "height": 844})
    for chosen, path in [("address-b", "/sandbox/address-b"), ("", ""), ("address-b", "/sandbox/address-b")]:
        page.get_by_label("Sandbox", exact=True).select_option(chosen)
        address = page.locator(".top").get_by_text(f"{mock.url}{path}", exact=True)
        expect(address).to_be_visible()
        expect(address).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Copy the address for your application").click()
        expect(page.locator(".toast").last).to_be_visible()
        page.wait_for_function("text => navigator.clipboard.readText().then(it => it === text)", arg=mock.url + path)


def test_the_checklist_shows_heading_note_envelope_and_how_to_meet_it(mock: Serving, console: Opened) -> None:
    """For every outcome of the contract, documented and assumed; groups by code."""
    page = console(at(mock, "list", "outcomes"))
    expect(page.locator(".outcome")).to_have_count(22)
    expect(page.get_by_text("Documented: 0 of 18")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_contain_text(
        ["Success", "4400", "4433", "5001", "7000", "401"], use_inner_text=True
    )
    item = page.locator(".outcome", has=page.get_by_text("last-name-empty", exact=True))
    item.locator("summary").first.click()
    for part in ("Lastname.", "hint of the FIRST name", 'body.customer.last_name ""', "Mock-Scenario: last-name-empty"):
        expect(item).to_contain_text(part)
    expect(item.locator(".json")).to_contain_text('"endpoint": "/debit/v1/activateCardForCustomer"')


@pytest.mark.parametrize(
    ("locale", "advice"),
    [
        ("en-US", "After a lost answer, treat it as a success."),
        ("es-MX", "tras una respuesta perdida, cuenta"),
    ],
)
def test_an_outcome_has_advice_in_the_readers_language(
    mock: Serving, console: Opened, locale: str, advice: str
) -> None:
    """What happened, what to do, and whether to retry."""
    item = console(at(mock, "list", "outcomes"), locale=locale).locator(
        ".outcome", has_text=re.compile("card-already-activated")
    )
    item.locator("summary").first.click()
    expect(item).to_contain_text(advice)


def test_the_try_view_sends_and_explains(mock: Serving, console: Opened) -> None:
    """From an example, with a member changed and one left out."""
    page = console(at(mock, "try", "try", example="activated-existing-customer"), tells=False)
    member = page.get_by_label("reference_batch", exact=True)
    expect(member).to_have_value(BATCH)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
    member.fill("")
    page.get_by_label("Send pin").uncheck()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="reference-batch-empty")).to_be_visible()
    expect(page.get_by_text("violation at body.reference_batch, got empty")).to_be_visible()
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("Body", exact=True).fill('{"broken')
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="malformed")).to_be_visible()
    page.get_by_role("link", name="Open in the journal").click()
    expect(page.locator(".detail .json").first).to_contain_text('{"broken')


def arm(serve: Serving, sandbox: str, **spec: Any) -> None:
    """Arm an answer for the next request."""
    assert serve.ask("POST", f"/sandbox/{sandbox}/__admin/arm", json.dumps(spec).encode())[0] == 201


def test_a_lost_answer_is_told_although_the_browser_sends_again(mock: Serving, console: Opened) -> None:
    """Chromium does, by itself, on a connection that it used before; each request of *Try it* has a trace id."""
    page = console(at(mock, "twice", "try", example="activated-existing-customer"), tells=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    arm(mock, "twice", fault="reset", commit=True)
    page.get_by_role("button", name="Send", exact=True).click()
    shown = page.locator(".beside")
    expect(shown).to_contain_text("The answer was lost, and the browser sent the request again by itself.")
    expect(shown).to_contain_text("the connection is reset (RST). What the request changes was kept")
    shown.get_by_role("link", name=re.compile("^#[0-9]+$")).first.click()
    expect(page.locator(".detail .entry-line s")).to_have_text("200")


@pytest.mark.parametrize(("fault", "told"), [("truncate", "Only part of the answer came"), ("gateway", "502, 503")])
def test_a_fault_is_told_where_it_is_tried(mock: Serving, console: Opened, fault: str, told: str) -> None:
    """In words, with the fault as the reason."""
    page = console(at(mock, f"told-{fault}", "try"), tells=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    arm(mock, f"told-{fault}", fault=fault)
    page.get_by_role("button", name="Send", exact=True).click()
    shown = page.locator(".beside")
    expect(shown).to_contain_text(told)
    expect(shown).to_contain_text("The client did not get this answer")
    expect(shown).to_contain_text("Nothing was changed")


def test_an_answer_that_is_given_up_halfway_shows_what_came(mock: Serving, console: Opened) -> None:
    """Status and a part of the body, but no advice as for an answer."""
    page = console(at(mock, "halfway", "try"), tells=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    arm(mock, "halfway", fault={"kind": "dribble", "seconds": 60})
    page.get_by_role("button", name="Send", exact=True).click()
    shown = page.locator(".beside")
    expect(shown).to_contain_text(re.compile("Waiting for the answer *1 s"))
    shown.get_by_role("button", name="Cancel").click()
    expect(shown).to_contain_text("The status 200 and the headers had come, but not the whole body.")
    expect(shown).not_to_contain_text("What to do")


def test_outcomes_to_try_begin_with_their_code(mock: Serving, console: Opened) -> None:
    """As examples, malformed ones too, and as outcomes that a header names; the body is copied alone."""
    page = console(at(mock, "codes", "try", example="pin-not-four"))
    example = page.get_by_label("Start with an example")
    expect(example.locator("option:checked")).to_have_text("4400 · pin-not-four — PIN validations.")
    name = re.compile("^5001 · provider-communication")
    expect(example.locator("option", has_text=name)).to_have_count(1)
    expect(page.get_by_label("Outcome (Mock-Scenario)").locator("option", has_text=name)).to_have_count(1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy body").click()
    page.wait_for_function("navigator.clipboard.readText().then(it => it !== '')")
    body = json.loads(page.evaluate("navigator.clipboard.readText()"))
    page.evaluate("navigator.clipboard.writeText('')")
    page.goto(at(mock, "codes", "values"))
    page.get_by_role("button", name="Copy body: 4400 pin-not-four").click()
    page.wait_for_function("navigator.clipboard.readText().then(it => it !== '')")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == body
    assert body["pin"] == "123"


def test_a_request_without_answer_is_given_up(mock: Serving, console: Opened) -> None:
    """Its seconds are counted, and a button ends the wait."""
    page = console(at(mock, "hang", "try"), tells=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    arm(mock, "hang", fault="hang")
    page.get_by_role("button", name="Send", exact=True).click()
    shown = page.locator(".beside")
    expect(shown).to_contain_text(re.compile("Waiting for the answer *1 s"))
    shown.get_by_role("button", name="Cancel").click()
    expect(shown).to_contain_text("No status and no headers had come by then.")
    expect(shown).to_contain_text("no answer (timeout)")


def test_a_form_is_kept_and_says_that_it_was_edited(mock: Serving, console: Opened) -> None:
    """With its answer, while other views are looked at; a header of its own is sent."""
    page = console(at(mock, "kept", "try"), tells=False)
    example = page.get_by_label("Start with an example")
    expect(example.locator("option:checked")).to_have_text("values that work each time")
    page.get_by_label("card_identifier", exact=True).fill("CARD-5")
    expect(example.locator("option:checked")).to_have_text("(edited)")
    page.get_by_text("Headers, an outcome, a delay").click()
    page.get_by_label("Headers", exact=True).fill("no header")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("This is not a header: no header")).to_be_visible()
    page.get_by_label("Headers", exact=True).fill("X-Note: mine")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
    page.get_by_role("link", name="State").click()
    expect(page.get_by_role("heading", name="Clock")).to_be_visible()
    page.get_by_role("link", name="Try it").last.click()
    expect(page.get_by_label("card_identifier", exact=True)).to_have_value("CARD-5")
    expect(page.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
    sent = mock.ask("GET", "/sandbox/kept/__admin/requests?text=X-Note:%20mine")[1]["requests"]
    assert len(sent) == 1
    example.select_option("values that work each time")
    expect(page.get_by_label("card_identifier", exact=True)).to_have_value("TEST-CARD")


def test_a_second_operation_needs_no_console_code(console: Opened, tmp_path: Path) -> None:
    """It is tried, in the checklist and in the journal."""
    with nearby(overlays=[folder(tmp_path / "ping", PING)]) as serve:
        page = console(f"{serve.url}/#/try?operation=ping")
        page.get_by_label("word").fill("a b")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", name="pong")).to_be_visible()
        page.get_by_role("link", name="Outcomes").click()
        item = page.locator(".outcome", has=page.get_by_text("pong", exact=True))
        expect(item.locator("summary").first).to_contain_text("once")
        page.get_by_role("link", name="Journal").click()
        expect(rows(page).first).to_contain_text("GET /v1/ping/a")
        program(page).get_by_role("button", name="hang no answer (timeout)").first.click()
        page.get_by_label("Operation").select_option("ping")
        page.get_by_role("button", name="Arm", exact=True).click()
        expect(waiting(page)).to_contain_text("hang · nothing changed · for 1 request")
        assert serve.ask("GET", "/__admin/armed")[1]["armed"][0]["operation"] == "ping"
        page.close()


def test_the_page_on_the_admin_port_names_the_operations(console: Opened) -> None:
    """With `--admin-port`, curl lines go to the main port."""
    with serving("--log-format", "json", "--admin-port", "0") as serve:
        told = json.loads(serve.out.seen[0])
        page = console(told["admin_url"] + "/sandbox/apart/", permissions=["clipboard-read", "clipboard-write"])
        expect(page.locator("main").get_by_text(f"{told['url']}/sandbox/apart", exact=True)).to_be_visible()
        page.get_by_role("link", name="Try it").last.click()
        expect(page.get_by_text("The API has a port of its own")).to_be_visible()
        expect(page.get_by_role("button", name="Send", exact=True)).to_have_count(0)
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
        assert command[:3] == ["curl", "-i", f"{told['url']}/sandbox/apart{PATH}"]
        serve.post(json.loads(command[-1]), f"/sandbox/apart{PATH}")
        page.get_by_role("link", name="Journal").click()
        expect(rows(page).first).to_contain_text("activated-existing-customer")
        page.close()


def test_a_fault_is_armed_with_its_settings(mock: Serving, console: Opened) -> None:
    """And with `commit`; once used it is gone."""
    page = console(at(mock, "fault"))
    dialog = program(page)
    dialog.get_by_role("button", name="Settings: gateway").click()
    dialog.get_by_label("Status").fill("429")
    dialog.get_by_label("Retry-After (s)").fill("7")
    dialog.get_by_label("Keep what the request changes").check()
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(waiting(page)).to_contain_text("gateway · changes kept · for 1 request")
    status, headers, _ = send(mock, "fault", ONCE)
    assert (status, headers["Retry-After"]) == (429, "7")
    expect(waiting(page)).to_contain_text("nothing armed")
    assert send(mock, "fault", ONCE)[1]["Mock-Scenario"] == "card-already-activated"


def test_a_delay_is_armed_and_removed(mock: Serving, console: Opened) -> None:
    """The ordinary answer comes later."""
    page = console(at(mock, "late"))
    dialog = program(page)
    dialog.get_by_role("button", name="the ordinary answer, later").first.click()
    time = dialog.get_by_label("Time")
    time.fill("5 minutes")
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(dialog.get_by_role("alert").first).to_have_text("Write a time such as 5s, 1.5s or 800ms.")
    expect(time).to_have_value("5 minutes")
    expect(time).to_be_focused()
    time.fill("0,04")
    expect(dialog.get_by_text("sent as 0.04s")).to_be_visible()
    dialog.get_by_label("For how many requests").fill("2")
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(waiting(page)).to_contain_text("delay 0.04 s · for 2 requests")
    assert send(mock, "late", LASTING)[0] == 200
    expect(waiting(page)).to_contain_text("for 1 request")
    shown = mock.ask("GET", "/sandbox/late/__admin/requests?limit=1")[1]["requests"][0]
    assert (shown["scenario"], shown["delay_ms"]) == ("activated-existing-customer", 40)
    page.get_by_role("button", name="Disarm: ").click()
    expect(waiting(page)).to_contain_text("nothing armed")


def test_a_sandbox_is_made_and_dropped(mock: Serving, console: Opened) -> None:
    """Its clock is moved; once dropped it is not among the choices."""
    page = console(at(mock, "before", "state"))
    expect(page.get_by_text("A key that is not listed has a record without fields.")).to_be_visible()
    page.get_by_label("Sandbox", exact=True).select_option("Create or go to another…")
    page.get_by_label("Name", exact=True).fill("made.here")
    page.get_by_role("button", name="Go there").click()
    expect(page).to_have_url(re.compile("sandbox=made.here"))
    page.get_by_text("Freeze at a date and time").click()
    page.get_by_label("Date and time").fill("2025-11-18T17:50:57")
    page.get_by_role("button", name="Freeze there").click()
    expect(page.locator(".clock-face")).to_contain_text("Nov 18, 2025, 17:50:57")
    page.get_by_label("Move forward by").fill("1d")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator(".clock-face")).to_contain_text("Nov 19, 2025, 17:50:57")
    assert b"2025-11-19T17:50:57" in send(mock, "made.here", LASTING)[2]
    page.get_by_role("button", name="Back to real time").click()
    expect(page.locator(".clock-face")).to_contain_text("real")
    page.get_by_role("button", name="Delete made.here").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page).to_have_url(re.compile("sandbox=#?$|sandbox=&|/state\\?sandbox=$"))
    expect(page.get_by_role("button", name="Delete made.here")).to_have_count(0)


def test_a_late_answer_does_not_replace_a_form_in_use(mock: Serving, console: Opened) -> None:
    """Here the clock of a sandbox that was left meanwhile."""
    page = console(at(mock, "slow", "values"))
    late: list[Route] = []
    page.route("**/sandbox/slow/__admin/clock", lambda route: late.append(route))  # noqa: PLW0108 - it asks a function of Python for its names
    page.get_by_role("link", name="State").click()
    expect(page.get_by_role("heading", name="Clock")).to_be_visible()
    page.get_by_label("Sandbox", exact=True).select_option("Create or go to another…")
    page.get_by_label("Name", exact=True).fill("quick")
    page.get_by_role("button", name="Go there").click()
    page.get_by_text("Freeze at a date and time").click()
    page.get_by_label("Date and time").fill("2025-11-18T17:50:57")
    wait_for(page, lambda: late)
    with page.expect_response("**/sandbox/slow/__admin/clock"):
        for route in late:
            route.continue_()
    page.get_by_role("button", name="Freeze there").click()
    expect(page.locator(".clock-face")).to_contain_text("Nov 18, 2025, 17:50:57")


def test_the_state_view_edits_records_clock_and_sandbox(mock: Serving, console: Opened) -> None:
    """A record edited and restored, a snapshot saved and loaded, a clock frozen, a reset."""
    send(mock, "state", ONCE)
    send(mock, "state-2", ONCE)
    page = console(at(mock, "state", "state", collection="cards"))
    line = page.locator("tr", has_text="CARD-001")
    expect(line).to_contain_text("activated")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("button", name="Edit CARD-001").click()
    page.get_by_label("Fields", exact=True).fill('{"status": "issued"')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This is not JSON")
    page.get_by_label("Fields", exact=True).fill('{"status": "issued"}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(line).to_contain_text("issued")
    assert send(mock, "state", {**ONCE, "customer_id": "2"})[0] == 200
    expect(line).to_contain_text("activated")
    page.get_by_role("button", name="Restore CARD-001").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(line).to_have_count(0)
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Load a snapshot").click()
    chosen.value.set_files(saved.value.path())
    expect(line).to_contain_text("activated")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("frozen", exact=True)).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Reset it").click()
    expect(line).to_have_count(0)
    expect(page.get_by_text("frozen")).to_have_count(0)
    page.get_by_label("Sandbox", exact=True).select_option("state-2")
    expect(page).to_have_url(re.compile("sandbox=state-2"))


def test_a_record_says_who_wrote_it(mock: Serving, console: Opened) -> None:
    """A request by its number, or somebody by hand; an answer that rests on such a record does not blame a request."""
    send(mock, "hand", ONCE)
    mock.ask("PUT", "/sandbox/hand/__admin/state/cards/HAND-2", b'{"status": "activated"}')
    sent = send(mock, "hand", {**ONCE, "card_identifier": "HAND-2"})[1]
    page = console(at(mock, "hand", "state", collection="cards"))
    expect(page.locator("tr", has_text="CARD-001")).to_contain_text("request #")
    expect(page.locator("tr", has_text="HAND-2")).to_contain_text("by hand or snapshot")
    page.goto(at(mock, "hand", "journal", id=sent["Mock-Entry"]))
    expect(page.locator(".detail")).to_contain_text("a record that was written before, by hand or from a snapshot")
    expect(page.locator(".detail")).not_to_contain_text("Record written by")


def test_a_dialog_shows_one_error_until_something_changes(mock: Serving, console: Opened) -> None:
    """What is not JSON by its place, in the reader's language, and then the refusal of the mock alone."""
    page = console(at(mock, "state-3", "state", collection="cards"), tells=False, locale="es-MX")
    page.get_by_role("button", name="Editar TEST-CARD", exact=True).click()
    dialog = page.get_by_role("dialog")
    fields, alert = dialog.locator("textarea"), dialog.get_by_role("alert")
    save = dialog.locator("button[type=submit]")
    for typed, told in [
        ('{\n"status": "issued",}', "Esto no es JSON: la lectura se detuvo en la línea 2, columna 20."),
        ("issued", "Esto no es JSON."),
        ("[]", "El cuerpo de la solicitud no es el que esta ruta acepta."),
    ]:
        fields.fill(typed)
        expect(alert).to_have_count(0)
        save.click()
        expect(alert).to_have_count(1)
        expect(alert).to_contain_text(told)
    fields.fill("[ ]")
    expect(alert).to_have_count(0)
    page.keyboard.press("Escape")


def test_a_bug_report_is_saved(mock: Serving, console: Opened) -> None:
    """As a file; bundle and curl line are there too."""
    send(mock, "report", {**LASTING, "reference_batch": ""})
    page = console(at(mock, "report"), permissions=["clipboard-read", "clipboard-write"])
    rows(page).first.click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Bug report").click()
    assert "Empty reference batch." in saved.value.path().read_text(encoding="utf-8")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download to replay").click()
    assert (
        json.loads(saved.value.path().read_bytes())["entry"]["decision"]["scenario"]["scenario"]
        == "reference-batch-empty"
    )
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert shlex.split(command)[:3] == ["curl", "-i", f"{mock.url}/sandbox/report{PATH}"]


@pytest.mark.parametrize("locale", ["en-US", "es-MX"])
def test_the_coverage_page_is_saved(mock: Serving, console: Opened, locale: str) -> None:
    """Of the sandbox, or of all, in the reader's language."""
    send(mock, "page", ONCE)
    page = console(at(mock, "page", "outcomes"), locale=locale)
    texts = TRANSLATIONS[locale[:2]]
    for every, sandbox in ((False, "coverage.sandbox"), (True, "coverage.sandbox.all")):
        page.get_by_label(texts["outcomes.every"]).set_checked(every)
        expect(page).to_have_url(re.compile("all=1" if every else "outcomes$|outcomes[?](?!.*all)"))
        with page.expect_download() as saved:
            page.get_by_role("button", name=texts["outcomes.page"]).click()
        assert saved.value.suggested_filename == "coverage.html"
        shown = saved.value.path().read_text(encoding="utf-8")
        assert f"<h1>{texts['coverage.title']}</h1>" in shown
        assert texts[sandbox].format(sandbox="page") in shown


# -- how it is ----------------------------------------------------------------------------------------

VIEWS = ("journal", "outcomes", "try", "values", "state")
LINKS = {"journal": "Journal", "outcomes": "Outcomes", "try": "Try it", "values": "Test values", "state": "State"}


def test_the_token_is_asked_for_once(console: Opened) -> None:
    """It is kept for the tab alone; a wrong one is asked for again."""
    with nearby(token="t0ken") as serve:
        serve.post(LASTING)
        page = console(serve.url, tells=False)
        for given in ("wrong", "t0ken"):
            expect(page.get_by_role("dialog")).to_be_visible()
            page.get_by_role("textbox", name="Token").fill(given)
            page.get_by_role("button", name="Continue").click()
        expect(rows(page)).to_have_count(1)
        page.reload()
        expect(rows(page)).to_have_count(1)
        assert "t0ken" not in page.content() + page.url
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        other = console(serve.url, tells=False)
        other.get_by_role("button", name="Cancel").click()
        expect(other.get_by_text("A token is needed")).to_be_visible()
        expect(other.locator(".base")).to_be_empty()
        other.get_by_role("button", name="Enter the token").click()
        other.get_by_role("textbox", name="Token").fill("t0ken")
        other.get_by_role("button", name="Continue").click()
        expect(other.locator(".base")).to_have_text(serve.url)
        for one in (page, other):
            one.close()


def test_an_expired_token_is_told_in_words(console: Opened) -> None:
    """The mock came back with another token."""
    port = str(free_port())
    with serving("--port", port, "--admin-token", "old") as serve:
        page = console(serve.url, tells=False)
        page.get_by_role("textbox", name="Token").fill("old")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("No requests yet")).to_be_visible()
    expect(page.get_by_text("The mock cannot be reached").first).to_be_visible()
    with serving("--port", port, "--admin-token", "new"):
        expect(page.get_by_role("dialog")).to_contain_text("The mock no longer takes this token")
        page.get_by_role("textbox", name="Token").fill("new")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator(".pulse")).to_have_text("Live")
        page.close()


def test_a_restarted_server_is_found_again(console: Opened) -> None:
    """Disconnected, then live with all that came meanwhile."""
    port = str(free_port())
    with serving("--port", port) as serve:
        serve.post(LASTING)
        page = console(serve.url, tells=False)
        expect(rows(page)).to_have_count(1)
    expect(page.locator(".pulse")).to_have_text("Disconnected")
    expect(page.get_by_text("The mock cannot be reached")).to_be_visible()
    expect(waiting(page)).to_contain_text("not known until the mock answers")
    expect(rows(page)).to_have_count(1)
    with serving("--port", port) as serve:
        serve.post({})
        expect(page.locator(".pulse")).to_have_text("Live")
        expect(page.get_by_text("The mock cannot be reached")).to_be_hidden()
        expect(waiting(page)).to_contain_text("nothing armed")
        expect(rows(page)).to_have_count(1)
        expect(rows(page).first).to_contain_text("reference-batch-empty")
        page.close()


@pytest.mark.parametrize(
    ("locale", "width", "away", "live"),
    [
        ("es-MX", 390, "No se puede conectar con el mock", "En vivo"),
        ("en-US", 1440, "The mock cannot be reached", "Live"),
    ],
)
def test_a_view_opens_while_the_mock_is_away(console: Opened, locale: str, width: int, away: str, live: str) -> None:
    """Each says in the reader's words that the mock is away, and loads by itself once it is back."""
    port = str(free_port())
    with serving("--port", port) as serve:
        page = console(serve.url, tells=False, locale=locale, viewport={"width": width, "height": 844})
        expect(page.locator(".pulse")).to_have_attribute("class", "pulse live")
    expect(page.locator(".pulse")).to_have_attribute("class", "pulse away")
    for view in ("outcomes", "values", "try", "state"):
        page.locator(f"nav a[href='#/{view}']").click()
        expect(page.locator("main").get_by_role("alert")).to_contain_text(away)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("nav a[href='#/outcomes']").click()
    expect(page.locator("main").get_by_role("alert")).to_contain_text(away)
    with serving("--port", port):
        expect(page.locator(".outcome")).to_have_count(22)
        expect(page.locator(".pulse")).to_have_text(live)
        page.close()


def test_the_console_works_by_keyboard(mock: Serving, console: Opened) -> None:
    """From the address to an entry and back, to another view and an armed outcome."""
    for _ in range(3):
        send(mock, "keys", ONCE)
    page = console(at(mock, "keys"))
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("grid"))
    for key in ("ArrowDown", "ArrowDown", "Home", "End"):
        page.keyboard.press(key)
    expect(page.locator(".rows-row.current")).to_contain_text("activated-existing-customer")
    page.keyboard.press("Enter")
    expect(page.locator(".detail .entry-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Outcomes"), "Shift+Tab")
    page.keyboard.press("Enter")
    first = page.locator(".outcome summary").first
    expect(first).to_be_visible()
    tab_to(page, first)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Arm this answer").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Arm", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)


def tab_to(page: Page, target: Any, key: str = "Tab") -> None:
    """Press a key until something has the focus."""
    for _ in range(60):
        if target.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not lead to {target}")


def test_axe_finds_no_violation(mock: Serving, console: Opened) -> None:
    """WCAG 2.2 AA in every view and dialog, wide, narrow and dark."""
    send(mock, "axe", ONCE)
    send(mock, "axe", {**ONCE, "pin": "x", "customerId": 1})
    send(mock, "axe", {}, Mock_Scenario="nothing")
    send(mock, "axe", LASTING, Mock_Fault="gateway")
    page = console(at(mock, "axe"), tells=False)
    found = {}
    for view in VIEWS:
        page.goto(at(mock, "axe", view))
        expect(page.locator("main .loading")).to_have_count(0)
        expect(page.locator("main h1")).to_be_visible()
        if view == "journal":
            found["rows"] = violations(page)
            rows(page).nth(2).click()
            expect(page.locator(".detail .entry-title")).to_be_visible()
        if view == "outcomes":
            page.locator(".outcome summary").first.click()
            expect(page.locator(".outcome .json")).to_be_visible()
            page.get_by_role("button", name="Arm this answer").first.click()
            expect(page.get_by_role("dialog").get_by_label("For how many requests")).to_be_visible()
            found["settings"] = violations(page)
            page.get_by_role("button", name="Other answers").click()
            found["answers to arm"] = violations(page)
            page.get_by_role("dialog").get_by_role("button", name="5001").first.click()
            expect(page.locator(".chip")).to_be_visible()
        if view == "try":
            page.get_by_role("button", name="Send", exact=True).click()
            expect(page.get_by_role("link", name="Open in the journal")).to_be_visible()
        if view == "values":
            expect(page.locator(".value-line").first).to_be_visible()
        found[view] = violations(page)
    page.get_by_role("button", name="Add a record").click()
    found["a dialog"] = violations(page)
    assert found == {name: {} for name in found}


def test_axe_finds_no_violation_in_spanish(mock: Serving, console: Opened) -> None:
    """In every view, and in an entry with all that can be wrong."""
    for more in ({"pin": "x"}, {}, {"customerId": 1}):
        send(mock, "axe-es", {**ONCE, **more})
    page = console(at(mock, "axe-es"), locale="es-MX")
    found = {}
    for view in VIEWS:
        page.goto(at(mock, "axe-es", view))
        expect(page.locator("main .loading")).to_have_count(0)
        if view == "journal":
            rows(page).first.click()
            expect(page.locator(".detail .misses")).to_be_visible()
        if view == "outcomes":
            page.locator(".outcome summary").first.click()
            expect(page.locator(".outcome .json")).to_be_visible()
        found[view] = violations(page)
    page.locator(".next > .primary").click()
    expect(page.locator("dialog .choice").first).to_be_visible()
    found["answers to arm"] = violations(page)
    assert found == {name: {} for name in found}


def test_axe_finds_no_violation_in_empty_states(console: Opened) -> None:
    """Empty, no match, loading, failed, no token, unreachable; the bug report."""
    found = {}
    with nearby(token="t0ken") as serve:
        page = console(serve.url, tells=False)
        expect(page.get_by_role("dialog")).to_be_visible()
        found["the question for the token"] = violations(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("A token is needed")).to_be_visible()
        found["no token"] = violations(page)
        page.close()
    with nearby() as serve:
        page = console(serve.url, tells=False)
        expect(page.get_by_text("No requests yet")).to_be_visible()
        found["nothing"] = violations(page)
        serve.post({**ONCE, "reference_batch": ""})
        page.goto(serve.url + "/#/journal?text=nothing-of-this")
        expect(page.get_by_text("No request matches")).to_be_visible()
        found["no match"] = violations(page)
        report = page.context.new_page()
        report.goto(serve.url + "/__admin/requests/1/report")
        found["the report"] = violations(report)
        report.close()
        slow = page.context.new_page()
        slow.route(re.compile("/__admin/(?!console/|$)"), lambda route: None)
        slow.goto(serve.url)
        expect(slow.locator(".rows .loading")).to_be_attached()
        found["on its way"] = violations(slow)
        expect(slow.locator(".rows .loading")).to_be_attached()
        slow.unroute_all(behavior="ignoreErrors")
        slow.route(re.compile("/__admin/(?!console/|$)"), lambda route: route.fulfill(status=500, body="{}"))
        slow.reload()
        expect(slow.get_by_text("The mock answered 500. This page tries again by itself.")).to_be_visible()
        expect(slow.get_by_role("alert")).to_contain_text("The mock answered 500.")
        found["broken"] = violations(slow)
        slow.unroute_all(behavior="ignoreErrors")
        slow.close()
    expect(page.locator(".away-banner")).to_be_visible()
    found["gone"] = violations(page)
    page.get_by_role("link", name="State").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["failed"] = violations(page)
    assert found == {name: {} for name in found}


@pytest.mark.parametrize("width", [390, 1440])
def test_no_view_scrolls_into_emptiness(mock: Serving, console: Opened, width: int) -> None:
    """At the end of each view something stands near the bottom of the window."""
    page = console(at(mock, "ends"), viewport={"width": width, "height": 844})
    for view in ("outcomes", "try", "values", "state"):
        page.goto(at(mock, "ends", view))
        expect(page.locator("main .loading")).to_have_count(0)
        gap = page.evaluate(
            """() => {
                const main = document.querySelector('main');
                main.scrollTo(0, 1e6);
                document.documentElement.scrollTo(0, 1e6);
                const shown = [...main.children].filter(one => one.offsetHeight).pop().getBoundingClientRect();
                const gap = main.getBoundingClientRect().bottom - shown.bottom;
                return [document.documentElement.scrollTop, main.scrollTop && gap];
            }"""
        )
        assert gap[0] == 0, view
        assert gap[1] < 60, view


def test_an_entry_has_nothing_below_its_end(mock: Serving, console: Opened) -> None:
    """On a phone, where its near misses are blocks."""
    for _ in range(2):
        send(mock, "end", ONCE)
    page = console(at(mock, "end"), viewport={"width": 390, "height": 844})
    rows(page).first.click()
    expect(page.locator(".detail .misses")).to_be_attached()
    hidden = page.evaluate("(main => main.scrollHeight - main.clientHeight)(document.querySelector('main'))")
    assert hidden == 0
    last = page.evaluate(
        """() => {
            const detail = document.querySelector('.detail');
            detail.scrollTo(0, 1e6);
            return detail.getBoundingClientRect().bottom - detail.lastElementChild.getBoundingClientRect().bottom;
        }"""
    )
    assert last < 60


def test_times_are_shown_in_the_chosen_zone(mock: Serving, console: Opened) -> None:
    """That of the browser, or UTC everywhere."""
    send(mock, "zone", ONCE)
    how = {"locale": "es-MX", "timezone_id": "America/Mexico_City"}
    page = console(at(mock, "zone"), **how)
    expect(page.get_by_role("columnheader", name=re.compile(r"Hora \(.*6\)"))).to_be_visible()
    page.goto(at(mock, "zone", "state"))
    page.get_by_label("Zona horaria").select_option("UTC")
    expect(page.locator(".clock-face")).to_contain_text("UTC")
    page.goto(at(mock, "zone", "journal"))
    expect(page.get_by_role("columnheader", name="Hora (UTC)")).to_be_visible()
    page.evaluate("localStorage.clear()")


def test_unchanged_records_are_folded(mock: Serving, console: Opened) -> None:
    """What a request changed is in sight, the rest is opened."""
    send(mock, "fold", ONCE)
    page = console(at(mock, "fold"))
    rows(page).first.click()
    expect(page.locator(".detail table.records tr.changed").first).to_be_visible()
    folded = page.locator(".detail details", has_text="unchanged").first
    expect(folded.locator("table")).to_be_hidden()


def test_the_last_sandbox_is_opened_again(console: Opened) -> None:
    """At the address of the mock alone; what is deleted or emptied is named."""
    with nearby() as serve:
        send(serve, "mine", LASTING)
        page = console(serve.url, tells=False)
        page.get_by_label("Sandbox", exact=True).select_option("mine")
        expect(rows(page)).to_have_count(1)
        page.goto("about:blank")
        page.goto(serve.url)
        expect(rows(page)).to_have_count(1)
        assert "sandbox=mine" in page.url
        page.get_by_role("button", name="Empty the journal").click()
        expect(page.get_by_role("dialog")).to_contain_text("All entries of sandbox mine are deleted.")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="State").click()
        page.get_by_role("button", name="Reset").click()
        expect(page.get_by_role("dialog")).to_contain_text("Sandbox mine goes back to its seeds")
        page.keyboard.press("Escape")
        page.close()


def test_a_stopped_clock_is_told_in_each_view(mock: Serving, console: Opened) -> None:
    """And a running one moves."""
    page = console(at(mock, "stopped", "state"))
    face = page.locator(".clock-face > span").first
    before = face.inner_text()
    expect(face).not_to_have_text(before)
    page.get_by_role("button", name="Freeze", exact=True).click()
    page.get_by_role("link", name="Journal").click()
    expect(waiting(page)).to_contain_text("clock frozen at")


def test_a_language_is_chosen(console: Opened) -> None:
    """For the pages, and for a report; each view has a link to the other one."""
    with nearby() as serve:
        serve.post({**LASTING, "reference_batch": ""})
        page = console(f"{serve.url}/#/state")
        page.get_by_label("Language").select_option("Español")
        expect(page.get_by_role("heading", name="Estado")).to_be_visible()
        page.get_by_role("link", name="Bitácora").click()
        rows(page).first.click()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Reporte de error").click()
        assert '<html lang="es">' in saved.value.path().read_text(encoding="utf-8")
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Journal")).to_be_visible()
        page.close()


def test_the_only_answer_that_matches_is_armed_by_enter(mock: Serving, console: Opened) -> None:
    """Found by its words in the reader's language."""
    page = console(at(mock, "enter"), locale="es-MX")
    page.locator(".next > .primary").click()
    page.get_by_role("dialog").get_by_role("searchbox").fill("ya está activada 4433")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_contain_text("4433 · card-already-activated")


@pytest.mark.parametrize("view", ["arm", "outcomes", "values"])
def test_a_search_needs_no_accents(mock: Serving, console: Opened, view: str) -> None:
    """And finds an outcome by its code as a word and as a header writes it."""
    page = console(at(mock, "accents", "state" if view == "arm" else view), locale="es-MX")
    if view == "arm":
        page.locator(".next > .primary").click()
    area = page.get_by_role("dialog") if view == "arm" else page.locator("main")
    search = area.get_by_role("searchbox")
    found = area.locator(".choice:visible, .outcome:visible, .value-line:visible")
    for typed, scenario in [
        ("electronico otro", "email-taken"),
        ("CODIGO 5001", "provider-communication"),
        ("código 5001", "provider-communication"),
        ("code=5001", "provider-communication"),
    ]:
        search.fill("nothing-of-this")
        expect(found).to_have_count(0)
        search.fill(typed)
        expect(found).to_have_count(1)
        expect(found).to_contain_text(scenario)


def test_sandboxes_are_searched(mock: Serving, console: Opened) -> None:
    """By a part of their name."""
    for name in ("find-apple", "find-pear"):
        send(mock, name, LASTING)
    page = console(at(mock, "find-pear", "state"))
    expect(page.get_by_role("button", name="Delete find-apple")).to_be_visible()
    page.get_by_label("Search sandboxes").fill("PEAR")
    expect(page.get_by_role("button", name="Delete find-apple")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete find-pear")).to_be_visible()


@pytest.mark.parametrize(("width", "locale"), [(390, "en-US"), (390, "es-MX"), (1440, "es-MX")])
def test_names_of_faults_are_whole(mock: Serving, console: Opened, width: int, locale: str) -> None:
    """In the list, beside a delay, and with an entry open."""
    sandbox = f"faults-{width}-{locale}"
    for fault in ("empty", "truncate", "garbage", "reset"):
        arm(mock, sandbox, fault=fault)
        with suppress(OSError, http.client.HTTPException):
            send(mock, sandbox, LASTING)
    arm(mock, sandbox, delay="200s")
    with socket.create_connection((urlsplit(mock.url).hostname, urlsplit(mock.url).port)) as client:
        client.sendall(head("POST", f"/sandbox/{sandbox}{PATH}", length=2) + b"{}")
    newest = f"/sandbox/{sandbox}/__admin/requests?limit=1"
    wait_until(lambda: mock.ask("GET", newest)[1]["requests"][0]["client_left"])
    page = console(at(mock, sandbox), locale=locale, viewport={"width": width, "height": 900})
    expect(rows(page)).to_have_count(5)
    expect(rows(page).first).to_contain_text("client left" if locale == "en-US" else "el cliente se fue")
    cut = """() => [...document.querySelectorAll(".rows-body .late > .badge")].filter((one) => {
        const [box, row] = [one, one.closest("[role=row]")].map((node) => node.getBoundingClientRect());
        return one.scrollWidth > one.clientWidth || box.top < row.top || box.bottom > row.bottom
            || box.right > row.right || one.closest(".cell").scrollWidth > one.closest(".cell").clientWidth;
    }).map((one) => one.textContent)"""
    assert page.evaluate(cut) == []
    if width > 1000:
        rows(page).first.click()
        expect(page.locator(".detail .entry-title")).to_be_visible()
        assert page.evaluate(cut) == []


@pytest.mark.parametrize("width", [360, 2560])
def test_no_view_is_wider_than_the_screen(mock: Serving, console: Opened, width: int) -> None:
    """Only elements that scroll by themselves are."""
    send(mock, "wide", {**LASTING, "device_id": "x" * 400})
    page = console(at(mock, "wide"), viewport={"width": width, "height": 740})
    for view in VIEWS:
        page.goto(at(mock, "wide", view))
        expect(page.locator("main .loading")).to_have_count(0)
        if view == "journal":
            rows(page).first.click()
            expect(page.locator(".detail .entry-title")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")


def test_bars_leave_a_phone_room(mock: Serving, console: Opened) -> None:
    """In all a good fifth of its height, also where much is armed; the count and *Disarm all* are in sight."""
    for _ in range(3):
        arm(mock, "bars-of-a-phone", scenario="provider-communication")
    page = console(at(mock, "bars-of-a-phone"), viewport={"width": 390, "height": 844})
    expect(page.get_by_role("heading", name="Next answers 3")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Disarm all")).to_be_in_viewport(ratio=1)
    heights = page.evaluate(
        "() => ['.top', '.next', '.rail'].map((name) => document.querySelector(name).getBoundingClientRect().height)"
    )
    assert sum(heights) < 844 / 4.5, heights


@pytest.mark.parametrize("width", [390, 1440])
def test_values_of_records_are_whole_words(mock: Serving, console: Opened, width: int) -> None:
    """Each on one line where it is not very long."""
    page = console(at(mock, "words", "state"), viewport={"width": width, "height": 844})
    for name in ("Cards", "Customers"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(f".records-table [aria-label={name.lower()}]")).to_be_visible()
        lines = page.evaluate(
            "() => [...document.querySelectorAll('.records-table .whole')].filter((one) => one.getClientRects().length)"
            ".map((one) => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight))"
        )
        assert lines
        assert max(lines) < 1.5, name


@pytest.mark.parametrize("height", [500, 844])
def test_the_search_of_answers_covers_none_of_them(mock: Serving, console: Opened, height: int) -> None:
    """Only the list below it scrolls."""
    page = console(at(mock, "search"), viewport={"width": 390, "height": height})
    page.get_by_role("button", name="Arm an answer").click()
    page.locator("dialog .choice").last.scroll_into_view_if_needed()
    for selector in ("dialog input[type=search]", "dialog .choice:last-child .choice-main >> nth=-1"):
        expect(page.locator(selector)).to_be_in_viewport(ratio=1)
    assert page.evaluate("() => document.querySelector('dialog').scrollTop") == 0


def test_the_console_speaks_spanish(mock: Serving, console: Opened) -> None:
    """By the browser's language; English for one that has no texts."""
    page = console(at(mock, "es"), locale="es-MX")
    expect(page.get_by_role("heading", name="Bitácora")).to_be_visible()
    expect(page.get_by_text("Todavía no hay solicitudes")).to_be_visible()
    about = page.locator(".top").get_by_text("Servidor simulado")
    expect(about).to_have_text(f"Servidor simulado · POST {PATH}")
    expect(about).to_have_text("Servidor simulado", use_inner_text=True)
    page.set_viewport_size({"width": 1440, "height": 800})
    expect(about).to_have_text(f"Servidor simulado · POST {PATH}", use_inner_text=True)
    assert page.evaluate("document.documentElement.lang") == "es"
    console(at(mock, "es"), locale="fr-FR").get_by_role("heading", name="Journal").wait_for()


def test_the_browser_enforces_the_content_security_policy(mock: Serving, console: Opened) -> None:
    """Neither an inline script nor one from elsewhere runs."""
    page = console(at(mock, "policy"), tells=False)
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.wasRun = true';
            document.body.append(script);
        }"""
    )
    assert page.evaluate("window.wasRun") is None
