"""The contract as one TypeScript file: ids of outcomes, types of bodies, and a client of the admin API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from mockserver.base.values import encode_ascii_json
from mockserver.core.contract import Contract, Operation
from mockserver.core.faults import FAULTS
from mockserver.core.model import Settings
from mockserver.export.outcomes import Outcome, outcomes
from mockserver.export.typescript_types import Types, union
from mockserver.version import __version__

_CLIENT: Final = FilePath(__file__).parent / "typescript_client" / "client.ts"
_DECLARED: Final = re.compile(r"^(?:export )?(?:declare )?(?:class|function|interface|type) (\w+)", re.MULTILINE)


def document(contract: Contract, settings: Settings) -> str:
    """Write the file of a contract that is served with these settings."""
    client = _CLIENT.read_text(encoding="utf-8")
    types = Types(
        contract.rewrite_references, ["Outcome", "FaultKind", "OutcomeInfo", "Answers", *_DECLARED.findall(client)]
    )
    found = [*outcomes(contract, settings)]
    for operation in contract.operations:
        _declare(types, operation)
    kinds = union(map(encode_ascii_json, FAULTS))
    parts = [
        f"// Derived from contract {contract.hash} by mockserver {__version__}. Export it again rather than edit it.",
        "\n".join(_ids(found)),
        "\n".join(_answers_interface(found, types)),
        "\n".join(_outcome_table(found)),
        f"/** What can go wrong below the contract. */\nexport type FaultKind = {kinds};",
        *types.declarations(),
        client,
    ]
    return "\n\n".join(parts)


def _declare(types: Types, operation: Operation) -> None:
    """Name the types of an operation's request body and envelopes."""
    body = operation.schema_files.get("body")
    if body is not None:
        types.declare(f"{operation.id} request", body)
    envelopes = {s.envelope.name: s.envelope.schema for s in operation.scenarios}
    for name, file in envelopes.items():
        if file is not None:
            types.declare(f"{operation.id} {name}", file)


def _ids(found: Sequence[Outcome]) -> Iterator[str]:
    yield "/** The outcomes of the contract, by id. */"
    yield "export type Outcome ="
    yield "\n".join(f"  | {encode_ascii_json(id_)}" for id_ in dict.fromkeys(o.scenario.id for o in found)) + ";"


def _answers_interface(found: Sequence[Outcome], types: Types) -> Iterator[str]:
    """The type of the body of each outcome; a union where several operations have the id."""
    bodies: dict[str, dict[str, None]] = {}
    for outcome in found:
        schema = outcome.scenario.envelope.schema
        bodies.setdefault(outcome.scenario.id, {})[types.named(schema) if schema is not None else "unknown"] = None
    yield "/** The body of each outcome. */"
    yield "export interface Answers {"
    yield from (f"  {encode_ascii_json(id_)}: {union(names)};" for id_, names in bodies.items())
    yield "}"


def _outcome_table(found: Sequence[Outcome]) -> Iterator[str]:
    yield "/** An outcome of the contract. */"
    yield "export interface OutcomeInfo {"
    yield "  readonly id: Outcome;"
    yield "  readonly operation: string;"
    yield '  readonly source: "documented" | "assumed";'
    yield "  readonly status: number;"
    yield "  readonly heading: string | null;"
    yield "  readonly note: string | null;"
    yield "  /** What happened, and what a client should do: advice of the mock, not of the documents. */"
    yield "  readonly reason: { readonly en?: string; readonly es?: string };"
    yield "  readonly advice: { readonly en?: string; readonly es?: string };"
    yield '  readonly retry: "safe" | "after-change" | "never" | "treat-as-success" | null;'
    yield "}"
    yield ""
    yield "/** Every outcome, in the order of checks. */"
    yield "export const outcomes: readonly OutcomeInfo[] = ["
    for outcome in found:
        scenario = outcome.scenario
        row: dict[str, Any] = {
            "id": scenario.id,
            "operation": scenario.operation,
            "source": scenario.provenance,
            "status": outcome.reply.status,
            "heading": scenario.heading,
            "note": scenario.note,
            **scenario.client_advice.members,
        }
        yield f"  {{ {', '.join(f'{name}: {encode_ascii_json(value)}' for name, value in row.items())} }},"
    yield "];"
