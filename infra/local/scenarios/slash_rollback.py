"""A rollback asked for in Slack by name: one person asks, another one approves."""

from __future__ import annotations

from infra.local.scenarios import claims, steps, traffic_claims
from infra.local.scenarios.scenario import Scenario, judged
from infra.local.stage import APPROVE, Stage

ASKS = "ines"
COMMANDERS = ("carla", "cyrus")
"""They take turns; whoever is on call is asked to approve."""

CHANNEL = "#oncall-infra"
REASON = "the newest backend loses writes"
NOT_ONESELF = "whoever asks for a rollback may not approve it"


def ask(stage: Stage) -> bool:
    """Type the slash command, unless its modal is open already."""
    text = f"rollback {stage.stack.id}"
    stage.say(f"{ASKS} types /switchman {text} in {CHANNEL}\n  {stage.slack}")
    return bool(stage.client.views()) or stage.client.command(text, ASKS, CHANNEL)


def give_reason(stage: Stage) -> bool:
    """Fill the modal and submit it once it shows the plan."""
    if stage.incident() is not None:
        return True
    modal = next(iter(stage.client.views()), None)
    if modal is None or not all(name in str(modal["view"]) for name in stage.services):
        return False
    stage.say(f"{ASKS} reads the plan and gives a reason: {REASON}")
    return stage.client.submit(modal["id"], ASKS, {"reason": {"reason": REASON}})


def try_oneself(stage: Stage) -> bool:
    """Whoever asked presses Approve."""
    proposal = stage.proposal()
    if proposal is None:
        return False
    stage.say(f"{ASKS} tries to approve it without anybody else")
    return stage.client.press(proposal["ts"], APPROVE, ASKS)


def refused(stage: Stage) -> bool:
    """Wait until they were told that this takes two."""
    return any(m["ephemeral_to"] and NOT_ONESELF in m["text"] for m in stage.client.messages())


SLASH_ROLLBACK = Scenario(
    name="slash-rollback",
    about=f"{ASKS} asks for a rollback by slash command, and a commander has to approve it",
    steps=(
        steps.deploy("good"),
        steps.deployed,
        ask,
        give_reason,
        try_oneself,
        refused,
        steps.approve_as_asked,
        steps.verdict,
    ),
    ended=judged,
    claims=(
        claims.one_incident,
        claims.pages(1),
        claims.paged("infra", "#incident-command", *COMMANDERS),
        claims.timeline_says("opened", REASON),
        claims.timeline_says("refused", NOT_ONESELF),
        claims.approved_by_who_was_paged,
        traffic_claims.served,
        traffic_claims.moved_once,
        claims.verdict("recovered"),
        traffic_claims.rto_as_served,
        traffic_claims.none_failed,
    ),
)
