"""What a comparison with the provider found of an outcome."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class ProviderVerification(Struct, frozen=True):
    """What a comparison of an outcome with the provider found, and on which day (`2026-11-29`)."""

    on: str
    result: Literal["same", "differs"]

    @property
    def members(self) -> dict[str, str]:
        """Both as members of a JSON object."""
        return {"on": self.on, "result": self.result}

    @property
    def text(self) -> str:
        """Both in a line: `same; 2026-11-29`."""
        return f"{self.result}; {self.on}"
