"""The command `verify-provider`: what a real provider answers, compared with the contract."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import click

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.cli.provider_options import (
    COULD_NOT_RUN,
    Reporting,
    Save,
    reporting_options,
    save_options,
    target_options,
)
from mockserver.contract.loading import ConfigError
from mockserver.core.contract import Contract
from mockserver.privacy.secrets import secrets_of
from mockserver.provider import bindings_template as template
from mockserver.provider.bindings import NO_BINDINGS, Bindings, ExamplesAsTheyAre, Reason, read_bindings
from mockserver.provider.cases import Case, cases, in_sandboxes
from mockserver.provider.overlay import NotAcceptedError, accepted_files, verified_file
from mockserver.provider.page import render
from mockserver.provider.plan import plan
from mockserver.provider.report import CaseResult, Report, counts, report
from mockserver.provider.target import Target
from mockserver.remote.options import (
    FILE,
    count,
    fail_with_errors,
    print_document,
    print_notice,
    with_contract,
    write_document,
)
from mockserver.remote.remote_server import fail

NOTHING_COMPARED: Final = 3
INTERRUPTED: Final = 130
"""The exit status after Ctrl-C, as that of other commands in a shell."""


@click.command()
@target_options
@click.option(
    "--bindings",
    "bindings_file",
    type=FILE,
    metavar="FILE",
    help="The values that stand at the provider for those of the examples.",
)
@click.option("--bindings-template", is_flag=True, help="Print a file of bindings to fill in, and do nothing else.")
@click.option(
    "--target-is-mock",
    is_flag=True,
    help="Send the examples as they are, each outcome in a sandbox of its own: the target knows the test values.",
)
@click.option("--outcome", "selected", multiple=True, metavar="ID", help="Only this outcome; repeatable.")
@click.option(
    "--min-compared",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="End with exit status 3 if fewer outcomes than this were compared.",
)
@click.option("--yes", is_flag=True, help="Send the requests; without it they are only shown.")
@reporting_options
@save_options
@partial(with_contract, failed=COULD_NOT_RUN)
def verify_provider(
    contract: Contract,
    target: Target,
    bindings_file: Path | None,
    selected: tuple[str, ...],
    min_compared: int,
    reporting: Reporting,
    save: Save,
    *,
    bindings_template: bool,
    target_is_mock: bool,
    yes: bool,
) -> None:
    """Send each outcome's example to a real provider, and compare its answer with the contract.

    Without --yes it shows what it would send. Exit status: 0 all answers are as the contract says, 1 one differs, 2 it
    could not run, 3 nothing or too little was compared, 130 after Ctrl-C.
    """
    if bindings_template:
        if reporting.output is not None and reporting.output.exists():
            fail(
                f"{reporting.output} exists, and may hold values that were filled in: name another file", COULD_NOT_RUN
            )
        write_document(template.bindings_template(contract), reporting.output, failed=COULD_NOT_RUN)
        return
    if not target.url:
        raise click.UsageError("Missing option '--target'.")
    _check_names("--outcome", selected, contract)
    _check_names("--accept", save.accepted, contract)
    bindings = _bindings(bindings_file, contract, target_is_mock)
    chosen = [*cases(contract, selected, bindings)]
    if not yes:
        print_document(plan(chosen, target, secrets_of(contract.operations), bindings.secrets))
        print_notice("nothing was sent; --yes sends these requests")
        sys.exit(NOTHING_COMPARED)
    run = _run(contract, in_sandboxes(chosen) if target_is_mock else chosen, target)
    document = report(contract, target.url, run.at_ns, run.results, bindings.secrets)
    write_document(render(document, reporting.form, reporting.language), reporting.output, failed=COULD_NOT_RUN)
    if save.folder is not None:
        _save(save.folder, contract, document, save.accepted)
    if run.failure:
        print_notice(run.failure.text())
    sys.exit(run.status or _status(document, min_compared))


class _Run(NamedTuple):
    """When a run began, its results, and why it ended early with another exit status, if it did."""

    at_ns: int
    results: list[CaseResult]
    failure: Reason | None = None
    status: int = 0


def _run(contract: Contract, chosen: Sequence[Case], target: Target) -> _Run:
    """Send the requests of all cases; those that are left when a run ends early were not reached."""
    from mockserver.provider.run import verify  # slow to import, and other commands do not need it
    from mockserver.provider.sending import CannotConnectError

    at_ns, results = time.time_ns(), list[CaseResult]()

    def observe(result: CaseResult) -> None:
        results.append(result)
        if not result.case.reason:
            print_notice(f"{len(results)} of {len(chosen)}: {result.result} {result.case.outcome.scenario.id}")

    failure, status = None, 0
    try:
        verify(contract, chosen, target, observe)
    except CannotConnectError as error:
        failure, status = Reason("no-connection", {"detail": str(error)}), COULD_NOT_RUN
    except ValueError as error:  # certificates that cannot be used
        fail(str(error), COULD_NOT_RUN)
    except KeyboardInterrupt:
        failure, status = Reason("stopped"), INTERRUPTED
    left = [CaseResult(case, reason=case.reason or failure) for case in chosen[len(results) :]]
    return _Run(at_ns, [*results, *left], failure, status)


def _save(folder: Path, contract: Contract, document: Report, accepted: Sequence[str]) -> None:
    """Write the overlay of a run; if an answer cannot be accepted, what was found alone."""
    scenarios, refusal = {}, ""
    try:
        try:
            scenarios = accepted_files(folder, contract, document, accepted)
        except NotAcceptedError as error:
            accepted, refusal = (), f"not accepted: {error}"
        _write_files(verified_file(folder, document, accepted) | scenarios)
    except ConfigError as error:
        click.echo(str(error), err=True)
        fail(f"not saved: {folder} has a file that cannot be read", COULD_NOT_RUN)
    except OSError as error:
        fail(f"cannot write {error.filename or folder}: {error.strerror or error}", COULD_NOT_RUN)
    if refusal:
        fail(refusal, COULD_NOT_RUN)


def _write_files(files: Mapping[Path, str]) -> None:
    """Write files. Raises `OSError`."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print_notice(f"wrote {path}")


def _check_names(option: str, names: Sequence[str], contract: Contract) -> None:
    """Check the outcomes that an option names. Raises `click.BadParameter`."""
    ids = [scenario.id for scenario in contract.scenarios]
    for name in names:
        if name not in ids:
            raise click.BadParameter(
                f"there is no outcome {name}.{did_you_mean_sentence(close_matches(name, ids)[:1])}",
                param_hint=option,
            )


def _bindings(file: Path | None, contract: Contract, target_is_mock: bool) -> Bindings:
    if target_is_mock and file is not None:
        raise click.UsageError("--bindings and --target-is-mock exclude each other: a mock needs no other values")
    if target_is_mock:
        return ExamplesAsTheyAre()
    if file is None:
        return NO_BINDINGS
    try:
        return read_bindings(file, contract)
    except ConfigError as error:
        fail_with_errors(error, str(file), COULD_NOT_RUN)


def _status(document: Report, min_compared: int) -> int:
    found = counts(document)
    if found["differs"]:
        return 1
    if found["same"] >= min_compared:
        return 0
    print_notice(f"{count(found['same'], 'outcome')} compared; --min-compared {min_compared}")
    return NOTHING_COMPARED
