"""The console's journal in a real browser where answers are late, lost, or of another sandbox."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import LASTING, ONCE, PATH, PATIENCE, Serving, head, serving
from tests.support.browser import Opened

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def mock() -> Iterator[Serving]:
    """A server for all tests of the module: each uses a sandbox of its own."""
    with serving("--log-format", "none") as serve:
        yield serve


def at(serve: Serving, sandbox: str, view: str = "journal", **params: str) -> str:
    """The address of a view in a sandbox."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return f"{serve.url}/sandbox/{sandbox}/#/{view}?{query}"


def rows(page: Page) -> Any:
    """The rows of the journal that are in sight."""
    return page.locator(".rows-body [role=row]")


def send(serve: Serving, sandbox: str, body: object = LASTING, **headers: str) -> None:
    """A request of the client under test."""
    serve.post(body, f"/sandbox/{sandbox}{PATH}", **{name.replace("_", "-"): value for name, value in headers.items()})


def flood(serve: Serving, sandbox: str, count: int) -> None:
    """Many requests on one connection."""
    body = json.dumps(LASTING).encode()
    one, split = head("POST", f"/sandbox/{sandbox}{PATH}", length=len(body)) + body, urlsplit(serve.url)
    with socket.create_connection((split.hostname, split.port), PATIENCE) as connection:
        connection.sendall(one * count)
        came = b""
        while came.count(b"HTTP/1.1 200 OK") < count or not came.endswith(b"}}"):
            came += connection.recv(65_536)


def show(page: Page, *, hidden: bool) -> None:
    """What the browser tells a page whose tab comes into sight, or is behind another one."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_many_tabs_are_open(mock: Serving, console: Opened) -> None:
    """A browser opens six connections to a host: a tab that nobody sees takes none, and goes on when it is seen."""
    send(mock, "tabs")
    pages = []
    for _ in range(8):
        pages.append(console(at(mock, "tabs")))
        expect(rows(pages[-1])).to_have_count(1)
        show(pages[-1], hidden=True)
    send(mock, "tabs")
    show(pages[0], hidden=False)
    expect(rows(pages[0])).to_have_count(2)
    expect(pages[0].locator(".away-banner")).to_be_hidden()


def test_a_late_entry_does_not_replace_the_chosen_one(mock: Serving, console: Opened) -> None:
    """The detail is of the row that was chosen last, whatever comes first."""
    send(mock, "late")
    send(mock, "late", {**LASTING, "reference_batch": ""})
    page = console(at(mock, "late"))
    expect(rows(page)).to_have_count(2)
    held: list[Route] = []
    late_id = rows(page).first.get_attribute("id").rpartition("-")[2]
    page.route(f"**/__admin/requests/{late_id}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no builtin
    rows(page).first.click()
    expect(page.locator(".detail .loading")).to_be_visible()
    rows(page).last.click()
    title = page.locator(".entry-title")
    expect(title).to_contain_text("activated-existing-customer")
    with page.expect_response(f"**/__admin/requests/{late_id}"):
        held[0].continue_()
    page.unroute_all(behavior="wait")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(title).to_contain_text("activated-existing-customer")


def test_requests_that_could_not_be_loaded_are_told(mock: Serving, console: Opened) -> None:
    """A button loads them; nothing is shown twice."""
    flood(mock, "short", 250)
    page = console("about:blank", tells=False)
    page.route("**/__admin/requests?*before=*", lambda route: route.abort())
    page.goto(at(mock, "short"))
    note = page.locator(".notes .notice")
    expect(note).to_contain_text("Older requests are missing here")
    expect(page.get_by_text("200 requests")).to_be_visible()
    page.unroute_all(behavior="wait")
    note.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("250 requests")).to_be_visible()
    expect(note).to_have_count(0)


def test_a_journal_that_others_empty_is_empty_here_too(mock: Serving, console: Opened) -> None:
    """By a reset of this sandbox, also while the list waits; a reset of another one changes nothing."""
    send(mock, "emptied")
    send(mock, "emptied-other")
    page = console(at(mock, "emptied"))
    expect(rows(page)).to_have_count(1)
    mock.ask("POST", "/sandbox/emptied-other/__admin/reset")
    mock.ask("POST", "/sandbox/emptied/__admin/reset")
    expect(page.get_by_text("No requests yet")).to_be_visible()
    send(mock, "emptied")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    send(mock, "emptied")
    expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
    mock.ask("DELETE", "/sandbox/emptied/__admin/requests")
    expect(page.get_by_text("No requests yet")).to_be_visible()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_a_search_counts_what_waits_anew(mock: Serving, console: Opened) -> None:
    """What came while the list waits is among what is found, and waits no more."""
    page = console(at(mock, "waits"))
    page.get_by_role("button", name="Pause").click()
    send(mock, "waits", {**LASTING, "device_id": "device-1"})
    expect(page.get_by_role("button", name="Resume (1 new)")).to_be_visible()
    page.get_by_label("Search requests and answers").fill("device-1")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_buttons_of_an_entry_act_in_its_sandbox(mock: Serving, console: Opened) -> None:
    """Where the page shows all sandboxes they name it; the answer is armed there, and the request is sent there."""
    send(mock, "acts-other", {**LASTING, "device_id": "acts"})
    page = console(at(mock, "acts", all="1", text="acts"))
    rows(page).first.click()
    page.get_by_role("button", name="Arm this answer in acts-other").click()
    page.get_by_role("dialog").get_by_role("button", name="Arm", exact=True).click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("acts-other")
    assert len(mock.ask("GET", "/sandbox/acts-other/__admin/armed")[1]["armed"]) == 1
    page.get_by_role("link", name="Send again in acts-other").click()
    expect(page.get_by_text("This is the request #")).to_be_visible()
    expect(page.get_by_label("Sandbox", exact=True)).to_have_value("acts-other")
    expect(page.locator(".endpoint")).to_contain_text("/sandbox/acts-other/")


def test_a_narrow_row_shows_its_keys(mock: Serving, console: Opened) -> None:
    """On a phone too; and the detail says whether the answer is documented."""
    send(mock, "narrow", {**ONCE, "card_identifier": "CARD-77"})
    page = console(at(mock, "narrow"), viewport=PHONE)
    expect(rows(page).first.locator(".where")).to_contain_text("CARD-77")
    expect(rows(page).first.locator(".where")).to_be_in_viewport()
    rows(page).first.click()
    expect(page.locator(".entry-top").get_by_text("documented")).to_be_visible()
