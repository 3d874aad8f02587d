"""Headers, chunks and packets, varied."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mockserver.core.reply import Reply
from mockserver.variation import wire

HEADERS = (("Content-Type", "application/json"), ("Set-Cookie", "a"), ("ETag", "1"), ("set-cookie", "b"), ("X", ""))
SEEDS = [str(seed) for seed in range(50)]


def test_headers_come_in_another_order_and_case() -> None:
    """Values stay, and those of one name keep their order."""
    found = [wire.vary_headers(HEADERS, seed) for seed in SEEDS]
    assert all(sorted((n.lower(), v) for n, v in one) == sorted((n.lower(), v) for n, v in HEADERS) for one in found)
    assert all([v for n, v in one if n.lower() == "set-cookie"] == ["a", "b"] for one in found)
    assert len({tuple(name.lower() for name, _ in one) for one in found}) > 10
    spellings = {name for one in found for name, _ in one}
    assert {"content-type", "CONTENT-TYPE", "Content-Type"} < spellings


def test_headers_that_were_varied_can_be_varied_with_others() -> None:
    """A header's place and case do not depend on the other ones."""
    for seed in SEEDS:
        first = wire.vary_headers(HEADERS, seed)
        later = wire.vary_headers((("Date", "now"), *first), seed)
        assert tuple(one for one in later if one[1] != "now") == first


def test_the_charset_is_named_in_each_way() -> None:
    """A content type that is not exactly JSON stays."""
    shared = Reply(200, (("Content-Type", "application/json"),), b"{}")
    own = Reply(200, (), b"{}", (("Content-Type", "application/json"),))
    other = Reply(200, (), b"{}", (("Content-Type", "text/plain"),))
    for reply in (shared, own):
        found = {wire.name_charset(Random(seed), reply).all_headers for seed in SEEDS}
        assert found == {(("Content-Type", text),) for text in wire.JSON_TYPES}
    assert all(wire.name_charset(Random(seed), other) == other for seed in SEEDS)


@given(data=st.binary(max_size=60), ends=st.lists(st.floats(0, 1, exclude_max=True), max_size=5))
def test_parts_are_all_of_it(data: bytes, ends: list[float]) -> None:
    """None is empty; there are at most one more than there are ends."""
    parts = [*wire.cut(data, tuple(ends))]
    assert b"".join(parts) == data
    assert all(parts)
    assert len(parts) <= len(ends) + 1
