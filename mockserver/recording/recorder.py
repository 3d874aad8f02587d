"""The recorder: forwards requests to the provider, passes its answers on, and keeps what they are to the contract."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.values import decode_trusted_json
from mockserver.core.content_encoding import decode_content
from mockserver.core.directives import NO_DIRECTIVES
from mockserver.core.model import Document, Request
from mockserver.core.problems import bad_directive
from mockserver.core.reply import BrokenOffError, Decision, Effects, Problem, Reply
from mockserver.decision.router import Route
from mockserver.decision.sandbox_names import SandboxPath, split_sandbox
from mockserver.engine.contract_in_use import ContractInUse
from mockserver.engine.engine import Engine
from mockserver.entries.journal_entry import EntryDifference, Recorded, RecordedAnswer
from mockserver.provider.differences import Answer
from mockserver.provider.report import mask_secrets, without_secrets
from mockserver.provider.sending import MAX_BODY
from mockserver.provider.target import Target
from mockserver.recording.classification import Classification, classify
from mockserver.recording.forwarding import ForwardedAnswer, Forwarder
from mockserver.recording.sent_secrets import sent_secrets
from mockserver.storage.interface import Committed, Conflict, Entry, Sandbox

_OUTSIDE: Final = ("unknown-path", "wrong-method")
"""Problems of requests that are forwarded all the same: the provider may have more than the contract."""

MAX_COMPARED: Final = 262_144
"""Bytes of a body that is compared with the outcomes: other requests wait meanwhile."""

_DIRECTED: Final = (
    "The provider answers here: Mock-Scenario, Mock-Fault and Mock-Delay would have no effect. Nothing was sent to it."
)


class Recorder:
    """Answers requests with what the provider answers to them."""

    def __init__(self, engine: Engine, target: Target, *, fallback: bool = False) -> None:
        """Forward to `target`; compare with the contract of `engine`, and keep entries in its journal.

        fallback: let the mock answer where there is no connection to the provider.

        Raises `TlsError` for certificates that cannot be used.
        """
        self._engine = engine
        self._forwarder = Forwarder(target)
        self._fallback = fallback
        engine.answers = "without provider" if fallback else "never"

    async def handle(self, request: Request, target: str, body: bytes) -> Reply:
        """Forward one request; the caller passes the answer on, and closes its relay.

        `target` is its path below the sandbox with the query, still percent-encoded; `body` still has its content
        encoding.

        A problem if the request names no usable sandbox or has a directive, or if there is no answer.
        """
        started = time.perf_counter_ns()
        engine = self._engine
        in_use = engine.in_use  # a reload changes nothing for a request that is under way
        route = in_use.router.route(request)
        if isinstance(route, Reply) and route.problem not in _OUTSIDE:
            return await engine.refuse(request, route)
        if isinstance(route, Route) and route.directives != NO_DIRECTIVES:
            return await engine.refuse(request, bad_directive(_DIRECTED))
        answer = await self._forwarder.send(request, target, body)
        if isinstance(answer, Reply):
            if self._fallback and isinstance(route, Route) and answer.problem == "provider-unreachable":
                return await engine.handle(request, fallback=str(decode_trusted_json(answer.body)["detail"]))
            return await engine.refuse(request, answer)
        exchange = RecordedExchange(engine, in_use, request, route, answer, started)
        if answer.is_at_end:
            await exchange.keep()
        return Reply(answer.status, answer.headers, b"", relay=exchange)

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._forwarder.close()


class _Content(Struct, frozen=True):
    """The body of an answer without its content encoding, empty where it is not kept; and why it is not compared."""

    body: bytes
    reason: str = ""


class RecordedExchange:
    """One answer of the provider on its way to the client: a `Relay`.

    Its entry is kept before the client has the last byte, so that whoever got the answer finds it in the journal.
    """

    def __init__(
        self,
        engine: Engine,
        in_use: ContractInUse,
        request: Request,
        route: Route | Problem,
        answer: ForwardedAnswer,
        started: int,
    ) -> None:
        """`route` is a problem where no operation takes the request; `started` is of `perf_counter_ns`."""
        self.reason = answer.reason
        self.entry_id = self.outcome = ""
        self._engine, self._in_use = engine, in_use
        self._request, self._route = request, route
        self._answer, self._started = answer, started
        self._body = bytearray()
        self._sandbox = ""
        self._decision: Decision | None = None

    async def read(self) -> bytes:
        """The next piece; empty at the end. Raises `BrokenOffError`."""
        try:
            piece = await self._answer.read()
        except BrokenOffError as error:
            await self.keep(f"the answer breaks off: {error}")
            raise
        if len(self._body) <= MAX_BODY:
            self._body += piece
        if self._answer.is_at_end:
            await self.keep()
        return piece

    async def close(self, *, complete: bool) -> None:
        """End; `complete`: all of it was sent to the client."""
        self._answer.close()
        await self.keep("the client left before its end")
        reply = Reply(
            self._answer.status,
            (),
            b"",
            decision=self._decision,
            entry_id=self.entry_id,
            sandbox=self._sandbox,
        )
        self._engine.metrics.count(reply, time.perf_counter_ns() - self._started)
        await self._engine.delivered(reply, complete=complete)

    async def keep(self, broken: str = "") -> None:
        """Compare the answer with the contract and keep the entry, once; `broken` says why it is not whole."""
        if self.entry_id:
            return
        engine, route, content = self._engine, self._route, self._content(broken)
        self.entry_id = await engine.storage.next_entry_id()
        sandbox = await engine.storage.use_sandbox(route.sandbox) if isinstance(route, Route) else None
        if isinstance(route, Route) and sandbox is not None:
            await self._keep_in(sandbox, route, content)
        else:
            found = split_sandbox(self._request.path, self._request.headers)
            self._sandbox = found.sandbox if isinstance(found, SandboxPath) else ""
            document = self._in_use.entry_writer.unread_document(self._request)
            why = content.reason or "no operation of the contract takes the request"
            await self._add(self._entry(document, Classification("unknown", reason=why), content, engine.clock()))

    async def _keep_in(self, sandbox: Sandbox, route: Route, content: _Content) -> None:
        """Keep the entry in a sandbox; if the answer is the one that the mock would have given, with its effects."""
        self._sandbox = route.sandbox
        document = self._in_use.read(route, self._request, sandbox.settings)
        answer = Answer(self._answer.status, self._answer.headers, content.body)
        secrets = self._in_use.entry_writer.secrets[route.operation.id]
        while True:
            view = replace(await sandbox.look(route.operation, document), armed=())
            found = Classification("unknown", reason=content.reason)
            if not content.reason:
                found = classify(route, document, view, answer, secrets)
            entry = self._entry(document, found, content, view.facts.now_ns)
            if found.decision is None:
                return await self._add(entry)
            effects = found.decision.effects if found.is_expected else Effects()
            observation = self._in_use.observer.observe(self._request, view, found.decision, self._started)
            match await sandbox.commit(view, effects, entry, observation):
                case Committed():
                    self._decision = found.decision
                    return None
                case Conflict():
                    continue  # somebody was faster: compare again
            return await self._add(entry)

    async def _add(self, entry: Entry) -> None:
        """Keep an entry that changes nothing."""
        observation = self._in_use.observer.observe_refusal(self._request, self._sandbox, self._started)
        await self._engine.storage.add_entry(entry, observation)

    def _content(self, broken: str) -> _Content:
        if len(self._body) > MAX_BODY:
            return _Content(b"", f"a body of more than {MAX_BODY} bytes")
        encodings = [value for name, value in self._answer.headers if name.lower() == "content-encoding"]
        content = decode_content(bytes(self._body), encodings, MAX_BODY) if self._body else b""
        if isinstance(content, Reply):
            return _Content(b"", broken or f"its content encoding cannot be read: {', '.join(encodings)}")
        is_compared = len(content) <= MAX_COMPARED
        return _Content(content, broken or ("" if is_compared else f"a body of more than {MAX_COMPARED} bytes"))

    def _entry(self, document: Document, found: Classification, content: _Content, now_ns: int) -> Entry:
        """The entry, in which nothing secret of the request stands, nor where the answer repeats it."""
        writer, route, answer = self._in_use.entry_writer, self._route, self._answer
        operation = route.operation.id if isinstance(route, Route) else None
        secrets = writer.secrets[operation] if operation is not None else writer.all_secrets
        sent = sent_secrets(document, secrets)
        comparison = Recorded(
            found.result,
            round(answer.latency_ms, 3),
            answer.target,
            operation,
            found.decision.scenario.id if found.decision is not None else None,
            found.expected.scenario.id if found.expected is not None else None,
            tuple(
                EntryDifference(*(without_secrets(part, sent) for part in (one.at, one.kind, one.expected, one.came)))
                for one in found.differences
            ),
            without_secrets(found.reason, sent) or None,
        )
        self.outcome = comparison.words
        text = content.body.decode("utf-8", "surrogateescape")
        body, headers = mask_secrets(text, sent), tuple((n, mask_secrets(v, sent)) for n, v in answer.headers)
        masked = [f"/reply/headers/{i}/1" for i, header in enumerate(headers) if header != answer.headers[i]]
        recorded = RecordedAnswer(
            answer.status,
            headers,
            body.encode("utf-8", "surrogateescape"),
            comparison,
            now_ns,
            (time.perf_counter_ns() - self._started) // 1_000,
            (*masked, *(["/reply/body/value"] if body != text else [])),
        )
        return writer.encode_recorded(self.entry_id, self._sandbox, document, secrets, recorded)
