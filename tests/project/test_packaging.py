"""The package as a user gets it: the wheel and the source archive, installed and run from another folder."""

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import mockserver
from mockserver import Engine, Reply, Request, load, parse_instant
from mockserver.engine.engine import frozen_clock
from tests.support import LASTING, PATH, PATIENCE, environment, spawned

ROOT = Path(__file__).parents[2]
LONG = 600
"""Seconds that a build may take: it fetches its tools."""

CONTRACT = {f"{folder}/{file.name}" for folder in ("scenarios", "schemas") for file in (ROOT / folder).iterdir()}


def do(*command: str | Path, cwd: Path, timeout: int = LONG) -> str:
    """Run a command that must succeed; its standard output."""
    kept = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        command,
        cwd=cwd,
        env=kept,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive."""
    folder = tmp_path_factory.mktemp("sdist")
    do(sys.executable, "-m", "pip", "install", "-q", "--target", folder / "tools", "hatchling", cwd=folder)
    code = f"import sys; sys.path.insert(0, {str(folder / 'tools')!r}); from hatchling.build import build_sdist; "
    do(sys.executable, "-c", f"{code}build_sdist({str(folder)!r})", cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel, built from the source archive alone."""
    do(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", sdist.parent, sdist, cwd=sdist.parent)
    (built,) = sdist.parent.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder of commands of a fresh environment with the wheel; its libraries are those of this one."""
    home = wheel.parent / "environment"
    do(sys.executable, "-m", "venv", "--without-pip", home, cwd=wheel.parent)
    scripts = home / Path(sysconfig.get_path("scripts")).name
    python = scripts / Path(sys.executable).name
    do(sys.executable, "-m", "pip", "-q", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home)
    site = do(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    # A folder that is named here is only searched, after the environment's own: no editable install is followed.
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return scripts


def test_the_source_archive_is_complete(sdist: Path) -> None:
    """All that README and tests speak of, and nothing of a working copy."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= CONTRACT
    assert {
        "mockserver/py.typed",
        "mockserver/cli/main.py",
        "tests/support/__init__.py",
        "README.md",
        "pyproject.toml",
        "Dockerfile",
        ".dockerignore",
        ".ci/run",
        ".github/workflows/ci.yaml",
        "examples/gitlab-ci.yml",
        "docs/mkdocs.yml",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".git/", ".venv"))]


def test_the_version_is_the_same_everywhere() -> None:
    """In the image's label, in the chart, in the changelog, and on the page for those who upgrade."""
    version = mockserver.__version__
    minor = version.rpartition(".")[0]
    assert f'image.version="{version}"' in (ROOT / "Dockerfile").read_text()
    chart = (ROOT / "examples" / "kubernetes" / "Chart.yaml").read_text()
    assert re.findall(r'^(?:version|appVersion): "?([\d.]+)', chart, re.MULTILINE) == [version, version]
    assert re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] in (version, "Unreleased")
    upgrade = (ROOT / "docs" / "pages" / "how-to" / "upgrade.md").read_text()
    assert f"activation-mockserver=={version}" in upgrade
    assert re.findall(r"^## From .+ to (.+)$", upgrade, re.MULTILINE)[0] == minor
    for name in ("examples/gitlab-ci.yml", "docs/pages/how-to/ci.md"):
        assert {*re.findall(r"activation-mockserver:(\d+\.\d+)", (ROOT / name).read_text())} == {minor}


def test_the_wheel_holds_contract_and_types(wheel: Path) -> None:
    """Scenarios, schemas and `py.typed`; the entry point of pytest stands beside the package; no test and no cache."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert wheel.name.startswith(f"activation_mockserver-{mockserver.__version__}-py3-none-any")
    assert {f"mockserver/shipped/{name}" for name in CONTRACT} <= names
    files = [file.relative_to(ROOT) for file in (ROOT / "mockserver").rglob("*.*") if file.is_file()]
    sources = {file.as_posix() for file in files if not {"__pycache__", "shipped"} & {*file.parts}}
    assert sources - {"mockserver/testing/entry_point.py"} <= names
    assert "mockserver/py.typed" in names
    roots = {name.partition("/")[0].partition("-")[0] for name in names}
    assert roots == {"mockserver", "mockserver_pytest.py", "activation_mockserver"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_installed_command_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    """`check`, `--version` by module, the same contract as here, and a request, with the wheel's own files."""
    python = installed / Path(sys.executable).name
    where = do(python, "-c", "import mockserver; print(mockserver.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    shown = do(installed / "mockserver", "check", cwd=tmp_path, timeout=PATIENCE)
    assert shown.startswith(f"ok: contract {load().hash}, ")
    version = do(python, "-m", "mockserver", "--version", cwd=tmp_path, timeout=PATIENCE)
    assert version == f"mockserver, version {mockserver.__version__}\n"
    with spawned(installed / "mockserver", "--port", "0", cwd=tmp_path, env={"PYTHONPATH": ""}) as serve:
        serve.started()
        assert serve.post(LASTING)[0] == 200
        assert serve.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_new_and_export_work_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The files that they read are in it."""
    do(installed / "mockserver", "new", "shop", cwd=tmp_path, timeout=PATIENCE)
    shown = do(installed / "mockserver", "check", "shop", cwd=tmp_path, timeout=PATIENCE)
    assert shown.startswith("ok: contract ")
    text = do(installed / "mockserver", "export", "typescript", "--contract", "shop", cwd=tmp_path, timeout=PATIENCE)
    assert "export type CollectParcelRequest = {" in text


# -- in process ---------------------------------------------------------------------------------------


def test_a_request_is_decided_in_process() -> None:
    """The exported names load a contract and answer without a socket."""
    engine = Engine(load(), clock=frozen_clock(parse_instant("2024-11-15T14:32:18.123Z")))
    reply = engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode()))
    assert isinstance(reply, Reply)
    assert reply.decision is not None
    assert reply.decision.scenario.id == "activated-existing-customer"
    assert json.loads(reply.body)["timestamp"] == "2024-11-15T14:32:18.123Z"


def test_the_public_names_are_complete() -> None:
    """`__all__` is sorted and importable, and every name has a docstring."""
    assert mockserver.__all__ == sorted(mockserver.__all__) == sorted(dir(mockserver))
    assert all(isinstance(v := getattr(mockserver, name), str) or v.__doc__ for name in mockserver.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        mockserver.lod  # type: ignore[attr-defined]  # noqa: B018


def test_no_public_name_is_a_module() -> None:
    """It would depend on what was imported before."""
    assert not [name for name in mockserver.__all__ if (ROOT / "mockserver" / f"{name}.py").exists()]


def test_importing_the_package_imports_no_server() -> None:
    """Nor the command line."""
    code = "import mockserver, sys; print([n for n in ('aiohttp', 'click') if n in sys.modules])"
    assert do(sys.executable, "-c", code, cwd=ROOT) == "[]\n"
