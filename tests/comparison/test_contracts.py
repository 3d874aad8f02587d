"""Whatever is changed in a contract is named."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from mockserver.comparison.contracts import compare
from mockserver.contract.bundles import contract_bundle, load_bundle
from mockserver.contract.loading import ConfigError, load
from mockserver.core.model import MISSING, Path

SAMPLE = 30
"""Places of some 1,600: each takes some 60 ms."""


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """The places of all members and items in a value."""
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*at, step)
        yield from places(value[step], (*at, step))


def mutants(value: Any) -> list[Any]:
    """What may stand in the place of a value: another one of its type, another order, or (`MISSING`) nothing."""
    if isinstance(value, bool):
        return [not value, MISSING]
    if isinstance(value, int):
        return [value + 1, float(value), MISSING]
    if isinstance(value, str):
        return [f"{value}x", MISSING]
    if isinstance(value, dict):
        return [dict(reversed(value.items())), MISSING]
    return [value[::-1], MISSING] if isinstance(value, list) else [MISSING]


def put(bundle: Any, at: Path, value: Any) -> Any:
    """A bundle with another value at a place."""
    changed = copy.deepcopy(bundle)
    parent = value_at(changed, at[:-1])
    if value is MISSING:
        del parent[at[-1]]
    else:
        parent[at[-1]] = value
    return changed


def value_at(value: Any, at: Path) -> Any:
    for step in at:
        value = value[step]
    return value


def test_a_contract_of_another_hash_is_never_without_a_change() -> None:
    """Of the shipped contract, by members and items that have another value, another order, or are gone."""
    shipped = load(None, ())
    bundle = contract_bundle(shipped)
    chosen = random.Random(17)
    every = [at for part in ("contract", "scenarios", "schemas") for at in places(bundle[part], (part,))]
    compared = 0
    for at in chosen.sample(every, SAMPLE):
        value = value_at(bundle, at)
        mutant = chosen.choice(mutants(value))
        try:
            changed = load_bundle(put(bundle, at, mutant), "changed")
        except ConfigError:
            continue
        found = compare(shipped, changed, "old", "new").changes
        assert bool(found) is (changed.hash != shipped.hash), (at, mutant)
        is_notation = all(change.place.part == "contract" for change in found)
        assert not (is_notation and isinstance(mutant, str)) or str(at[-1]).startswith("$"), (at, mutant)
        compared += bool(found)
    assert compared > SAMPLE / 2
