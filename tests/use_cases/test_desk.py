"""What people type: how things stand, what may be asked for, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.app.answers import Answer
from shared.app.desk import Desk
from shared.app.take import AskForRollback, TakeCommand
from shared.app.typed import Typed
from shared.domain.action import Topic
from shared.domain.alert import AlertStatus
from shared.domain.event import Instruction
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.policy import StackPolicy
from shared.domain.rollback import RollbackMode
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import ANA, BACKEND, BEN, EVE, MINUTE, alert, policy
from tests.fakes.chat import ChatFault
from tests.use_cases.world import World


class FrontDesk:
    """The desk of a world, and everything that follows from what is said there."""

    def __init__(self, world: World) -> None:
        self.world = world
        desk = Desk(policy=world.policy, reports=world.store)
        self._take = TakeCommand(desk=desk, store=world.store_instruction, chat=world.chat)
        self._ask = AskForRollback(world.store_instruction)
        self._said = 0

    def typed(self, text: str, who: str = BEN) -> Typed:
        """A command as it reaches us."""
        self._said += 1
        return Typed(
            id=f"typed-{self._said}",
            command="/switchman",
            text=text,
            person=who,
            channel="C-infra",
            trigger=self.world.chat.trigger(),
            at=self.world.clock.now(),
        )

    def take(self, typed: Typed) -> Answer | None:
        """What is answered at once."""
        return self._take(typed)

    def says(self, text: str, who: str = BEN) -> str:
        """What a person is answered, as one text."""
        answer = self.take(self.typed(text, who))
        return "" if answer is None else words(answer)

    def submits(self, reason: str, who: str = BEN) -> str:
        """A person sends the form; what is wrong with it, if anything."""
        self._said += 1
        return self._ask(
            Instruction(
                id=f"form-{self._said}",
                choice=Choice.ROLLBACK,
                person=who,
                channel="",
                at=self.world.clock.now(),
                stack="shop",
                text=reason,
            )
        )

    def follow(self) -> None:
        """Let everything that was stored take effect, and all that follows."""
        for message in self.world.topics.take(Topic.EVENTS):
            self.world.follow(message.id)
        self.world.deliver()


def words(answer: Answer) -> str:
    """Everything an answer says."""
    facts = (f"{name}: {value}" for name, value in answer.facts)
    return "\n".join((answer.headline, *facts, *answer.paragraphs))


@pytest.fixture
def desk(world: World) -> FrontDesk:
    """The desk of a quiet shop."""
    return FrontDesk(world)


def nothing_was_asked(desk: FrontDesk) -> bool:
    """Whether nothing was stored or published."""
    return desk.world.topics.ids() == []


def test_help_names_everything_that_can_be_typed(desk: FrontDesk) -> None:
    """With or without the word, under the name that the command has here."""
    told = desk.says("help")
    asks = ("rollback", "drill", "declare", "unlatch", "release", "repinned", "review")
    says = ("merge", "split", "lane", "severity", "note")
    verbs = ("status", "incidents", "oncall", "help", *asks, *says)
    for verb in verbs:
        assert f"`/switchman {verb}" in told
    assert desk.says("") == told


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("rolback", "There is no `rolback`; did you mean `rollback`?"),
        ("statsu", "There is no `statsu`; did you mean `status`?"),
        ("rollback shp", "There is no stack `shp`; did you mean `shop`?"),
        ("rollback warehouse", "There is no stack `warehouse`; there is: `shop`"),
        ("rollback data shop", "on the command line, `switchman rollback data STACK`"),
        ("drill rolback", "There is no drill `rolback`; did you mean `rollback`?"),
        ("drill rollback shp", "There is no stack `shp`; did you mean `shop`?"),
        ("drill rollback --aply", "There is no option `--aply`; did you mean `--apply`?"),
        ("declare infa it fails", "There is no stack or lane `infa`; did you mean `infra`?"),
        ("declare shop infa it fails", "There is no lane `infa`; did you mean `infra`?"),
        ("declare infra sev5 it fails", "There is no severity `sev5`; there is: `sev1`, `sev2`"),
        ("unlatch shop-backnd", "did you mean `shop-backend`?"),
        ("unlatch shop shop-backnd", "There is no service `shop-backnd`; did you mean"),
        ("unlatch shop shop-backend now", "After `unlatch STACK SERVICE` nothing more"),
        ("release shp", "There is no stack `shp`; did you mean `shop`?"),
        ("release --aply it is fixed", "There is no option `--aply`; did you mean `--apply`?"),
        ("release shop at once", "After `release STACK` nothing more is expected"),
        ("fly me to the moon", "There is no `fly`; there is: `status`, `incidents`"),
    ],
)
def test_a_typing_error_is_told_with_what_was_meant(
    desk: FrontDesk, typed: str, suggested: str
) -> None:
    """Nothing is guessed and carried out; the nearest name is suggested."""
    told = desk.says(typed)
    assert suggested in told
    assert "`/switchman help`" in told
    assert nothing_was_asked(desk)


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        ("drill", "Say which drill: `rollback`."),
        ("release --apply", "Say why: whoever approves it reads this."),
        ("release shop --again --apply", "Say why: whoever approves it reads this."),
        ("unlatch", "Say which service, one of `shop-backend`, `shop-frontend`."),
        ("repinned", "Say which incident: `/switchman incidents` names them."),
        ("review nowhere-1 all well", "There is no incident `nowhere-1`; there is: none."),
        ("declare", "Say which lane"),
        ("declare shop", "Say which lane"),
        ("declare infra", "Say what is wrong"),
        ("declare infra sev1", "Say what is wrong"),
        (f"declare infra {'x' * 501}", "at most 500 characters"),
        ("status please", "nothing more is expected, and there is `please`"),
        ("rollback shop now", "there is `now`"),
        ("drill rollback shop now", "there is `now`"),
    ],
)
def test_what_is_missing_or_too_much_is_told(desk: FrontDesk, typed: str, missing: str) -> None:
    """The person reads what would be right."""
    assert missing in desk.says(typed)
    assert nothing_was_asked(desk)


def test_names_may_be_typed_in_any_case(desk: FrontDesk) -> None:
    """Telephones begin with a capital letter."""
    assert "Who is on call" in desk.says("OnCall")
    assert desk.says("Rollback SHOP") == ""


def test_who_is_on_call(desk: FrontDesk) -> None:
    """Each team, who is woken, where, and for which lanes."""
    assert "Infra: Ben in #infra\nfor infra, data" in desk.says("oncall")


def test_a_quiet_status(desk: FrontDesk) -> None:
    """It says so, for each stack."""
    assert "*The shop* (`shop`): nothing is open" in desk.says("status")


def test_the_status_of_an_incident(proposed: World) -> None:
    """How bad, where, since when, whether anybody has it, and how the rollback stands."""
    desk = FrontDesk(proposed)
    proposed.presses(BEN, Choice.ACKNOWLEDGE)
    told = desk.says("status")
    assert "1 open incident" in told
    assert (
        "*sev2 infra*, acknowledged by Ben, rollback proposed, since 2026-03-01 12:00 UTC" in told
    )
    assert proposed.incident.id in told


def test_the_newest_incidents_with_their_alerts(desk: FrontDesk) -> None:
    """Each with its count of alerts; none is said too."""
    assert "There are none." in desk.says("incidents")
    desk.world.reports(alert(), alert("Latency"))
    told = desk.says("incidents")
    assert "*sev2 infra*, open" in told
    assert "2 alerts" in told


def test_a_stranger_may_read_and_not_ask(desk: FrontDesk) -> None:
    """Whoever the policy does not know is told so at once, and opens no form."""
    assert "nothing is open" in desk.says("status", who="U0NOBODY")
    for asked in ("rollback", "drill rollback", "declare infra it fails"):
        assert "The policy knows no person" in desk.says(asked, who="U0NOBODY")
    assert nothing_was_asked(desk)
    assert desk.world.chat.modals() == ()


def test_with_several_stacks_one_has_to_be_named(tmp_path: Path) -> None:
    """Which one is never guessed."""
    rules = policy()
    other = StackPolicy(id="store", name="The store")
    world = World(tmp_path / "db", replace(rules, stacks={**rules.stacks, other.id: other}))
    desk = FrontDesk(world)
    assert "Say which stack: `shop`, `store`." in desk.says("rollback")
    assert "There is no stack `infra`" in desk.says("declare infra it fails")
    assert "of The store" in desk.says("declare store infra it fails")
    world.store.close()


def test_a_rollback_begins_with_its_plan(desk: FrontDesk) -> None:
    """The form is there at once, and filled in with what would move as soon as that is known."""
    assert desk.says("rollback") == ""
    (modal,) = desk.world.chat.modals()
    assert (modal.stack, modal.sheet) == ("shop", None)
    desk.follow()
    (modal,) = desk.world.chat.modals()
    assert modal.sheet is not None
    assert f"{BACKEND} from bad to good" in modal.sheet.moves[0]
    assert modal.sheet.approvers == "Infra"
    assert desk.world.sent() == []
    assert desk.world.store.load("shop")[0].incidents == ()


def test_the_same_request_again_opens_nothing_more(desk: FrontDesk) -> None:
    """A replay is not answered with another form, and asks for no other plan."""
    typed = desk.typed("rollback")
    for _ in range(3):
        assert desk.take(typed) is None
    assert len(desk.world.chat.modals()) == 1
    assert set(desk.world.topics.ids()) == {typed.id}


def test_the_same_declaration_again_declares_nothing_more(desk: FrontDesk) -> None:
    """One request, one incident, however often it comes."""
    typed = desk.typed("declare infra it fails")
    for _ in range(3):
        desk.take(typed)
        desk.follow()
    assert len(desk.world.chat.posted()) == 1


def test_a_form_that_cannot_be_opened_in_time_is_told(desk: FrontDesk) -> None:
    """The person is asked to try again, and nothing is prepared for nobody."""
    typed = desk.typed("rollback")
    desk.world.clock.advance(MINUTE)
    answer = desk.take(typed)
    assert answer is not None
    assert "try again" in words(answer)
    assert nothing_was_asked(desk)


def test_a_form_of_which_nothing_is_known_is_told(desk: FrontDesk) -> None:
    """It may be open, and would never be filled."""
    desk.world.chat.order(ChatFault.LOST_ANSWER)
    assert "could not be opened" in desk.says("rollback")
    assert nothing_was_asked(desk)


@pytest.mark.parametrize(("reason", "why"), [("", "Say why"), ("x" * 501, "at most 500")])
def test_a_form_needs_a_reason(desk: FrontDesk, reason: str, why: str) -> None:
    """Whoever approves has to read something, and can read no more than so much."""
    assert why in desk.submits(reason)
    assert nothing_was_asked(desk)


def test_a_rollback_that_was_asked_for_needs_somebody_else(desk: FrontDesk) -> None:
    """The requester cannot approve it, another approver can, and traffic moves."""
    assert desk.submits("the checkout is broken", who=BEN) == ""
    desk.follow()
    rollback = desk.world.incident.rollback
    assert rollback is not None
    assert (rollback.mode, rollback.phase) == (RollbackMode.MANUAL, Phase.PROPOSED)
    (page,) = desk.world.incident.pages
    assert page.person == "eve"
    desk.world.presses(BEN, Choice.APPROVE)
    desk.world.deliver()
    assert desk.world.sent() == []
    assert "somebody else has to" in desk.world.chat.told()[-1].text
    desk.world.presses(EVE, Choice.APPROVE)
    desk.world.deliver()
    assert len(desk.world.sent()) == 2


def test_a_form_that_is_refused_later_is_told_directly(desk: FrontDesk) -> None:
    """A form belongs to no channel, so the person is written to."""
    desk.submits("the checkout is broken")
    desk.follow()
    desk.submits("it really is", who=ANA)
    desk.follow()
    told = desk.world.chat.told()[-1]
    assert (told.channel, told.user) == ("", ANA)
    assert "refused" in told.text


@pytest.mark.parametrize("option", ["--apply", "\u2014apply", "\u2013apply", "-apply"])
def test_a_drill_that_moves_traffic_is_asked_for_by_its_option(
    desk: FrontDesk, option: str
) -> None:
    """Also as a telephone spells it; without it nothing moves."""
    assert "traffic stays where it is" in desk.says("drill rollback shop")
    assert "traffic is moved" in desk.says(f"drill rollback {option}")
    ids = [message.id for message in desk.world.topics.take(Topic.EVENTS)]
    asked = [desk.world.store.instruction(instruction) for instruction in ids]
    assert [each.text for each in asked if each] == ["rollback", "rollback --apply"]


def test_a_drill_runs_and_the_status_tells_how_it_went(desk: FrontDesk) -> None:
    """From the typed line to its result."""
    desk.says("drill rollback")
    desk.follow()
    assert "Last drill: `rollback` of `shop`, 2026-03-01 12:00 UTC, PASS" in desk.says("status")


@pytest.mark.parametrize("typed", ["unlatch shop-backend", "unlatch SHOP shop-backend"])
def test_a_service_is_handed_back_by_its_name(desk: FrontDesk, typed: str) -> None:
    """The stack may be left out where there is only one; who may not is told afterwards."""
    assert "to hand shop-backend back" in desk.says(typed)
    (message,) = desk.world.topics.take(Topic.EVENTS)
    asked = desk.world.store.instruction(message.id)
    assert asked is not None
    assert (asked.choice, asked.stack, asked.text) == (Choice.UNLATCH, "shop", "shop-backend")


@pytest.mark.parametrize(
    ("typed", "asked", "answer"),
    [
        ("release", "", "shown to you alone"),
        ("release shop --again", "--again", "shown to you alone"),
        ("release --apply 1.4.2 is - out", "--apply 1.4.2 is - out", "asked to approve it"),
        ("release shop \u2014apply --again it is", "--apply --again it is", "asked to approve"),
    ],
)
def test_a_release_is_shown_or_asked_for(
    desk: FrontDesk, typed: str, asked: str, answer: str
) -> None:
    """Only by its option is it asked for, and then with a reason."""
    assert answer in desk.says(typed)
    (message,) = desk.world.topics.take(Topic.EVENTS)
    told = desk.world.store.instruction(message.id)
    assert told is not None
    assert (told.choice, told.stack, told.text) == (Choice.RELEASE, "shop", asked)


def test_a_declared_incident_is_open_and_its_owner_paged(desk: FrontDesk) -> None:
    """What was typed is its title as it was typed; the answer says who is woken."""
    told = desk.says("declare infra SEV1 checkout - payment & basket fail")
    assert "Asked for: a sev1 incident of The shop, lane infra" in told
    assert "If it is opened, Ben is paged in #infra." in told
    desk.follow()
    incident = desk.world.incident
    assert (incident.state, incident.severity) == (State.OPEN, Severity.SEV1)
    assert incident.title == "checkout - payment & basket fail"
    assert [page.person for page in incident.pages] == ["ben"]


def test_a_declaration_without_a_severity_has_the_policys(desk: FrontDesk) -> None:
    """The answer names the one it gets."""
    assert "Asked for: a sev3 incident" in desk.says("declare auth nobody can sign in")
    desk.follow()
    assert desk.world.incident.severity is Severity.SEV3


def test_a_declared_incident_is_ended_by_a_person(desk: FrontDesk) -> None:
    """No alert would tell, so the page has a button."""
    desk.says("declare auth nobody can sign in")
    desk.follow()
    assert Choice.RESOLVE in desk.world.chat.posted()[-1].card.choices
    desk.world.presses(BEN, Choice.RESOLVE)
    desk.world.deliver()
    assert desk.world.incident.state is State.RESOLVING


def test_a_rolled_back_incident_is_reviewed_once_its_images_are_pinned(desk: FrontDesk) -> None:
    """What is typed says both; before that, the review is refused with what is to be done."""
    world = desk.world
    world.reports(alert())
    world.deliver()
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    incident = world.incident.id
    world.reports(alert(status=AlertStatus.RESOLVED))
    for _ in range(2):
        world.clock.advance(world.policy.timing.settle)
        world.tick()
    world.deliver()
    said = desk.says(f"review {incident} the canary was too short")
    assert f"If nothing is left to do, {incident} is reviewed" in said
    desk.follow()
    assert world.incident.state.value == State.RESOLVED.value
    desk.says(f"repinned {incident}")
    desk.says(f"review {incident} the canary was too short", EVE)
    desk.follow()
    assert world.incident.state.value == State.REVIEWED.value
    assert world.incident.review is not None
    assert (world.incident.review.by, world.incident.review.note) == (
        "eve",
        "the canary was too short",
    )
