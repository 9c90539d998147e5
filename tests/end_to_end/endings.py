"""How each scenario should end, made by hand, for tests that spoil one thing at a time."""

from __future__ import annotations

from dataclasses import replace

from infra.local.judge import Seen
from infra.local.prober import Probe
from infra.local.scenarios.many_alerts import FLAPS, STORM
from infra.local.scenarios.slash_rollback import NOT_ONESELF, REASON
from tests.end_to_end.shapes import LATEST, NEW, OLD, change, message, moves, page, pinned, service

REPROJECT = (
    "rebuild the projection: mix runtime.convex.reproject --run-id RUN, "
    "mix runtime.convex.reproject --worker-id WORKER, mix runtime.convex.reproject --all"
)
SAME_DATABASE = "No rollback is proposed: another revision would meet the same one"
NO_OLDER = "No rollback is proposed: there is no revision older than it"


def left_alone(lane: str, person: str, channel: str, says: str = "", alerts: int = 1) -> Seen:
    """One page, and traffic as it was; `says` is on the card and, of no rollback, in the story."""
    unavailable = {"phase": "unavailable", "plan": None, "verdict": None}
    said = [{"at": "2026-11-22T10:00:00+00:00", "kind": "not_proposed", "text": says}]
    incident = {
        "id": "convex-1",
        "stack": "convex",
        "lane": lane,
        "opened_at": "2026-11-22T10:00:00+00:00",
        "alerts": alerts,
        "pages": [page(person)],
        "rollback": unavailable if says.startswith("No rollback") else None,
        "timeline": said if says.startswith("No rollback") else [],
    }
    return Seen(
        incident=incident,
        drills=(),
        incidents=[incident],
        messages=[message(channel, says, "acknowledge")],
        services=[service(name, LATEST, OLD[name]) for name in OLD],
        stacks=[{"stack": "convex", "writes": 3, "open_incidents": ["convex-1"]}],
        requests=[],
        before=dict.fromkeys(OLD, LATEST),
        probes=[Probe(10.0 + n, name, 200, OLD[name]) for n in range(3) for name in OLD],
        seconds=2.0,
    )


def rolled_back() -> Seen:
    """Both services failed from second 10 on, were moved at 12 and served again at 13.5."""
    incident = {
        **(left_alone("infra", "ines", "#oncall-infra").incident or {}),
        "rollback": {
            "phase": "applied",
            "plan": "p",
            "verdict": "recovered",
            "services": moves(),
            "approved_by": "ines",
            "rto_seconds": 1.5,
        },
    }
    return Seen(
        incident=incident,
        drills=(),
        incidents=[incident],
        messages=[message("#oncall-infra", "Rolled back")],
        services=[service(name, pinned(OLD[name]), OLD[name]) for name in OLD],
        stacks=[],
        requests=[change(name, 12.0, LATEST, pinned(OLD[name])) for name in OLD],
        before=dict.fromkeys(OLD, LATEST),
        probes=[_probe(name, 9.0 + n / 4) for n in range(40) for name in OLD],
        seconds=5.0,
    )


def asked_for() -> Seen:
    """Nothing failed; Ines asked, was refused her own approval, and Carla gave it."""
    whole = rolled_back()
    timeline = [
        {"kind": "opened", "text": f"Ines Carvalho asks for a rollback: {REASON}"},
        {"kind": "refused", "text": f"refused: {NOT_ONESELF}; somebody else has to"},
    ]
    incident = {
        **(whole.incident or {}),
        "pages": [page("carla", "asked")],
        "rollback": {**whole.rollback, "approved_by": "carla"},
        "timeline": timeline,
    }
    told = message("#oncall-infra", "you may not") | {"ephemeral_to": "U0INFRA001"}
    probes = [
        Probe(at, name, 200, OLD[name] if at >= 13.5 else NEW[name])
        for at in (10.0 + n / 4 for n in range(30))
        for name in OLD
    ]
    return replace(
        whole,
        incident=incident,
        incidents=[incident],
        messages=[message("#incident-command", "Rolled back"), told],
        probes=probes,
    )


def _probe(name: str, at: float) -> Probe:
    bad = 10.0 <= at < 13.5
    return Probe(at, name, 500 if bad else 200, NEW[name] if bad else OLD[name])


def half_undone() -> Seen:
    """The first service was moved and put back, the second refused; paged twice."""
    whole = rolled_back()
    changed = {"verdict": "not_recovered", "phase": "undone"}
    rollback = {**whole.rollback, **changed}
    pages = [page("ines"), page("ines", "rollback-undone")]
    incident = {**(whole.incident or {}), "rollback": rollback, "pages": pages}
    both = "; ".join(f"{name}: before LATEST" for name in OLD)
    posts = [message("#oncall-infra", "x"), message("#oncall-infra", both)]
    return Seen(
        incident=incident,
        drills=(),
        incidents=[incident],
        messages=posts,
        services=[service(name, LATEST, NEW[name]) for name in OLD],
        stacks=[],
        requests=whole.requests,
        before=whole.before,
        probes=whole.probes,
        seconds=5.0,
    )


def drilled() -> Seen:
    """Moved at 12, served by the target from 13.5, asked back at 14 and back at 15.5."""
    report = {
        "id": "drill-1",
        "passed": True,
        "applied": True,
        "text": "rolled back in 1.5 s and put back in 1.5 s",
        "rto_seconds": 1.5,
        "restore_seconds": 1.5,
        "total_seconds": 3.5,
        "services": moves(),
    }
    there = [change(name, 12.0, LATEST, pinned(OLD[name])) for name in OLD]
    back = [change(name, 14.0, pinned(OLD[name]), LATEST) for name in OLD]
    return Seen(
        incident=None,
        drills=[report],
        incidents=[],
        messages=[],
        services=[service(name, LATEST, NEW[name]) for name in OLD],
        stacks=[],
        requests=[*there, *back],
        before=dict.fromkeys(OLD, LATEST),
        probes=[
            Probe(at, name, 200, OLD[name] if 13.5 <= at < 15.5 else NEW[name])
            for at in (10.0 + n / 4 for n in range(30))
            for name in OLD
        ],
        seconds=5.0,
    )


ENDINGS = {
    "bad-revision": rolled_back(),
    "half-rollback": half_undone(),
    "storm": left_alone("infra", "ines", "#oncall-infra", alerts=STORM),
    "flapping": left_alone("infra", "ines", "#oncall-infra", alerts=FLAPS),
    "projector-drift": left_alone("projector", "ruth", "#oncall-runtime", REPROJECT),
    "token-minting": left_alone("auth", "wanda", "#oncall-web"),
    "cloud-sql-down": left_alone("infra", "ines", "#oncall-infra", SAME_DATABASE),
    "no-good-revision": left_alone("infra", "ines", "#oncall-infra", NO_OLDER),
    "slash-rollback": asked_for(),
    "drill": drilled(),
}
