"""A town of many small stacks in a great hurry: its policy, for tests that need many incidents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

STACKS: Final = tuple(f"shop-{number}" for number in range(10))
OUTAGE: Final = "outage"
"""The lane whose owner rolls back."""
LANES: Final = ("data", "auth", "triage")
"""The other lanes; nothing leads to `triage` but that no route fits."""
TEAM_OF: Final = {OUTAGE: "oslo", "data": "dakar", "auth": "accra", "triage": "turin"}
SERVICES: Final = ("backend", "dashboard")


def services_of(stack: str) -> tuple[str, ...]:
    """The names of the stack's services."""
    return tuple(f"{stack}-{service}" for service in SERVICES)


def on_call(lane: str) -> str:
    """The id and Slack handle of whoever is paged for the lane."""
    return f"anna-{TEAM_OF[lane]}"


def reader(channel: str) -> str:
    """Whoever is on call where messages appear in this channel."""
    return f"anna-{channel.removeprefix('#')}"


def write_policy(file: Path) -> Path:
    """Write the town's policy (YAML takes JSON as it is)."""
    policy = {
        "version": 1,
        "name": "A town in a hurry",
        "timing": {
            "settle": "1s",
            "reopen_window": "1s",
            "repage_after": "1s",
            "remind_after": "8s",
            "join_pages_after": "6s",
        },
        "people": {
            on_call(lane): {"name": f"Anna of {team}", "slack": f"U0{team.upper()}"}
            for lane, team in TEAM_OF.items()
        },
        "teams": {
            team: {"channel": f"#{team}", "on_call": on_call(lane), "members": [on_call(lane)]}
            for lane, team in TEAM_OF.items()
        },
        "stacks": {stack: _stack(stack) for stack in STACKS},
        "lanes": {lane: _lane(lane) for lane in TEAM_OF},
        "routes": [
            {"id": lane, "lane": lane, "match": [f'lane="{lane}"']}
            for lane in TEAM_OF
            if lane != "triage"
        ],
    }
    file.write_text(json.dumps(policy, indent=1))
    return file


def _lane(lane: str) -> dict[str, Any]:
    return {"owner": TEAM_OF[lane]} | ({"remediation": "rollback"} if lane == OUTAGE else {})


def _stack(stack: str) -> dict[str, Any]:
    backend, dashboard = services_of(stack)
    return {
        "project": "town",
        "region": "europe-north1",
        "services": {
            backend: {"health": [{"path": "/version", "non_empty": True}]},
            dashboard: {"health": [{"path": "/", "status": [200, 302]}]},
        },
        "rollback": {"approvers": [TEAM_OF[OUTAGE]], "health_window": "60s"},
    }
