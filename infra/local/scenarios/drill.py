"""The scheduled rollback drill: traffic is moved and put back, and nobody notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.local.judge import Claim, Glance, Seen
from infra.local.prober import served_by
from infra.local.scenarios import claims, steps, traffic_claims
from infra.local.scenarios.scenario import Scenario
from infra.local.scenarios.traffic_claims import agreement, first, revisions
from infra.local.stage import Stage

_TIMES = ("rto_seconds", "restore_seconds", "total_seconds")


def ask(stage: Stage) -> bool:
    """Ask as Cloud Scheduler would; the same request twice is one drill."""
    stage.say("Cloud Scheduler asks for the rollback drill, with apply")
    order = {"drill": "rollback", "stack": stage.stack.id, "apply": True}
    return stage.client.drill(order, stage.began.isoformat()) == 200


def reported(stage: Stage) -> bool:
    """Wait for the report, and say where it is."""
    report = next(iter(stage.client.drills()), None)
    if report is None:
        return False
    result = "PASS" if report["passed"] else "FAIL"
    stage.say(f"{result}: {report['text']}\n  {stage.client.base_url}/api/drills")
    return True


def _over(glance: Glance) -> bool:
    return bool(glance.drills)


def _report(seen: Seen) -> dict[str, Any]:
    none = {"passed": False, "text": "no report", "services": ()} | dict.fromkeys(_TIMES)
    return seen.drills[0] if seen.drills else none


def _there_and_back(seen: Seen) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each service's first change and those after it, as Cloud Run logged them."""
    there: dict[str, dict[str, Any]] = {}
    back = []
    for change in seen.changes:
        if change["service"] in there:
            back.append(change)
        else:
            there[change["service"]] = change
    return list(there.values()), back


def passed(seen: Seen) -> Claim:
    """The report says PASS, of a drill that was carried out."""
    report = _report(seen)
    holds = len(seen.drills) == 1 and report["passed"] and report["applied"]
    return Claim("one report says PASS", bool(holds), str(report["text"]))


def below_target(seen: Seen) -> Claim:
    """RTO, restore and the whole are told, and below the target."""
    times = [_report(seen)[name] for name in _TIMES]
    holds = all(time is not None and 0 < time < traffic_claims.TARGET_SECONDS for time in times)
    text = f"RTO, restore and total are below {traffic_claims.TARGET_SECONDS:.0f} s"
    return Claim(text, holds, ", ".join("none" if t is None else f"{t:.2f} s" for t in times))


def each_twice(seen: Seen) -> Claim:
    """Cloud Run's log: each service moved to the target, then asked for what it had."""
    there, back = _there_and_back(seen)
    targets = revisions(_report(seen)["services"], "to")
    to = {c["service"]: [t["revision"] for t in c["traffic_after"] if t["percent"]] for c in there}
    to_target = to == {name: [revision] for name, revision in targets.items()}
    undone = {c["service"]: c["traffic_after"] for c in back} == {
        c["service"]: c["traffic_before"] for c in there
    }
    holds = bool(there) and len(back) == len(there) and to_target and undone
    text = "Cloud Run's log: each service was moved to its target once, and back once"
    return Claim(text, holds, f"{len(there)} there, {len(back)} back")


def put_back(seen: Seen) -> Claim:
    """Every service is served by the revision it had at the start of the drill."""
    origins = revisions(_report(seen)["services"], "from")
    back = [
        name for name, revision in origins.items() if traffic_claims.serving(seen, name) == revision
    ]
    holds = len(back) == len(seen.services) > 0
    return Claim("each service is served by the revision it had", holds, ", ".join(back))


def times_agree(seen: Seen) -> Claim:
    """What the report says is what Cloud Run's log and the prober show together."""
    text = f"RTO, restore and total are the prober's within {traffic_claims.AGREES_WITHIN} s"
    said = [_report(seen)[name] for name in _TIMES]
    each = [agreement(text, *pair) for pair in zip(said, _probed(seen), strict=True)]
    return Claim(text, all(one.holds for one in each), "; ".join(one.seen for one in each))


def _probed(seen: Seen) -> tuple[float | None, float | None, float | None]:
    """RTO, restore and total as seen from outside; None for what was never seen."""
    there, back = _there_and_back(seen)
    began, turned = first(there), first(back)
    if began is None or turned is None:
        return None, None, None
    services = _report(seen)["services"]
    moved = served_by(seen.probes, revisions(services, "to"), began)
    returned = served_by(seen.probes, revisions(services, "from"), turned)
    return (
        moved - began if moved else None,
        returned - turned if returned else None,
        returned - began if returned else None,
    )


def findings(seen: Seen) -> Sequence[str]:
    """What the report lists."""
    return tuple(_report(seen).get("findings", ()))


DRILL = Scenario(
    name="drill",
    about="the scheduled drill rolls both services back and puts them back, within the target",
    steps=(steps.deploy("good"), steps.deployed, ask, reported),
    ended=_over,
    claims=(
        passed,
        below_target,
        each_twice,
        put_back,
        traffic_claims.as_before,
        times_agree,
        traffic_claims.none_failed,
        claims.no_incident,
    ),
    adds=findings,
)
