"""Whose Google account a token stands for, and what is said of one that stands for nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.google_identity import GoogleIdentity
from shared.domain.errors import Refused, Transient
from tests.contract.google_accounts import GoogleAccounts, Key, claims, google_accounts


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleAccounts]:
    """Google's sign-in."""
    with google_accounts() as running:
        yield running


@pytest.fixture
def identity(google: GoogleAccounts) -> GoogleIdentity:
    """Verifies what that sign-in signs."""
    return GoogleIdentity(SystemClock(), certs_url=google.certs_url)


def test_a_token_stands_for_its_verified_address(
    google: GoogleAccounts, identity: GoogleIdentity
) -> None:
    """The address in a token that Google signed for gcloud and that is still valid."""
    assert identity.email(google.token("ines@example.com")) == "ines@example.com"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"exp": int(time.time()) - 60, "iat": int(time.time()) - 3660}, "has expired"),
        ({"iat": int(time.time()) + 600}, "signature is not on"),
        ({"aud": "somebodys-web-page.example.com"}, "for another program than gcloud"),
        ({"iss": "https://example.com"}, "not one of Google's"),
        ({"email_verified": False}, "no address that Google has verified"),
        ({"email_verified": "true"}, "no address that Google has verified"),
        ({"email": None}, "no address that Google has verified"),
    ],
    ids=["over", "to come", "audience", "issuer", "unverified", "a word", "no address"],
)
def test_a_token_that_stands_for_nobody_is_refused(
    google: GoogleAccounts, identity: GoogleIdentity, wrong: dict[str, Any], says: str
) -> None:
    """With what is wrong about it and what to type next, and never with the token itself."""
    token = google.token(**wrong)
    with pytest.raises(Refused, match=says) as refused:
        identity.email(token)
    assert "gcloud auth print-identity-token" in str(refused.value)
    assert token.split(".")[1] not in str(refused.value)


def test_what_somebody_else_signed_is_refused(identity: GoogleIdentity) -> None:
    """The right claims under a key that is not Google's, though it has the same name."""
    with pytest.raises(Refused, match="Google's signature is not on"):
        identity.email(Key().sign(claims("ines@example.com")))


@pytest.mark.parametrize("token", ["", "token", "a.b.c", "e30.e30.", "ü.ü.ü"])
def test_what_is_no_token_is_refused(identity: GoogleIdentity, token: str) -> None:
    """Whatever it is instead."""
    with pytest.raises(Refused):
        identity.email(token)


def test_without_certificates_nobody_is_known_for_now(google: GoogleAccounts) -> None:
    """Where they cannot be fetched it may work later; nobody is believed meanwhile."""
    nowhere = GoogleIdentity(SystemClock(), certs_url="http://127.0.0.1:1/certs")
    with pytest.raises(Transient, match="cannot be reached"):
        nowhere.email(google.token())
