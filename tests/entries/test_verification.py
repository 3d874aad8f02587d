"""Claims about requests, held against entries."""

import asyncio
import json
from typing import Any

import pytest

from mockserver import Contract, Engine, Request
from mockserver.engine.engine import run_sync
from mockserver.entries.journal_entry import decode_entry
from mockserver.entries.reconstruction import reconstruct
from mockserver.entries.verification import Claim, ReadRequest, RecordedRequest, in_order, verdict_text, verify
from mockserver.storage import pacing
from mockserver.storage.interface import Entry
from tests.support import LASTING, PATH

PIN = {**LASTING, "pin": "12a4"}
DIGITS, LASTS = "pin-not-digits", "activated-existing-customer"


def recorded(contract: Contract, kinds: str) -> tuple[list[Entry], ReadRequest]:
    """Requests, oldest first: L succeeds, D has a PIN that is no number, X is a misuse."""
    engine = Engine(contract)
    for kind in kinds:
        body = json.dumps(PIN if kind == "D" else LASTING).encode()
        path = "/nothing" if kind == "X" else PATH
        engine.handle_sync(Request("POST", path, body, {"content-type": "application/json"}))
    entries = run_sync(engine.storage.entries(""))[::-1]
    return [*entries], lambda one: RecordedRequest(decode_entry(one.data), lambda entry: reconstruct(entry, contract))


@pytest.mark.parametrize(
    ("kinds", "claims", "holds"),
    [
        ("", [Claim(low=0)], True),
        ("LLD", [Claim(scenario=LASTS, low=2, high=2), Claim(scenario=DIGITS)], True),
        ("LDL", [Claim(scenario=LASTS, low=2, high=2), Claim(scenario=DIGITS)], False),
        ("LXDXL", [Claim(scenario=LASTS, low=1, high=1), Claim(scenario=DIGITS), Claim(scenario=LASTS)], True),
        ("DDD", [Claim(scenario=DIGITS, low=1, high=2), Claim(scenario=DIGITS, low=1, high=2)], True),
        ("DDDDD", [Claim(scenario=DIGITS, low=1, high=2), Claim(scenario=DIGITS, low=1, high=2)], False),
        ("LD", [Claim(scenario=DIGITS, low=0, high=0), Claim(scenario=DIGITS)], True),
        ("L", [Claim(operation="another")], False),
    ],
)
async def test_claims_in_order_hold_of_parts_of_the_journal(
    contract: Contract, kinds: str, claims: list[Claim], holds: bool
) -> None:
    """Others may come between."""
    verdict = await in_order(claims, *recorded(contract, kinds), has_lost_entries=False)
    assert verdict.holds is holds
    assert verdict_text(verdict, "").startswith("holds" if holds else "does not hold")


async def test_a_claim_has_words(contract: Contract) -> None:
    """How many, answered by what, of which operation."""
    assert Claim().text == "at least 1 request that the API answered"
    assert Claim(scenario="a", low=2, high=2).text == "exactly 2 requests answered by a"
    assert Claim(operation="o", low=0, high=3).text == "0 to 3 requests of o"
    verdict = await verify(Claim(operation="another"), *recorded(contract, "LX"), has_lost_entries=False)
    assert verdict.misses[0].miss.evidence[0].path == "operation"
    verdict = await verify(Claim(scenario="another"), *recorded(contract, "LX"), has_lost_entries=False)
    assert [e.path for e in verdict.misses[0].miss.evidence] == ["scenario"]


async def test_others_are_answered_while_claims_are_checked(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full journal and a hundred claims take long; other requests are answered meanwhile."""
    monkeypatch.setattr(pacing, "STEP_SECONDS", 0.0)
    entries, read = recorded(contract, "LD" * 20)
    steps = 0

    async def count_steps(work: asyncio.Task[Any]) -> None:
        nonlocal steps
        while not work.done():
            steps += 1
            await asyncio.sleep(0)

    for claims, at_least in (([Claim(low=0)] * 5, 40), ([Claim(scenario="another")], 80)):
        steps = 0
        work = asyncio.create_task(in_order(claims, entries, read, has_lost_entries=False))
        await count_steps(work)
        assert steps >= at_least
    work = asyncio.create_task(verify(Claim(scenario="another"), entries, read, has_lost_entries=False))
    steps = 0
    await count_steps(work)
    assert steps >= 80
    assert [one.miss.evidence[0].path for one in (await work).misses] == ["scenario"] * 3
