"""A provider for tests: it answers as the mock does, but for what a drift makes of the answer to one outcome."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mockserver import Engine, load
from mockserver.core.model import Request


@dataclass
class Reply:
    """An answer that a drift changes: a body that is no text is sent as JSON."""

    status: int
    headers: dict[str, str]
    body: Any
    closes: bool = False
    """Whether the connection ends in place of an answer."""


Drift = Callable[[Reply], None]


@dataclass
class Provider:
    """A provider that runs: its URL, the requests that came, and what may change its answers, by outcome."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    drifts: dict[str, Drift] = field(default_factory=dict)
    every: Drift | None = None
    lets_go: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the test: what waits for it need not wait any more."""

    def answer(self, request: Request, engine: Engine, lock: threading.Lock) -> Reply:
        """The mock's answer, changed by the drift of its outcome."""
        with lock:
            self.requests.append(request)
            reply = engine.handle_sync(request)
        headers = {name: value for name, value in reply.headers if not name.startswith("Mock-")}
        changed = Reply(reply.status, headers, json.loads(reply.body))
        drift = self.drifts.get(reply.decision.scenario.id if reply.decision is not None else "", self.every)
        if drift is not None:
            drift(changed)
        return changed


@contextmanager
def drifting_provider() -> Iterator[Provider]:
    """A provider at a free port, in threads of its own."""
    provider, lock = Provider(), threading.Lock()
    contract = load()
    engine = Engine(replace(contract, settings=replace(contract.settings, max_sandboxes=100_000)))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = provider.answer(Request("POST", self.path, body, headers), engine, lock)
            if reply.closes:
                self.close_connection = True
                return
            data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side may have left
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        provider.lets_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
