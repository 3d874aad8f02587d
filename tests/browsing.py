"""A real browser for the console's tests: Debian's Chromium, driven by Playwright, and the rules of axe-core."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from support import PATIENCE

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

Opened = Callable[..., Page]
"""Opens an address; keywords are those of a browser context (`locale`, `color_scheme`, `viewport`)."""


def chromium() -> str:
    """Where the browser is. Where there is none the test is skipped, but in CI it fails."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        why = "there is no browser: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser that is gone afterwards."""
    path = chromium()
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


Kept = dict[str, BrowserContext]
"""The contexts of a browser by how they were made: they load a file once; each tab has a session of its own."""


@contextmanager
def opening(browser: Browser, kept: Kept | None = None) -> Iterator[Opened]:
    """Opens addresses; at the end nothing that was opened may have told of an error but those that are expected."""
    contexts = {} if kept is None else kept
    pages: list[Page] = []
    errors: list[str] = []

    def opened(url: str, *, tells: bool = True, **how: Any) -> Page:
        context = contexts.get(repr(how))
        if context is None:
            context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **how})
            context.set_default_timeout(PATIENCE * 1_000)
            contexts[repr(how)] = context
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if tells and m.type in ("error", "warning") else None)
        page.goto(url)
        return page

    try:
        yield opened
    finally:
        for page in pages:
            page.close()
    assert errors == []


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page, each with where."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    if not page.evaluate("'axe' in window"):
        page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
