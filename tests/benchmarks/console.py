"""How soon the console shows a request, and how long its frames take: `python tests/benchmarks/console.py [ROUNDS]`.

Needs Chromium, and the extra `test` for what drives it.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from typing import Final

from job import PATH
from playwright.sync_api import Page, sync_playwright

import mockserver

ROWS: Final = 5_000
"""Requests in the journal whose list is scrolled."""

LOOK: Final = """
    const look = () => {
        const { dataset } = document.documentElement;
        if (document.querySelector('.rows-body [role=row]')) dataset.seen = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""
SCROLL: Final = """async () => {
    const list = document.querySelector('.rows');
    const frame = () => new Promise(requestAnimationFrame);
    const spent = [];
    for (let step = 0; step < 30; step += 1) {
        list.scrollTop = (step * 7919 * 44) % list.scrollHeight;
        await frame();
        const begun = performance.now();
        await frame();
        spent.push(performance.now() - begun);
    }
    return spent.sort((a, b) => a - b)[15];
}"""


def send(url: str) -> None:
    """One request, whatever the answer."""
    body = json.dumps({"customer_id": "1", "card_identifier": "CARD-1", "reference_batch": "7"}).encode()
    request = urllib.request.Request(url + PATH, body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        error.close()


def first_row_ms(page: Page) -> float:
    """Milliseconds from the start of a navigation to the first row."""
    page.reload()
    page.wait_for_selector("html[data-seen]", state="attached")
    return float(page.locator("html").get_attribute("data-seen") or "nan")


def main(rounds: int) -> None:
    """Print the best and the worst of the rounds."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        sys.exit("console.py needs chromium")
    with mockserver.running() as mock, sync_playwright() as playwright:
        send(mock.url + "/sandbox/one")
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(LOOK)
        page.goto(f"{mock.url}/sandbox/one/__admin/")
        seen = sorted(first_row_ms(page) for _ in range(rounds))
        for _ in range(ROWS):
            send(mock.url + "/sandbox/many")
        page.goto(f"{mock.url}/sandbox/many/__admin/")
        page.get_by_text(f"{ROWS} requests").wait_for()
        frames = sorted(page.evaluate(SCROLL) for _ in range(rounds))
        browser.close()
    print(f"first row after {seen[0]:.0f} to {seen[-1]:.0f} ms (target 300)")
    print(f"median frame while {ROWS} rows scroll {frames[0]:.0f} to {frames[-1]:.0f} ms (target 50)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
