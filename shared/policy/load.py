"""Loading the policy file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from shared.domain.policy import Policy
from shared.policy.build import build
from shared.policy.document import Document
from shared.policy.faults import Fault, PolicyError
from shared.policy.lint import Linted, lints, refused
from shared.policy.schema import MUST_HAVE, PolicyFile


def load(path: Path | str) -> Policy:
    """The policy in this file.

    Raises `PolicyError` with every fault at once, as `file:line: what is wrong and what would
    be right`; also when the file cannot be read.
    """
    return loads(_text(path), str(path))


def loads(text: str, file: str) -> Policy:
    """The policy in this text; `file` is what its faults are reported under."""
    document = Document(file)
    entries = document.read(text, PolicyFile, MUST_HAVE)
    faults = document.faults if entries is None else refused(entries, document)
    if entries is None or faults:
        raise PolicyError(faults)
    return build(entries)


def lint(path: Path | str, at: datetime) -> Linted:
    """Everything wrong with the policy in this file at that time; `load` may still take it."""
    try:
        return lints(_text(path), str(path), at)
    except PolicyError as error:
        return Linted(error.faults, ())


def _text(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError([Fault(1, f"cannot be read: {reason}", str(path))]) from error
