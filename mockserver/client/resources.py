"""Records, scenarios, clock and settings of a sandbox, read and changed by the admin API."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from mockserver.client.admin_client import AdminClient, Instant, instant_text, subpath

Members = Mapping[str, Any] | None
"""The members of a record; None stands for a key that does not exist."""


class Records:
    """The state of a sandbox: records by collection and key, and all of it as a snapshot."""

    def __init__(self, api: AdminClient) -> None:
        """Take the admin API of the sandbox."""
        self._api = api

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """The members of a record, None if it was written as not there. Raises `MockError` if there is none."""
        return self._members(self._api.get(_record_path(collection, key)))

    def all(self, collection: str) -> dict[str, dict[str, Any] | None]:
        """The members of all records of a collection by key, seeds and written ones."""
        records = self._api.get(f"/state{subpath(collection)}")["records"]
        return {record["key"]: record["members"] for record in records}

    def put(self, collection: str, key: str, members: Members) -> dict[str, Any] | None:
        """Write a record; after None its key does not exist. Return the members."""
        return self._members(self._api.call("PUT", _record_path(collection, key), json.dumps(members).encode()))

    def patch(self, collection: str, key: str, members: Mapping[str, Any]) -> dict[str, Any] | None:
        """Change members of a record, None removes one; return the members."""
        return self._members(self._api.call("PATCH", _record_path(collection, key), dict(members)))

    def delete(self, collection: str, key: str) -> dict[str, Any] | None:
        """Restore the seed of a record, or the default; return its members."""
        return self._members(self._api.call("DELETE", _record_path(collection, key)))

    def snapshot(self) -> dict[str, Any]:
        """The state of the sandbox beside the seeds, for `load` here or on another server."""
        return self._api.get("/state")

    def load(self, snapshot: Mapping[str, Any]) -> None:
        """Replace the state of the sandbox by a snapshot."""
        self._api.call("PUT", "/state", dict(snapshot))

    @staticmethod
    def _members(record: Mapping[str, Any]) -> dict[str, Any] | None:
        members: dict[str, Any] | None = record["members"]
        return members


def _record_path(collection: str, key: str) -> str:
    return f"/state{subpath(collection)}{subpath(key)}"


class Scenarios:
    """The scenarios in force in a sandbox, and its run-time scenarios."""

    def __init__(self, api: AdminClient) -> None:
        """Take the admin API of the sandbox."""
        self._api = api

    def all(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The scenarios in force, in order."""
        answer: list[dict[str, Any]] = self._api.get("/scenarios", operation=operation)["scenarios"]
        return answer

    def put(self, name: str, scenario: str | Mapping[str, Any], *, operation: str | None = None) -> None:
        """Add a scenario or replace one: YAML as in a file, or the same as a mapping. Raises `MockError`."""
        path = f"/scenarios{subpath(name)}"
        if isinstance(scenario, str):
            self._api.call("PUT", path, scenario.encode(), media_type="application/yaml", operation=operation)
        else:
            self._api.call("PUT", path, dict(scenario), operation=operation)

    def delete(self, name: str, *, operation: str | None = None) -> None:
        """Delete a run-time scenario."""
        self._api.call("DELETE", f"/scenarios{subpath(name)}", operation=operation)


class Clock:
    """The time of a sandbox."""

    def __init__(self, api: AdminClient) -> None:
        """Take the admin API of the sandbox."""
        self._api = api

    def now(self) -> dt.datetime:
        """The time, in UTC."""
        return _time(self._api.get("/clock"))

    def freeze(self, instant: Instant = "now") -> dt.datetime:
        """Stop at an instant; return the time."""
        return self._put("freeze", instant_text(instant))

    def set(self, instant: Instant) -> dt.datetime:
        """Continue from an instant; return the time."""
        return self._put("set", instant_text(instant))

    def advance(self, by: str | dt.timedelta) -> dt.datetime:
        """Go forward by a duration such as `90s`, `2h` or a timedelta, stopped or not; return the time."""
        return self._put("advance", by if isinstance(by, str) else f"{by / dt.timedelta(milliseconds=1):.3f}ms")

    def release(self) -> dt.datetime:
        """Go back to the server's clock; return the time."""
        return self._put("real", value=True)

    def _put(self, action: str, value: Any) -> dt.datetime:
        return _time(self._api.call("PUT", "/clock", {action: value}))


def _time(answer: Mapping[str, Any]) -> dt.datetime:
    seconds, nanos = divmod(int(answer["now_ns"]), 1_000_000_000)
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds, microseconds=nanos // 1_000)


class SandboxSettings:
    """The settings that a sandbox can change, until its next reset."""

    def __init__(self, api: AdminClient) -> None:
        """Take the admin API of the sandbox."""
        self._api = api

    def all(self) -> dict[str, Any]:
        """The settings in force."""
        return self._api.get("/settings")

    def put(self, **settings: Any) -> None:
        """Change some, such as `error_status=200`; `seed` restarts generated ids, `vary` the count of requests."""
        members = {name: [*value] if isinstance(value, tuple) else value for name, value in settings.items()}
        self._api.call("PUT", "/settings", members)
