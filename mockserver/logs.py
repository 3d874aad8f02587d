"""Log lines: one a request, for people or as JSON.

Knows what was seen of a request, masked already; it knows no socket and no secret.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from mockserver.contract import Contract, Reload, Reply
from mockserver.values import printable, write_ascii

Log = Callable[["Seen"], None]

Write = Callable[[str], None]
"""Writes one line."""


class Seen:
    """What a log line tells of one request."""

    __slots__ = ("method", "micros", "reply", "sandbox", "target")

    def __init__(self, method: str, target: str, sandbox: str, reply: Reply, micros: int) -> None:
        """Keep what was seen; `target` is masked already."""
        self.method = method
        self.target = target
        self.sandbox = sandbox
        self.reply = reply
        self.micros = micros


def no_log(_: Seen) -> None:
    """Log nothing."""


def human_log(write: Write) -> Log:
    """One line a request for people to read."""

    def log(seen: Seen) -> None:
        decision = seen.reply.decision
        what = f"{decision.scenario.id} ({decision.source}, by {decision.trigger})" if decision else _what(seen.reply)
        sandbox = f" [{seen.sandbox}]" if seen.sandbox else ""
        entry = f" #{seen.reply.entry}" if seen.reply.entry else ""
        entry += f" after #{decision.cause}" if decision is not None and decision.cause else ""
        entry += f" fault {seen.reply.fault.kind}" if seen.reply.fault is not None else ""
        came = f"{_now()} {seen.method} {seen.target}{sandbox}"
        write(f"{came} {seen.reply.status} {what}{entry} {seen.micros / 1000:.1f} ms")

    return log


def reloaded(reload: Reload, contract: Contract, *, as_json: bool) -> str:
    """What came of loading the files anew."""
    if as_json:
        told = {"errors": reload.errors} if reload.errors else {"contract": contract.hash, "notes": reload.notes}
        time = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        return write_ascii({"time": time, "event": "reload failed" if reload.errors else "reloaded", **told})
    lines = []
    for error in reload.errors:
        lines.append(f"{error['at']}: {error['what']}".removeprefix(": "))
        lines += [f"    {name + ':':9} {error[name]}" for name in ("expected", "came", "try") if error[name]]
    now = _now()
    if reload.errors:
        return "\n".join([f"{now} reload failed, contract {contract.hash} stays: {len(reload.errors)} wrong", *lines])
    return "\n".join([f"{now} reloaded: contract {contract.hash}", *(f"    {note}" for note in reload.notes)])


def _now() -> str:
    now = dt.datetime.now()  # noqa: DTZ005 - the local time, which is shown as it is
    return f"{now.hour:02d}:{now.minute:02d}:{now.second:02d}"


def _what(reply: Reply) -> str:
    return f"problem: {reply.problem}" if reply.problem else "preflight" if reply.status == 204 else "admin"


def json_log(write: Write) -> Log:
    """One JSON object a request."""

    def log(seen: Seen) -> None:
        decision, reply = seen.reply.decision, seen.reply
        line: dict[str, object] = {
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "method": seen.method,
            "target": seen.target,
            "sandbox": seen.sandbox,
            "status": reply.status,
            "micros": seen.micros,
        }
        if reply.entry:
            line["entry"] = reply.entry
        if reply.fault is not None:
            line["fault"] = reply.fault.kind
        if decision is not None:
            line |= {"cause": decision.cause} if decision.cause else {}
            line |= {"scenario": decision.scenario.id, "source": decision.source, "trigger": decision.trigger}
            line |= {
                "violations": [f"{printable(v.where, 200)} {v.keyword}" for v in decision.document.violations[:10]]
            }
        elif reply.problem is not None:
            line["problem"] = reply.problem
        write(write_ascii(line))

    return log
