"""The journal in memory: bounded by entries and by bytes."""

import json
from dataclasses import replace
from typing import Any

from mockserver import Contract, Engine, Request
from mockserver.contract.loading import compile_runtime_scenario
from mockserver.core.model import Record
from mockserver.engine.engine import run_sync
from mockserver.storage.interface import Entry
from mockserver.storage.memory_journal import Journal
from tests.support import LASTING, PATH, journal

JSON = {"content-type": "application/json"}


def sent(engine: Engine, body: object, path: str = PATH, **headers: str) -> Any:
    """One request in process."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return engine.handle_sync(Request("POST", path, json.dumps(body).encode(), {**JSON, **named}))


def test_entries_are_bounded_by_number_and_by_bytes(contract: Contract) -> None:
    """The oldest go first, over all sandboxes; per sandbox it is known how many are lost."""
    engine = Engine(contract, settings=replace(contract.settings, journal_entries=3))
    for name in ("a", "b", "b", "b", "b"):
        sent(engine, LASTING, f"/sandbox/{name}{PATH}")
    assert [entry.id for entry in journal(engine, None)] == ["5", "4", "3"]
    assert [run_sync(engine.storage.lost_entries(name)) for name in "abc"] == [1, 1, 0]
    size = kept(engine)
    assert run_sync(engine.storage.gauges()).journal_bytes == size
    engine = Engine(contract, settings=replace(contract.settings, journal_bytes=size))
    for _ in range(50):
        sent(engine, {**LASTING, "note": "x" * 1_000, "pin": "12a4"})
        assert run_sync(engine.storage.gauges()).journal_bytes == kept(engine) <= size
    assert 0 < run_sync(engine.storage.gauges()).journal_entries < 3
    run_sync(engine.storage.clear_entries(""))
    assert run_sync(engine.storage.gauges()).journal_bytes == 0


def kept(engine: Engine) -> int:
    """The bytes of the documents that the journal keeps."""
    return sum(len(entry.data) for entry in run_sync(engine.storage.entries(None)))


def test_texts_of_run_time_scenarios_count_as_bytes(contract: Contract) -> None:
    """An entry keeps those in force."""
    engine, operation = Engine(contract), contract.operations[0]
    sent(engine, LASTING)
    text = "documented: Mine.\nwhen: {header.x: '1'}\nrespond: {error: {code: 1}}\n" + "#" * 50_000
    sandbox = run_sync(engine.storage.find(""))
    assert sandbox is not None
    run_sync(sandbox.set_scenarios(operation, [compile_runtime_scenario(operation, text.encode(), "mine")], "mine"))
    sent(engine, LASTING)
    newer, older = run_sync(engine.storage.entries(""))
    assert 50_000 < len(newer.data) - len(older.data) < 51_000
    assert run_sync(engine.storage.gauges()).journal_bytes == len(newer.data) + len(older.data)


def test_an_empty_journal_finds_nothing() -> None:
    """Nothing is found in an empty one."""
    empty = Journal(1, 1)
    assert empty.find("1") is None
    assert (empty.next_id(), empty.next_id(), empty.clear_sandbox("")) == ("1", "2", 0)
    empty.add(Entry("1", "", b"too long"))
    assert (len(empty), empty.size, empty.evictions, empty.lost("")) == (0, 0, 1, 1)


def test_what_an_entry_has_found_counts_for_the_journal(contract: Contract) -> None:
    """A large record that small requests look up stands in each of their entries, and so do thousands of parameters."""
    limit = 1_000_000
    engine = Engine(contract, settings=replace(contract.settings, journal_bytes=limit))
    json_headers = {"content-type": "application/json"}
    run_sync(_put_customer(engine, {"email": "a" * 200_000}))
    query = {f"name{number}": "value" for number in range(2_000)}
    for number in range(20):
        body = {**LASTING, "customer_id": "LARGE", "card_identifier": f"CARD-{number}"}
        engine.handle_sync(Request("POST", PATH, json.dumps(body).encode(), json_headers, query))
    entries = run_sync(engine.storage.entries(""))
    sizes = [len(entry.data) for entry in entries]
    assert min(sizes) > 200_000 + 2_000 * len("name1value")
    assert sum(sizes) == run_sync(engine.storage.gauges()).journal_bytes <= limit
    assert len(sizes) < 5


async def _put_customer(engine: Engine, members: dict[str, str]) -> None:
    sandbox = await engine.storage.use_sandbox("")
    assert sandbox is not None
    assert await sandbox.put_record("customers", "LARGE", Record.make("LARGE", members, "request")) is None
