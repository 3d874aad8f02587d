"""What README and pages take from elsewhere: tables from contract, schemas, routes, options and docstrings, and files.

`<!-- table: NAME -->` and `<!-- file: PATH -->` begin such a part, `<!-- end -->` ends it.
`python -m tests.support.generated` writes all anew; a test says when they are stale.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

import mockserver
from mockserver import Engine, Mock, load
from mockserver.admin import routes as admin_routes
from mockserver.cli import serve as cli_serve
from mockserver.cli.main import main
from mockserver.client.resources import Clock, Records, SandboxSettings, Scenarios
from mockserver.contract.loading import shipped_folder
from mockserver.core.directives import FAULT_SETTINGS
from mockserver.core.faults import FAULTS, loses_answer
from mockserver.decision.rendering import MOCK_HEADERS
from mockserver.engine import listing
from mockserver.reports.translations import TRANSLATIONS
from mockserver.storage.interface import Gauges
from mockserver.testing.pytest_plugin import INI_SETTINGS, OPTIONS
from mockserver.variation.setting import KINDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pages"


def pages() -> list[Path]:
    """README, and each page of the documentation."""
    return [ROOT / "README.md", *sorted(FOLDER.rglob("*.md"))]


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [titles, ["---" for _ in titles], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def outcomes() -> str:
    rows = [
        (
            f"[`{row['id']}`](errors.md#{row['id']})",
            (row["error"] or {}).get("code", ""),
            row["status"],
            f"`{row['trigger']}`",
            row["heading"] or "*assumed*",
        )
        for row in sorted(listing.scenario_rows(load()), key=lambda row: str(row["source"]), reverse=True)
    ]
    return _table(["scenario", "code", "status", "met by", "documented as"], rows)


def errors() -> str:
    """A section for each outcome, with what the documents say apart from the advice of this project."""
    return "\n\n".join(map(_error, sorted(listing.scenario_rows(load()), key=_rank)))


def _rank(row: dict[str, Any]) -> tuple[bool, int, bool]:
    """Errors by code before successes, documented ones first."""
    code = (row["error"] or {}).get("code", 0)
    return (not code, code, row["source"] != "documented")


def _error(row: dict[str, Any]) -> str:
    code = (row["error"] or {}).get("code")
    said = f'Documented as "{row["heading"]}"' if row["heading"] else "Not in the documents: assumed"
    lines = [
        f"## {row['id']}",
        f"{said} · status {row['status']}" + (f" · code {code}" if code else ""),
        *([f"```json\n{json.dumps(row['error'], ensure_ascii=False)}\n```"] if code else []),
        *([row["note"]] if row["note"] else []),
        f"**What happened.** {row['reason']['en']}",
        f"**What to do.** {row['advice']['en']}",
        f"**Qué pasó.** {row['reason']['es']}",
        f"**Qué hacer.** {row['advice']['es']}",
        f"**Send again.** `{row['retry']}`",
    ]
    return "\n\n".join(lines)


def assumptions() -> str:
    return _table(["id", "what the mock does"], [(f"`{k}`", v) for k, v in load().assumptions.items()])


def routes() -> str:
    rows = [(f"`{r.method} {r.path}`", r.summary) for r in admin_routes.routes()]
    return _table(["route", "what it does"], rows)


def headers() -> str:
    return _table(["header", "meaning"], [(f"`{name}`", text) for name, text in MOCK_HEADERS.items()])


def variation_kinds() -> str:
    return _table(["kind", "what varies"], [(f"`{name}`", text) for name, text in KINDS.items()])


def options() -> str:
    serve = cli_serve.serve
    rows = [
        (f"`{' '.join(filter(None, [p.opts[0], p.metavar]))}`", p.help, f"`{p.envvar}`")
        for p in serve.params
        if isinstance(p, click.Option)
    ]
    return _table(["option", "meaning", "environment"], rows)


def settings() -> str:
    described = _schema("contract")["properties"]["settings"]["properties"]
    usual = load().settings
    rows = [
        (f"`{name}`", f"`{json.dumps(getattr(usual, name))}`", part["description"]) for name, part in described.items()
    ]
    return _table(["setting", "shipped as", "meaning"], rows)


def _schema(name: str) -> Any:
    return json.loads((shipped_folder() / "schemas" / f"{name}.schema.json").read_bytes())


def _members(schema: Any, described: dict[str, Any]) -> str:
    """The members that a part of a schema describes, or those that it refers to."""
    definitions = {f"#/$defs/{name}": part for name, part in schema["$defs"].items()}
    rows = [
        (f"`{name}`", part.get("description") or definitions[part["$ref"]]["description"])
        for name, part in described.items()
    ]
    return _table(["member", "meaning"], rows)


def scenario_members() -> str:
    schema = _schema("scenarios")
    return _members(schema, schema["$defs"]["scenario"]["properties"])


def contract_members() -> str:
    schema = _schema("contract")
    return _members(schema, schema["properties"])


def operation_members() -> str:
    schema = _schema("contract")
    return _members(schema, _operation()["properties"])


def collection_members() -> str:
    schema = _schema("contract")
    return _members(schema, schema["$defs"]["collection"]["properties"])


def _operation() -> dict[str, Any]:
    operation: dict[str, Any] = _schema("contract")["$defs"]["operation"]
    return operation


def _members_of(part: str) -> str:
    """The members of each of an operation's lookups, rules or envelopes."""
    return _members(_schema("contract"), _operation()["properties"][part]["additionalProperties"]["properties"])


def lookup_members() -> str:
    return _members_of("lookups")


def new_members() -> str:
    return _members_of("new")


def envelope_members() -> str:
    return _members_of("envelopes")


def response_members() -> str:
    schema = _schema("scenarios")
    return _members(schema, schema["$defs"]["scenario"]["properties"]["responses"]["items"]["properties"])


def problem_types() -> str:
    titles = {name: text for name, text in TRANSLATIONS["en"].items() if name.startswith("problem.")}
    rows = [(f"`{name.removeprefix('problem.')}`", text) for name, text in sorted(titles.items())]
    return _table(["type", "title"], rows)


def operators() -> str:
    found = _schema("scenarios")["$defs"]["operators"]["properties"]
    return _table(["operator", "matches"], [(f"`{name}`", part["description"]) for name, part in found.items()])


def pytest_options() -> str:
    rows = [(f"`--mockserver-{name}{value}`", text) for name, (value, text) in OPTIONS.items()]
    rows += [(f"`mockserver_{name}` in the ini file", text) for name, (_, text) in INI_SETTINGS.items()]
    return _table(["option", "meaning"], rows)


def _first_sentences(text: str) -> str:
    """The first paragraph, in one line."""
    return " ".join(text.partition("\n\n")[0].split())


def commands() -> str:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    rows = [
        (f"`{name}`", _first_sentences(command.help or "")) for name, command in found.items() if command is not None
    ]
    return _table(["command", "what it does"], rows)


def faults() -> str:
    rows = [
        (
            f"`{kind}`",
            ", ".join(f"`{name}`" for name in FAULT_SETTINGS.get(kind, ())),
            "yes" if loses_answer(kind) else "no",
        )
        for kind in FAULTS
    ]
    return _table(["fault", "settings", "the answer is lost"], rows)


def metrics() -> str:
    counted = Engine(load()).metrics
    counted.record_load(1)
    found = counted.families(Gauges(0, 0, 0, 0, 0, 0, 0))
    rows = [
        (f"`{family.name}{'_total' * (family.type == 'counter')}`", family.documentation, family.type)
        for family in found
    ]
    return _table(["metric", "meaning", "type"], rows)


def _methods(owner: type, prefix: str) -> Iterator[tuple[str, str]]:
    for name, member in vars(owner).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            signature = inspect.signature(member)
            parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
            shown = str(signature.replace(parameters=parameters, return_annotation=signature.empty))
            yield f"`{prefix}{name}{shown}`", _first_sentences(inspect.getdoc(member) or "")


def python_mock() -> str:
    parts = [
        (Mock, ""),
        (Records, "state."),
        (Scenarios, "scenarios."),
        (Clock, "clock."),
        (SandboxSettings, "settings."),
    ]
    return _table(
        ["member of `Mock`", "what it does"], [row for owner, prefix in parts for row in _methods(owner, prefix)]
    )


def python_names() -> str:
    found = {name: getattr(mockserver, name) for name in sorted(mockserver.__all__)}
    rows = [
        (f"`{name}`", _first_sentences(inspect.getdoc(value) or "")) for name, value in found.items() if callable(value)
    ]
    return _table(["name", "what it is"], rows)


TYPESCRIPT_CLIENT = ROOT / "mockserver" / "export" / "typescript_client" / "client.ts"


def _typescript_options(source: str, interface: str) -> list[str]:
    """The members of an interface, first those of the one that it extends."""
    head, body = re.findall(
        rf"^export interface {interface}( extends \w+)? {{$(.*?)^}}$", source, re.DOTALL | re.MULTILINE
    )[0]
    inherited = _typescript_options(source, head.split()[1]) if head else []
    return inherited + re.findall(r"^  (\w+)\??:", body, re.MULTILINE)


def _typescript_parameter(source: str, written: str) -> str:
    """A parameter as a caller writes it: its name, or its members if it is an object of options."""
    name, _, kind = written.partition(": ")
    options = kind.removesuffix(" = {}")
    return name if options == kind else f"{{{', '.join(_typescript_options(source, options))}}}"


def typescript_mock() -> str:
    """The public members of the class, with their comments."""
    source = TYPESCRIPT_CLIENT.read_text(encoding="utf-8")
    members = re.findall(
        r"^  /\*\* (.+) \*/\n  (?:async |readonly )?(\w+)(?:\((.*)\))?.*[{;]$",
        source.partition("export class Mock {")[2],
        re.MULTILINE,
    )
    rows = []
    for comment, name, parameters in members:
        given = ", ".join(_typescript_parameter(source, one) for one in parameters.split(", ") if one)
        shown = name if name == "url" else f"{'new Mock' if name == 'constructor' else name}({given})"
        rows.append((f"`{shown}`", comment))
    return _table(["member of `Mock`", "what it does"], rows)


TABLES = {
    f.__name__: f
    for f in (
        assumptions,
        collection_members,
        commands,
        contract_members,
        envelope_members,
        errors,
        faults,
        headers,
        lookup_members,
        metrics,
        new_members,
        operation_members,
        operators,
        options,
        outcomes,
        problem_types,
        pytest_options,
        python_mock,
        python_names,
        response_members,
        routes,
        scenario_members,
        settings,
        typescript_mock,
        variation_kinds,
    )
}


def _file(path: str) -> str:
    """A file of the project as a block."""
    kind = {"yml": "yaml", "yaml": "yaml", "js": "js", "sh": "sh"}[path.rpartition(".")[2]]
    return f"```{kind}\n{(ROOT / path).read_text(encoding='utf-8')}```"


def generated(text: str) -> str:
    """The text of a page with its generated parts as they are now."""
    pattern = r"(<!-- (table|file): (\S+) -->\n).*?(<!-- end -->)"

    def part(found: re.Match[str]) -> str:
        content = TABLES[found[3]]() if found[2] == "table" else _file(found[3])
        return f"{found[1]}\n{content}\n\n{found[4]}"

    return re.sub(pattern, part, text, flags=re.DOTALL)


if __name__ == "__main__":
    for page in pages():
        page.write_text(generated(page.read_text(encoding="utf-8")), encoding="utf-8")
