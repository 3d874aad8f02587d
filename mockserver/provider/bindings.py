"""Bindings: the values that stand, at the provider, for those of the contract's examples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

import msgspec

from mockserver.base.values import encode_ascii_json
from mockserver.contract.folders import BINDINGS_FORMAT
from mockserver.contract.loading import ConfigError, check_format
from mockserver.contract.paths import unknown_name
from mockserver.core.contract import Contract, Example, Operation
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import Path
from mockserver.export.outcomes import Outcome
from mockserver.files.sources import SourceFile, read_regular_file
from mockserver.files.yaml_source import read_yaml
from mockserver.privacy.secrets import secrets_of
from mockserver.reports.wording import ENGLISH, Wording

ROOTS: Final = ("body", "header", "query", "path")
"""The parts of a request that have values."""

_OF_THE_SENDER: Final = (
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""Headers that the sender writes itself: other values of them would cut the request, or lead it elsewhere."""

Values = Mapping[str, Any]
"""Values by place, such as `body.name`: a scalar, `{env: NAME}`, `{file: PATH}`, or null while none is given."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an outcome was not reached, or whose answer came: the key of a text for people, and the values in it."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, wording: Wording = ENGLISH) -> str:
        """The reason in words; of several names each is a choice."""
        values = {name: wording.choice(one) if isinstance(one, list) else one for name, one in self.values.items()}
        return wording.text(f"provider.reason.{self.key}", **values)


class UnboundError(Exception):
    """An outcome has no usable values; `reason` says why."""

    def __init__(self, key: str, **values: Any) -> None:
        """The key and the values of a `Reason`."""
        self.reason = Reason(key, values)
        super().__init__(key)


@dataclass(frozen=True, slots=True)
class OutcomeBindings:
    """The values of one outcome: for its request, and for each request before it.

    example: which of its examples is sent, from 1; None for the one that needs the fewest requests before it.
    """

    values: Values
    before: tuple[Values, ...] = ()
    example: int | None = None


@dataclass(frozen=True, slots=True)
class Bindings:
    """The values by outcome, and those that go with `every` request; `folder` is that of the file."""

    every: Values = field(default_factory=dict)
    outcomes: Mapping[str, OutcomeBindings] = field(default_factory=dict)
    folder: FilePath = FilePath()
    secrets: set[str] = field(default_factory=set)
    """The values that were read from the environment and from files, for the mask of a report."""

    def places(self, outcome: Outcome) -> frozenset[str]:
        """The places of an outcome's request that have a value of their own."""
        return frozenset([*self.every, *self.outcomes[outcome.scenario.id].values])

    def example(self, outcome: Outcome) -> Example:
        """The example of an outcome that is sent. Raises `UnboundError`."""
        bindings = self.outcomes.get(outcome.scenario.id)
        if bindings is None:
            raise UnboundError("no-values")
        if bindings.example is None:
            return _first_example(outcome)
        examples = outcome.scenario.examples
        if bindings.example > len(examples):
            raise UnboundError("example-number", number=bindings.example, of=len(examples))
        return examples[bindings.example - 1]

    def bind(self, outcome: Outcome, example: Example) -> Example:
        """An example of an outcome with its values. Raises `UnboundError`."""
        bindings = self.outcomes[outcome.scenario.id]
        before = [*bindings.before, *({} for _ in example.bodies_before)]
        return msgspec.structs.replace(
            example,
            body=self._bound_body(example.body, bindings.values),
            bodies_before=tuple(
                self._bound_body(body, values) for body, values in zip(example.bodies_before, before, strict=False)
            ),
            path=self._named("path", example.path, bindings.values),
            query=self._named("query", example.query, bindings.values),
            headers=self._named("header", example.headers, bindings.values),
        )

    def _named(self, root: str, own: Mapping[str, str], values: Values) -> dict[str, str]:
        """Headers, or parameters of the query or the path: those of every request, the example's `own`, its values."""
        return {**self._of_root(root, self.every), **own, **self._of_root(root, values)}

    def _of_root(self, root: str, values: Values) -> dict[str, str]:
        found = {}
        for place, value in values.items():
            first, _, name = place.partition(".")
            if first == root:
                bound = self._value(place, value)
                text = bound if isinstance(bound, str) else encode_ascii_json(bound)
                if root == "header" and any(char in text for char in "\r\n\0"):
                    raise UnboundError("header-value", place=place)
                found[name.lower() if root == "header" else name] = text
        return found

    def _bound_body(self, body: Any, values: Values) -> Any:
        for place, value in values.items():
            first, *steps = place.split(".")
            if first == "body":
                body = _with_value(body, steps, self._value(place, value), place)
        return body

    def _value(self, place: str, value: Any) -> Any:
        if value is None:
            raise UnboundError("no-value", place=place)
        if not isinstance(value, dict):
            return value
        secret = _environment(value["env"]) if "env" in value else self._file(value["file"])
        self.secrets.add(secret)
        return secret

    def _file(self, name: str) -> str:
        try:
            text = read_regular_file(self.folder / name).decode().strip()
        except OSError as error:
            raise UnboundError("file-unreadable", file=name, detail=error.strerror or str(error)) from None
        except UnicodeDecodeError:
            raise UnboundError("file-not-utf-8", file=name) from None
        if not text:
            raise UnboundError("file-empty", file=name)
        return text


class ExamplesAsTheyAre(Bindings):
    """Bindings for a target that knows the contract's own test values, as a mock does."""

    def places(self, _outcome: Outcome) -> frozenset[str]:
        """None: all values are those of the examples."""
        return frozenset()

    def example(self, outcome: Outcome) -> Example:
        """The example of an outcome. Raises `UnboundError` where there is none."""
        return _first_example(outcome)

    def bind(self, _outcome: Outcome, example: Example) -> Example:
        """The example as it is."""
        return example


def _first_example(outcome: Outcome) -> Example:
    if outcome.example is None:
        raise UnboundError("no-example")
    return outcome.example


def _environment(name: str) -> str:
    text = os.environ.get(name, "")
    if not text:
        raise UnboundError("variable-not-set", variable=name)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnboundError("variable-not-utf-8", variable=name) from None
    return text


def _with_value(body: Any, steps: list[str], value: Any, place: str) -> Any:
    """A JSON body with a value at a place. Raises `UnboundError` where the body has no such place."""
    if not steps:
        return value
    if not isinstance(body, dict):
        raise UnboundError("no-place", place=place)
    return {**body, steps[0]: _with_value(body.get(steps[0], {}), steps[1:], value, place)}


# -- the file -----------------------------------------------------------------------------------------


def read_bindings(path: FilePath, contract: Contract) -> Bindings:
    """The bindings in a YAML file. Raises `ConfigError` with all that is wrong, each with line and column."""
    source = read_yaml(path, str(path))
    check_format(source, BINDINGS_FORMAT)
    if not source.diagnostics:
        _check_names(source, contract)
    if source.diagnostics:
        raise ConfigError(sorted(source.diagnostics, key=lambda one: one.position))
    data = source.data
    return Bindings(
        data.get("every", {}),
        {name: _outcome_bindings(values) for name, values in data.get("outcomes", {}).items()},
        path.parent,
    )


def _outcome_bindings(data: Mapping[str, Any]) -> OutcomeBindings:
    values = {name: value for name, value in data.items() if name not in ("before", "example")}
    return OutcomeBindings(values, tuple(data.get("before", ())), data.get("example"))


def _check_names(source: SourceFile, contract: Contract) -> None:
    """Report outcomes and places that the contract does not have, and secrets that are written out."""
    _check_places(source, ("every",), source.data.get("every", {}), contract.operations, ROOTS[1:])
    ids = [scenario.id for scenario in contract.scenarios]
    for name, data in source.data.get("outcomes", {}).items():
        at: Path = ("outcomes", name)
        operations = [operation for operation in contract.operations if name in operation.by_id]
        if not operations:
            source.report(unknown_name(at, f"unknown outcome {name}", name, ids))
            continue
        values = _outcome_bindings(data)
        _check_places(source, at, values.values, operations)
        for index, before in enumerate(values.before):
            _check_places(source, (*at, "before", index), before, operations)


def _check_places(
    source: SourceFile, at: Path, values: Values, operations: Sequence[Operation], roots: Sequence[str] = ROOTS
) -> None:
    secrets = secrets_of(operations)
    declared = [".".join(map(str, place)) for operation in operations for place in operation.declared_places]
    for place, value in values.items():
        error = _place_error((*at, place), place, roots, declared)
        root, _, name = place.partition(".")
        is_written_out = value is not None and not isinstance(value, dict)
        if error is None and is_written_out and secrets.covers(root, tuple(name.split("."))):
            hint = "secrets stand in the environment or in a file, never in YAML"
            error = Diagnostic((*at, place), f"{place} is a secret", "{env: NAME} or {file: PATH}", "", hint)
        if error is not None:
            source.report(error)


def _place_error(at: Path, place: str, roots: Sequence[str], declared: Sequence[str]) -> Diagnostic | None:
    """What is wrong with a place; None if it can be bound. Headers need not be declared."""
    root, _, name = place.partition(".")
    if root not in roots or not name:
        expected = " or ".join(f"{root}.NAME" for root in roots)
        return Diagnostic(at, f"not a place of a request: {place}", expected, place)
    if root == "header":
        if name.lower() not in _OF_THE_SENDER:
            return None
        hint = "this header comes from the target and the body; remove the line"
        return Diagnostic(
            at, f"{place} cannot be bound", f"a header other than {', '.join(_OF_THE_SENDER)}", place, hint
        )
    of_root = [one for one in declared if one.startswith(f"{root}.")]
    return unknown_name(at, f"unknown place {place}", place, of_root) if of_root and place not in of_root else None


NO_BINDINGS: Final = Bindings()
"""Where no file is given: nothing can be sent."""
