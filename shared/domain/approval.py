"""A person's agreement to a plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person approved the plan that was proposed then; `by` is their id in the policy."""

    by: str
    at: datetime
