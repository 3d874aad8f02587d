"""The pictures of README and documentation, taken anew: `python -m tests.support.pictures`.

Run it after a change to the console; the pictures lie in docs/pages/images/.
"""

from typing import Final

from tests.support import serving
from tests.support.browser import Tabs, browsing, opening
from tests.support.generated import FOLDER
from tests.support.screenshots import entry, fill

SIZE: Final = {"width": 1280, "height": 720}


def main() -> None:
    """The journal with a request opened."""
    folder = FOLDER / "images"
    folder.mkdir(exist_ok=True)
    with serving("--log-format", "none") as server, browsing() as browser, opening(Tabs(browser)) as opened:
        fill(server, "qa")
        page = opened(f"{server.url}/sandbox/qa/", color_scheme="light", viewport=SIZE)
        entry(server, page)
        page.screenshot(path=folder / "console.png")


if __name__ == "__main__":
    main()
