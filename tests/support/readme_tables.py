"""The README's tables, generated from the contract, the schemas, the routes and the options.

`python -m tests.support.readme_tables` writes them anew; a test says when they are stale.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import click

from mockserver import load
from mockserver.admin import routes as admin_routes
from mockserver.cli import serve as cli_serve
from mockserver.contract.loading import shipped_folder
from mockserver.decision.rendering import MOCK_HEADERS
from mockserver.engine import examples as listing
from mockserver.testing.pytest_plugin import INI_SETTINGS, OPTIONS

README = Path(__file__).parents[2] / "README.md"


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [titles, ["---" for _ in titles], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def outcomes() -> str:
    rows = [
        (
            f"`{row['id']}`",
            row["heading"] or "*assumed*",
            row["status"],
            (row["error"] or {}).get("code", ""),
            f"`{row['trigger']}`",
        )
        for row in sorted(listing.scenario_rows(load()), key=lambda row: str(row["source"]), reverse=True)
    ]
    return _table(["scenario", "documented as", "status", "code", "met by"], rows)


def assumptions() -> str:
    return _table(["id", "what the mock does"], [(f"`{k}`", v) for k, v in load().assumptions.items()])


def routes() -> str:
    rows = [(f"`{r.method}`", f"`{r.path}`", r.summary) for r in admin_routes.routes()]
    return _table(["method", "path", "what it does"], rows)


def headers() -> str:
    return _table(["header", "meaning"], [(f"`{name}`", text) for name, text in MOCK_HEADERS.items()])


def options() -> str:
    serve = cli_serve.serve
    rows = [
        (f"`{' '.join(filter(None, [p.opts[0], p.metavar]))}`", f"`{p.envvar}`", p.help)
        for p in serve.params
        if isinstance(p, click.Option)
    ]
    return _table(["option", "environment", "meaning"], rows)


def settings() -> str:
    schema = json.loads((shipped_folder() / "schemas" / "contract.schema.json").read_bytes())
    described = schema["properties"]["settings"]["properties"]
    usual = load().settings
    rows = [
        (f"`{name}`", f"`{json.dumps(getattr(usual, name))}`", part["description"]) for name, part in described.items()
    ]
    return _table(["setting", "shipped as", "meaning"], rows)


def operators() -> str:
    schema = json.loads((shipped_folder() / "schemas" / "scenarios.schema.json").read_bytes())
    found = schema["$defs"]["operators"]["properties"]
    return _table(["operator", "matches"], [(f"`{name}`", part["description"]) for name, part in found.items()])


def pytest_options() -> str:
    rows = [(f"`--mockserver-{name}{value}`", text) for name, (value, text) in OPTIONS.items()]
    rows += [(f"`mockserver_{name}` in the ini file", text) for name, (_, text) in INI_SETTINGS.items()]
    return _table(["option", "meaning"], rows)


TABLES = {f.__name__: f for f in (outcomes, assumptions, headers, routes, options, settings, operators, pytest_options)}


def written(text: str) -> str:
    """The README's text with its tables as they are now."""
    for name, table in TABLES.items():
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda m, table=table: f"{m[1]}{table()}\n{m[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
