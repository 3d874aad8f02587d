"""A provider for tests that answers with bytes, in pieces, and may reset the connection in place of any of them."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Final, Literal

from tests.support.processes import PATIENCE

Step = bytes | asyncio.Event | Literal["reset"]
"""What a provider does next: it sends bytes, waits for an event, or resets the connection."""

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

BACKLOG: Final = 1_024
"""Connections that wait to be accepted: one beyond is tried again by the system after a second, then after more."""


@dataclass
class ScriptedProvider:
    """A provider that runs: its URL, the requests as they came, what it does for each; at the end it closes."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    script: Sequence[Step] | Callable[[bytes], Sequence[Step]] = (OK,)
    """What it does for each request, or for this one."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
            self.requests.append(head + (await reader.readexactly(int(length[1])) if length else b""))
            for step in self.script(self.requests[-1]) if callable(self.script) else self.script:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                elif isinstance(step, asyncio.Event):
                    await asyncio.wait_for(step.wait(), PATIENCE)
                else:
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            """The other side left."""
        finally:
            writer.close()


@asynccontextmanager
async def scripted_provider(tls: SSLContext | None = None) -> AsyncIterator[ScriptedProvider]:
    """A provider at a free port of this event loop."""
    provider = ScriptedProvider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, ssl=tls, backlog=BACKLOG)
    provider.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield provider
