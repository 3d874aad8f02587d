"""What coverage counts of a request: made when it is decided, counted once its answer was sent."""

from __future__ import annotations

from mockserver.core.masks import SecretPlaces, masked_text
from mockserver.core.model import Request, Violation, json_pointer
from mockserver.core.reply import Decision
from mockserver.decision.view import View
from mockserver.storage.coverage import Answered, Observation

LONGEST_PLACE = 200
"""Characters of the place of a violation."""

_CLIENT_NAMES = frozenset(["additionalProperties", "unevaluatedProperties", "propertyNames"])
"""Keywords whose violations stand at a member that the client has named."""


class Observer:
    """Makes observations of requests to one contract."""

    def __init__(self, secrets: SecretPlaces) -> None:
        """`secrets` is what is secret in requests to any of its operations."""
        self._secrets = secrets

    def observe(self, request: Request, view: View, decision: Decision, arrived_ns: int) -> Observation:
        """The observation of a request that a scenario answers."""
        operation, scenario, fault = decision.operation, decision.scenario, decision.fault
        own = operation.by_id.get(scenario.id) is scenario
        forced = scenario.id if decision.trigger == "header" else ""
        query = tuple(request.query.items()) if request.query else ()
        violations = decision.document.violations
        return Observation(
            sandbox=view.sandbox,
            arrived_ns=arrived_ns,
            answered=Answered(scenario.operation, scenario.id, own, fault.kind if fault is not None else None),
            trigger=decision.trigger,
            mark=hash((request.method, request.path, query, request.body, forced)),
            broken=tuple({_place(violation) for violation in violations}) if violations else (),
            secret_in_url=(bool(query) or bool(operation.parameters)) and self._shows_secret(request),
            commits=decision.committed,
        )

    def refusal(self, request: Request, sandbox: str, arrived_ns: int) -> Observation:
        """The observation of a request that the mock refused."""
        return Observation(sandbox, arrived_ns, secret_in_url=self._shows_secret(request))

    def _shows_secret(self, request: Request) -> bool:
        if any(map(self._secrets.hides, request.query)):
            return True
        return any(masked_text(text) != text for text in (request.path, *request.query.values()))


def _place(violation: Violation) -> str:
    """Where a violation stands: a JSON Pointer into the body, or root and pointer; no name that the client made up."""
    steps = ["*" if isinstance(step, int) else step for step in violation.path]
    if steps and violation.keyword in _CLIENT_NAMES:
        steps[-1] = "*"
    place = json_pointer(steps)
    return masked_text(place if violation.root == "body" else violation.root + place)[:LONGEST_PLACE]
