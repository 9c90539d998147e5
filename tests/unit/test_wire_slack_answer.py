"""Answers to slash commands, and modals, within Slack's limits."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.local.slack.block_kit import message_faults, view_faults
from shared.domain.paging import Sheet
from shared.wire.slack_answer import private
from shared.wire.slack_modal import accepted, filled, placeholder, rejected

TEXT = st.text(alphabet="&<>ab *\n", max_size=4000)


def shown(answer: dict[str, Any]) -> str:
    """Everything the answer's blocks say."""
    return "\n".join(
        block["text"]["text"] if "text" in block else block["fields"][0]["text"]
        for block in answer["blocks"]
    )


def test_an_answer_is_for_one_person() -> None:
    """It is ephemeral, and its text says enough for a notification."""
    answer = private("Who is on call", (("Infra", "Ines"),), ("All is quiet.",))
    assert answer["response_type"] == "ephemeral"
    assert answer["text"] == "Who is on call: All is quiet."
    assert shown(answer) == "Who is on call\n*Infra*\nInes\nAll is quiet."


def test_an_answer_without_a_headline_is_its_paragraphs() -> None:
    """A typing error is one sentence, not a page."""
    answer = private("", (), ("There is no `rolback`; did you mean `rollback`?",))
    assert shown(answer) == answer["text"] == "There is no `rolback`; did you mean `rollback`?"


def test_an_answer_cannot_become_markup() -> None:
    """What somebody typed wakes nobody when it is said back."""
    assert "<!channel>" not in shown(private("", (), ("There is no `<!channel>`",)))


@given(TEXT.filter(str.strip), st.lists(st.tuples(TEXT, TEXT), max_size=80), st.lists(TEXT))
def test_no_answer_exceeds_slacks_limits(
    headline: str, facts: list[tuple[str, str]], paragraphs: list[str]
) -> None:
    """Whatever it says, Slack takes it."""
    answer = private(headline, facts, paragraphs)
    assert message_faults(answer["blocks"]) == []
    assert 1 <= len(answer["text"]) <= 3000


@given(st.builds(Sheet, stack=TEXT, moves=st.lists(TEXT).map(tuple), note=TEXT, approvers=TEXT))
def test_no_modal_exceeds_slacks_limits(sheet: Sheet) -> None:
    """Whatever a plan says, Slack takes it, and can be submitted only where there is one."""
    view = filled("shop", sheet)
    assert view_faults(view) == []
    assert ("submit" in view) is bool(sheet.moves)


def test_the_other_modals_are_within_slacks_limits() -> None:
    """The placeholder, also for a long name, and what follows a submission."""
    assert view_faults(placeholder("shop")) == []
    assert view_faults(placeholder("s" * 2900)) == []
    assert view_faults(accepted("shop")["view"]) == []
    assert rejected("Say why.") == {
        "response_action": "errors",
        "errors": {"reason": "Say why."},
    }
