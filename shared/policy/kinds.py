"""What a single value of the policy file can be, and what every part of the file has in common.

A description says what would be right; it completes the sentence "it must be ...". What JSON
Schema cannot say is in `extra`: `refers` names the sections ("A or B") of one of which a value must
be a key, `unique` the list it must not repeat in, `parse` a function that raises ValueError for
what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.policy.durations import DURATION, parse_duration
from shared.policy.matchers import parse_matchers
from shared.policy.times import HOURS, LOCAL_TIME, parse_hours, parse_local, parse_zone

_SHORT_NAME = r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$"

Text = Annotated[
    str, Meta(description="text (in quotes if it looks like a number, a date or true)")
]
Id = Annotated[
    str,
    Meta(
        pattern=_SHORT_NAME,
        description="a short name of lower-case letters, digits, - and _",
    ),
]
PersonRef = Annotated[str, Meta(description="a person's id", extra={"refers": "people"})]
OnCallRef = Annotated[
    str,
    Meta(description="a person's id, or a schedule's", extra={"refers": "people or schedules"}),
]
PageRef = Annotated[
    str,
    Meta(
        description="the id of a team, a person or a schedule",
        extra={"refers": "teams or people or schedules"},
    ),
]
TeamRef = Annotated[str, Meta(description="a team's id", extra={"refers": "teams"})]
LaneRef = Annotated[str, Meta(description="a lane's id", extra={"refers": "lanes"})]
StackRef = Annotated[str, Meta(description="a stack's id", extra={"refers": "stacks"})]
RouteId = Annotated[
    str,
    Meta(
        pattern=_SHORT_NAME,
        description="a short name of lower-case letters, digits, - and _",
        extra={"unique": "routes"},
    ),
]
MatcherText = Annotated[
    str,
    Meta(description='a matcher such as service="web"', extra={"parse": parse_matchers}),
]
Channel = Annotated[
    str,
    Meta(
        pattern=r"^(#[^\s#]{1,80}|[CG][A-Z0-9]{5,})$",
        description='a Slack channel such as "#oncall" (in quotes: a bare # starts a comment)',
    ),
]
SlackMember = Annotated[
    str,
    Meta(pattern=r"^([UW][A-Z0-9]{5,})?$", description="a Slack member id such as U024BE7LH"),
]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION,
        description="a duration such as 90s, 2m, 24h or 1h30m",
        extra={"parse": parse_duration},
    ),
]
TimeZone = Annotated[
    str, Meta(description="a time zone such as Europe/Berlin", extra={"parse": parse_zone})
]
LocalTime = Annotated[
    str,
    Meta(
        pattern=LOCAL_TIME,
        description="a day and time such as 2026-11-02 09:00",
        extra={"parse": parse_local},
    ),
]
Hours = Annotated[
    str,
    Meta(
        pattern=HOURS,
        description="hours such as 09:00-17:00, or 22:00-08:00 until the next morning",
        extra={"parse": parse_hours},
    ),
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
UrlPath = Annotated[str, Meta(pattern=r"^/\S*$", description="a path that starts with /")]
HttpStatus = Annotated[int, Meta(ge=100, le=599, description="an HTTP status from 100 to 599")]
Passes = Annotated[int, Meta(ge=1, le=100, description="a whole number from 1 to 100")]
Percent = Annotated[int, Meta(ge=1, le=100, description="a percentage from 1 to 100")]
Approvals = Annotated[int, Meta(ge=1, le=2, description="1 or 2")]
MetricSource = Annotated[
    Literal["prometheus", "cloud_monitoring"], Meta(description="prometheus or cloud_monitoring")
]
SnapshotSource = Annotated[Literal["folder"], Meta(description="folder")]
Bound = Annotated[float | None, Meta(description="a number")]
EnvValue = Annotated[
    str | None, Meta(description="the value in quotes, or nothing where any value will do")
]


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of the file has in common: keys nobody knows are faults."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with how its keys fit together: the key where it shows, if any, and what."""
        return iter(())
