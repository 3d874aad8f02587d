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
from mockserver.storage.interface import Gauges

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS: Final = (0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0)
"""The upper bounds of the buckets, in seconds."""

MAX_SERIES: Final = 10_000
"""Pairs of scenario and status with a count of their own (there can be run-time scenarios); the rest are `other`."""


class _Collector(Struct, frozen=True):
    """What prometheus-client reads."""

    collect: Callable[[], Iterator[Metric]]


class Metrics:
    """The counts of one engine."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._requests: dict[tuple[str, int], int] = {}
        self._problems: dict[str, int] = {}
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._nanos = 0
        self._reloads = {"good": 0, "bad": 0}
        self._last_good_ns: int | None = None

    def count(self, reply: Reply, nanos: int) -> None:
        """Count one reply and the time it took."""
        if reply.problem is not None:
            self._problems[reply.problem] = self._problems.get(reply.problem, 0) + 1
        key = (reply.decision.scenario.id if reply.decision is not None else "", reply.status)
        if key not in self._requests and len(self._requests) >= MAX_SERIES:
            key = ("other", 0)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._buckets[bisect_left(BOUNDS, nanos / 1e9)] += 1
        self._nanos += nanos

    def record_load(self, at_ns: int) -> None:
        """Record the time of a good load."""
        self._last_good_ns = at_ns

    def count_reload(self, *, good: bool) -> None:
        """Count one reload."""
        self._reloads["good" if good else "bad"] += 1

    def text(self, gauges: Gauges) -> bytes:
        """All of it as Prometheus text, with the figures of this moment."""
        from prometheus_client import generate_latest

        return generate_latest(_Collector(partial(self.families, gauges)))  # it calls nothing but `collect`

    def families(self, now: Gauges) -> Iterator[Metric]:
        """The metric families, with the figures of this moment."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        labels = ["scenario", "status"]
        requests = CounterMetricFamily("mockserver_requests", "Requests by scenario and status.", labels=labels)
        for (scenario, status), count in self._requests.items():
            requests.add_metric([scenario, str(status)], count)
        yield requests
        problems = CounterMetricFamily("mockserver_problems", "Refused requests by kind of problem.", labels=["kind"])
        for kind, count in self._problems.items():
            problems.add_metric([kind], count)
        yield problems
        seconds = HistogramMetricFamily("mockserver_decision_seconds", "Time to decide; no delay, no socket.")
        total, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, total))
        seconds.add_metric([], buckets, self._nanos / 1e9)
        yield seconds
        reloads = CounterMetricFamily("mockserver_reloads", "Loadings of changed files by result.", labels=["result"])
        for result, count in self._reloads.items():
            reloads.add_metric([result], count)
        yield reloads
        if self._last_good_ns is not None:
            when = GaugeMetricFamily("mockserver_last_good_load_timestamp_seconds", "When files last made a contract.")
            when.add_metric([], self._last_good_ns / 1e9)
            yield when
        yield CounterMetricFamily("mockserver_sandbox_evictions", "Idle sandboxes evicted.", value=now.evictions)
        yield CounterMetricFamily("mockserver_journal_evictions", "Entries without room.", value=now.journal_evictions)
        yield GaugeMetricFamily("mockserver_sandboxes", "Sandboxes that are there.", value=now.sandboxes)
        yield GaugeMetricFamily("mockserver_armed", "Armed outcomes, over all sandboxes.", value=now.armed)
        yield GaugeMetricFamily("mockserver_journal_entries", "Entries of the journal.", value=now.journal_entries)
        yield GaugeMetricFamily("mockserver_journal_bytes", "Bytes of the journal.", value=now.journal_bytes)
        yield GaugeMetricFamily("mockserver_state_bytes", "Bytes of records and the like.", value=now.state_bytes)
