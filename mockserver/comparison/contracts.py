"""Two contracts compared: operations, collections with their reserved values, settings, and assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final

from mockserver.base.values import encode_ascii_json, equal
from mockserver.comparison.changes import Change, Comparison, Place, Side, Verdict, value_differences
from mockserver.comparison.operations import operations_changes
from mockserver.comparison.versions import ContractVersion
from mockserver.core.contract import Contract
from mockserver.core.model import MISSING


def compare(before: Contract, now: Contract, name_before: str, name_now: str) -> Comparison:
    """The changes from one contract to another; the names stand in reports."""
    changes = (
        *operations_changes(ContractVersion.of(before), ContractVersion.of(now)),
        *_collections_changes(before.definition["contract"]["collections"], now.definition["contract"]["collections"]),
        *_settings_changes(asdict(before.settings), asdict(now.settings)),
        *_assumptions_changes(before.definition["contract"]["assumptions"], now.definition["contract"]["assumptions"]),
    )
    changes = changes or (*_notation_changes(before.definition, now.definition),)
    return Comparison(Side(name_before, before.hash), Side(name_now, now.hash), changes)


def _notation_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """What differs in two contracts that say the same, so that two of different hashes never seem to be one."""
    reason = "written in another way: nothing that is compared differs"
    for found in value_differences(before, now, same=_is_written_the_same):
        yield Change(Place("contract", "notation"), found.at, found.before, found.now, "cosmetic", reason)


def _is_written_the_same(before: Any, now: Any) -> bool:
    """Whether two JSON values have the same text: 1 is not 1.0, and the order of members counts."""
    if before is MISSING or now is MISSING:
        return before is now
    return encode_ascii_json(before) == encode_ascii_json(now)


# -- collections --------------------------------------------------------------------------------------------

_COLLECTION: Final[Mapping[str, tuple[Verdict, str]]] = {
    "open": ("breaking", "a key never seen gets another outcome"),
    "default": ("breaking", "a key never seen has another record"),
    "members": ("compatible", "the members that a record may have; no answer changes by itself"),
    "title": ("cosmetic", "its name for people"),
}
"""The members of a collection that are compared whole, with verdict and reason of a change.

Seeds and reserved values are compared one by one.
"""


def _collections_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name in {**before, **now}:
        place = Place("collection", name)
        if name not in before:
            yield Change(place, "", MISSING, name, "compatible", "no test uses it yet")
        elif name not in now:
            yield Change(place, "", name, MISSING, "breaking", "tests may use its records")
        else:
            yield from _collection_changes(before[name], now[name], place)


def _collection_changes(before: Mapping[str, Any], now: Mapping[str, Any], place: Place) -> Iterator[Change]:
    for name, meaning in _COLLECTION.items():
        default: Any = False if name == "open" else {}
        one, other = before.get(name, default), now.get(name, default)
        if not equal(one, other):
            are_texts = name == "members" and _are_texts(one, other)
            yield Change(place, name, one, other, *(("cosmetic", "words for people") if are_texts else meaning))
    one, other = before.get("reserved", MISSING), now.get("reserved", MISSING)
    if not equal(one, other):
        verdict: Verdict = "breaking"
        reason = "keys of another form are reserved: one that is no seed is refused"
        if other is MISSING:
            verdict, reason = "compatible", "no key is refused as a misspelt test value any more"
        yield Change(Place("reserved value", place.name), "form", one, other, verdict, reason)
    yield from _seed_changes(before.get("seeds", {}), now.get("seeds", {}), place.name)
    constant, constant_now = before.get("constant", []), now.get("constant", [])
    for key in {**dict.fromkeys(constant), **dict.fromkeys(constant_now)}:
        if (key in constant) is not (key in constant_now):
            is_now = key in constant_now
            reason = "requests never change it" if is_now else "requests use it up"
            verdict = "compatible" if is_now else "breaking"
            yield Change(Place("reserved value", place.name), f"{key} constant", not is_now, is_now, verdict, reason)


_TEXTS: Final = frozenset(["title", "description", "x-description", "$comment"])
"""Keywords of a schema that hold texts for people."""


def _are_texts(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether the schemas of members differ in texts for people alone; a member may have the name of such a keyword."""
    differences = value_differences(before, now, ("properties",))
    places = (found.at.split("/") for found in differences if not found.order)
    return all(any(step in _TEXTS and parent != "properties" for parent, step in pairwise(steps)) for steps in places)


def _seed_changes(before: Mapping[str, Any], now: Mapping[str, Any], collection: str) -> Iterator[Change]:
    place = Place("reserved value", collection)
    for key in {**before, **now}:
        one, other = before.get(key, MISSING), now.get(key, MISSING)
        if one is MISSING:
            yield Change(place, key, one, other, "compatible", "no test uses it yet")
        elif other is MISSING:
            yield Change(place, key, one, other, "breaking", "tests that use it get another outcome")
        elif any(not found.order for found in value_differences(one, other)):
            yield Change(place, key, one, other, "breaking", "tests that use it may get another outcome")


# -- settings and assumptions -------------------------------------------------------------------------------

_HARMLESS_SETTINGS: Final = frozenset(["seed", "vary", "sandbox_ttl", "journal_entries", "journal_bytes"])
"""Settings that change no answer that a client may rely on."""


def _settings_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name, one in before.items():
        other = now[name]
        if not equal(_plain(one), _plain(other)):
            yield Change(Place("setting", name), "", _plain(one), _plain(other), *_setting_verdict(name, one, other))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _setting_verdict(name: str, before: Any, now: Any) -> tuple[Verdict, str]:
    if name in _HARMLESS_SETTINGS:
        return "compatible", "it changes no answer that a client may rely on"
    if name.startswith("require_"):
        asks_more = not _requirements(now) <= _requirements(before)
        return ("breaking", "more is required") if asks_more else ("compatible", "less is required")
    if name == "mock_headers":
        return ("compatible", "Mock-* headers are added") if now else ("breaking", "tests may read Mock-* headers")
    if name.startswith(("max_", "request_")) or name.endswith("_timeout"):
        return ("breaking", "a smaller limit") if now < before else ("compatible", "a larger limit")
    return "breaking", "answers change with it"


def _requirements(value: Any) -> frozenset[Any]:
    return frozenset(value if isinstance(value, tuple) else [value] if value else [])


def _assumptions_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for name in {**before, **now}:
        one, other = before.get(name, MISSING), now.get(name, MISSING)
        if one != other:
            reason = "an open point in words; what it does to answers is compared by itself"
            yield Change(Place("assumption", name), "", one, other, "cosmetic", reason)
