"""Mixed requests with faults among them over many sandboxes; every answer is checked against one decided offline.

Each sandbox has a connection of its own, on which several requests are sent at once. What each must be answered, bytes
and all, is decided beforehand by an engine of this process from what is sent.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mockserver import Engine, Reply, Request, frozen_clock, load, parse_instant
from mockserver.admin.routes import endpoints, routes
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.engine.engine import run_sync
from mockserver.http_api.api import AdminApi
from mockserver.server.faults import GARBAGE
from mockserver.server.response import CLOSE, encode_head
from tests.support import BATCH, LASTING, PATH, PATIENCE

INSTANT: Final = "2024-11-15T14:32:18.123Z"
TEMPLATES: Final = 400
"""Requests that a sandbox draws from; its cards, customers and addresses are always the same."""
MOST_AT_ONCE: Final = 6
ALONE: Final = ("reset", "hang")
"""Faults that take answers with them which are still on their way."""
CLOSES: Final = ("reset", "hang", "empty", "truncate", "garbage", "dribble")


@dataclass(frozen=True)
class Template:
    """A request as it is sent and as the engine sees it; `fault` is what it asks to go wrong."""

    data: bytes
    request: Request
    fault: str = ""
    is_admin: bool = False


# -- requests -----------------------------------------------------------------------------------------------


def _body(of: random.Random, one: int) -> bytes:
    """A body of some kind about one of the sandbox's cards."""
    card, customer = f"CARD-{one % 60}", f"CUSTOMER-{one % 45}"
    person = {"first_name": "Laura", "last_name": "Pérez", "email": f"Person{one % 30}@example.com"}
    plain = {"customer_id": customer, "card_identifier": card, "reference_batch": BATCH}
    new = {"customer": person, "card_identifier": card, "reference_batch": BATCH}
    values: list[object] = [
        *([plain] * 6 + [LASTING] * 4 + [new] * 3) * 5,
        {**plain, "balance": {"id": one}},
        {**plain, "customer": person, "pin": "1234"},
        {**plain, "pin": of.choice(["12", "12a4", "１２３４", "1234\n", ""])},
        {**plain, "reference_batch": of.choice(["", "x", "0" * 32, BATCH.upper(), None, 7])},
        {**plain, "card_identifier": of.choice(["", " ", None, "TEST-UNKNOWN", "TEST-OTHER-BATCH", "TEST-CRAD"])},
        {**plain, "customer_id": of.choice(["TEST-HAS-CARD", "TEST-RFC-INVALID", "TEST-UNKNOWN", "TEST_X", 85, None])},
        {**new, "customer": {**person, "rfc": of.choice(["XXXX", "PEGL800101AB1"])}},
        {**new, "customer": of.choice([{}, {"first_name": ""}, {"first_name": "A", "last_name": " "}, 5, None, []])},
        {**plain, "customerId": "x", "cardidentifier": "y", "ñ": "\u00e9\U0001f600"},
        {"customer_id": customer},
        [plain],
        of.choice([None, 1, "text", True]),
    ]
    bad = [b"", b"{", b'{"a": 1, "a": 2}', b"\xff\xfe", b"[" * 70 + b"]" * 70, b'{"customer_id": NaN}']
    chosen = of.choice([*values, *bad])
    return chosen if isinstance(chosen, bytes) else json.dumps(chosen, ensure_ascii=of.random() < 0.5).encode()


def _headers(of: random.Random) -> tuple[str, dict[str, str]]:
    """What goes wrong on purpose, if anything, and the headers that ask for it."""
    drawn = of.random()
    if drawn < 0.80:
        return "", {}
    if drawn < 0.88:
        named = of.choice(
            ["rfc-invalid", "provider-communication", "card-already-activated", "unauthorized", "rfc-inv"]
        )
        return "", {"Mock-Scenario": named}
    if drawn < 0.90:
        return "", {of.choice(["Mock-Delay", "Mock-Fault"]): of.choice(["1ms", "soon", "rest"])}
    kind = of.choice(["reset", "hang", "empty", "truncate", "garbage", "dribble", "malformed", "gateway", "gateway"])
    more = {
        "hang": "; seconds=0.01",
        "dribble": "; seconds=0.02",
        "gateway": of.choice(["; status=502", "; html=false"]),
    }
    commit = of.choice(["", "; commit=true"])
    return kind, {"Mock-Fault": kind + more.get(kind, "") + commit}


def templates(sandbox: str, of: random.Random) -> list[Template]:
    """The requests of a sandbox."""
    found: list[Template] = []
    for number in range(TEMPLATES):
        body = _body(of, number)
        fault, headers = _headers(of)
        method, path = ("POST", PATH) if of.random() < 0.97 else of.choice([("GET", PATH), ("POST", "/debit/v1/x")])
        if method == "GET" or path != PATH:
            fault, headers = "", {}
        found.append(_template(method, sandbox, path, body, headers, fault))
    arm = {"fault": {"kind": "gateway", "status": 429, "html": False}, "times": 2}
    specs = ({"scenario": "rfc-invalid", "times": 2}, arm, {"scenario": "rfc-inv"})
    found += [_template("POST", sandbox, "/__admin/arm", json.dumps(spec).encode(), {}, "") for spec in specs]
    found.append(_template("POST", sandbox, "/__admin/reset", b"", {}, ""))
    return found


def _template(method: str, sandbox: str, path: str, body: bytes, headers: Mapping[str, str], fault: str) -> Template:
    sent = {"Host": "localhost", "Content-Type": "application/json", "Authorization-ecommerce": "x", **headers}
    whole = f"/sandbox/{sandbox}{path}"
    lines = [f"{method} {whole} HTTP/1.1", *(f"{k}: {v}" for k, v in sent.items()), f"Content-Length: {len(body)}"]
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    seen = {name.lower(): value for name, value in sent.items()}
    return Template(data, Request(method, whole, body, seen), fault, path.startswith("/__admin"))


# -- one sandbox --------------------------------------------------------------------------------------------


class Expected:
    """What a request must be answered, as decided offline."""

    __slots__ = ("body", "fault", "lines", "reply")

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.fault = reply.fault.kind if reply.fault is not None else ""
        self.body = reply.body
        self.lines = _compared(encode_head(reply.status, reply.all_headers, len(reply.body)).split(b"\r\n"))

    def closing(self) -> bytes:
        """All that comes before the connection is closed."""
        if self.fault in ("truncate", "dribble"):
            end = len(self.body) // 2 if self.fault == "truncate" else len(self.body)
            begin = encode_head(self.reply.status, (*self.reply.all_headers, CLOSE), len(self.body))
            lines = _compared(begin.split(b"\r\n"))
            return b"\r\n".join(lines) + b"\r\n\r\n" + self.body[:end]
        return GARBAGE if self.fault == "garbage" else b""


def _compared(lines: list[bytes]) -> list[bytes]:
    """The lines of a head that can be told beforehand: not the time, nor numbers that are the whole server's.

    Headers come in any order.
    """
    told = [line for line in lines[1:] if line and not line.startswith((b"Date: ", b"Mock-Entry: ", b"Mock-Cause: "))]
    return [lines[0], *sorted(told)]


def _value(lines: list[bytes], name: bytes) -> str:
    return next((line[len(name) :].decode() for line in lines if line.startswith(name)), "")


class Lane:
    """One sandbox: its connection, what was sent on it, and what must come."""

    def __init__(self, run: Run, sandbox: str, count: int) -> None:
        self.run, self.sandbox, self.left = run, sandbox, count
        self.random = random.Random(f"{run.seed}/{sandbox}")
        self.templates = templates(sandbox, self.random)
        self.waiting: deque[Expected] = deque()
        self.buffer = b""
        self.entries: dict[str, str] = {}
        self.socket = self.connected()

    def connected(self) -> socket.socket:
        """A new connection."""
        made = socket.create_connection(next(self.run.addresses), PATIENCE)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.run.selector.register(made, selectors.EVENT_READ, self)
        return made

    def send(self) -> None:
        """A few requests at once; one that ends the connection is the last."""
        parts: list[bytes] = []
        for _ in range(min(self.left, self.random.randint(1, MOST_AT_ONCE))):
            template = self.random.choice(self.templates)
            if template.request.path.endswith("reset") and self.random.random() < 0.8:
                continue
            if template.fault in ALONE and parts:
                break
            expected = self.run.decide(self, template)
            parts.append(template.data)
            self.waiting.append(expected)
            if expected.fault in CLOSES:
                break
        self.left -= len(parts)
        if parts:
            self.socket.sendall(b"".join(parts))

    def receive(self) -> None:
        """Take what has come, and send more once all of it has."""
        try:
            data = self.socket.recv(262_144)
        except ConnectionResetError:
            self.ended("reset")
            return
        if not data:
            self.ended("end")
            return
        self.buffer += data
        while self.waiting and self.waiting[0].fault not in CLOSES and self.answer():
            pass
        if not self.waiting:
            self.more()

    def more(self) -> None:
        """Send until something is on its way, or say that there is nothing left."""
        if self.buffer:
            self.run.differ(self, "nothing more", self.buffer[:200])
            self.buffer = b""
        while self.left and not self.waiting:
            self.send()
        if not self.waiting:
            self.close()
            self.run.lanes.discard(self)

    def close(self) -> None:
        """Let the connection go."""
        self.run.selector.unregister(self.socket)
        self.socket.close()

    def ended(self, how: str) -> None:
        """The connection was closed, as it had to be or not."""
        self.close()
        if not self.waiting or self.waiting[0].fault not in CLOSES:
            self.run.differ(self, "an answer", f"the connection ended by {how}, {len(self.waiting)} waiting")
            self.waiting.clear()
        else:
            expected = self.waiting.popleft()
            lines, separator, rest = self.buffer.partition(b"\r\n\r\n")
            came = b"\r\n".join(_compared(lines.split(b"\r\n"))) + separator + rest if separator else self.buffer
            wanted = expected.closing()
            if came != wanted or (how == "reset") is not (expected.fault == "reset"):
                self.run.differ(self, f"{expected.fault}: {wanted!r}", f"{how}: {came!r}")
            self.run.met[f"fault {expected.fault}"] += 1
        self.buffer = b""
        self.socket = self.connected()
        self.more()

    def answer(self) -> bool:
        """Compare one answer, if it has come whole."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self.buffer[: end + 2].split(b"\r\n")
        length = int(_value([line.lower() for line in lines], b"content-length: ") or 0)
        start = end + 4
        if len(self.buffer) < start + length:
            return False
        body, self.buffer = self.buffer[start : start + length], self.buffer[start + length :]
        self.compare(self.waiting.popleft(), lines, body)
        return True

    def compare(self, expected: Expected, lines: list[bytes], body: bytes) -> None:
        """Keep a difference, and what an answer taught."""
        reply = expected.reply
        name = reply.decision.scenario.id if reply.decision is not None else reply.problem or "admin"
        self.run.met[f"fault {expected.fault}" if expected.fault else name] += 1
        if expected.fault:
            self.disturbed(expected, lines, body)
        elif body != expected.body or _compared(lines) != expected.lines:
            self.run.differ(self, (expected.lines, expected.body), (lines, body))
        self.numbered(expected, lines)

    def disturbed(self, expected: Expected, lines: list[bytes], body: bytes) -> None:
        """An answer that is whole on the wire, but not what the contract says."""
        told = {line for line in expected.lines if line.startswith(b"Mock-")}
        status = int(lines[0].split()[1])
        fault = expected.reply.fault
        assert fault is not None
        if expected.fault == "malformed":
            wanted, sound = (expected.reply.status, expected.body[: len(expected.body) * 2 // 3]), body
        else:
            page = b"<html><head><title>%d " % fault.status if fault.html else b""
            wanted, sound = (fault.status, page), body[: len(page)] if fault.html else body
        if (status, sound) != wanted or not told <= set(lines):
            self.run.differ(self, (wanted, told), (lines, body))

    def numbered(self, expected: Expected, lines: list[bytes]) -> None:
        """The entry that wrote a record is the same one, whatever id the server gave it."""
        decision = expected.reply.decision
        if decision is None:
            return
        if decision.scenario.changes:
            self.entries[expected.reply.entry_id] = _value(lines, b"Mock-Entry: ")
        if decision.cause_entry_id:
            cause_entry_id = _value(lines, b"Mock-Cause: ").removesuffix("; deleted")  # the journal is full
            if self.entries.setdefault(decision.cause_entry_id, cause_entry_id) != cause_entry_id:
                self.run.differ(self, f"caused by {self.entries[decision.cause_entry_id]}", lines)


# -- all of them --------------------------------------------------------------------------------------------


class Run:
    """All sandboxes against one server, or several with one store: each connection goes to the next one."""

    def __init__(self, urls: Sequence[str], process: int, requests: int, sandboxes: int, seed: int) -> None:
        splits = map(urlsplit, urls)
        self.addresses = cycle([(str(split.hostname), int(split.port or 0)) for split in splits])
        self.process, self.seed = process, seed
        contract = load()
        quiet = replace(contract.settings, journal_entries=0)
        self.engine = Engine(
            contract, settings=quiet, clock=frozen_clock(parse_instant(INSTANT)), admin_endpoints=endpoints
        )
        self.admin = AdminApi(self.engine, routes)
        self.selector = selectors.DefaultSelector()
        self.met: Counter[str] = Counter()
        self.differences: list[str] = []
        self.memory: list[float] = []
        self.count = requests
        share, more = divmod(requests, sandboxes)
        self.lanes = {Lane(self, f"s{n}", share + (n < more)) for n in range(sandboxes)}

    def decide(self, lane: Lane, template: Template) -> Expected:
        """What the answer has to be; nothing is asked of the server for it."""
        request = template.request
        if template.is_admin:
            path = request.path.removeprefix(f"/sandbox/{lane.sandbox}")
            if path.endswith("reset"):
                lane.entries.clear()
            target = SandboxPath(lane.sandbox, path)
            reply = run_sync(self.admin.handle(request.method, target, {}, request.headers, request.body))
        else:
            reply = self.engine.handle_sync(request)
        return Expected(reply)

    def differ(self, lane: Lane, wanted: object, came: object) -> None:
        """Keep a difference."""
        self.differences.append(f"{lane.sandbox}: expected {wanted!r}, came {came!r}")

    def go(self, tell: Callable[[str], None] = lambda _: None) -> float:
        """Until all is answered; the seconds that it took. `tell` is told how it goes on."""
        started, step = time.monotonic(), max(self.count // 20, 1)
        for lane in list(self.lanes):
            lane.more()
        due = 0
        while self.lanes and len(self.differences) < 100:
            ready = self.selector.select(PATIENCE)
            if not ready:
                raise TimeoutError(f"nothing came for {PATIENCE} s")
            for key, _ in ready:
                key.data.receive()
            answers = sum(self.met.values())
            if answers >= due:
                due += step
                self.memory.append(resident(self.process))
                tell(f"{answers:>10,} answers: {self.memory[-1]:.0f} MiB")
        self.memory.append(resident(self.process))
        for lane in self.lanes:  # where too much differed
            lane.close()
        return time.monotonic() - started


def resident(process: int) -> float:
    """MiB of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
