"""Any storage: which entries are kept, in which order, how many, and who is told."""

from __future__ import annotations

import pytest

from mockserver.storage.coverage import Observation
from mockserver.storage.interface import Cleared, Committed, Entry
from tests.storage.storages import Mock, NewMock, new_ids, write
from tests.support import until


async def ids(mock: Mock, sandbox: str | None = None, before: str = "", after: str = "") -> list[str]:
    """The ids of the entries that are kept."""
    return [entry.id for entry in await mock.storage.entries(sandbox, before=before, after=after)]


async def test_entries_come_newest_first(mock: Mock) -> None:
    """Of one sandbox or of all, with the bytes that were committed; ids are texts that nobody has twice."""
    sent = [await mock.send(name, name.encode() or b"-") for name in ("", "a", "", "b", "a")]
    assert len(set(sent)) == 5
    assert await ids(mock) == sent[::-1]
    assert await ids(mock, "a") == [sent[4], sent[1]]
    assert await ids(mock, "") == [sent[2], sent[0]]
    assert await ids(mock, "never seen") == []
    assert [(entry.sandbox, entry.data) for entry in await mock.storage.entries("b")] == [("b", b"b")]
    assert await mock.storage.entry(sent[1]) == Entry(sent[1], "a", b"a")
    assert await mock.storage.entry("12345") is None
    assert await mock.storage.entry("no id") is None


async def test_entries_before_and_after_an_id(mock: Mock) -> None:
    """The entry itself is left out; it need not exist or be of that sandbox. A limit leaves the nearest."""
    sent = [await mock.send(name) for name in ("a", "b", "a", "b", "a")]
    assert await ids(mock, None, before=sent[2]) == [sent[1], sent[0]]
    assert await ids(mock, None, after=sent[2]) == [sent[4], sent[3]]
    assert await ids(mock, "a", before=sent[3], after=sent[0]) == [sent[2]]
    assert await ids(mock, None, before=sent[0]) == []
    assert await ids(mock, None, after=sent[-1]) == []
    for limit, (older, newer) in {1: ([sent[2]], [sent[1]]), 9: ([sent[2], sent[0]], [sent[3], sent[1]])}.items():
        assert [one.id for one in await mock.storage.entries("a", before=sent[4], limit=limit)] == older
        nearest = [one.id for one in await mock.storage.entries("b", after=sent[0], limit=limit)]
        assert nearest == newer
    assert [one.id for one in await mock.storage.entries(None, limit=2)] == [sent[4], sent[3]]
    assert await mock.storage.clear_entries("b") == 2
    assert await ids(mock, None, after=sent[1]) == [sent[4], sent[2]]
    for wrong in ("-1", "1.5", "one", "\u0663", "9" * 21, " 1"):
        with pytest.raises(ValueError, match="expected the id of an entry"):
            await mock.storage.entries(None, before=wrong)
        with pytest.raises(ValueError, match="expected the id of an entry"):
            await mock.storage.entries(None, after=wrong)


async def test_the_oldest_entries_are_dropped_by_number(new_mock: NewMock) -> None:
    """Losses are counted by sandbox."""
    mock = new_mock(journal_entries=3)
    sent = [await mock.send(name) for name in ("a", "b", "a", "b", "b")]
    assert await ids(mock) == sent[:1:-1]
    assert await mock.storage.entry(sent[0]) is None
    assert [await mock.storage.lost_entries(name) for name in ("a", "b", "c")] == [1, 1, 0]
    gauges = await mock.storage.gauges()
    assert (gauges.journal_entries, gauges.journal_bytes, gauges.journal_evictions) == (3, 6, 2)


async def test_the_oldest_entries_are_dropped_by_bytes(new_mock: NewMock) -> None:
    """The bytes of their documents."""
    mock = new_mock(journal_bytes=10)
    sent = [await mock.send("a", b"x" * size) for size in (4, 6)]
    assert await ids(mock) == sent[::-1]
    sent += [await mock.send("a", b"x")]
    assert await ids(mock) == [sent[2], sent[1]]
    assert (await mock.storage.gauges()).journal_bytes == 7
    sent += [await mock.send("a", b"x" * 10)]
    assert await ids(mock) == sent[3:]
    assert await mock.storage.lost_entries("a") == 3
    await mock.send("a", b"x" * 11)
    assert await ids(mock) == []
    assert (await mock.storage.gauges()).journal_bytes == 0


async def test_a_journal_of_size_zero_keeps_nothing(new_mock: NewMock) -> None:
    """Nothing counts as lost; coverage is counted all the same."""
    mock = new_mock(journal_entries=0)
    sent = [await mock.send("a", b"") for _ in range(2)]
    assert sent[0] != sent[1]
    assert (await ids(mock), await mock.storage.lost_entries("a")) == ([], 0)
    assert (await mock.storage.tally("a")).requests == 2


async def test_clearing_a_journal_is_no_loss(new_mock: NewMock) -> None:
    """Earlier losses are forgotten; other sandboxes keep theirs."""
    mock = new_mock(journal_entries=3)
    for name in ("a", "b", "a", "b", "a"):
        await mock.send(name)
    assert await mock.storage.clear_entries("a") == 2
    assert await mock.storage.clear_entries("a") == 0
    assert [entry.sandbox for entry in await mock.storage.entries(None)] == ["b"]
    assert [await mock.storage.lost_entries(name) for name in ("a", "b")] == [0, 1]
    assert (await mock.storage.gauges()).journal_bytes == 2
    assert await mock.storage.find("a") is not None


async def test_an_entry_is_replaced_if_it_is_still_there(new_mock: NewMock) -> None:
    """Its bytes count; listeners are not told once more."""
    mock = new_mock(journal_bytes=10)
    sent = [await mock.send("a", b"xxx") for _ in range(3)]
    listener = await mock.storage.listen(None, lambda: None)
    await mock.storage.replace_entry(Entry(sent[1], "a", b"yyyy"))
    assert [entry.data for entry in await mock.storage.entries("a")] == [b"xxx", b"yyyy", b"xxx"]
    await mock.storage.replace_entry(Entry(sent[2], "a", b"yyyy"))
    assert [entry.data for entry in await mock.storage.entries("a")] == [b"yyyy", b"yyyy"]
    await mock.storage.replace_entry(Entry(sent[0], "a", b"gone"))
    assert (await ids(mock), listener.take()) == ([sent[2], sent[1]], ())
    assert (await mock.storage.gauges()).journal_bytes == 8
    listener.close()


async def test_a_listener_gets_new_entries(mock: Mock) -> None:
    """Of its sandbox or of all, oldest first, each once, until it is closed."""
    woken: list[str] = []
    await mock.send("a")
    one = await mock.storage.listen("a", lambda: woken.append("one"))
    every = await mock.storage.listen(None, lambda: woken.append("every"))
    assert one.take() == ()
    sent = [await mock.send(name) for name in ("a", "b", "a")]
    refused = Entry(await mock.storage.next_entry_id(), "b", b"{}")
    await mock.storage.add_entry(refused, Observation("b", 1))
    await until(lambda: len(woken) == 6)
    assert sorted(woken) == ["every"] * 4 + ["one"] * 2
    assert new_ids(one) == [sent[0], sent[2]]
    assert new_ids(every) == [*sent, refused.id]
    assert (one.take(), every.take()) == ((), ())
    one.close()
    one.close()
    await mock.send("a")
    await until(lambda: len(woken) == 7)
    assert (one.take(), len(every.take()), one.missed) == ((), 1, 0)
    every.close()


async def test_a_listener_is_told_of_deletions(mock: Mock) -> None:
    """Of the entries of its sandbox, or of every one; also where there were none."""
    await mock.send("a")
    one = await mock.storage.listen("a", lambda: None)
    every = await mock.storage.listen(None, lambda: None)
    told: list[object] = []
    of_every: list[object] = []

    async def come(of_a: list[object], of_all: list[object]) -> None:
        def is_there() -> bool:
            told.extend(one.take())
            of_every.extend(every.take())
            return (told, of_every) == (of_a, of_all)

        await until(is_there)
        told.clear()
        of_every.clear()

    await mock.storage.clear_entries("a")
    await come([Cleared("a")], [Cleared("a")])
    await mock.storage.reset("b")
    await come([], [Cleared("b")])
    await mock.storage.reset_all()
    await come([Cleared(None)], [Cleared(None)])
    one.close()
    every.close()


async def test_a_slow_listener_loses_the_oldest_entries(mock: Mock) -> None:
    """It knows how many."""
    listener = await mock.storage.listen(None, lambda: None)
    sent = [await mock.send() for _ in range(1_003)]
    await until(lambda: listener.missed == 3)
    assert new_ids(listener) == sent[3:]
    listener.close()


async def test_a_refused_request_has_an_entry_and_no_effects(mock: Mock) -> None:
    """Ids are of one series with those of answers."""
    first = await mock.send("a")
    entry = Entry(await mock.storage.next_entry_id(), "a", b"refused")
    await mock.storage.add_entry(entry, Observation("a", 1))
    second = await mock.send("a")
    assert await ids(mock, "a") == [second, entry.id, first]
    tally = await mock.storage.tally("a")
    assert (tally.requests, tally.problems) == (3, 1)


async def test_a_look_tells_which_entries_of_records_are_lost(new_mock: NewMock) -> None:
    """Dropped for want of room or deleted; none where no journal is kept."""
    mock = new_mock(journal_entries=2)
    assert await mock.commit(await mock.look(thing="x"), write("x", size=1)) == Committed()
    first = mock.entries[0]
    assert (await mock.look(thing="x")).lost_entry_ids == frozenset()
    for key in ("y", "z"):
        assert await mock.commit(await mock.look(thing=key), write(key, size=1)) == Committed()
    assert (await mock.look(thing="x")).lost_entry_ids == {first}
    assert (await mock.look(thing="z")).lost_entry_ids == frozenset()
    await mock.storage.clear_entries("")
    assert (await mock.look(thing="z")).lost_entry_ids == {mock.entries[2]}
    assert (await mock.look(thing="unseen")).lost_entry_ids == frozenset()
    without = new_mock(journal_entries=0)
    assert await without.commit(await without.look(thing="x"), write("x", size=1)) == Committed()
    assert (await without.look(thing="x")).lost_entry_ids == frozenset()
