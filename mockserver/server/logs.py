"""Logs: one line a request, for people or as JSON; and what goes wrong below HTTP, on standard error."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from msgspec import Struct

from mockserver.core.contract import Contract, Reload
from mockserver.core.reply import Reply
from mockserver.core.values import printable, write_ascii

Log = Callable[["AccessRecord"], None]

Write = Callable[[str], None]
"""Writes one line."""


class AccessRecord(Struct, frozen=True):
    """What a log line tells of one request; `target` is masked already."""

    method: str
    target: str
    sandbox: str
    reply: Reply
    micros: int


edge_log: Final = logging.getLogger("mockserver.server")
"""What goes wrong with connections, in one line each, and faults of the mock itself."""

aiohttp_log: Final = edge_log.getChild("aiohttp")
"""What aiohttp logs by itself."""


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Leave out the tracebacks of requests that are no HTTP: the connection notes each in one line."""
    return not record.msg.startswith("Error handling request")


aiohttp_log.addFilter(_is_no_refusal)


def no_log(_: AccessRecord) -> None:
    """Log nothing."""


def human_log(write: Write) -> Log:
    """One line a request for people to read."""

    def log(record: AccessRecord) -> None:
        reply = record.reply
        decision, fault = reply.decision, reply.fault
        what = f"{decision.scenario.id} ({decision.source}, by {decision.trigger})" if decision else _what(reply)
        sandbox = f" [{record.sandbox}]" if record.sandbox else ""
        entry = f" #{reply.entry}" if reply.entry else ""
        if decision is not None and decision.cause:
            entry += f" after #{decision.cause}"
        if fault is not None:
            entry += f" fault {fault.kind}"
        request = f"{_local_time(int(time.time()))} {record.method} {record.target}{sandbox}"
        tenths = (record.micros + 50) // 100  # two integers take half the time of a fraction
        write(f"{request} {reply.status} {what}{entry} {tenths // 10}.{tenths % 10} ms")

    return log


def reloaded(reload: Reload, contract: Contract, *, as_json: bool) -> str:
    """What came of loading the files anew."""
    if as_json:
        told = {"errors": reload.errors} if reload.errors else {"contract": contract.hash, "notes": reload.notes}
        return write_ascii(
            {
                "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                "event": "reload failed" if reload.errors else "reloaded",
                **told,
            }
        )
    lines = []
    for error in reload.errors:
        lines.append(f"{error['at']}: {error['what']}".removeprefix(": "))
        labels = {"expected": "expected:", "came": "got:", "try": "hint:"}
        lines += [f"    {label:9} {error[name]}" for name, label in labels.items() if error[name]]
    now = _local_time(int(time.time()))
    if reload.errors:
        return "\n".join([f"{now} reload failed, contract {contract.hash} stays: {len(reload.errors)} wrong", *lines])
    return "\n".join([f"{now} reloaded: contract {contract.hash}", *(f"    {note}" for note in reload.notes)])


@lru_cache(maxsize=1)
def _local_time(second: int) -> str:
    """The local time, which is shown as it is."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def _what(reply: Reply) -> str:
    return f"problem: {reply.problem}" if reply.problem else "preflight" if reply.status == 204 else "admin"


def json_log(write: Write) -> Log:
    """One JSON object a request."""

    def log(record: AccessRecord) -> None:
        decision, reply = record.reply.decision, record.reply
        line: dict[str, object] = {
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "method": record.method,
            "target": record.target,
            "sandbox": record.sandbox,
            "status": reply.status,
            "micros": record.micros,
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
