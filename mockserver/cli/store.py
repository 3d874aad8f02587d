"""What `--store` opens: the storage that several servers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from mockserver.base.values import encode_json
from mockserver.contract.bundles import contract_bundle
from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.engine.adopting import carry_state_over
from mockserver.remote.options import print_notice
from mockserver.remote.remote_server import fail
from mockserver.storage.interface import Storage, StorageError


@dataclass(frozen=True)
class SharedStore:
    """A storage that servers share, with the key of their sandboxes, and where it is, without a password."""

    storage: Storage
    sandbox_key: bytes
    shown: str


def open_store(
    url: str,
    contract: Contract,
    override: Callable[[Settings], Settings],
    now_ns: Callable[[], int],
    sandbox_key: bytes,
    *,
    adopts: bool,
) -> SharedStore:
    """The storage at a URL. Ends with one line and status 1 if it cannot be used.

    `override` applies options to the settings of a contract, `sandbox_key` is the one that the user gave, if any. If
    this server `adopts`, the state under another contract is carried over to this one.
    """
    try:
        from mockserver.redis_storage.adoption import freeze
        from mockserver.redis_storage.connection import parse_address, register
        from mockserver.redis_storage.storage import RedisStorage
    except ImportError as error:  # it is missing, or older than the names that are used
        if not (error.name or "").startswith("redis"):
            raise
        fail("--store needs the package redis 8.1 or later: install the mock with its extra [redis]")
    try:
        address = parse_address(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--store'") from None
    settings, bundle = override(contract.settings), encode_json(contract_bundle(contract))
    try:
        registration = register(address, contract.hash, bundle, sandbox_key, adopts=adopts)
        served = freeze(address, contract) if adopts else None
        if served is not None:
            before = override(served.settings)
            frozen = RedisStorage(address, served, before, now_ns, adopts=True)
            for note in carry_state_over(frozen, served, before, contract, settings):
                print_notice(note)
            print_notice(f"carried the state of the store over to contract {contract.hash}")
    except StorageError as error:
        fail(str(error))
    storage = RedisStorage(address, contract, settings, now_ns, registered=registration.shared)
    return SharedStore(storage, registration.sandbox_key, address.shown)
