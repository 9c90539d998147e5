"""The desk: where people come with what they typed, to read how things stand or to ask.

Nothing here knows Slack; what is asked for takes effect later, through a stored instruction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.app import answers
from shared.app.answers import Answer
from shared.app.asked import ToOpen, ToStore, instruction_of
from shared.app.incident_forms import CHOICES, IncidentForms
from shared.app.typed import (
    Typed,
    Unclear,
    described,
    listed,
    nothing_more,
    option,
    pick,
    severity_of,
)
from shared.domain.decide.releases import AGAIN, APPLY
from shared.domain.paging import Choice
from shared.domain.policy import Policy, StackPolicy
from shared.ports import Reports

DRILLS: Final = ("rollback",)
_NEWEST: Final = 10
_ASKING: Final = ("rollback", "drill", "declare", "unlatch", "release", *CHOICES)
_VERBS: Final = tuple(form.split()[0] for form, _ in answers.USAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a typed command asks for. Anyone may read; only people of the policy may ask."""

    policy: Policy
    reports: Reports

    def __call__(self, typed: Typed) -> Answer | ToStore | ToOpen:
        """Answer it, or say what is to be done about it."""
        verb, *words = typed.text.split() or ["help"]
        try:
            verb = pick(verb, _VERBS)
            if verb in _ASKING:
                return self._asked(verb, words, typed)
            nothing_more(verb, words)
            return self._read(verb, typed)
        except Unclear as unclear:
            return Answer(paragraphs=(str(unclear), f"`{typed.command} help` says what there is."))

    def _read(self, verb: str, typed: Typed) -> Answer:
        match verb:
            case "status":
                drills = self.reports.drills(limit=1)
                return answers.standing(self.policy, self.reports.heads(), drills)
            case "incidents":
                return answers.newest(self.policy, self.reports.incidents(limit=_NEWEST))
            case "oncall":
                return answers.on_call(self.policy, typed.at)
            case _:
                return answers.usage(typed.command)

    def _asked(self, verb: str, words: Sequence[str], typed: Typed) -> ToStore | ToOpen:
        if self.policy.person_by_slack(typed.person) is None:
            raise Unclear(
                "The policy knows no person with your account, so you may read and not ask; "
                "whoever keeps the policy can add you."
            )
        if verb in CHOICES:
            return IncidentForms(policy=self.policy, reports=self.reports)(verb, words, typed)
        match verb:
            case "rollback":
                return self._rollback(words, typed)
            case "drill":
                return self._drill(words, typed)
            case "release":
                return self._release(words, typed)
            case "unlatch":
                return self._unlatch(words, typed)
            case _:
                return self._declare(words, typed)

    def _rollback(self, words: Sequence[str], typed: Typed) -> ToOpen:
        if words and words[0].casefold() == "data" and "data" not in self.policy.stacks:
            raise Unclear(
                "A data rollback is asked for on the command line, `switchman rollback data STACK`; "
                "it is approved by buttons here, or there."
            )
        stack, rest = self._stack(words)
        nothing_more("rollback STACK", rest)
        return ToOpen(instruction=instruction_of(typed, Choice.PREVIEW, stack.id))

    def _drill(self, words: Sequence[str], typed: Typed) -> ToStore:
        options = [pick(option(word), (APPLY,), "option") for word in words if option(word)]
        names = [word for word in words if not option(word)]
        if not names:
            raise Unclear(f"Say which drill: {listed(DRILLS)}.")
        drill = pick(names[0], DRILLS, "drill")
        stack, rest = self._stack(names[1:])
        nothing_more(f"drill {drill} STACK", rest)
        asked = instruction_of(typed, Choice.DRILL, stack.id)
        moves = (
            "If it may be done, traffic is moved, health is checked, and everything is put back."
        )
        stays = "Only the plan is made; traffic stays where it is."
        answer = Answer(
            headline=f"Drill {drill} of {stack.name}",
            paragraphs=(
                moves if options else stays,
                f"`{typed.command} status` shows how it went.",
            ),
        )
        return ToStore(
            instruction=replace(asked, text=" ".join([drill, *options[:1]])), answer=answer
        )

    def _release(self, words: Sequence[str], typed: Typed) -> ToStore:
        unnamed = bool(words) and bool(option(words[0]))
        stack, rest = self._stack(() if unnamed else words)
        told = list(words if unnamed else rest)
        options: list[str] = []
        while told and option(told[0]):
            options.append(pick(option(told.pop(0)), (AGAIN, APPLY), "option"))
        if APPLY in options:
            why = described(told, "why: whoever approves it reads this")
        else:
            nothing_more("release STACK", told)
            why = ""
        asked = instruction_of(typed, Choice.RELEASE, stack.id)
        proposed = "Its plan is made now. If there is one, somebody else is asked to approve it."
        shown = "Its plan is made now, and shown to you alone. Traffic stays where it is."
        return ToStore(
            instruction=replace(asked, text=" ".join([*dict.fromkeys(options), why]).strip()),
            answer=Answer(
                headline=f"Release of {stack.name}",
                paragraphs=(proposed if APPLY in options else shown,),
            ),
        )

    def _unlatch(self, words: Sequence[str], typed: Typed) -> ToStore:
        services = [each.name for stack in self.policy.stacks.values() for each in stack.services]
        stack, rest = self._stack_before("service", services, words)
        names = [each.name for each in stack.services]
        if not rest:
            raise Unclear(f"Say which service, one of {listed(names)}.")
        service = pick(rest[0], names, "service")
        nothing_more("unlatch STACK SERVICE", rest[1:])
        asked = replace(instruction_of(typed, Choice.UNLATCH, stack.id), text=service)
        what = (
            f"If you may approve rollbacks of {stack.name}, Switchman acts on it by itself again."
        )
        return ToStore(
            instruction=asked,
            answer=Answer(headline=f"Asked for: to hand {service} back", paragraphs=(what,)),
        )

    def _declare(self, words: Sequence[str], typed: Typed) -> ToStore:
        stack, rest = self._stack_before("lane", self.policy.lanes, words)
        if not rest:
            raise Unclear(f"Say which lane it belongs to, one of {listed(self.policy.lanes)}.")
        lane = pick(rest[0], self.policy.lanes, "lane")
        severity, what = severity_of(rest[1:])
        asked = replace(
            instruction_of(typed, Choice.DECLARE, stack.id),
            lane=lane,
            severity=severity,
            text=described(what),
        )
        team = self.policy.owner(lane)
        how_bad = severity or self.policy.default_severity
        names = self.policy.on_call_names(team, typed.at)
        paged = f"If it is opened, {names} is paged in {team.channel}."
        answer = Answer(
            headline=f"Asked for: a {how_bad} incident of {stack.name}, lane {lane}",
            paragraphs=(asked.text, paged),
        )
        return ToStore(instruction=asked, answer=answer)

    def _stack_before(
        self, kind: str, known: Collection[str], words: Sequence[str]
    ) -> tuple[StackPolicy, Sequence[str]]:
        """The stack, which is left out where the first word is known and there is only one."""
        stacks = self.policy.stacks
        if len(stacks) == 1 and words:
            first = pick(words[0], [*stacks, *known], f"stack or {kind}")
            if first in known and first not in stacks:
                return next(iter(stacks.values())), words
        return self._stack(words)

    def _stack(self, words: Sequence[str]) -> tuple[StackPolicy, Sequence[str]]:
        """The stack that the first word names, or the only one, and the words after it."""
        stacks = self.policy.stacks
        if words:
            return stacks[pick(words[0], stacks, "stack")], words[1:]
        if len(stacks) != 1:
            raise Unclear(f"Say which stack: {listed(stacks)}.")
        return next(iter(stacks.values())), ()
