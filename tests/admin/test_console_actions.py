"""Actions of the console, in a real browser: each does what it names, in the sandbox that it names, and once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import LASTING, ONCE, PATH, Serving, serving
from tests.support.browser import Opened


@pytest.fixture(scope="module")
def mock() -> Iterator[Serving]:
    """A server for all tests of the module: each uses sandboxes of its own."""
    with serving("--log-format", "none") as serve:
        yield serve


def send(mock: Serving, sandbox: str, body: object) -> None:
    """A request of the client under test."""
    assert mock.post(body, f"/sandbox/{sandbox}{PATH}")[0]


def admin(mock: Serving, sandbox: str, path: str, method: str = "GET", value: object = None) -> Any:
    """What an admin route of a sandbox answers."""
    body = b"" if value is None else json.dumps(value).encode()
    return mock.ask(method, f"/sandbox/{sandbox}/__admin/{path}", body)[1]


def choose(page: Page, sandbox: str) -> None:
    """Go to a sandbox by the select box of the header."""
    page.get_by_label("Sandbox", exact=True).focus()  # which asks for the list anew
    page.get_by_label("Sandbox", exact=True).select_option(sandbox)


class Held:
    """The requests of a page that match a pattern: held until they are released, in any order."""

    def __init__(self, page: Page, pattern: str, method: str = "GET") -> None:
        self._page, self._method = page, method
        self._holds = True
        self.routes: list[Route] = []
        page.route(pattern, lambda route: self._hold(route))  # noqa: PLW0108 - it asks a function of Python for its names

    def _hold(self, route: Route) -> None:
        if self._holds and route.request.method == self._method:
            self.routes.append(route)
        else:
            route.continue_()

    def wait(self, count: int = 1) -> None:
        """Wait until so many are held."""
        while len(self.routes) < count:
            self._page.wait_for_timeout(20)

    def release(self) -> None:
        """Let them go, hold no more, and wait for what the page draws of them."""
        self._holds = False
        for route in self.routes:
            route.continue_()
            response = route.request.response()
            assert response is not None
            response.finished()
        self._page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


@pytest.mark.parametrize(
    ("view", "button", "title"),
    [
        ("journal", "Empty the journal", "Empty the journal"),
        ("state", "Reset", "Reset"),
        ("state", "Edit TEST-CARD", "Edit a record"),
        ("state", "Arm an answer", "Arm an answer"),
    ],
)
def test_back_closes_a_dialog(mock: Serving, console: Opened, view: str, button: str, title: str) -> None:
    """It is about the sandbox that it names, and the page behind it is then another's."""
    for sandbox in ("back-a", "back-b"):
        send(mock, sandbox, ONCE)
    page = console(f"{mock.url}/#/{view}?sandbox=back-a&collection=cards")
    choose(page, "back-b")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("dialog", name=title)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label("Sandbox", exact=True)).to_have_value("back-a")
    for sandbox in ("back-a", "back-b"):
        assert len(admin(mock, sandbox, "requests")["requests"]) >= 1


def test_a_confirmed_action_keeps_its_sandbox(mock: Serving, console: Opened) -> None:
    """Also where the reader leaves that sandbox before the mock has answered."""
    for sandbox in ("kept-a", "kept-b"):
        send(mock, sandbox, ONCE)
    page = console(f"{mock.url}/#/state?sandbox=kept-a")
    choose(page, "kept-b")
    page.get_by_role("button", name="Reset", exact=True).click()
    page.evaluate("() => { document.querySelector('dialog button[type=submit]').click(); history.back(); }")
    expect(page.get_by_text("The sandbox was reset")).to_be_visible()
    counts = [len(admin(mock, sandbox, "requests")["requests"]) for sandbox in ("kept-a", "kept-b")]
    assert counts == [1, 0]


@pytest.mark.parametrize("form", [False, True])
def test_a_double_click_arms_once(mock: Serving, console: Opened, form: bool) -> None:
    """By a row of the list, and by the form of settings, while the mock takes its time."""
    sandbox = f"once-{form}"
    page = console(f"{mock.url}/#/journal?sandbox={sandbox}")
    page.get_by_role("button", name="Arm an answer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Sandbox: {sandbox}")
    if form:
        dialog.get_by_role("button", name="Settings: 5001").first.click()
        button = dialog.get_by_role("button", name="Arm", exact=True)
    else:
        button = dialog.get_by_role("button", name="5001").first
    held = Held(page, "**/__admin/arm", "POST")
    button.dblclick()
    held.wait()
    button.click()
    held.release()
    expect(dialog).to_have_count(0)
    assert len(admin(mock, sandbox, "armed")["armed"]) == len(held.routes) == 1


def test_a_double_click_moves_the_clock_once(mock: Serving, console: Opened) -> None:
    """As each form sends once at a time."""
    page = console(f"{mock.url}/#/state?sandbox=clock-once")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("frozen", exact=True)).to_be_visible()
    held = Held(page, "**/__admin/clock", "PUT")
    page.get_by_role("button", name="Move", exact=True).dblclick()
    held.wait()
    held.release()
    assert len(held.routes) == 1


@pytest.mark.parametrize(
    ("view", "late", "old", "new"),
    [
        ("state", "state/cards", ".records-table tr:has-text('CARD-001')", ".records-table tr"),
        ("outcomes", "coverage", ".outcome.met:has-text('activated-existing-customer')", ".outcome"),
    ],
)
def test_a_late_answer_is_not_shown_in_another_sandbox(
    mock: Serving, console: Opened, view: str, late: str, old: str, new: str
) -> None:
    """What was asked of the sandbox before comes last, and is dropped."""
    send(mock, f"late-{view}", ONCE)
    send(mock, "late-other", {})
    page = console(f"{mock.url}/#/journal?sandbox=late-other")
    held = Held(page, f"**/late-{view}/__admin/{late}*")
    page.goto(f"{mock.url}/#/{view}?sandbox=late-{view}&collection=cards")
    held.wait()
    choose(page, "late-other")
    expect(page.locator(new).first).to_be_visible()
    held.release()
    expect(page.locator(new).first).to_be_visible()
    expect(page.locator(old)).to_have_count(0)


def test_late_test_values_are_not_shown_in_another_sandbox(mock: Serving, console: Opened) -> None:
    """A curl line goes to the sandbox of the page."""
    send(mock, "line-a", ONCE)
    send(mock, "line-b", ONCE)
    page = console(f"{mock.url}/#/journal?sandbox=line-a", permissions=["clipboard-read", "clipboard-write"])
    held = Held(page, "**/line-a/__admin/coverage")
    page.get_by_role("link", name="Test values").click()
    held.wait()
    choose(page, "line-b")
    copy = page.get_by_role("button", name="Copy curl").first
    expect(copy).to_be_visible()
    held.release()
    copy.click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert f"/sandbox/line-b{PATH}" in page.evaluate("navigator.clipboard.readText()")


def test_a_sandbox_shows_nothing_of_the_one_before(mock: Serving, console: Opened) -> None:
    """While the mock has not answered for it."""
    send(mock, "before-a", ONCE)
    page = console(f"{mock.url}/#/state?sandbox=before-a&collection=cards")
    expect(page.locator(".records-table tr", has_text="CARD-001")).to_be_visible()
    held = Held(page, "**/before-b/__admin/state/cards")
    choose(page, "Create or go to another…")
    page.get_by_label("Name", exact=True).fill("before-b")
    page.get_by_role("button", name="Go there").click()
    held.wait()
    expect(page.locator(".records-table .loading")).to_be_visible()
    held.release()
    expect(page.locator(".records-table tr", has_text="TEST-CARD").first).to_be_visible()


def test_a_late_list_of_sandboxes_keeps_the_choice(mock: Serving, console: Opened) -> None:
    """The select box of the header shows the sandbox of the page."""
    for sandbox in ("list-a", "list-b"):
        send(mock, sandbox, LASTING)
    page = console(f"{mock.url}/#/values?sandbox=list-a")
    select = page.get_by_label("Sandbox", exact=True)
    expect(select.locator("option[value=list-b]")).to_have_count(1)
    held = Held(page, "**/__admin/sandboxes")
    select.focus()
    held.wait()
    select.select_option("list-b")
    held.wait(2)
    held.release()
    expect(select).to_have_value("list-b")
