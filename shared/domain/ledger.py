"""What each look at a service teaches: which revisions are known to be good, and who took over.

A revision is known-good when it has served at least the policy's share for the soak time, with
real requests, and no critical alert open on its stack. No traffic is not good health: a revision
nobody is known to have used proves nothing, however long it stood there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.rollback import ServiceState, Split

KEEP: Final = 10
"""So many known-good revisions of a service are remembered, the newest first."""

LANDS: Final = timedelta(minutes=5)
"""So long after its end a change of ours may still take effect, or be seen for the first time."""

GAP: Final = timedelta(minutes=5)
"""After so long without a look nobody knows what was served meanwhile: the soak starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRules:
    """When a revision counts as known-good, and whose changes of traffic are everyday business.

    `share` is in percent of the service's requests, `soak` how long it has to serve that share,
    `requests` how many real ones it has to answer meanwhile.
    """

    share: int = 50
    soak: timedelta = timedelta(minutes=30)
    requests: int = 1
    deployers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """A revision on its way to be known-good: since when it has served its share."""

    revision: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A revision that proved itself. `digest` is its image's, empty where it is not known."""

    revision: str
    digest: str
    proven_at: datetime
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """A person changed the traffic: automation is off for the service until it is cleared."""

    at: datetime
    by: str
    found: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChange:
    """The end of a change of ours: none of these splits is anybody else's doing."""

    at: datetime
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """What is remembered of one service.

    `moved_at` is when its traffic was last seen to change. `main` is the revision that served
    most at the last look, and `main_since` when that was first seen: None if it was so at the
    first look already. LATEST stays the same word while what it means changes. `own` is our last
    change, until it was surely seen. `tagged` is the revision that we tagged as known-good;
    nothing is tagged before `tag_after`. `trouble` is what the last look could not find out.
    """

    service: str
    traffic: Split
    seen_at: datetime
    moved_at: datetime | None = None
    main: str = ""
    main_since: datetime | None = None
    soaks: tuple[Soak, ...] = ()
    good: tuple[Good, ...] = ()
    latch: Latch | None = None
    own: OwnChange | None = None
    tagged: str = ""
    tag_after: datetime | None = None
    trouble: str = ""

    def proof(self, revision: str) -> Good | None:
        """How this revision proved itself, if it did."""
        return next((each for each in self.good if each.revision == revision), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a service.

    `digests` and `requests` are by revision; a revision without an entry in `requests` is one
    whose requests nobody could count. `trouble` says what could not be found out.
    """

    service: str
    state: ServiceState
    digests: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else counts at the time of a look.

    `critical`: a critical alert is open on the stack. `ours` are the splits before and after of
    every change that Switchman recorded or has under way.
    """

    critical: bool
    ours: tuple[Split, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a look taught: the record now, who took over, and which revisions proved themselves."""

    record: ServiceRecord
    latched: Latch | None = None
    proven: tuple[Good, ...] = ()


def learn(
    record: ServiceRecord | None, look: Look, rules: LedgerRules, around: Circumstances
) -> Learned:
    """The record after this look. The first look at a service only remembers what it saw."""
    asked = look.state.traffic
    around = _with_own(around, record)
    if record is None:
        record = ServiceRecord(
            service=look.service, traffic=asked, seen_at=around.now, main=look.state.main_revision
        )
        return Learned(record=_soaking(record, look, rules, around)[0])
    moved = bare(asked) != bare(record.traffic)
    latch = _taken_over(look.state, rules, around) if moved else None
    soaked, proven = _soaking(record, look, rules, around)
    main = look.state.main_revision
    took_over = bool(record.main) and main != record.main
    record = replace(
        soaked,
        traffic=asked,
        seen_at=around.now,
        moved_at=around.now if moved else record.moved_at,
        main=main,
        main_since=around.now if took_over else record.main_since,
        latch=record.latch or latch,
        own=record.own if record.own and around.now < record.own.at + LANDS else None,
        trouble=look.trouble,
    )
    return Learned(record=record, latched=latch if soaked.latch is None else None, proven=proven)


def bare(split: Split) -> frozenset[tuple[str, int]]:
    """What a split asks for, tags aside: the share of each revision that gets any."""
    shares: dict[str, int] = {}
    for target in split:
        if target.percent:
            shares[target.revision] = shares.get(target.revision, 0) + target.percent
    return frozenset(shares.items())


def _with_own(around: Circumstances, record: ServiceRecord | None) -> Circumstances:
    if record is None or record.own is None:
        return around
    return replace(around, ours=(*around.ours, *record.own.splits))


def _taken_over(state: ServiceState, rules: LedgerRules, around: Circumstances) -> Latch | None:
    """A latch, if this change was neither ours nor a deployer's."""
    if bare(state.traffic) in {bare(split) for split in around.ours}:
        return None
    if state.last_modifier in rules.deployers:
        return None
    return Latch(at=around.now, by=state.last_modifier, found=state.traffic)


def _soaking(
    record: ServiceRecord, look: Look, rules: LedgerRules, around: Circumstances
) -> tuple[ServiceRecord, tuple[Good, ...]]:
    """The record with what soaks now, and what has thereby proved itself."""
    if around.critical:
        return replace(record, soaks=()), ()
    known = {} if _lost_sight(record, around) else {s.revision: s.since for s in record.soaks}
    serving = [name for name, share in _shares(look.state).items() if share >= rules.share]
    soaks = tuple(Soak(revision=name, since=known.get(name, around.now)) for name in serving)
    proven = tuple(
        Good(
            revision=soak.revision,
            digest=look.digests.get(soak.revision, ""),
            proven_at=around.now,
            requests=look.requests[soak.revision],
        )
        for soak in soaks
        if around.now - soak.since >= rules.soak
        and record.proof(soak.revision) is None
        and look.requests.get(soak.revision, 0) >= rules.requests
    )
    return replace(record, soaks=soaks, good=(*proven, *record.good)[:KEEP]), proven


def _lost_sight(record: ServiceRecord, around: Circumstances) -> bool:
    """Whether nobody looked for too long, or the clock went back meanwhile."""
    return not timedelta() <= around.now - record.seen_at <= GAP


def _shares(state: ServiceState) -> dict[str, int]:
    """The observed share of each revision; a service that is not Ready serves nothing for sure."""
    if not state.ready:
        return {}
    shares: dict[str, int] = {}
    for target in state.serving:
        name = target.revision or state.latest_ready
        shares[name] = shares.get(name, 0) + target.percent
    return shares
