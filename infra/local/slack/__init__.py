"""A Slack workspace on one machine: Web API, signed callbacks, and a page for people."""

from infra.local.slack.model import SlackPerson
from infra.local.slack.simulated import SimulatedSlack

__all__ = ["SimulatedSlack", "SlackPerson"]
