"""A play in words: what is not said in an incident's own story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from shared.domain.action import Action, ActionKind, NoticeOrder, PageOrder, TellOrder
from shared.domain.incident import Incident
from shared.domain.paging import Page
from shared.domain.play import (
    CloudRunSet,
    Deployed,
    HealthChanged,
    MetricChanged,
    OfCloudRun,
    TrafficMoved,
)

_HEALTH: Final[Mapping[bool | None, str]] = {
    True: "its health checks pass",
    False: "its health checks fail",
    None: "it is as healthy as its revision",
}


def action_in_words(action: Action, incident: Incident | None) -> str:
    """What is sent to people, so far as no story says it; empty for everything else."""
    match action.order:
        case PageOrder(page=key) if incident and action.kind is ActionKind.PAGE:
            page = incident.page(key)
            return _page_in_words(page) if page else ""
        case NoticeOrder(channel=channel, headline=headline, paragraphs=paragraphs):
            return f"In {channel}: {' '.join((headline, *paragraphs))}"
        case TellOrder(text=text):
            return text
        case _:
            return ""


def _page_in_words(page: Page) -> str:
    if not page.wakes:
        return f"In {page.channel}, without waking anybody: {page.step}"
    return f"{page.person} of {page.team} in {page.channel}: {page.step}"


def world_in_words(what: OfCloudRun) -> str:
    """What happens at Cloud Run."""
    match what:
        case Deployed():
            new = what.revision or "a new revision"
            health = "" if what.healthy else ", which is not healthy"
            return f"{what.service}: {new} is deployed and takes {what.share} %{health}"
        case TrafficMoved():
            return f"{what.service}: {what.by} moves {what.share} % to {what.revision}"
        case HealthChanged():
            return f"{what.service}: {_HEALTH[what.passes]}"
        case MetricChanged():
            reads = "says nothing" if what.value is None else f"reads {what.value:g}"
            return f"{what.expression} {reads}"
        case CloudRunSet():
            return f"{what.service}: Cloud Run is as the timeline sets it"
        case _:
            assert_never(what)
