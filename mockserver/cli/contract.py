"""Commands about a contract, without a server: whether it holds, what is in it, what it would answer and why.

Knows the command line; the contract is loaded, decided and shown by others.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.cli.journal import content, or_by_server, pairs
from mockserver.cli.options import FOLDER, contract_options, loaded, note, option
from mockserver.core.contract import Contract, Operation
from mockserver.core.model import Request
from mockserver.core.spelling import close_matches, did_you_mean
from mockserver.core.values import write_ascii
from mockserver.engine import examples as listing
from mockserver.engine.engine import Engine, run_sync
from mockserver.engine.explaining import explanation_json, explanation_lines
from mockserver.engine.linter import examine


@click.command()
@click.argument("folder", type=FOLDER, required=False, metavar="[DIR]", envvar="MOCKSERVER_CONTRACT")
@contract_options
def check(folder: Path | None, overlay: tuple[Path, ...], mounts: Path | None) -> None:
    """Check a contract (the shipped one, if no DIR is given) and run all its examples."""
    contract = loaded(folder, overlay, mounts)
    for replaced in contract.replaced:
        how = f"replaces {replaced.before}" if replaced.before is not None else "is new"
        click.echo(f"{replaced.position}: {replaced.what} {how}")
    problems, elsewhere = examine(contract)
    for problem in elsewhere:
        click.echo(f"{problem.position}: {problem.what}")
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        note(f"{len(problems)} wrong")
        sys.exit(1)
    examples = sum(len(scenario.examples) for scenario in contract.scenarios)
    count = sum(1 for _ in contract.scenarios)
    click.echo(f"ok: contract {contract.hash}, {count} scenarios, {examples} examples")


@click.command()
@option("--contract", type=FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@contract_options
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def scenarios(contract: Path | None, overlay: tuple[Path, ...], mounts: Path | None, as_json: bool) -> None:
    """List the scenarios: what each answers and how to meet it."""
    rows = listing.scenario_rows(loaded(contract, overlay, mounts))
    click.echo(write_ascii(rows) if as_json else "\n".join(listing.scenario_table(rows)))


@click.command()
@click.option(
    "--request",
    "source",
    required=True,
    metavar="FILE|-",
    help="A file with the request body; - reads it from standard input.",
)
@click.option("--operation", metavar="ID", help="The operation [default: the first one].")
@click.option(
    "--path", "path", metavar="PATH", help="The path, sandbox and parameters filled in [default: the operation's]."
)
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="A query parameter; repeatable.")
@click.option("--header", multiple=True, metavar="NAME:VALUE", help="A request header; repeatable.")
@click.option("--before", multiple=True, metavar="FILE", help="A body to send first; repeatable.")
@option("--contract", type=FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@contract_options
@or_by_server
def explain(
    source: str,
    operation: str | None,
    path: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
    before: tuple[str, ...],
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
    *,
    as_json: bool,
) -> None:
    """Tell which scenario would answer a request and why, without a server."""
    served = loaded(contract, overlay, mounts)
    chosen = _operation(served, operation)
    headers = {"content-type": "application/json", **pairs("--header", header, ":")}
    parameters = pairs("--query", query, "=")

    def request(file: str) -> Request:
        return Request(chosen.method, path or chosen.path, content(file), headers, parameters)

    engine = Engine(served)
    for file in before:
        engine.handle_sync(request(file))
    asked = request(source)
    shown = explanation_json(asked, run_sync(engine.explain(asked)))
    click.echo(write_ascii(shown) if as_json else "\n".join(explanation_lines(shown)))


def _operation(contract: Contract, name: str | None) -> Operation:
    by_id = {operation.id: operation for operation in contract.operations}
    if name is None:
        return contract.operations[0]
    if name not in by_id:
        hint = did_you_mean(close_matches(name, by_id)[:1]) or f"one of {', '.join(by_id)}"
        raise click.BadParameter(f"there is no operation {name}; {hint}")
    return by_id[name]
