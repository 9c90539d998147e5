"""The report of an incident, in Markdown, for people to file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from shared.domain.data_words import data_markdown
from shared.domain.decision import TimelineRow
from shared.domain.incident import Incident, Rollback, TimelineKind
from shared.domain.phases import phases
from shared.domain.plan_words import plan_markdown
from shared.domain.policy import Policy
from shared.domain.rollback import Plan, describe_split
from shared.domain.rollback_phase import Phase

_PLAIN: Final = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>#|"} | {"\n": " ", "\r": " "})


def incident_markdown(
    policy: Policy, incident: Incident, alerts: int, timeline: Sequence[TimelineRow]
) -> str:
    """What happened, when, who was paged, what was rolled back, and how long it took.

    Whatever came with an alert is shown as the words it is, never as Markdown.
    """
    lines = [
        f"# {_plain(incident.title)}",
        "",
        *_facts(policy, incident, alerts),
        "",
        "## What happened",
        "",
        _plain(incident.summary or incident.title),
        "",
        *(f"- {_plain(reason)}" for reason in incident.reasons),
        "",
        *_rollbacks(policy, incident),
        *_data(policy, incident),
        *_afterwards(policy, incident),
        *_pages(policy, incident),
        *_notes(timeline),
        *_timeline(timeline),
    ]
    return "\n".join(lines)


def _facts(policy: Policy, incident: Incident, alerts: int) -> Iterable[str]:
    who = f" by {_name(policy, incident.acknowledged_by)}" if incident.acknowledged_by else ""
    counted = "1 alert" if alerts == 1 else f"{alerts} alerts"
    yield f"- Incident: `{incident.id}`, {incident.severity}, {incident.state}, {counted}"
    yield f"- Stack and lane: {incident.stack}, {incident.lane} (owner: {incident.team})"
    yield f"- Opened: {_time(incident.opened_at)}"
    yield f"- Acknowledged: {_time(incident.acknowledged_at)}{who}"
    yield f"- Mitigated: {_time(incident.mitigated_at)}"
    if incident.merged_into:
        yield f"- Merged into: `{incident.merged_into}`"
    else:
        yield f"- Resolved: {_time(incident.resolved_at)}"
    if incident.split_from:
        yield f"- Split off: `{incident.split_from}`"
    if incident.lane_was:
        yield f"- Moved here from lane: {incident.lane_was}"
    for other in incident.merged:
        yield f"- Merged into it: `{other.id}` ({other.lane}), {_plain(other.title)}"
    if incident.cause is not None:
        cause = incident.cause
        yield f"- Its cause: incident `{cause.incident}` in lane {cause.lane} ({cause.team})"
    for each in incident.symptoms:
        where = f"incident `{each.incident}`" if each.incident else "its alerts are counted here"
        yield f"- It caused: {each.lane}, {_plain(each.title)} ({where})"


def _rollbacks(policy: Policy, incident: Incident) -> Iterable[str]:
    if incident.rollback is None:
        return
    for earlier in incident.earlier:
        yield from _rollback(policy, earlier, f"Earlier {earlier.called}")
    yield from _rollback(policy, incident.rollback, incident.rollback.called.capitalize())
    known = [(name, took) for name, took in phases(incident) if took is not None]
    if known:
        yield from ("| phase | seconds |", "|---|---|")
        yield from (f"| {name} | {took:.1f} |" for name, took in known)
        yield ""


def _rollback(policy: Policy, rollback: Rollback, title: str) -> Iterable[str]:
    yield from (f"## {title}", "")
    verdict = f", verdict {rollback.verdict}" if rollback.verdict else ""
    waits = rollback.phase is Phase.PROPOSED
    phase = "waits for a decision" if waits else rollback.phase.value
    yield f"- Mode {rollback.mode}, {phase}{verdict}"
    if rollback.requested_by:
        yield f"- Asked for by {_name(policy, rollback.requested_by)}: {_plain(rollback.reason)}"
    if rollback.approvers:
        names = ", ".join(_name(policy, each) for each in rollback.approvers)
        yield f"- Approved by {names}, {_time(rollback.approved_at)}"
    if rollback.why_not:
        yield f"- Why not: {_plain(rollback.why_not)}"
    if rollback.rto_seconds is not None:
        target = rollback.plan.rto_target.total_seconds() if rollback.plan else 0.0
        fit = "within" if rollback.rto_seconds <= target else "above"
        rto = f"{rollback.rto_seconds:.1f} s"
        yield f"- RTO: {rto} from the first traffic request until health, {fit} {target:.0f} s"
    yield ""
    if rollback.plan:
        yield from _traffic(rollback, rollback.plan)


def _traffic(rollback: Rollback, plan: Plan) -> Iterable[str]:
    ended = {each.service: each.result.value for each in rollback.outcomes}
    yield f"Plan `{plan.hash}`, made {_time(plan.made_at)}:"
    yield from ("", "| service | traffic before | traffic after | result |", "|---|---|---|---|")
    for each in plan.services:
        before = describe_split(each.before, each.latest_ready)
        after = describe_split(each.after, each.latest_ready)
        yield f"| {each.service} | {before} | {after} | {ended.get(each.service, 'not moved')} |"
    yield ""
    yield from plan_markdown(plan)


def _data(policy: Policy, incident: Incident) -> Iterable[str]:
    if incident.data is not None:
        yield from ("## Data rollback", "")
        yield from (f"- {_plain(line)}" for line in data_markdown(policy, incident.data))
        yield ""


def _afterwards(policy: Policy, incident: Incident) -> Iterable[str]:
    """What the rollback left to do, and the review."""
    task, review = incident.repin, incident.review
    if task is not None:
        yield from ("## To re-pin in the provisioning", "")
        done = f"done by {_name(policy, task.done_by)}, {_time(task.done_at)}"
        yield f"Open since {_time(task.since)}:" if task.open else f"It is {done}:"
        yield from ("", *(f"- {_plain(line)}" for line in task.in_words()), "")
    if review is not None:
        yield from ("## Review", "")
        yield from (f"{_name(policy, review.by)}, {_time(review.at)}: {_plain(review.note)}", "")


def _pages(policy: Policy, incident: Incident) -> Iterable[str]:
    yield from (
        "## Pages",
        "",
        "| who | where | why | sent | acknowledged |",
        "|---|---|---|---|---|",
    )
    for page in incident.pages:
        name = _plain(_name(policy, page.person))
        times = f"{_time(page.sent_at)} | {_time(page.acknowledged_at)}"
        yield f"| {name} | {_plain(page.channel)} | {page.step} | {times} |"
    if incident.unlisted:
        yield from ("", f"{incident.unlisted} more are told of in the timeline.")
    yield ""


def _notes(timeline: Sequence[TimelineRow]) -> Iterable[str]:
    """What people wrote down, apart from what happened."""
    notes = [row for row in timeline if row.kind is TimelineKind.NOTED]
    if notes:
        yield from ("## Notes", "")
        yield from (f"- {_time(row.at)}, {_plain(row.text)}" for row in notes)
        yield ""


def _timeline(timeline: Sequence[TimelineRow]) -> Iterable[str]:
    yield from ("## Timeline", "", "| time | what |", "|---|---|")
    for row in timeline:
        yield f"| {_time(row.at)} | {_plain(row.text)} |"
    yield ""


def _name(policy: Policy, person: str) -> str:
    known = policy.people.get(person)
    return known.name if known else person


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "not yet"


def _plain(text: str) -> str:
    return text.translate(_PLAIN)
