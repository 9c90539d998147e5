"""Snapshots in a folder: each a file and its manifest; the data itself is a file beside them.

    STACK/live                  the data
    STACK/snapshots/ID          a snapshot, byte for byte
    STACK/snapshots/ID.json     its manifest: format, sha256, size, taken_at, made_by
    STACK/operations/KEY.json   what was begun, and how it ended

Every file is whole, old or new, however the process ends: it is written beside and moved into place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from shared.domain.errors import Refused, Transient, UnknownOutcome
from shared.domain.snapshots import (
    Content,
    Operation,
    OperationState,
    Shelf,
    Snapshot,
)
from shared.ports import Clock, HealthResult

FORMAT: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FolderSnapshots:
    """`Snapshots` of a folder that has one folder for each stack."""

    root: Path
    clock: Clock

    def shelf(self, stack: str) -> Shelf:
        """Every snapshot with a manifest; one that cannot be read is refused by name."""
        with _files():
            manifests = sorted((self._stack(stack) / "snapshots").glob("*.json"))
            return Shelf(takes=FORMAT, snapshots=tuple(map(_manifest, manifests)))

    def verify(self, stack: str, snapshot: str) -> Content:
        """The SHA-256 and size of the file."""
        with _files():
            return _content(self._file(stack, snapshot))

    def export(self, stack: str, key: str) -> None:
        """Copy the data. One that was interrupted is made anew: it replaced nothing."""
        known = self.look_up(stack, key)
        if known is not None and known.state is not OperationState.RUNNING:
            return
        name = f"before-{key.partition('-')[0]}"
        with _files():
            folder = self._stack(stack)
            self._note(stack, key, {"state": OperationState.RUNNING.value})
            file = folder / "snapshots" / name
            _copy(folder / "live", file)
            found = _content(file)
            manifest = {
                "format": FORMAT,
                "sha256": found.digest,
                "size": found.size,
                "taken_at": self.clock.now().isoformat(),
                "made_by": key,
            }
            _write(file.with_name(f"{name}.json"), manifest)
            done = {"state": OperationState.DONE.value, "detail": "exported", "snapshot": name}
            self._note(stack, key, done)

    def import_replace(self, stack: str, snapshot: Snapshot, key: str) -> None:
        """Copy the snapshot beside the data, and move it into place if it has the digest."""
        with _files():
            source, folder = self._file(stack, snapshot.id), self._stack(stack)
            if not self._begin(stack, key):
                return
        try:
            self._replace(stack, folder, source, snapshot, key)
        except OSError as error:
            raise UnknownOutcome(f"the import was interrupted: {error}") from error

    def look_up(self, stack: str, key: str) -> Operation | None:
        """What was noted of it."""
        with _files():
            noted = _read(self._operation(stack, key))
            if noted is None:
                return None
            made = noted.get("snapshot")
            return Operation(
                state=OperationState(noted["state"]),
                detail=noted.get("detail", ""),
                snapshot=_manifest(self._file(stack, made).with_name(f"{made}.json"))
                if made
                else None,
            )

    def smoke(self, stack: str, snapshot: Snapshot) -> HealthResult:
        """Whether the data is the snapshot, byte for byte."""
        with _files():
            found = _content(self._stack(stack) / "live")
        if found.digest == snapshot.digest:
            return HealthResult(True, f"the data is that of {snapshot.id}")
        return HealthResult(False, f"the data is not that of {snapshot.id}: {found.digest[:12]}")

    def _replace(
        self, stack: str, folder: Path, source: Path, snapshot: Snapshot, key: str
    ) -> None:
        new = folder / f"live.{key}"
        _copy(source, new)
        if _content(new).digest != snapshot.digest:
            new.unlink()
            state, detail = OperationState.FAILED, "the snapshot has changed; nothing was replaced"
        else:
            new.replace(folder / "live")
            state, detail = OperationState.DONE, f"{snapshot.size} bytes"
        self._note(stack, key, {"state": state.value, "detail": detail})

    def _stack(self, stack: str) -> Path:
        folder = self.root / _named(stack)
        if not (folder / "live").is_file():
            raise Refused(f"there is no data of {stack}: {folder}/live is no file")
        return folder

    def _file(self, stack: str, snapshot: str) -> Path:
        file = self._stack(stack) / "snapshots" / _named(snapshot)
        if not file.is_file():
            raise Refused(f"there is no snapshot {snapshot!r} of {stack}")
        return file

    def _operation(self, stack: str, key: str) -> Path:
        return self._stack(stack) / "operations" / f"{_named(key)}.json"

    def _begin(self, stack: str, key: str) -> bool:
        """Note that it begins; False if that was noted before, whoever did."""
        file = self._operation(stack, key)
        file.parent.mkdir(exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, prefix=".") as new:
            json.dump({"state": OperationState.RUNNING.value}, new)
            new.flush()
            try:
                os.link(new.name, file)  # fails where there is one, and is never seen half-written
            except FileExistsError:
                return False
        return True

    def _note(self, stack: str, key: str, said: dict[str, Any]) -> None:
        _write(self._operation(stack, key), said)


@contextmanager
def _files() -> Iterator[None]:
    """A folder that cannot be read now may be later; a manifest that makes no sense will not."""
    try:
        yield
    except OSError as error:
        raise Transient(f"the folder of snapshots cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"a file of the folder of snapshots makes no sense: {error}") from error


def _named(name: str) -> str:
    """The name, if it names a file of the folder and no other."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name[:40]!r} is no name of a snapshot")
    return name


def _manifest(file: Path) -> Snapshot:
    try:
        said = json.loads(file.read_text())
        return Snapshot(
            id=file.stem,
            digest=str(said["sha256"]),
            size=int(said["size"]),
            taken_at=datetime.fromisoformat(said["taken_at"]).astimezone(UTC),
            format=int(said["format"]),
            made_by=str(said.get("made_by", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file.name}: {error}") from error


def _content(file: Path) -> Content:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Content(digest=digest.hexdigest(), size=size)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with source.open("rb") as opened, _whole(target) as file:
        shutil.copyfileobj(opened, file, _CHUNK)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return said


def _write(file: Path, said: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    with _whole(file) as opened:
        opened.write(json.dumps(said).encode())


@contextmanager
def _whole(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the target's place once it is written; whoever else writes has another."""
    with NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)
