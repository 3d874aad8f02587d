"""Admin routes of the console: its page and its files, for browsers; they hold no data and need no token.

Knows where a page stands and who asked for it; what it shows comes from the other routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mockserver.admin import PREFIX, Call, Route, refused
from mockserver.contract import Reply
from mockserver.safety import strange

if TYPE_CHECKING:
    from mockserver.assets import Console

HOME: Final = f"{PREFIX}/"


def shell(method: str, sent: str, path: str, headers: Mapping[str, str]) -> Reply | None:
    """The console's page for a browser that opens the mock; None for anyone who did not ask for a page.

    `sent` is the path with the sandbox in it, `path` what is below that.
    """
    if method not in ("GET", "HEAD") or path not in ("/", PREFIX) or "text/html" not in headers.get("accept", ""):
        return None
    if not sent.endswith("/"):  # or what the page names by relative paths would be looked for elsewhere
        return Reply(307, (("Location", f"{sent.rpartition('/')[2]}/"), ("Cache-Control", "no-cache")), b"")
    return strange(headers) or _console().at_root.reply(headers)


def _console() -> Console:
    """The console's files, read when the first browser asks for them."""
    from mockserver.assets import console

    return console()


def _page(call: Call) -> Reply:
    return _console().at_home.reply(call.headers)


def _file(call: Call) -> Reply:
    found, name = _console(), call.parameters["file"]
    if call.parameters["version"] != found.version or name not in found.files:
        detail = "The console has no such file, or none of this version; its page names those that there are."
        raise refused(404, "unknown-file", "There is no such file", detail)
    return found.files[name].reply(call.headers)


ROUTES: Final = (
    Route(
        "GET",
        HOME,
        "The console: a page for browsers.",
        _page,
        is_open=True,
        is_page=True,
        answers={200: "The page.", 304: "The browser has it."},
        media="text/html",
    ),
    Route(
        "GET",
        f"{PREFIX}/console/{{version}}/{{file}}",
        "A file that the console's page names.",
        _file,
        is_open=True,
        is_page=True,
        answers={200: "The file.", 304: "The browser has it."},
        media="*/*",
    ),
)
