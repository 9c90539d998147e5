"""The pages of `status`, for the person on call. Nothing in them comes from anywhere else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.adapters.pages import words
from shared.adapters.pages.recoveries import recoveries
from shared.adapters.pages.scale import bars
from shared.adapters.pages.story import meanings, phases
from shared.domain.policy import Policy
from shared.domain.rollback import short
from shared.ports import Clock

Shown = dict[str, Any]
"""What `wire.shown` makes: the JSON of an incident, a drill, and so on."""

_TEMPLATES: Final = Path(__file__).with_name("templates")
_OVER: Final = ("resolved", "reviewed")
_CLOSED_SHOWN: Final = 10


class Pages:
    """Draws pages. Everything in them that came with an alert is escaped."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
        self._templates = _environment(policy)
        self._templates.globals["style"] = style
        self.headers = _headers(style)

    def overview(
        self,
        *,
        incidents: Sequence[Shown],
        drills: Sequence[Shown],
        on_call: Sequence[Shown],
        measures: Shown,
    ) -> str:
        """What is open, what was closed lately, who is on call, drills, and how fast we are."""
        opened = [incident for incident in incidents if incident["state"] not in _OVER]
        closed = [incident for incident in incidents if incident["state"] in _OVER]
        return self._render(
            "overview.html",
            opened=sorted(opened, key=lambda incident: str(incident["severity"])),
            closed=closed[:_CLOSED_SHOWN],
            drills=drills,
            recoveries=recoveries(self._policy, incidents, drills),
            on_call=on_call,
            measures=measures,
            stacks=[stack for stack in self._policy.stacks.values() if stack.services],
        )

    def incident(self, incident: Shown) -> str:
        """One incident, with its timeline drawn to scale; `incident` must have its timeline."""
        drawn = phases(incident, self._clock.now())
        timeline = incident["timeline"]
        return self._render(
            "incident.html",
            incident=incident,
            bars=bars(drawn),
            meanings=meanings(drawn),
            begins=timeline[0]["at"] if timeline else incident["opened_at"],
            beginning="the alert" if _by_alert(timeline) else "the start",
        )

    def stack(self, stack: Shown) -> str:
        """One stack's services: what they serve, what is known to be good, who took over."""
        rules = self._policy.stack(stack["stack"])
        seen = {record["service"]: record for record in stack["services"]}
        return self._render(
            "stack.html",
            stack=stack,
            services=[(service.name, seen.get(service.name)) for service in rules.services],
            rules=rules.rollback.ledger,
            approvers=self._policy.approver_names(stack["stack"]),
        )

    def missing(self, path: str) -> str:
        """Nothing is at this path."""
        return self._render("missing.html", path=path)

    def _render(self, template: str, **context: object) -> str:
        now = self._clock.now().isoformat()
        return self._templates.get_template(template).render(now=now, **context)


def _by_alert(timeline: Sequence[Shown]) -> bool:
    """Whether it began with an alert; people start incidents too."""
    return bool(timeline) and timeline[0]["kind"] == "alert_fired"


def _environment(policy: Policy) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=words.duration,
        utc=words.utc,
        short_utc=words.short_utc,
        time_of_day=words.time_of_day,
        until=words.seconds_between,
        split=words.split,
        short=short,
        web_address=words.web_address,
        person=lambda id_: policy.people[id_].name if id_ in policy.people else id_,
        team=lambda id_: policy.teams[id_].name if id_ in policy.teams else id_,
        lane=lambda id_: policy.lanes[id_].name if id_ in policy.lanes else id_,
        stack=lambda id_: policy.stack(id_).name,
    )
    environment.globals.update(
        states=words.STATES,
        rollback_phases=words.ROLLBACK_PHASES,
        data_phases=words.DATA_PHASES,
        verdicts=words.VERDICTS,
        page_steps=words.PAGE_STEPS,
    )
    return environment


def _headers(style: str) -> Mapping[str, str]:
    """What a browser may do with a page: show it, in our style, and ask nobody for anything."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
