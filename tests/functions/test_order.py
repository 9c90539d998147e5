"""When a message was published travels with its alerts: it tells which was said last."""

from typing import Any

from tests.functions.conftest import Serve
from tests.functions.messages import alert, push_of, webhook


def said(second: int, status: str) -> dict[str, Any]:
    """The push of an alert with this status, published so many seconds after ten."""
    pushed = push_of(webhook({**alert(), "status": status}), source="a")
    pushed["message"]["publishTime"] = f"2026-02-25T10:00:{second:02}Z"
    return pushed


def test_respond_believes_what_was_published_last(served: Serve) -> None:
    """The end overtakes the first "firing", and not the one that was published after it."""
    client = served("respond").client

    answers = [
        client.post("/", json=said(*message)).json()["handled"]
        for message in ((2, "resolved"), (1, "firing"), (3, "firing"))
    ]

    assert answers == [
        ["the alert ended before anything was known of it"],
        ["the alert has already ended, as was said after this message"],
        ["an incident was opened"],
    ]
