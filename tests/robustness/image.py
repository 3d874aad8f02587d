"""What is in the image, and whether anything is that must not be. `image.sh` makes the environment that this needs.

A line for each check; exit status 1 if one fails. Most look at the archive of the image; what only a run can show is
tried with docker.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.robustness.layers import FOR_ALL, Image

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "activation-mockserver"
FIRST: Final = f"LABEL org.opencontainers.image.title={PROJECT}"
"""The first step of ours in the history of an image; what comes before is the base's."""

HOME: Final = "opt/mockserver/"
LINUX: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
"""What requirements may depend on, as it is in the image, wherever this runs."""

ENVIRONMENT: Final = re.compile(
    rf"{HOME}(\.gitignore|pyvenv\.cfg|lib64|bin/(activate(\.\w+)?|Activate\.ps1|python[0-9.]*))"
)
"""What is of an environment and of no package."""

COMPILED: Final = re.compile(r"usr/local/lib/python3\.\d+/(.+/)?__pycache__/[^/]+\.pyc")
LEFT: Final = re.compile(
    r"tests?|\.git|\.github|\.venv|\.cache|\.(pytest|mypy|ruff)_cache|\.hypothesis|node_modules"
    r"|(pip|setuptools|wheel|hatchling)(-[^/]*\.(dist|egg)-info)?|[^/]+\.(whl|log|orig|rej|tmp)"
)
"""What building and testing leave behind: the name of a file or folder."""

INSTALLER: Final = re.compile(r".*/(site|dist)-packages/(pip|setuptools|wheel)")
SECRET_NAME: Final = re.compile(r"\.env|\.netrc|\.pypirc|\.npmrc|pip\.conf|id_\w+|[^/]+\.(key|p12|pfx|jks|pem)")
SECRET: Final = re.compile(
    r"(?i)\w*(token|secret|passw(or)?d|credential|api_?key|private_?key)\w*=\S|://[^/\s@]+:[^/\s@]+@"
)
PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}")


# -- what is in it ------------------------------------------------------------------------------------


def dependencies() -> set[str]:
    """The names of what the image needs at run time, as `pyproject.toml` has them: it can share a store."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = [*project["dependencies"], *project["optional-dependencies"]["redis"]]
    return {canonicalize_name(Requirement(one).name) for one in given}


def needed(metadata: Mapping[str, Any], python: str, roots: set[str]) -> set[str]:
    """The project, what it needs, what that needs, and so on, by the metadata of the packages that are there."""
    seen: set[tuple[str, str]] = set()
    todo = [(name, "") for name in roots]
    while todo:
        if (asked := todo.pop()) in seen:
            continue
        seen.add(asked)
        name, extra = asked
        on = {**LINUX, "python_version": python, "python_full_version": f"{python}.99", "extra": extra}
        for text in metadata[name].get_all("Requires-Dist", ()) if name in metadata else ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate(on):
                todo += [(canonicalize_name(one.name), wanted) for wanted in ("", *one.extras)]
    return {PROJECT, *(name for name, _ in seen)}


def installed(image: Image) -> tuple[dict[str, Any], str]:
    """The metadata of the packages in the environment by name, and the version of Python that it is for."""
    found: dict[str, Any] = {}
    python = ""
    for name, file in image.files.items():
        if match := re.fullmatch(rf"{HOME}lib/python(3\.\d+)/site-packages/[^/]+\.dist-info/METADATA", name):
            python = match[1]
            metadata = HeaderParser().parsestr(image.read(file).decode())
            found[canonicalize_name(metadata["Name"])] = metadata
    return found, python


def packages(image: Image, sbom: Mapping[str, Any]) -> Iterator[str]:
    """The Python packages of the SBOM are the project and what it needs, in the versions that are there."""
    metadata, python = installed(image)
    listed = {canonicalize_name(one["name"]): one["version"] for one in sbom["components"] if _kind(one) == "pypi"}
    wanted = needed(metadata, python, dependencies())
    yield from (f"{name} {listed[name]} is of no use at run time" for name in sorted(listed.keys() - wanted))
    yield from (f"{name} is needed and not listed" for name in sorted(wanted - listed.keys()))
    for name in sorted(listed.keys() & metadata.keys()):
        if listed[name] != metadata[name]["Version"]:
            yield f"{name} is listed as {listed[name]} and is {metadata[name]['Version']}"


def counted(sbom: Mapping[str, Any]) -> str:
    """How many packages of each kind the SBOM has."""
    kinds = Counter(kind for one in sbom["components"] if (kind := _kind(one)))
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))


def _kind(component: Mapping[str, Any]) -> str:
    """`pypi` of `pkg:pypi/NAME@VERSION`; `""` for what is no package."""
    return str(component.get("purl", "")).removeprefix("pkg:").partition("/")[0]


# -- who may do what ----------------------------------------------------------------------------------


def user(image: Image) -> Iterator[str]:
    """User and group are numbers, so that Kubernetes can tell that they are not root's, and not 0."""
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user):
        yield f"it runs as {image.user or 'root'}"


def owned(image: Image) -> Iterator[str]:
    """Nothing is the user's own, and what is of ours is root's."""
    own, _, group = image.user.partition(":")
    for file in image.files.values():
        if (own == str(file.info.uid) and file.info.uid) or (group == str(file.info.gid) and file.info.gid):
            yield f"{file.name} is the user's own"
    yield from (f"{f.name} is of {f.info.uid}:{f.info.gid}" for f in image.ours if f.info.uid or f.info.gid)


def writable(image: Image) -> Iterator[str]:
    """No user can write anything, in the group of the image or in root's; what is of ours only root."""
    groups = {"all", "0", image.user.partition(":")[2]}
    bad = [f for f in image.bases if f.writers in groups] + [f for f in image.ours if f.writers]
    yield from (f"{file.name} has the mode {file.info.mode:o}" for file in bad)


def set_ids(image: Image) -> Iterator[str]:
    """No file of ours runs with the rights of its owner or group."""
    yield from (f"{file.name} has the mode {file.info.mode:o}" for file in image.ours if file.sets_id)


def of_base(image: Image) -> str:
    """The files of the base that do."""
    found = sorted(file.name for file in image.bases if file.sets_id)
    return f"none of ours; {len(found)} of the base" + (f": {', '.join(found)}" if found else "")


# -- what must not be in it ---------------------------------------------------------------------------


def leftovers(image: Image) -> Iterator[str]:
    """Each file of ours is of a package or of the environment, or the standard library compiled; none of a build."""
    known = _recorded(image)
    for file in image.ours:
        if any(LEFT.fullmatch(part) for part in file.name.split("/")) and file.name not in FOR_ALL:
            yield file.name
        elif file.info.isdir() or file.name in known or ENVIRONMENT.fullmatch(file.name):
            continue
        elif not COMPILED.fullmatch(file.name):
            yield f"{file.name} is of nothing"
    yield from (f"{file.name}, of the base" for file in image.bases if INSTALLER.fullmatch(file.name))


def _recorded(image: Image) -> set[str]:
    """The files that packages say they have."""
    found = set()
    for file in image.ours:
        if file.name.startswith(HOME) and file.name.endswith(".dist-info/RECORD"):
            site = file.name.split("/")[:-2]
            for line in image.read(file).decode().splitlines():
                path = [*site, *line.rsplit(",", 2)[0].strip('"').split("/")]
                while ".." in path:
                    up = path.index("..")
                    path[up - 1 : up + 1] = []
                found.add("/".join(path))
    return found


def secrets(image: Image) -> Iterator[str]:
    """Nothing that looks like a secret is in the environment, the labels, the history or a file of ours."""
    labels = image.settings.get("Labels") or {}
    places: dict[str, list[str]] = {
        "the environment": image.settings.get("Env") or [],
        "the labels": [f"{name}={value}" for name, value in labels.items()],
        "the history": [step.get("created_by", "") for step in image.history],
    }
    for place, texts in places.items():
        yield from (f"{place} has {_name_of(found)}" for text in texts if (found := SECRET.search(text)))
    for file in image.ours:
        if SECRET_NAME.fullmatch(file.last_name):
            yield file.name
        elif file.info.isfile() and PRIVATE_KEY.search(image.read(file)):
            yield f"{file.name} holds a private key"


def _name_of(secret: re.Match[str]) -> str:
    """What it is called; what it is stays out of logs."""
    return secret[0].partition("=")[0] if "=" in secret[0] else "a password in a URL"


# -- what only a run can show -------------------------------------------------------------------------

HARD: Final = ("--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges")
HEALTH: Final = "{{if .State.Health}}{{.State.Health.Status}}{{else}}without a health check{{end}}"
SECONDS: Final = 60
"""That it may take until it is healthy."""


def docker(*arguments: str, check: bool = True) -> str:
    """What a command of docker prints, on both streams."""
    command = ["docker", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if check and ended.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{ended.stdout}")
    return ended.stdout


STARTS: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("read-only", ("--read-only",), ()),
    ("as user 4242 of group 0", ("--user=4242:0",), ()),
    ("by arguments", ("--read-only",), ("--port", "9000", "--admin-port=9001")),
    ("by variables", ("--read-only", "--env=MOCKSERVER_PORT= 9002 ", "--env=MOCKSERVER_HOST=127.0.0.2"), ("serve",)),
    ("below an init", ("--read-only", "--init"), ("--port", "9003")),
)
"""Ways to start a container: what is said of each, options of `docker run`, arguments of the image."""


def runs(name: str) -> Iterator[str]:
    """Healthy where nothing can be written, as any user, however it is started; ends when it is told to stop."""
    for what, options, arguments in STARTS:
        said = docker("run", "--detach", *HARD, *options, name, *arguments)
        (container,) = re.findall(r"\b[0-9a-f]{64}\b", said)
        try:
            state, until = "starting", time.monotonic() + SECONDS
            while state == "starting" and time.monotonic() < until:
                time.sleep(0.2)
                state = docker("inspect", "--format", HEALTH, container).strip()
            if state != "healthy":
                yield f"{what}: {state}: {docker('logs', container)[-500:]}"
            if "--init" not in options:  # docker itself puts its init there
                yield from (f"{what}: wrote {line}" for line in docker("diff", container).splitlines())
            docker("stop", container)
            status = docker("inspect", "--format", "{{.State.ExitCode}}", container).strip()
            if status not in {"0", "143"}:
                yield f"{what}: ended with {status} when it was told to stop"
        finally:
            docker("rm", "--force", container)


def compiled(name: str) -> Iterator[str]:
    """Nothing that a start or a health check imports has to be compiled first."""
    python = ("--entrypoint=python", name, "-v", "-m", "mockserver")
    said = "".join(docker("run", "--rm", *HARD, *python, command, "--help") for command in ("serve", "health"))
    yield from sorted(set(re.findall(r"(?m)^# code object from (/.*\.py)$", said)))


# -- all of it ----------------------------------------------------------------------------------------

Check = tuple[str, Callable[[], Iterator[str]], str]
"""What is looked at, what is wrong with it, and what to say where nothing is."""


def of_archive(image: Image, sbom: Mapping[str, Any]) -> list[Check]:
    """The checks that need no run."""
    files = sum(not file.info.isdir() for file in image.ours)
    return [
        ("packages", lambda: packages(image, sbom), f"the project and what it needs; {counted(sbom)}"),
        ("user", lambda: user(image), image.user),
        ("owned", lambda: owned(image), "nothing is the user's own; what is of ours is root's"),
        ("writable", lambda: writable(image), f"nothing outside of {', '.join(sorted(FOR_ALL & image.files.keys()))}"),
        ("set-ids", lambda: set_ids(image), of_base(image)),
        ("leftovers", lambda: leftovers(image), f"none in {files:,} files of ours"),
        ("secrets", lambda: secrets(image), "none in the environment, the labels, the history and files of ours"),
    ]


def of_runs(name: str) -> list[Check]:
    """The checks that need one."""
    return [
        (
            "runs",
            lambda: runs(name),
            "healthy read-only, as any user, however it is started; writes nothing, ends when told to stop",
        ),
        ("compiled", lambda: compiled(name), "nothing is left to compile at a start"),
    ]


def told(checks: list[Check]) -> bool:
    """A line for each check, with the first things that are wrong; whether none is."""
    good = True
    for name, check, note in checks:
        wrong = list(check())
        good &= not wrong
        more = [f"and {len(wrong) - 10} more"] if len(wrong) > 10 else []
        print(f"{'FAIL' if wrong else 'ok':5} {name}: {'; '.join([*wrong[:10], *more]) or note}", flush=True)
    return good


def listed(archive: Path, sbom: Path) -> dict[str, Any]:
    """The SBOM of an image, written."""
    syft = Path(sys.executable).with_name("syft")
    how = ("--quiet", "--source-name", PROJECT, "--output", f"cyclonedx-json={sbom}")
    subprocess.run([syft, "scan", f"docker-archive:{archive}", *how], check=True)
    written: dict[str, Any] = json.loads(sbom.read_text(encoding="utf-8"))
    return written


def _opened(name: str, archive: Path) -> Image:
    try:
        return Image(archive, FIRST)
    except ValueError as error:
        raise SystemExit(f"{name} is no image of {PROJECT}: {error}") from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="image.sh", description=(__doc__ or "").partition(".")[0])
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write what is in it to this file (CycloneDX JSON)")
    parser.add_argument("image", nargs="?", help="an image that is there; without it one is built and taken away again")
    given = parser.parse_args()
    name = given.image or f"{PROJECT}:scanned"
    if not given.image:
        docker("build", "--tag", name, str(ROOT))
    try:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            docker("save", "--output", str(archive), name)
            with _opened(name, archive) as image:
                good = told(of_archive(image, listed(archive, given.sbom or Path(folder) / "sbom.json")))
        return 0 if told(of_runs(name)) and good else 1
    finally:
        if not given.image:
            docker("image", "rm", name, check=False)


if __name__ == "__main__":
    sys.exit(main())
