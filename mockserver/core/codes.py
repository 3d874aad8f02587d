"""Scenarios named by the code in their answer: `code=1042` in place of an id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import printable
from mockserver.core.contract import Scenario
from mockserver.core.problems import problem
from mockserver.core.reply import Problem

CODE_PREFIX: Final = "code="
"""What stands before a code where the id of a scenario may stand; no id has such a character."""


def is_code(name: str) -> bool:
    """Whether a name begins with `code=`, so that it names a scenario by the code in its answer."""
    return name.startswith(CODE_PREFIX)


def scenario_name(text: str) -> str:
    """What a person wrote as the name of a scenario; a number is a code, as no id begins with a digit."""
    return f"{CODE_PREFIX}{text}" if text.isdecimal() else text


def has_name(scenario: Scenario, name: str | None) -> bool:
    """Whether this is the id of the scenario, or the code in its answer."""
    return name == scenario.id or (scenario.code is not None and name == f"{CODE_PREFIX}{scenario.code}")


def scenario_by_code(name: str, scenarios: Iterable[Scenario]) -> Scenario | Problem:
    """The one scenario whose answer has the code; a problem if there is none, or several."""
    code = name.removeprefix(CODE_PREFIX)
    coded = [scenario for scenario in scenarios if scenario.code is not None]
    found = [scenario for scenario in coded if scenario.code == code]
    if len(found) == 1:
        return found[0]
    return _several(code, found) if found else _unknown(code, [*dict.fromkeys(str(one.code) for one in coded)])


def codes(scenarios: Iterable[Scenario]) -> Sequence[str]:
    """All codes, as `code=CODE`."""
    return [*dict.fromkeys(f"{CODE_PREFIX}{scenario.code}" for scenario in scenarios if scenario.code is not None)]


def own_codes(scenarios: Iterable[Scenario]) -> Sequence[str]:
    """The codes that name one scenario each, as `code=CODE`."""
    counts = Counter(scenario.code for scenario in scenarios if scenario.code is not None)
    return [f"{CODE_PREFIX}{code}" for code, count in counts.items() if count == 1]


def near_names(name: str, scenarios: Iterable[Scenario]) -> Sequence[str]:
    """What a name that is no id may mean: `code=CODE`, or the ids of all with that code; else ids spelt nearly so."""
    scenarios = [*scenarios]
    coded = [scenario.id for scenario in scenarios if scenario.code == name]
    if len(coded) == 1:
        return [f"{CODE_PREFIX}{name}"]
    return coded or close_matches(name, [scenario.id for scenario in scenarios])


def _unknown(code: str, codes: Sequence[str]) -> Problem:
    near = close_matches(code, codes)
    what = f"There is no {printable(code, 80)}." if code else f"Expected a code behind {CODE_PREFIX}, got none."
    return problem(
        400,
        "unknown-code",
        "No answer has this code",
        f"{what}{did_you_mean_sentence(near)}",
        did_you_mean=list(near),
        codes=list(codes),
    )


def _several(code: str, found: Sequence[Scenario]) -> Problem:
    headings = [f"{one.id} ({one.heading or 'assumed'})" for one in found]
    return problem(
        400,
        "ambiguous-code",
        "Several answers have this code",
        f"{code} is the code of {len(found)} scenarios; name one of them: {', '.join(headings)}.",
        outcomes=[{"scenario": one.id, "heading": one.heading} for one in found],
    )
