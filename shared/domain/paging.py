"""Pages: who was woken, for what, where the message stands, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.domain.severity import Severity


class PageStep(StrEnum):
    """Why a page is sent. Part of its deduplication key, so that no new step is swallowed."""

    OPENED = "opened"
    REOPENED = "reopened"
    RAISED = "raised"
    ROLLBACK_UNDONE = "rollback-undone"
    ROLLBACK_HELD = "rollback-held"
    NOT_RECOVERED = "not-recovered"
    UNPROVEN = "unproven"
    AUTOMATIC = "automatic"
    ACTION_FAILED = "action-failed"
    UNREADABLE = "unreadable"
    ASKED = "asked"
    REMINDER = "reminder"
    JOINED = "joined"
    HANDED_OVER = "handed-over"
    RELEASE_UNDONE = "release-undone"
    RELEASE_HELD = "release-held"
    RELEASE_DOUBTFUL = "release-doubtful"
    RESUMED = "resumed"
    DATA_FAILED = "data-failed"
    DATA_HELD = "data-in-doubt"
    ESCALATED = "escalated"
    AFTER_HOLD = "after-hold"


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands in Slack: channel id and timestamp."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One person woken once. `key` is incident/step/round/person/method.

    `instead_of` names the channels in which this page could not be delivered. Without `wakes` it
    is held back: shown in the channel, and mentioning nobody.
    """

    key: str
    step: PageStep
    team: str
    person: str
    channel: str
    decided_at: datetime
    details: tuple[str, ...] = ()
    instead_of: tuple[str, ...] = ()
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    message: MessageRef | None = None
    wakes: bool = True

    def sent(self, message: MessageRef, at: datetime) -> Page:
        """This page, delivered."""
        return replace(self, message=message, sent_at=at)

    def acknowledged(self, at: datetime) -> Page:
        """This page, acknowledged; the first acknowledgement counts."""
        return self if self.acknowledged_at else replace(self, acknowledged_at=at)


class Choice(StrEnum):
    """What a person may ask of Switchman; of a button the value is its action id."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve_rollback"
    REJECT = "reject_rollback"
    RESOLVE = "resolve"
    PREVIEW = "preview_rollback"
    ROLLBACK = "request_rollback"
    DRILL = "drill"
    DECLARE = "declare"
    UNLATCH = "unlatch"
    REPINNED = "repinned"
    REVIEW = "review"
    MERGE = "merge"
    SPLIT = "split"
    LANE = "lane"
    SEVERITY = "severity"
    NOTE = "note"
    RELEASE = "release"
    DATA_ROLLBACK = "request_data_rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The plan of a rollback a person thinks of asking for, for a modal to show.

    `moves` is empty where there is no plan; `note` then says why. `plan` is all that it binds.
    """

    stack: str
    moves: tuple[str, ...]
    note: str
    approvers: str
    plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a page says, for any channel to draw.

    `mention` is the person's id at the vendor, `subject` what a pressed button is about
    (the incident, and the plan's hash where there is one). A notice has no severity. `release`: what
    may be approved is a release, and no rollback. `incident` has a page of its own.
    """

    headline: str
    severity: Severity | None
    mention: str
    facts: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]
    status: str
    choices: tuple[Choice, ...]
    subject: str
    runbook: str = ""
    release: bool = False
    incident: str = ""
