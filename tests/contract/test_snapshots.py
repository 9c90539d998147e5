"""What every Snapshots does: the fake of the use-case tests, and the folder on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Protocol

import pytest

from shared.adapters.folder_snapshots import FORMAT, FolderSnapshots
from shared.domain.errors import Refused, Transient
from shared.domain.snapshots import OperationState, Snapshot
from shared.ports import Snapshots
from tests.builders import NOON
from tests.fakes.clock import ManualClock
from tests.fakes.snapshots import FakeSnapshots

GOOD, NOW = b"as it was", b"as it is now"
TAKEN = NOON - timedelta(hours=3)


class Source(Protocol):
    """Snapshots of the stack `shop`, and what a test does to them from outside."""

    snapshots: Snapshots

    def put(self, name: str, content: bytes) -> None: ...

    def spoil(self, name: str) -> None: ...

    def live(self) -> bytes: ...

    def write(self, content: bytes) -> None: ...


class Fake:
    """Snapshots in memory."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeSnapshots(ManualClock(NOON))
        self.snapshots: Snapshots = self.fake
        self.write(NOW)

    def put(self, name: str, content: bytes) -> None:
        self.fake.put("shop", name, content, TAKEN)

    def spoil(self, name: str) -> None:
        self.fake.spoil("shop", name)

    def live(self) -> bytes:
        return self.fake.live["shop"]

    def write(self, content: bytes) -> None:
        self.fake.live["shop"] = content


class Folder:
    """Snapshots on disk."""

    def __init__(self, folder: Path) -> None:
        self.snapshots: Snapshots = FolderSnapshots(folder, ManualClock(NOON))
        self._folder = folder / "shop"
        (self._folder / "snapshots").mkdir(parents=True)
        self.write(NOW)

    def put(self, name: str, content: bytes) -> None:
        manifest = {
            "format": FORMAT,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "taken_at": TAKEN.isoformat(),
        }
        (self._folder / "snapshots" / name).write_bytes(content)
        (self._folder / "snapshots" / f"{name}.json").write_text(json.dumps(manifest))

    def spoil(self, name: str) -> None:
        with (self._folder / "snapshots" / name).open("ab") as file:
            file.write(b"!")

    def live(self) -> bytes:
        return (self._folder / "live").read_bytes()

    def write(self, content: bytes) -> None:
        (self._folder / "live").write_bytes(content)


@pytest.fixture(params=[Fake, Folder])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Data, and one snapshot of how it was."""
    make: Callable[[Path], Source] = request.param
    made = make(tmp_path)
    made.put("good", GOOD)
    return made


def _good(source: Source) -> Snapshot:
    return next(s for s in source.snapshots.shelf("shop").snapshots if s.id == "good")


def test_the_shelf(source: Source) -> None:
    """Every snapshot is listed as its manifest describes it, with the format that is taken."""
    shelf = source.snapshots.shelf("shop")
    (good,) = shelf.snapshots
    assert (good.id, good.size, good.taken_at, good.made_by) == ("good", len(GOOD), TAKEN, "")
    assert good.format == shelf.takes
    assert good.digest == hashlib.sha256(GOOD).hexdigest()


def test_verifying_reads_what_is_there(source: Source) -> None:
    """`verify` tells what the snapshot holds, whatever its manifest says."""
    good = _good(source)
    found = source.snapshots.verify("shop", "good")
    assert (found.digest, found.size) == (good.digest, good.size)
    source.spoil("good")
    assert source.snapshots.verify("shop", "good").digest != good.digest


@pytest.mark.parametrize("name", ["nowhere", "../live", ""])
def test_an_unknown_snapshot(source: Source, name: str) -> None:
    """A snapshot that is not there, or whose name leads elsewhere, is refused and changes nothing."""
    with pytest.raises(Refused):
        source.snapshots.verify("shop", name)
    with pytest.raises(Refused):
        source.snapshots.import_replace("shop", replace(_good(source), id=name), "k-import")
    assert source.live() == NOW
    assert source.snapshots.look_up("shop", "k-import") is None


@pytest.mark.parametrize("call", ["shelf", "export"])
def test_a_stack_without_data(source: Source, call: str) -> None:
    """A stack that the source does not know is refused."""
    arguments = ["elsewhere", *(["k-export"] if call == "export" else [])]
    with pytest.raises(Refused, match="no data of elsewhere"):
        getattr(source.snapshots, call)(*arguments)


def test_export(source: Source) -> None:
    """An export is a snapshot of the data as it is, said to be made before a rollback."""
    assert source.snapshots.look_up("shop", "abc-export") is None
    source.snapshots.export("shop", "abc-export")
    done = source.snapshots.look_up("shop", "abc-export")
    assert done is not None
    assert done.state is OperationState.DONE
    made = done.snapshot
    assert made is not None
    assert (made.made_by, made.taken_at) == ("abc-export", NOON)
    assert source.snapshots.verify("shop", made.id).digest == hashlib.sha256(NOW).hexdigest()
    assert made in source.snapshots.shelf("shop").snapshots


def test_an_export_is_made_once(source: Source) -> None:
    """Asked for again with the same key, what was exported first stays."""
    source.snapshots.export("shop", "abc-export")
    first = source.snapshots.look_up("shop", "abc-export")
    source.write(b"since then")
    source.snapshots.export("shop", "abc-export")
    assert source.snapshots.look_up("shop", "abc-export") == first


def test_import_replaces_everything(source: Source) -> None:
    """After an import the data is the snapshot's, and its smoke test says so."""
    good = _good(source)
    assert not source.snapshots.smoke("shop", good).ok
    source.snapshots.import_replace("shop", good, "abc-import")
    done = source.snapshots.look_up("shop", "abc-import")
    assert done is not None
    assert done.state is OperationState.DONE
    assert source.live() == GOOD
    assert source.snapshots.smoke("shop", good).ok


def test_an_import_is_begun_once(source: Source) -> None:
    """Asked for again with the same key, nothing is replaced a second time."""
    good = _good(source)
    source.snapshots.import_replace("shop", good, "abc-import")
    source.write(b"since then")
    source.snapshots.import_replace("shop", good, "abc-import")
    assert source.live() == b"since then"


def test_a_changed_snapshot_is_not_imported(source: Source) -> None:
    """A snapshot that is not the one that was meant replaces nothing, and the look-up says so."""
    good = _good(source)
    source.spoil("good")
    source.snapshots.import_replace("shop", good, "abc-import")
    failed = source.snapshots.look_up("shop", "abc-import")
    assert failed is not None
    assert failed.state is OperationState.FAILED
    assert source.live() == NOW


def test_two_at_once_on_disk(tmp_path: Path) -> None:
    """Of two workers that import with one key in a folder, one does."""
    folder = Folder(tmp_path)
    folder.put("good", GOOD)
    good, ready = _good(folder), Barrier(2)

    def work() -> None:
        ready.wait()
        FolderSnapshots(tmp_path, ManualClock(NOON)).import_replace("shop", good, "abc-import")

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert folder.live() == GOOD
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == [
        "live",
        "operations",
        "snapshots",
    ]


def test_an_interrupted_export_on_disk(tmp_path: Path) -> None:
    """An export whose process ended in the middle is made anew; an import never is."""
    folder = Folder(tmp_path)
    folder.put("good", GOOD)
    operations = tmp_path / "shop" / "operations"
    operations.mkdir()
    for key in ("abc-export", "abc-import"):
        (operations / f"{key}.json").write_text('{"state": "running"}')
    folder.snapshots.export("shop", "abc-export")
    done = folder.snapshots.look_up("shop", "abc-export")
    assert done is not None
    assert done.state is OperationState.DONE
    folder.snapshots.import_replace("shop", _good(folder), "abc-import")
    assert folder.live() == NOW


def test_a_manifest_that_makes_no_sense(tmp_path: Path) -> None:
    """A manifest that cannot be read is refused by its name, whatever is wrong with it."""
    folder = Folder(tmp_path)
    (tmp_path / "shop" / "snapshots" / "odd.json").write_text('{"format": 1}')
    with pytest.raises(Refused, match=r"odd\.json"):
        folder.snapshots.shelf("shop")


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """What cannot be read now may be later: the caller tries again."""
    folder = Folder(tmp_path)
    (tmp_path / "shop" / "snapshots" / "odd.json").mkdir()
    with pytest.raises(Transient):
        folder.snapshots.shelf("shop")
