"""Another contract for a store that has state: all of it is carried over, as a reload does.

The contract that is served stands in the store as a bundle. While its state is carried over, a mark stands in the
place of its hash: servers of either contract answer 503, and nothing changes. Then everything is written at once. If
that never happens, as the process was killed, the next server that adopts begins again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from msgspec import Struct

from mockserver.base.values import MAX_FILE_DEPTH, decode_json, encode_json
from mockserver.contract.bundles import contract_bundle, load_bundle
from mockserver.contract.loading import ConfigError
from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.redis_storage.changes import Value, decode_counter, encode, json_text, turn_field
from mockserver.redis_storage.connection import Address, Store, open_client, read_scripts
from mockserver.redis_storage.sandbox import RedisSandbox
from mockserver.redis_storage.values import ContractValues
from mockserver.storage.interface import ReloadedSandbox, StorageError
from mockserver.storage.memory_usage import size_of_armed, size_of_scenarios


class CarriedOver(Struct, frozen=True):
    """A sandbox under another contract: fields that are written (False: deleted), what its run-time parts take."""

    name: str
    fields: Mapping[str, Value]
    runtime_bytes: int


def freeze(address: Address, contract: Contract) -> Contract | None:
    """Have no server answer, if the store serves another contract: that one, with a mark as its hash.

    Raises `StorageError` if the state cannot be carried over.
    """
    with open_client(address) as client:
        seen: str = (client.hget(address.totals, "contract") or b"").decode()
        if seen in ("", contract.hash):
            return None
        bundle = client.get(address.key("bundle"))
        served = _load(bundle, seen) if bundle else None
        if served is None:
            raise StorageError(f"the store does not say what contract {seen} is: give this server another prefix")
        _check_keys(served, contract)
        mark = f"{served.hash} (carried over to {contract.hash})"
        if not client.eval(read_scripts()["freeze"], 1, address.totals, seen, mark):
            raise StorageError("another server changed the contract of the store at the same time")
    return dataclasses.replace(served, hash=mark)


def _load(bundle: bytes, seen: str) -> Contract | None:
    """The contract of a bundle, if that is the one that was seen."""
    try:
        served = load_bundle(decode_json(bundle, MAX_FILE_DEPTH), "the store")
    except ConfigError as error:
        raise StorageError(f"this version cannot read the contract in the store: {error.diagnostics[0]}") from None
    return served if seen.startswith(served.hash) else None


def _check_keys(served: Contract, contract: Contract) -> None:
    for name, one in served.collections.items():
        after = contract.collections.get(name)
        if after is not None and after.fold is not one.fold:
            raise StorageError(
                f"keys of {name} are in lower case in one contract alone: give this server another prefix"
            )


async def adopt(store: Store, mark: str, contract: Contract, sandboxes: Sequence[CarriedOver]) -> None:
    """Write what was carried over, and serve the contract. Raises `StorageError` if the mark is not there."""
    bundle = encode_json(contract_bundle(contract))
    if not await store.run("adopt", mark, contract.hash, bundle, encode(sandboxes)):
        raise StorageError("another server changed the contract of the store at the same time")


def carry_over(
    sandbox: RedisSandbox,
    reloaded: ReloadedSandbox,
    contract: Contract,
    settings: Settings,
    id_offsets: Mapping[str, int],
) -> CarriedOver:
    """What a sandbox has under another contract; `settings` are those of the server then."""
    values = ContractValues(contract)
    kinds = ("scenarios", "armed", "turn")
    fields: dict[str, Value] = {one: False for one in sandbox.fields if one.partition(":")[0] in kinds}
    for operation, scenarios in reloaded.runtime_scenarios.items():
        if scenarios:
            fields[f"scenarios:{operation}"] = values.encode_scenarios(operation, scenarios)
    fields |= {f"armed:{one.id}": values.encode_armed(one) for one in reloaded.armed}
    for operation, counts in reloaded.turn_counts.items():
        fields |= {turn_field(operation, scenario): str(count) for scenario, count in counts.items()}
    for name, lower in id_offsets.items():
        if f"id:{name}" in sandbox.fields:
            counter = decode_counter(sandbox.fields[f"id:{name}"])
            fields[f"id:{name}"] = json_text([counter.used + lower, counter.searched and counter.searched + lower])
    if reloaded.settings.seed != settings.seed:  # it stays with the ids that were given out
        fields["settings"] = json_text({**sandbox.own_settings, "seed": reloaded.settings.seed})
    size = sum(map(size_of_armed, reloaded.armed)) + sum(map(size_of_scenarios, reloaded.runtime_scenarios.values()))
    return CarriedOver(sandbox.name, fields, size)
