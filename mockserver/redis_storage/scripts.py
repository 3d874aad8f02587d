"""The scripts that run in the store, each as a whole or not at all; they are in Lua, in the folder `lua`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PARTS: Final = {
    "sandbox": ("keys", "counts", "drop", "read"),
    "look": ("keys", "read"),
    "change": ("keys", "journal"),
    "delivered": ("keys", "counts"),
    "refused": ("keys", "counts", "journal"),
    "replace": ("keys", "journal"),
    "reset": ("keys", "counts", "journal", "drop"),
    "reset_all": ("keys", "drop"),
    "clear": ("keys", "journal"),
}
"""The scripts, and the files that stand before each."""


def read_scripts() -> dict[str, str]:
    """The text of each script by name."""
    folder = Path(__file__).with_name("lua")
    return {
        name: "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in (*parts, name))
        for name, parts in PARTS.items()
    }
