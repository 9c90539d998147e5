"""What a store in memory holds."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.action import Action, Outcome
from shared.domain.alert import AlertRow
from shared.domain.decision import AuditRow, DrillRow, RejectedRow, TimelineRow
from shared.domain.event import Instruction, Timer
from shared.domain.incident import Incident
from shared.domain.stack import Stack


@dataclass(slots=True)
class KeptAction:
    """An action, who holds it and until when, and how it ended."""

    action: Action
    fence: int = 0
    attempts: int = 0
    first_claimed_at: datetime | None = None
    leased_at: datetime | None = None
    lease_until: datetime | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class Tables:
    """Everything by its id, in the order in which it was written. `lock` guards all of it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    heads: dict[str, tuple[Stack, int]] = field(default_factory=dict)
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    actions: dict[str, KeptAction] = field(default_factory=dict)
    timers: dict[str, Timer] = field(default_factory=dict)
    alerts: dict[str, AlertRow] = field(default_factory=dict)
    of_series: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    fires: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    of_incident: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    timeline: dict[str, TimelineRow] = field(default_factory=dict)
    closed: dict[str, Incident] = field(default_factory=dict)
    drills: dict[str, DrillRow] = field(default_factory=dict)
    rejected: dict[str, RejectedRow] = field(default_factory=dict)
    audit: dict[str, AuditRow] = field(default_factory=dict)
    instructions: dict[str, Instruction] = field(default_factory=dict)
