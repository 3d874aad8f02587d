"""A file of bindings to fill in: each outcome with the places whose values a provider has to know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.base.values import encode_ascii_json, printable
from mockserver.core.contract import Contract, Example, Operation
from mockserver.core.model import MISSING, value_at
from mockserver.export.outcomes import Outcome, outcomes

_HEAD: Final = """\
# What `mockserver verify-provider --bindings FILE` sends in place of the values of the examples.
# A value is a text, a number or a boolean; {env: NAME} takes an environment variable, {file: PATH} a file beside this
# one: secrets stand there and never here. An outcome with a null is not sent; delete one that is never to be sent.
format: 1
"""

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def bindings_template(contract: Contract) -> str:
    """The file, in YAML."""
    return _HEAD + "\n".join(_lines(contract)) + "\n"


def _lines(contract: Contract) -> Iterator[str]:
    rules = [operation.warning_rules.any_header for operation in contract.operations]
    headers = list(dict.fromkeys(name for rule in rules if rule is not None for name in rule.names))
    if headers:
        yield "every: # goes with each request"
        for index, name in enumerate(headers):
            variable = re.sub("[^A-Z0-9]", "_", name.upper())
            yield f"  {'# ' if index else ''}{yaml_key(f'header.{name}')}: {{env: {variable}}}"
    yield "outcomes:"
    for outcome in outcomes(contract, contract.settings):
        yield from _outcome_lines(outcome)


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    scenario, example = outcome.scenario, outcome.example
    yield f"  # {printable(scenario.heading, 200) if scenario.heading else 'not documented: assumed'}"
    if example is None or not _needs_records(outcome):
        yield f"  {yaml_key(scenario.id)}: {{}}"
        return
    yield f"  {yaml_key(scenario.id)}:"
    if example.bodies_before:
        yield "    before:"
    for body in example.bodies_before:
        for index, line in enumerate(_value_lines(outcome.operation, _example_roots(example, body))):
            yield f"    {'  ' if index else '- '}{line}"
    for line in _value_lines(outcome.operation, _example_roots(example, example.body)):
        yield f"    {line}"


def _needs_records(outcome: Outcome) -> bool:
    """Whether more than the form of the request decides that the outcome answers."""
    alternative = outcome.decision.alternative
    return bool(
        outcome.scenario.changes or alternative is None or alternative.lookup_names or not alternative.conditions
    )


def _example_roots(example: Example, body: Any) -> Mapping[str, Any]:
    return {"body": body, "header": example.headers, "query": example.query, "path": example.path}


def _value_lines(operation: Operation, roots: Mapping[str, Any]) -> Iterator[str]:
    """The places of the keys of records in a request."""
    for place in dict.fromkeys(lookup.path for lookup in operation.lookups):
        value = value_at(roots, place.split("."))
        if value is not MISSING:
            yield f"{yaml_key(place)}: null # in the mock: {printable(encode_ascii_json(value), 200)}"


def yaml_key(name: str) -> str:
    """A key in YAML, in quotes where it needs them: an outcome may have the id `null`."""
    is_plain = _PLAIN.fullmatch(name) and name.lower() not in ("null", "true", "false")
    return name if is_plain else encode_ascii_json(name)
