"""Slack's wire formats: cards drawn as blocks, presses and commands read, requests proved."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.slack_signature import verify
from shared.domain.errors import BadMessage, Transient
from shared.domain.paging import Card, Choice
from shared.domain.severity import Severity
from shared.wire.slack import BadSignature, event_id_of
from shared.wire.slack_card import BUTTONS, blocks, fallback
from shared.wire.slack_command import SlashCommand, parse_command
from shared.wire.slack_request import Press, Subject, Submission, parse_interaction, parse_request

CARD = Card(
    headline="The backend answers 500",
    severity=Severity.SEV1,
    mention="U0MARIA",
    facts=(("Lane", "infra"), ("Why", "the route says so")),
    paragraphs=("Requests fail since 12:00.", "backend goes from 00011-new to 00010-kpf"),
    status="Nobody has acknowledged it yet.",
    choices=BUTTONS,
    subject="shop-0123456789|abc",
    runbook="https://runbooks.example.com/infra?a=1&b=2",
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BODY = b"command=%2Fincident&text=list"


def texts(card: Card) -> list[str]:
    """Every text that the card's blocks show, in order."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                found.append(value["text"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(blocks(card))
    return found


def buttons(card: Card) -> dict[str, dict[str, Any]]:
    """The buttons by their action ids."""
    drawn = [block for block in blocks(card) if block["type"] == "actions"]
    return {button["action_id"]: button for block in drawn for button in block["elements"]}


def test_a_notice_mentions_nobody_and_no_severity() -> None:
    """It is a headline and its paragraphs, and nothing to press."""
    notice = replace(
        CARD, severity=None, mention="", facts=(), status="", choices=(), subject="", runbook=""
    )
    assert texts(notice) == [CARD.headline, *CARD.paragraphs]
    assert fallback(notice) == CARD.headline


def test_a_card_shows_everything_it_says() -> None:
    """Headline, person, severity, facts, paragraphs, runbook and status are all there."""
    shown = texts(CARD)
    assert shown[:4] == [
        "The backend answers 500",
        "<@U0MARIA>  *SEV1*",
        "*Lane*\ninfra",
        "*Why*\nthe route says so",
    ]
    assert "Requests fail since 12:00." in shown
    assert "<https://runbooks.example.com/infra?a=1&amp;b=2|Runbook>" in shown
    assert "Nobody has acknowledged it yet." in shown


def test_a_card_leads_to_its_incidents_page() -> None:
    """Beside the runbook, where it is known at which address the pages are; else nothing of it."""
    card = replace(CARD, incident="shop-0123456789")
    (links,) = [str(b) for b in blocks(card, "https://s.example.com") if "Runbook" in str(b)]
    assert "<https://s.example.com/status/incidents/shop-0123456789|Incident page>" in links
    assert texts(card) == texts(CARD)


def test_the_fallback_names_the_person_the_severity_and_the_headline() -> None:
    """What a notification shows is enough to know who is meant and why."""
    assert fallback(CARD) == "<@U0MARIA> sev1: The backend answers 500"
    assert fallback(replace(CARD, mention="")) == "sev1: The backend answers 500"


def test_each_choice_is_a_button_that_carries_the_subject() -> None:
    """The action id is the choice, the value the subject."""
    drawn = buttons(CARD)
    assert list(drawn) == [choice.value for choice in BUTTONS]
    assert {button["value"] for button in drawn.values()} == {CARD.subject}


def test_approving_asks_again_and_says_what_moves() -> None:
    """Approve is the primary button and repeats the proposal; Reject is marked as dangerous."""
    drawn = buttons(CARD)
    approve = drawn[Choice.APPROVE]
    assert approve["style"] == "primary"
    assert approve["confirm"]["text"]["text"] == "backend goes from 00011-new to 00010-kpf"
    assert drawn[Choice.REJECT]["style"] == "danger"
    assert "confirm" not in drawn[Choice.ACKNOWLEDGE]


def test_ending_an_incident_asks_again() -> None:
    """Whoever says that it is over is told first what that leads to."""
    over = buttons(CARD)[Choice.RESOLVE]
    assert over["text"]["text"] == "It is over"
    assert "closed" in over["confirm"]["text"]["text"]
    assert "style" not in over["confirm"]


def test_without_choices_there_are_no_buttons() -> None:
    """A card that is dealt with offers nothing."""
    assert not buttons(replace(CARD, choices=()))


def test_text_from_outside_cannot_become_markup() -> None:
    """An alert that says `<!channel>` wakes nobody."""
    hostile = "<!channel> & <https://evil.example|click>"
    escaped = "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"
    card = replace(
        CARD,
        headline=hostile,
        facts=((hostile, hostile),),
        paragraphs=(hostile,),
        status=hostile,
        runbook=hostile,
        mention=hostile,
    )
    shown = "\n".join([*texts(card), fallback(card)])
    assert "<!channel>" not in shown
    assert "<https://evil" not in shown
    assert shown.count(escaped) >= 7


def test_a_runbook_that_is_no_link_is_shown_as_text() -> None:
    """Only http and https make a link."""
    assert "javascript:alert(1)" in texts(replace(CARD, runbook="javascript:alert(1)"))


@given(
    st.builds(
        Card,
        headline=st.text(max_size=400),
        severity=st.sampled_from(Severity),
        mention=st.text(max_size=200),
        facts=st.lists(
            st.tuples(st.text(max_size=200), st.text(alphabet="&<>ab", max_size=3000)), max_size=40
        ).map(tuple),
        paragraphs=st.lists(st.text(alphabet="&<>ab ", max_size=4000), max_size=80).map(tuple),
        status=st.text(max_size=3000),
        choices=st.lists(st.sampled_from(BUTTONS), unique=True).map(tuple),
        subject=st.text(max_size=200),
        runbook=st.text(max_size=4000),
    )
)
def test_no_card_exceeds_slacks_limits(card: Card) -> None:
    """Whatever a card says, its blocks fit: clipped, never refused, no entity cut in two."""
    drawn = blocks(card)
    assert 2 <= len(drawn) <= 50
    assert all(1 <= len(text) <= 3000 for text in texts(card))
    for block in drawn:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        assert len(block.get("fields", [])) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
    for text in texts(card):
        bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in bare
    assert 1 <= len(fallback(card)) <= 3000


def test_a_clipped_text_keeps_its_entities_whole() -> None:
    """What is cut off is cut between entities, and the cut shows."""
    header = texts(replace(CARD, headline="&" * 1000))[0]
    assert header == "&amp;" * 29 + "…"


def test_paragraphs_give_way_to_buttons() -> None:
    """However much a card says, the buttons find room."""
    assert buttons(replace(CARD, paragraphs=("words",) * 200)).keys() == {
        choice.value for choice in BUTTONS
    }


@pytest.mark.parametrize("subject", [Subject("shop-01"), Subject("shop-01", "abc")])
def test_a_subject_reads_as_it_was_written(subject: Subject) -> None:
    """Incident and plan come back from the button's value."""
    assert Subject.parse(str(subject)) == subject


@pytest.mark.parametrize("text", ["", "|plan", "incident|", "incident|plan|more"])
def test_a_subject_of_another_form_is_a_bad_message(text: str) -> None:
    """A button's value that is not INCIDENT or INCIDENT|PLAN is not guessed at."""
    with pytest.raises(BadMessage):
        Subject.parse(text)


def interaction(**changes: Any) -> bytes:
    """A press as Slack sends it, with changes."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0MARIA", "username": "maria", "team_id": "T0"},
        "container": {"type": "message", "message_ts": "1405894322.002768", "channel_id": "C0"},
        "actions": [{"action_id": "approve_rollback", "value": "shop-01|abc", "type": "button"}],
        "response_url": "https://hooks.slack.com/actions/1",
        "trigger_id": "1.2.3",
        **changes,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def test_a_press_is_read() -> None:
    """Who pressed what, about what, and where it stands."""
    press = parse_interaction(interaction())
    assert isinstance(press, Press)
    assert press.choice is Choice.APPROVE
    assert press.subject == Subject("shop-01", "abc")
    assert (press.user_id, press.user_name) == ("U0MARIA", "maria")
    assert (press.channel, press.message_ts) == ("C0", "1405894322.002768")
    assert press.response_url == "https://hooks.slack.com/actions/1"
    assert press.trigger_id == "1.2.3"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload=%7B",
        b"payload=%FF",
        b"\xff\xfe",
        b"payload=[]",
        b"payload=null",
        b"&".join([b"a=1"] * 1000),
        interaction(type="view_submission"),
        interaction(
            type="view_submission", view={"callback_id": "another", "private_metadata": "s"}
        ),
        interaction(type="view_submission", view={"callback_id": "switchman_rollback"}),
        interaction(type="view_closed"),
        interaction(user=None),
        interaction(user={"id": ""}),
        interaction(user="maria"),
        interaction(actions=[]),
        interaction(actions=[{"action_id": "acknowledge", "value": "i"}] * 2),
        interaction(actions=[{"action_id": "delete_everything", "value": "i"}]),
        interaction(actions=[{"action_id": "request_rollback", "value": "i"}]),
        interaction(actions=[{"action_id": "acknowledge", "value": ""}]),
        interaction(actions=[{"action_id": "acknowledge"}]),
        interaction(actions=[{"action_id": "acknowledge", "value": "\ud800|"}]),
    ],
)
def test_any_other_interaction_is_a_bad_message(body: bytes) -> None:
    """What is no press of one of our buttons is told apart, whatever it is."""
    with pytest.raises(BadMessage):
        parse_interaction(body)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(body: bytes) -> None:
    """Hostile bytes are a bad message and nothing else."""
    for read in (parse_interaction, parse_command, parse_request):
        for tried in (body, b"payload=" + body, b"command=/x&user_id=U&text=" + body):
            try:
                read(tried)
            except BadMessage:
                continue


def submitted(**state: Any) -> bytes:
    """A submitted modal as Slack sends it, with this state."""
    view = {"callback_id": "switchman_rollback", "private_metadata": "shop", **state}
    return interaction(type="view_submission", view=view)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"state": {"values": {"reason": {"reason": {"value": " it fails\n"}}}}}, "it fails"),
        ({"state": {"values": {"reason": {"reason": {"value": None}}}}}, ""),
        ({"state": {"values": {}}}, ""),
        ({}, ""),
    ],
)
def test_a_submission_is_read(state: dict[str, Any], reason: str) -> None:
    """Which stack and why; a reason that is missing is an empty one."""
    read = parse_interaction(submitted(**state))
    assert read == Submission(stack="shop", reason=reason, user_id="U0MARIA")


def test_every_request_is_told_apart() -> None:
    """A press, a submission and a command come to the same address."""
    assert isinstance(parse_request(interaction()), Press)
    assert isinstance(parse_request(submitted()), Submission)
    assert isinstance(parse_request(b"command=/switchman&user_id=U0MARIA"), SlashCommand)


def test_a_typed_text_is_read_as_it_was_typed() -> None:
    """Slack sends `&`, `<` and `>` as entities."""
    body = urlencode({"command": "/x", "user_id": "U", "text": "a &lt;b&gt; &amp;lt; c"}).encode()
    assert parse_command(body).text == "a <b> &lt; c"


def test_a_slash_command_is_read() -> None:
    """Command, text without white space around it, and who typed it where."""
    command = parse_command(
        b"command=%2Fincident&text=+list+open+&user_id=U0MARIA&user_name=maria"
        b"&channel_id=C0&response_url=https%3A%2F%2Fx&trigger_id=1"
    )
    assert (command.command, command.text) == ("/incident", "list open")
    assert (command.user_id, command.user_name, command.channel) == ("U0MARIA", "maria", "C0")
    assert (command.response_url, command.trigger_id) == ("https://x", "1")


@pytest.mark.parametrize(
    "body", [b"", b"command=/x", b"user_id=U0", b"\xff", b"command=&user_id=U"]
)
def test_any_other_command_is_a_bad_message(body: bytes) -> None:
    """Without the command or the person there is nothing to do."""
    with pytest.raises(BadMessage):
        parse_command(body)


def signed(body: bytes = BODY, *, secret: str = SECRET, stamp: str | None = None) -> dict[str, str]:
    """The headers Slack would send with this body at NOW."""
    at = str(int(NOW.timestamp())) if stamp is None else stamp
    base = b":".join((b"v0", at.encode(), body))
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


def test_a_signed_request_is_believed() -> None:
    """Slack's signature is accepted, whatever case the server gives the headers."""
    verify([SECRET], signed(), BODY, NOW)
    verify([SECRET], {name.lower(): value for name, value in signed().items()}, BODY, NOW)


def test_both_secrets_are_good_while_one_replaces_the_other() -> None:
    """During a rotation either secret proves a request."""
    verify(["old-secret", SECRET], signed(), BODY, NOW)
    verify(["old-secret", SECRET], signed(secret="old-secret"), BODY, NOW)


def test_five_minutes_are_the_limit_either_way() -> None:
    """A request is believed for five minutes, not a second longer."""
    verify([SECRET], signed(), BODY, NOW + timedelta(seconds=300))
    for late in (timedelta(seconds=301), timedelta(seconds=-301)):
        with pytest.raises(BadSignature):
            verify([SECRET], signed(), BODY, NOW + late)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        ({"X-Slack-Signature": signed()["X-Slack-Signature"]}, BODY),
        ({"X-Slack-Request-Timestamp": "1"}, BODY),
        (signed(secret="another"), BODY),
        (signed(), BODY + b" "),
        (signed(stamp="now"), BODY),
        (signed(stamp=""), BODY),
        (signed(stamp="9" * 400), BODY),
        (signed(stamp="9" * 5000), BODY),
        (signed(b"\xff"), b"\xff"),
        ({**signed(), "X-Slack-Signature": "v0=ü"}, BODY),
        ({**signed(), "X-Slack-Signature": ""}, BODY),
        ({**signed(), "X-Slack-Request-Timestamp": "\ud800"}, BODY),
    ],
)
def test_everything_wrong_with_a_request_is_one_error(headers: dict[str, str], body: bytes) -> None:
    """Missing, malformed, old or forged: the request is not believed, and no other error leaks."""
    with pytest.raises(BadSignature):
        verify([SECRET], headers, body, NOW)


@pytest.mark.parametrize("secrets", [[], [""], [" "]])
def test_a_missing_secret_is_not_the_senders_fault(secrets: list[str]) -> None:
    """Without a secret nothing can be proved or disproved: it may succeed later."""
    with pytest.raises(Transient):
        verify(secrets, signed(), BODY, NOW)


def test_the_event_id_is_the_hash_of_what_slack_signs() -> None:
    """The same request gives the same id, another time or body another one."""
    base = b"v0:" + str(int(NOW.timestamp())).encode() + b":" + BODY
    assert event_id_of(signed(), BODY) == hashlib.sha256(base).hexdigest()
    assert event_id_of(signed(), BODY) == event_id_of(
        {"x-slack-request-timestamp": signed()["X-Slack-Request-Timestamp"]}, BODY
    )
    assert event_id_of(signed(stamp="1"), BODY) != event_id_of(signed(), BODY)
    assert event_id_of(signed(), BODY + b" ") != event_id_of(signed(), BODY)


def test_without_a_timestamp_there_is_no_event_id() -> None:
    """A request that cannot have been signed has no identity."""
    with pytest.raises(BadSignature):
        event_id_of({}, BODY)
