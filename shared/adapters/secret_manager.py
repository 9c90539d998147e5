"""Secrets from Google Secret Manager.

API: https://cloud.google.com/secret-manager/docs/reference/rpc/google.cloud.secretmanager.v1.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.google_channel import open_channel
from shared.adapters.google_errors import Call, asked
from shared.domain.errors import Refused, SecretsAway, Transient
from shared.ports import Clock

SCHEME: Final = "secret://"

_KEPT_FOR: Final = timedelta(minutes=1)
_TIMEOUT_SECONDS: Final = 5.0
_REFERENCE: Final = re.compile(r"secret://([A-Za-z0-9_-]{1,255})(?:/([A-Za-z0-9_-]{1,63}))?")


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str
    until: datetime

    def __repr__(self) -> str:
        return f"_Kept(until={self.until})"


class SecretManager:
    """Resolves `secret://NAME[/VERSION]`, and remembers each value for a minute.

    A version is a number, an alias, or `latest` when none is given. `endpoint` is `HOST:PORT` of
    a simulator. Safe to use from several threads.

    Raises:
        Transient: There are no credentials to be had.
    """

    def __init__(self, project: str, clock: Clock, *, endpoint: str = "") -> None:
        from google.cloud import secretmanager_v1
        from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
            SecretManagerServiceGrpcTransport as Transport,
        )

        self._project = project
        self._clock = clock
        self._channel = open_channel(
            endpoint, "secretmanager.googleapis.com", Transport.create_channel, "Secret Manager"
        )
        self._client = secretmanager_v1.SecretManagerServiceClient(
            transport=Transport(channel=self._channel)
        )
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def resolve(self, value: str) -> str:
        """The secret that a reference names; any other value is returned as it is.

        One line end after the secret is not part of it: `echo` put it there.

        Raises:
            SecretsAway: It cannot be read now; the text says what is missing, never the value.
            Refused: It looks like a reference, but is none.
        """
        if not value.startswith(SCHEME):
            return value
        found = _REFERENCE.fullmatch(value)
        if found is None:
            raise Refused(f"a secret is given as {SCHEME}NAME or {SCHEME}NAME/VERSION")
        name, version = found[1], found[2] or "latest"
        resource = f"projects/{self._project}/secrets/{name}/versions/{version}"
        with self._lock:
            kept = self._kept.get(resource)
            if kept is None or kept.until <= self._clock.now():
                kept = _Kept(self._read(name, resource), self._clock.now() + _KEPT_FOR)
                self._kept[resource] = kept
        return kept.value

    def close(self) -> None:
        """Close the connection and forget the values."""
        with self._lock:
            self._kept.clear()
        self._channel.close()

    def _read(self, name: str, resource: str) -> str:
        command = (
            f"gcloud secrets add-iam-policy-binding {name} --project={self._project} "
            "--member=serviceAccount:ACCOUNT --role=roles/secretmanager.secretAccessor"
        )
        call = Call(f"reading {resource}", "secretmanager.versions.access", command)
        try:
            answer = asked(
                call,
                lambda: self._client.access_secret_version(
                    name=resource, retry=None, timeout=_TIMEOUT_SECONDS
                ),
            )
        except (Refused, Transient) as error:
            # It is readable as soon as somebody mends it, and until then nobody is to be told no.
            raise SecretsAway(str(error)) from error
        try:
            text = bytes(answer.payload.data).decode()
        except UnicodeDecodeError:
            raise SecretsAway(f"{resource} is not UTF-8 text") from None
        return text.removesuffix("\n").removesuffix("\r")
