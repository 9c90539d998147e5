"""What must hold of incidents that hang together: nobody waits for what nobody has."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.incident import Incident
from shared.domain.incident_state import OVER, State
from shared.domain.paging import PageStep
from shared.domain.stack import Stack

Wrong = tuple[str, str]
WAITS = "whoever waits for a cause waits for one that is open and was paged"
AGAIN = "whoever waits no longer is paged again"


def wrong_with_links(head: Stack, before: Stack | None) -> Iterator[Wrong]:
    """Every invariant that the head breaks, of which `before` is the one before it."""
    for incident in head.open_incidents():
        cause = incident.cause
        if cause is not None and cause.holds:
            known = head.holding(cause.incident)
            if known is None or known.state in OVER or known.aside or not _paged(known):
                yield WAITS, f"{incident.id} for {cause.incident}"
        elif not _paged_again(incident, before.incident(incident.id) if before else None):
            yield AGAIN, incident.id


def _paged(incident: Incident) -> bool:
    return any(page.step is not PageStep.ASKED for page in incident.pages)


def _paged_again(incident: Incident, before: Incident | None) -> bool:
    """Unless nothing of it fires just now; then a reminder comes, should it fire again."""
    waited = before is not None and before.cause is not None and before.cause.holds
    if before is None or not waited or before.state in OVER:
        return True
    if incident.state is State.RESOLVING:
        return incident.acknowledged_at is None
    return len(incident.pages) > len(before.pages)
