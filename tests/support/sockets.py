"""Requests and answers as bytes on a socket."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from tests.support.processes import PATIENCE


def head(method: str, path: str, *headers: str, length: int | None = None) -> bytes:
    """The head of a request, as bytes for a socket."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def raw(url: str, *parts: bytes) -> bytes:
    """All that a server answers to bytes on a socket, up to its closing the connection."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """One answer from a socket: status line, headers by lower-case name, body."""
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return lines[0], headers, await reader.readexactly(int(headers.get("content-length", "0")))
