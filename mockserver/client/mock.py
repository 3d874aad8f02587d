"""`Mock`: the client of one sandbox of a mock server, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from mockserver.client.admin_client import AdminClient, MockError, subpath
from mockserver.client.http_client import Address, check_url, opener
from mockserver.client.resources import Clock, Records, SandboxSettings, Scenarios


class Mock:
    """One sandbox of a mock server. `url` is the base URL for a client, with the sandbox in it."""

    def __init__(self, url: str, sandbox: str = "", token: str = "", cacert: Path | str = "") -> None:
        """Take the address of a server, a sandbox (`""` is the default one) and the admin token if there is one.

        `cacert` is a file with the certificates to trust (PEM) instead of those of the system.
        Raises `ValueError` if `url` is not an HTTP address, or the file has no certificate.
        """
        check_url(url)
        address = Address(url, sandbox, token, str(cacert))
        opener(address.cacert)  # raises now for a file without certificates
        self._api: Final = AdminClient(address)
        self.url: Final = address.base_url
        self.sandbox: Final = sandbox
        self.state: Final = Records(self._api)
        self.scenarios: Final = Scenarios(self._api)
        self.clock: Final = Clock(self._api)
        self.settings: Final = SandboxSettings(self._api)

    def __repr__(self) -> str:
        return f"Mock({self.url!r})"

    def in_sandbox(self, name: str) -> Mock:
        """The client of another sandbox of the same server."""
        address = self._api.address
        return Mock(address.url, name, address.token, address.cacert)

    # -- next requests --------------------------------------------------------------------------------

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
        """Arm a scenario, a fault, a delay or several of these for the next `times` matching requests; return the id.

        With `responses` the requests get these in turn; see `POST /__admin/arm`. Raises `MockError`.
        """
        spec = _without_none(scenario=scenario, when=when, fault=fault, commit=commit, delay=delay, operation=operation)
        spec |= {"times": times} if responses is None else _without_none(responses=[*responses], repeat=repeat)
        return int(self._api.call("POST", "/arm", spec)["id"])

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
        """Arm a fault for the next matching requests, such as `reset`, or `gateway` with `status=503`; return its id.

        With `commit` only the answer is lost: the changes of the request are kept. Raises `MockError`.
        """
        spec = {"kind": kind, **settings}
        return self.arm(None, times, when, fault=spec, commit=commit or None, operation=operation)

    def armed(self) -> list[dict[str, Any]]:
        """The armed outcomes that are not used up, as in `GET /__admin/armed`."""
        answer: list[dict[str, Any]] = self._api.get("/armed")["armed"]
        return answer

    def disarm(self, number: int | None = None) -> None:
        """Disarm everything, or the outcome with this id."""
        self._api.call("DELETE", "/armed" + ("" if number is None else subpath(str(number))))

    def reset(self) -> None:
        """Bring the sandbox back to its seeds and settings; disarm everything and empty its journal."""
        self._api.call("POST", "/reset")

    def drop(self) -> None:
        """Delete the sandbox and all that is in it, if it exists."""
        try:
            self._api.call("DELETE", "/sandboxes" + subpath(self.sandbox))
        except MockError as error:
            if error.status != 404:
                raise

    # -- received requests ----------------------------------------------------------------------------

    def requests(self, *, unexpected: bool = False, limit: int | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The received requests, oldest first, as the rows of `GET /__admin/requests`.

        Filters are those of that route: scenario, source, trigger, since, trace, text, before, all, sandbox_prefix.
        `unexpected`: only those with an unexpected answer. `limit`: only this many of the newest. Raises `MockError`.
        """
        path = "/requests/unexpected" if unexpected else "/requests"
        rows: list[dict[str, Any]] = []  # newest first, as in the pages
        before: dict[str, Any] = {}
        while True:
            most = 1_000 if limit is None else min(limit - len(rows), 1_000)
            page = self._api.get(path, **{**filters, **before, "limit": most})
            rows += page["requests"]
            if "before" not in page or (limit is not None and len(rows) >= limit):
                return rows[::-1]
            before = {"before": page["before"]}

    def har(self, **filters: Any) -> dict[str, Any]:
        """The received requests as an HTTP archive (HAR 1.2), oldest first. Filters are those of `requests`."""
        return self._api.get("/requests", **filters, format="har")

    def is_journal_incomplete(self) -> bool:
        """Whether the journal may lack requests of this sandbox: it was full, or is off."""
        return bool(self._api.get("/requests", limit=1)["incomplete"])

    def request(self, entry_id: str) -> dict[str, Any]:
        """One request with its headers, body, reply, violations and near misses, by the id of its journal entry."""
        return self._api.get("/requests" + subpath(entry_id))

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
        """Claim how many requests of a kind were received (at least one by default).

        Raises `AssertionError` with the near misses if the claim does not hold, `MockError` if it is not valid.
        """
        __tracebackhide__ = True
        count = _without_none(exactly=exactly, at_least=at_least, at_most=at_most)
        self._assert_holds(_without_none(scenario=scenario, when=when, operation=operation, count=count or None))

    def verify_order(self, *claims: Mapping[str, Any]) -> None:
        """Claim that requests were received in order; a claim is like `{"scenario": ID, "count": {"exactly": 2}}`."""
        __tracebackhide__ = True
        self._assert_holds([dict(claim) for claim in claims])

    def verify_armed_used(self) -> None:
        """Claim that something was armed, and that nothing of it is left: it was used, or disarmed."""
        __tracebackhide__ = True
        self._assert_holds({"armed": "used"})

    def _assert_holds(self, claim: Any) -> None:
        __tracebackhide__ = True
        try:
            self._api.call("POST", "/verify", claim)
        except MockError as error:
            if error.status != 409 or "text" not in error.problem:
                raise
            raise AssertionError(error.problem["text"]) from None

    def explain(self, body: Any = "", **more: Any) -> str:
        """Explain as text what a request would get and why; nothing changes. See `POST /__admin/explain`."""
        return str(self._api.call("POST", "/explain", {"body": body, **more}, format="text"))

    def coverage(self, *, everywhere: bool = False, sandbox_prefix: str | None = None) -> dict[str, Any]:
        """Which scenarios were met, as in `GET /__admin/coverage`.

        `everywhere`: in all sandboxes. `sandbox_prefix`: in those whose names begin with it, counts before resets
        included.
        """
        return self._api.get("/coverage", all=everywhere or None, sandbox_prefix=sandbox_prefix)

    def health(self) -> dict[str, Any]:
        """Whether the server is up, its version and its contract."""
        return self._api.get("/health")


def _without_none(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
