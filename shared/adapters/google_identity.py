"""Whose Google account an identity token stands for.

The claims: https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload.
No error shows the token, which for an hour is as good as the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from shared.domain.errors import Refused, Transient
from shared.ports import Clock

GOOGLE_CERTS: Final = "https://www.googleapis.com/oauth2/v1/certs"
GCLOUD: Final = "32555940559.apps.googleusercontent.com"
"""The client id of gcloud: what it makes is for it, and nobody else's web page got hold of it."""

_ISSUERS: Final = ("accounts.google.com", "https://accounts.google.com")
_SKEW: Final = timedelta(seconds=10)
_ANOTHER: Final = "make another one with `gcloud auth print-identity-token`"


class GoogleIdentity:
    """Verifies identity tokens that gcloud made. `certs_url` may lead to a simulator."""

    def __init__(self, clock: Clock, *, certs_url: str = "") -> None:
        self._clock = clock
        self._certs_url = certs_url or GOOGLE_CERTS

    def email(self, token: str) -> str:
        """The verified address in the token.

        Raises:
            Refused: Google did not sign it, it is over, for somebody else, or has no address
                that Google verified.
            Transient: Google's certificates cannot be fetched now.
        """
        claims = self._verified(token)
        if claims.get("iss") not in _ISSUERS:
            raise Refused(f"the identity token is not one of Google's; {_ANOTHER}")
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            raise Refused(
                "the identity token has no address that Google has verified; sign in as a person "
                f"with `gcloud auth login`, then {_ANOTHER}"
            )
        return email

    def _verified(self, token: str) -> Mapping[str, Any]:
        import requests
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.requests import Request
        from google.oauth2.id_token import verify_token

        with requests.Session() as session:
            try:
                claims: Mapping[str, Any] = verify_token(
                    token,
                    Request(session),
                    audience=GCLOUD,
                    certs_url=self._certs_url,
                    clock_skew_in_seconds=int(_SKEW.total_seconds()),
                )
            except TransportError as error:
                raise Transient(
                    f"{self._certs_url} cannot be reached, so the identity token cannot be verified"
                ) from error
            except (GoogleAuthError, ValueError, TypeError):
                raise Refused(f"{self._why_not(token)}; {_ANOTHER}") from None
        return claims

    def _why_not(self, token: str) -> str:
        """What is wrong with a token that was not verified, from what it says of itself."""
        from google.auth import jwt

        try:
            said = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError):
            return "this is no identity token"
        ends = said.get("exp")
        if isinstance(ends, int | float) and ends < self._clock.now().timestamp():
            return "the identity token has expired"
        if said.get("aud") != GCLOUD:
            return "the identity token was made for another program than gcloud"
        return "Google's signature is not on the identity token"
