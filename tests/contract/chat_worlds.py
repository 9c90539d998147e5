"""The worlds of the chat contract: the fake, and the real adapter before a simulated Slack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from shared.adapters.slack import SlackChat
from shared.domain.paging import Sheet
from shared.ports import Chat
from tests.contract.simulated_slack_world import BOT_TOKEN, MARIA, SlackWorld, slack_world
from tests.fakes.chat import ChatFault, FakeChat
from tests.fakes.clock import ManualClock


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as people see it: what its buttons do, and to whom alone it is shown."""

    ts: str
    text: str
    buttons: tuple[str, ...]
    only_for: str | None


@dataclass(frozen=True, slots=True)
class SeenModal:
    """An open modal as its person sees it."""

    stack: str
    text: str
    may_submit: bool


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

    def told_directly(self) -> list[str]:
        """Everything in Maria's direct messages, oldest first."""
        ...

    def trigger(self) -> str:
        """Maria types a command, which allows one modal to be opened for her."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass, for Slack too."""
        ...

    def modals(self) -> list[SeenModal]:
        """Every open modal."""
        ...

    def close_modal(self) -> None:
        """Maria closes the only modal."""
        ...


@dataclass(frozen=True, slots=True)
class FakeWorld:
    """The fake."""

    chat: FakeChat
    clock: ManualClock

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

    def told_directly(self) -> list[str]:
        return [t.text for t in self.chat.told() if (t.channel, t.user) == ("", MARIA.id)]

    def trigger(self) -> str:
        return self.chat.trigger()

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def modals(self) -> list[SeenModal]:
        return [
            SeenModal(
                modal.stack,
                "Preparing" if modal.sheet is None else _words(modal.sheet),
                modal.sheet is None or bool(modal.sheet.moves),
            )
            for modal in self.chat.modals()
        ]

    def close_modal(self) -> None:
        (modal,) = self.chat.modals()
        self.chat.close(modal.view)


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

    def told_directly(self) -> list[str]:
        found = self.slack.http.get("/sim/slack/messages").json()
        return [m["text"] for m in found if m["channel_id"].startswith("D")]

    def trigger(self) -> str:
        self.slack.post("command", command="/switchman", text="rollback", user=MARIA.handle)
        return self.slack.app.take().form["trigger_id"]

    def wait(self, seconds: float) -> None:
        self.slack.clock.pass_(seconds)

    def modals(self) -> list[SeenModal]:
        return [_modal(each["view"]) for each in self.views()]

    def views(self) -> list[Any]:
        """Every open modal, as Slack has it."""
        found = self.slack.http.get("/sim/slack/views").json()
        assert isinstance(found, list)
        return found

    def close_modal(self) -> None:
        (view,) = self.views()
        self.slack.post("close", view_id=view["id"], user=MARIA.handle)


def _seen(message: Any) -> Seen:
    actions = [block for block in message["blocks"] if block["type"] == "actions"]
    buttons = tuple(b["action_id"] for block in actions for b in block["elements"])
    header = next((b for b in message["blocks"] if b["type"] == "header"), None)
    text = header["text"]["text"] if header else message["text"]
    return Seen(message["ts"], text, buttons, message.get("ephemeral_to"))


def _modal(view: Any) -> SeenModal:
    texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    return SeenModal(view["private_metadata"], "\n".join(texts), view["submit"] is not None)


def _words(sheet: Sheet) -> str:
    return "\n".join((sheet.stack, *sheet.moves, sheet.note, sheet.approvers))


def fake_world() -> FakeWorld:
    """The fake with the two channels."""
    clock = ManualClock()
    return FakeWorld(FakeChat(clock, frozenset({"incidents", "releases"})), clock)


@contextmanager
def simulated_world(data: Path) -> Iterator[SimulatedWorld]:
    """The real adapter, connected to a simulation that runs until the end."""
    clock = ManualClock()
    with slack_world(data) as slack:
        url = f"{slack.base_url}/sim/slack/api/"
        chat = SlackChat(BOT_TOKEN, clock, base_url=url, timeout_seconds=1)
        yield SimulatedWorld(chat, slack, clock)
