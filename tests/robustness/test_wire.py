"""A short share of tests/robustness/wire.py: what no good client sends harms nobody and leaves nothing behind."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from mockserver import Contract, Engine
from mockserver.server.server import serving
from tests.support import PATIENCE
from tests.support.bad_clients import TRIES, Try, idle_connection, is_well, opened, statuses


def descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled(before: set[asyncio.Task[object]], files: int) -> None:
    """Wait until there are no more tasks and no more descriptors than before."""
    async with asyncio.timeout(PATIENCE):
        while asyncio.all_tasks() - before or descriptors() > files:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("attempt", TRIES, ids=lambda attempt: attempt.__name__)
async def test_bad_clients_get_an_answer_and_leave_nothing(contract: Contract, attempt: Try) -> None:
    """The next request is answered; no task or descriptor stays."""
    settings = replace(contract.settings, request_timeout=1.5)
    async with serving(Engine(contract, settings=settings)) as url:
        await is_well(url)
        before, files = asyncio.all_tasks(), descriptors()
        await attempt(url, Random(attempt.__name__), 1)
        await is_well(url)
        await settled(before, files)


async def test_slow_clients_get_408_while_others_are_served(contract: Contract) -> None:
    """Idle connections stay."""
    settings = replace(contract.settings, request_timeout=1.5)
    async with serving(Engine(contract, settings=settings)) as url:
        before, files = asyncio.all_tasks(), descriptors()
        idle = [await idle_connection(url) for _ in range(200)]

        async def slow() -> list[int]:
            reader, writer = await opened(url)
            writer.write(b"POST /")
            reading = asyncio.ensure_future(reader.read())
            while not reading.done():
                writer.write(b"s")
                await asyncio.wait((reading,), timeout=0.05)
            writer.close()
            return statuses(await reading)

        crowd = asyncio.gather(*(slow() for _ in range(50)))
        while not crowd.done():
            await is_well(url)
        assert await crowd == [[408]] * 50
        for reader, writer in idle:
            assert not reader.at_eof()
            writer.close()
        del idle, reader, writer
        await settled(before, files)
