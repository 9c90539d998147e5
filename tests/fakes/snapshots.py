"""Snapshots in memory."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.errors import Refused
from shared.domain.snapshots import (
    Content,
    Operation,
    OperationState,
    Shelf,
    Snapshot,
)
from shared.ports import Clock, HealthResult

FORMAT = 1


class FakeSnapshots:
    """A stack's data as bytes, and copies of it. An operation takes `takes`."""

    def __init__(self, clock: Clock, takes: timedelta = timedelta()) -> None:
        self._clock = clock
        self.takes = takes
        self.live: dict[str, bytes] = {}
        self.imports: list[tuple[str, str, str]] = []
        self._contents: dict[tuple[str, str], bytes] = {}
        self._manifests: dict[tuple[str, str], Snapshot] = {}
        self._operations: dict[tuple[str, str], tuple[datetime, Operation]] = {}

    def put(self, stack: str, name: str, content: bytes, taken_at: datetime) -> Snapshot:
        """There is a snapshot with this content."""
        found = _content(content)
        snapshot = Snapshot(
            id=name, digest=found.digest, size=found.size, taken_at=taken_at, format=FORMAT
        )
        self._contents[stack, name] = content
        self._manifests[stack, name] = snapshot
        return snapshot

    def spoil(self, stack: str, name: str) -> None:
        """The snapshot's content is no longer what its manifest says."""
        self._contents[stack, name] += b"!"

    def describe(self, stack: str, name: str, **changes: object) -> None:
        """Its manifest says this instead."""
        known = self._manifests[stack, name]
        self._manifests[stack, name] = replace(known, **changes)  # type: ignore[arg-type]  # any field

    def shelf(self, stack: str) -> Shelf:
        self._data(stack)
        found = [each for (of, _), each in self._manifests.items() if of == stack]
        return Shelf(takes=FORMAT, snapshots=tuple(sorted(found, key=lambda each: each.id)))

    def verify(self, stack: str, snapshot: str) -> Content:
        return _content(self._content(stack, snapshot))

    def export(self, stack: str, key: str) -> None:
        if (stack, key) in self._operations:
            return
        name = f"before-{key.partition('-')[0]}"
        self.put(stack, name, self._data(stack), self._clock.now())
        self.describe(stack, name, made_by=key)
        made = self._manifests[stack, name]
        self._began(stack, key, Operation(state=OperationState.DONE, snapshot=made))

    def import_replace(self, stack: str, snapshot: Snapshot, key: str) -> None:
        content = self._content(stack, snapshot.id)
        if (stack, key) in self._operations:
            return
        if _content(content).digest != snapshot.digest:
            failed = Operation(state=OperationState.FAILED, detail="the snapshot has changed")
            self._began(stack, key, failed)
            return
        self.imports.append((stack, snapshot.digest, key))
        self.live[stack] = content
        self._began(stack, key, Operation(state=OperationState.DONE, detail="all of it"))

    def look_up(self, stack: str, key: str) -> Operation | None:
        began = self._operations.get((stack, key))
        if began is None:
            return None
        running = self._clock.now() < began[0] + self.takes
        return Operation(state=OperationState.RUNNING) if running else began[1]

    def smoke(self, stack: str, snapshot: Snapshot) -> HealthResult:
        same = _content(self._data(stack)).digest == snapshot.digest
        return HealthResult(same, f"the data is{'' if same else ' not'} that of {snapshot.id}")

    def _began(self, stack: str, key: str, ends: Operation) -> None:
        self._operations[stack, key] = (self._clock.now(), ends)

    def _data(self, stack: str) -> bytes:
        if stack not in self.live:
            raise Refused(f"there is no data of {stack}")
        return self.live[stack]

    def _content(self, stack: str, name: str) -> bytes:
        self._data(stack)
        content = self._contents.get((stack, name))
        if content is None:
            raise Refused(f"there is no snapshot {name!r} of {stack}")
        return content


def _content(content: bytes) -> Content:
    return Content(digest=hashlib.sha256(content).hexdigest(), size=len(content))
