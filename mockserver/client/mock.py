"""A mock server as a test speaks to it: arm, look, verify, change; this process's own or one that is far away.

Knows the admin API's routes as a client does; it knows no engine and no test framework.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from mockserver.client.http_client import Address, UnreachableError, opener

Instant = str | dt.datetime
"""An RFC 3339 text, or a datetime that has a zone."""

Members = Mapping[str, Any] | None
"""The members of a record; None stands for a key that does not exist."""


class MockError(Exception):
    """The mock did not do what was asked; the message says why, with near spellings.

    `status` is that of the answer, 0 where none came; `problem` is the problem document.
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        """Keep what the server said."""
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


class _Admin:
    """The admin API of one sandbox; a problem is a `MockError`."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None, **query: Any) -> Any:
        """The body of an answer that is no problem."""
        asked = {name: _text(value) for name, value in query.items() if value is not None}
        try:
            answer = self.address.call(method, path, body, asked, raw)
        except UnreachableError as error:
            raise MockError(f"{error}; {error.hint or 'is the server up?'}") from None
        if answer.status < 400:
            return answer.body
        problem = answer.body if isinstance(answer.body, dict) else {}
        raise MockError("\n  ".join(_words(answer.problem, problem)), answer.status, problem)


def _words(line: str, problem: Mapping[str, Any]) -> Iterator[str]:
    """A problem in words: one line, or, where a part of a scenario file is wrong, one a mistake."""
    yield line if "errors" not in problem else f"{problem['title']}:"
    for one in problem.get("errors", ()):
        yield "; ".join(filter(None, [f"{one['at']}: {one['what']}", f"expected {one['expected']}", one["try"]]))


def _text(value: Any) -> str:
    """A value as a query parameter has it."""
    return _instant(value) if isinstance(value, Instant) else json.dumps(value)


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _part(text: str) -> str:
    return "/" + quote(text, safe="")


class Mock:
    """One sandbox of a mock server. `url` is the base URL for a client, with the sandbox in it."""

    def __init__(self, url: str, sandbox: str = "", token: str = "", cacert: Path | str = "") -> None:
        """Speak to the server at `url`, about a sandbox (`""`: the default one), with the admin token if it has one.

        `cacert` is a file with the certificates to trust (PEM), in the place of those of the system.
        Raises `ValueError` for what is no address of HTTP, and for a file that has no certificate.
        """
        address = Address(url, sandbox, token, str(cacert))
        opener(address.cacert)
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the address of a server begins with http:// or https://, got {url!r}")
        self._admin: Final = _Admin(address)
        self.url: Final = address.base
        self.sandbox: Final = sandbox
        self.state: Final = Records(self._admin)
        self.scenarios: Final = Scenarios(self._admin)
        self.clock: Final = Clock(self._admin)
        self.settings: Final = SandboxSettings(self._admin)

    def __repr__(self) -> str:
        return f"Mock({self.url!r})"

    def in_sandbox(self, name: str) -> Mock:
        """The same server, another sandbox."""
        address = self._admin.address
        return Mock(address.url, name, address.token, address.cacert)

    # -- bringing about -------------------------------------------------------------------------------

    def arm(
        self,
        scenario: str | None = None,
        times: int | Literal["always"] = 1,
        when: Mapping[str, Any] | None = None,
        *,
        fault: str | Mapping[str, Any] | None = None,
        commit: bool | None = None,
        delay: str | float | Mapping[str, Any] | None = None,
        responses: Sequence[Mapping[str, Any]] | None = None,
        repeat: Literal["last", "cycle"] | None = None,
        operation: str | None = None,
    ) -> int:
        """Let the next `times` matching requests get a scenario, a fault, a delay or several; the id of what is armed.

        With `responses` they get these in turn instead; see `POST /__admin/arm`. Raises `MockError`.
        """
        spec = _given(scenario=scenario, when=when, fault=fault, commit=commit, delay=delay, operation=operation)
        spec |= {"times": times} if responses is None else _given(responses=[*responses], repeat=repeat)
        return int(self._admin.ask("POST", "/arm", spec)["id"])

    def fault(
        self,
        kind: str,
        commit: bool = False,
        times: int | Literal["always"] = 1,
        when: Mapping[str, Any] | None = None,
        *,
        operation: str | None = None,
        **settings: Any,
    ) -> int:
        """Let the next matching requests meet a fault, such as `reset`, or `gateway` with `status=503`; its id.

        With `commit` only the answer is lost: what the request changes is kept. Raises `MockError`.
        """
        spec = {"kind": kind, **settings}
        return self.arm(None, times, when, fault=spec, commit=commit or None, operation=operation)

    def armed(self) -> list[dict[str, Any]]:
        """What is armed and not used up, as `GET /__admin/armed` shows it."""
        found: list[dict[str, Any]] = self._admin.ask("GET", "/armed")["armed"]
        return found

    def disarm(self, number: int | None = None) -> None:
        """Take away what is armed: all of it, or what has this id."""
        self._admin.ask("DELETE", "/armed" + ("" if number is None else _part(str(number))))

    def reset(self) -> None:
        """Bring the sandbox back to its seeds and settings, nothing armed, its journal empty."""
        self._admin.ask("POST", "/reset")

    def drop(self) -> None:
        """Forget the sandbox and all that is in it; that it is not there is no error."""
        try:
            self._admin.ask("DELETE", "/sandboxes" + _part(self.sandbox))
        except MockError as error:
            if error.status != 404:
                raise

    # -- looking --------------------------------------------------------------------------------------

    def requests(self, *, unexpected: bool = False, limit: int | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The requests that came, the first one first, as the rows of `GET /__admin/requests`.

        Filters are those of that route: scenario, source, trigger, since, text, before, all. `unexpected`: only those
        that got what nobody asked for. `limit`: only so many of the last ones. Raises `MockError`.
        """
        path = "/requests/unexpected" if unexpected else "/requests"
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            most = 1_000 if limit is None else min(limit - len(found), 1_000)
            page = self._admin.ask("GET", path, **{**filters, **more, "limit": most})
            found += page["requests"]
            if "before" not in page or (limit is not None and len(found) >= limit):
                return found[::-1]
            more = {"before": page["before"]}

    def request(self, number: int) -> dict[str, Any]:
        """One request with all that is known of it: headers, body, reply, violations, near misses."""
        found: dict[str, Any] = self._admin.ask("GET", "/requests" + _part(str(number)))
        return found

    def verify(
        self,
        scenario: str | None = None,
        when: Mapping[str, Any] | None = None,
        exactly: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        *,
        operation: str | None = None,
    ) -> None:
        """Claim how many requests of a kind came (at least one, where nothing is said).

        Raises `AssertionError` with the nearest misses where that does not hold, `MockError` where it cannot be meant.
        """
        __tracebackhide__ = True
        count = _given(exactly=exactly, at_least=at_least, at_most=at_most)
        self._verify(_given(scenario=scenario, when=when, operation=operation, count=count or None))

    def verify_order(self, *claims: Mapping[str, Any]) -> None:
        """Claim that requests came in this order; each claim is like `{"scenario": ID, "count": {"exactly": 2}}`."""
        __tracebackhide__ = True
        self._verify([dict(claim) for claim in claims])

    def verify_armed_used(self) -> None:
        """Claim that nothing armed is left over."""
        __tracebackhide__ = True
        self._verify({"armed": "used"})

    def _verify(self, claim: Any) -> None:
        __tracebackhide__ = True
        try:
            self._admin.ask("POST", "/verify", claim)
        except MockError as error:
            if error.status != 409 or "text" not in error.problem:
                raise
            raise AssertionError(error.problem["text"]) from None

    def explain(self, body: Any = "", **more: Any) -> str:
        """What would answer a request and why, as text, without its being made; see `POST /__admin/explain`."""
        return str(self._admin.ask("POST", "/explain", {"body": body, **more}, format="text"))

    def coverage(self, *, everywhere: bool = False) -> dict[str, Any]:
        """Which scenarios were met, as `GET /__admin/coverage` has it; `everywhere`: in all sandboxes there were."""
        found: dict[str, Any] = self._admin.ask("GET", "/coverage", all=everywhere or None)
        return found

    def health(self) -> dict[str, Any]:
        """Whether the server is well, its version and its contract."""
        found: dict[str, Any] = self._admin.ask("GET", "/health")
        return found


class Records:
    """The state of a sandbox: records by collection and key, and all of it as a snapshot."""

    def __init__(self, admin: _Admin) -> None:
        """Speak by `admin`."""
        self._admin = admin

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """The members of a record, None for a key that is said not to exist; one that is unknown is a `MockError`."""
        return self._members(self._admin.ask("GET", _place(collection, key)))

    def all(self, collection: str) -> dict[str, dict[str, Any] | None]:
        """The members of all records of a collection by key, seeds and what was written."""
        records = self._admin.ask("GET", f"/state{_part(collection)}")["records"]
        return {record["key"]: record["members"] for record in records}

    def put(self, collection: str, key: str, members: Members) -> dict[str, Any] | None:
        """Write a record, None for a key that does not exist; its members."""
        return self._members(self._admin.ask("PUT", _place(collection, key), raw=json.dumps(members).encode()))

    def patch(self, collection: str, key: str, members: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change members of a record, None takes one away; the members then."""
        return self._members(self._admin.ask("PATCH", _place(collection, key), dict(members)))

    def delete(self, collection: str, key: str) -> dict[str, Any] | None:
        """Bring a record back to its seed, or to the default; its members then."""
        return self._members(self._admin.ask("DELETE", _place(collection, key)))

    def snapshot(self) -> dict[str, Any]:
        """What the sandbox keeps beside the seeds; `load` takes it, here or on another server."""
        found: dict[str, Any] = self._admin.ask("GET", "/state")
        return found

    def load(self, snapshot: Mapping[str, Any]) -> None:
        """Load a snapshot in the place of what the sandbox keeps."""
        self._admin.ask("PUT", "/state", dict(snapshot))

    @staticmethod
    def _members(record: Mapping[str, Any]) -> dict[str, Any] | None:
        members: dict[str, Any] | None = record["members"]
        return members


def _place(collection: str, key: str) -> str:
    return f"/state{_part(collection)}{_part(key)}"


class Scenarios:
    """The scenarios in force in a sandbox, and those added to it while the mock runs."""

    def __init__(self, admin: _Admin) -> None:
        """Speak by `admin`."""
        self._admin = admin

    def all(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The scenarios in force, in order."""
        found: list[dict[str, Any]] = self._admin.ask("GET", "/scenarios", operation=operation)["scenarios"]
        return found

    def put(self, name: str, scenario: str | Mapping[str, Any], *, operation: str | None = None) -> None:
        """Add a scenario or replace one: YAML as in a file, or the same as a mapping. Raises `MockError`."""
        raw = scenario if isinstance(scenario, str) else json.dumps(dict(scenario))
        self._admin.ask("PUT", f"/scenarios{_part(name)}", raw=raw.encode(), operation=operation)

    def delete(self, name: str, *, operation: str | None = None) -> None:
        """Take a run-time scenario away again."""
        self._admin.ask("DELETE", f"/scenarios{_part(name)}", operation=operation)


class Clock:
    """The time of a sandbox."""

    def __init__(self, admin: _Admin) -> None:
        """Speak by `admin`."""
        self._admin = admin

    def now(self) -> dt.datetime:
        """The time, in UTC."""
        return _time(self._admin.ask("GET", "/clock"))

    def freeze(self, instant: Instant = "now") -> dt.datetime:
        """Stand still at an instant; the time then."""
        return self._put("freeze", _instant(instant))

    def set(self, instant: Instant) -> dt.datetime:
        """Run on from an instant; the time then."""
        return self._put("set", _instant(instant))

    def advance(self, by: str | dt.timedelta) -> dt.datetime:
        """Go forward by a duration such as `90s`, `2h` or a timedelta, standing or not; the time then."""
        return self._put("advance", by if isinstance(by, str) else f"{by / dt.timedelta(milliseconds=1):.3f}ms")

    def release(self) -> dt.datetime:
        """Be real again, or as the server was started; the time then."""
        return self._put("real", value=True)

    def _put(self, how: str, value: Any) -> dt.datetime:
        return _time(self._admin.ask("PUT", "/clock", {how: value}))


def _instant(instant: Instant) -> str:
    return instant if isinstance(instant, str) else instant.isoformat()


def _time(answer: Mapping[str, Any]) -> dt.datetime:
    seconds, nanos = divmod(int(answer["now_ns"]), 1_000_000_000)
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds, microseconds=nanos // 1_000)


class SandboxSettings:
    """The settings that a sandbox has of its own, until a reset."""

    def __init__(self, admin: _Admin) -> None:
        """Speak by `admin`."""
        self._admin = admin

    def all(self) -> dict[str, Any]:
        """The settings as they are."""
        found: dict[str, Any] = self._admin.ask("GET", "/settings")
        return found

    def put(self, **settings: Any) -> None:
        """Change some of them, such as `error_status=200`; a `seed` begins the generated ids again."""
        self._admin.ask("PUT", "/settings", {n: [*v] if isinstance(v, tuple) else v for n, v in settings.items()})
