"""The run over a provider: case after case, each answer compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mockserver.core.contract import Contract
from mockserver.privacy.secrets import Secrets, secrets_of
from mockserver.provider.bindings import Reason
from mockserver.provider.cases import Case, other_replies
from mockserver.provider.differences import Answer, Difference, differences
from mockserver.provider.report import CaseResult
from mockserver.provider.sending import NoAnswerError, Sender, sending
from mockserver.provider.target import Target

Observe = Callable[[CaseResult], None]
"""Gets each result as soon as it is there, so that those are left that a stopped run has."""


def verify(contract: Contract, cases: Sequence[Case], target: Target, observe: Observe) -> None:
    """Send the requests of all cases and compare the answers; what cannot be connected to ends the run.

    Raises `CannotConnectError`, and `ValueError` for certificates that cannot be used.
    """
    asyncio.run(_verify(contract, cases, target, observe))


async def _verify(contract: Contract, cases: Sequence[Case], target: Target, observe: Observe) -> None:
    async with sending(target) as sender:
        for case in cases:
            observe(CaseResult(case, reason=case.reason) if case.reason else await _result(contract, case, sender))


async def _result(contract: Contract, case: Case, sender: Sender) -> CaseResult:
    *before, last = case.requests
    try:
        for request, expected in zip(before, case.before, strict=True):
            status = (await sender.send(request)).status
            if status != expected:
                return CaseResult(case, reason=Reason("before", {"got": status, "expected": expected}))
        return _compare(contract, case, await sender.send(last), secrets_of(contract.operations))
    except NoAnswerError as error:
        return CaseResult(case, (Difference("answer", "no-answer", "an HTTP answer", str(error)),))


def _compare(contract: Contract, case: Case, answer: Answer, secrets: Secrets) -> CaseResult:
    """The result of a case; where its answer differs, with the documented outcomes whose answer it is instead."""
    found = differences(case.reply, answer, secrets)
    others = other_replies(contract, case) if found else ()
    instead = tuple(scenario for scenario, reply in others if not differences(reply, answer, secrets))
    return CaseResult(case, found, instead=instead)
