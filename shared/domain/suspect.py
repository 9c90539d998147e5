"""Which revision is to be suspected of what begins now, and how much traffic it has: the exposure.

What has changed lately is suspected first. Where nothing has, nothing is suspected, and whatever
serves is all there is: everybody who uses it is exposed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.domain.blast_radius import BlastRadius, Exposure, Suspect
from shared.domain.ledger import GAP, ServiceRecord
from shared.domain.stack import Stack

EVERYBODY: Final = 100


def suspect(record: ServiceRecord, at: datetime, within: timedelta) -> Suspect | None:
    """The revision of the service that is to be suspected; None where nothing is new.

    One that took over lately, or that got a share lately beside the one that serves most. One
    that had proved itself before that is nothing new, such as one rolled back to.
    """
    if record.main_since is not None and _lately(record.main_since, at, within):
        return _found(record, record.main, record.main_since)
    if record.moved_at is None or not _lately(record.moved_at, at, within):
        return None
    shares = _shares(record)
    others = [each for each in shares if each != record.main and record.proof(each) is None]
    new = max(others, key=lambda each: shares[each], default="")
    return _found(record, new, record.moved_at) if new else None


def exposure(stack: Stack, at: datetime, rules: BlastRadius) -> Exposure | None:
    """What is exposed at this moment; None where nobody has looked at the services lately."""
    seen = [each for each in stack.services if timedelta() <= at - each.seen_at <= GAP]
    found = [each for r in seen if (each := suspect(r, at, rules.suspect_within)) is not None]
    if found:
        worst = max(found, key=lambda each: each.share)
        return Exposure(share=worst.share, suspect=worst)
    return Exposure(share=EVERYBODY) if seen else None


def _found(record: ServiceRecord, revision: str, since: datetime) -> Suspect | None:
    proof = record.proof(revision)
    if proof is not None and proof.proven_at <= since:
        return None
    share = _shares(record).get(revision, 0)
    return Suspect(service=record.service, revision=revision, share=share, since=since)


def _shares(record: ServiceRecord) -> dict[str, int]:
    """Each revision's share; LATEST is the one that serves most, where that is not named itself."""
    named = {target.revision for target in record.traffic if target.percent}
    latest = "LATEST" if record.main in named else record.main
    found: dict[str, int] = {}
    for target in record.traffic:
        if target.percent:
            name = target.revision or latest
            found[name] = found.get(name, 0) + target.percent
    return found


def _lately(moment: datetime, at: datetime, within: timedelta) -> bool:
    return timedelta() <= at - moment <= within
