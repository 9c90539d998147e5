"""What a page shows: who it is for, what fails, why it was sent, and what may be pressed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from shared.domain.card import card_for, digest
from shared.domain.incident import Incident
from shared.domain.incident_state import State
from shared.domain.paging import Card, Choice, Page, PageStep
from shared.domain.rollback import MoveResult, Verdict
from shared.domain.rollback_phase import Phase
from tests.builders import BACKEND, BEN, FRONTEND, NOON, incident, outcome, plan, policy, rollback

PAGE = Page(
    key="k", step=PageStep.OPENED, team="infra", person="ben", channel="#infra", decided_at=NOON
)


def card(shown: Incident, page: Page = PAGE) -> Card:
    """The card of the incident's page."""
    return card_for(policy(), shown, page)


def text(shown: Incident, page: Page = PAGE) -> str:
    """Everything the card says in sentences."""
    return "\n".join(card(shown, page).paragraphs)


def proposed(state: State = State.OPEN) -> Incident:
    """An incident whose rollback waits for a decision."""
    return incident(state, rollback=rollback(Phase.PROPOSED, plan=plan()))


def test_a_page_says_who_what_where_and_why() -> None:
    """The person on call finds everything the first look needs."""
    shown = card(incident(runbook="https://runbook/infra"))
    assert shown.mention == BEN
    assert shown.headline == "ErrorsHigh"
    assert shown.runbook == "https://runbook/infra"
    assert dict(shown.facts) == {
        "Severity": "sev2",
        "Lane": "Infrastructure",
        "Stack": "The shop",
        "Incident": "shop-0123456789",
    }
    assert shown.paragraphs == ("What fails: Requests fail", "Why this lane: lane is infra")


def test_what_the_page_is_about_comes_first() -> None:
    """Details of a second page stand above what the first one said."""
    page = replace(PAGE, step=PageStep.ROLLBACK_UNDONE, details=("Nothing was moved",))
    assert card(incident(), page).paragraphs[0] == "Nothing was moved"


@pytest.mark.parametrize("step", PageStep)
def test_every_kind_of_page_has_a_headline(step: PageStep) -> None:
    """Whatever wakes somebody names the incident in its first line."""
    assert "ErrorsHigh" in card(incident(), replace(PAGE, step=step)).headline


@pytest.mark.parametrize("state", State)
def test_every_state_is_said_in_words(state: State) -> None:
    """A card is drawn from the incident as it is now."""
    assert card(incident(state, acknowledged_by="eve")).status


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_of_a_rollback_can_be_drawn(phase: Phase) -> None:
    """With a plan, a card names each service with what was found and what was wanted."""
    shown = text(incident(rollback=rollback(phase, plan=plan())))
    for service in (BACKEND, FRONTEND):
        assert re.search(rf"{service}: 100 % LATEST \(.*bad\) → 100 % .*good", shown)


@pytest.mark.parametrize(
    ("state", "choices"),
    [
        (State.OPEN, (Choice.ACKNOWLEDGE, Choice.APPROVE, Choice.REJECT)),
        (State.ACKNOWLEDGED, (Choice.APPROVE, Choice.REJECT)),
        *[(state, ()) for state in list(State)[2:]],
    ],
)
def test_only_what_may_be_pressed_has_a_button(state: State, choices: tuple[Choice, ...]) -> None:
    """Buttons are gone once they are used, or once it is too late for them."""
    page = PAGE if state is State.OPEN else PAGE.acknowledged(NOON)
    assert card(proposed(state), page).choices == choices


@pytest.mark.parametrize("state", [State.ACKNOWLEDGED, State.MITIGATING, State.MITIGATED])
def test_a_later_page_can_be_acknowledged_by_itself(state: State) -> None:
    """Whoever is woken again says again that they have seen it."""
    assert Choice.ACKNOWLEDGE in card(proposed(state)).choices


@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.PROPOSED])
def test_nothing_is_approved_but_a_proposal(phase: Phase) -> None:
    """In every other phase the open incident offers an acknowledgement and nothing else."""
    shown = incident(rollback=rollback(phase, plan=plan()))
    assert card(shown).choices == (Choice.ACKNOWLEDGE,)


def test_a_button_carries_the_plan_it_was_shown_with() -> None:
    """A pressed button names incident and plan, so that it decides about nothing else."""
    assert card(proposed()).subject == f"shop-0123456789|{plan().hash}"
    assert card(incident()).subject == "shop-0123456789"


def test_the_card_says_who_acknowledged_and_who_approved() -> None:
    """People see each other's names, not ids."""
    shown = incident(
        State.MITIGATING,
        acknowledged_by="ben",
        rollback=rollback(Phase.APPLYING, plan=plan(), approved_by="eve"),
    )
    assert "acknowledged by Ben" in card(shown).status
    assert "approved by Eve" in text(shown)


def test_the_card_says_why_no_rollback_is_proposed() -> None:
    """No plan is a message too."""
    shown = incident(rollback=rollback(Phase.UNAVAILABLE, why_not="nothing older"))
    assert "No rollback is proposed: nothing older" in text(shown)


def test_the_card_says_that_a_plan_is_on_its_way() -> None:
    """Whoever opens the page at once knows that a proposal may follow."""
    assert "plan is being prepared" in text(incident(rollback=rollback(Phase.PLANNING)))


def test_the_card_names_the_verdict_and_the_measured_time() -> None:
    """The end of the story stands on the page that began it."""
    over = rollback(Phase.APPLIED, plan=plan(), verdict=Verdict.RECOVERED, rto_seconds=7.25)
    assert "Verdict: recovered, RTO 7.2 s" in text(incident(rollback=over))


def test_the_card_names_the_service_that_refused() -> None:
    """Only what went wrong is told service by service."""
    ended = outcome(MoveResult.MOVED, MoveResult.REFUSED).services
    shown = text(incident(rollback=rollback(Phase.UNDONE, plan=plan(), outcomes=ended)))
    assert "shop-frontend says refused" in shown
    assert "shop-backend says" not in shown


def test_a_person_who_left_the_policy_does_not_break_the_card() -> None:
    """An old page is still drawn when the policy no longer knows its person."""
    shown = card(incident(State.ACKNOWLEDGED, acknowledged_by="gone"), replace(PAGE, person="gone"))
    assert shown.mention == ""
    assert shown.status.startswith("Acknowledged")


def test_cards_that_look_alike_have_the_same_digest() -> None:
    """A redrawn page is compared by what it shows."""
    assert digest(card(proposed())) == digest(card(proposed()))
    assert digest(card(proposed())) != digest(card(proposed(State.ACKNOWLEDGED)))
