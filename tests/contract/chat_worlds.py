"""The worlds of the chat contract: the fake, and the real adapter before a simulated Slack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.adapters.slack import SlackChat
from shared.ports import Chat
from tests.contract.simulated_slack_world import BOT_TOKEN, SlackWorld, slack_world
from tests.fakes.chat import ChatFault, FakeChat
from tests.fakes.clock import ManualClock


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as people see it: what its buttons do, and to whom alone it is shown."""

    ts: str
    text: str
    buttons: tuple[str, ...]
    only_for: str | None


class World(Protocol):
    """A workspace with the channels `#incidents` and `#releases`, and Maria in both."""

    @property
    def chat(self) -> Chat: ...

    def away(self) -> None:
        """Let the next call be turned away, nothing done."""
        ...

    def lose_answer(self) -> None:
        """Let the next post be done and its answer be lost."""
        ...

    def seen(self, channel: str = "#incidents") -> list[Seen]:
        """Everything in the channel, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class FakeWorld:
    """The fake."""

    chat: FakeChat

    def away(self) -> None:
        self.chat.order(ChatFault.AWAY)

    def lose_answer(self) -> None:
        self.chat.order(ChatFault.LOST_ANSWER)

    def seen(self, channel: str = "#incidents") -> list[Seen]:
        place = f"C-{channel.removeprefix('#')}"
        posted = [
            Seen(p.ref.ts, p.card.headline, tuple(p.card.choices), None)
            for p in self.chat.posted(channel)
        ]
        told = [Seen("", t.text, (), t.user) for t in self.chat.told() if t.channel == place]
        return posted + told


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """The real adapter: slack-sdk's client before the simulated Slack."""

    chat: SlackChat
    slack: SlackWorld
    clock: ManualClock

    def away(self) -> None:
        self.fault("*", "rate_limited", seconds=60)

    def lose_answer(self) -> None:
        self.fault("chat.postMessage", "timeout_after_success", seconds=5)

    def fault(self, method: str, fault: str, seconds: float) -> None:
        """Let the next call of the method go wrong."""
        answer = self.slack.post("faults", method=method, fault=fault, seconds=seconds)
        assert answer.status_code == 200, answer.text

    def seen(self, channel: str = "#incidents") -> list[Seen]:
        return [_seen(message) for message in self.slack.messages(channel)]


def _seen(message: Any) -> Seen:
    actions = [block for block in message["blocks"] if block["type"] == "actions"]
    buttons = tuple(b["action_id"] for block in actions for b in block["elements"])
    header = next((b for b in message["blocks"] if b["type"] == "header"), None)
    text = header["text"]["text"] if header else message["text"]
    return Seen(message["ts"], text, buttons, message.get("ephemeral_to"))


def fake_world() -> FakeWorld:
    """The fake with the two channels."""
    return FakeWorld(FakeChat(ManualClock(), frozenset({"incidents", "releases"})))


@contextmanager
def simulated_world(data: Path) -> Iterator[SimulatedWorld]:
    """The real adapter, connected to a simulation that runs until the end."""
    clock = ManualClock()
    with slack_world(data) as slack:
        url = f"{slack.base_url}/sim/slack/api/"
        chat = SlackChat(BOT_TOKEN, clock, base_url=url, timeout_seconds=1)
        yield SimulatedWorld(chat, slack, clock)
