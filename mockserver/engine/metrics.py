"""Metrics as Prometheus text: requests by scenario and status, problems, time to decide.

The one home of prometheus-client, which is imported only when somebody reads the metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from mockserver.core.reply import Reply
from mockserver.engine.counts import Counts
from mockserver.storage.interface import Gauges

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS: Final = (0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0)
"""The upper bounds of the buckets, in seconds."""

_OTHER: Final = ("requests", "other", "0")
"""Counts pairs of scenario and status for which there is no room, as there can be many run-time scenarios."""

_BUCKETS: Final = tuple(("bucket", bound) for bound in (*map(str, BOUNDS), "+Inf"))
_NANOS: Final = ("nanos",)

_LOADED: Final = ("loaded",)
"""When files last made a contract, in nanoseconds."""


class _Collector(Struct, frozen=True):
    """What prometheus-client reads."""

    collect: Callable[[], Iterator[Metric]]


class Metrics:
    """The counts of one engine, or of all workers that share it."""

    def __init__(self, processes: int = 1) -> None:
        """Begin at zero; `processes` are forked from this one and count together."""
        self._counts = Counts(processes)
        for result in ("good", "bad"):
            self._counts.add(("reloads", result), 0)

    def count_as_worker(self, number: int) -> None:
        """Count as the worker of this number, from 0, from now on."""
        self._counts.use_part(number)

    def count(self, reply: Reply, nanos: int) -> None:
        """Count one reply and the time it took."""
        self.count_problem(reply)
        scenario = reply.decision.scenario.id if reply.decision is not None else ""
        self._counts.add(("requests", scenario, str(reply.status)), substitute=_OTHER)
        self._counts.add(_BUCKETS[bisect_left(BOUNDS, nanos / 1e9)])
        self._counts.add(_NANOS, nanos)

    def count_problem(self, reply: Reply) -> None:
        """Count one reply if it refuses its request."""
        if reply.problem is not None:
            self._counts.add(("problems", reply.problem))

    def record_load(self, at_ns: int) -> None:
        """Record the time of a good load."""
        self._counts.put(_LOADED, at_ns)

    def count_reload(self, *, good: bool) -> None:
        """Count one reload."""
        self._counts.add(("reloads", "good" if good else "bad"))

    def text(self, gauges: Gauges) -> bytes:
        """All of it as Prometheus text, with the figures of this moment."""
        from prometheus_client import generate_latest

        return generate_latest(_Collector(partial(self.families, gauges)))  # it calls nothing but `collect`

    def families(self, now: Gauges) -> Iterator[Metric]:
        """The metric families, with the figures of this moment."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        sums = self._counts.sums()

        def labelled(kind: str) -> Iterator[tuple[list[str], int]]:
            return ((list(values), count) for (name, *values), count in sums.items() if name == kind)

        labels = ["scenario", "status"]
        requests = CounterMetricFamily("mockserver_requests", "Requests by scenario and status.", labels=labels)
        for values, count in labelled("requests"):
            requests.add_metric(values, count)
        yield requests
        problems = CounterMetricFamily("mockserver_problems", "Refused requests by kind of problem.", labels=["kind"])
        for values, count in labelled("problems"):
            problems.add_metric(values, count)
        yield problems
        seconds = HistogramMetricFamily("mockserver_decision_seconds", "Time to decide; no delay, no socket.")
        total, buckets = 0, []
        for name in _BUCKETS:
            total += sums.get(name, 0)
            buckets.append((name[1], total))
        seconds.add_metric([], buckets, sums.get(_NANOS, 0) / 1e9)
        yield seconds
        reloads = CounterMetricFamily(
            "mockserver_reloads", "Reloads of the contract's files by result.", labels=["result"]
        )
        for values, count in labelled("reloads"):
            reloads.add_metric(values, count)
        yield reloads
        if loaded := self._counts.largest(_LOADED):
            when = GaugeMetricFamily("mockserver_last_good_load_timestamp_seconds", "When files last made a contract.")
            when.add_metric([], loaded / 1e9)
            yield when
        yield CounterMetricFamily(
            "mockserver_sandbox_evictions", "Idle sandboxes removed to make room.", value=now.evictions
        )
        yield CounterMetricFamily(
            "mockserver_journal_evictions", "Entries removed to make room.", value=now.journal_evictions
        )
        yield GaugeMetricFamily("mockserver_sandboxes", "Sandboxes that exist.", value=now.sandboxes)
        yield GaugeMetricFamily("mockserver_armed", "Armed outcomes, over all sandboxes.", value=now.armed)
        yield GaugeMetricFamily("mockserver_journal_entries", "Entries of the journal.", value=now.journal_entries)
        yield GaugeMetricFamily("mockserver_journal_bytes", "Bytes of the journal.", value=now.journal_bytes)
        yield GaugeMetricFamily(
            "mockserver_state_bytes", "Bytes of records, armed outcomes and run-time scenarios.", value=now.state_bytes
        )
