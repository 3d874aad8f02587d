"""A compiled contract: operations, scenarios and collections as frozen values, with compiled parts as callables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import Struct

from mockserver.base.address import escape_segment
from mockserver.core.client_advice import NO_ADVICE, ClientAdvice, text_in
from mockserver.core.diagnostics import FileDiagnostic, Position
from mockserver.core.faults import Delay, Fault
from mockserver.core.language import CompiledBody, Condition, Template, Validator
from mockserver.core.model import Collection, IdRule, Lookup, Path, Provenance, Settings
from mockserver.core.provider_verification import ProviderVerification


@dataclass(frozen=True, slots=True, eq=False)
class Assumption:
    """An assumption that an answer rests on if all conditions of `when` hold; without conditions, always."""

    id: str
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """One way to a scenario: its conditions, its source, and the assumptions it rests on beside the scenario's.

    `lookup_names` names the lookups that the conditions read.
    """

    conditions: tuple[Condition, ...]
    provenance: Provenance
    heading: str | None
    assumed: tuple[Assumption, ...]
    lookup_names: tuple[str, ...]


class TemplatedMember(Struct, frozen=True):
    """A member whose value depends on the request; if it `appends`, the value is appended to the list in the record."""

    name: str
    appends: bool
    template: Template


class Change(Struct, frozen=True):
    """What a scenario does to the record of one lookup.

    `members` has each member in order, with its value if it is constant and None otherwise.
    """

    lookup: Lookup
    members: Mapping[str, Any]
    rendered: tuple[TemplatedMember, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The shape of an answer: its status, and the check of its body by the file `schema`. Scenarios hold the body.

    `open_validator` says which other bodies mean the same to a client, if the contract has such a schema.
    """

    name: str
    status: Template
    assumed: tuple[Assumption, ...]
    validator: Validator | None = None
    schema: str | None = None
    open_validator: Validator | None = None


class ContentTypeRule(Struct, frozen=True):
    """The content type that a request should have, in lower case."""

    expected: str
    assumption: str


class AnyHeaderRule(Struct, frozen=True):
    """Names of headers, one of which a request should have."""

    names: tuple[str, ...]
    assumption: str


@dataclass(frozen=True, slots=True, eq=False)
class WarningRules:
    """What clients are warned about, each with the id of the assumption that lets the request pass.

    `unknown_members_assumption_id` is None where unknown members give no warning.
    """

    unknown_members_assumption_id: str | None = None
    content_type: ContentTypeRule | None = None
    any_header: AnyHeaderRule | None = None


class Example(Struct, frozen=True):
    """A request that a scenario answers, after requests with the bodies in `bodies_before`."""

    body: Any
    bodies_before: tuple[Any, ...]
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    position: Position


class ResponseHeader(Struct, frozen=True):
    """A header that a scenario sends."""

    name: str
    value: Template


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One named case: when it applies (`alternatives`, tried in order), what it answers, what it changes.

    `notes` are by language. `code` is the code in its answer, `runtime_text` its text if it was added at run
    time. All of `new_ids` are used up.
    """

    id: str
    operation: str
    provenance: Provenance
    heading: str | None
    notes: Mapping[str, str]
    assumed: tuple[Assumption, ...]
    alternatives: tuple[Alternative, ...]
    envelope: Envelope
    status: Template
    body: Template
    compiled_body: CompiledBody
    changes: tuple[Change, ...]
    new_ids: frozenset[str]
    examples: tuple[Example, ...]
    position: Position
    headers: tuple[ResponseHeader, ...] = ()
    client_advice: ClientAdvice = NO_ADVICE
    code: str | None = None
    verified: ProviderVerification | None = None
    fault: Fault | None = None
    delay: Delay | None = None
    turns: Turns | None = None
    runtime_text: str | None = None

    @property
    def note(self) -> str | None:
        """What people should know of it, in English where it is; None where there is nothing."""
        return text_in(self.notes, "en")

    @property
    def answers_all(self) -> bool:
        """Whether it answers every request, and so can be the last: no conditions, no changes, no turn that passes."""
        may_stand_aside = self.turns is not None and any(turn.scenario is None for turn in self.turns.turns)
        return (
            not may_stand_aside
            and not self.changes
            and any(not alternative.conditions for alternative in self.alternatives)
        )


class Turn(Struct, frozen=True):
    """What the next `times` requests get: a scenario; if it is armed, a fault and a delay too."""

    scenario: Scenario | None = None
    """None: what is armed leaves the ordinary answer; a scenario's turn leaves requests to the scenarios after it."""
    fault: Fault | None = None
    delay: Delay | None = None
    times: int = 1


class Turns(Struct, frozen=True):
    """Answers in turn; the last one repeats, or with `cycle` the series starts again."""

    turns: tuple[Turn, ...]
    cycle: bool = False

    def turn_after(self, count: int) -> Turn:
        """The turn of the request after `count` requests."""
        if self.cycle:
            count %= sum(turn.times for turn in self.turns)
        for turn in self.turns:
            count -= turn.times
            if count < 0:
                return turn
        return self.turns[-1]

    @property
    def reload_key(self) -> tuple[object, ...]:
        """What two series must share so that a position in one is valid in the other."""
        return (self.cycle, *((turn.times, turn.scenario is None) for turn in self.turns))


class RuntimeCompiler(Struct, frozen=True):
    """Compiles scenarios and conditions that are added at run time; see `loading.compile_runtime_scenario`.

    Both callables take a `layers.ConfigNode` whose data has passed the format check, and report to its source.
    """

    conditions: Callable[[Any], tuple[Condition, ...]]
    scenario: Callable[[Any], Scenario | None]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A method and a path with everything needed to decide a request to it.

    `body` checks the body, `parameter_validators` the roots `path` and `query`, where they have a schema.
    `secret_places` are the places of secrets and `declared_places` all that the contract knows, each beginning with
    its root.
    `schema_files` names the schema files of `body`, `query` and `path`, where there are any.
    """

    id: str
    method: str
    path: str
    parameters: tuple[str, ...]
    body: Validator | None
    parameter_validators: Mapping[str, Validator]
    warning_rules: WarningRules
    lookups: tuple[Lookup, ...]
    id_rules: tuple[IdRule, ...]
    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    assumed: tuple[str, ...]
    secret_places: tuple[Path, ...]
    declared_places: tuple[Path, ...]
    runtime_compiler: RuntimeCompiler
    schema_files: Mapping[str, str] = field(default_factory=dict)

    def fill_path(self, parameters: Mapping[str, str]) -> str:
        """The path with these values for its parameters."""
        path = self.path
        for name in self.parameters:
            path = path.replace("{" + name + "}", escape_segment(parameters.get(name, name)))
        return path


class Replacement(Struct, frozen=True):
    """A part that an overlay replaced, or (`before` is None) added."""

    what: str
    position: Position
    before: Position | None


RewriteReferences: TypeAlias = Callable[[Callable[[str, Path], str]], Mapping[str, Any]]
"""Returns the schemas by file name, with each reference replaced by what the argument returns for its target."""


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """All that is loaded. `hash` identifies the files by content; comments and layout do not count.

    definition: the same as data, all layers in one: the `contract` file, `scenarios` by operation, `schemas` by file.
    """

    hash: str
    operations: tuple[Operation, ...]
    collections: Mapping[str, Collection]
    assumption_texts: Mapping[str, Mapping[str, str]]
    settings: Settings
    replaced: tuple[Replacement, ...] = ()
    warnings: tuple[FileDiagnostic, ...] = ()
    rewrite_references: RewriteReferences = lambda _: {}
    definition: Mapping[str, Any] = field(default_factory=dict)

    @property
    def assumptions(self) -> dict[str, str]:
        """The open points by id, in English where they are."""
        return {name: text_in(texts, "en") or "" for name, texts in self.assumption_texts.items()}

    @property
    def operations_by_id(self) -> dict[str, Operation]:
        """The operations by id."""
        return {operation.id: operation for operation in self.operations}

    @property
    def scenarios(self) -> Iterable[Scenario]:
        """Every scenario, operation by operation, in the order of checks."""
        return (scenario for operation in self.operations for scenario in operation.scenarios)


class Reload(Struct, frozen=True):
    """The result of a reload, with its time.

    `errors` says why the files make no contract, each with its position (`at`) and a hint; the old contract stays.
    `notes` lists what sandboxes lost because the new contract has no place for it.
    """

    at_ns: int
    errors: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()
