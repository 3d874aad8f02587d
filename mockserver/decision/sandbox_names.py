"""The sandbox of a request: named by its path or a header, or derived from it by the setting `sandbox_from`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import decode_json, encode_json, printable
from mockserver.core import problems
from mockserver.core.model import MISSING, Request, Settings, value_at
from mockserver.core.reply import Problem
from mockserver.privacy.account_numbers import holds_account_number
from mockserver.privacy.masks import mask_account_numbers_in_text
from mockserver.privacy.secrets import Secrets

SANDBOX_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
SANDBOX_PREFIX: Final = "/sandbox/"


class SandboxPath(Struct, frozen=True, gc=False):
    """Where a request goes: its sandbox (empty for the default one) and the path below it."""

    sandbox: str
    path: str


def split_sandbox(path: str, headers: Mapping[str, str]) -> SandboxPath | Problem:
    """The sandbox that a request names by its path or its header `Mock-Sandbox`, or the problem with the name."""
    named = headers.get("mock-sandbox")
    if path.startswith(SANDBOX_PREFIX):
        prefix, slash, rest = path[len(SANDBOX_PREFIX) :].partition("/")
        if named is not None and named != prefix:
            return problems.bad_sandbox("The path and the header Mock-Sandbox name two different sandboxes.")
        named, path = prefix, slash + rest
    path = path or "/"
    if named is None:
        return SandboxPath("", path)
    fault = sandbox_name_fault(named)
    return problems.bad_sandbox(fault) if fault else SandboxPath(named, path)


def sandbox_name_fault(name: str) -> str:
    """A sentence that says what is wrong with the name of a sandbox; empty if it is a good one."""
    if not SANDBOX_NAME.fullmatch(name):
        return (
            "Expected a sandbox name of 1 to 64 letters, digits, '.', '_', '~' or '-', a letter or digit first, "
            f"got {printable(mask_account_numbers_in_text(name), 80)}."
        )
    if holds_account_number(name):
        return "A sandbox name holds no payment account number, as names are shown in clear."
    return ""


def derive_sandbox_name(request: Request, secrets: Secrets, settings: Settings, key: bytes) -> str:
    """The name of the sandbox that the setting `sandbox_from` finds in a request; `""` if there is nothing.

    A value that cannot be a name gives `h-` and 16 hexadecimal digits of its hash. A secret gives `s-` and 16 digits of
    a hash with `key`: from a hash without a key, a short secret could be found by trying all.
    """
    root, *path = settings.sandbox_from.split(".")
    if root == "header":
        value = request.headers.get(".".join(path).lower(), MISSING)
    else:
        try:
            value = value_at(decode_json(request.body, settings.max_depth), path)
        except NotJsonError:
            return ""
    if value is MISSING or value is None or value == "":
        return ""
    text = value if isinstance(value, str) else encode_json(value).decode()
    place = (".".join(path),) if root == "header" else tuple(path)
    data = text.encode("utf-8", "surrogateescape")
    if secrets.covers(root, place) or holds_account_number(text) or secrets.json_text_has_secret(text):
        return "s-" + hmac.new(key, data, hashlib.sha256).hexdigest()[:16]
    return text if SANDBOX_NAME.fullmatch(text) else "h-" + hashlib.sha256(data).hexdigest()[:16]
