import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.alert import AlertStatus
from shared.domain.errors import BadMessage
from shared.domain.severity import Severity
from shared.wire import alertmanager
from shared.wire.limits import MAX_ALERTS, MAX_BODY, MAX_SNIPPET, MAX_TEXT, TooLarge


def alert(**changes: Any) -> dict[str, Any]:
    """One alert of a webhook, as Alertmanager sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": "QueueFull", "severity": "critical"},
        "annotations": {"summary": "The queue is full.", "runbook_url": "https://wiki/queue"},
        "startsAt": "2026-03-02T03:04:05.678Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=queue_length+%3E+10&g0.tab=1",
        "fingerprint": "0123456789abcdef",
        **changes,
    }


def webhook(*alerts: object, **changes: Any) -> bytes:
    """A webhook of these alerts."""
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts, **changes}).encode()


def test_an_alert_is_read_in_full() -> None:
    """Name, severity, times, texts, link and query of an alert arrive in the domain's terms."""
    (found,) = alertmanager.parse(webhook(alert()), "prod")
    assert (found.source, found.fingerprint, found.name) == (
        "prod",
        "0123456789abcdef",
        "QueueFull",
    )
    assert found.status is AlertStatus.FIRING
    assert found.severity is Severity.SEV1
    assert found.starts_at == datetime(2026, 3, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert found.ends_at is None
    assert found.summary == "The queue is full."
    assert found.runbook == "https://wiki/queue"
    assert found.expression == "queue_length > 10"


def test_grafanas_extra_keys_do_not_matter() -> None:
    """Grafana's dialect, with keys and null values of its own, is read like Alertmanager's."""
    body = webhook(
        alert(values=None, valueString="[]", silenceURL="https://g/s", imageURL="https://g/i"),
        version="1",
        orgId=1,
        title="x",
        state="alerting",
    )
    (found,) = alertmanager.parse(body, "grafana")
    assert found.name == "QueueFull"


def test_an_alert_that_is_resolved_has_an_end() -> None:
    """A resolved alert carries its end; its row is that of the firing one."""
    firing, resolved = alertmanager.parse(
        webhook(alert(), alert(status="resolved", endsAt="2026-03-02T04:00:00+01:00")), "prod"
    )
    assert resolved.ends_at == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert resolved.row_id == firing.row_id
    assert resolved.event_id != firing.event_id


@pytest.mark.parametrize(
    "same",
    [
        "2026-03-02T03:04:05.678000999Z",
        "2026-03-02T05:04:05.678+02:00",
        "2026-03-01T22:04:05.678-05:00",
        "2026-03-02t03:04:05.678z",
    ],
)
def test_the_same_instant_is_the_same_alert_however_it_is_written(same: str) -> None:
    """Offset, precision and case of startsAt do not make another alert."""
    first, second = alertmanager.parse(webhook(alert(), alert(startsAt=same)), "prod")
    assert first.row_id == second.row_id


@pytest.mark.parametrize("given", [None, "", "x" * 500])
def test_without_a_usable_fingerprint_one_is_derived_from_the_labels(given: str | None) -> None:
    """The derived fingerprint depends on the labels and not on their order."""
    labels = {"alertname": "A", "zone": "b", "service": "c"}
    backwards = dict(reversed(labels.items()))
    one, same, other = alertmanager.parse(
        webhook(
            alert(labels=labels, fingerprint=given),
            alert(labels=backwards, fingerprint=given),
            alert(labels={**labels, "zone": "x"}, fingerprint=given),
        ),
        "prod",
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert 0 < len(one.fingerprint) <= 128


def test_a_webhook_is_split_into_webhooks_of_one_alert() -> None:
    """Each message is a webhook that reads as the alert it came from, under the same event id."""
    body = webhook(alert(), alert(fingerprint="b", labels={"alertname": "B"}), truncatedAlerts=7)
    split = alertmanager.split(body, "prod")
    assert split.truncated == 7
    assert split.rejected == ()
    read = [found for each in split.messages for found in alertmanager.parse(each.body, "prod")]
    assert tuple(read) == alertmanager.parse(body, "prod")
    assert [each.event_id for each in split.messages] == [found.event_id for found in read]
    assert read[0].notes == ("the sender left 7 more alerts out",)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"labels": 3}, "the alert has the wrong form"),
        ({"labels": {}}, "no labels"),
        ({"labels": {"a": {"b": 1}}}, "the alert has the wrong form"),
        ({"status": "maybe"}, "neither firing nor resolved"),
        ({"startsAt": "yesterday"}, "startsAt is not an RFC 3339 time"),
        ({"startsAt": None}, "startsAt is not an RFC 3339 time"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt is not set"),
        ({"startsAt": "9999-12-31T23:59:59-10:00"}, "outside the calendar"),
        ({"startsAt": "2026-02-30T00:00:00Z"}, "startsAt is"),
        ({"startsAt": "2026-02-03T00:00:00+99:99"}, "startsAt is"),
        ({"labels": {f"l{i}": "x" * 4000 for i in range(100)}}, "more than 262144 bytes"),
    ],
)
def test_a_bad_alert_never_rejects_its_siblings(bad: dict[str, Any], reason: str) -> None:
    """The others are still published; the bad one is returned with its reason."""
    split = alertmanager.split(webhook(alert(), alert(**bad), alert(fingerprint="c")), "prod")
    assert len(split.messages) == 2
    assert split.rejected_count == 1
    assert reason in split.rejected[0].reason


@pytest.mark.parametrize("raw", [b'{"a":1e309}', b'{"labels":{"a":"\xff"}}', b'"text"', b"null"])
def test_rubbish_in_one_alert_never_rejects_its_siblings(raw: bytes) -> None:
    """What is not even JSON of the right kind is rejected for itself where the rest is whole."""
    body = b'{"alerts":[' + raw + b"," + json.dumps(alert()).encode() + b"]}"
    split = alertmanager.split(body, "prod")
    assert len(split.messages) == 1
    assert split.rejected_count == 1


def test_what_is_kept_of_a_rejected_alert_is_short_and_without_secrets() -> None:
    """A rejected alert's snippet is bounded, and tokens, passwords and keys in it are redacted."""
    secrets = {
        "password": "hunter2hunter2",
        "authorization": "Bearer abcdefghijklmnop",
        "url": "https://admin:s3cr3tpass@db.example/x",
        "slack": "xoxb-1234567890-abcdef",
        "convex": "convex-nonprod|0123456789abcdef0123456789abcdef",
    }
    split = alertmanager.split(webhook({"status": "no", "labels": secrets, "z": "y" * 9999}), "p")
    (rejected,) = split.rejected
    assert len(rejected.raw) <= MAX_SNIPPET
    for secret in ("hunter2", "abcdefghij", "s3cr3tpass", "1234567890-abc", "0123456789abcdef"):
        assert secret not in rejected.raw
    assert "status" in rejected.raw


def test_half_an_emoji_and_nul_are_replaced() -> None:
    """Text that cannot be stored is mended rather than the page lost; real pairs stay."""
    body = webhook(alert(annotations={"summary": "half HALF nul \x00 whole 😀 \\ud800"}))
    body = body.replace(b"HALF", b"\\ud83d")
    (found,) = alertmanager.parse(body, "prod")
    assert found.summary == "half \ufffd nul \ufffd whole 😀 \\ud800"


def test_long_texts_are_cut() -> None:
    """No label or annotation is longer than the store can take."""
    (found,) = alertmanager.parse(webhook(alert(annotations={"summary": "x" * 100_000})), "prod")
    assert len(found.summary) == MAX_TEXT


def test_a_key_given_twice_counts_with_its_last_value() -> None:
    """Duplicate keys are read as Go reads them, and what is published has each key once."""
    raw = json.dumps(alert()).replace('"alertname":', '"alertname": "First", "alertname":')
    split = alertmanager.split(b'{"alerts":[' + raw.encode() + b"]}", "prod")
    assert split.messages[0].body.count(b'"alertname"') == 1
    assert alertmanager.parse(split.messages[0].body, "prod")[0].name == "QueueFull"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"alerts": {}}',
        b'{"alerts": [',
        b'{"alerts": [' + b"[" * 100_000,
        b"\xff\xfe{}",
        b"\x00",
        webhook(alert())[:-5],
    ],
)
def test_what_is_no_webhook_is_a_bad_message(body: bytes) -> None:
    """A body that cannot be read as a whole raises only the declared error."""
    with pytest.raises(BadMessage):
        alertmanager.split(body, "prod")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"endsAt": 5},
        {"endsAt": "never"},
        {"generatorURL": ["x"]},
        {"annotations": "none"},
        {"annotations": {"summary": ["x"], "description": "it fails"}},
        {"fingerprint": {"a": 1}},
    ],
    ids=str,
)
def test_what_does_not_matter_never_costs_a_page(spoilt: dict[str, object]) -> None:
    """An alert with a wrong field that nobody needs is an alert all the same."""
    (read,) = alertmanager.parse(webhook({**alert(), **spoilt}), "prod")
    assert read.labels == alertmanager.parse(webhook(alert()), "prod")[0].labels


def test_a_webhook_whose_own_fields_are_wrong_still_carries_its_alerts() -> None:
    """Neither `status` nor `truncatedAlerts` of the envelope may lose what is in it."""
    body = webhook(alert(), truncatedAlerts="x", status=5)
    assert len(alertmanager.split(body, "prod").messages) == 1


def test_ten_thousand_alerts_are_split_and_more_are_too_large() -> None:
    """The limit of 10,000 alerts is inclusive."""
    one = json.dumps(alert()).encode()
    most = b'{"alerts":[' + b",".join([one] * MAX_ALERTS) + b"]}"
    assert len(alertmanager.split(most, "prod").messages) == MAX_ALERTS
    with pytest.raises(TooLarge):
        alertmanager.split(most[:-2] + b"," + one + b"]}", "prod")


def test_thirty_mebibytes_are_accepted_and_more_are_too_large() -> None:
    """The limit of 30 MiB is inclusive."""
    body = webhook(alert())
    assert alertmanager.split(body + b" " * (MAX_BODY - len(body)), "prod").messages
    with pytest.raises(TooLarge):
        alertmanager.split(body + b" " * (MAX_BODY - len(body) + 1), "prod")
