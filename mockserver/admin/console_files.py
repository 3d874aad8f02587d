"""The console for browsers: a page and its files, which hold no data and need no token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from mockserver.core.reply import Reply
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route
from mockserver.http_api.errors import admin_error
from mockserver.http_api.safety import embedding_refusal
from mockserver.reports.translations import FOLDER as TEXTS

FOLDER: Final = Path(__file__).parent / "console"
PAGE: Final = "index.html"
ASSETS_PLACEHOLDER: Final = b"{console}/"
"""The mark in the page that stands for the path of the other files."""

PRELOADS_PLACEHOLDER: Final = b"{preloads}"
"""The mark in the page that stands for the links to all modules."""

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
_SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_ZERO_QUALITY: Final = re.compile(r"q=0(\.0*)?")


class Asset(NamedTuple):
    """A file of the console: its type, its bytes plain and compressed, and its cache headers."""

    content_type: str
    body: bytes
    gzipped: bytes
    etag: str
    cache_control: str

    @classmethod
    def of(cls, content_type: str, body: bytes, cache_control: str) -> Asset:
        """Compress the file, and hash its content."""
        import gzip

        etag = hashlib.sha256(body).hexdigest()[:16]
        return cls(content_type, body, gzip.compress(body, 9, mtime=0), etag, cache_control)

    def reply(self, headers: Mapping[str, str]) -> Reply:
        """The file for a browser with these request headers; 304 where its copy is current."""
        accepts_gzip = _accepts_gzip(headers.get("accept-encoding", ""))
        etag = f'"{self.etag}{"-gzip" if accepts_gzip else ""}"'
        common_headers = (
            ("ETag", etag),
            ("Cache-Control", self.cache_control),
            ("Vary", "Accept-Encoding"),
            *_SECURITY_HEADERS,
        )
        if etag in re.split(r",\s*", headers.get("if-none-match", "").replace("W/", "")):
            return Reply(304, common_headers, b"")
        encoding = (("Content-Encoding", "gzip"),) if accepts_gzip else ()
        return Reply(
            200,
            (("Content-Type", self.content_type), *encoding, *common_headers),
            self.gzipped if accepts_gzip else self.body,
        )


def _accepts_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` such as `gzip, br;q=0.5` has gzip in it."""
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return not _ZERO_QUALITY.fullmatch(quality.strip())
    return False


class Console(NamedTuple):
    """All files by name, and the page for each of its two addresses: `/` and `/__admin/`."""

    version: str
    files: Mapping[str, Asset]
    root_page: Asset
    home_page: Asset


@cache
def console() -> Console:
    """Load the console. Its version changes with any of its files, so that browsers may cache them for ever."""
    sources = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.suffix in _TYPES}
    sources |= {f"{file.stem}.js": b"export default " + file.read_bytes() for file in sorted(TEXTS.glob("*.json"))}
    version = hashlib.sha256(b"\0".join(b"%s\0%s" % (n.encode(), body) for n, body in sources.items())).hexdigest()[:16]
    page = sources.pop(PAGE).replace(PRELOADS_PLACEHOLDER, _preloads(sources))
    immutable = "public, max-age=31536000, immutable"
    files = {name: Asset.of(_TYPES[Path(name).suffix], body, immutable) for name, body in sources.items()}
    root_page, home_page = (
        Asset.of(_TYPES[".html"], page.replace(ASSETS_PLACEHOLDER, f"{prefix}console/{version}/".encode()), "no-cache")
        for prefix in ("__admin/", "")
    )
    return Console(version, files, root_page, home_page)


def _preloads(names: Iterable[str]) -> bytes:
    """The links by which a browser asks for all modules at once, not one after the other as they import each other."""
    modules = [name.encode() for name in names if name.endswith(".js")]
    return b"\n".join(b'<link rel="modulepreload" href="%s%s">' % (ASSETS_PLACEHOLDER, name) for name in modules)


HOME: Final = f"{ADMIN_PREFIX}/"


def console_page(method: str, sent: str, path: str, headers: Mapping[str, str]) -> Reply | None:
    """The page of the console for a browser that opens the mock; None for any other request.

    sent: the path with the sandbox in it; `path` is without.
    """
    if method not in ("GET", "HEAD") or path not in ("/", ADMIN_PREFIX) or "text/html" not in headers.get("accept", ""):
        return None
    if not sent.endswith("/"):  # the page names its files by relative paths
        return Reply(307, (("Location", f"{sent.rpartition('/')[2]}/"), ("Cache-Control", "no-cache")), b"")
    return embedding_refusal(headers) or console().root_page.reply(headers)


async def _get_page(call: Call) -> Reply:
    return console().home_page.reply(call.headers)


async def _get_file(call: Call) -> Reply:
    files, name = console(), call.parameters["file"]
    if call.parameters["version"] != files.version or name not in files.files:
        detail = "The console has no such file, or not in this version; its page names the current ones."
        raise admin_error(404, "unknown-file", "There is no such file", detail)
    return files.files[name].reply(call.headers)


ROUTES: Final = (
    Route(
        "GET",
        HOME,
        "The console: a page for browsers.",
        _get_page,
        is_public=True,
        is_console=True,
        responses={200: "The page.", 304: "The browser's copy is current."},
        media_types=("text/html",),
    ),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/console/{{version}}/{{file}}",
        "A file of the console.",
        _get_file,
        is_public=True,
        is_console=True,
        responses={200: "The file.", 304: "The browser's copy is current."},
        media_types=("*/*",),
    ),
)
