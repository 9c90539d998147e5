"""The two state tables: every pair has an answer, and an illegal move changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.data_phase import DATA_ROLLBACK, DataPhase, DataStep
from shared.domain.data_rollback import DataRollback
from shared.domain.incident import Incident, Rollback
from shared.domain.incident_state import INCIDENT, State, Trigger
from shared.domain.machine import Back, Refusal
from shared.domain.rollback_phase import ROLLBACK, Phase, Step
from tests.builders import NOON, incident, rollback


def test_every_pair_of_the_incident_table_has_an_answer() -> None:
    """No state and trigger of an incident is left without a move or a named refusal."""
    assert INCIDENT.missing() == ()


def test_every_pair_of_the_rollback_table_has_an_answer() -> None:
    """No phase and step of a rollback is left without a move or a named refusal."""
    assert ROLLBACK.missing() == ()


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", State)
def test_an_incident_moves_as_the_table_says_or_is_refused(state: State, trigger: Trigger) -> None:
    """`moved` gives the table's next state and changes nothing else, or the table's refusal."""
    before = incident(state)
    answer = INCIDENT.next(state, trigger)
    moved = before.moved(trigger)
    if isinstance(answer, Refusal):
        assert moved is answer
    else:
        assert isinstance(moved, Incident)
        assert moved.state in (answer.to if isinstance(answer, Back) else (answer,))
        assert replace(moved, state=state) == before


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("phase", Phase)
def test_a_rollback_steps_as_the_table_says_or_is_refused(phase: Phase, step: Step) -> None:
    """`step` gives the table's next phase and changes nothing else, or the table's refusal."""
    before = rollback(phase)
    answer = ROLLBACK.next(phase, step)
    stepped = before.step(step)
    if isinstance(answer, Refusal):
        assert stepped is answer
    else:
        assert isinstance(stepped, Rollback)
        assert stepped.phase is answer
        assert replace(stepped, phase=phase) == before


@pytest.mark.parametrize("trigger", [Trigger.ALERT_FIRED, Trigger.STILL_FIRING])
@pytest.mark.parametrize(
    ("came_from", "before"),
    [
        (State.OPEN, incident(State.RESOLVING)),
        (State.ACKNOWLEDGED, incident(State.RESOLVING, acknowledged_at=NOON)),
        (State.MITIGATED, incident(State.RESOLVING, acknowledged_at=NOON, mitigated_at=NOON)),
    ],
)
def test_an_incident_that_was_nearly_resolved_goes_back_to_where_it_was(
    came_from: State, before: Incident, trigger: Trigger
) -> None:
    """From `resolving` the way back leads to the state the incident came from."""
    moved = before.moved(trigger)
    assert isinstance(moved, Incident)
    assert moved.state is came_from


def test_nothing_leaves_reviewed() -> None:
    """A reviewed incident is closed to every trigger."""
    assert {INCIDENT.next(State.REVIEWED, trigger) for trigger in Trigger} == {Refusal.CLOSED}


def test_every_state_can_be_reached_from_open() -> None:
    """The table has no state that an incident can never be in."""
    reached = {State.OPEN}
    for _ in State:
        reached |= {to for start, _, to in INCIDENT.edges() if start in reached}
    assert reached == set(State)


def test_every_phase_can_be_reached_from_planning() -> None:
    """The table has no phase that a rollback can never be in."""
    reached = {Phase.PLANNING}
    for _ in Phase:
        reached |= {to for start, _, to in ROLLBACK.edges() if start in reached}
    assert reached == set(Phase)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.over])
def test_a_rollback_that_is_over_never_moves_again(phase: Phase) -> None:
    """Nothing leads out of the phases in which nothing more is done."""
    assert [to for start, _, to in ROLLBACK.edges() if start is phase] == []


def test_traffic_moves_only_after_an_approval() -> None:
    """The only way into `applying` is an approval of a proposed rollback."""
    ways = [(start, step) for start, step, to in ROLLBACK.edges() if to is Phase.APPLYING]
    assert ways == [(Phase.PROPOSED, Step.APPROVE)]


def test_every_pair_of_the_data_rollback_table_has_an_answer() -> None:
    """No phase and step of a data rollback is left without a move or a named refusal."""
    assert DATA_ROLLBACK.missing() == ()


@pytest.mark.parametrize("step", DataStep)
@pytest.mark.parametrize("phase", DataPhase)
def test_a_data_rollback_steps_as_the_table_says_or_is_refused(
    phase: DataPhase, step: DataStep
) -> None:
    """`step` gives the table's next phase and changes nothing else, or the table's refusal."""
    before = DataRollback(phase=phase, asked_at=NOON, requested_by="ana", reason="garbled")
    answer = DATA_ROLLBACK.next(phase, step)
    stepped = before.step(step)
    if isinstance(answer, Refusal):
        assert stepped is answer
    else:
        assert isinstance(stepped, DataRollback)
        assert stepped.phase is answer
        assert replace(stepped, phase=phase) == before


def test_data_is_only_imported_after_an_export() -> None:
    """The only way into `importing` is the end of the export, and into that an approval."""
    into = {(a, b) for a, _, b in DATA_ROLLBACK.edges() if b.busy and not a.busy}
    assert into == {(DataPhase.PROPOSED, DataPhase.EXPORTING)}
    imports = {(a, step) for a, step, b in DATA_ROLLBACK.edges() if b is DataPhase.IMPORTING}
    assert imports == {(DataPhase.EXPORTING, DataStep.EXPORTED)}
