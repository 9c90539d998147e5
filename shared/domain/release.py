"""A release: once the fix is out, traffic that a rollback left pinned goes back to LATEST."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A service that one of our changes left pinned to `revision`.

    `left` is the revision that was rolled back from; empty where there is none.
    """

    service: str
    revision: str
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAsk:
    """Who wants a release, and what they mean by it.

    `person` is their id in the policy. `apply`: it is to be proposed; otherwise its plan is only
    shown to them. `again`: also to an image that was rolled back from. `channel` and `slack_user`
    are where they asked, empty on the command line.
    """

    person: str
    apply: bool = False
    again: bool = False
    channel: str = ""
    slack_user: str = ""
    pinned: tuple[Pinned, ...] = ()

    def pin(self, service: str) -> Pinned | None:
        """How the service was left pinned, if it was."""
        return next((each for each in self.pinned if each.service == service), None)
