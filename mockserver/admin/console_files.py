"""The console for browsers: its page and its files, which hold no data and need no token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from mockserver.admin.api import PREFIX, Call, Route, refused
from mockserver.admin.safety import strange
from mockserver.core.reply import Reply

FOLDER: Final = Path(__file__).parent / "console"
PAGE: Final = "index.html"
PLACE: Final = b"{console}/"
"""What stands in the page where the way to the other files is to stand."""

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_GUARDS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_REFUSED: Final = re.compile(r"q=0(\.0*)?")


class Asset(NamedTuple):
    """A file: its bytes plain and packed, its type, and how long a browser may keep it."""

    kind: str
    body: bytes
    packed: bytes
    tag: str
    keep: str

    @classmethod
    def of(cls, kind: str, body: bytes, keep: str) -> Asset:
        """Packed, with the tag of its content."""
        import gzip

        return cls(kind, body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:16], keep)

    def reply(self, headers: Mapping[str, str]) -> Reply:
        """The file as a browser with these request headers gets it; 304 where it has it already."""
        packed = _unpacks(headers.get("accept-encoding", ""))
        tag = f'"{self.tag}{"-gzip" if packed else ""}"'
        shared = (("ETag", tag), ("Cache-Control", self.keep), ("Vary", "Accept-Encoding"), *_GUARDS)
        if tag in re.split(r",\s*", headers.get("if-none-match", "").replace("W/", "")):
            return Reply(304, shared, b"")
        encoded = (("Content-Encoding", "gzip"),) if packed else ()
        return Reply(200, (("Content-Type", self.kind), *encoded, *shared), self.packed if packed else self.body)


def _unpacks(accepted: str) -> bool:
    """Whether what a browser accepts (`gzip, br;q=0.5`) has gzip in it."""
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return not _REFUSED.fullmatch(quality.strip())
    return False


class Console(NamedTuple):
    """All files by name, and the page at each of its two places: at `/`, and at `/__admin/` where the files are."""

    version: str
    files: Mapping[str, Asset]
    at_root: Asset
    at_home: Asset


@cache
def console() -> Console:
    """The console; its version changes with any of its files, so that a browser may keep them for ever."""
    sources = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.suffix in _TYPES}
    version = hashlib.sha256(b"\0".join(b"%s\0%s" % (n.encode(), body) for n, body in sources.items())).hexdigest()[:16]
    page = sources.pop(PAGE)
    kept = "public, max-age=31536000, immutable"
    files = {name: Asset.of(_TYPES[Path(name).suffix], body, kept) for name, body in sources.items()}
    at_root, at_home = (
        Asset.of(_TYPES[".html"], page.replace(PLACE, f"{way}console/{version}/".encode()), "no-cache")
        for way in ("__admin/", "")
    )
    return Console(version, files, at_root, at_home)


HOME: Final = f"{PREFIX}/"


def shell(method: str, sent: str, path: str, headers: Mapping[str, str]) -> Reply | None:
    """The console's page for a browser that opens the mock; None for anyone who did not ask for a page.

    `sent` is the path with the sandbox in it, `path` what is below that.
    """
    if method not in ("GET", "HEAD") or path not in ("/", PREFIX) or "text/html" not in headers.get("accept", ""):
        return None
    if not sent.endswith("/"):  # or what the page names by relative paths would be looked for elsewhere
        return Reply(307, (("Location", f"{sent.rpartition('/')[2]}/"), ("Cache-Control", "no-cache")), b"")
    return strange(headers) or console().at_root.reply(headers)


async def _page(call: Call) -> Reply:
    return console().at_home.reply(call.headers)


async def _file(call: Call) -> Reply:
    found, name = console(), call.parameters["file"]
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
