"""What every Chat does: the fake of the use-case tests, and the real one over Slack's Web API."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from shared.adapters.slack import SlackChat
from shared.adapters.slack_errors import NotThere
from shared.adapters.slack_signature import verify
from shared.domain.errors import Refused, SwitchmanError, Transient, UnknownOutcome
from shared.domain.paging import Card, Choice, MessageRef, Sheet
from shared.domain.severity import Severity
from shared.wire.slack import event_id_of
from shared.wire.slack_card import BUTTONS
from shared.wire.slack_command import parse_command
from shared.wire.slack_modal import REASON
from shared.wire.slack_request import Press, Subject, Submission, parse_interaction
from tests.contract.chat_worlds import SimulatedWorld, World, fake_world, simulated_world
from tests.contract.simulated_slack_world import MARIA, SIGNING_SECRET
from tests.contract.test_health import closed_port, serving
from tests.fakes.clock import ManualClock

INCIDENTS = "#incidents"
KEY = "shop-0123456789/opened/1/maria/slack"
CARD = Card(
    headline="The backend answers 500",
    severity=Severity.SEV1,
    mention=MARIA.id,
    facts=(("Lane", "infra"),),
    paragraphs=("Requests fail.", "backend goes from 00011-new to 00010-kpf"),
    status="Nobody has acknowledged it yet.",
    choices=BUTTONS,
    subject="shop-0123456789|abc",
    runbook="https://runbooks.example.com/infra",
)
DONE = replace(CARD, headline="Dealt with", choices=())
SHEET = Sheet(
    stack="The shop",
    moves=("backend from bad to good: it served before",),
    note="Nothing moves until it is approved.",
    approvers="Infra",
)


@pytest.fixture(params=["fake", "slack"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A workspace with `#incidents` and `#releases`."""
    if request.param == "fake":
        yield fake_world()
        return
    with simulated_world(tmp_path) as real:
        yield real


@pytest.fixture
def real(tmp_path: Path) -> Iterator[SimulatedWorld]:
    """The real adapter alone."""
    with simulated_world(tmp_path) as world:
        yield world


def test_a_card_is_posted_with_its_buttons(world: World) -> None:
    """It stands in the channel that was named, at the place that was answered."""
    ref = world.chat.post(INCIDENTS, CARD, KEY)
    (seen,) = world.seen()
    assert seen.ts == ref.ts
    assert seen.text == CARD.headline
    assert seen.buttons == BUTTONS


def test_a_posted_card_is_found_by_its_key(world: World) -> None:
    """By the channel's name or its id, and only there, and only by this key."""
    assert world.chat.find(INCIDENTS, KEY) is None
    ref = world.chat.post(INCIDENTS, CARD, KEY)
    world.chat.post(INCIDENTS, CARD, "another key")
    assert world.chat.find(INCIDENTS, KEY) == ref
    assert world.chat.find("incidents", KEY) == ref
    assert world.chat.find(ref.channel, KEY) == ref
    assert world.chat.find(INCIDENTS, "no such key") is None
    assert world.chat.find("#releases", KEY) is None
    assert world.chat.find("#nowhere", KEY) is None


def test_a_key_posted_twice_stands_there_twice(world: World) -> None:
    """Nothing in Slack keeps a second post away; the newest one is found."""
    first = world.chat.post(INCIDENTS, CARD, KEY)
    second = world.chat.post(INCIDENTS, CARD, KEY)
    assert first != second
    assert len(world.seen()) == 2
    assert world.chat.find(INCIDENTS, KEY) == second


def test_a_lost_answer_is_an_unknown_outcome(world: World) -> None:
    """The message may stand there, and a look-up by key says that it does."""
    world.lose_answer()
    with pytest.raises(UnknownOutcome):
        world.chat.post(INCIDENTS, CARD, KEY)
    (seen,) = world.seen()
    found = world.chat.find(INCIDENTS, KEY)
    assert found is not None
    assert found.ts == seen.ts


def test_a_call_turned_away_may_be_made_again(world: World) -> None:
    """Every call says so; nothing was posted, and the next one goes through."""
    ref = world.chat.post(INCIDENTS, CARD, KEY)
    view, trigger = world.chat.ask(world.trigger(), "shop"), world.trigger()
    calls: tuple[Callable[[], object], ...] = (
        lambda: world.chat.post(INCIDENTS, CARD, KEY),
        lambda: world.chat.find(INCIDENTS, KEY),
        lambda: world.chat.update(ref, DONE),
        lambda: world.chat.tell(INCIDENTS, MARIA.id, "You may not approve this."),
        lambda: world.chat.ask(trigger, "shop"),
        lambda: world.chat.show(view, SHEET),
    )
    for call in calls:
        world.away()
        with pytest.raises(Transient):
            call()
    (seen,) = world.seen()
    assert seen.text == CARD.headline
    (modal,) = world.modals()
    assert "Preparing" in modal.text
    world.chat.ask(trigger, "shop")


def test_a_channel_that_does_not_exist_is_refused(world: World) -> None:
    """It will never work, and the channel is named."""
    with pytest.raises(Refused, match="#nowhere"):
        world.chat.post("#nowhere", CARD, KEY)


def test_a_card_is_redrawn_in_place(world: World) -> None:
    """The same message with other words and no buttons; its key still finds it."""
    ref = world.chat.post(INCIDENTS, CARD, KEY)
    world.chat.update(ref, DONE)
    world.chat.update(ref, DONE)
    (seen,) = world.seen()
    assert (seen.ts, seen.text, seen.buttons) == (ref.ts, "Dealt with", ())
    assert world.chat.find(INCIDENTS, KEY) == ref


def test_a_card_that_is_not_there_cannot_be_redrawn(world: World) -> None:
    """It will never work."""
    place = world.chat.post(INCIDENTS, CARD, KEY).channel
    with pytest.raises(Refused):
        world.chat.update(MessageRef(place, "1.000001"), DONE)


def test_one_person_is_told_something(world: World) -> None:
    """Only that person sees it, as it was said."""
    world.chat.tell(INCIDENTS, MARIA.id, "You may not approve this.")
    (seen,) = world.seen()
    assert (seen.only_for, seen.text) == (MARIA.id, "You may not approve this.")


@pytest.mark.parametrize("channel", ["", "#nowhere"])
def test_where_there_is_no_channel_a_person_is_told_directly(world: World, channel: str) -> None:
    """A form belongs to no channel, and a command may be typed where the app is not."""
    world.chat.tell(channel, MARIA.id, "A drill is under way.")
    assert world.told_directly() == ["A drill is under way."]


def test_a_modal_opens_with_a_placeholder(world: World) -> None:
    """It is about the stack, and a reason may be typed and sent while the plan is made."""
    world.chat.ask(world.trigger(), "shop")
    (modal,) = world.modals()
    assert "Preparing" in modal.text
    assert (modal.stack, modal.may_submit) == ("shop", True)


def test_a_modal_is_filled_with_its_plan(world: World) -> None:
    """What moves and why, who has to approve, and that nothing moves before; twice is once."""
    view = world.chat.ask(world.trigger(), "shop")
    for _ in range(2):
        world.chat.show(view, SHEET)
    (modal,) = world.modals()
    for said in (SHEET.stack, *SHEET.moves, SHEET.note, SHEET.approvers):
        assert said in modal.text
    assert (modal.stack, modal.may_submit) == ("shop", True)


def test_where_there_is_no_plan_nothing_can_be_sent(world: World) -> None:
    """The modal says why."""
    view = world.chat.ask(world.trigger(), "shop")
    world.chat.show(view, replace(SHEET, moves=(), note="no revision served before"))
    (modal,) = world.modals()
    assert "no revision served before" in modal.text
    assert not modal.may_submit


def test_a_modal_that_was_closed_stays_closed(world: World) -> None:
    """The plan comes too late, and that is no error."""
    view = world.chat.ask(world.trigger(), "shop")
    world.close_modal()
    world.chat.show(view, SHEET)
    assert world.modals() == []


def test_a_trigger_opens_one_modal(world: World) -> None:
    """The same request again opens nothing more."""
    trigger = world.trigger()
    world.chat.ask(trigger, "shop")
    with pytest.raises(Refused):
        world.chat.ask(trigger, "shop")
    assert len(world.modals()) == 1


def test_a_trigger_lasts_three_seconds(world: World) -> None:
    """After that the person has to begin again, and the error says so."""
    trigger = world.trigger()
    world.wait(4)
    with pytest.raises(Refused, match=r"three seconds.*try"):
        world.chat.ask(trigger, "shop")
    assert world.modals() == []


def test_a_modal_is_not_waited_for(real: SimulatedWorld) -> None:
    """A person waits and the trigger runs out: being asked to wait a second is a failure."""
    trigger = real.trigger()
    real.fault("views.open", "rate_limited", 1)
    with pytest.raises(Transient):
        real.chat.ask(trigger, "shop")
    assert real.clock.slept == []


def test_a_lost_answer_leaves_a_modal_in_doubt(real: SimulatedWorld) -> None:
    """It may be open, and nobody knows its id."""
    trigger = real.trigger()
    real.fault("views.open", "timeout_after_success", 0)
    with pytest.raises(UnknownOutcome):
        real.chat.ask(trigger, "shop")


def test_the_reason_survives_the_plan(real: SimulatedWorld) -> None:
    """The field is the same before and after, so Slack keeps what was typed into it."""
    view = real.chat.ask(real.trigger(), "shop")
    before = real.views()[0]["view"]["blocks"][-1]
    real.chat.show(view, SHEET)
    after = real.views()[0]["view"]["blocks"][-1]
    assert before == after
    assert (after["block_id"], after["element"]["action_id"]) == (REASON, REASON)


def test_a_submission_arrives_and_says_what_it_is_about(real: SimulatedWorld) -> None:
    """From the filled modal to the stack and the reason, also after an update."""
    real.chat.show(real.chat.ask(real.trigger(), "shop"), SHEET)
    values = {REASON: {REASON: " it answers 500 "}}
    real.slack.post("submit", view_id=real.views()[0]["id"], user="maria", values=values)
    asked = parse_interaction(real.slack.app.take().body)
    assert asked == Submission(stack="shop", reason="it answers 500", user_id=MARIA.id)


def test_the_longest_plan_is_accepted(real: SimulatedWorld) -> None:
    """A plan beyond every limit is clipped, not refused."""
    view = real.chat.ask(real.trigger(), "shop")
    real.chat.show(
        view, Sheet(stack="&" * 4000, moves=("<" * 4000,) * 200, note="", approvers="&" * 4000)
    )
    assert real.modals()[0].may_submit


def test_what_one_person_is_told_is_no_markup(real: SimulatedWorld) -> None:
    """A text that holds Slack's control characters notifies nobody else."""
    real.chat.tell(INCIDENTS, MARIA.id, "<!channel> & all")
    assert real.seen()[0].text == "&lt;!channel&gt; &amp; all"


@pytest.mark.parametrize("seconds", [0, 5])
def test_an_error_of_slacks_own_leaves_a_post_in_doubt(
    real: SimulatedWorld, seconds: float
) -> None:
    """Slack says that some of it may have succeeded; here it did, answered late or at once."""
    real.fault("chat.postMessage", "timeout_after_success", seconds)
    with pytest.raises(UnknownOutcome):
        real.chat.post(INCIDENTS, CARD, KEY)
    assert len(real.seen()) == 1


def test_an_error_of_slacks_own_lets_harmless_calls_be_repeated(real: SimulatedWorld) -> None:
    """Redrawing, telling and looking up do no harm twice, so they may simply come again."""
    ref = real.chat.post(INCIDENTS, CARD, KEY)
    calls: dict[str, Callable[[], object]] = {
        "chat.update": lambda: real.chat.update(ref, DONE),
        "chat.postEphemeral": lambda: real.chat.tell(INCIDENTS, MARIA.id, "text"),
        "conversations.history": lambda: real.chat.find(INCIDENTS, KEY),
    }
    for method, call in calls.items():
        real.fault(method, "server_error", 0)
        with pytest.raises(Transient):
            call()


def test_a_short_rate_limit_is_waited_for(real: SimulatedWorld) -> None:
    """Slack asks for two seconds: after two seconds the message is posted, once."""
    real.fault("chat.postMessage", "rate_limited", 2)
    real.chat.post(INCIDENTS, CARD, KEY)
    assert real.clock.slept == [timedelta(seconds=2)]
    assert len(real.seen()) == 1


def test_a_long_rate_limit_is_not_waited_for(real: SimulatedWorld) -> None:
    """Slack asks for a minute: the message comes again later, and the log says when it may."""
    real.fault("chat.postMessage", "rate_limited", 60)
    with pytest.raises(Transient, match="wait 60 s"):
        real.chat.post(INCIDENTS, CARD, KEY)
    assert real.clock.slept == []


def test_a_second_rate_limit_is_not_waited_for(real: SimulatedWorld) -> None:
    """One wait is all a page is worth; after that the bus brings it again."""
    for _ in range(2):
        real.fault("chat.postMessage", "rate_limited", 1)
    with pytest.raises(Transient):
        real.chat.post(INCIDENTS, CARD, KEY)
    assert len(real.clock.slept) == 1


def test_a_wrong_token_is_refused_without_being_repeated(real: SimulatedWorld) -> None:
    """The error says what to do and never what the token was."""
    url = f"{real.slack.base_url}/sim/slack/api/"
    chat = SlackChat("xoxb-wrong", ManualClock(), base_url=url)
    with pytest.raises(Refused, match="SLACK_BOT_TOKEN") as raised:
        chat.post(INCIDENTS, CARD, KEY)
    assert "invalid_auth" in str(raised.value)
    assert "xoxb" not in everything_said(raised.value)


@pytest.mark.parametrize("token", ["", " ", "xoxb-1\nInjected: yes", "xoxb-ü", "xoxb 1"])
def test_a_token_that_is_none_is_refused_and_not_logged(
    token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No header is made of it, so that no library can complain about it aloud."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused) as raised:
        SlackChat(token, ManualClock())
    assert "xoxb" not in everything_said(raised.value) + caplog.text


def test_slack_out_of_reach_means_that_nothing_was_sent() -> None:
    """A connection that is refused leaves no doubt: the page may simply be sent again."""
    with closed_port() as port:
        chat = SlackChat("xoxb-1", ManualClock(), base_url=f"http://127.0.0.1:{port}/api/")
        with pytest.raises(Transient):
            chat.post(INCIDENTS, CARD, KEY)


def test_a_connection_that_breaks_is_in_doubt_and_posts_once() -> None:
    """The request was read and no answer came: it is not sent again behind our back."""
    read: list[bytes] = []

    class Breaking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            read.append(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Breaking) as url:
        chat = SlackChat("xoxb-1", ManualClock(), base_url=f"{url}/api/")
        with pytest.raises(UnknownOutcome):
            chat.post(INCIDENTS, CARD, KEY)
    assert len(read) == 1


@pytest.mark.parametrize("body", [b"<html>bad gateway</html>", b"[]", b"", b"\xff"])
def test_an_answer_that_is_not_slacks_leaves_a_post_in_doubt(body: bytes) -> None:
    """Something in between answered: the message may stand there."""
    with answering(body) as chat, pytest.raises(UnknownOutcome):
        chat.post(INCIDENTS, CARD, KEY)


@pytest.mark.parametrize(
    ("code", "error", "advice"),
    [
        ("internal_error", UnknownOutcome, ""),
        ("fatal_error", UnknownOutcome, ""),
        ("service_unavailable", UnknownOutcome, ""),
        ("ratelimited", Transient, "wait 1 s"),
        ("request_timeout", Transient, ""),
        ("team_added_to_org", Transient, ""),
        ("channel_not_found", NotThere, "correct the channel"),
        ("not_in_channel", NotThere, "invite the app"),
        ("is_archived", NotThere, "unarchive"),
        ("hash_conflict", Transient, ""),
        ("expired_trigger_id", Refused, "three seconds"),
        ("exchanged_trigger_id", Refused, "try it again"),
        ("missing_scope", Refused, "add the scope"),
        ("token_revoked", Refused, "SLACK_BOT_TOKEN"),
        ("invalid_blocks", Refused, "chat.postMessage#errors"),
        ("a_code_of_next_year", Refused, "chat.postMessage#errors"),
    ],
)
def test_slacks_codes_are_sorted_by_what_to_do(
    code: str, error: type[SwitchmanError], advice: str
) -> None:
    """In doubt, not done, or never: the code is named, and with a never what to do about it."""
    answer = json.dumps({"ok": False, "error": code}).encode()
    with answering(answer) as chat, pytest.raises(SwitchmanError) as raised:
        chat.post(INCIDENTS, CARD, KEY)
    assert type(raised.value) is error
    assert advice in str(raised.value)


def test_a_card_is_found_behind_many_messages(real: SimulatedWorld) -> None:
    """The look-up turns the pages of a busy channel."""
    ref = real.chat.post(INCIDENTS, CARD, KEY)
    for number in range(201):
        real.slack.slack.chat_postMessage(channel=ref.channel, text=str(number))
    assert real.chat.find(INCIDENTS, KEY) == ref


def test_a_channel_is_found_by_name_after_a_restart(real: SimulatedWorld) -> None:
    """Another process, which never posted there, finds the card by the channel's name."""
    ref = real.chat.post(INCIDENTS, CARD, KEY)
    url = f"{real.slack.base_url}/sim/slack/api/"
    fresh = SlackChat(real.slack.slack.token or "", ManualClock(), base_url=url)
    assert fresh.find(INCIDENTS, KEY) == ref


def test_the_longest_card_is_accepted(real: SimulatedWorld) -> None:
    """A card beyond every limit is clipped, not refused."""
    card = replace(
        CARD,
        headline="&" * 1000,
        facts=tuple((f"fact {n}" * 50, "<" * 5000) for n in range(25)),
        paragraphs=(">" * 9000,) * 100,
        status="&" * 9000,
        runbook="https://runbooks.example.com/" + "x" * 1900,
        subject="s" * 2000,
    )
    real.chat.post(INCIDENTS, card, KEY)
    assert real.seen()[0].buttons == BUTTONS


def test_a_press_arrives_signed_and_says_what_was_pressed(real: SimulatedWorld) -> None:
    """From the button in the posted card to the subject, proved to come from Slack."""
    ref = real.chat.post(INCIDENTS, CARD, KEY)
    real.slack.post("press", ts=ref.ts, action_id=Choice.APPROVE.value, user="maria")
    request = real.slack.app.take()
    now = datetime.fromtimestamp(real.slack.clock.now, UTC)
    verify([SIGNING_SECRET], request.headers, request.body, now)
    press = parse_interaction(request.body)
    assert isinstance(press, Press)
    assert (press.choice, press.subject) == (Choice.APPROVE, Subject("shop-0123456789", "abc"))
    assert (press.user_id, press.user_name) == (MARIA.id, "maria")
    assert MessageRef(press.channel, press.message_ts) == ref
    assert press.response_url
    assert press.trigger_id
    assert len(event_id_of(request.headers, request.body)) == 64


def test_a_slash_command_arrives(real: SimulatedWorld) -> None:
    """From what a person types to the command."""
    real.slack.post("command", command="/incident", text=" list ", user="maria")
    command = parse_command(real.slack.app.take().body)
    assert (command.command, command.text, command.user_id) == ("/incident", "list", MARIA.id)


@contextmanager
def answering(body: bytes) -> Iterator[SlackChat]:
    """A chat whose every call is answered with 200 and this body."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Answering) as url:
        yield SlackChat("xoxb-1", ManualClock(), base_url=f"{url}/api/")


def everything_said(error: SwitchmanError) -> str:
    """The error's text and those of the errors behind it."""
    said: list[str] = []
    behind: BaseException | None = error
    while behind is not None:
        said.append(str(behind))
        behind = behind.__cause__ or behind.__context__
    return "\n".join(said)
