"""Snapshots of a stack's data: which one may be gone back to, and why another may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.rollback import NoPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRules:
    """Where a stack's snapshots are, and which may be imported.

    `max_age`: how long ago a snapshot may have been taken. `verified_within`: how long ago it may
    have been verified when its import begins. `approvers` are teams; without any, those that may
    approve the stack's rollbacks. How many people must approve is no rule: always two.
    """

    source: str
    approvers: tuple[str, ...] = ()
    max_age: timedelta = timedelta(days=7)
    verified_within: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One snapshot as its manifest describes it; what it holds is only known once verified.

    `made_by` is the data rollback before which it was exported: the state that was to be left,
    which nothing says to be good.
    """

    id: str
    digest: str
    size: int
    taken_at: datetime
    format: int
    made_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The snapshots of a stack, and the one format that the source can import today."""

    takes: int
    snapshots: tuple[Snapshot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a snapshot was found to hold, by reading all of it."""

    digest: str
    size: int


class OperationState(StrEnum):
    """How far an export or import has got."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An export or import that a source has begun; `snapshot` is what a complete export made."""

    state: OperationState
    detail: str = ""
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A snapshot, and why it may not be imported; an empty `why_not` means that it may.

    `chosen` unasked only if it is known-good: what was exported before a rollback never is.
    """

    snapshot: Snapshot
    why_not: str

    @property
    def chosen(self) -> bool:
        """Whether it would be taken where nobody names one."""
        return not self.why_not and not self.snapshot.made_by


def weigh(shelf: Shelf, rules: DataRules, now: datetime) -> tuple[Weighed, ...]:
    """Every snapshot, the newest first, with why it qualifies or not."""
    newest = sorted(shelf.snapshots, key=lambda each: (each.taken_at, each.id), reverse=True)
    return tuple(Weighed(snapshot=s, why_not=_why_not(s, shelf, rules, now)) for s in newest)


def choose(weighed: tuple[Weighed, ...], wanted: str) -> Snapshot | NoPlan:
    """The snapshot that was asked for, or the newest that qualifies; or why there is none."""
    if not wanted:
        found = next((each.snapshot for each in weighed if each.chosen), None)
        return found or NoPlan(reason=_none(weighed))
    named = next((each for each in weighed if each.snapshot.id == wanted), None)
    if named is None:
        known = ", ".join(each.snapshot.id for each in weighed) or "none"
        return NoPlan(reason=f"there is no snapshot {wanted!r}; there is: {known}")
    why_not = named.why_not
    return NoPlan(reason=f"snapshot {wanted} {why_not}") if why_not else named.snapshot


def mismatch(snapshot: Snapshot, found: Content) -> str:
    """What is wrong with a snapshot that holds this; empty if it is what its manifest says."""
    if (found.digest, found.size) == (snapshot.digest, snapshot.size):
        return ""
    return (
        f"snapshot {snapshot.id} is not what its manifest says: it holds {found.size} bytes,"
        f" {found.digest[:12]}, and was to hold {snapshot.size} bytes, {snapshot.digest[:12]}"
    )


def _why_not(snapshot: Snapshot, shelf: Shelf, rules: DataRules, now: datetime) -> str:
    if snapshot.format != shelf.takes:
        than = "newer" if snapshot.format > shelf.takes else "older"
        return (
            f"has format {snapshot.format}, {than} than the format {shelf.takes}"
            " that can be imported"
        )
    if now - snapshot.taken_at > rules.max_age:
        return f"was taken more than {rules.max_age} ago, which is as old as the policy allows"
    return ""


def _none(weighed: tuple[Weighed, ...]) -> str:
    if not weighed:
        return "there are no snapshots"
    tried = "; ".join(f"{w.snapshot.id} {w.why_not or _BEFORE}" for w in weighed[:3])
    return f"no snapshot qualifies: {tried}"


_BEFORE = "was exported before a data rollback, and is only taken by name"
