"""A bad revision, put right; and the same with a Cloud Run that refuses half-way."""

from __future__ import annotations

from infra.local.judge import Claim, Seen
from infra.local.scenarios import claims, steps, traffic_claims
from infra.local.scenarios.scenario import Scenario, judged
from infra.local.stage import Stage


def refuse_second(stage: Stage) -> bool:
    """Once a rollback is proposed, have Cloud Run refuse to change the second service."""
    if stage.proposal() is None:
        return False
    stage.client.fault(stage.services[1], "refuse_update")
    stage.say("From now on Cloud Run refuses changes of the second service")
    return True


def both_states(seen: Seen) -> Claim:
    """The second page tells how each service was found and what came of it."""
    last = str(seen.messages[-1]["blocks"]) if seen.messages else ""
    names = [service["service"] for service in seen.rollback.get("services", [])]
    told = [name for name in names if f"{name}: before " in last]
    holds = len(told) == len(names) > 0
    return Claim("the second page tells both services' states", holds, ", ".join(told))


BAD_REVISION = Scenario(
    name="bad-revision",
    about="every service gets a revision that fails; a person approves the rollback",
    steps=(steps.deploy("failing"), steps.approve, steps.verdict),
    monitored=True,
    ended=judged,
    claims=(
        claims.one_incident,
        claims.pages(1),
        claims.approved,
        traffic_claims.served,
        traffic_claims.moved_once,
        claims.verdict("recovered"),
        traffic_claims.rto_agrees,
        traffic_claims.good_now,
        claims.no_buttons_left,
    ),
)

HALF_ROLLBACK = Scenario(
    name="half-rollback",
    about="Cloud Run refuses to move the second service: the first is put back, and it is said",
    steps=(steps.deploy("failing"), refuse_second, steps.approve, steps.verdict),
    monitored=True,
    ended=judged,
    claims=(
        claims.one_incident,
        claims.pages(2),
        claims.approved,
        claims.verdict("not_recovered"),
        traffic_claims.as_before,
        both_states,
    ),
)
