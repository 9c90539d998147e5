"""`switchman incidents`: reads the incidents of a store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from shared.cli import reshape, work
from shared.cli.common import JsonOption, application, out, print_json
from shared.cli.export import export
from shared.cli.found import incident_named

app = typer.Typer(no_args_is_help=True)
IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, or how that begins.")]


@app.command("list", epilog="Example: switchman incidents list --json")
def list_incidents(as_json: JsonOption = False) -> None:
    """All incidents, newest first."""
    from shared.wire import shown

    views = application().store.incidents()
    rows = [shown.incident(view.incident, view.alerts) for view in views]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        opened = row["opened_at"][:16].replace("T", " ")
        facts = (row["id"], row["severity"], row["lane"], row["state"], f"opened {opened} UTC")
        out.print("  ".join(facts), markup=False, soft_wrap=True, style="bold")
        rollback = (
            f"; {_called(row['rollback'])} {row['rollback']['phase']}" if row["rollback"] else ""
        )
        cause = row["cause"]
        waits = f"; waits for {cause['incident']}, its cause" if cause and cause["holds"] else ""
        about = f"    {_alerts(row)}: {row['title']}{rollback}{waits}"
        out.print(about, markup=False, soft_wrap=True)
    if not rows:
        out.print("There are no incidents.")


@app.command(epilog="Example: switchman incidents show convex-3f09ab12cd")
def show(incident: IncidentId, as_json: JsonOption = False) -> None:
    """One incident: what fails, who was paged, the rollback, and its timeline."""
    found = _found(incident)
    if as_json:
        print_json(found)
        return
    head = f"{found['id']}  {found['severity']}  {found['state']}  {found['title']}"
    out.print(head, markup=False, soft_wrap=True, style="bold")
    out.print(f"lane {found['lane']}, {_alerts(found)}: {found['summary']}", markup=False)
    _print_put_together(found)
    _print_links(found)
    for page in found["pages"]:
        sent = f"at {page['sent_at']}" if page["sent_at"] else "not delivered yet"
        seen = f"at {page['acknowledged_at']}" if page["acknowledged_at"] else "not yet"
        line = f"paged {page['person']} in {page['channel']} {sent}, acknowledged {seen}"
        out.print(line, markup=False, soft_wrap=True)
    rollback = found["rollback"]
    if rollback:
        plan = f", plan {rollback['plan']}" if rollback["plan"] else ""
        why_not = f": {rollback['why_not']}" if rollback["why_not"] else ""
        line = f"{_called(rollback)} {rollback['phase']}{plan}{why_not}"
        out.print(line, markup=False, soft_wrap=True)
    _print_afterwards(found)
    for line in _what_to_type(found):
        out.print(line, markup=False, soft_wrap=True)
    _print_timeline(found)


@app.command(epilog="Example: switchman incidents timeline convex-3f09ab12cd --json")
def timeline(incident: IncidentId, as_json: JsonOption = False) -> None:
    """What happened, in order, with offsets from the first line."""
    found = _found(incident)
    if as_json:
        print_json(found["timeline"])
        return
    _print_timeline(found)


@app.command(epilog="Example: switchman incidents report convex-3f09ab12cd > incident.md")
def report(incident: IncidentId, as_json: JsonOption = False) -> None:
    """The report of an incident in Markdown: what happened, who was paged, the rollback, its RTO."""
    from shared.domain.incident_report import incident_markdown

    if as_json:
        print_json(_found(incident))
        return
    switchman = application()
    view = incident_named(switchman, incident)
    timeline = switchman.store.timeline(view.incident.id)
    print(incident_markdown(switchman.policy, view.incident, view.alerts, timeline))


app.command(epilog="Example: switchman incidents ack convex-3f09ab12cd")(work.ack)
app.command(epilog="Example: switchman incidents resolve convex-3f09ab12cd")(work.resolve)
app.command(epilog="Example: switchman incidents repinned convex-3f09ab12cd")(work.repinned)
app.command(
    epilog="Example: switchman incidents review convex-3f09ab12cd --note 'canary was too short'"
)(work.review)
app.command(epilog="Example: switchman incidents declare auth --severity sev2 nobody can sign in")(
    work.declare
)


app.command(epilog="Example: switchman incidents export --since 7d > recorded.jsonl")(export)
app.command(epilog="Example: switchman incidents alerts convex-3f09ab12cd")(reshape.alerts)
app.command(epilog="Example: switchman incidents merge convex-3f09ab12cd --into convex-77aa01be45")(
    reshape.merge
)
app.command(
    epilog="Example: switchman incidents split convex-3f09ab12cd --alert QueueGrows --lane infra"
)(reshape.split)
app.command("lane", epilog="Example: switchman incidents lane convex-3f09ab12cd auth")(
    reshape.change_lane
)
app.command(
    epilog="Example: switchman incidents severity convex-3f09ab12cd sev1 --why 'nobody can pay'"
)(reshape.severity)
app.command(epilog="Example: switchman incidents note convex-3f09ab12cd restarted the queue")(
    reshape.note
)


@app.command(epilog="Example: switchman incidents rejected")
def rejected(as_json: JsonOption = False) -> None:
    """Messages that nobody could read: from whom, why, and a piece of each without secrets."""
    rows = [
        {
            "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
            "source": row.source,
            "reason": row.reason,
            "snippet": row.snippet,
        }
        for row in application().store.rejected()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("at", "from", "why", "what was sent", box=None)
    for row in rows:
        table.add_row(*map(Text, row.values()))
    out.print(table if rows else "Nothing was rejected.")


def _found(incident: str) -> dict[str, Any]:
    from shared.wire import shown

    switchman = application()
    view = incident_named(switchman, incident)
    timeline = switchman.store.timeline(view.incident.id)
    return shown.incident(view.incident, view.alerts, timeline)


def _print_links(found: dict[str, Any]) -> None:
    """What explains it, and what it explains."""
    cause = found["cause"]
    if cause:
        has_it = f"{cause['team']} has it" if cause["holds"] else "that is over"
        line = f"its cause: {cause['incident']} in lane {cause['lane']}; {has_it}"
        out.print(line, markup=False, soft_wrap=True)
    for each in found["symptoms"]:
        where = each["incident"] or "counted here"
        line = f"it causes: lane {each['lane']}, {each['title']} ({where})"
        out.print(line, markup=False, soft_wrap=True)


def _called(rollback: dict[str, Any]) -> str:
    return "release" if rollback["release"] else "rollback"


def _alerts(row: dict[str, Any]) -> str:
    return "1 alert" if row["alerts"] == 1 else f"{row['alerts']} alerts"


def _print_put_together(found: dict[str, Any]) -> None:
    """What people said belongs to it, and where it came from or went."""
    lines = [f"merged into it: {each['id']} ({each['lane']})" for each in found["merged"]]
    if found["merged_into"]:
        lines.append(f"merged into {found['merged_into']}")
    if found["split_from"]:
        lines.append(f"split off {found['split_from']}")
    if found["lane_was"]:
        lines.append(f"moved from lane {found['lane_was']}")
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def _print_afterwards(found: dict[str, Any]) -> None:
    """What the rollback left to do."""
    task = found["repin"]
    if not task:
        return
    how = "to re-pin in the provisioning" if task["open"] else f"re-pinned by {task['done_by']}"
    for pin in task["services"]:
        image = pin["image"] or "unknown image"
        if pin["digest"] and pin["digest"] not in image:
            image = f"{image} {pin['digest']}"
        line = f"{how}: {pin['service']} {image} (revision {pin['revision']})"
        out.print(line, markup=False, soft_wrap=True)


def _what_to_type(found: dict[str, Any]) -> Iterator[str]:
    """What can be done from here, without Slack."""
    from shared.domain.policy import UNASSIGNED

    rollback, task = found["rollback"], found["repin"]
    if found["state"] == "open":
        yield f"  switchman incidents ack {found['id']}   you have it"
    if found["state"] in ("open", "acknowledged"):
        if rollback and rollback["phase"] == "proposed":
            yield f"  switchman rollback approve {found['id']} --plan {rollback['plan']}"
        elif found["stack"] != UNASSIGNED and not _under_way(rollback):
            yield f"  switchman rollback apply {found['stack']} --reason WHY --apply   asks for one"
    if task and task["open"]:
        yield f"  switchman incidents repinned {found['id']}   the provisioning names the images"
    elif task and found["state"] == "resolved":
        yield f"  switchman incidents review {found['id']} --note WHAT   what was learned; closes it"


def _under_way(rollback: dict[str, Any] | None) -> bool:
    return rollback is not None and rollback["phase"] in ("planning", "applying", "restoring")


def _print_timeline(found: dict[str, Any]) -> None:
    rows = found["timeline"]
    first = datetime.fromisoformat(rows[0]["at"]) if rows else None
    for row in rows:
        offset = (datetime.fromisoformat(row["at"]) - first).total_seconds() if first else 0.0
        out.print(f"  {offset:+9.2f} s  {row['text']}", markup=False, soft_wrap=True)
