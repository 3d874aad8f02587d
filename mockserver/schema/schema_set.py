"""The schemas of a contract, by file name, each compiled or reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema_rs import Registry

from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import printable
from mockserver.core.diagnostics import Diagnostic, Report, move_diagnostic
from mockserver.core.model import Path
from mockserver.schema.diagnostics import name_clash_diagnostics, reference_diagnostics, syntax_diagnostics
from mockserver.schema.limits import MAX_SCHEMAS
from mockserver.schema.references import BASE_URI, LocatedSchema, SchemaRegistry, file_uri, named_uris
from mockserver.schema.subschemas import (
    NAMING_KEYWORDS,
    Reference,
    identities,
    references,
    replace_schemas,
    walk_values,
)
from mockserver.schema.validator import Validator, prepare_schema


class SchemaSet:
    """The schemas of a contract, by file name. A `$ref` reaches these files and nothing else.

    `exact`: an integer is one without a fraction; to JSON Schema 5.0 is one as well.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact
        self._schemas: dict[str, Any] = {}
        self._validators: dict[str, Validator] = {}
        self.unsound: set[str] = set()
        """Names of files that are there but were reported."""
        self._resources = SchemaRegistry()
        self._files = Registry([])
        self._uris: set[str] = set()
        """URIs of the files, and of the schemas in them that have an `$id` or an anchor."""
        self._sound_texts: set[int] = set()
        """Identities of schemas whose text is sound."""
        self._unsound_schemas: set[int] = set()
        """Identities of schemas in files that were reported for their references."""

    @property
    def names(self) -> tuple[str, ...]:
        """The file names that can be referred to."""
        return tuple(self._schemas)

    @property
    def data(self) -> Mapping[str, Any]:
        """The schemas by file name."""
        return self._schemas

    def add_trusted(self, schemas: Mapping[str, Any]) -> None:
        """Take in schemas by file name that are known to be sound."""
        self._register(schemas)
        self._compile(schemas, dict.fromkeys(schemas, _never))

    def add(self, schemas: Mapping[str, Any], report: Callable[[str, Diagnostic], None]) -> None:
        """Take in schemas by file name; what is wrong with them is reported by file name and path."""
        self._uris.update(map(file_uri, schemas))
        diagnostics = {name: [*self._syntax_diagnostics(file_uri(name), schema)] for name, schema in schemas.items()}
        self._register({name: schema for name, schema in schemas.items() if not diagnostics[name]})
        for name in schemas:
            diagnostics[name] = diagnostics[name] or [*self._reference_diagnostics(self._located(name))]
        self._drop(name for name in schemas if diagnostics[name])
        # Whoever refers to a file that was reported is not reported as well.
        self._drop([name for name in self._schemas if self._is_unsound(self._located(name))])
        self._compile(
            self._schemas.keys() & schemas.keys(), {name: found.append for name, found in diagnostics.items()}
        )
        self._drop([name for name in schemas if name in self._schemas and name not in self._validators])
        for name, found in diagnostics.items():
            for diagnostic in found:
                report(name, diagnostic)

    def _register(self, schemas: Mapping[str, Any]) -> None:
        self._schemas.update(schemas)
        self._resources = self._resources.with_schemas({file_uri(name): schema for name, schema in schemas.items()})
        self._sound_texts.update(*map(identities, schemas.values()))

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.unsound.add(name)
            self._unsound_schemas.update(identities(self._schemas.pop(name, None)))

    def _compile(self, names: Iterable[str], reports: Mapping[str, Report]) -> None:
        taken = {file_uri(name): prepare_schema(self._located(name)) for name in self._schemas}
        try:
            self._files = Registry([*taken.items()])
        except ValueError:
            for name in names:
                self._report_alone(name, taken, reports[name])
            return
        for name in names:
            validator = self._validator({"$ref": file_uri(name)}, self._located(name), self._resources, reports[name])
            if validator is not None:
                self._validators[name] = validator

    def _report_alone(self, name: str, taken: Mapping[str, Any], report: Report) -> None:
        """Report a file that the library refuses by itself, without the others."""
        try:
            Registry([(uri, schema if uri == file_uri(name) else True) for uri, schema in taken.items()])
        except ValueError as error:
            report(_not_compiled(error))

    def _validator(
        self, entry: Any, schema: LocatedSchema, resources: SchemaRegistry, report: Report
    ) -> Validator | None:
        try:
            validator = Validator(entry, schema, resources, self._files, exact=self._exact)
        except ValueError as error:
            report(_not_compiled(error))
            return None
        if validator.limits.too_much:
            most = f"at most {MAX_SCHEMAS} checks of one value"
            report(Diagnostic((), "schemas that refer to each other too often", most, "more"))
            return None
        return validator

    def _located(self, name: str) -> LocatedSchema:
        return self._resources.locate(file_uri(name))

    def _is_unsound(self, schema: LocatedSchema) -> bool:
        return not self._unsound_schemas.isdisjoint(schema.reachable())

    def _syntax_diagnostics(self, uri: str, schema: Any) -> Sequence[Diagnostic]:
        """What is wrong with a schema at `uri` by itself, or with its names; they are taken if nothing is."""
        found = [*syntax_diagnostics(schema)] or [*name_clash_diagnostics(uri, schema, self._uris)]
        if not found:
            self._uris.update(named for _, named in named_uris(uri, schema))
        return found

    def _reference_diagnostics(self, schema: LocatedSchema) -> Iterator[Diagnostic]:
        return reference_diagnostics(schema, self._sound_texts, self._leads_nowhere)

    def _leads_nowhere(self, place: Path, reference: Reference) -> Diagnostic:
        file, hash_, pointer = reference.text.partition("#")
        if file in self._schemas:
            hint = (
                f"there is a file {file}: it has no such place, or an $id makes this reference relative to another URL"
            )
        else:
            meant = close_matches(file, (*self._schemas, *sorted(self.unsound)))
            text = did_you_mean([f"{name}{hash_}{pointer}" for name in meant[:1]])
            hint = "; ".join(filter(None, ["schemas are never fetched; put the file beside this one", text]))
        return Diagnostic(
            place,
            f"{reference.keyword} that leads nowhere",
            "a place in this schema or in another schema file of this contract",
            reference.text,
            hint,
        )

    def validator(self, name: str) -> Validator | None:
        """The compiled schema of a file, or None if there is no sound one of that name."""
        return self._validators.get(name)

    def compile_inline(self, schema: Any, at: Path, report: Report) -> Validator | None:
        """The compiled form of a schema that stands inside another file."""
        diagnostics, validator = [*syntax_diagnostics(schema)], None
        diagnostics = diagnostics or [*name_clash_diagnostics(BASE_URI, schema, self._uris)]
        if not diagnostics:
            resources = self._resources.with_schemas({BASE_URI: schema})
            located = resources.locate(BASE_URI)
            diagnostics = [*self._reference_diagnostics(located)]
            if not diagnostics and not self._is_unsound(located):
                validator = self._validator(prepare_schema(located), located, resources, diagnostics.append)
        for diagnostic in diagnostics:
            report(move_diagnostic(diagnostic, at))
        return validator

    def rewrite_references(self, place: Callable[[str, Path], str]) -> dict[str, Any]:
        """The schemas by file name, without names of their own; each reference is what `place(file, path)` gives."""
        places = {id(part): (name, at) for name, schema in self._schemas.items() for at, part in walk_values(schema)}
        relinked: dict[int, dict[str, Any]] = {}
        for name in self._schemas:
            for node, one in self._located(name).reachable().items():
                if isinstance(one.schema, dict):
                    found = ((reference.keyword, one.resolve(reference.text)) for reference in references(one.schema))
                    links = {keyword: place(*places[id(target.schema)]) for keyword, target in found if target}
                    named = {keyword: value for keyword, value in one.schema.items() if keyword not in NAMING_KEYWORDS}
                    relinked[node] = {**named, **links}
        return {name: replace_schemas(schema, relinked) for name, schema in self._schemas.items()}


def compile_own_schema(schema: Any) -> Validator:
    """Compile a schema of this program, to which 5.0 is no integer. Raises `RuntimeError` if it is broken."""
    faults: list[Diagnostic] = []
    validator = SchemaSet(exact=True).compile_inline(schema, (), faults.append)
    if validator is None:
        raise RuntimeError(f"a schema of this program is broken: {faults}")
    return validator


def _not_compiled(error: ValueError) -> Diagnostic:
    reason = printable(str(error).partition("\n")[0], 200)
    return Diagnostic((), "schema that cannot be compiled", "one that jsonschema-rs compiles", reason)


def _never(diagnostic: Diagnostic) -> None:
    raise AssertionError(diagnostic)
