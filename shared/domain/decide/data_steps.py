"""What follows from each step of a data rollback: the next one, or hands off and a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from shared.domain.action import ActionKind, DataOrder, GaveUp, Outcome
from shared.domain.data_phase import DataPhase, DataStep
from shared.domain.data_rollback import DataOutcome, DataPlan, DataResult, DataRollback
from shared.domain.data_words import snapshot_in_words, way_back
from shared.domain.decide.data_approvals import why_stale
from shared.domain.decide.draft import Draft, nobody_has_it
from shared.domain.decide.escalating import remind
from shared.domain.decision import Reason
from shared.domain.event import ActionFinished, TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import OVER, Trigger
from shared.domain.machine import Refusal
from shared.domain.paging import PageStep
from shared.domain.rollback import NoPlan


def on_data_step(draft: Draft, event: ActionFinished) -> Reason:
    """A step has ended. What is not the step under way counts for nothing."""
    incident = draft.stack.incident(event.action.incident)
    data = incident.data if incident is not None else None
    if incident is None or data is None or data.action != event.action.id:
        return Reason.STALE
    if data.phase is DataPhase.VERIFYING:
        return _verified(draft, incident, data, event.outcome)
    if not data.phase.busy:
        return Reason.STALE
    _STEPS[data.phase](draft, incident, data, _ended(event.outcome))
    return Reason.RECORDED


def _ended(outcome: Outcome) -> DataOutcome:
    """What became of a step; of one that was given up nobody knows."""
    if isinstance(outcome, DataOutcome):
        return outcome
    why = outcome.reason if isinstance(outcome, GaveUp) else "it gave no result"
    return DataOutcome(result=DataResult.UNKNOWN, detail=why)


def _verified(draft: Draft, incident: Incident, data: DataRollback, outcome: Outcome) -> Reason:
    if isinstance(outcome, DataPlan):
        _proposed(draft, incident, data, outcome)
        return Reason.RECORDED
    why = outcome.reason if isinstance(outcome, NoPlan | GaveUp) else "it gave no result"
    refused = _step(data, DataStep.UNUSABLE)
    draft.say(incident, TimelineKind.DATA_NOT_DONE, f"No data rollback is proposed: {why}")
    incident = replace(incident, data=replace(refused, detail=why, ended_at=draft.now))
    draft.put(incident)
    draft.refresh(incident)
    return Reason.RECORDED


def _proposed(draft: Draft, incident: Incident, data: DataRollback, plan: DataPlan) -> None:
    """The snapshot is verified: people may decide, unless the incident is over by now."""
    over = incident.state in OVER
    data = _step(data, DataStep.WITHDRAW if over else DataStep.VERIFIED)
    incident = replace(incident, data=replace(data, plan=plan))
    if not over:
        text = f"Data rollback proposed: to snapshot {snapshot_in_words(plan.snapshot)}"
        draft.say(incident, TimelineKind.DATA_PROPOSED, text)
        draft.timer(TimerKind.DATA_EXPIRES, incident, plan.expires_at)
    draft.put(incident)
    draft.refresh(incident)


def _exported(draft: Draft, incident: Incident, data: DataRollback, outcome: DataOutcome) -> None:
    """Only with the present state exported, and all of it still allowed, is anything imported."""
    export, plan = outcome.export, data.plan
    if outcome.result is not DataResult.DONE or export is None or plan is None:
        lead = "The present state could not be exported, so nothing was imported"
        _failed(draft, incident, data, DataStep.FAIL, f"{lead}: {outcome.detail}")
        return
    text = f"The present state is exported: snapshot {snapshot_in_words(export)}"
    draft.say(incident, TimelineKind.DATA_EXPORTED, text)
    data = replace(data, export=export)
    why_not = why_stale(draft, data)
    if why_not:
        _failed(draft, incident, data, DataStep.FAIL, f"Nothing was imported: {why_not}")
        return
    order = DataOrder(plan=plan, export=export)
    action = draft.act(ActionKind.IMPORT_DATA, incident.id, order, not_after=plan.expires_at)
    _goes_on(draft, incident, replace(_step(data, DataStep.EXPORTED), action=action))


def _imported(draft: Draft, incident: Incident, data: DataRollback, outcome: DataOutcome) -> None:
    match outcome.result:
        case DataResult.DONE if data.plan is not None:
            text = f"Imported snapshot {data.plan.snapshot.id}: {outcome.detail}"
            draft.say(incident, TimelineKind.DATA_IMPORTED, text)
            order = DataOrder(plan=data.plan, export=data.export)
            action = draft.act(ActionKind.CHECK_DATA, incident.id, order)
            data = replace(_step(data, DataStep.IMPORTED), action=action, imported_at=draft.now)
            _goes_on(draft, incident, data)
        case DataResult.REFUSED:
            text = f"Nothing was imported: {outcome.detail}"
            _failed(draft, incident, data, DataStep.FAIL, text)
        case DataResult.FAILED:
            text = f"The import failed: {outcome.detail}"
            _failed(draft, incident, data, DataStep.FAIL, text)
        case _:
            text = f"Nobody knows whether data was replaced: {outcome.detail}"
            _failed(draft, incident, data, DataStep.DOUBT, text)


def _checked(draft: Draft, incident: Incident, data: DataRollback, outcome: DataOutcome) -> None:
    if outcome.result is not DataResult.DONE:
        text = f"Data was replaced, and the checks after it did not pass: {outcome.detail}"
        _failed(draft, incident, data, DataStep.FAIL, text)
        return
    moved = incident.moved(Trigger.ROLLBACK_HEALTHY)
    assert not isinstance(moved, Refusal), "an incident whose data is checked is mitigating"
    data = replace(_step(data, DataStep.HEALTHY), detail=outcome.detail, ended_at=draft.now)
    moved = replace(moved, data=data, mitigated_at=draft.now)
    draft.say(moved, TimelineKind.DATA_DONE, f"Data is rolled back: {outcome.detail}")
    draft.put(moved)
    draft.refresh(moved)


_STEPS: Final[dict[DataPhase, Callable[[Draft, Incident, DataRollback, DataOutcome], None]]] = {
    DataPhase.EXPORTING: _exported,
    DataPhase.IMPORTING: _imported,
    DataPhase.CHECKING: _checked,
}


def _goes_on(draft: Draft, incident: Incident, data: DataRollback) -> None:
    incident = replace(incident, data=data)
    draft.put(incident)
    draft.refresh(incident)


def _failed(
    draft: Draft, incident: Incident, data: DataRollback, step: DataStep, text: str
) -> None:
    """Nothing more is done: a person is paged, with the name of what was exported before."""
    data = replace(_step(data, step), detail=text, ended_at=draft.now)
    draft.say(incident, TimelineKind.DATA_FAILED, text)
    moved = incident.moved(Trigger.ROLLBACK_FAILED)
    incident = nobody_has_it(incident if isinstance(moved, Refusal) else moved)
    incident = replace(incident, data=data)
    page = PageStep.DATA_HELD if data.phase is DataPhase.HELD else PageStep.DATA_FAILED
    incident = draft.page(incident, page, (text, way_back(draft.stack.id, data.export)))
    remind(draft, incident)
    draft.refresh(incident)


def _step(data: DataRollback, step: DataStep) -> DataRollback:
    stepped = data.step(step)
    assert isinstance(stepped, DataRollback), f"{data.phase} has {step}"
    return stepped
