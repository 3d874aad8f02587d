"""Compiles what a scenario says of violations: where, which keyword, what came.

Knows violations by their places and keywords; it knows no schema and no value of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.core.language import Condition, Evidence
from mockserver.core.model import Facts, Violation


def compile_violation(operand: Any) -> Condition:
    """The condition of a `violation:` in a `when`: `unclaimed`, or `at`, `keyword` and `came`."""
    if operand == "unclaimed":
        return _among("violation that no other scenario names", "unclaimed", lambda _: True, None)
    wanted = {name: _as_tuple(value) for name, value in operand.items()}
    places, keywords, cames = (wanted.get(name) for name in ("at", "keyword", "came"))

    def selects(violation: Violation) -> bool:
        return (
            (places is None or any(_under(violation.where, place) for place in places))
            and (keywords is None or violation.keyword in keywords)
            and (cames is None or violation.came in cames)
        )

    words = "violation " + ", ".join(f"{name} {' or '.join(map(str, v))}" for name, v in wanted.items())
    return _among(words, "violations", selects, selects)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    """The words of an operand; an unquoted `null` means the word."""
    return tuple("null" if v is None else v for v in (value if isinstance(value, list) else [value]))


def _under(where: str, place: str) -> bool:
    return where.startswith(place[:-1]) if place.endswith(".*") else where == place


def _among(
    words: str,
    root: str,
    selects: Callable[[Violation], bool],
    claims: Callable[[Violation], bool] | None,
) -> Condition:
    def first(facts: Facts) -> Violation | None:
        return next((v for v in facts[root] if selects(v)), None)

    def fails(facts: Facts) -> str | None:
        return None if facts[root] and first(facts) is not None else words

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        if fails(facts) is None:
            return ()
        seen = ", ".join(f"{v.where} {v.keyword} ({v.came})" for v in facts["violations"][:5])
        return (Evidence("violation", words, seen or "no violation"),)

    return Condition(words, fails, evidence, claims=claims, first=first, calm=False)
