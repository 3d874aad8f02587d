"""The drift report: what recorded answers tell of each outcome, in the format of `verify-provider`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from mockserver.core.contract import Contract
from mockserver.entries.journal_entry import JournalEntry
from mockserver.export.outcomes import Outcome
from mockserver.provider.bindings import ExamplesAsTheyAre, OutcomeBindings, Reason
from mockserver.provider.cases import Case, cases
from mockserver.provider.differences import Difference, Kind
from mockserver.provider.report import CaseResult, Report, report

_NOT_RECORDED: Final = Reason("not-recorded")


class _RecordsOfTheProvider(ExamplesAsTheyAre):
    """Bindings that say of all records that they are the provider's: no assumption on the mock's own is judged."""

    def places(self, outcome: Outcome) -> frozenset[str]:
        """The places of all keys."""
        return frozenset(lookup.path for lookup in outcome.operation.lookups)


def drift_report(contract: Contract, entries: Sequence[JournalEntry], now_ns: int) -> Report:
    """The report on recorded entries, newest first; of an outcome with several answers the newest that differs counts.

    It has the documented outcomes, and others that were answered.
    """
    by_outcome: dict[str, JournalEntry] = {}
    for entry in entries:
        recorded = entry.recorded
        if recorded is not None and recorded.scenario is not None:
            before = by_outcome.get(recorded.scenario)
            if before is None or (recorded.result == "differs" and not _differences(before)):
                by_outcome[recorded.scenario] = entry
    bindings = _RecordsOfTheProvider(outcomes={name: OutcomeBindings({}) for name in by_outcome})
    results = [_result(case, by_outcome.get(case.outcome.scenario.id)) for case in cases(contract, (), bindings)]
    target = next((entry.recorded.target for entry in entries if entry.recorded is not None), "")
    return report(contract, target, now_ns, results, ())


def _result(case: Case, entry: JournalEntry | None) -> CaseResult:
    return CaseResult(case, reason=_NOT_RECORDED) if entry is None else CaseResult(case, _differences(entry))


def _differences(entry: JournalEntry) -> tuple[Difference, ...]:
    found = entry.recorded.differences if entry.recorded is not None else ()
    return tuple(Difference(one.at, cast(Kind, one.kind), one.expected, one.came) for one in found)
