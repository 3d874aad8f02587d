"""The storage in memory: what it keeps is bounded, and nothing in it suspends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mockserver import Contract
from mockserver.engine.engine import run_sync
from mockserver.storage import memory, memory_journal
from mockserver.storage.memory import MemoryStorage
from tests.storage.storages import Clock, Mock, write


@pytest.fixture
def mock(small: Contract) -> Mock:
    """A storage in memory of the small contract."""
    return bounded(small)


def bounded(contract: Contract, **changes: Any) -> Mock:
    clock, settings = Clock(), replace(contract.settings, **changes)
    return Mock(contract, MemoryStorage(contract, settings, clock.now_ns, clock.monotonic), clock, settings)


def test_nothing_suspends_in_memory(mock: Mock) -> None:
    """A request is atomic on one event loop, and needs none."""
    run_sync(mock.commit(run_sync(mock.look(thing="x")), write(size=1)))
    assert run_sync(mock.size("x")) == 1
    run_sync(mock.send("a"))
    assert run_sync(mock.storage.reset_all()) == ("", "a")


def test_the_default_sandbox_takes_no_place(small: Contract) -> None:
    """It is never evicted."""
    mock = bounded(small, max_sandboxes=0, sandbox_ttl=0)
    run_sync(mock.sandbox(""))
    mock.clock.idle = 1_000
    assert run_sync(mock.storage.use_sandbox("a")) is None
    assert run_sync(mock.storage.peek("a")) is None
    assert run_sync(mock.storage.sandbox_names()) == ("",)


def test_the_names_of_evicted_sandboxes_are_bounded(small: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound any new sandbox counts as incomplete."""
    monkeypatch.setattr(memory, "MAX_EVICTED_NAMES", 1)
    mock = bounded(small, max_sandboxes=1, sandbox_ttl=0)
    for name in ("a", "b"):
        run_sync(mock.sandbox(name))
    assert [run_sync(mock.storage.was_evicted(name)) for name in ("a", "b", "new")] == [True, False, False]
    run_sync(mock.sandbox("c"))
    assert [run_sync(mock.storage.was_evicted(name)) for name in ("a", "b", "new")] == [True, True, True]
    run_sync(mock.storage.reset_all())
    assert not run_sync(mock.storage.was_evicted("new"))


def test_counts_of_lost_entries_are_bounded(small: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound every sandbox counts as incomplete."""
    monkeypatch.setattr(memory_journal, "MAX_COUNTED_SANDBOXES", 1)
    mock = bounded(small, journal_entries=1)
    for name in ("a", "a", "a"):
        run_sync(mock.send(name))
    assert [run_sync(mock.storage.lost_entries(name)) for name in ("a", "new")] == [2, 0]
    for name in ("b", "c"):
        run_sync(mock.send(name))
    assert [run_sync(mock.storage.lost_entries(name)) for name in ("a", "b", "new")] == [1, 1, 1]
