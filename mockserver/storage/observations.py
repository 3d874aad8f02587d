"""Makes the observation of a request when it is decided; coverage counts it once the answer was sent."""

from __future__ import annotations

import hashlib

from mockserver.base.json_pointer import json_pointer
from mockserver.core.model import Request, Violation
from mockserver.core.reply import Decision
from mockserver.decision.view import View
from mockserver.privacy.account_numbers import holds_account_number
from mockserver.privacy.masks import mask_account_numbers_in_text, secret_parts
from mockserver.privacy.secrets import Secrets
from mockserver.storage.coverage import Observation, Outcome

MAX_PLACE_LENGTH = 200
"""In characters."""

_KEYWORDS_AT_CLIENT_NAMES = frozenset(["additionalProperties", "unevaluatedProperties", "propertyNames"])
"""Keywords whose violations stand at a member whose name the client chose."""


class Observer:
    """Makes observations of requests to one contract."""

    def __init__(self, secrets: Secrets, key: bytes) -> None:
        """`secrets` is what is secret in requests to any of its operations; `key` keys the fingerprints."""
        self._secrets = secrets
        self._key = hashlib.sha256(key).digest()

    def observe(self, request: Request, view: View, decision: Decision, started_ns: int) -> Observation:
        """The observation of a request that a scenario answers."""
        operation, scenario, fault = decision.operation, decision.scenario, decision.fault
        from_contract = scenario.runtime_text is None
        kind = fault.kind if fault is not None else None
        forced = scenario.id if decision.trigger == "header" else ""
        query = tuple(request.query.items()) if request.query else ()
        violations = decision.document.violations
        return Observation(
            sandbox=view.sandbox,
            started_ns=started_ns,
            outcome=Outcome(scenario.operation, scenario.id, from_contract, kind),
            trigger=decision.trigger,
            fingerprint=self._fingerprint(request, query, forced),
            violation_places=tuple({_violation_place(violation) for violation in violations}) if violations else (),
            secret_in_url=(bool(query) or bool(operation.parameters)) and self._shows_secret(request),
            committed=decision.applies_changes,
        )

    def observe_refusal(self, request: Request, sandbox: str, started_ns: int) -> Observation:
        """The observation of a request that the mock refused."""
        return Observation(sandbox, started_ns, secret_in_url=self._shows_secret(request))

    def _fingerprint(self, request: Request, query: tuple[tuple[str, str], ...], forced: str) -> int:
        """The same for equal requests on every server with this key, and of no use to find their secrets without it."""
        text = repr((request.method, request.path, query, forced)).encode()
        return int.from_bytes(hashlib.blake2b(text + request.body, digest_size=6, key=self._key).digest(), "big")

    def _shows_secret(self, request: Request) -> bool:
        secrets, query = self._secrets, request.query
        parts = secret_parts([*query.items()], secrets) if query else ()
        return any(part.name or part.value for part in parts) or holds_account_number(request.path)


def _violation_place(violation: Violation) -> str:
    """Where a violation stands, without names that the client chose: a JSON Pointer, after its root if not the body."""
    steps = ["*" if isinstance(step, int) else step for step in violation.path]
    if steps and violation.keyword in _KEYWORDS_AT_CLIENT_NAMES:
        steps[-1] = "*"
    place = json_pointer(steps)
    return mask_account_numbers_in_text(place if violation.root == "body" else violation.root + place)[
        :MAX_PLACE_LENGTH
    ]
