"""Loading the policy file."""

from __future__ import annotations

from pathlib import Path

from shared.domain.policy import TRIAGE, Policy
from shared.policy.build import build
from shared.policy.document import Document
from shared.policy.faults import Fault, PolicyError
from shared.policy.schema import PolicyFile


def load(path: Path | str) -> Policy:
    """The policy in this file.

    Raises `PolicyError` with every fault at once, as `file:line: what is wrong and what would
    be right`; also when the file cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError([Fault(1, f"cannot be read: {reason}", str(path))]) from error
    return loads(text, str(path))


def loads(text: str, file: str) -> Policy:
    """The policy in this text; `file` is what its faults are reported under."""
    document = Document(file)
    entries = document.read(text, PolicyFile, must_have={"lanes": TRIAGE})
    if entries is None:
        raise PolicyError(document.faults)
    return build(entries)
