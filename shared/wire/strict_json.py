"""JSON as senders really write it, into structs, with `BadMessage` for all that cannot be read.

A key given twice counts with its last value, as in Go's decoder, which the senders use. Half a
surrogate pair (an emoji cut in two) and NUL characters become U+FFFD: neither can be stored, and
neither is a reason to lose a page. Numbers beyond 64 bits, NaN and bad UTF-8 are refused where
they are read, and do not matter where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from shared.domain.errors import BadMessage
from shared.wire.decoders import decoder
from shared.wire.limits import MAX_BODY, MAX_TEXT, TooLarge

T = TypeVar("T")

Scalar = str | int | float | bool | None
Texts = dict[str, Scalar]

_BOM: Final = b"\xef\xbb\xbf"
_SURROGATES: Final = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_SECRET_FREE_PATH: Final = re.compile(r"`\$[^`]*`")


def decode(body: bytes | msgspec.Raw, kind: type[T], what: str) -> T:
    """The body as this kind. Raises `BadMessage`; its reason starts with `what`."""
    try:
        decoded = decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise BadMessage(f"{what} has the wrong form: {_in_words(error)}") from error
    except msgspec.DecodeError as error:
        raise BadMessage(f"{what} is not valid JSON: {_in_words(error)}") from error
    except UnicodeDecodeError as error:
        raise BadMessage(f"{what} is not valid UTF-8") from error
    except RecursionError as error:
        raise BadMessage(f"{what} is nested too deeply") from error
    return decoded


def clean(body: bytes) -> bytes:
    """The body without a byte order mark and without halves of surrogate pairs.

    Raises `TooLarge` beyond 30 MiB.
    """
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body has {len(body)} bytes; {MAX_BODY} are accepted")
    body = body.removeprefix(_BOM)
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _SURROGATES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def text(value: Scalar) -> str:
    """A value as text of bounded length: null is empty, numbers and booleans as JSON has them."""
    if isinstance(value, str) and len(value) <= MAX_TEXT and "\x00" not in value:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = str(value).replace("\x00", "\ufffd")
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"


def loose_text(value: object) -> str:
    """What should have been text, where it does not matter if it is something else."""
    return text(value) if isinstance(value, str | int | float | bool) else ""


def loose_texts(values: object) -> dict[str, str]:
    """What should have been an object of texts; whatever in it is none is left out."""
    if not isinstance(values, dict):
        return {}
    scalars = {k: v for k, v in values.items() if v is None or not isinstance(v, dict | list)}
    return texts(scalars)


def texts(values: Mapping[str, Scalar] | None) -> dict[str, str]:
    """All values as text, sorted by name, so that the order they came in never matters."""
    return {text(name): text(values[name]) for name in sorted(values)} if values else {}


def _in_words(error: msgspec.MsgspecError) -> str:
    """The decoder's own message; it names types and places, and keys only as `[...]`."""
    return _SECRET_FREE_PATH.sub(lambda found: found[0].replace("$.", ""), str(error))[:160]
