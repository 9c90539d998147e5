"""The proof that a request is Slack's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

from shared.domain.errors import Transient
from shared.wire.slack import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, header

if TYPE_CHECKING:
    from slack_sdk.signature import SignatureVerifier


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return if Slack signed this request with one of the secrets in the last five minutes.

    How: https://docs.slack.dev/authentication/verifying-requests-from-slack. Two secrets are
    given while one replaces the other.

    Raises:
        BadSignature: Anything else is wrong with the request.
        Transient: There is no secret to compare with, which is no fault of the sender's.
    """
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise Transient("SLACK_SIGNING_SECRET is empty")
    for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if header(headers, name) is None:
            raise BadSignature(f"the request has no {name} header")
    try:
        valid = [_verifier(secret, now).is_valid_request(body, headers) for secret in usable]
    except (ValueError, TypeError, OverflowError) as error:
        # A timestamp that is no number, a body that is not UTF-8, a signature that is not ASCII.
        raise BadSignature(f"the signature cannot be checked: {type(error).__name__}") from error
    if not any(valid):
        raise BadSignature("the signature does not match, or is older than five minutes")


def _verifier(secret: str, now: datetime) -> SignatureVerifier:
    clock = SimpleNamespace(now=now.timestamp)
    verifier: SignatureVerifier = _slack_sdk_signature().SignatureVerifier(secret, clock)
    return verifier


@cache
def _slack_sdk_signature() -> ModuleType:
    """`slack_sdk.signature` alone, which needs nothing else of slack_sdk.

    An import statement would first load slack_sdk's web client, which takes 25 ms that the
    person who pressed the button would wait for.
    """
    package = find_spec("slack_sdk")
    assert package is not None
    spec = PathFinder.find_spec("slack_sdk.signature", package.submodule_search_locations)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
