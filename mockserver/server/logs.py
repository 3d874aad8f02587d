"""The access log, one line for each request, as text or JSON; and errors of connections, on standard error.

A thread of its own writes the lines, so that logging never blocks. A closed pipe, a pipe that nobody reads and a full
disk lose lines and nothing else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Final, TextIO

import msgspec
from msgspec import Struct

from mockserver.base.values import encode_ascii_json, printable
from mockserver.core.contract import Contract, Reload
from mockserver.core.reply import Problem, Reply
from mockserver.privacy.masks import mask_account_numbers_in_text

MAX_QUEUED_LINES: Final = 10_000
"""Lines that are queued at most; more are lost."""

COLLECT_SECONDS: Final = 0.02
"""Seconds for which lines are collected before they are written: waking a thread takes longer than a reply."""

CLOSE_TIMEOUT_SECONDS: Final = 2.0
"""How long `close` waits for the last lines to be written."""

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
    """Whether a record is about anything but a request that is not HTTP, which the connection logs in one line."""
    return not record.msg.startswith("Error handling request")


aiohttp_log.addFilter(_is_no_parse_error)


def log_refusal(problem: Problem) -> None:
    """Log in one line why the edge refused a request."""
    detail = mask_account_numbers_in_text(msgspec.json.decode(problem.body)["detail"])
    edge_log.warning("mockserver: refused a request with %d: %s", problem.status, detail)


def no_access_log(record: AccessRecord) -> None:
    """Log nothing."""


def text_access_log(write: WriteLine) -> AccessLog:
    """Log one line of text for each request."""

    def log(record: AccessRecord) -> None:
        reply = record.reply
        decision, fault = reply.decision, reply.fault
        what = (
            f"{decision.scenario.id} ({decision.provenance}, by {decision.trigger})" if decision else _reply_kind(reply)
        )
        what += ", fallback" if reply.fallback else ""
        sandbox = f" [{record.sandbox}]" if record.sandbox else ""
        entry_id = reply.entry_id if reply.relay is None else reply.relay.entry_id
        entry = f" #{entry_id}" if entry_id else ""
        if decision is not None and decision.cause_entry_id:
            entry += f" after #{decision.cause_entry_id}"
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
        return encode_ascii_json(
            {
                "time": _utc_time(),
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


def _utc_time() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def _reply_kind(reply: Reply) -> str:
    if reply.relay is not None:
        return reply.relay.outcome
    return f"problem: {reply.problem}" if reply.problem else "options" if reply.status == 204 else "admin"


def json_access_log(write: WriteLine) -> AccessLog:
    """Log one JSON object for each request."""

    def log(record: AccessRecord) -> None:
        decision, reply = record.reply.decision, record.reply
        line: dict[str, object] = {
            "time": _utc_time(),
            "method": record.method,
            "target": record.target,
            "sandbox": record.sandbox,
            "status": reply.status,
            "micros": record.micros,
        }
        if reply.entry_id:
            line["entry"] = reply.entry_id
        if reply.fault is not None:
            line["fault"] = reply.fault.kind
        if reply.fallback:
            line["fallback"] = reply.fallback
        if decision is not None:
            line |= {"cause": decision.cause_entry_id} if decision.cause_entry_id else {}
            line |= {"scenario": decision.scenario.id, "source": decision.provenance, "trigger": decision.trigger}
            line |= {
                "violations": [
                    f"{printable(mask_account_numbers_in_text(v.where), 200)} {v.keyword}"
                    for v in decision.document.violations[:10]
                ]
            }
        elif reply.problem is not None:
            line["problem"] = reply.problem
        elif reply.relay is not None:
            line |= {"entry": reply.relay.entry_id, "recorded": reply.relay.outcome}
        write(encode_ascii_json(line))

    return log


def access_log(log_format: str, write: WriteLine) -> AccessLog:
    """The access log of a format: `human`, `json` or `none`."""
    if log_format == "none":
        return no_access_log
    return json_access_log(write) if log_format == "json" else text_access_log(write)


class LineWriter:
    """Writes lines. The first line that is lost is reported on standard error."""

    def __init__(self, stream: TextIO, lock: AbstractContextManager[None] | None = None) -> None:
        """Write to `stream`; the thread starts with the first line and does not keep the process alive.

        `lock` is held while lines are written, where several processes write to the stream.
        """
        self._stream = stream
        self._lock = lock or contextlib.nullcontext()
        self._queue: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_loss_reported = False

    def __call__(self, line: str) -> None:
        """Queue a line."""
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, daemon=True, name="lines")
            self._thread.start()
        if len(self._queue) >= MAX_QUEUED_LINES:
            self._report_loss("nobody reads them")
            return
        self._queue.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued, unless it takes too long."""
        if self._thread is not None:
            self._closing.set()
            self._wake.set()
            self._thread.join(CLOSE_TIMEOUT_SECONDS)
            self._thread = None

    def _run(self) -> None:
        ended = False
        while not ended:
            self._wake.wait()
            ended = self._closing.wait(COLLECT_SECONDS)
            self._wake.clear()  # before the lines are taken: a later line sets it again
            lines = [self._queue.popleft() for _ in range(len(self._queue))]
            if lines:
                try:
                    self._write("\n".join(lines) + "\n")
                except (OSError, ValueError) as error:  # ValueError: the stream was closed
                    self._report_loss(getattr(error, "strerror", None) or str(error))

    def _write(self, text: str) -> None:
        try:
            number = self._stream.fileno()
        except io.UnsupportedOperation:
            self._stream.write(text)
            self._stream.flush()
            return
        # Not through the stream's buffer: a thread that is blocked in it would hold its lock when the process ends.
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        with self._lock:
            while data:
                data = data[os.write(number, data) :]

    def _report_loss(self, reason: str) -> None:
        if not self._is_loss_reported:
            self._is_loss_reported = True
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"mockserver: log lines are lost: {reason}\n")
