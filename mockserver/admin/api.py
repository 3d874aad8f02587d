"""The admin API: what is asked of the mock itself, under `/__admin/`, of the default or of a named sandbox.

Knows the engine and values. The table of routes is the one place that says what there is: it feeds routing,
the OpenAPI document and the README.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

from msgspec import Struct

from mockserver.admin.safety import Access, strange, unauthorized
from mockserver.core.directives import DirectiveError
from mockserver.core.model import MISSING, NOTHING
from mockserver.core.problems import not_found, problem, wrong_method
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.core.values import NotJsonError, read, write
from mockserver.decision.router import Target
from mockserver.engine.engine import Engine
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

PREFIX: Final = "/__admin"
USUAL: Final = "http://127.0.0.1:8080"
"""Where a server is that nobody told anything else."""

LONGEST_NAME: Final = 512
"""Characters of a part of a path: a key, an id."""

_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")

_Value = TypeVar("_Value")

DONE: Final[Mapping[int, str]] = MappingProxyType({200: "Done, or what was asked for."})


class Call(Struct, frozen=True):
    """One admin request: the sandbox it is about, path parameters, query, and the JSON body (`MISSING` without).

    `url` is the address by which a client reaches the operations, `apart` whether that is another port than this one.
    """

    engine: Engine
    sandbox: str
    parameters: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    headers: Mapping[str, str] = NOTHING
    raw: bytes = b""
    body: Any = MISSING
    url: str = USUAL
    apart: bool = False


class Route(Struct, frozen=True):
    """One admin route. `body` is the JSON Schema of the request body; None where none is read.

    `query` describes the query parameters by name; others are refused. `is_open`: served without a token.
    `is_page`: of the console, to which a link on another page may lead.
    `answers` says what the statuses mean, `media` what type the first of them has; every other is a problem.
    """

    method: str
    path: str
    summary: str
    answer: Callable[[Call], Awaitable[Reply]]
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = NOTHING
    is_open: bool = False
    is_page: bool = False
    needs_body: bool = True
    answers: Mapping[int, str] = DONE
    media: str = "application/json"


class AdminError(Exception):
    """A request to the admin API that cannot be served; it carries the problem."""

    def __init__(self, reply: Reply) -> None:
        """Keep the problem."""
        super().__init__(reply.problem)
        self.reply = reply


def refused(status: int, kind: str, title: str, detail: str, **more: Any) -> AdminError:
    """The error that answers with a problem document."""
    return AdminError(problem(status, kind, title, detail, **more))


def understood(read: Callable[[Any], _Value], spec: Any) -> _Value:
    """A fault, a delay or a duration as it was asked for. Raises `AdminError`."""
    try:
        return read(spec)
    except DirectiveError as error:
        title = "A fault, a delay or a duration cannot be understood"
        raise refused(400, "bad-directive", title, f"{error}") from None


def as_json(value: object, status: int = 200) -> Reply:
    """A JSON answer that no cache keeps."""
    return Reply(status, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), write(value))


def as_text(text: str, content_type: str = "text/plain; charset=utf-8", status: int = 200) -> Reply:
    """A text answer that no cache keeps."""
    return Reply(status, (("Content-Type", content_type), ("Cache-Control", "no-store")), text.encode())


def _url(headers: Mapping[str, str], port: int | None, scheme: str) -> str:
    """The address of the operations for who reached the admin API by its header `Host`; the usual one for what is none.

    `port` is theirs where it is another one, `scheme` is http or https.
    """
    found = _HOST.fullmatch(headers.get("host", ""))
    if port is None:
        return f"{scheme}://{found[0]}" if found else USUAL
    return f"{scheme}://{found['name'] if found else '127.0.0.1'}:{port}"


class _CompiledRoute(Struct, frozen=True):
    """A route with its compiled path and the schema of its body."""

    route: Route
    pattern: re.Pattern[str]
    validator: Validator | None


class _Match(Struct, frozen=True):
    """The route of a request, with its path parameters."""

    route: Route
    parameters: Mapping[str, str]
    validator: Validator | None


class Admin:
    """Routes admin requests to their answers."""

    def __init__(
        self,
        engine: Engine,
        routes: Callable[[], tuple[Route, ...]],
        access: Access | None = None,
        scheme: str = "http",
    ) -> None:
        """`routes` is asked at the first request; `access` says who may use them, `scheme` how."""
        self._engine = engine
        self._routes = routes
        self._access = access or Access()
        self._scheme = scheme

    @cached_property
    def _table(self) -> list[_CompiledRoute]:
        """The routes with their compiled paths and schemas of bodies."""
        return [_CompiledRoute(route, _pattern(route.path), _validator(route.body)) for route in self._routes()]

    def route(self, method: str, path: str) -> _Match | Reply:
        """The route of a path as it is sent, percent-encoded, or the problem with it."""
        try:
            path = "/".join(quote(unquote(part, errors="strict"), safe="") for part in path.split("/"))
        except UnicodeDecodeError:
            return problem(400, "bad-path", "The path cannot be read", "What is percent-encoded in it is no UTF-8.")
        allow: list[str] = []
        for compiled in self._table:
            route, found = compiled.route, compiled.pattern.fullmatch(path)
            if found is None:
                continue
            if method == route.method or (method == "HEAD" and route.method == "GET"):
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                long = next((name for name, value in parameters.items() if len(value) > LONGEST_NAME), None)
                return _too_long(long) if long is not None else _Match(route, parameters, compiled.validator)
            allow += [route.method, "HEAD"] if route.method == "GET" else [route.method]
        if allow:
            return wrong_method(method, allow, {})
        path = unquote(path)
        paths = tuple(f"{one.route.method} {one.route.path}" for one in self._table)
        return not_found(path, paths, close_matches(path, [p.partition(" ")[2] for p in paths]))

    async def answer(
        self,
        method: str,
        target: Target,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        port: int | None = None,
    ) -> Reply:
        """The reply to a request below `/__admin`; the path of `target` is percent-encoded.

        `port` is that of the operations, where it is another one. Nothing is answered without the token that was
        set, but for routes that are open.
        """
        found = self.route(method, target.path)
        if not (not isinstance(found, Reply) and found.route.is_open) and not self._access.admits(headers):
            return unauthorized()
        is_page = not isinstance(found, Reply) and found.route.is_page
        refusal = strange(headers) if is_page else self._access.refusal(headers)
        if refusal is not None:
            return refusal
        if isinstance(found, Reply):
            return found
        route, parameters = found.route, found.parameters
        try:
            _check_query(route, query)
            value = _body(route, found.validator, body)
            url, apart = _url(headers, port, self._scheme), port is not None
            call = Call(self._engine, target.sandbox, parameters, query, headers, body, value, url, apart)
            return await route.answer(call)
        except AdminError as error:
            return error.reply


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]*)\}", path)
    return re.compile("".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


def _too_long(name: str) -> Reply:
    detail = f"{name} has at most {LONGEST_NAME} characters."
    return problem(400, "bad-path", "A part of the path is too long", detail)


def _validator(schema: Mapping[str, Any] | None) -> Validator | None:
    return None if schema is None else SchemaSet(exact=True).inline(dict(schema), (), _never)


def _never(fault: object) -> None:
    raise RuntimeError(f"the schema of an admin route is broken: {fault}")


def _check_query(route: Route, query: Mapping[str, str]) -> None:
    for name in query:
        if name not in route.query:
            near = close_matches(name, route.query)
            known = f"is not one of {', '.join(route.query)}" if route.query else "came; there are none here"
            raise refused(
                400,
                "unknown-parameter",
                "A query parameter is not known here",
                f"{name} {known}.{did_you_mean_sentence(near[:1])}",
                did_you_mean=list(near),
            )


def _body(route: Route, validator: Validator | None, body: bytes) -> Any:
    if validator is None or (not body.strip() and not route.needs_body):
        return MISSING
    try:
        value = read(body, 100)
    except NotJsonError as error:
        raise refused(400, "bad-body", "The request body is not what this route takes", f"{error}.") from None
    violations = validator.violations("body", value)
    if violations:
        raise refused(
            400,
            "bad-body",
            "The request body is not what this route takes",
            f"{violations[0].text}." + _meant(violations[0].path, violations[0].known),
            violations=[{"pointer": v.pointer, "keyword": v.keyword, "message": v.message} for v in violations[:20]],
        )
    return value


def _meant(path: tuple[str | int, ...], known: tuple[str, ...]) -> str:
    return did_you_mean_sentence(close_matches(str(path[-1]), known)[:1]) if path else ""
