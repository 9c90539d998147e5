"""Errors, sorted by what the caller should do about them."""

from __future__ import annotations


class SwitchmanError(Exception):
    """The root of every error Switchman raises on purpose."""


class Transient(SwitchmanError):
    """It may succeed later: raise it, answer 5xx, and let the message come again."""


class Conflict(Transient):
    """Somebody else wrote first: load fresh state and decide again."""


class Away(Transient):
    """Something cannot be reached without which nothing is done; whoever waits must be told."""


class StoreAway(Away):
    """The store cannot be read or written now."""


class TopicsAway(Away):
    """What was published is not known to be durable."""


class SecretsAway(Away):
    """A secret cannot be read now."""


class Misconfigured(Transient):
    """The environment, the policy or the store is not as it must be; somebody may mend it.

    `faults` has all that is known to be wrong, each with what would be right.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnknownOutcome(SwitchmanError):
    """The request was sent and its answer was lost: look up what happened, never just repeat."""


class BadMessage(SwitchmanError):
    """It can never succeed as it is: record it with its reason and answer 200."""


class Refused(SwitchmanError):
    """Not allowed, or not possible as things stand: tell the person who asked."""


class StaleHolder(SwitchmanError):
    """The lease on this action has passed to another worker; this result counts for nothing."""
