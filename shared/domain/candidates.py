"""Which revision a service could be rolled back to, and why each other one could not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.ledger import ServiceRecord
from shared.domain.rollback import NoPlan, Revision, ServiceState

BARRIER: Final = "switchman-barrier"
"""The label of a revision that brought in what cannot be undone: nothing older works with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One revision older than the current one. `proven`: it is known-good; `why` says what for.

    Without `eligible` it is never a target, and `why` says what is in the way.
    """

    revision: Revision
    eligible: bool
    proven: bool
    why: str

    def in_words(self) -> str:
        """One line about it."""
        if not self.eligible:
            return f"{self.revision.name}: no, {self.why}"
        return f"{self.revision.name}: {'known-good' if self.proven else 'unproven'}, {self.why}"


def candidates(
    state: ServiceState,
    revisions: Sequence[Revision],
    record: ServiceRecord | None,
    rolled_back: frozenset[str] = frozenset(),
    did_not_help: frozenset[str] = frozenset(),
) -> tuple[Candidate, ...] | NoPlan:
    """Every revision older than the one that serves now, the newest first.

    `rolled_back` are the digests of images that were rolled back from and not yet released,
    `did_not_help` the revisions that were tried in this incident.
    """
    if state.reconciling:
        why = "a change is still being carried out; nothing is planned on top of it"
        return NoPlan(reason=why, passes=True)
    current = next((r for r in revisions if r.name == state.main_revision), None)
    if current is None:
        return NoPlan(reason=f"its revision {state.main_revision or '(none)'} is not to be found")
    older = sorted(
        (r for r in revisions if r.created_at < current.created_at),
        key=lambda revision: revision.created_at,
        reverse=True,
    )
    found: list[Candidate] = []
    barrier = current.name if BARRIER in current.labels else ""
    for revision in older:
        against = _against(revision, rolled_back, barrier)
        if revision.name in did_not_help:
            against = "it was tried in this incident, and did not help"
        found.append(_judged(revision, record, against))
        if BARRIER in revision.labels:
            barrier = barrier or revision.name
    return tuple(found)


def choose(found: Sequence[Candidate]) -> Candidate | None:
    """The newest known-good one; without any, the newest that may be a target at all."""
    eligible = [each for each in found if each.eligible]
    return next((each for each in eligible if each.proven), next(iter(eligible), None))


def ruled_out(found: Sequence[Candidate], revision: str, why: str) -> tuple[Candidate, ...]:
    """The same candidates, of which this one may not be a target after all."""
    return tuple(
        replace(each, eligible=False, why=why) if each.revision.name == revision else each
        for each in found
    )


def _judged(revision: Revision, record: ServiceRecord | None, against: str) -> Candidate:
    proof = record.proof(revision.name) if record else None
    if against:
        return Candidate(revision=revision, eligible=False, proven=proof is not None, why=against)
    if proof is None:
        why = "it is Ready, but never seen to serve real requests for long enough"
        return Candidate(revision=revision, eligible=True, proven=False, why=why)
    why = f"it answered {proof.requests} requests by {proof.proven_at:%Y-%m-%d %H:%M} UTC"
    return Candidate(revision=revision, eligible=True, proven=True, why=why)


def _against(revision: Revision, rolled_back: frozenset[str], barrier: str) -> str:
    if barrier:
        return f"{barrier} is labelled {BARRIER}: nothing before it works with what it changed"
    if revision.digest and revision.digest in rolled_back:
        return "its image was rolled back from, and has not been released since"
    if not revision.ready:
        return f"it is not Ready{f': {revision.why_not_ready}' if revision.why_not_ready else ''}"
    return ""
