"""Parts of files into frozen objects: collections, operations, envelopes, scenarios, and their cross-checks.

Knows what the parts mean and reports every fault at its place; it reads no file and decides no request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from mockserver.layers import Entry, Layers, Parts, Table
from mockserver.matching import Context, compile_when
from mockserver.model import (
    MISSING,
    Change,
    Collection,
    Condition,
    Contract,
    Envelope,
    Example,
    Facts,
    Fault,
    Lookup,
    NewId,
    Operation,
    Path,
    Point,
    Record,
    Scenario,
    Settings,
    Source,
    Template,
    Tick,
    Way,
)
from mockserver.references import NOW, SETTINGS, VIOLATION, Place, Scope, compile_path, compile_template, is_sensitive
from mockserver.rendering import body_of, pieces
from mockserver.validation import Expected, Reader, SchemaSet, Validator, compile_pattern, pattern_fault
from mockserver.values import near, read, write_ascii

RESERVED_ROOTS: Final = frozenset(
    ["body", "header", "query", "path", "new", "now", "settings", "violation", "violations", "unclaimed"]
    + ["tick", "item", "respond", "all", "any", "none"]
)
"""Words that no lookup may be called, as they mean something else in a path or a condition."""

_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def compile_contract(layers: Layers, schemas: SchemaSet) -> Contract:
    """The contract of all parts. What is wrong is reported at its place; then the result is of no use."""
    settings = _settings(layers.settings)
    points = tuple(layers.assumptions)
    collections = {name: _collection(name, parts, layers, schemas) for name, parts in layers.collections.items()}
    operations = []
    for name, parts in layers.operations.items():
        compiler = _Operation(name, parts, collections, schemas, points, settings)
        operations.append(compiler.compile(layers.scenarios.get(name, {})))
    _check_routes(layers.operations, operations)
    for name, table in layers.scenarios.items():
        if name not in layers.operations:
            for source in {id(e.source): e.source for e in table.values()}.values():
                _unknown(Entry(source, ("operation",), name, 0), f"unknown operation {name}", name, layers.operations)
    return Contract(
        hash=_hash(layers, schemas),
        operations=tuple(operations),
        collections=collections,
        assumptions={name: str(entry.data) for name, entry in layers.assumptions.items()},
        settings=settings,
        replaced=tuple(layers.replaced),
    )


def _unknown(entry: Entry, what: str, name: str, names: Any, at: Path = ()) -> None:
    known = tuple(names)
    spelt = near(name, known)
    hint = f"did you mean {spelt[0]}?" if spelt else ""
    entry.fault(what, f"one of {', '.join(known)}" if known else "nothing (there are none)", name, hint, at)


def _settings(table: Table) -> Settings:
    values = {name: entry.data for name, entry in table.items() if name in SETTINGS and not entry.broken}
    if "require_headers" in values:
        values["require_headers"] = tuple(values["require_headers"])
    return replace(Settings(), **values)


def _hash(layers: Layers, schemas: SchemaSet) -> str:
    def parts_of(parts: Parts) -> Any:
        tables = {name: {k: e.data for k, e in table.items()} for name, table in parts.tables.items()}
        return [{k: e.data for k, e in parts.members.items()}, tables]

    whole = [
        {name: entry.data for name, entry in layers.settings.items()},
        {name: entry.data for name, entry in layers.assumptions.items()},
        {name: parts_of(parts) for name, parts in layers.collections.items()},
        {name: parts_of(parts) for name, parts in layers.operations.items()},
        {name: [entry.data for entry in table.values()] for name, table in layers.scenarios.items()},
        schemas.data,
    ]
    return hashlib.sha256(write_ascii(whole).encode()).hexdigest()[:16]


def _check_routes(all_parts: Mapping[str, Parts], operations: list[Operation]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for operation in operations:
        route = (operation.method, _PARAMETER.sub("{}", operation.path))
        other = seen.setdefault(route, operation.id)
        if other != operation.id and "request" in all_parts[operation.id].members:
            first = all_parts[other].members["request"]
            all_parts[operation.id].members["request"].fault(
                "two operations on one route",
                "a route of its own",
                " ".join(route),
                f"{other} has it, at {first.position}",
            )


# -- collections ----------------------------------------------------------------------------------


def _collection(name: str, parts: Parts, layers: Layers, schemas: SchemaSet) -> Collection:
    member, seeds = parts.members, parts.tables["seeds"]
    reserved = _reserved(_sound(member, "reserved"))
    members = parts.tables["members"]
    for taken in ("key", "origin"):
        if taken in members:
            members[taken].fault(f"a member called {taken}", "another name", taken, "every record has it already")
    fits = _record_check(members, schemas)
    default = _sound(member, "default")
    if default is not None:
        fits(default)
    fold = _fold_of(name, layers)
    records: dict[str, Record | None] = {}
    for key, seed in seeds.items():
        if seed.broken:
            continue
        if seed.data is not None:
            fits(seed)
        records[fold(key)] = None if seed.data is None else Record.make(fold(key), seed.data, "seed")
    constant = _constant(_sound(member, "constant"), seeds)
    is_open = _sound(member, "open")
    return Collection(
        name=name,
        open=is_open is not None and is_open.data,
        default=default.data if default is not None else {},
        seeds=records,
        constant=frozenset(map(fold, constant)),
        reserved=reserved,
        test_values=tuple(key for key in seeds if reserved(key)),
        members=tuple(members),
    )


def _reserved(entry: Entry | None) -> Callable[[str], bool]:
    if entry is None:
        return lambda _: False
    fault = pattern_fault((), entry.data)
    if fault is None:
        return compile_pattern(entry.data)
    entry.fault(fault.what, fault.expected, fault.came, fault.hint)
    return lambda _: False


def _constant(entry: Entry | None, seeds: Table) -> tuple[str, ...]:
    if entry is None:
        return ()
    there = [key for key, seed in seeds.items() if seed.data is not None]
    for index, key in enumerate(entry.data):
        if key not in there:
            _unknown(entry, f"{key} is no seed", key, there, (index,))
    return tuple(entry.data)


def _sound(table: Table, name: str) -> Entry | None:
    entry = table.get(name)
    return entry if entry is not None and not entry.broken else None


def _record_check(members: Table, schemas: SchemaSet) -> Callable[[Entry], None]:
    """A check that a record fits its collection; a member's own schema is checked once, here."""
    properties: dict[str, Any] = {}
    for name, entry in members.items():
        if not entry.broken and schemas.inline(entry.data, entry.at, entry.source.report) is not None:
            properties[name] = entry.data
    schema = {"type": "object", "properties": properties, "additionalProperties": not properties and bool(members)}
    validator = schemas.inline(schema, (), lambda _: None)

    def check(entry: Entry) -> None:
        for violation in validator.violations("record", entry.data) if validator is not None else ():
            name = str(violation.path[-1]) if violation.path else ""
            if violation.keyword == "additionalProperties":
                _unknown(entry, f"unknown member {name}", name, tuple(members), violation.path)
            else:
                entry.fault(
                    f"breaks the schema of its member: {violation.message}", "a record that fits", at=violation.path
                )

    return check


def _fold_of(name: str, layers: Layers) -> Callable[[str], str]:
    """How keys of a collection are folded: as the first lookup into it says."""
    for parts in layers.operations.values():
        for entry in parts.tables["lookups"].values():
            if not entry.broken and entry.data["in"] == name and entry.data.get("fold") == "lower":
                return str.lower
    return str


# -- operations -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _EnvelopeParts:
    entry: Entry
    status: Template
    assumed: tuple[Point, ...]
    validator: Validator | None


class _Operation:
    """Compiles one operation; its scopes grow as lookups become known."""

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
        self.method, self.path, self.parameters = self._request()
        self.body = self._validator("body")
        self.query = self._validator("query")
        self.path_schema = self._validator("path")
        self.new = tuple(self._new_ids())
        self.sensitive = self._sensitive()

    def compile(self, scenarios: Table) -> Operation:
        self._compile_lookups()
        envelopes = self._envelopes()
        compiled = [s for e in scenarios.values() if (s := self._scenario(e, envelopes)) is not None]
        self._check_order(list(scenarios.values()))
        others = [("path", self.path_schema), ("query", self.query)]
        reader = Reader(self.body, tuple((r, v) for r, v in others if v is not None), self._expected())
        return Operation(
            id=self.name,
            method=self.method,
            path=self.path,
            parameters=self.parameters,
            read=reader.read,
            lookups=tuple(self.lookups.values()),
            new=self.new,
            scenarios=tuple(compiled),
            by_id={s.id: s for s in compiled},
            assumed=self._point_ids(self.parts.members, "assumed"),
        )

    # -- the parts of an operation ------------------------------------------------------------------

    def _request(self) -> tuple[str, str, tuple[str, ...]]:
        entry = self.parts.members.get("request")
        if entry is None:
            self.parts.first.fault("an operation without request", "request: METHOD /path", "nothing")
            return "POST", "/", ()
        if entry.broken:
            return "POST", "/", ()
        method, _, path = entry.data.partition(" ")
        parameters = _PARAMETER.findall(path)
        if not all(_PARAMETER.fullmatch(s) or not set(s) & set("{}") for s in path.split("/")):
            entry.fault("a bad path template", "whole segments of the form {name}", path)
        if len(set(parameters)) < len(parameters):
            entry.fault("a path parameter twice", "each name once", path)
        if path.startswith(("/__admin", "/sandbox/")):
            entry.fault("a path of the mock's own", "a path outside /__admin and /sandbox/", path)
        return method, path, tuple(parameters)

    def _validator(self, member: str) -> Validator | None:
        entry = _sound(self.parts.members, member)
        return self._schema(entry) if entry is not None else None

    def _schema(self, entry: Entry) -> Validator | None:
        validator = self.schemas.validator(entry.data)
        if validator is None and entry.data not in self.schemas.unsound:
            _unknown(entry, f"unknown schema file {entry.data}", entry.data, self.schemas.names)
        return validator

    def _new_ids(self) -> Iterator[NewId]:
        for name, entry in self.parts.tables["new"].items():
            if entry.broken:
                continue
            unused = entry.data.get("unused_in")
            if unused is not None and unused not in self.collections:
                _unknown(entry, f"unknown collection {unused}", unused, self.collections, ("unused_in",))
                unused = None
            yield NewId(name, entry.data["first"], entry.data.get("prefix", ""), unused)

    def _sensitive(self) -> tuple[Path, ...]:
        secrets: list[Path] = [("body", *path) for path in (self.body.secrets if self.body is not None else ())]
        entry = _sound(self.parts.members, "sensitive")
        for index, text in enumerate(entry.data if entry is not None else ()):
            place = self._path(cast(Entry, entry), text, ("body", "query", "path", "header"), (index,))
            if place is not None:
                secrets.append((place.root, *place.steps))
        return tuple(secrets)

    def _path(self, entry: Entry, text: str, roots: tuple[str, ...], at: Path) -> Place | None:
        return compile_path(text, Scope(roots, self._members), (*entry.at, *at), entry.source.report)

    def _members(self, root: str, path: tuple[str, ...]) -> tuple[str, ...]:
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

    def _roots(self) -> tuple[str, ...]:
        """What conditions may look at: the request and the lookups known so far."""
        roots = ["header", "query", "settings", *self.lookups]
        roots += ["body"] if self.body is not None else []
        return (*roots, "path") if self.parameters else tuple(roots)

    def _new_root(self) -> tuple[str, ...]:
        return ("new",) if self.parts.tables["new"] else ()

    def _compile_lookups(self) -> None:
        for name, entry in self.parts.tables["lookups"].items():
            if name in RESERVED_ROOTS:
                entry.fault(f"a lookup called {name}", "another name", name, f"{name} has a meaning of its own")
            elif not entry.broken and (lookup := self._lookup(name, entry)) is not None:
                self.lookups[name] = lookup

    def _lookup(self, name: str, entry: Entry) -> Lookup | None:
        data = entry.data
        if data["in"] not in self.collections:
            _unknown(entry, f"unknown collection {data['in']}", data["in"], self.collections, ("in",))
            return None
        if ("key" in data) == ("keys" in data):
            entry.fault("a lookup needs a key", "either key or keys", "both" if "key" in data else "neither")
            return None
        member = "key" if "key" in data else "keys"
        roots = (*self._roots(), *self._new_root())
        place = self._path(entry, data[member], roots, (member,))
        unless = self._path(entry, data["unless"], roots, ("unless",)) if "unless" in data else None
        if place is None:
            return None
        if is_sensitive(place, Scope((), self._members, sensitive=self.sensitive)):
            entry.fault("a secret as a key", "a member that is no secret", data[member], at=(member,))
        return Lookup(
            name=name,
            collection=self.collections[data["in"]],
            path=data[member],
            key=place.extract,
            many=member == "keys",
            fold=str.lower if data.get("fold") == "lower" else None,
            unless=unless.extract if unless is not None else None,
        )

    def _expected(self) -> Expected:
        entry = _sound(self.parts.members, "warn")
        if entry is None:
            return Expected()
        warn = entry.data
        for name in warn:
            self._known_point(entry, warn[name]["assumed"], (name, "assumed"))
        content, header = warn.get("content_type"), warn.get("any_header")
        return Expected(
            unknown_members=warn["unknown_members"]["assumed"] if "unknown_members" in warn else None,
            content_type=(content["expected"].lower(), content["assumed"]) if content else None,
            any_header=(tuple(header["of"]), header["assumed"]) if header else None,
        )

    def _known_point(self, entry: Entry, point: str, at: Path) -> None:
        if point not in self.points:
            _unknown(entry, f"undeclared assumption {point}", point, self.points, at)

    def _point_ids(self, table: Table, name: str) -> tuple[str, ...]:
        entry = _sound(table, name)
        if entry is None:
            return ()
        for index, point in enumerate(entry.data):
            self._known_point(entry, point, (index,))
        return tuple(entry.data)

    def _envelopes(self) -> Mapping[str, _EnvelopeParts]:
        envelopes = {}
        for name, entry in self.parts.tables["envelopes"].items():
            if entry.broken:
                continue
            scope = Scope(("settings",), self._members, certain=frozenset({"settings"}))
            status = compile_template(entry.data["status"], scope, (*entry.at, "status"), entry.source.report)
            members = {m: entry.member(m) for m in entry.data}
            assumed = tuple(Point(p) for p in self._point_ids(members, "assumed"))
            validator = self._schema(members["schema"]) if "schema" in members else None
            if not entry.broken:
                shown = status.render({"settings": self.settings})
                if not isinstance(shown, int) or not 200 <= shown <= 599:
                    entry.fault("a status that is none", "200 to 599", write_ascii(shown), at=("status",))
            envelopes[name] = _EnvelopeParts(entry, status, assumed, validator)
        if not self.parts.tables["envelopes"]:
            self.parts.first.fault("an operation without envelopes", "envelopes: {success: …}", "nothing")
        return envelopes

    # -- scenarios ------------------------------------------------------------------------------------

    def _check_order(self, entries: list[Entry]) -> None:
        if not entries:
            self.parts.first.fault(
                f"operation {self.name} has no scenarios", "a scenario file with this operation", "nothing"
            )
            return
        *earlier, last = entries
        if "when" in last.data or "then" in last.data:
            last.fault(
                "no final scenario without conditions",
                "a last scenario that has neither when nor then",
                last.data["scenario"],
                "add one that answers whatever no other scenario of the operation does",
            )
        for entry in earlier:
            if "when" not in entry.data:
                entry.fault(
                    "a scenario without conditions before others",
                    "when, in every scenario but the last",
                    entry.data["scenario"],
                    "none of those after it could ever answer",
                )

    def _scenario(self, entry: Entry, envelopes: Mapping[str, _EnvelopeParts]) -> Scenario | None:
        if entry.broken:
            return None
        data, known_faults = entry.data, len(entry.source.faults)
        if "documented" not in data and "assumed" not in data:
            entry.fault("a scenario without a source", "documented: HEADING, or assumed: [ID]", "neither")
        envelope = self._envelope_of(entry, envelopes)
        if envelope is None:
            return None
        scope = self._template_scope()
        name = envelope.entry.at[-1]
        respond = compile_template(data["respond"][name], scope, (*entry.at, "respond", name), entry.source.report)
        _report_uncertain(entry, respond, data["respond"][name], ("respond", name))
        quiet: list[Fault] = []
        body_scope = replace(scope, roots=("now", "settings", *self._new_root()))
        report = envelope.entry.source.report if not envelope.entry.broken else quiet.append
        body = compile_template(envelope.entry.data["body"], body_scope, (*envelope.entry.at, "body"), report, respond)
        changes = tuple(self._changes(entry, scope))
        status = data["respond"].get("status")
        validator = envelope.validator
        scenario = Scenario(
            id=data["scenario"],
            operation=self.name,
            source="documented" if "documented" in data else "assumed",
            heading=data.get("documented"),
            note=data.get("note"),
            assumed=self._points(entry, data.get("assumed", []), ("assumed",)),
            ways=tuple(self._ways(entry)),
            envelope=Envelope(
                str(name),
                envelope.status,
                envelope.assumed,
                lambda value: validator.violations("answer", value) if validator is not None else (),
            ),
            status=envelope.status if status is None else Template(lambda _: status, constant=status),
            body=body,
            pieces=pieces(body),
            changes=changes,
            new=body.new.union(*(t.new for c in changes for _, t in c.members.values())),
            examples=tuple(_examples(entry)),
            position=entry.position,
        )
        if len(entry.source.faults) == known_faults and not envelope.entry.broken:
            self._check_answer(entry, scenario, str(name))
        return scenario

    def _envelope_of(self, entry: Entry, envelopes: Mapping[str, _EnvelopeParts]) -> _EnvelopeParts | None:
        names = [name for name in entry.data["respond"] if name != "status"]
        known = self.parts.tables["envelopes"]
        if len(names) != 1:
            came = ", ".join(names) or "none"
            entry.fault("respond without one envelope", f"one of {', '.join(known)}", came, at=("respond",))
            return None
        if names[0] not in known:
            _unknown(entry, f"unknown envelope {names[0]}", names[0], known, ("respond", names[0]))
        return envelopes.get(names[0])

    def _template_scope(self) -> Scope:
        roots = (*self._roots(), "now", "violation", *self._new_root())
        many = frozenset(name for name, lookup in self.lookups.items() if lookup.many)
        return Scope(roots, self._members, sensitive=self.sensitive, many=many)

    def _context(self, entry: Entry) -> Context:
        return Context(Scope(self._roots(), self._members, sensitive=self.sensitive), self.schemas, entry.source.report)

    def _conditions(self, entry: Entry, data: Mapping[str, Any], at: Path) -> tuple[Condition, ...]:
        return compile_when(data, self._context(entry), (*entry.at, *at))

    def _points(self, entry: Entry, data: list[Any], at: Path) -> tuple[Point, ...]:
        points = []
        for index, item in enumerate(data):
            for point, when in [(item, None)] if isinstance(item, str) else item.items():
                self._known_point(entry, point, (*at, index))
                conditions = self._conditions(entry, when, (*at, index, point)) if when is not None else ()
                points.append(Point(point, conditions))
        return tuple(points)

    def _ways(self, entry: Entry) -> Iterator[Way]:
        data = entry.data
        source: Source = "documented" if "documented" in data else "assumed"
        conditions = self._conditions(entry, data["when"], ("when",)) if "when" in data else ()
        yield Way(conditions, source, data.get("documented"), (), self._records(conditions))
        for index, way in enumerate(data.get("also", ())):
            conditions = self._conditions(entry, way["when"], ("also", index, "when"))
            yield Way(
                conditions,
                "documented" if "documented" in way else "assumed",
                way.get("documented"),
                self._points(entry, way.get("assumed", []), ("also", index, "assumed")),
                self._records(conditions),
            )

    def _records(self, conditions: tuple[Condition, ...]) -> tuple[str, ...]:
        return tuple(name for name in self.lookups if any(name in c.reads for c in conditions))

    def _changes(self, entry: Entry, scope: Scope) -> Iterator[Change]:
        single = [name for name, lookup in self.lookups.items() if not lookup.many]
        for name, members in entry.data.get("then", {}).items():
            if name not in single:
                if name not in self.parts.tables["lookups"] or name in self.lookups:
                    _unknown(entry, f"unknown lookup {name}", name, single, ("then", name))
                continue
            lookup = self.lookups[name]
            compiled = {}
            for member, value in members.items():
                at = ("then", name, member)
                if member not in lookup.collection.members:
                    _unknown(entry, f"unknown member {member}", member, lookup.collection.members, at)
                add = isinstance(value, dict) and list(value) == ["add"]
                template = compile_template(
                    value["add"] if add else value, scope, (*entry.at, *at), entry.source.report
                )
                compiled[member] = ("add" if add else "set", template)
            yield Change(lookup, cast(Any, compiled))

    def _check_answer(self, entry: Entry, scenario: Scenario, envelope: str) -> None:
        """Forced on a request that has nothing in it, a scenario must still give a sound answer."""
        facts: Facts = {
            "body": MISSING,
            "header": {},
            "query": {},
            "path": {name: name for name in self.parameters},
            "new": {new.name: f"{new.prefix}{new.first}" for new in self.new},
            "settings": self.settings,
            "tick": Tick(0),
            "violation": MISSING,
            **{name: [] if lookup.many else MISSING for name, lookup in self.lookups.items()},
        }
        answer = read(body_of(scenario.pieces, facts), 1_000)
        for violation in scenario.envelope.violations(answer):
            entry.fault(
                "an answer that breaks its schema",
                f"{violation.where}: {violation.message}",
                at=("respond", envelope),
                hint=f"the schema is that of the envelope {envelope}",
            )


def _report_uncertain(entry: Entry, template: Template, data: Any, at: Path) -> None:
    if template.certain:
        return
    for name, member in (template.members or {}).items():
        _report_uncertain(entry, member, data[name], (*at, name))
    for index, item in enumerate(template.items or ()):
        _report_uncertain(entry, item, data[index], (*at, index))
    if template.members is None and template.items is None:
        entry.fault(
            "an answer that may lack a value",
            "a reference that is certain",
            write_ascii(data),
            "write {first_of: [..., something certain]}: a scenario can be forced on any request",
            at,
        )


def _examples(entry: Entry) -> Iterator[Example]:
    for index, data in enumerate(entry.data.get("examples", ())):
        yield Example(
            request=data.get("request", MISSING),
            before=tuple(data.get("before", ())),
            path=data.get("path", {}),
            query=data.get("query", {}),
            headers={name.lower(): value for name, value in data.get("headers", {}).items()},
            position=entry.source.position((*entry.at, "examples", index)),
        )
