"""The console's *Try it* in a real browser: where its form begins, what it sends again, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.support import LASTING, PATH, Serving, serving
from tests.support.browser import Opened


@pytest.fixture(scope="module")
def mock() -> Iterator[Serving]:
    """A server for all tests of the module: each uses a sandbox of its own."""
    with serving("--log-format", "none") as serve:
        yield serve


def at(serve: Serving, sandbox: str, **params: str) -> str:
    """The address of the view in a sandbox."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return f"{serve.url}/sandbox/{sandbox}/#/try?{query}"


def test_a_request_that_is_gone_leaves_the_usual_form(mock: Serving, console: Opened) -> None:
    """The page says so, and does not ask for it again."""
    page = console(at(mock, "gone", entry="987654"), tells=False)
    expect(page.get_by_text("The journal does not have the request #987654 any more")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    assert "entry" not in page.url
    page.get_by_label("card_identifier", exact=True).fill("CARD-9")
    page.get_by_role("link", name="Journal", exact=True).click()
    page.get_by_role("link", name="Try it", exact=True).last.click()
    expect(page.get_by_label("card_identifier", exact=True)).to_have_value("CARD-9")


def test_headers_are_sent_again(mock: Serving, console: Opened) -> None:
    """As they came, but for those that a client sets by itself and those that the journal does not keep."""
    headers = {
        "X-Mine": "hello",
        "Mock-Scenario": "provider-communication",
        "Authorization": "Bearer 1234",
        "Content-Type": "application/json",
    }
    mock.post(LASTING, f"/sandbox/headers{PATH}", **headers, **{"Mock-Fault": "gateway"})
    entry = mock.ask("GET", "/sandbox/headers/__admin/requests")[1]["requests"][0]["id"]
    page = console(at(mock, "headers", entry=entry), tells=False)
    expect(page.get_by_text("Left out, as the journal does not keep their values: Authorization.")).to_be_visible()
    field = page.get_by_label("Headers", exact=True)
    expect(field).to_be_visible()
    assert sorted(field.input_value().splitlines()) == [
        "Content-Type: application/json",
        "Mock-Fault: gateway",
        "X-Mine: hello",
    ]
    expect(page.get_by_label("Outcome (Mock-Scenario)")).to_have_value("provider-communication")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("link", name="Open in the journal")).to_be_visible()
    newest = mock.ask("GET", "/sandbox/headers/__admin/requests?limit=1")[1]["requests"][0]["id"]
    sent = mock.ask("GET", f"/sandbox/headers/__admin/requests/{newest}")[1]
    named = {one["name"].lower(): one["value"] for one in sent["request"]["headers"]}
    assert newest != entry
    assert (named["x-mine"], named["mock-scenario"], named["mock-fault"]) == (
        "hello",
        "provider-communication",
        "gateway",
    )
    assert named["content-type"] == "application/json"


def test_an_edited_form_goes_along_to_another_sandbox(mock: Serving, console: Opened) -> None:
    """From an entry too; the address is that of the other sandbox, where the request is sent."""
    mock.post(LASTING, f"/sandbox/along{PATH}")
    mock.post(LASTING, f"/sandbox/along-other{PATH}")
    entry = mock.ask("GET", "/sandbox/along/__admin/requests")[1]["requests"][0]["id"]
    page = console(at(mock, "along", entry=entry))
    page.get_by_label("card_identifier", exact=True).fill("edited")
    page.get_by_label("Sandbox", exact=True).select_option("along-other")
    expect(page.locator("main .endpoint")).to_contain_text("/sandbox/along-other/")
    expect(page.get_by_label("card_identifier", exact=True)).to_have_value("edited")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("link", name="Open in the journal")).to_be_visible()
    newest = mock.ask("GET", "/sandbox/along-other/__admin/requests?text=edited")[1]["requests"]
    assert [one["sandbox"] for one in newest] == ["along-other"]


def test_a_phone_shows_that_an_answer_is_awaited(mock: Serving, console: Opened) -> None:
    """At once, with the button that gives it up, although it stands below the form."""
    page = console(at(mock, "awaited"), viewport={"width": 390, "height": 844}, tells=False)
    held: list[Route] = []
    page.route(f"**{PATH}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no builtin
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Waiting for the answer")).to_be_in_viewport()
    page.locator("main .beside").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="You stopped waiting")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
