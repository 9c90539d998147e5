"""Failures are counted, and the third in a row is told: once for each cause and hour."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.app.last_resort import Failure, LastWord, Watch
from tests.fakes.clock import ManualClock
from tests.fakes.last_resort import FakeLastResort

MINUTE = timedelta(minutes=1)


class Process:
    """One process's watch, on a clock that is told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.resort = FakeLastResort()
        self.watch = Watch(LastWord(self.resort, self.clock))

    def fails(
        self,
        times: int = 1,
        cause: str = "StoreAway",
        function: str = "respond",
        delivery: int = 0,
        waiting: str = "ConvexDown (firing, severity critical)",
    ) -> list[str]:
        """Requests fail; what has been told by then."""
        for _ in range(times):
            self.watch.failed(
                Failure(
                    function=function,
                    cause=cause,
                    faults=("the disk is full",),
                    waiting=(waiting,),
                    delivery=delivery,
                )
            )
        return self.resort.texts()


@pytest.fixture
def process() -> Process:
    """A process that has just started."""
    return Process()


def test_the_third_failure_in_a_row_is_told(process: Process) -> None:
    """Once or twice it may pass by itself; after that somebody reads all there is to know."""
    assert process.fails(2) == []
    (text,) = process.fails()
    for part in (
        "respond failed 3 times",
        "the disk is full",
        "ConvexDown (firing, severity critical)",
        "log of the function respond",
        "docs/when-switchman-fails.md",
    ):
        assert part in text


def test_a_success_begins_the_count_anew(process: Process) -> None:
    """What works in between is no outage."""
    for _ in range(3):
        process.fails(2)
        process.watch.worked("respond")
    assert process.resort.texts() == []


def test_a_message_that_comes_for_the_third_time_is_told_at_once(process: Process) -> None:
    """The first two deliveries met other processes."""
    assert process.fails(delivery=2) == []
    assert len(process.fails(delivery=3)) == 1


def test_each_function_counts_for_itself(process: Process) -> None:
    """Three functions that fail once each are no outage of one."""
    for function in ("respond", "command", "tick"):
        process.fails(function=function)
    assert process.resort.texts() == []


def test_the_same_cause_is_told_once_an_hour(process: Process) -> None:
    """An outage is no flood; another cause is told beside it."""
    process.fails(50)
    process.fails(50, function="command")
    assert len(process.resort.texts()) == 1
    process.fails(cause="TopicsAway")
    assert len(process.resort.texts()) == 2
    process.clock.advance(59 * MINUTE)
    process.fails()
    assert len(process.resort.texts()) == 2
    process.clock.advance(MINUTE)
    process.fails()
    assert len(process.resort.texts()) == 3


def test_an_outage_that_comes_back_is_told_again(process: Process) -> None:
    """It was mended in between, so the silence about it is over."""
    process.fails(3)
    process.clock.advance(5 * MINUTE)
    process.watch.worked("respond")
    process.fails(3)
    assert len(process.resort.texts()) == 2


def test_another_alert_that_waits_is_told_soon(process: Process) -> None:
    """Within minutes, and not with every delivery of it."""
    process.fails(3)
    assert len(process.fails(10, waiting="AuthDown (firing)")) == 1
    process.clock.advance(5 * MINUTE)
    assert "AuthDown" in process.fails(10, waiting="AuthDown (firing)")[-1]
    process.clock.advance(5 * MINUTE)
    assert len(process.fails(10, waiting="AuthDown (firing)")) == 2


def test_a_failing_tick_does_not_use_up_the_word_for_an_alert(process: Process) -> None:
    """What is due each minute was told; the alert that comes behind it is news."""
    process.fails(3, function="tick", waiting="everything that is due")
    process.clock.advance(5 * MINUTE)
    assert "ConvexDown" in process.fails(3)[-1]


def test_what_an_alert_is_called_is_no_markup(process: Process) -> None:
    """It mentions nobody, and links to nothing."""
    (text,) = process.fails(3, waiting="<!channel> <https://evil|all is well> @all")
    assert not set(text) & set("<>")
    assert "@all" not in text


def test_what_was_not_sent_is_sent_with_the_next_failure(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    """A last resort that is away raises nothing and loses nothing."""
    process.resort.away = True
    with caplog.at_level(logging.ERROR, "switchman"):
        assert process.fails(4) == []
    assert "the last resort was not reached about StoreAway: nobody is there" in caplog.messages
    process.resort.away = False
    assert len(process.fails()) == 1


def test_without_a_last_resort_the_log_says_that_nobody_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once for each cause and hour, as a message would have been."""
    watch = Watch(LastWord(None, ManualClock()))
    failure = Failure(function="tick", cause="StoreAway", faults=("it is away",))
    with caplog.at_level(logging.ERROR, "switchman"):
        for _ in range(10):
            watch.failed(failure)
    assert caplog.messages == ["nobody is told of StoreAway: SWITCHMAN_LAST_RESORT is not set"]


def test_a_thousand_alerts_and_faults_make_a_message_that_people_read(process: Process) -> None:
    """The first of each, and how many more there are."""
    many = tuple(f"number {number}" for number in range(1000))
    process.watch.failed(
        Failure(function="ingest", cause="TopicsAway", faults=many, waiting=many, delivery=3)
    )
    (text,) = process.resort.texts()
    assert text.count("and 990 more") == 2
    assert len(text) < 1500
