"""People, with buttons, forms and commands; and the schedule, which asks as they do."""

from __future__ import annotations

from dataclasses import replace

from shared.app.typed import Typed
from shared.domain.data_phase import DataPhase
from shared.domain.decide.reshaping import RESHAPING
from shared.domain.event import DrillDue, Instruction, drill_id
from shared.domain.incident import Incident
from shared.domain.incident_state import OVER
from shared.domain.paging import Choice
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.simulation.drawn import Drawn
from tests.simulation.shop import APPROVERS, LANES, PEOPLE, STRANGER, slack


class People(Drawn):
    """They decide on what they see, be it out of date, and ask for what they may not have."""

    def somebody_presses(self) -> None:
        """A person presses a button of some message, perhaps one long out of date."""
        cards = [posted.card for posted in self._world.chat.posted() if posted.card.choices]
        if not cards:
            return
        card = self._chance.one_of(cards)
        incident, _, plan = card.subject.partition("|")
        choice = Choice.APPROVE if Choice.APPROVE in card.choices else None
        if choice is None or self._chance.random.random() < 0.5:
            choice = self._chance.one_of(card.choices)
        who = self._chance.one_of((*PEOPLE, *APPROVERS, *APPROVERS))
        person = STRANGER if self._chance.random.random() < 0.05 else slack(who)
        self._tell(self._instruction(choice, person, incident=incident, plan=plan))

    def somebody_approves(self) -> None:
        """Whoever may approve a rollback that is proposed does so; first who asked, in vain."""
        for head in self._world.record.heads.values():
            for incident in head.open_incidents():
                wish = incident.rollback
                if wish is None or wish.plan is None or wish.phase is not Phase.PROPOSED:
                    continue
                about = {"incident": incident.id, "plan": wish.plan.hash}
                others = [each for each in APPROVERS if each != wish.requested_by]
                many = self._world.policy.stack(head.id).rollback.approvals
                asker = [each for each in APPROVERS if each == wish.requested_by]
                for person in (*asker, *others[:many]):
                    self._tell(self._instruction(Choice.APPROVE, slack(person), **about))

    def somebody_wants_data_back(self) -> None:
        """A person asks to go back to a snapshot, mostly to the one that there is."""
        stack = self._chance.one_of(tuple(self._world.policy.stacks)[-2:])
        asked = self._instruction(Choice.DATA_ROLLBACK, slack(APPROVERS[-1]), stack=stack)
        self._tell(replace(asked, text="it is garbled"))

    def somebody_approves_data(self) -> None:
        """Those who may approve a data rollback do so, and whoever asked for it, in vain."""
        for incident in self._with_data():
            data = incident.data
            if data and data.plan and data.phase is DataPhase.PROPOSED:
                about = {"incident": incident.id, "plan": data.plan.hash}
                for person in (data.requested_by, *APPROVERS):
                    self._tell(self._instruction(Choice.APPROVE, slack(person), **about))

    def somebody_has_data_back(self) -> None:
        """A person ends what was only opened to roll data back."""
        for incident in self._with_data():
            if incident.data and incident.data.phase.over and not incident.settles:
                about = {"incident": incident.id}
                self._tell(self._instruction(Choice.RESOLVE, slack(APPROVERS[0]), **about))

    def _with_data(self) -> list[Incident]:
        heads = self._world.record.heads.values()
        return [each for head in heads for each in head.open_incidents() if each.data]

    def somebody_is_late(self) -> None:
        """A person presses a button about an incident of long ago."""
        long_ago = f"{self._stack()}-0123456789"
        self._tell(self._instruction(Choice.ACKNOWLEDGE, self._anybody(), incident=long_ago))

    def somebody_reviews(self) -> None:
        """A person looks back at what holds a rollout, and ends it first if it is not over."""
        for head in self._world.record.heads.values():
            for freeze in head.freezes:
                held, anybody = head.incident(freeze.incident), self._anybody()
                is_open = held is not None and held.state not in OVER
                again = (Choice.RESOLVE, Choice.RESOLVE)
                for choice in again if is_open else (Choice.REPINNED, Choice.REVIEW):
                    told = self._instruction(choice, anybody, incident=freeze.incident)
                    self._tell(replace(told, text="the canary was too short"))

    def somebody_insists(self) -> None:
        """A person says twice that an incident is over, whatever fires."""
        found = [i for head in self._world.record.heads.values() for i in head.open_incidents()]
        if not found:
            return
        incident, person = self._chance.one_of(found).id, self._anybody()
        for _ in range(2):
            self._tell(self._instruction(Choice.RESOLVE, person, incident=incident))

    def somebody_asks(self) -> None:
        """A person asks for a rollback."""
        asked = self._instruction(Choice.ROLLBACK, self._anybody(), stack=self._stack())
        told = replace(asked, text="it is slow")
        self._do("form", lambda: self._asks(told))

    def _asks(self, told: Instruction) -> None:
        self._world.app.ask_for_rollback(told)
        self._world.accepted[told.id] = None

    def somebody_types(self) -> None:
        """A person types a command."""
        stack, lane = self._stack(), self._chance.one_of(LANES)
        forms = (
            f"drill rollback {stack}",
            f"drill rollback {stack} --apply",
            f"declare {stack} {lane} sev2 it is odd",
            f"unlatch {stack} {self._resource().rpartition('/')[2]}",
            f"release {stack}",
            *self._afterwards(),
            "status",
            "incidents",
        )
        self._types(self._chance.one_of(forms))

    def somebody_reshapes(self) -> None:
        """Two people say at once what belongs together, whose it is, or how bad it is."""
        found = [i for head in self._world.record.heads.values() for i in head.open_incidents()]
        calm = [i for i in found if i.rollback is None or i.rollback.phase.over] or found
        if not calm:
            return
        incident = self._chance.one_of(calm)
        others = [i for i in found if i.stack == incident.stack and i.id != incident.id]
        into = self._chance.one_of(others or [incident])
        choice = self._chance.one_of((*RESHAPING, Choice.MERGE, Choice.SPLIT, Choice.NOTE))
        for one, other in ((incident, into), (into, incident)):
            who = self._anybody()
            told = self._instruction(choice, who, incident=one.id, into=other.id)
            self._tell(self._with_details(told, one))

    def _with_details(self, told: Instruction, incident: Incident) -> Instruction:
        """The rest of what they say; of the alerts one that fires, or what was merged."""
        fires = self._world.record.firing
        ids = sorted(row for each in incident.alerts_of for row in fires[each])
        ids += [each.id for each in incident.merged] * 3
        return replace(
            told,
            lane=self._chance.one_of((*LANES, "")),
            severity=self._chance.one_of(tuple(Severity)),
            text="it looks like it",
            alerts=(self._chance.one_of(ids),) if ids else (),
        )

    def _afterwards(self) -> tuple[str, ...]:
        """What is to be done after some incident, be it of long ago."""
        known = [incident.id for incident in self._world.record.incidents()]
        about = self._chance.one_of(known) if known else f"{self._stack()}-0123456789"
        return f"repinned {about}", f"review {about} the canary was too short"

    def somebody_releases(self) -> None:
        """A person wants traffic back on LATEST, sometimes whatever was rolled back from."""
        again = "--again " if self._chance.random.random() < 0.4 else ""
        self._types(f"release {self._stack()} --apply {again}it is mended")

    def all_is_handed_back(self) -> None:
        """Whoever took over traffic by hand is done with it."""
        for stack in self._world.policy.stacks.values():
            for service in stack.services:
                self._types(f"unlatch {stack.id} {service.name}", slack(APPROVERS[0]))

    def all_is_released(self) -> None:
        """A person who may ask for it does so for every stack."""
        for stack in self._world.policy.stacks:
            self._types(f"release {stack} --apply --again it is mended", slack(APPROVERS[0]))

    def somebody_looks_at_a_plan(self) -> None:
        """A person opens the form in which a rollback is asked for."""
        self._types(f"rollback {self._stack()}")

    def _types(self, text: str, who: str = "") -> None:
        typed = Typed(
            id=self._id("typed"),
            command="/switchman",
            text=text,
            person=who or self._anybody(),
            channel="C-infra",
            trigger=self._world.chat.trigger(),
            at=self._world.clock.now(),
        )
        self._do("command", lambda: self._world.app.take(typed))

    def schedule_asks(self) -> None:
        """The schedule asks for a drill."""
        due = DrillDue(
            id=self._id("drill"),
            stack=self._stack(),
            drill="rollback",
            asked_by="schedule",
            apply=self._chance.random.random() < 0.7,
        )
        self._world.moves.scheduled[drill_id(due.id)] = due
        self._do("drill", lambda: self._world.app.handle(due))

    def somebody_reads(self) -> None:
        """A person opens the pages."""
        self._do("status", self._world.app.read)

    def close_all(self) -> None:
        """Every open incident is acknowledged, and ended where no alert's end would end it."""
        for head in self._world.record.heads.values():
            for incident in head.open_incidents():
                choices = (Choice.ACKNOWLEDGE, *(() if incident.settles else (Choice.RESOLVE,)))
                for choice in choices:
                    told = self._instruction(choice, slack(PEOPLE[0]), incident=incident.id)
                    self._tell(told)

    def _tell(self, told: Instruction) -> None:
        self._do("press", lambda: self._stored(told))

    def _stored(self, told: Instruction) -> None:
        self._world.app.store_instruction(told)
        self._world.accepted[told.id] = None

    def _instruction(self, choice: Choice, person: str, **about: str) -> Instruction:
        return Instruction(
            id=self._id("told"),
            choice=choice,
            person=person,
            channel="C-infra",
            at=self._world.clock.now(),
            **about,  # type: ignore[arg-type]  # strings alone
        )

    def _anybody(self) -> str:
        return slack(self._chance.one_of(PEOPLE))
