"""Conversations through a real socket, as data: what is sent and the exact answer.

A file in `transcripts/` holds conversations divided by lines of dashes; each begins with what it shows and
runs in a sandbox of its own. Lines with `!` are options of the server, `>` is sent, `<` has to come back:
the status, every Mock-* header but Mock-Contract and Mock-Entry, the other headers that stand there, and the
exact body.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from mockserver import Engine, frozen_clock, load, parse_instant
from mockserver.server.server import serving

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


async def converse(conversation: Conversation) -> list[tuple[list[str], list[str]]]:
    """Each exchange as (what had to come, what came)."""
    results = []
    engine = Engine(load(), clock=frozen_clock(parse_instant(conversation.clock)))
    async with serving(engine) as url, aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as client:
        for exchange in conversation.exchanges:
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
def test_the_server_answers_as_in_the_transcript(conversation: Conversation) -> None:
    """Byte for byte."""
    for due, came in asyncio.run(converse(conversation)):
        assert came == due


def test_every_scenario_has_a_transcript() -> None:
    """It answers at least once without being forced."""
    met = {
        line.removeprefix("Mock-Scenario: ")
        for param in CONVERSATIONS
        for exchange in param.values[0].exchanges  # type: ignore[union-attr]
        if not any(line.startswith("Mock-Scenario: ") for line in exchange.sent)
        for line in exchange.due
        if line.startswith("Mock-Scenario: ")
    }
    assert met == {scenario.id for scenario in load().scenarios}
