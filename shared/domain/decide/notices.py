"""Messages that wake nobody."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.action import ActionKind, GaveUp, NoticeOrder
from shared.domain.decide.draft import Draft
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished
from shared.domain.policy import TRIAGE, Team


def notify(draft: Draft, headline: str, *paragraphs: str) -> None:
    """Say it in the channel of whoever owns rollbacks, without waking anybody."""
    lane = draft.policy.rollback_lane() or draft.policy.lane(TRIAGE)
    channel = draft.policy.owner(lane.id).channel
    order = NoticeOrder(channel=channel, headline=headline, paragraphs=paragraphs)
    draft.act(ActionKind.NOTIFY, "", order)


def tell_team(draft: Draft, team: Team, headline: str, *paragraphs: str) -> None:
    """Say it in the team's channel, without waking anybody."""
    order = NoticeOrder(channel=team.channel, headline=headline, paragraphs=paragraphs)
    draft.act(ActionKind.NOTIFY, "", order)


def on_notified(draft: Draft, event: ActionFinished) -> Reason:
    """What one channel did not take is said in another."""
    order = event.action.order
    if not isinstance(event.outcome, GaveUp) or not isinstance(order, NoticeOrder):
        return Reason.RECORDED
    tried = (*order.instead_of, order.channel)
    channels = (team.channel for team in draft.policy.teams.values())
    other = next((channel for channel in channels if channel not in tried), "")
    if other:
        draft.act(ActionKind.NOTIFY, "", replace(order, channel=other, instead_of=tried))
    return Reason.RECORDED
