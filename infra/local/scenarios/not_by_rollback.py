"""What no rollback would mend: its owner is paged and told what to do, and traffic stays."""

from __future__ import annotations

import json

from infra.local.judge import Check
from infra.local.scenarios import claims, steps, traffic_claims
from infra.local.scenarios.scenario import Scenario, answered
from infra.local.stage import Stage

DATABASE = "openagentsgemini:oa-convex-nonprod-pg"
SAME_DATABASE = "another revision would meet the same one"
NO_OLDER = "there is no revision older than"


def database_down(stage: Stage) -> bool:
    """Cloud Monitoring's incident, pushed as Pub/Sub would push it."""
    stage.say("Cloud Monitoring reports that the Cloud SQL instance is down")
    incident = {
        "incident_id": "0.nlocal1",
        "state": "open",
        "started_at": int(stage.began.timestamp()),
        "ended_at": None,
        "severity": "CRITICAL",
        "summary": f"{DATABASE} has been down for a minute",
        "policy_name": "Convex Cloud SQL instance down",
        "condition_name": "Cloud SQL instance is not up",
        "metric": {"type": "cloudsql.googleapis.com/database/up", "labels": {}},
        "resource": {"type": "cloudsql_database", "labels": {"database_id": DATABASE}},
    }
    body = json.dumps({"incident": incident, "version": "1.2"}).encode()
    return stage.client.push("respond", body, {"source": "cloud-monitoring"}) == 200


def _stays(lane: str, person: str, channel: str) -> tuple[Check, ...]:
    return (
        claims.one_incident,
        claims.pages(1),
        claims.paged(lane, channel, person),
        claims.no_rollback_offered,
        traffic_claims.untouched,
        traffic_claims.none_failed,
    )


PROJECTOR_DRIFT = Scenario(
    name="projector-drift",
    about="projections drift from the runtime's truth: the card proposes to rebuild them",
    steps=(
        steps.fire(
            "OpenAgentsRuntimeConvexProjectionDriftDetected",
            "Convex summaries differ from the runtime's truth",
            severity="warning",
            job="openagents-runtime",
        ),
        steps.paged,
    ),
    ended=answered,
    claims=(
        *_stays("projector", "ruth", "#oncall-runtime"),
        claims.card_says(
            "rebuild the projection",
            "mix runtime.convex.reproject --run-id",
            "mix runtime.convex.reproject --worker-id",
            "mix runtime.convex.reproject --all",
        ),
    ),
)

TOKEN_MINTING = Scenario(
    name="token-minting",
    about="the Laravel bridge mints no tokens: web platform is paged",
    steps=(
        steps.fire(
            "LaravelConvexTokenMintFailures",
            "the Laravel bridge cannot mint tokens for Convex",
            severity="critical",
            service="openagents-web",
        ),
        steps.paged,
    ),
    ended=answered,
    claims=_stays("auth", "wanda", "#oncall-web"),
)

CLOUD_SQL_DOWN = Scenario(
    name="cloud-sql-down",
    about="the database is down: infra is paged, and told why no rollback is proposed",
    steps=(database_down, steps.paged),
    ended=answered,
    claims=(
        *_stays("infra", "ines", "#oncall-infra"),
        claims.timeline_says("not_proposed", SAME_DATABASE),
        claims.card_says("No rollback is proposed", SAME_DATABASE),
    ),
)

NO_GOOD_REVISION = Scenario(
    name="no-good-revision",
    about="the first and only revision is the bad one: there is nothing to go back to",
    steps=(
        steps.fire(
            "ConvexBackendErrors",
            "one in three mutations fails",
            severity="critical",
            service="{backend}",
        ),
        steps.paged,
    ),
    ended=answered,
    claims=(
        *_stays("infra", "ines", "#oncall-infra"),
        claims.timeline_says("not_proposed", NO_OLDER),
        claims.card_says("No rollback is proposed", NO_OLDER),
    ),
)
