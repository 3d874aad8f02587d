"""One operation: its request, lookups, new ids and envelopes, and what paths may name in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from mockserver.base.values import encode_ascii_json
from mockserver.contract.layers import ConfigNode, MergedDefinition, Table, unbroken_member
from mockserver.contract.paths import (
    NOW_MEMBERS,
    SETTING_NAMES,
    VIOLATION_MEMBERS,
    CompiledPath,
    Scope,
    compile_path,
    is_secret,
)
from mockserver.contract.templates import compile_template, constant
from mockserver.core.contract import (
    AnyHeaderRule,
    Assumption,
    ContentTypeRule,
    Envelope,
    Operation,
    RuntimeCompiler,
    Scenario,
    WarningRules,
)
from mockserver.core.model import Collection, Facts, IdRule, Lookup, Path, Settings
from mockserver.privacy.secrets import Secrets
from mockserver.schema.declared import DeclaredNames
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

RESERVED_ROOTS: Final = frozenset(
    ["body", "header", "query", "path", "new", "now", "settings", "violation", "violations", "unclaimed"]
    + ["item", "records", "respond", "all", "any", "none"]
)
"""Names that no lookup may have, as they mean something else in a path or a condition."""

PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A path parameter in a path template."""


class CompiledEnvelope(NamedTuple):
    """A compiled envelope, and where its file has it."""

    node: ConfigNode
    envelope: Envelope


class Route(NamedTuple):
    """A method, a path template and the names of its parameters."""

    method: str
    path: str
    parameters: tuple[str, ...]


class OperationCompiler:
    """Compiles one operation; a lookup may be named by those after it.

    A part that was reported counts as declared, so that one mistake is reported once.
    """

    def __init__(
        self,
        name: str,
        definition: MergedDefinition,
        collections: Mapping[str, Collection],
        schemas: SchemaSet,
        assumptions: tuple[str, ...],
        settings: Settings,
    ) -> None:
        self.name = name
        self.definition = definition
        self.collections = collections
        self.schemas = schemas
        self.assumptions = assumptions
        self.settings = settings
        self.lookups: dict[str, Lookup] = {}
        self.unsound: set[str] = set()
        """Lookups that were reported; nothing more is reported where they are used."""
        self.route = self._route()
        self.parameters = self.route.parameters
        roots = ("path", "query", "body")
        self.validators = {root: one for root in roots if (one := self._validator(root)) is not None}
        self.new = tuple(self._new_ids())
        self.sensitive = self._sensitive()
        self.declared = tuple((root, *path) for root, one in self.validators.items() for path in one.declared.places)
        self.secrets = Secrets(self.sensitive, self.declared)
        self._compile_lookups()
        self.envelopes = self._envelopes()

    def finish(self, scenarios: Sequence[Scenario], runtime_compiler: RuntimeCompiler) -> Operation:
        """The operation with its scenarios."""
        members = self.definition.members
        return Operation(
            id=self.name,
            method=self.route.method,
            path=self.route.path,
            parameters=self.route.parameters,
            body=self.validators.get("body"),
            parameter_validators={root: one for root, one in self.validators.items() if root != "body"},
            warning_rules=self._warning_rules(),
            lookups=tuple(self.lookups.values()),
            id_rules=self.new,
            scenarios=tuple(scenarios),
            by_id={scenario.id: scenario for scenario in scenarios},
            assumed=self._assumption_ids(self.definition.members, "assumed"),
            secret_places=self.sensitive,
            declared_places=self.declared,
            runtime_compiler=runtime_compiler,
            schema_files={root: members[root].data for root in ("body", "query", "path") if root in members},
        )

    # -- the definition of an operation ------------------------------------------------------------------

    def _route(self) -> Route:
        found = "request" in self.definition.members
        self.definition.require("request", found, "an operation without request", "request: METHOD /path")
        node = unbroken_member(self.definition.members, "request")
        if node is None:
            return Route("POST", "/", ())
        method, _, path = node.data.partition(" ")
        parameters = PARAMETER.findall(path)
        if not all(PARAMETER.fullmatch(segment) or not set(segment) & set("{}") for segment in path.split("/")):
            node.report_error("a bad path template", "whole segments of the form {name}", path)
        if len(set(parameters)) < len(parameters):
            node.report_error("a path parameter twice", "each name once", path)
        if path.startswith(("/__admin", "/sandbox/")):
            node.report_error("a path of the mock's own", "a path outside /__admin and /sandbox/", path)
        return Route(method, path, tuple(parameters))

    def _validator(self, member: str) -> Validator | None:
        node = unbroken_member(self.definition.members, member)
        return self._schema(node) if node is not None else None

    def _schema(self, node: ConfigNode) -> Validator | None:
        validator = self.schemas.validator(node.data)
        if validator is None and node.data not in self.schemas.unsound:
            node.report_unknown(f"unknown schema file {node.data}", node.data, self.schemas.names)
        return validator

    def _new_ids(self) -> Iterator[IdRule]:
        for name, node in self.definition.tables["new"].items():
            if node.is_broken:
                continue
            unused, opaque = node.data.get("unused_in"), node.data.get("opaque", False)
            if unused is not None and unused not in self.collections:
                node.report_unknown(f"unknown collection {unused}", unused, self.collections, ("unused_in",))
                unused = None
            yield IdRule(name, node.data["first"], node.data.get("prefix", ""), unused, opaque)

    def _sensitive(self) -> tuple[Path, ...]:
        secrets: list[Path] = [
            (root, *path) for root, one in self.validators.items() for path in one.declared.write_only_places
        ]
        node = unbroken_member(self.definition.members, "sensitive")
        if node is None:
            return tuple(secrets)
        for index, text in enumerate(node.data):
            place = self._path(node, text, ("body", "query", "path", "header"), (index,))
            if place is not None:
                secrets.append((place.root, *place.steps))
        return tuple(secrets)

    def _path(self, node: ConfigNode, text: str, roots: tuple[str, ...], at: Path) -> CompiledPath | None:
        return compile_path(text, node.context(Scope(roots, self.member_names), self.schemas, at))

    def member_names(self, root: str, path: tuple[str, ...]) -> DeclaredNames:
        """The names declared at a place."""
        if root in ("body", "query") and root in self.validators:
            return self.validators[root].declared.member_names(path)
        return DeclaredNames(() if path else self._names_below(root))

    def _names_below(self, root: str) -> tuple[str, ...]:
        """The names of what the contract itself makes; nothing where any name may stand."""
        lookup = self.lookups.get(root.removesuffix("[]"))
        if lookup is not None:
            return () if lookup.is_list and not root.endswith("[]") else (*lookup.collection.members, "key", "origin")
        return {
            "path": self.parameters,
            "new": tuple(self.definition.tables["new"]),
            "now": tuple(NOW_MEMBERS),
            "settings": SETTING_NAMES,
            "violation": tuple(VIOLATION_MEMBERS),
        }.get(root, ())

    def roots(self) -> tuple[str, ...]:
        """The roots that conditions may name: the request and the lookups compiled so far."""
        roots = ["header", "query", "settings", *self.lookups, *self.unsound]
        roots += ["body"] if "body" in self.definition.members else []
        roots += ["path"] if self.parameters or unbroken_member(self.definition.members, "request") is None else []
        return tuple(roots)

    def new_root(self) -> tuple[str, ...]:
        """The root of new ids, if the operation has any."""
        return ("new",) if self.definition.tables["new"] else ()

    def _compile_lookups(self) -> None:
        for name, node in self.definition.tables["lookups"].items():
            if name in RESERVED_ROOTS:
                node.report_error(f"a lookup called {name}", "another name", name, f"{name} has a meaning of its own")
            lookup = None if node.is_broken else self._lookup(name, node)
            if lookup is not None:
                self.lookups[name] = lookup
            else:
                self.unsound.add(name)

    def _lookup(self, name: str, node: ConfigNode) -> Lookup | None:
        data = node.data
        if data["in"] not in self.collections:
            node.report_unknown(f"unknown collection {data['in']}", data["in"], self.collections, ("in",))
            return None
        if ("key" in data) == ("keys" in data):
            node.report_error("a lookup needs a key", "either key or keys", "both" if "key" in data else "neither")
            return None
        member = "key" if "key" in data else "keys"
        roots = (*self.roots(), *self.new_root())
        place = self._path(node, data[member], roots, (member,))
        unless = self._path(node, data["unless"], roots, ("unless",)) if "unless" in data else None
        if place is None:
            return None
        if is_secret(place, Scope((), self.member_names, secrets=self.secrets)):
            node.report_error("a secret as a key", "a member that is no secret", data[member], at=(member,))
        return Lookup(
            name=name,
            collection=self.collections[data["in"]],
            path=data[member],
            key=place.extract,
            is_list=member == "keys",
            fold=str.lower if data.get("fold") == "lower" else None,
            unless=unless.extract if unless is not None else None,
        )

    def _warning_rules(self) -> WarningRules:
        node = unbroken_member(self.definition.members, "warn")
        if node is None:
            return WarningRules()
        warn = node.data
        for name in warn:
            self.check_assumption(node, warn[name]["assumed"], (name, "assumed"))
        content, header = warn.get("content_type"), warn.get("any_header")
        return WarningRules(
            unknown_members_assumption_id=warn["unknown_members"]["assumed"] if "unknown_members" in warn else None,
            content_type=ContentTypeRule(content["expected"].lower(), content["assumed"]) if content else None,
            any_header=AnyHeaderRule(tuple(header["of"]), header["assumed"]) if header else None,
        )

    def check_assumption(self, node: ConfigNode, name: str, at: Path) -> None:
        """Report an assumption that is not declared."""
        if name not in self.assumptions:
            node.report_unknown(f"undeclared assumption {name}", name, self.assumptions, at)

    def _assumption_ids(self, table: Table, *names: str) -> tuple[str, ...]:
        """The ids under these members."""
        nodes = [node for name in names if (node := unbroken_member(table, name)) is not None]
        for node in nodes:
            for index, one in enumerate(node.data):
                self.check_assumption(node, one, (index,))
        return tuple(one for node in nodes for one in node.data)

    def _envelopes(self) -> Mapping[str, CompiledEnvelope]:
        nodes = self.definition.tables["envelopes"]
        self.definition.require("envelopes", bool(nodes), "an operation without envelopes", "envelopes: {NAME: ...}")
        return {name: self._envelope(name, node) for name, node in nodes.items() if not node.is_broken}

    def _envelope(self, name: str, node: ConfigNode) -> CompiledEnvelope:
        scope = Scope(("settings",), self.member_names, certain=frozenset({"settings"}))
        status = compile_template(node.data["status"], node.context(scope, self.schemas, ("status",)))
        members = {name: node.member(name) for name in node.data}
        assumed = tuple(map(Assumption, self._assumption_ids(members, "status_assumed", "assumed")))
        validator = self._schema(members["schema"]) if "schema" in members else None
        open_validator = self._schema(members["open_schema"]) if "open_schema" in members else None
        if not members["status"].is_broken:
            code = status.render(Facts(self.settings))
            if type(code) is not int or not 200 <= code <= 599:
                node.report_error("a status that is none", "200 to 599", encode_ascii_json(code), at=("status",))
        body_context = node.context(self.body_scope(), self.schemas, ("body",))
        compile_template(node.data["body"], body_context, respond=constant(None))  # only to report what is wrong
        schema = node.data.get("schema")
        return CompiledEnvelope(node, Envelope(name, status, assumed, validator, schema, open_validator))

    def body_scope(self) -> Scope:
        """What the body of an envelope may refer to, beside ${respond}."""
        return Scope(("now", "settings", *self.new_root()), self.member_names)
