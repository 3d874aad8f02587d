"""The commands `check`, `scenarios` and `explain`, which need a contract and no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import encode_ascii_json
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
@with_contract
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
def scenarios(contract: Contract, *, as_json: bool) -> None:
    """List the scenarios: what each one answers and how to trigger it."""
    rows = listing.scenario_rows(contract)
    click.echo(encode_ascii_json(rows) if as_json else "\n".join(listing.scenario_table(rows)))


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
