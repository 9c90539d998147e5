"""Secrets, and who may send to us: for both nothing else has to be built."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.adapters.clock import SystemClock
from shared.bootstrap.once import once
from shared.config import Settings, tokens_in
from shared.domain.errors import Misconfigured, Refused, Transient

if TYPE_CHECKING:
    from shared.adapters.secret_manager import SecretManager
    from shared.ports import Clock


class Senders:
    """The settings, the secrets that they name, and which senders they make known."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.clock: Clock = SystemClock()

    def secret(self, name: str, value: str) -> str:
        """The value of the setting `name`, read from Secret Manager if it is a reference.

        Raises `Misconfigured` when there is none, `Transient` when it cannot be read now. Never
        an empty secret, which any sender would know.
        """
        try:
            found = self._secrets.resolve(value) if value.startswith("secret://") else value
        except Refused as refused:
            raise Misconfigured(f"{name}: {refused}") from refused
        if not found.strip():
            raise Misconfigured(f"{name} is not set, or is an empty secret")
        return found

    @once
    def _secrets(self) -> SecretManager:
        from shared.adapters.secret_manager import SecretManager

        if not self.settings.project:
            raise Misconfigured("GOOGLE_CLOUD_PROJECT is not set, so secret:// names no project")
        return SecretManager(
            self.settings.project, self.clock, endpoint=self.settings.secret_manager_endpoint
        )

    def sender_is_known(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries one of the bearer tokens of `ingest`.

        Raises `Transient` when a token cannot be known and no other fits: that is our fault,
        not the sender's.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            given = ""
        unknown: Transient | None = None
        for token in self.settings.ingest_tokens or ("",):
            try:
                known = self.secret("SWITCHMAN_INGEST_TOKEN", token)
            except Transient as error:
                unknown = error
                continue
            # A server hands on the bytes of a header as Latin-1; one secret may hold both tokens.
            sent = given.strip().encode("latin-1")
            if any(hmac.compare_digest(sent, os.fsencode(one)) for one in tokens_in(known)):
                return True
        if unknown:
            raise unknown
        return False

    def verify_slack(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `BadSignature` unless Slack signed this request in the last five minutes."""
        from shared.adapters.slack_signature import verify

        secret = self.secret("SLACK_SIGNING_SECRET", self.settings.slack_signing_secret)
        verify([secret], headers, body, self.clock.now())
