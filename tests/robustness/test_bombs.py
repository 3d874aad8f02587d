"""A short share of `bombs.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_bombs_end_soon() -> None:
    """What takes other servers down is answered or refused, within seconds and some megabytes."""
    command = [sys.executable, "-m", "tests.robustness.bombs", "--quick"]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) > 50
