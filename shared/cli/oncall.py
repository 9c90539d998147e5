"""`switchman oncall`."""

from __future__ import annotations

from rich.table import Table

from shared.cli.common import JsonOption, PolicyOption, load_policy, out, print_json


def oncall(policy: PolicyOption = None, as_json: JsonOption = False) -> None:
    """Who is on call for each team."""
    loaded = load_policy(policy)
    rows = [
        {
            "team": team.id,
            "name": team.name,
            "person": team.on_call,
            "person_name": loaded.on_call(team).name,
            "channel": team.channel,
            "lanes": [lane.id for lane in loaded.lanes.values() if lane.owner == team.id],
        }
        for team in loaded.teams.values()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("team", "on call", "channel", "lanes", box=None)
    for row in rows:
        lanes = ", ".join(row["lanes"])
        table.add_row(str(row["name"]), str(row["person_name"]), str(row["channel"]), lanes)
    out.print(table)
