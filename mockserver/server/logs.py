"""The access log, one line for each request, as text or JSON; and errors of connections, on standard error."""

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

AccessLog = Callable[["AccessRecord"], None]
"""Writes the access log line of one request."""

WriteLine = Callable[[str], None]
"""Writes one line."""


class AccessRecord(Struct, frozen=True):
    """What a line of the access log shows of a request; `target` is masked, `micros` is the time of handling."""

    method: str
    target: str
    sandbox: str
    reply: Reply
    micros: int


edge_log: Final = logging.getLogger("mockserver.server")
"""Logs refused requests and errors of connections in one line each, and bugs of the mock with traceback."""

aiohttp_log: Final = edge_log.getChild("aiohttp")
"""Logs what aiohttp itself reports."""


def _is_no_parse_error(record: logging.LogRecord) -> bool:
    """Drop the tracebacks of requests that are not HTTP: the connection logs each in one line."""
    return not record.msg.startswith("Error handling request")


aiohttp_log.addFilter(_is_no_parse_error)


def no_log(_: AccessRecord) -> None:
    """Log nothing."""


def human_log(write: WriteLine) -> AccessLog:
    """Log one line of text for each request."""

    def log(record: AccessRecord) -> None:
        reply = record.reply
        decision, fault = reply.decision, reply.fault
        what = f"{decision.scenario.id} ({decision.source}, by {decision.trigger})" if decision else _reply_kind(reply)
        sandbox = f" [{record.sandbox}]" if record.sandbox else ""
        entry = f" #{reply.entry}" if reply.entry else ""
        if decision is not None and decision.cause:
            entry += f" after #{decision.cause}"
        if fault is not None:
            entry += f" fault {fault.kind}"
        request = f"{_local_time(int(time.time()))} {record.method} {record.target}{sandbox}"
        tenths = (record.micros + 50) // 100  # integers take half the time of a float here
        write(f"{request} {reply.status} {what}{entry} {tenths // 10}.{tenths % 10} ms")

    return log


def reload_message(reload: Reload, contract: Contract, *, as_json: bool) -> str:
    """The log text of a reload: what changed, or why the files were refused."""
    if as_json:
        result = {"errors": reload.errors} if reload.errors else {"contract": contract.hash, "notes": reload.notes}
        return write_ascii(
            {
                "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                "event": "reload failed" if reload.errors else "reloaded",
                **result,
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
    """Format local time; cached for the current second."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def _reply_kind(reply: Reply) -> str:
    return f"problem: {reply.problem}" if reply.problem else "preflight" if reply.status == 204 else "admin"


def json_log(write: WriteLine) -> AccessLog:
    """Log one JSON object for each request."""

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
