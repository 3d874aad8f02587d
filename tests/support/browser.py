"""A real browser for the console's tests: Debian's Chromium, driven by Playwright, and the rules of axe-core."""

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from tests.support import PATIENCE
from tests.support.tools import skip

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""The sets of axe-core's rules that make up WCAG 2.2 AA."""
OF_COLOURS: Final = ["color-contrast", "link-in-text-block"]
"""The rules among them that look at colours; for the others light and dark are the same."""

Opened = Callable[..., Page]
"""Opens an address; keywords are those of a browser context (`locale`, `color_scheme`, `viewport`)."""


def chromium() -> str:
    """Where the browser is; the test needs one."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        skip("needs chromium")
    return str(found)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser that is gone afterwards."""
    path = chromium()
    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS], timeout=PATIENCE * 1_000)
        try:
            yield browser
        finally:
            browser.close()


def wait_for(page: Page, holds: Callable[[], object]) -> None:
    """Wait until something holds that a page brings about, and that nothing in it tells of."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


class Tabs:
    """The tabs of a browser by how they were opened; one that a test leaves is used again, for a new one is slow."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[str, BrowserContext] = {}
        self._free: dict[str, list[Page]] = {}

    def take(self, how: dict[str, Any]) -> Page:
        """A tab that nobody uses."""
        free = self._free.get(repr(how))
        if free:
            return free.pop()
        if repr(how) not in self._contexts:
            context = self._browser.new_context(**how)
            context.set_default_timeout(PATIENCE * 1_000)
            self._contexts[repr(how)] = context
        return self._contexts[repr(how)].new_page()

    def give(self, how: dict[str, Any], page: Page) -> None:
        """The tab is as a new one for the next who takes it, but for what it shows."""
        if not page.is_closed():
            page.evaluate("sessionStorage.clear()")
            page.set_viewport_size(how["viewport"])
            self._free.setdefault(repr(how), []).append(page)


@contextmanager
def opening(tabs: Tabs) -> Iterator[Opened]:
    """Opens addresses; at the end nothing that was opened may have told of an error but those that are expected."""
    pages: list[tuple[dict[str, Any], Page, Listening]] = []
    errors: list[str] = []

    def opened(url: str, *, tells: bool = True, **how: Any) -> Page:
        how = {"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **how}
        page = tabs.take(how)
        page.goto("about:blank")  # what a test left there has told its last errors then, and is not opened again
        listening = Listening(page, errors, tells=tells)
        pages.append((how, page, listening))
        page.goto(url)
        return page

    try:
        yield opened
    finally:
        for how, page, listening in pages:
            listening.stop()
            tabs.give(how, page)
    assert not errors, "\n".join(errors)


class Listening:
    """What a page tells of errors, from now on."""

    def __init__(self, page: Page, errors: list[str], *, tells: bool) -> None:
        self._page, self._errors, self._tells = page, errors, tells
        page.on("pageerror", self._wrong)
        page.on("console", self._told)

    def stop(self) -> None:
        """Listen no more."""
        self._page.remove_listener("pageerror", self._wrong)
        self._page.remove_listener("console", self._told)

    def _wrong(self, error: Error) -> None:
        self._errors.append(str(error))

    def _told(self, message: ConsoleMessage) -> None:
        if self._tells and message.type in ("error", "warning"):
            self._errors.append(message.text)


def violations(page: Page) -> dict[str, list[str]]:
    """What axe-core finds wrong with a page, each with where: wide, narrow, and with the colours of the dark."""
    size, found = page.viewport_size, {}
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        found[f"{width} px"] = _found(page, {"type": "tag", "values": RULES})
    page.emulate_media(color_scheme="dark")
    found["dark"] = _found(page, {"type": "rule", "values": OF_COLOURS})
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(size or {"width": 1280, "height": 800})
    return {how: wrong for how, wrong in found.items() if wrong}


def _found(page: Page, rules: dict[str, Any]) -> list[str]:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    if not page.evaluate("'axe' in window"):
        page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    found = page.evaluate("runOnly => axe.run(document, {runOnly, resultTypes: ['violations']})", rules)
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
