"""The linter: runs the examples of a contract, each on fresh state, and finds shadowed scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_json
from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.diagnostics import FileDiagnostic
from mockserver.core.model import MISSING, Request, Settings
from mockserver.core.reply import NearMiss, Reply
from mockserver.engine.engine import Engine, frozen_clock, run_sync
from mockserver.entries.views import expected_words
from mockserver.schema.violations import mismatch_of

EXAMPLE_TIME_NS = 1_731_681_138_123_000_000
"""The time at which examples run, 2024-11-15T14:32:18.123Z, so that they give the same each time."""

_EXAMPLE_HINT: Final = "write a request that meets it, so that check can tell when another scenario catches it first"


class ExampleRun(Struct, frozen=True):
    """An example and the reply to it.

    near_miss: why its scenario did not match, if another one, tried after it, answers.
    """

    scenario: Scenario
    example: Example
    reply: Reply
    near_miss: NearMiss | None = None


def example_requests(operation: Operation, example: Example) -> Iterator[Request]:
    """The requests of an example: those to send first, then its own."""
    for body in (*example.bodies_before, example.body):
        yield Request(
            operation.method,
            operation.fill_path(example.path),
            b"" if body is MISSING else encode_json(body),
            {"content-type": "application/json", **example.headers},
            example.query,
        )


class ExampleRunner:
    """Runs examples of a contract, each on fresh state."""

    def __init__(self, contract: Contract, settings: Settings | None = None) -> None:
        """Prepare the contract once; `settings` replace its own."""
        self._engine = Engine(contract, settings=settings, clock=frozen_clock(EXAMPLE_TIME_NS))

    def replies(self, requests: Iterable[Request]) -> list[Reply]:
        """The replies to requests, one after the other, on fresh state."""
        run_sync(self._engine.storage.reset_all())
        return [self._engine.handle_sync(request) for request in requests]

    def run(self, operation: Operation, example: Example) -> Reply:
        """The reply to an example's request."""
        return self.replies(example_requests(operation, example))[-1]

    def near_miss(self, operation: Operation, example: Example, scenario: Scenario) -> NearMiss | None:
        """Why a scenario does not match an example's request; None if it was not tried."""
        *before, last = example_requests(operation, example)
        self.replies(before)
        misses = run_sync(self._engine.explain(last)).near_misses
        return next((miss for miss in misses if miss.scenario.id == scenario.id), None)


def run_examples(contract: Contract) -> Iterator[ExampleRun]:
    """Every example of every scenario in order, with its reply."""
    runner = ExampleRunner(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples:
                reply = runner.run(operation, example)
                is_other = reply.decision is not None and reply.decision.scenario.id != scenario.id
                near_miss = runner.near_miss(operation, example, scenario) if is_other else None
                yield ExampleRun(scenario, example, reply, near_miss)


def check(contract: Contract) -> tuple[FileDiagnostic, ...]:
    """What is wrong with the examples of a contract that loads."""
    return examine(contract).errors


class Examination(NamedTuple):
    """What an examination of a contract finds: `errors`, and `remarks` on what overlays change on purpose."""

    errors: tuple[FileDiagnostic, ...]
    remarks: tuple[FileDiagnostic, ...]


def examine(contract: Contract) -> Examination:
    """Run all examples of a contract that loads, and say which do not get what they name.

    An example of what lies below overlays may get another outcome through these, which is a remark: an overlay that
    closes a collection, say, does so on purpose. Examples of the overlays themselves must meet their scenarios.
    """
    errors = [
        FileDiagnostic(
            s.position, f"scenario {s.id} has no example", "examples: one request or more", "none", _EXAMPLE_HINT
        )
        for s in contract.scenarios
        if not s.examples
    ]
    remarks: list[FileDiagnostic] = []
    overlaid = {replaced.position for replaced in contract.replaced}
    for run in run_examples(contract):
        below = overlaid and run.scenario.position not in overlaid
        (remarks if below else errors).extend(_problems(run))
    return Examination((*errors, *_validator_disagreements(contract)), tuple(remarks))


def _validator_disagreements(contract: Contract) -> Iterator[FileDiagnostic]:
    """The examples on whose form the validator and the reference implementation of JSON Schema disagree."""
    from mockserver.schema.reference_validator import (
        ReferenceValidator,  # slow to import, and a server does not need it
    )

    reference = ReferenceValidator(contract.rewrite_references)
    for operation in contract.operations:
        body = operation.body
        if body is None:
            continue
        for scenario in operation.scenarios:
            for example in scenario.examples:
                if example.body is MISSING:
                    continue
                expected = reference.is_valid(operation.schema_files["body"], example.body)
                is_valid = not body.violations("body", example.body)
                if expected is not None and expected is not is_valid:
                    yield FileDiagnostic(
                        example.position,
                        f"an example of {scenario.id} whose form two implementations of JSON Schema judge differently",
                        _verdict(is_valid=expected),
                        _verdict(is_valid=is_valid),
                        "see the deviations in docs/pages/reference/json-schema.md; patterns are those of RE2",
                    )


def _verdict(*, is_valid: bool) -> str:
    return "well formed" if is_valid else "not well formed"


def _problems(run: ExampleRun) -> Iterator[FileDiagnostic]:
    expected, decision, position = run.scenario.id, run.reply.decision, run.example.position
    if decision is None:
        problem = decode_json(run.reply.body, MAX_OWN_DEPTH)
        what = f"an example of {expected} that the mock itself refuses"
        yield FileDiagnostic(position, what, expected, str(problem["title"]), str(problem["detail"]))
        return
    caught = decision.scenario
    if run.near_miss is not None:
        evidence = run.near_miss.evidence[0]
        yield FileDiagnostic(
            position,
            f"an example of {expected} that does not meet its conditions",
            f"{evidence.path}: {expected_words(evidence.path, evidence.expected)}",
            evidence.got,
            f"it gets {caught.id}; change the example, or the conditions of {expected}",
        )
        return
    if caught.id != expected:
        yield FileDiagnostic(
            position,
            f"an example of {expected} is shadowed by {caught.id} at {caught.position}",
            expected,
            caught.id,
            f"make the conditions of {caught.id} narrower, put {expected} before it, or change the example",
        )
        return
    answer = decode_json(run.reply.body, MAX_OWN_DEPTH)
    validator = caught.envelope.validator
    for violation in validator.violations("answer", answer) if validator is not None else ():
        words = mismatch_of(violation, answer)
        what = f"an example of {expected} whose answer breaks its schema at {violation.where}"
        hint = words.hint or f"the schema is that of the envelope {caught.envelope.name}"
        yield FileDiagnostic(position, what, words.expected, words.got, hint)
