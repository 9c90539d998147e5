"""Cursor paging, as Slack's lists do it. https://docs.slack.dev/apis/web-api/pagination"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.local.slack.arguments import Arguments
from infra.local.slack.errors import SlackError

Item = TypeVar("Item")

_PREFIX = "next:"
_HIGHEST_LIMIT = 999


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; `next_cursor` is empty on the last one."""

    items: Sequence[Item]
    next_cursor: str


def encode_cursor(position: str) -> str:
    """An opaque cursor for the page that begins at `position`."""
    return b64encode((_PREFIX + position).encode()).decode()


def decode_cursor(cursor: str) -> str:
    """The position that `encode_cursor` was given; SlackError when it gave no such cursor."""
    try:
        text = b64decode(cursor, validate=True).decode()
    except (Base64Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error
    if not text.startswith(_PREFIX):
        raise SlackError("invalid_cursor")
    return text.removeprefix(_PREFIX)


def page(arguments: Arguments, items: Sequence[Item], default: int = 100) -> Page[Item]:
    """The page of `items` that the call asks for, counted from the start of the list."""
    limit = arguments.number("limit", default, _HIGHEST_LIMIT)
    cursor = arguments.text("cursor")
    position = decode_cursor(cursor) if cursor else "0"
    if not position.isdecimal():
        raise SlackError("invalid_cursor")
    end = int(position) + limit
    more = encode_cursor(str(end)) if end < len(items) else ""
    return Page(items[int(position) : end], more)
