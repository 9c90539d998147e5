"""Connections to Google's APIs, or to a simulator in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from shared.domain.errors import Transient

if TYPE_CHECKING:
    import grpc

_UNLIMITED: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)
_DIRECT: Final = (("grpc.enable_http_proxy", 0),)


def open_channel(
    endpoint: str, host: str, create: Callable[..., grpc.Channel], api: str
) -> grpc.Channel:
    """A channel to `endpoint` (`HOST:PORT`, no encryption, no credentials), or else to `host`.

    `create` is the `create_channel` of the API's own transport; it uses the application's default
    credentials. `api` is what to call the API in front of a person.

    Raises:
        Transient: There are no credentials to be had.
    """
    import google.auth.exceptions
    import grpc

    if endpoint:
        return grpc.insecure_channel(endpoint, options=(*_UNLIMITED, *_DIRECT))
    try:
        return create(f"{host}:443", options=_UNLIMITED)
    except google.auth.exceptions.GoogleAuthError as error:
        raise Transient(f"no credentials for {api}: {type(error).__name__}") from error
