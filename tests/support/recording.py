"""A recorder in front of a provider, in this event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from mockserver import Contract, Engine
from mockserver.provider.target import Target
from mockserver.recording.recorder import Recorder
from mockserver.server.logs import AccessLog, no_access_log
from mockserver.server.server import serving


@asynccontextmanager
async def recording(
    contract: Contract,
    target: Target | str,
    log: AccessLog = no_access_log,
    *,
    engine: Engine | None = None,
    **options: Any,
) -> AsyncIterator[str]:
    """The URL of a server that records."""
    engine = engine or Engine(contract)
    target = Target(target) if isinstance(target, str) else target
    async with serving(engine, log=log, recorder=Recorder(engine, target, **options)) as url:
        yield url


async def post(
    client: aiohttp.ClientSession, url: str, body: Any, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientResponse:
    """Send JSON and read the answer to its end."""
    async with client.post(url, json=body, headers=headers, allow_redirects=False) as response:
        await response.read()
        return response


async def entry(client: aiohttp.ClientSession, url: str, number: int = 1) -> Any:
    """An entry of the journal in all details."""
    async with client.get(f"{url}/__admin/requests/{number}") as response:
        assert response.status == 200
        return await response.json()


async def entries(client: aiohttp.ClientSession, url: str) -> list[Any]:
    """The rows of the journal, oldest first."""
    async with client.get(f"{url}/__admin/requests?limit=1000&all=true") as response:
        return list(reversed((await response.json())["requests"]))
