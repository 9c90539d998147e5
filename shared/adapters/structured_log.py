"""One JSON line for each thing that happened, in Cloud Logging's structured form.

Fields: https://cloud.google.com/logging/docs/structured-logging#special-payload-fields
google-cloud-logging's own handler takes about 320 ms to import, which every cold start would pay.

No line holds a secret, a token or a message body. So an error that was not foreseen shows its
type and where it came from, and not what it says: `ValueError` quotes what it could not read.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TextIO

from shared.domain.errors import SwitchmanError

LOGGER: Final = "switchman"
LABELS: Final = ("function", "stack", "incident", "event", "action")

_JSON: Final = json.JSONEncoder(default=str)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_AMBIENT: Final[ContextVar[Mapping[str, str]]] = ContextVar("ambient", default=_NOTHING)


class StructuredFormatter(logging.Formatter):
    """Formats a record as one line of JSON. What is passed as `extra` becomes labels and fields.

    `extra` may hold the labels of `LABELS`, `trace`, and `fields`, a mapping whose entries stand
    in the line beside the message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line break; plain ASCII, so that no text can break a stream."""
        given = {**_AMBIENT.get(), **record.__dict__}
        entry: dict[str, object] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        }
        labels = {key: str(given[key]) for key in LABELS if given.get(key)}
        if labels:
            entry["logging.googleapis.com/labels"] = labels
        if given.get("trace"):
            entry["logging.googleapis.com/trace"] = given["trace"]
        if isinstance(fields := given.get("fields"), Mapping):
            entry.update(fields)
        if record.exc_info and record.exc_info[1]:
            entry["stack_trace"] = _told(record.exc_info[1])
        return _JSON.encode(entry)


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> logging.Logger:
    """The logger of Switchman, writing structured lines to `stream`.

    Without a stream it stays as it was configured before, and is first given standard error.
    """
    logger = logging.getLogger(LOGGER)
    if stream is not None or not logger.handlers:
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(StructuredFormatter())
        logger.handlers = [handler]  # in one step: another thread sees the old one or the new one
        logger.setLevel(level)
        logger.propagate = False
    return logger


@contextmanager
def labelled(**labels: str) -> Iterator[None]:
    """Put these labels, or `trace`, on every line that this thread writes meanwhile."""
    before = _AMBIENT.set({**_AMBIENT.get(), **labels})
    try:
        yield
    finally:
        _AMBIENT.reset(before)


def _told(error: BaseException) -> str:
    """The error and what led to it, first things first, as Python shows them but for their texts."""
    told = ""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        told = _told(earlier) + "\nwhich led to:\n"
    frames = "".join(traceback.format_tb(error.__traceback__))
    said = f": {error}" if isinstance(error, SwitchmanError) else ""
    return f"{told}Traceback (most recent call last):\n{frames}{type(error).__qualname__}{said}"
