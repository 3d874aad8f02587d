"""One operation: its request, lookups, new ids and envelopes, and what paths may name in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from mockserver.contract.layers import ConfigNode, Parts, Table, sound
from mockserver.contract.paths import NOW, SETTINGS, VIOLATION, Place, Scope, compile_path, is_secret
from mockserver.contract.templates import compile_template, constant
from mockserver.core.contract import Assumption, Operation, RuntimeCompiler, Scenario, WarningRules
from mockserver.core.language import Template
from mockserver.core.model import Collection, Lookup, NewId, Path, Settings
from mockserver.core.values import write_ascii
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

RESERVED_ROOTS: Final = frozenset(
    ["body", "header", "query", "path", "new", "now", "settings", "violation", "violations", "unclaimed"]
    + ["tick", "item", "respond", "all", "any", "none"]
)
"""Names that no lookup may have, as they mean something else in a path or a condition."""

PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A path parameter in a path template."""


class EnvelopeParts(NamedTuple):
    """An envelope before a scenario's answer is put into its body."""

    entry: ConfigNode
    status: Template
    assumed: tuple[Assumption, ...]
    validator: Validator | None
    schema: str | None


class Route(NamedTuple):
    """The method, the path template and the names of the path parameters."""

    method: str
    path: str
    parameters: tuple[str, ...]


class OperationCompiler:
    """Compiles one operation; a lookup may be named by those after it.

    A part with a fault of its own counts as declared, so that one mistake is reported once.
    """

    def __init__(
        self,
        name: str,
        parts: Parts,
        collections: Mapping[str, Collection],
        schemas: SchemaSet,
        assumptions: tuple[str, ...],
        settings: Settings,
    ) -> None:
        self.name = name
        self.parts = parts
        self.collections = collections
        self.schemas = schemas
        self.assumptions = assumptions
        self.settings = settings
        self.lookups: dict[str, Lookup] = {}
        self.unsound: set[str] = set()
        """Lookups with a fault of their own; nothing more is reported where they are used."""
        self.route = self._route()
        self.parameters = self.route.parameters
        self.body = self._validator("body")
        self.query = self._validator("query")
        self.path_schema = self._validator("path")
        self.new = tuple(self._new_ids())
        self.sensitive = self._sensitive()
        self._compile_lookups()
        self.envelopes = self._envelopes()

    def finish(self, scenarios: Sequence[Scenario], runtime_compiler: RuntimeCompiler) -> Operation:
        """The operation with its scenarios."""
        others = [("path", self.path_schema), ("query", self.query)]
        named = {root: sound(self.parts.members, root) for root in ("body", "query", "path")}
        return Operation(
            id=self.name,
            method=self.route.method,
            path=self.route.path,
            parameters=self.route.parameters,
            body=self.body,
            parameter_schemas=tuple((root, validator) for root, validator in others if validator is not None),
            warnings=self._warning_rules(),
            lookups=tuple(self.lookups.values()),
            new=self.new,
            scenarios=tuple(scenarios),
            by_id={scenario.id: scenario for scenario in scenarios},
            assumed=self._assumption_ids(self.parts.members),
            sensitive=self.sensitive,
            runtime_compiler=runtime_compiler,
            schemas={root: entry.data for root, entry in named.items() if entry is not None},
        )

    # -- the parts of an operation ------------------------------------------------------------------

    def _route(self) -> Route:
        found = "request" in self.parts.members
        self.parts.require("request", found, "an operation without request", "request: METHOD /path")
        entry = sound(self.parts.members, "request")
        if entry is None:
            return Route("POST", "/", ())
        method, _, path = entry.data.partition(" ")
        parameters = PARAMETER.findall(path)
        if not all(PARAMETER.fullmatch(segment) or not set(segment) & set("{}") for segment in path.split("/")):
            entry.fault("a bad path template", "whole segments of the form {name}", path)
        if len(set(parameters)) < len(parameters):
            entry.fault("a path parameter twice", "each name once", path)
        if path.startswith(("/__admin", "/sandbox/")):
            entry.fault("a path of the mock's own", "a path outside /__admin and /sandbox/", path)
        return Route(method, path, tuple(parameters))

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
        secrets: list[Path] = [
            (root, *path) for root, validator in schemas.items() if validator is not None for path in validator.secrets
        ]
        entry = sound(self.parts.members, "sensitive")
        if entry is None:
            return tuple(secrets)
        for index, text in enumerate(entry.data):
            place = self._path(entry, text, ("body", "query", "path", "header"), (index,))
            if place is not None:
                secrets.append((place.root, *place.steps))
        return tuple(secrets)

    def _path(self, entry: ConfigNode, text: str, roots: tuple[str, ...], at: Path) -> Place | None:
        return compile_path(text, entry.context(Scope(roots, self.members), self.schemas, at))

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
            "violation": tuple(VIOLATION),
        }.get(root, ())

    def roots(self) -> tuple[str, ...]:
        """The roots that conditions may name: the request and the lookups compiled so far."""
        roots = ["header", "query", "settings", *self.lookups, *self.unsound]
        roots += ["body"] if "body" in self.parts.members else []
        roots += ["path"] if self.parameters or sound(self.parts.members, "request") is None else []
        return tuple(roots)

    def new_root(self) -> tuple[str, ...]:
        """The root of new ids, if the operation has any."""
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
        if is_secret(place, Scope((), self.members, sensitive=self.sensitive)):
            entry.fault("a secret as a key", "a member that is no secret", data[member], at=(member,))
        is_body_member = place.root == "body" and len(place.steps) == 1
        return Lookup(
            name=name,
            collection=self.collections[data["in"]],
            path=data[member],
            key=place.extract,
            many=member == "keys",
            fold=str.lower if data.get("fold") == "lower" else None,
            unless=unless.extract if unless is not None else None,
            member=place.steps[0] if is_body_member and "unless" not in data else None,
        )

    def _warning_rules(self) -> WarningRules:
        entry = sound(self.parts.members, "warn")
        if entry is None:
            return WarningRules()
        warn = entry.data
        for name in warn:
            self.check_assumption(entry, warn[name]["assumed"], (name, "assumed"))
        content, header = warn.get("content_type"), warn.get("any_header")
        return WarningRules(
            unknown_members=warn["unknown_members"]["assumed"] if "unknown_members" in warn else None,
            content_type=(content["expected"].lower(), content["assumed"]) if content else None,
            any_header=(tuple(header["of"]), header["assumed"]) if header else None,
        )

    def check_assumption(self, entry: ConfigNode, name: str, at: Path) -> None:
        """Report an assumption that is not declared."""
        if name not in self.assumptions:
            entry.unknown(f"undeclared assumption {name}", name, self.assumptions, at)

    def _assumption_ids(self, table: Table) -> tuple[str, ...]:
        """The ids under `assumed`."""
        entry = sound(table, "assumed")
        if entry is None:
            return ()
        for index, name in enumerate(entry.data):
            self.check_assumption(entry, name, (index,))
        return tuple(entry.data)

    def _envelopes(self) -> Mapping[str, EnvelopeParts]:
        entries = self.parts.tables["envelopes"]
        self.parts.require("envelopes", bool(entries), "an operation without envelopes", "envelopes: {NAME: ...}")
        return {name: self._envelope(entry) for name, entry in entries.items() if not entry.broken}

    def _envelope(self, entry: ConfigNode) -> EnvelopeParts:
        scope = Scope(("settings",), self.members, certain=frozenset({"settings"}))
        status = compile_template(entry.data["status"], entry.context(scope, self.schemas, ("status",)))
        members = {name: entry.member(name) for name in entry.data}
        assumed = tuple(Assumption(name) for name in self._assumption_ids(members))
        validator = self._schema(members["schema"]) if "schema" in members else None
        if not members["status"].broken:
            code = status.render({"settings": self.settings})
            if type(code) is not int or not 200 <= code <= 599:
                entry.fault("a status that is none", "200 to 599", write_ascii(code), at=("status",))
        body_context = entry.context(self.body_scope(), self.schemas, ("body",))
        compile_template(entry.data["body"], body_context, respond=constant(None))  # for its reports
        return EnvelopeParts(entry, status, assumed, validator, entry.data.get("schema"))

    def body_scope(self) -> Scope:
        """What the body of an envelope may refer to, beside ${respond}."""
        return Scope(("now", "settings", *self.new_root()), self.members)
