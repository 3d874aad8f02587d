"""The name of the sandbox that the setting `sandbox_from` derives from a request."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from mockserver.core.contract import Operation
from mockserver.core.masks import is_secret_header, mask_account_numbers
from mockserver.core.model import MISSING, Request, Settings
from mockserver.core.values import NotJsonError, decode_json, encode_json
from mockserver.decision.router import SANDBOX_NAME


def derive_sandbox_name(request: Request, operation: Operation, settings: Settings, key: bytes) -> str:
    """The name of the sandbox that the setting `sandbox_from` finds in a request; `""` where there is nothing.

    What is no name of a sandbox is hashed: `h-` and 16 hexadecimal digits. A secret is hashed with the `key`, without
    which a short one could be found again by trying all: `s-` and 16 hexadecimal digits.
    """
    root, *path = settings.sandbox_from.split(".")
    value: Any = MISSING
    if root == "header":
        value = request.headers.get(".".join(path).lower(), MISSING)
    else:
        try:
            value = decode_json(request.body, settings.max_depth)
        except NotJsonError:
            return ""
        for step in path:
            value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if value is MISSING or value is None or value == "":
        return ""
    text = value if isinstance(value, str) else encode_json(value).decode()
    if root == "body":
        secret = any((root, *path)[: len(place)] == place for place in operation.sensitive)
    else:
        secret = is_secret_header(path[0])
    data = text.encode("utf-8", "surrogateescape")
    if secret or mask_account_numbers(data) != data:
        return "s-" + hmac.new(key, data, hashlib.sha256).hexdigest()[:16]
    return text if SANDBOX_NAME.fullmatch(text) else "h-" + hashlib.sha256(data).hexdigest()[:16]
