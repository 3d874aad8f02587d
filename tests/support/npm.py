"""Packages of Node's registry for tests: what other tools make of our exports."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

SECONDS: Final = 180
"""That an install or a tool may take."""


def installed(folder: Path, package: str) -> Path:
    """The commands of a package, installed into a folder; without npm the test is skipped, though not in CI."""
    if shutil.which("npm") is None:
        assert not os.environ.get("CI"), "CI has to have npm"
        pytest.skip("no npm here: what other tools make of the export cannot be tried")
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
