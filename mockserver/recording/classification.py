"""Which outcome of the contract an answer of the provider is, or is nearly; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockserver.core.directives import Directives
from mockserver.core.model import Document, Path
from mockserver.core.reply import Decision, Reply
from mockserver.decision.decide import decide
from mockserver.decision.rendering import render
from mockserver.decision.router import Route
from mockserver.decision.view import View
from mockserver.privacy.secrets import Secrets
from mockserver.provider.differences import Answer, Difference, differences, own_place, place_in_body, places_of_values
from mockserver.provider.report import NO_API_ANSWER

ComparisonResult: TypeAlias = Literal["same", "differs", "unknown"]

NOT_NEAR: Final = "no outcome alone is near to the answer"


class Classification(Struct, frozen=True):
    """What an answer of the provider is to the contract.

    decision: that of the outcome which it is the same as, or differs from; None if it is unknown.
    expected: the decision of the mock for the same request, by its own records; None if the mock refuses it.
    reason: why it is unknown.
    """

    result: ComparisonResult
    decision: Decision | None = None
    expected: Decision | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    @property
    def is_expected(self) -> bool:
        """Whether the answer is, in all that is compared, the one that the mock would have given."""
        return self.result == "same" and self.decision is self.expected


class _Candidate(Struct, frozen=True):
    """An outcome, with what differs between its reply and the answer."""

    decision: Decision
    reply: Reply
    differences: tuple[Difference, ...]


def classify(route: Route, document: Document, view: View, answer: Answer, secrets: Secrets) -> Classification:
    """Compare an answer with the outcomes of the operation, with the one first that the mock would have given.

    It is the `same` as the first without a difference. It `differs` from the nearest one with which it has a value in
    common. It is `unknown` if there is none, if several are as near, or if the API did not answer.
    """
    expected = decide(route, document, view)
    mocked = expected if isinstance(expected, Decision) else None
    found = []
    for candidate in _candidates(route, document, view, mocked, answer, secrets):
        if not candidate.differences:
            return Classification("same", candidate.decision, mocked)
        found.append(candidate)
    foreign = next((d for one in found[:1] for d in one.differences if d.kind in NO_API_ANSWER), None)
    if foreign is not None:
        return Classification("unknown", None, mocked, reason=_foreign_reason(foreign))
    near = [one for one in found if _has_value_in_common(route, one, secrets)]
    least = min((len(one.differences) for one in near), default=0)
    nearest = [one for one in near if len(one.differences) == least]
    if nearest and (nearest[0].decision is mocked or all(one.differences == nearest[0].differences for one in nearest)):
        return Classification("differs", nearest[0].decision, mocked, nearest[0].differences)
    return Classification("unknown", None, mocked, reason=NOT_NEAR)


def _candidates(
    route: Route, document: Document, view: View, mocked: Decision | None, answer: Answer, secrets: Secrets
) -> Iterator[_Candidate]:
    """The outcomes that an answer can be: the one that the mock would give first, then all in order."""
    forced = (
        decide(replace(route, directives=Directives(scenario=scenario.id)), document, view)
        for scenario in view.order.scenarios
    )
    for decision in (mocked, *forced):
        if isinstance(decision, Decision):
            reply = render(decision, route, "")
            # A body of another kind, such as an array, has nothing in common; only the first tells what is wrong.
            if decision is mocked or reply.body[:1] == answer.body.lstrip()[:1]:
                yield _Candidate(decision, reply, differences(reply, answer, secrets))


def _foreign_reason(one: Difference) -> str:
    return f"a redirect: {one.came}" if one.kind == "redirect" else f"the body is not JSON: {one.came}"


def _has_value_in_common(route: Route, candidate: _Candidate, secrets: Secrets) -> bool:
    """Whether the answer has a value of the part of the body that is the outcome's own, at its place.

    A text that the provider is free to word is none: any text fits there.
    """
    differing = {one.at for one in candidate.differences}
    own = own_place(route.contract, route.operation.id, candidate.decision.scenario.envelope.name) or ()
    return any(
        at[: len(own)] == own and differing.isdisjoint(_places_above(at))
        for at in places_of_values(candidate.decision, secrets)
    )


def _places_above(at: Path) -> Iterator[str]:
    """A place of the body and all above it, as differences name them."""
    yield from (place_in_body(at[:length]) for length in range(len(at) + 1))
