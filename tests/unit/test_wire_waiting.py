"""What waits is named from the request alone, and nothing that a sender sends can break that."""

from __future__ import annotations

import json

import pytest

from shared.wire import waiting
from tests.functions.messages import alert, push, push_of, webhook


def pushed(body: object) -> waiting.Waiting:
    """What waits of a push."""
    return waiting.pushed(json.dumps(body).encode(), {})


def test_an_alert_is_named_with_its_severity_and_service() -> None:
    """Enough for somebody who knows the services to judge whether to get up."""
    labels = {"alertname": "BackendDown", "severity": "critical", "service": "backend"}
    found = pushed({**push_of(webhook(alert(labels=labels))), "deliveryAttempt": 4})
    assert found.words == ("BackendDown (firing, severity critical, service backend)",)
    assert found.delivery == 4


def test_every_alert_of_a_webhook_is_named() -> None:
    """Its sender waits with all of them; how often it tried is not known."""
    body = webhook(*(alert(labels={"alertname": f"Alert{number}"}) for number in range(3)))
    found = waiting.posted(json.dumps(body).encode(), {})
    assert [words.split()[0] for words in found.words] == ["Alert0", "Alert1", "Alert2"]
    assert found.delivery == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            push_of({"action": "a-1"}, kind="action"),
            'a message of the kind action: {"action": "a-1"}',
        ),
        (push(b"\xff\x00"), "a message of the kind alert: \ufffd "),
        ({"message": 7}, "a message that cannot be read"),
    ],
)
def test_what_is_no_alert_is_named_as_it_is(body: object, words: str) -> None:
    """An action or an instruction by its id; rubbish as rubbish."""
    assert pushed(body).words == (words,)


def test_a_webhook_that_cannot_be_read_waits_too() -> None:
    """Nobody knows what was in it."""
    assert waiting.posted(b"<html>", {}).words == ("a webhook that cannot be read",)


def test_no_secret_and_no_endless_text_is_named() -> None:
    """A label may hold anything; what a person reads is short and gives nothing away."""
    labels = {"alertname": "Odd", "severity": "token=abcdefghijkl", "job": "x" * 10_000}
    (words,) = pushed(push_of(webhook(alert(labels=labels)))).words
    assert "abcdefghijkl" not in words
    assert len(words) <= 200


def test_people_and_timers_wait_as_well() -> None:
    """What is typed is never repeated: it is between Slack and the person."""
    assert "Slack" in waiting.typed(b"text=hunter2", {}).words[0]
    assert "reminders" in waiting.timed(b"", {}).words[0]
