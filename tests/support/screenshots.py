"""Pictures of the console for people to look at: each view and state, light and dark, narrow and wide.

    python -m tests.support.screenshots FOLDER [part of a name ...]

writes FOLDER/VIEW-WIDTH-SCHEME-LANGUAGE.png for those whose name holds one of the parts; all of them without.
Narrow is 390 px, wide 1,440 px; the views in `HUGE` are also taken at 2,560 px, those in `SPANISH` also in Spanish.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, Route, expect

from tests.support import LASTING, ONCE, PATH, Serving, serving
from tests.support.browser import Opened, Tabs, browsing, opening

SIZES: Final = {390: 844, 1440: 900, 2560: 1440}
"""The height of the window by its width."""

TALLEST: Final = 2_600
"""How far down a view is shown that is longer than the window."""

HUGE: Final = frozenset(["journal", "entry", "outcomes", "state"])
SPANISH: Final = frozenset(
    ["journal", "entry", "outcomes", "outcome", "tried", "answers", "fault", "values", "state", "empty", "report"]
)


def fill(serve: Serving, sandbox: str) -> None:
    """What a day of tests leaves: answers of all kinds, some of them twice, faults, delays and misuses."""

    def send(body: object, **headers: str) -> None:
        serve.post(body, f"/sandbox/{sandbox}{PATH}", **{n.replace("_", "-"): v for n, v in headers.items()})

    person = {"first_name": "Ana", "last_name": "", "email": "ana@example.com", "phone_number": "+5215512345678"}
    for _ in range(3):
        for number in range(4):
            send({**LASTING, "device_id": f"{number:064x}"})
        send({**ONCE, "pin": "4821"})
        send(ONCE)
        send({"customer": person, "card_identifier": "CARD-7", "reference_batch": ONCE["reference_batch"]})
        send({**LASTING, "pin": "48a"})
        send({**LASTING, "reference_batch": ""})
        send({**LASTING, "balance": {"id": 12345678901234567890}})
        send({**LASTING, "customerId": "1"}, Mock_Delay="120ms")
        send(LASTING, Mock_Scenario="provider-communication")
        send(LASTING, Mock_Fault="gateway; status=503")
        send({}, Mock_Scenario="rfc-invald")
        send([1, 2])
    send({**ONCE, "card_identifier": "", "pin": "12", "extra": {"a": [1, 2, {"b": None}]}})


def rows(page: Page) -> Any:
    """The rows of the journal."""
    return page.locator(".rows-body [role=row]")


def settle(page: Page) -> None:
    """Wait until nothing more is on its way."""
    page.wait_for_timeout(150)
    expect(page.locator("main .loading")).to_have_count(0)


def journal(_: Serving, page: Page) -> None:
    """The journal with a day's requests."""
    expect(rows(page).first).to_be_visible()


def entry(_: Serving, page: Page) -> None:
    """A request with much to tell."""
    rows(page).first.click()
    expect(page.locator(".detail .entry-title")).to_be_visible()
    expect(page.locator(".detail .pair")).to_be_visible()


def misuse(_: Serving, page: Page) -> None:
    """A request that got a problem."""
    rows(page).filter(has_text="unknown-scenario").first.click()
    expect(page.locator(".detail .pair")).to_be_visible()


def outcomes(_: Serving, page: Page) -> None:
    """The checklist."""
    expect(page.locator(".outcome").first).to_be_visible()


def outcome(_: Serving, page: Page) -> None:
    """One outcome opened, armed where a member has a value."""
    item = page.locator(".outcome", has=page.get_by_text("last-name-empty", exact=True))
    item.locator("summary").first.click()
    item.locator(".button.primary").click()
    page.locator("dialog details summary").click()
    page.locator("dialog details input[type=text]").first.fill("body.customer_id")
    page.locator("dialog details input[type=text]").last.fill("77")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".next .chip").first).to_be_visible()
    expect(item.locator(".json")).to_be_visible()


def trying(_: Serving, page: Page) -> None:
    """The form."""
    expect(page.locator(".member").first).to_be_visible()


def tried(serve: Serving, page: Page) -> None:
    """A request sent, and its answer."""
    trying(serve, page)
    page.get_by_label("reference_batch", exact=True).fill("")
    page.locator("main button[type=submit]").click()
    expect(page.locator("main .json")).to_be_visible()
    expect(page.locator("main .facts").first).to_be_visible()


def answers(_: Serving, page: Page) -> None:
    """The answers that can be armed."""
    page.locator(".next > .primary").click()
    expect(page.locator("dialog .choice").first).to_be_visible()


def faulty(serve: Serving, page: Page) -> None:
    """A fault with its settings."""
    answers(serve, page)
    page.locator("dialog .choice", has_text="gateway").locator(".icon-button").click()
    expect(page.locator("dialog form")).to_be_visible()


def values(_: Serving, page: Page) -> None:
    """What to send for each outcome."""
    expect(page.locator(".value-line").first).to_be_visible()


def records(_: Serving, page: Page) -> None:
    """The records of a collection."""
    expect(page.locator(".records-table table")).to_be_visible()
    expect(page.locator(".clock-face")).to_be_visible()


def editing(serve: Serving, page: Page) -> None:
    """A record being edited."""
    records(serve, page)
    page.locator(".records-table .tools button").first.click()
    expect(page.locator("dialog textarea")).to_be_visible()


def arming(serve: Serving, page: Page) -> None:
    """An outcome being armed from an entry."""
    entry(serve, page)
    page.locator(".detail .button.primary").click()
    expect(page.locator("dialog form")).to_be_visible()


def emptying(serve: Serving, page: Page) -> None:
    """A question before what cannot be undone."""
    records(serve, page)
    page.locator(".button.danger").click()
    expect(page.locator("dialog")).to_be_visible()


def report(serve: Serving, page: Page) -> None:
    """The page to attach to a ticket."""
    found = serve.ask("GET", "/sandbox/qa/__admin/requests?limit=1")[1]["requests"][0]["id"]
    page.goto(f"{serve.url}/sandbox/qa/__admin/requests/{found}/report")


def token(_: Serving, page: Page) -> None:
    """The question for the token."""
    expect(page.get_by_role("dialog")).to_be_visible()


def refused(_: Serving, page: Page) -> None:
    """What is shown without the token."""
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_be_visible()


def failing(_: Serving, page: Page) -> None:
    """What is shown where the mock fails."""
    expect(page.get_by_role("alert")).to_be_visible()


def none(_: Serving, page: Page) -> None:
    """The state in which there is nothing."""
    expect(page.locator("main .nothing")).to_be_visible()


def loading(_: Serving, page: Page) -> None:
    """The state in which everything is on its way."""
    expect(page.locator("main .loading").first).to_be_visible()


def gone(serve: Serving, page: Page) -> None:
    """The mock was stopped."""
    journal(serve, page)
    serve.stop()
    expect(page.locator(".pulse.away")).to_be_visible()


Show = Callable[[Serving, Page], None]
VIEWS: Final[Mapping[str, tuple[str, str, Show]]] = {
    "journal": ("qa", "journal", journal),
    "entry": ("qa", "journal", entry),
    "misuse": ("qa", "journal", misuse),
    "empty": ("fresh", "journal", none),
    "unmatched": ("qa", "journal?text=nothing-of-this", none),
    "outcomes": ("qa", "outcomes", outcomes),
    "outcome": ("qa", "outcomes", outcome),
    "try": ("fresh", "try", trying),
    "tried": ("trying", "try?example=activated-new-customer", tried),
    "answers": ("fresh", "journal", answers),
    "fault": ("fresh", "journal", faulty),
    "values": ("qa", "values", values),
    "state": ("qa", "state?collection=cards", records),
    "editing": ("qa", "state?collection=customers", editing),
    "arming": ("qa", "journal", arming),
    "resetting": ("qa", "state", emptying),
    "report": ("qa", "", report),
    "loading": ("qa", "journal", loading),
    "loading-outcomes": ("qa", "outcomes", loading),
    "error": ("qa", "journal", failing),
    "error-state": ("qa", "state", failing),
}
"""By the name of a picture: the sandbox, the view, and what is done before it is taken."""

OF_A_TOKEN: Final[Mapping[str, Show]] = {"token": token, "refused": refused}


def waiting(route: Route) -> None:
    """Answer nothing."""


def broken(route: Route) -> None:
    """Answer as a server that failed."""
    document = '{"title": "The mock failed", "detail": "This is a fault of the mock; its log says more."}'
    route.fulfill(status=500, content_type="application/problem+json", body=document)


def names(view: str) -> Iterator[tuple[str, int, str, str]]:
    """The pictures of a view: name, width, colours, language."""
    for width in SIZES:
        for scheme in ("light", "dark"):
            for locale in ("en-US", "es-MX"):
                if (width > 1440 and view not in HUGE) or (locale != "en-US" and view not in SPANISH):
                    continue
                yield f"{view}-{width}-{scheme}-{locale[:2]}", width, scheme, locale


def grown(page: Page, width: int) -> None:
    """Make the window as high as what is shown, in bounds."""
    more = page.evaluate(
        """() => Math.max(0, document.documentElement.scrollHeight - innerHeight,
            ...[...document.querySelectorAll('main, .detail')].map(one => one.scrollHeight - one.clientHeight))"""
    )
    page.set_viewport_size({"width": width, "height": min(TALLEST, SIZES[width] + more)})
    page.wait_for_timeout(100)


def take(
    opened: Opened, serve: Serving, view: str, url: str, show: Show, at: Path, wanted: Callable[[str], bool]
) -> None:
    """All pictures of a view."""
    for name, width, scheme, locale in names(view):
        if not wanted(name):
            continue
        page = opened(
            "about:blank",
            tells=False,
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": SIZES[width]},
        )
        if view.startswith(("loading", "error")):
            handler = waiting if view.startswith("loading") else broken
            page.route(re.compile(r"/__admin/(?!console/|$)"), handler)
        page.goto(url)
        show(serve, page)
        if not view.startswith(("loading", "token")):
            settle(page)
        if page.locator("dialog").count() == 0:
            grown(page, width)
        page.screenshot(path=at / f"{name}.png")
        page.close()


def main(folder: str, *parts: str) -> None:
    """Take the pictures whose name holds one of the parts."""
    at = Path(folder)
    at.mkdir(parents=True, exist_ok=True)

    def wanted(name: str) -> bool:
        return not parts or any(part in name for part in parts)

    with browsing() as browser, opening(Tabs(browser)) as opened:
        with serving("--log-format", "none") as serve:
            fill(serve, "qa")
            for view, (sandbox, place, show) in VIEWS.items():
                take(opened, serve, view, f"{serve.url}/sandbox/{sandbox}/#/{place}", show, at, wanted)
        with serving("--log-format", "none", "--admin-token", "t0ken") as serve:
            for view, show in OF_A_TOKEN.items():
                take(opened, serve, view, serve.url, show, at, wanted)
        for name, width, scheme, locale in names("disconnected"):
            if wanted(name):
                with serving("--log-format", "none") as serve:
                    fill(serve, "qa")
                    how = {"color_scheme": scheme, "locale": locale}
                    page = opened("about:blank", tells=False, viewport={"width": width, "height": SIZES[width]}, **how)
                    page.goto(f"{serve.url}/sandbox/qa/")
                    gone(serve, page)
                    page.screenshot(path=at / f"{name}.png")
                    page.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
