"""The admin API under `/__admin/`: from a request to the handler of its route.

The table of routes is the only list of what is served: routing, the OpenAPI document and the documentation use it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, unquote

from msgspec import Struct

from mockserver.base.address import DEFAULT_URL, host_name, public_url
from mockserver.base.not_json import NotJsonError
from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import MAX_FILE_DEPTH, decode_json, duplicate_members, encode_json, printable
from mockserver.core.model import EMPTY_MAPPING, MISSING
from mockserver.core.problems import not_found, problem, store_unavailable, wrong_method
from mockserver.core.reply import Problem, Reply
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.engine.engine import Engine
from mockserver.http_api.errors import AdminError, admin_error, violation_error
from mockserver.http_api.safety import Access, embedding_refusal, unauthorized
from mockserver.schema.schema_set import compile_own_schema
from mockserver.schema.validator import Validator
from mockserver.storage.interface import StorageError

ADMIN_PREFIX: Final = "/__admin"

MAX_PATH_PARAMETER: Final = 512
"""Characters of a path parameter, such as a key or an id."""

LARGE_BODY: Final = 65_536
"""Bytes from which a body is parsed in a thread, so that other requests are answered meanwhile."""

_BAD_BODY: Final = "The request body is not what this route takes"

DEFAULT_RESPONSES: Final[Mapping[int, str]] = MappingProxyType({200: "Done; the body has the result."})


class Call(Struct, frozen=True):
    """One admin request: its sandbox, path parameters, query, and the JSON body (`MISSING` without).

    operations_url: the address by which the client reaches the operations.
    scheme: http or https, as the server itself speaks.
    has_own_port: whether the admin API has another port than the operations.
    """

    engine: Engine
    sandbox: str
    parameters: Mapping[str, str] = EMPTY_MAPPING
    query: Mapping[str, str] = EMPTY_MAPPING
    headers: Mapping[str, str] = EMPTY_MAPPING
    raw: bytes = b""
    body: Any = MISSING
    operations_url: str = DEFAULT_URL
    scheme: str = "http"
    has_own_port: bool = False


class Route(Struct, frozen=True):
    """One admin route.

    body: the JSON Schema of the request body; `needs_body`: it may not be left out.
    raw_body: without a schema, the media types of a body that the handler reads itself (`Call.raw`); other routes
        without a schema refuse a body.
    query: the query parameters with their descriptions; others are refused.
    is_public: served without a token.
    is_console: a file of the console, to which a page of another origin may link.
    responses: what each status means; those not named are problems.
    media_types: those of the answer where it is no problem.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[Reply]]
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = EMPTY_MAPPING
    is_public: bool = False
    is_console: bool = False
    needs_body: bool = True
    raw_body: tuple[str, ...] = ()
    responses: Mapping[int, str] = DEFAULT_RESPONSES
    media_types: tuple[str, ...] = ("application/json",)


def json_reply(value: object, status: int = 200) -> Reply:
    """Make a JSON answer that is not cached."""
    return Reply(status, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), encode_json(value))


def text_reply(text: str, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """Make a text answer that is not cached."""
    return Reply(200, (("Content-Type", content_type), ("Cache-Control", "no-store")), text.encode())


def _operations_url(headers: Mapping[str, str], port: int | None, scheme: str) -> str:
    """The address of the operations for the client of an admin request; `port` is theirs, if they have another one."""
    return public_url(headers, scheme) if port is None else f"{scheme}://{host_name(headers)}:{port}"


class _CompiledRoute(Struct, frozen=True):
    """A route with its compiled path and the schema of its body."""

    route: Route
    pattern: re.Pattern[str]
    validator: Validator | None


class _RouteMatch(Struct, frozen=True):
    """The route of a request, with its path parameters."""

    route: Route
    parameters: Mapping[str, str]
    validator: Validator | None


class AdminApi:
    """Routes admin requests to their handlers, if the client may use them."""

    def __init__(
        self,
        engine: Engine,
        routes: Callable[[], tuple[Route, ...]],
        access: Access | None = None,
        scheme: str = "http",
    ) -> None:
        """Serve `routes`, which are loaded at the first request; `scheme` is http or https."""
        self._engine = engine
        self._routes = routes
        self._access = access or Access()
        self._scheme = scheme

    @cached_property
    def _compiled_routes(self) -> list[_CompiledRoute]:
        """The routes, compiled once."""
        return [_CompiledRoute(route, _pattern(route.path), _validator(route.body)) for route in self._routes()]

    def route(self, method: str, path: str) -> _RouteMatch | Problem:
        """Find the route of a percent-encoded path, or the problem with it."""
        try:
            path = "/".join(quote(unquote(part, errors="strict"), safe="") for part in path.split("/"))
        except UnicodeDecodeError:
            return problem(400, "bad-path", "The path cannot be used", "Its percent-encoded bytes are not UTF-8.")
        allow: list[str] = []
        for compiled in self._compiled_routes:
            route, match = compiled.route, compiled.pattern.fullmatch(path)
            if match is None:
                continue
            if method == route.method or (method == "HEAD" and route.method == "GET"):
                parameters = {name: unquote(value) for name, value in match.groupdict().items()}
                too_long = next((name for name, value in parameters.items() if len(value) > MAX_PATH_PARAMETER), None)
                if too_long is not None:
                    return _path_parameter_too_long(too_long)
                return _RouteMatch(route, parameters, compiled.validator)
            allow += [route.method, "HEAD"] if route.method == "GET" else [route.method]
        if allow:
            return wrong_method(method, allow, {})
        path = unquote(path)
        paths = tuple(f"{compiled.route.method} {compiled.route.path}" for compiled in self._compiled_routes)
        return not_found(path, paths, close_matches(path, [p.partition(" ")[2] for p in paths]))

    async def handle(
        self,
        method: str,
        target: SandboxPath,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        port: int | None = None,
    ) -> Reply:
        """Answer a request below `/__admin`; the path of `target` is percent-encoded.

        port: that of the operations, where the admin API has its own.
        Without the token only public routes are served.
        """
        match = self.route(method, target.path)
        route = None if isinstance(match, Reply) else match.route
        if not (route and route.is_public) and not self._access.is_authorized(headers):
            return unauthorized(headers)
        refusal = embedding_refusal(headers) if route and route.is_console else self._access.refusal(headers)
        if refusal is not None:
            return refusal
        if isinstance(match, Reply):
            return match
        try:
            _check_query(match.route, query)
            call = Call(
                self._engine,
                target.sandbox,
                match.parameters,
                query,
                headers,
                body,
                await _body(match, body),
                _operations_url(headers, port, self._scheme),
                self._scheme,
                has_own_port=port is not None,
            )
            return await match.route.handler(call)
        except AdminError as error:
            return error.reply
        except StorageError as error:
            return store_unavailable(str(error))


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]*)\}", path)
    return re.compile("".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


def _path_parameter_too_long(name: str) -> Problem:
    return problem(400, "bad-path", "The path cannot be used", f"{name} has at most {MAX_PATH_PARAMETER} characters.")


def _validator(schema: Mapping[str, Any] | None) -> Validator | None:
    return None if schema is None else compile_own_schema(dict(schema))


def _check_query(route: Route, query: Mapping[str, str]) -> None:
    for name in query:
        if name not in route.query:
            spelt = close_matches(name, route.query)
            expected = f"one of {', '.join(route.query)}" if route.query else "no query parameter"
            title = "A query parameter is not known here"
            detail = f"Expected {expected}; got {name}.{did_you_mean_sentence(spelt)}"
            raise admin_error(400, "unknown-parameter", title, detail, did_you_mean=list(spelt))


async def _body(match: _RouteMatch, body: bytes) -> Any:
    parse = partial(_parse_body, match.route, match.validator, body)
    return parse() if len(body) < LARGE_BODY else await asyncio.to_thread(parse)


def _parse_body(route: Route, validator: Validator | None, body: bytes) -> Any:
    if validator is None:
        if not route.raw_body and body.strip() not in (b"", b"{}", b"null"):
            raise admin_error(400, "bad-body", _BAD_BODY, f"Expected no body, got {len(body)} bytes.")
        return MISSING
    if not body.strip() and not route.needs_body:
        return MISSING
    try:
        value = decode_json(body, MAX_FILE_DEPTH)
    except NotJsonError as error:
        raise admin_error(400, "bad-body", _BAD_BODY, f"{error}.") from None
    for path in duplicate_members(body):
        detail = f"The member {printable(str(path[-1]), 80)} comes twice in one object."
        raise admin_error(400, "bad-body", _BAD_BODY, detail)
    if violations := validator.violations("body", value):
        raise violation_error("bad-body", _BAD_BODY, violations)
    return value
