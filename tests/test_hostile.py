"""Short, seeded shares of what `hostile/` does at length."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "hostile"))

import fuzz
import tools
import with_schemathesis


@pytest.fixture(scope="session")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has `schemathesis`."""
    try:
        return tools.environment(tools.SCHEMATHESIS, at=tmp_path_factory.mktemp("tools"))
    except subprocess.CalledProcessError:
        assert not os.environ.get("CI"), "CI has to reach a package registry"
        pytest.skip("no package registry is in reach: schemathesis cannot be installed")


def test_schemathesis_finds_nothing(schemathesis: Path, tmp_path: Path) -> None:
    """What is generated from the exported document, valid and not, is answered as the document says."""
    ended = with_schemathesis.main(tmp_path, cases=200, seed=7, tools=schemathesis)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "No issues found" in ended.stdout


def test_bombs_end_soon() -> None:
    """What takes other servers down is answered or refused, within seconds and some megabytes."""
    bombs = Path(__file__).parent / "hostile" / "bombs.py"
    ended = subprocess.run(
        [sys.executable, bombs, "--quick"], capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) > 50


@pytest.mark.parametrize(("name", "cases"), [("decision", 1_500), ("contract", 300)])
def test_whatever_bytes_come(name: str, cases: int, tmp_path: Path) -> None:
    """A request is decided, and a contract loads or is refused; nothing else is raised, and nothing takes long."""
    target = fuzz.by_chance(fuzz.TARGETS[name](tmp_path), cases, seed=1)
    assert target.cases >= cases
    assert target.found == {}
