"""An image as `docker save` writes it: its configuration, and its files by layer, so that nothing in it has to run."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Self

FOR_ALL: Final = {"tmp", "var/tmp", "run/lock", "dev/shm"}
"""Folders in which anybody may write, each his own files only."""

_GONE: Final = ".wh."
"""What the name of a file begins with that stands for one of a lower layer which is taken away."""


@dataclass(frozen=True, slots=True)
class File:
    """One name in the file system of an image, as the last layer that has it leaves it."""

    name: str
    info: tarfile.TarInfo
    layer: int

    @property
    def last_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def writers(self) -> str:
        """Who but its owner may write it, if anybody may: `all`, or the number of a group."""
        if not (self.info.isfile() or self.info.islnk() or self.info.isdir()):
            return ""  # what a link points to has rights of its own, and devices are the engine's
        if self.info.isdir() and self.info.mode & 0o1000 and self.name in FOR_ALL:
            return ""
        return "all" if self.info.mode & 0o002 else str(self.info.gid) if self.info.mode & 0o020 else ""

    @property
    def sets_id(self) -> bool:
        """Whether it runs with the rights of its owner or group."""
        return self.info.isfile() and bool(self.info.mode & 0o6000)


class Image:
    """An archive of `docker save`. The layers of ours are those from the first step on that `first` is in."""

    def __init__(self, archive: Path, first: str) -> None:
        """Read the names of all files; raise `ValueError` where no step of the history is the first of ours."""
        self._open = ExitStack()
        opened = self._open.enter_context(tarfile.open(archive))  # noqa: SIM115
        (manifest,) = json.loads(_content(opened, "manifest.json").read())
        config = json.loads(_content(opened, manifest["Config"]).read())
        self.settings: dict[str, Any] = config["config"]
        self.history: list[dict[str, Any]] = config["history"]
        ours = [number for number, step in enumerate(self.history) if first in step.get("created_by", "")]
        if not ours:
            self._open.close()
            raise ValueError(f"no step of its history is {first}")
        self._first = sum(not step.get("empty_layer") for step in self.history[: ours[0]])
        layers = (_content(opened, name) for name in manifest["Layers"])
        self._layers = [self._open.enter_context(tarfile.open(fileobj=layer)) for layer in layers]  # noqa: SIM115
        self.files = self._merged()

    def __enter__(self) -> Self:
        """The image, open until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archive."""
        self._open.close()

    @property
    def ours(self) -> Iterator[File]:
        """What layers of ours have brought or changed."""
        return (file for file in self.files.values() if file.layer >= self._first)

    @property
    def bases(self) -> Iterator[File]:
        """What is as the base has it."""
        return (file for file in self.files.values() if file.layer < self._first)

    @property
    def user(self) -> str:
        """The user and the group that it runs as, as the image has them."""
        return self.settings.get("User") or ""

    def read(self, file: File) -> bytes:
        """What a file holds."""
        return _content(self._layers[file.layer], file.info).read()

    def _merged(self) -> dict[str, File]:
        found: dict[str, File] = {}
        for layer, archive in enumerate(self._layers):
            for info in archive:
                file = File(str(PurePosixPath(info.name)).lstrip("/"), info, layer)
                folder = file.name.removesuffix(file.last_name)
                if file.last_name == f"{_GONE}{_GONE}.opq":
                    _take_away(found, folder, layer)
                elif file.last_name.startswith(_GONE):
                    gone = folder + file.last_name.removeprefix(_GONE)
                    found.pop(gone, None)
                    _take_away(found, f"{gone}/", layer)
                elif file.name != ".":
                    found[file.name] = file
        return found


def _content(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(member)
    if opened is None:
        raise ValueError(f"{member} is no file")
    return opened


def _take_away(found: dict[str, File], below: str, before: int) -> None:
    for name in [name for name, file in found.items() if name.startswith(below) and file.layer < before]:
        del found[name]
