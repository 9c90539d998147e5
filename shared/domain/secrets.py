"""What looks like a secret in a text, and the text without it."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "[redacted]"
TELLING_NAME: Final = (
    r"[\w-]*(?:passw(?:or)?d|passwd|secret|token|api_?key|admin_?key|credential"
    r"|authorization|cookie)[\w-]*"
)
"""A name that says that its value is a secret."""

SAID: Final = re.compile(
    rf"(?i)(\\?[\"']?{TELLING_NAME}\\?[\"']?\s*[:=]\s*)"
    r"(?:\\?\"[^\"]*\"?|\\?'[^']*'?|[^\s,;&}]+)"
)
"""Such a name (the group), and its value."""

SHAPES: Final = (
    re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}"),
    re.compile(r"\bxox[a-z]-[\w-]+"),
    re.compile(r"\bAIza[\w-]{20,}|\bya29\.[\w.-]+"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"\b[\w-]+\|[0-9a-fA-F]{16,}"),
    re.compile(r"-----BEGIN[^-]*PRIVATE KEY-----.*", re.DOTALL),
    re.compile(r"\b[0-9a-fA-F]{40,}\b"),
    re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|npm_|[srp]k_(?:live|test)_|sk-)[\w-]{16,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]+"),
)
"""Secrets that show by themselves."""

_SECRETS: Final = (
    re.compile(r"(?i)\b(bearer|basic|convex)\s+[a-z0-9+/_.=|:-]{6,}"),
    SAID,
    *SHAPES,
)


def redacted(text: str) -> str:
    """The text with all that looks like a password, a token or a key left out."""
    for secret in _SECRETS:
        text = secret.sub(REDACTED, text)
    return text
