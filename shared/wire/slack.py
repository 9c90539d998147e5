"""What identifies a request of Slack's: its headers, and the id that makes a replay harmless.

The signed base string: https://docs.slack.dev/authentication/verifying-requests-from-slack. The
signature itself is verified by `shared.adapters.slack_signature`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from shared.domain.errors import SwitchmanError

TIMESTAMP_HEADER: Final = "x-slack-request-timestamp"
SIGNATURE_HEADER: Final = "x-slack-signature"


class BadSignature(SwitchmanError):
    """Nothing proves that Slack sent this request: answer 401, and believe none of it."""


def event_id_of(headers: Mapping[str, str], body: bytes) -> str:
    """The SHA-256 of the base string Slack signs, in hex: equal for a request sent again as it was.

    Raises:
        BadSignature: The request has no timestamp.
    """
    stamp = header(headers, TIMESTAMP_HEADER)
    if stamp is None:
        raise BadSignature("the request has no timestamp")
    signed = b":".join((b"v0", stamp.encode("utf-8", "surrogatepass"), body))
    return hashlib.sha256(signed).hexdigest()


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The header of this lower-case name, however the server spells it; None without it."""
    return next((value for key, value in headers.items() if key.lower() == name), None)
