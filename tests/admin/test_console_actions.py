"""Actions of the console, in a real browser: each does what it names, in the sandbox that it names, and once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import LASTING, ONCE, PATH, Serving, serving
from tests.support.browser import Opened, wait_for


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
        wait_for(self._page, lambda: len(self.routes) >= count)

    def release(self) -> None:
        """Let them go, the newest first, hold no more, and wait for what the page draws of them."""
        self._holds = False
        for route in reversed(self.routes):
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


def test_a_record_changed_meanwhile_is_not_overwritten_unsaid(mock: Serving, console: Opened) -> None:
    """The dialog says what it is now, and replaces it when asked again; the table behind it is then right."""
    send(mock, "meanwhile", ONCE)
    page = console(f"{mock.url}/#/state?sandbox=meanwhile&collection=cards")
    page.get_by_role("button", name="Edit CARD-001").click()
    admin(mock, "meanwhile", "state/cards/CARD-001", "PUT", {"status": "issued"})
    page.get_by_label("Fields", exact=True).fill('{"status": "activated"}')
    save = page.get_by_role("button", name="Save", exact=True)
    save.click()
    expect(page.get_by_role("alert")).to_contain_text('It is now: {"status":"issued"}.')
    assert admin(mock, "meanwhile", "state/cards/CARD-001")["members"] == {"status": "issued"}
    save.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("tr", has_text="CARD-001")).to_contain_text("activated")


def test_a_record_is_not_added_over_another_unsaid(mock: Serving, console: Opened) -> None:
    """Its key may have a record already; one that has none is added at once, and a key of dots is refused."""
    send(mock, "added", ONCE)
    page = console(f"{mock.url}/#/state?sandbox=added&collection=cards")
    page.get_by_role("button", name="Add a record").click()
    page.get_by_label("Fields", exact=True).fill('{"status": "issued"}')
    save = page.get_by_role("button", name="Save", exact=True)
    for key, told in [
        ("CARD-001", "This key has a record: "),
        ("..", "A key of dots alone cannot be part of an address"),
    ]:
        page.get_by_label("Key", exact=True).fill(key)
        save.click()
        expect(page.get_by_role("alert")).to_contain_text(told)
    assert admin(mock, "added", "state/cards/CARD-001")["members"]["status"] == "activated"
    page.get_by_label("Key", exact=True).fill("CARD-NEW")
    save.click()
    expect(page.locator("tr", has_text="CARD-NEW")).to_contain_text("issued")


def test_the_state_view_shows_what_others_change(mock: Serving, console: Opened) -> None:
    """A clock that was frozen and a record that was written elsewhere; what somebody types for the clock stays."""
    send(mock, "others", ONCE)
    page = console(f"{mock.url}/#/state?sandbox=others&collection=cards")
    expect(page.locator(".clock-face")).to_contain_text("real")
    page.get_by_label("Move forward by").fill("3d")
    admin(mock, "others", "clock", "PUT", {"freeze": "2025-11-18T17:50:57Z"})
    admin(mock, "others", "state/cards/CARD-OTHER", "PUT", {"status": "issued"})
    expect(page.locator(".clock-face")).to_contain_text("frozen")
    expect(page.locator("tr", has_text="CARD-OTHER")).to_be_visible()
    expect(page.get_by_label("Move forward by")).to_have_value("3d")


@pytest.mark.parametrize("view", ["outcomes", "values"])
def test_a_search_box_says_what_is_searched(mock: Serving, console: Opened, view: str) -> None:
    """The link of the view shows all again; a group says how many of its outcomes are shown."""
    page = console(f"{mock.url}/#/{view}?sandbox=search-box")
    search = page.locator("main input[type=search]")
    shown = page.locator(".outcome:visible, .value-line")
    expect(shown.nth(3)).to_be_visible()
    search.fill("card-identifier-empty")
    expect(shown).to_have_count(1)
    if view == "outcomes":
        expect(page.locator(".outcome-group:visible .count")).to_have_text("1 of 14 outcomes")
    page.locator(".rail a[aria-current]").click()
    expect(shown.nth(3)).to_be_visible()
    expect(search).to_have_value("")


def test_an_answer_armed_in_another_sandbox_keeps_its_message(mock: Serving, console: Opened) -> None:
    """It names that sandbox, until it is used or undone; all that wait are taken back at once."""
    send(mock, "far", ONCE)
    page = console(f"{mock.url}/#/journal?sandbox=near&all=1", locale="es-MX")
    page.locator(".rows-body [role=row]", has_text="far").first.click()
    page.get_by_role("button", name="Programar esta respuesta").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Sandbox: far")
    looked = Held(page, "**/near/__admin/armed")
    dialog.locator("button[type=submit]").click()
    toast = page.locator(".toast", has_text="Se programó en el sandbox far: ")
    expect(toast).to_be_visible()
    looked.wait()
    looked.release()
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Deshacer").click()
    expect(page.locator(".toast").last).to_have_text("Respuesta programada quitada")
    assert admin(mock, "far", "armed")["armed"] == []


def test_all_armed_answers_are_taken_back_at_once(mock: Serving, console: Opened) -> None:
    """Which the message says of all."""
    for _ in range(2):
        admin(mock, "all-back", "arm", "POST", {"fault": "empty"})
    page = console(f"{mock.url}/#/journal?sandbox=all-back", locale="es-MX")
    page.get_by_role("button", name="Quitar todo").click()
    expect(page.locator(".toast").last).to_have_text("Se quitaron todas las respuestas programadas")


def test_a_long_message_leaves_the_page_in_sight(mock: Serving, console: Opened) -> None:
    """Here of an answer armed for a value of 900 letters."""
    page = console(f"{mock.url}/#/journal?sandbox=long", viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Arm an answer").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Settings: 5001").first.click()
    dialog.get_by_text("Only when a field equals").click()
    dialog.get_by_label("Field").fill("body.device_id")
    dialog.get_by_label("Value").fill("x" * 900)
    dialog.get_by_role("button", name="Arm", exact=True).click()
    expect(page.locator(".toast")).to_be_visible()
    assert page.evaluate("() => document.querySelector('.toast').getBoundingClientRect().height") < 844 / 2.5
