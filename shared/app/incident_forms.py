"""What people type about one incident: whose it is, what belongs to it, what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.app.answers import Answer
from shared.app.asked import ToStore, instruction_of
from shared.app.typed import Typed, Unclear, described, listed, nothing_more, pick, severity_of
from shared.domain.event import Instruction
from shared.domain.incident import Incident
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.severity import Severity
from shared.ports import Reports

CHOICES: Final = {
    choice.value: choice
    for choice in (
        Choice.REPINNED,
        Choice.REVIEW,
        Choice.MERGE,
        Choice.SPLIT,
        Choice.LANE,
        Choice.SEVERITY,
        Choice.NOTE,
    )
}
"""By the verb that asks for it."""

_NEWEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentForms:
    """Reads the words after a verb whose first one names an incident."""

    policy: Policy
    reports: Reports

    def __call__(self, verb: str, words: Sequence[str], typed: Typed) -> ToStore:
        """The instruction. Raises `Unclear` with what would be right."""
        found = self._incident(words, typed)
        asked = instruction_of(typed, CHOICES[verb], incident=found.id)
        asked, done = self._read(asked, found, words[1:], typed)
        answer = Answer(headline=f"Asked for: {found.title}", paragraphs=(done,))
        return ToStore(instruction=asked, answer=answer)

    def _read(
        self, asked: Instruction, found: Incident, words: Sequence[str], typed: Typed
    ) -> tuple[Instruction, str]:
        """The whole instruction, and what comes of it."""
        match asked.choice:
            case Choice.REVIEW:
                text = described(words, "what was learned: it is kept with the incident")
                done = f"If nothing is left to do, {found.id} is reviewed and closed."
                return replace(asked, text=text), done
            case Choice.MERGE:
                return self._merge(asked, found, words, typed)
            case Choice.SPLIT:
                return self._split(asked, found, words)
            case Choice.LANE:
                return self._lane(asked, found, words)
            case Choice.SEVERITY:
                return _severity(asked, found, words)
            case Choice.NOTE:
                text = described(words, "what to note: it stands in the timeline")
                return replace(asked, text=text), f"The timeline of {found.id} says: {text}"
            case _:
                nothing_more("repinned INCIDENT", words)
                done = f"If {found.id} asks for it, its timeline says that the images are pinned."
                return asked, done

    def _merge(
        self, asked: Instruction, found: Incident, words: Sequence[str], typed: Typed
    ) -> tuple[Instruction, str]:
        into = self._incident(words, typed)
        nothing_more("merge INCIDENT INTO", words[1:])
        done = f"If they can be one, {found.id} ends, and its alerts count for {into.id}."
        return replace(asked, into=into.id), done

    def _split(
        self, asked: Instruction, found: Incident, words: Sequence[str]
    ) -> tuple[Instruction, str]:
        lane = next((each for each in words[:1] if each in self.policy.lanes), "")
        alerts = tuple(words[1:] if lane else words)
        if not alerts:
            raise Unclear("Say which alerts: by title, by id, or an incident that was merged.")
        done = f"If they can be split off {found.id}, they are an incident of their own."
        return replace(asked, lane=lane, alerts=alerts), done

    def _lane(
        self, asked: Instruction, found: Incident, words: Sequence[str]
    ) -> tuple[Instruction, str]:
        if not words:
            raise Unclear(f"Say which lane, one of {listed(self.policy.lanes)}.")
        lane = pick(words[0], self.policy.lanes, "lane")
        nothing_more("lane INCIDENT LANE", words[1:])
        team = self.policy.owner(lane)
        paged = f"{self.policy.on_call_names(team, asked.at)} is paged in {team.channel}"
        return replace(asked, lane=lane), f"If {found.id} can move to lane {lane}, {paged}."

    def _incident(self, words: Sequence[str], typed: Typed) -> Incident:
        """The incident that the first word names."""
        if not words:
            raise Unclear(f"Say which incident: `{typed.command} incidents` names them.")
        view = self.reports.incident(words[0])
        if view is None:
            known = [each.incident.id for each in self.reports.incidents(limit=_NEWEST)]
            raise Unclear(f"There is no incident `{words[0][:40]}`; there is: {listed(known)}.")
        return view.incident


def _severity(asked: Instruction, found: Incident, words: Sequence[str]) -> tuple[Instruction, str]:
    severity, why = severity_of(words)
    if severity is None:
        raise Unclear(f"Say how bad it is, one of {listed(Severity)}, and why.")
    text = described(why, "why: whoever has the incident reads it")
    done = f"If you may, {found.id} is {severity} from now on."
    return replace(asked, severity=severity, text=text), done
