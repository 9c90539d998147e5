"""What a workspace is made of: people, channels, messages."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChannelKind = Literal["channel", "im", "mpim"]

TEAM_ID = "T0SWITCHMAN"
TEAM_DOMAIN = "switchman-local"
APP_ID = "A0SWITCHMAN"
BOT_ID = "B0SWITCHMAN"
BOT_USER_ID = "U0SWITCHMAN"
BOT_NAME = "switchman"
SLACKBOT_USER_ID = "USLACKBOT"
# Slack still sends its retired verification token; nothing may rely on it.
VERIFICATION_TOKEN = "retired-verification-token"  # noqa: S105 - public, and opens nothing

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """A member of the workspace who can type commands and press buttons."""

    id: str
    handle: str
    name: str
    title: str = ""

    @property
    def email(self) -> str:
        """The address by which `users.lookupByEmail` finds this person."""
        return f"{self.handle}@example.com"


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation: a public channel, or direct messages among `members` (user ids)."""

    id: str
    name: str
    kind: ChannelKind = "channel"
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `ts` is its id and its time, as in Slack (seconds, six decimals)."""

    channel: str
    user: str
    ts: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    metadata: Json | None = None
    edited_ts: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False

    @property
    def micros(self) -> int:
        """`ts` in microseconds."""
        micros = parse_ts(self.ts)
        if micros is None:
            raise ValueError(f"not a message timestamp: {self.ts!r}")
        return micros

    def to_json(self) -> Json:
        """The message as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> "Message":
        """The message that `to_json` made."""
        return cls(**{**document, "blocks": tuple(document["blocks"])})


@dataclass(frozen=True, slots=True)
class Workspace:
    """Who and what exists in the simulated workspace, fixed when it starts."""

    base_url: str
    people: tuple[SlackPerson, ...]
    channels: tuple[Channel, ...]
    bot: SlackPerson = field(
        default=SlackPerson(BOT_USER_ID, BOT_NAME, "Switchman", "Answers alerts")
    )

    def person(self, handle_or_id: str) -> SlackPerson | None:
        """The person of this handle (with or without `@`) or id; None when there is none."""
        wanted = handle_or_id.removeprefix("@")
        return next((p for p in self.people if wanted in {p.id, p.handle}), None)

    def member(self, user_id: str) -> SlackPerson | None:
        """The person or the bot of this id; None when there is none."""
        return next((p for p in (*self.people, self.bot) if p.id == user_id), None)


def public_channel(name: str) -> Channel:
    """The public channel of this name (`#` optional); its id depends on the name alone."""
    plain = name.removeprefix("#")
    return Channel(_derived_id("C", plain), plain)


def direct_channel(members: Sequence[SlackPerson]) -> Channel:
    """The direct messages between the bot and `members`."""
    ids = tuple(sorted(person.id for person in members))
    if len(members) == 1:
        return Channel(_derived_id("D", ids[0]), members[0].handle, "im", ids)
    names = "--".join(sorted(person.handle for person in members))
    return Channel(_derived_id("G", *ids), f"mpdm-{names}-1", "mpim", ids)


def format_ts(micros: int) -> str:
    """Microseconds as a Slack timestamp, such as `1405894322.002768`."""
    return f"{micros // _MICROS}.{micros % _MICROS:06d}"


def parse_ts(ts: str) -> int | None:
    """A Slack timestamp in microseconds; None when it is not one."""
    seconds, _, fraction = ts.partition(".")
    if not (seconds.isdecimal() and (not fraction or fraction.isdecimal())):
        return None
    return int(seconds) * _MICROS + int(fraction[:6].ljust(6, "0"))


def short_id(*parts: str) -> str:
    """Ten capital letters and digits that depend on `parts` alone."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10].upper()


def _derived_id(prefix: str, *parts: str) -> str:
    return prefix + short_id(prefix, *parts)
