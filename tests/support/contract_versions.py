"""A small contract in versions that differ in many places at once, and clients that tell halves of them apart."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support import answer, head

ORDERS: Final = """\
format: 1
collections:
  things:
    open: true
    members: {{state: {{type: string}}, tags: {{type: array}}}}
    seeds: {{SEED: {{state: {letter}}}}}
{more}
operations:
  order:
    request: POST /order
    lookups: {{thing: {{in: things, key: body.thing}}}}
    new: {{number: {{first: {first}}}}}
    body: order.schema.json
    envelopes:
      plain: {{status: 200, body: {{envelope: {letter}, answer: "${{respond}}", number: "${{new.number}}"}}}}
"""

SCENARIOS: Final = """\
format: 1
operation: order
scenarios:
- scenario: seeded
  documented: Of the seed
  when: {{body.thing: SEED, thing.state: {letter}}}
  respond: {{plain: {{seeded: {letter}}}}}
- scenario: series
  documented: In turn
  when: {{body.thing: SERIES}}
  responses:
  - respond: {{plain: one {letter}}}
  - respond: {{plain: two {letter}}}
  - respond: {{plain: three {letter}}}
- scenario: only-{letter}
  documented: In one version alone
  when: {{body.thing: ONLY}}
  respond: {{plain: {{only: {letter}}}}}
- scenario: again
  documented: A second time
  when: {{thing.state: taken}}
  respond: {{plain: {{again: {letter}}}}}
- scenario: placed
  documented: Placed
  when: {{body.thing: {{starts_with: T}}}}
  then: {{thing: {{state: taken}}}}
  respond: {{plain: {{placed: {letter}}}}}
- scenario: other
  documented: Whatever is left
  respond: {{plain: {{other: {letter}}}}}
"""

BAD: Final = {
    "orders.yaml": ORDERS.replace("open: true", "opn: true"),
    "order.yaml": SCENARIOS.replace("scenario: other", "scenario: placed"),
    "order.schema.json": '{{"type": ',
}


def version(letter: str, more: str = "", first: int = 100, bad: str = "") -> dict[str, str]:
    """The files of a version; `bad` names the one that is broken."""
    texts = {"orders.yaml": ORDERS, "order.yaml": SCENARIOS, "order.schema.json": '{{"title": "{letter}"}}'}
    texts |= {bad: BAD[bad]} if bad else {}
    return {name: text.format(letter=letter, more=more, first=first) for name, text in texts.items()}


@dataclass
class Seen:
    """What clients saw: answers by letter, and all that was not as it must be."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def letter_of(body: bytes) -> set[str]:
    """The letters of the versions that speak in an answer, in its envelope and in what it holds."""
    shown: dict[str, Any] = json.loads(body)
    told = shown["answer"]
    return {shown["envelope"], (told if isinstance(told, str) else next(iter(told.values())))[-1]}


async def keep_asking(url: str, name: str, letters: Mapping[str, str], seen: Seen, stop: asyncio.Event) -> None:
    """Ask on one connection, which must last, until told to stop; `letters` gives the letter of a contract's hash."""
    split, loop, number = urlsplit(url), asyncio.get_running_loop(), 0
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        while not stop.is_set():
            number += 1
            thing = ("SEED", "SERIES", "ONLY", f"T{name}-{number}", f"T{name}-{number - 1}", "X")[number % 6]
            body = json.dumps({"thing": thing}).encode()
            started = loop.time()
            writer.write(head("POST", f"/sandbox/{name}/order", length=len(body)) + body)
            status, headers, came = await answer(reader)
            seen.seconds.append(loop.time() - started)
            letter = letters.get(headers.get("mock-contract", ""), "?")
            if status != "HTTP/1.1 200 OK" or letter_of(came) != {letter}:
                seen.wrong.append(f"{status} {headers} {came!r}")
            seen.answers[letter] += 1
    finally:
        writer.close()
