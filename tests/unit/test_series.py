"""What a message about a series means, in whatever order the messages come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.decision import Reason
from shared.domain.event import MOST_ENDED
from shared.domain.series import OVERTAKEN_FOR, place
from tests.builders import MINUTE, NOON, SECOND, alert, received
from tests.story import Story

STEP = timedelta(seconds=7)


def firing(said: datetime | None = None, start: datetime = NOON) -> Alert:
    """The series fires, as was published at `said`."""
    return replace(alert(starts_at=start), published_at=said)


def resolved(
    said: datetime | None = None, start: datetime = NOON, ends_at: datetime | None = None
) -> Alert:
    """The series has ended, as was published at `said`."""
    return replace(firing(said, start), status=AlertStatus.RESOLVED, ends_at=ends_at)


@st.composite
def lives(draw: st.DrawFn) -> list[Alert]:
    """What a truthful sender says of one series, in order; some ends it never says.

    Each time the series fires with the same start as before, or with another one, which may
    come before the end of the last time has been published.
    """
    said: list[Alert] = []
    now = start = NOON
    for time in range(draw(st.integers(1, 4))):
        if time == 0 or draw(st.booleans()):
            start = now
        now += STEP
        for _ in range(draw(st.integers(1, 2))):
            now += STEP
            said.append(firing(now, start))
        ended, now = now + SECOND, now + STEP
        if draw(st.booleans()):
            told = draw(st.booleans())
            said.append(resolved(now, start, ended if told else None))
            now = ended + SECOND if told else now + SECOND
    return said


class Listening(Story):
    """A story whose events take effect once, as `Handle` sees to."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def hears(self, what: Alert) -> Reason | None:
        """The message is delivered, perhaps not for the first time."""
        event = received(what, self.alerts.values(), self.now)
        if event.id in self.seen:
            return None
        self.seen.add(event.id)
        return self.take(event).reason

    def still_fires(self) -> bool:
        """Whether any row of the series fires."""
        return any(row.status is AlertStatus.FIRING for row in self.alerts.values())


@given(said=lives(), data=st.data())
@settings(max_examples=500, deadline=None)
def test_a_truthful_senders_last_word_counts(said: list[Alert], data: st.DataObject) -> None:
    """However late, often and shuffled its messages come, the series fires iff it said so last."""
    again = data.draw(st.lists(st.sampled_from(said), max_size=6))
    listening, ends = Listening(), [NOON - MINUTE]
    for message in data.draw(st.permutations([*said, *again])):
        listening.later(data.draw(st.sampled_from([timedelta(), SECOND, 6 * MINUTE])))
        reason = listening.hears(message)
        assert message.published_at is not None
        if message.status is AlertStatus.RESOLVED:
            ends.append(message.published_at)
        elif reason is Reason.ENDED_ALREADY:
            assert message.published_at <= max(ends), "a new time of firing was taken for overtaken"
    assert listening.still_fires() is (said[-1].status is AlertStatus.FIRING)


def ended(**changes: object) -> AlertRow:
    """The row of what fired at noon and ended a minute later, as was published then."""
    facts: dict[str, object] = {
        "id": alert().row_id,
        "stack": "shop",
        "lane": "infra",
        "incident": "",
        "status": AlertStatus.RESOLVED,
        "title": "ErrorsHigh",
        "starts_at": NOON,
        "received_at": NOON,
        "ends_at": NOON + MINUTE,
        "heard_at": NOON + MINUTE,
    }
    return AlertRow(**{**facts, **changes})  # type: ignore[arg-type]  # a builder takes any field


def test_what_fires_again_starts_where_it_ended() -> None:
    """The sender gives the old start, and the row of the first time stays as it is."""
    told = place(firing(NOON + 2 * MINUTE), [ended()], NOON)
    assert (told.row, told.overtaken_by) == (None, None)
    assert told.alert.starts_at == NOON + MINUTE + timedelta(microseconds=1)


def test_words_said_at_the_same_moment_as_the_end_are_overtaken() -> None:
    """No sender says both at once, so the "firing" belongs to what has ended."""
    told = place(firing(NOON + MINUTE), [ended()], NOON)
    assert told.overtaken_by == ended()


@pytest.mark.parametrize("row", [ended(heard_at=None), ended()])
@pytest.mark.parametrize("away", [OVERTAKEN_FOR - SECOND, SECOND, -OVERTAKEN_FOR + SECOND])
def test_near_its_end_an_undated_message_is_taken_for_overtaken(
    row: AlertRow, away: timedelta
) -> None:
    """Where nobody knows which was said last, minutes count."""
    assert place(firing(), [row], NOON + MINUTE + away).overtaken_by == row


@pytest.mark.parametrize("away", [OVERTAKEN_FOR, -OVERTAKEN_FOR])
def test_far_from_its_end_an_undated_message_is_believed(away: timedelta) -> None:
    """Also where our clock has been set back since: in doubt it fires."""
    told = place(firing(), [ended()], NOON + MINUTE + away)
    assert (told.row, told.overtaken_by) == (None, None)


def test_an_undated_start_is_not_overtaken_by_the_end_of_another() -> None:
    """It may be new: in doubt it fires."""
    row = ended(id="another", starts_at=NOON + SECOND)
    assert place(firing(), [row], NOON + MINUTE).overtaken_by is None


def test_a_row_of_an_older_program_ends_by_its_start_alone() -> None:
    """It does not say when it was heard of."""
    row = ended(status=AlertStatus.FIRING, ends_at=None, heard_at=None)
    later = ended(id="later", status=AlertStatus.FIRING, starts_at=NOON + 5 * MINUTE, heard_at=None)
    end = resolved(NOON + 9 * MINUTE, ends_at=NOON + 2 * MINUTE)
    assert place(end, [later, row], NOON).ends == (row,)


def test_an_end_before_its_own_start_ends_it() -> None:
    """A sender's clock was set back meanwhile: it is that row the sender speaks of."""
    row = ended(status=AlertStatus.FIRING, ends_at=None)
    assert place(resolved(NOON + 2 * MINUTE, ends_at=NOON - MINUTE), [row], NOON).ends == (row,)


def test_a_start_at_the_moment_of_the_end_before_is_overtaken_by_later_words() -> None:
    """What ended when it began is no earlier time of firing."""
    row = ended(id="another", starts_at=NOON - MINUTE, ends_at=NOON, heard_at=NOON + 2 * MINUTE)
    assert place(firing(NOON + MINUTE), [row], NOON).overtaken_by == row


def test_a_repeat_with_the_old_start_confirms_what_fires_again() -> None:
    """The sender gives one start for all; what fires of it is one row."""
    resumed = place(firing(NOON + 2 * MINUTE), [ended()], NOON).alert
    row = ended(
        id=resumed.row_id,
        status=AlertStatus.FIRING,
        starts_at=resumed.starts_at,
        ends_at=None,
        heard_at=NOON + 2 * MINUTE,
    )
    told = place(firing(NOON + 3 * MINUTE), [row, ended()], NOON)
    assert (told.row, told.alert.row_id, told.resumed) == (row, row.id, False)


def test_what_no_sender_ended_starts_again_right_after_its_start() -> None:
    """A person ended it, by our clock; the times of a row are by the sender's."""
    row = ended(ends_at=None)
    told = place(firing(NOON + 2 * MINUTE), [row], NOON + 2 * MINUTE)
    assert told.alert.starts_at == NOON + timedelta(microseconds=1)
    assert told.resumed


def test_an_end_ends_at_most_as_many_as_a_commit_holds() -> None:
    """Nothing is over before the others have ended as well."""
    rows = [
        ended(id=f"row-{n}", status=AlertStatus.FIRING, starts_at=NOON + n * SECOND, ends_at=None)
        for n in range(MOST_ENDED + 1, 0, -1)
    ]
    told = place(resolved(NOON + 3 * 60 * MINUTE), rows, NOON)
    assert (len(told.ends), told.more, told.over) == (MOST_ENDED, True, ())
    told = place(resolved(NOON + 3 * 60 * MINUTE), rows[1:], NOON)
    assert (len(told.ends), told.more, len(told.over)) == (MOST_ENDED, False, MOST_ENDED)


def test_a_sender_at_the_end_of_time_breaks_nothing() -> None:
    """What has ended at the last moment there is fires again now."""
    last = datetime.max.replace(tzinfo=UTC)
    told = place(firing(NOON + 2 * MINUTE), [ended(ends_at=last)], NOON)
    assert told.alert.starts_at == NOON
