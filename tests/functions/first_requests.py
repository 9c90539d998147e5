"""One sound first request for each entry point."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.functions.messages import BEARER, alert, press, push_of, signed, webhook

_PRESS = press("convex-1")
_DRILL = {"drill": "rollback", "stack": "convex"}


@dataclass(frozen=True, slots=True)
class First:
    """A request."""

    body: bytes = b""
    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)


def first(name: str) -> First:
    """A request that the function has work with; Slack's is signed now."""
    bodies = {
        "act": push_of({"action": "none"}),
        "command": push_of({"instruction": "none"}, kind="command"),
        "drill": push_of(_DRILL),
        "respond": push_of(webhook(alert())),
    }
    match name:
        case "ingest":
            return First(json.dumps(webhook(alert())).encode(), headers=BEARER)
        case "slack":
            return First(_PRESS, headers=signed(_PRESS, time.time()))
        case "status":
            return First(method="GET", path="/api/incidents")
        case "tick":
            return First()
        case _:
            return First(json.dumps(bodies[name]).encode())
