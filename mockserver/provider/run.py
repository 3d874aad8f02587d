"""The run over a provider: case after case, each answer compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mockserver.privacy.secrets import Secrets
from mockserver.provider.cases import Case
from mockserver.provider.differences import Difference, differences
from mockserver.provider.report import CaseResult
from mockserver.provider.sending import NoAnswerError, Sender, sending
from mockserver.provider.target import Target

Observe = Callable[[CaseResult], None]
"""Gets each result as soon as it is there, so that those are left that a stopped run has."""


def verify(cases: Sequence[Case], target: Target, secrets: Secrets, observe: Observe) -> None:
    """Send the requests of all cases and compare the answers; what cannot be connected to ends the run.

    Raises `CannotConnectError`, and `ValueError` for certificates that cannot be used.
    """
    asyncio.run(_verify(cases, target, secrets, observe))


async def _verify(cases: Sequence[Case], target: Target, secrets: Secrets, observe: Observe) -> None:
    async with sending(target) as sender:
        for case in cases:
            observe(CaseResult(case, reason=case.reason) if case.reason else await _result(case, sender, secrets))


async def _result(case: Case, sender: Sender, secrets: Secrets) -> CaseResult:
    *before, last = case.requests
    try:
        for request, expected in zip(before, case.before, strict=True):
            status = (await sender.send(request)).status
            if status != expected:
                return CaseResult(case, reason=f"a request before it got {status}, not {expected}")
        return CaseResult(case, differences(case.reply, await sender.send(last), secrets))
    except NoAnswerError as error:
        return CaseResult(case, (Difference("answer", "no-answer", "an HTTP answer", str(error)),))
