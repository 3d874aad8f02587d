"""Conversations through a real socket, as data: what is sent and the exact answer.

A file in `transcripts/` holds conversations divided by lines of dashes; each begins with what it shows and
runs in a sandbox of its own. Lines with `!` are options of the server, `>` is sent, `<` has to come back:
the status, every Mock-* header but Mock-Contract and Mock-Entry, the other headers that stand there, and the
exact body.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import aiohttp
import pytest

from mockserver import Contract, Engine, frozen_clock, parse_instant
from mockserver.redis_storage.storage import RedisStorage
from mockserver.server.server import serving
from tests.support.stores import OVER_STORE, close_stores, needs_redis, redis_server, redis_storage

FOLDER = Path(__file__).parent


@dataclass
class Exchange:
    """One request and the answer that has to come."""

    sent: list[str] = field(default_factory=list)
    due: list[str] = field(default_factory=list)


@dataclass
class Conversation:
    """Exchanges in one sandbox."""

    title: str
    clock: str = "2025-11-18T11:50:57.960232171-06:00"
    exchanges: list[Exchange] = field(default_factory=list)


def parse(text: str) -> Iterator[Conversation]:
    for part in text.split("\n----\n"):
        lines = part.strip().splitlines()
        conversation = Conversation(lines[0].removeprefix("# "))
        for line in lines[1:]:
            mark, content = line[:1], line[2:]
            if mark == "!":
                conversation.clock = content.removeprefix("clock ")
            elif mark == ">":
                if not conversation.exchanges or conversation.exchanges[-1].due:
                    conversation.exchanges.append(Exchange())
                conversation.exchanges[-1].sent.append(content)
            elif mark == "<":
                conversation.exchanges[-1].due.append(content)
            else:
                assert not line, f"no such line in a transcript: {line}"
        yield conversation


def split(lines: list[str]) -> tuple[str, dict[str, str], str]:
    """First line, headers, body."""
    blank = lines.index("") if "" in lines else len(lines)
    headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines[1:blank])}
    return lines[0], headers, "\n".join(lines[blank + 1 :])


async def converse(
    conversation: Conversation, contract: Contract, *storages: RedisStorage
) -> list[tuple[list[str], list[str]]]:
    """Each exchange as (what had to come, what came), with one server, or one for each of these storages in turn."""
    results = []
    clock = frozen_clock(parse_instant(conversation.clock))
    async with AsyncExitStack() as stack:
        engines = [Engine(contract, clock=clock, storage=storage) for storage in storages or (None,)]
        urls = [await stack.enter_async_context(serving(engine)) for engine in engines]
        client = await stack.enter_async_context(aiohttp.ClientSession(skip_auto_headers=["Content-Type"]))
        for url, exchange in zip(cycle(urls), conversation.exchanges, strict=False):
            first, headers, body = split(exchange.sent)
            method, path = first.split(" ")
            response = await client.request(method, url + path, headers=headers, data=body.encode())
            came = await response.read()
            named = {name.lower() for name in split(exchange.due)[1]}
            shown = [
                f"{name}: {value}"
                for name, value in response.headers.items()
                if name.lower() in named or (name.startswith("Mock-") and name not in ("Mock-Contract", "Mock-Entry"))
            ]
            results.append((exchange.due, [str(response.status), *shown, "", came.decode()]))
    return results


CONVERSATIONS = [
    pytest.param(conversation, id=f"{path.stem}: {conversation.title}")
    for path in sorted(FOLDER.glob("*.txt"))
    for conversation in parse(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
async def test_the_server_answers_as_in_the_transcript(conversation: Conversation, contract: Contract) -> None:
    """Byte for byte; with `OVER_STORE=1` two servers with one store, in turn."""
    for due, came in await (converse_over_store if OVER_STORE else converse)(conversation, contract):
        assert came == due


async def converse_over_store(conversation: Conversation, contract: Contract) -> list[tuple[list[str], list[str]]]:
    """Each exchange with the other one of two servers with one store."""
    needs_redis()
    clock, url = frozen_clock(parse_instant(conversation.clock)), redis_server().url()
    storages = [redis_storage(contract, contract.settings, clock, url=url) for _ in range(2)]
    try:
        return await converse(conversation, contract, *storages)
    finally:
        await close_stores()


async def test_two_servers_with_one_store_answer_as_one(contract: Contract) -> None:
    """A third of the conversations."""
    for param in CONVERSATIONS[::3]:
        conversation = param.values[0]
        assert isinstance(conversation, Conversation)
        for due, came in await converse_over_store(conversation, contract):
            assert came == due, param.id


def test_every_scenario_has_a_transcript(contract: Contract) -> None:
    """It answers at least once without being forced."""
    met = {
        line.removeprefix("Mock-Scenario: ")
        for param in CONVERSATIONS
        for exchange in param.values[0].exchanges  # type: ignore[union-attr]
        if not any(line.startswith("Mock-Scenario: ") for line in exchange.sent)
        for line in exchange.due
        if line.startswith("Mock-Scenario: ")
    }
    assert met == {scenario.id for scenario in contract.scenarios}
