"""The commands `check`, `scenarios` and `explain`, which need a contract and no server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.base.spelling import close_matches, did_you_mean, did_you_mean_sentence
from mockserver.base.values import encode_ascii_json, encode_json
from mockserver.core.client_advice import text_in
from mockserver.core.codes import CODE_PREFIX, has_name, scenario_name
from mockserver.core.contract import Contract, Operation
from mockserver.core.model import Request
from mockserver.engine import listing
from mockserver.engine.engine import Engine, run_sync
from mockserver.engine.explaining import explanation_json, explanation_lines
from mockserver.engine.linter import examine
from mockserver.remote.journal import explain_remotely, explaining_server_options, parse_pair_options
from mockserver.remote.options import (
    FOLDER,
    contract_files,
    contract_option,
    contract_options,
    count,
    load_files,
    read_input,
    with_contract,
)
from mockserver.remote.remote_server import RemoteServer, fail


@click.command()
@click.argument("folder", type=FOLDER, required=False, metavar="[DIR]", envvar="MOCKSERVER_CONTRACT")
@contract_options
def check(folder: Path | None, overlay: tuple[Path, ...], mounts: Path | None) -> None:
    """Check the contract in DIR (default: the shipped one) and run all its examples."""
    contract = load_files(contract_files(folder, overlay, mounts))
    for replaced in contract.replaced:
        how = f"replaces {replaced.before}" if replaced.before is not None else "is new"
        click.echo(f"{replaced.position}: {replaced.what} {how}")
    for warning in contract.warnings:
        click.echo(str(warning._replace(what=f"warning: {warning.what}")))
    errors, remarks = examine(contract)
    for remark in remarks:
        click.echo(f"{remark.position}: {remark.what}")
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        fail(f"{count(len(errors), 'error')} in the contract")
    examples = sum(len(scenario.examples) for scenario in contract.scenarios)
    scenarios = sum(1 for _ in contract.scenarios)
    click.echo(f"ok: contract {contract.hash}, {count(scenarios, 'scenario')}, {count(examples, 'example')}")


@click.command()
@click.argument("name", required=False)
@with_contract
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of text.")
def scenarios(contract: Contract, *, name: str | None, as_json: bool) -> None:
    """List the scenarios: what each one answers and how to trigger it.

    NAME, an id or a code, shows one in full, with what a client should do; a code shows all that have it.
    """
    rows = listing.scenario_rows(contract)
    if name is not None:
        is_chosen = [has_name(scenario, scenario_name(name)) for scenario in contract.scenarios]
        rows = [row for row, chosen in zip(rows, is_chosen, strict=True) if chosen]
        if not rows:
            names = [one for scenario in contract.scenarios for one in (scenario.id, scenario.code) if one]
            hint = did_you_mean_sentence(close_matches(name.removeprefix(CODE_PREFIX), names))
            raise click.BadParameter(f"there is no {name}.{hint}", param_hint="NAME")
    if as_json:
        click.echo(encode_ascii_json(rows))
    else:
        click.echo("\n".join(listing.scenario_table(rows) if name is None else _in_full(rows)))


def _in_full(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Scenarios as text, each with what a client should do."""
    for row in rows:
        heading = f', "{row["heading"]}"' if row["heading"] else ""
        error = f" {encode_json(row['error']).decode()}" if row["error"] else ""
        parts = {
            "answer": f"{row['status']}{error}" if row["status"] else None,
            "how to trigger": row["trigger"],
            "or by header": f"Mock-Scenario: {row['id']}",
            "note": row["note"],
            "what happened": text_in(row["reason"] or {}, "en"),
            "what to do": text_in(row["advice"] or {}, "en"),
            "send again": row["retry"],
        }
        yield f"{row['id']} ({row['source']}{heading})"
        yield from (f"  {label + ':':16}{text}" for label, text in parts.items() if text)
        yield ""
    yield "What happened, what to do and send again are advice of this mock, not of the documents."


@click.command()
@click.option(
    "--request",
    "source",
    required=True,
    metavar="FILE|-",
    help="The file with the request body; - is standard input.",
)
@click.option("--operation", metavar="ID", help="The operation [default: the first one].")
@click.option(
    "--path",
    metavar="PATH",
    help="The path of the request, with sandbox and parameters filled in [default: that of the operation].",
)
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="A query parameter; repeatable.")
@click.option("--header", multiple=True, metavar="NAME:VALUE", help="A request header; repeatable.")
@click.option("--before", multiple=True, metavar="FILE", help="A request body to send first; repeatable.")
@contract_option
@contract_options
@explaining_server_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def explain(
    remote: RemoteServer | None,
    source: str,
    operation: str | None,
    path: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
    before: tuple[str, ...],
    *,
    as_json: bool,
    **files: Any,
) -> None:
    """Show which scenario would answer a request and why; no server is needed."""
    headers, parameters = parse_pair_options("--header", header, ":"), parse_pair_options("--query", query, "=")
    if remote is not None:
        named = {name: value for name, value in (("operation", operation), ("path", path)) if value is not None}
        body = read_input(source).decode("utf-8", "replace")
        explain_remotely(remote, {**named, "headers": headers, "query": parameters, "body": body}, as_json=as_json)
        return
    loaded = load_files(contract_files(**files))
    chosen = _operation(loaded, operation)
    headers = {"content-type": "application/json", **headers}

    def read_request(file: str) -> Request:
        return Request(chosen.method, path or chosen.path, read_input(file), headers, parameters)

    engine = Engine(loaded)
    for file in before:
        engine.handle_sync(read_request(file))
    request = read_request(source)
    explanation = explanation_json(request, run_sync(engine.explain(request)))
    click.echo(encode_ascii_json(explanation) if as_json else "\n".join(explanation_lines(explanation)))


def _operation(contract: Contract, name: str | None) -> Operation:
    """The operation of an id, or the first one. Raises `click.BadParameter`."""
    by_id = contract.operations_by_id
    if name is None:
        return contract.operations[0]
    if name not in by_id:
        hint = did_you_mean(close_matches(name, by_id)[:1]) or f"one of {', '.join(by_id)}"
        raise click.BadParameter(f"there is no operation {name}; {hint}")
    return by_id[name]
