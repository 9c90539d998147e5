"""What is kept of a message that was rejected: short, printable, and without secrets."""

from __future__ import annotations

import re
from typing import Final

from shared.wire.limits import MAX_SNIPPET

_REDACTED: Final = "[redacted]"
_SECRETS: Final = (
    re.compile(r"(?i)\b(bearer|basic|convex)\s+[a-z0-9+/_.=|:-]{6,}"),
    re.compile(
        r"(?i)(\\?[\"']?[\w-]*(?:passw(?:or)?d|passwd|secret|token|api_?key|admin_?key|credential"
        r"|authorization|cookie)[\w-]*\\?[\"']?\s*[:=]\s*)(?:\\?\"[^\"]*\"?|\\?'[^']*'?|[^\s,;&}]+)"
    ),
    re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}"),
    re.compile(r"\bxox[a-z]-[\w-]+"),
    re.compile(r"\bAIza[\w-]{20,}|\bya29\.[\w.-]+"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"\b[\w-]+\|[0-9a-fA-F]{16,}"),
    re.compile(r"-----BEGIN[^-]*PRIVATE KEY-----.*", re.DOTALL),
    re.compile(r"\b[0-9a-fA-F]{40,}\b"),
)
_READ: Final = (
    4 * MAX_SNIPPET
)  # read further than is shown, so that no secret is cut before it ends


def snippet(raw: bytes) -> str:
    """The beginning of a message, for a person to recognise it by."""
    shown = raw[:_READ].decode("utf-8", "replace")
    shown = "".join(char if char.isprintable() else " " for char in shown)
    for secret in _SECRETS:
        shown = secret.sub(_REDACTED, shown)
    return shown if len(shown) <= MAX_SNIPPET else shown[: MAX_SNIPPET - 1] + "…"
