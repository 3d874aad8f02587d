"""Packages of Node's registry for tests: what other tools make of our exports."""

import subprocess
from pathlib import Path
from typing import Final

from tests.support.tools import skip_without

SECONDS: Final = 600
"""That an install or a tool may take."""


def installed(folder: Path, package: str) -> Path:
    """The commands of a package, installed into a folder; the test needs Node and npm."""
    skip_without("node", "npm")
    done(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, package)
    return folder / "node_modules" / ".bin"


def done(folder: Path, *command: str | Path) -> str:
    """A command that has to succeed; what it prints."""
    ended = tried(folder, *command)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def tried(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False
    )
