"""Parts of files into an operation: its request, lookups, new ids and envelopes, and what paths may name.

Knows one operation and reports every fault at its place; it knows no scenario and decides no request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from mockserver.contract.layers import ConfigNode, Parts, Table, sound
from mockserver.contract.references import (
    NOW,
    SETTINGS,
    VIOLATION,
    Place,
    Scope,
    compile_path,
    compile_template,
    constant,
    is_sensitive,
)
from mockserver.core.contract import Assumption, Operation, RuntimeCompiler, Scenario, Template, WarningRules
from mockserver.core.model import Collection, Lookup, NewId, Path, Settings
from mockserver.core.values import write_ascii
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

RESERVED_ROOTS: Final = frozenset(
    ["body", "header", "query", "path", "new", "now", "settings", "violation", "violations", "unclaimed"]
    + ["tick", "item", "respond", "all", "any", "none"]
)
"""Words that no lookup may be called, as they mean something else in a path or a condition."""

PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A path parameter in a path template."""


class EnvelopeParts(NamedTuple):
    """An envelope before a scenario's answer is put into its body."""

    entry: ConfigNode
    status: Template
    assumed: tuple[Assumption, ...]
    validator: Validator | None
    schema: str | None


class OperationCompiler:
    """Compiles one operation; its scopes grow as lookups become known.

    What is broken by a fault that was reported already is taken to be there, so that one mistake is told once.
    """

    def __init__(
        self,
        name: str,
        parts: Parts,
        collections: Mapping[str, Collection],
        schemas: SchemaSet,
        points: tuple[str, ...],
        settings: Settings,
    ) -> None:
        self.name = name
        self.parts = parts
        self.collections = collections
        self.schemas = schemas
        self.points = points
        self.settings = settings
        self.lookups: dict[str, Lookup] = {}
        self.unsound: set[str] = set()
        """Lookups with a fault of their own, of which nothing more is said where they are used."""
        self.method, self.path, self.parameters = self._request()
        self.body = self._validator("body")
        self.query = self._validator("query")
        self.path_schema = self._validator("path")
        self.new = tuple(self._new_ids())
        self.sensitive = self._sensitive()
        self._compile_lookups()
        self.envelopes = self._envelopes()

    def finish(self, scenarios: Sequence[Scenario], run_time: RuntimeCompiler) -> Operation:
        """The operation with its scenarios."""
        others = [("path", self.path_schema), ("query", self.query)]
        return Operation(
            id=self.name,
            method=self.method,
            path=self.path,
            parameters=self.parameters,
            body=self.body,
            parameter_schemas=tuple((root, v) for root, v in others if v is not None),
            warnings=self._warning_rules(),
            lookups=tuple(self.lookups.values()),
            new=self.new,
            scenarios=tuple(scenarios),
            by_id={s.id: s for s in scenarios},
            assumed=self._point_ids(self.parts.members, "assumed"),
            sensitive=self.sensitive,
            run_time=run_time,
            schemas={root: e.data for root in ("body", "query", "path") if (e := sound(self.parts.members, root))},
        )

    # -- the parts of an operation ------------------------------------------------------------------

    def _request(self) -> tuple[str, str, tuple[str, ...]]:
        found = "request" in self.parts.members
        self.parts.require("request", found, "an operation without request", "request: METHOD /path")
        entry = sound(self.parts.members, "request")
        if entry is None:
            return "POST", "/", ()
        method, _, path = entry.data.partition(" ")
        parameters = PARAMETER.findall(path)
        if not all(PARAMETER.fullmatch(s) or not set(s) & set("{}") for s in path.split("/")):
            entry.fault("a bad path template", "whole segments of the form {name}", path)
        if len(set(parameters)) < len(parameters):
            entry.fault("a path parameter twice", "each name once", path)
        if path.startswith(("/__admin", "/sandbox/")):
            entry.fault("a path of the mock's own", "a path outside /__admin and /sandbox/", path)
        return method, path, tuple(parameters)

    def _validator(self, member: str) -> Validator | None:
        entry = sound(self.parts.members, member)
        return self._schema(entry) if entry is not None else None

    def _schema(self, entry: ConfigNode) -> Validator | None:
        validator = self.schemas.validator(entry.data)
        if validator is None and entry.data not in self.schemas.unsound:
            entry.unknown(f"unknown schema file {entry.data}", entry.data, self.schemas.names)
        return validator

    def _new_ids(self) -> Iterator[NewId]:
        for name, entry in self.parts.tables["new"].items():
            if entry.broken:
                continue
            unused = entry.data.get("unused_in")
            if unused is not None and unused not in self.collections:
                entry.unknown(f"unknown collection {unused}", unused, self.collections, ("unused_in",))
                unused = None
            yield NewId(name, entry.data["first"], entry.data.get("prefix", ""), unused)

    def _sensitive(self) -> tuple[Path, ...]:
        schemas = {"body": self.body, "query": self.query, "path": self.path_schema}
        secrets: list[Path] = [(root, *path) for root, v in schemas.items() if v is not None for path in v.secrets]
        entry = sound(self.parts.members, "sensitive")
        if entry is None:
            return tuple(secrets)
        for index, text in enumerate(entry.data):
            place = self._path(entry, text, ("body", "query", "path", "header"), (index,))
            if place is not None:
                secrets.append((place.root, *place.steps))
        return tuple(secrets)

    def _path(self, entry: ConfigNode, text: str, roots: tuple[str, ...], at: Path) -> Place | None:
        return compile_path(text, Scope(roots, self.members), (*entry.at, *at), entry.source.report)

    def members(self, root: str, path: tuple[str, ...]) -> tuple[str, ...]:
        """The names declared at a place, or () where any name may stand."""
        if root == "body":
            return self.body.known(path) if self.body is not None else ()
        if root == "query" and self.query is not None:
            return self.query.known(path)
        if path:
            return ()
        lookup = self.lookups.get(root.removesuffix("[]"))
        if lookup is not None:
            return () if lookup.many and not root.endswith("[]") else (*lookup.collection.members, "key", "origin")
        return {
            "path": self.parameters,
            "new": tuple(self.parts.tables["new"]),
            "now": tuple(NOW),
            "settings": SETTINGS,
            "violation": VIOLATION,
        }.get(root, ())

    def roots(self) -> tuple[str, ...]:
        """What conditions may look at: the request and the lookups known so far."""
        roots = ["header", "query", "settings", *self.lookups, *self.unsound]
        roots += ["body"] if "body" in self.parts.members else []
        roots += ["path"] if self.parameters or sound(self.parts.members, "request") is None else []
        return tuple(roots)

    def new_root(self) -> tuple[str, ...]:
        """The root of new ids, where there are any."""
        return ("new",) if self.parts.tables["new"] else ()

    def _compile_lookups(self) -> None:
        for name, entry in self.parts.tables["lookups"].items():
            if name in RESERVED_ROOTS:
                entry.fault(f"a lookup called {name}", "another name", name, f"{name} has a meaning of its own")
            lookup = None if entry.broken else self._lookup(name, entry)
            if lookup is not None:
                self.lookups[name] = lookup
            else:
                self.unsound.add(name)

    def _lookup(self, name: str, entry: ConfigNode) -> Lookup | None:
        data = entry.data
        if data["in"] not in self.collections:
            entry.unknown(f"unknown collection {data['in']}", data["in"], self.collections, ("in",))
            return None
        if ("key" in data) == ("keys" in data):
            entry.fault("a lookup needs a key", "either key or keys", "both" if "key" in data else "neither")
            return None
        member = "key" if "key" in data else "keys"
        roots = (*self.roots(), *self.new_root())
        place = self._path(entry, data[member], roots, (member,))
        unless = self._path(entry, data["unless"], roots, ("unless",)) if "unless" in data else None
        if place is None:
            return None
        if is_sensitive(place, Scope((), self.members, sensitive=self.sensitive)):
            entry.fault("a secret as a key", "a member that is no secret", data[member], at=(member,))
        return Lookup(
            name=name,
            collection=self.collections[data["in"]],
            path=data[member],
            key=place.extract,
            many=member == "keys",
            fold=str.lower if data.get("fold") == "lower" else None,
            unless=unless.extract if unless is not None else None,
            member=place.steps[0] if place.root == "body" and len(place.steps) == 1 and "unless" not in data else None,
        )

    def _warning_rules(self) -> WarningRules:
        entry = sound(self.parts.members, "warn")
        if entry is None:
            return WarningRules()
        warn = entry.data
        for name in warn:
            self.known_point(entry, warn[name]["assumed"], (name, "assumed"))
        content, header = warn.get("content_type"), warn.get("any_header")
        return WarningRules(
            unknown_members=warn["unknown_members"]["assumed"] if "unknown_members" in warn else None,
            content_type=(content["expected"].lower(), content["assumed"]) if content else None,
            any_header=(tuple(header["of"]), header["assumed"]) if header else None,
        )

    def known_point(self, entry: ConfigNode, point: str, at: Path) -> None:
        """Report an open point that is not declared."""
        if point not in self.points:
            entry.unknown(f"undeclared assumption {point}", point, self.points, at)

    def _point_ids(self, table: Table, name: str) -> tuple[str, ...]:
        entry = sound(table, name)
        if entry is None:
            return ()
        for index, point in enumerate(entry.data):
            self.known_point(entry, point, (index,))
        return tuple(entry.data)

    def _envelopes(self) -> Mapping[str, EnvelopeParts]:
        envelopes = {}
        for name, entry in self.parts.tables["envelopes"].items():
            if entry.broken:
                continue
            scope = Scope(("settings",), self.members, certain=frozenset({"settings"}))
            report = entry.source.report
            status = compile_template(entry.data["status"], scope, (*entry.at, "status"), report)
            members = {m: entry.member(m) for m in entry.data}
            assumed = tuple(Assumption(p) for p in self._point_ids(members, "assumed"))
            validator = self._schema(members["schema"]) if "schema" in members else None
            if not members["status"].broken:
                shown = status.render({"settings": self.settings})
                if type(shown) is not int or not 200 <= shown <= 599:
                    entry.fault("a status that is none", "200 to 599", write_ascii(shown), at=("status",))
            compile_template(entry.data["body"], self.body_scope(), (*entry.at, "body"), report, constant(None))
            envelopes[name] = EnvelopeParts(entry, status, assumed, validator, entry.data.get("schema"))
        found = bool(self.parts.tables["envelopes"])
        self.parts.require("envelopes", found, "an operation without envelopes", "envelopes: {NAME: ...}")
        return envelopes

    def body_scope(self) -> Scope:
        """What the body of an envelope may refer to, beside ${respond}."""
        return Scope(("now", "settings", *self.new_root()), self.members)
