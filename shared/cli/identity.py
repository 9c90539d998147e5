"""Who gives a command: a person of the policy, by their Google account."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shared.cli.common import err, fail
from shared.domain.errors import Refused, Transient

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.policy import Person

AsOption = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="PERSON",
        help="Your id in the policy. Only where the store is a local file; elsewhere your Google"
        " account says who you are.",
    ),
]

_GCLOUD: Final = ("gcloud", "auth", "print-identity-token")
_GCLOUD_SECONDS: Final = 30.0
_TOKEN: Final = "SWITCHMAN_IDENTITY_TOKEN"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class Caller:
    """A person of the policy, and how they are known to be that."""

    person: Person
    via: str

    @property
    def reference(self) -> str:
        """What they are known as where Slack plays no part."""
        from shared.domain.policy import IN_POLICY

        return f"{IN_POLICY}{self.person.id}"


def caller(switchman: Application, claimed: str) -> Caller:
    """Who gives the command; whoever is not known to be somebody of the policy ends it.

    A local file can be written by whoever may read it, and on one machine there may be no Google
    account: there, and only there, a person is believed.
    """
    sqlite = switchman.settings.sqlite
    if claimed and sqlite is None:
        fail(
            "--as is believed only where the store is a local file; here your Google account says"
            " who you are: leave --as out, and sign in with `gcloud auth login`"
        )
    if claimed:
        known = switchman.policy.people
        if claimed not in known:
            fail(f"the policy knows nobody called {claimed!r}; it has: {', '.join(known)}")
        err.print("Not verified: the store is a local file.", markup=False, style="dim")
        return Caller(known[claimed], "the command line, not verified: the store is a local file")
    if sqlite is not None and _TOKEN not in os.environ:
        fail(f"say who you are with --as, one of {', '.join(switchman.policy.people)}")
    return _by_google(switchman)


def _by_google(switchman: Application) -> Caller:
    from shared.adapters.google_identity import GoogleIdentity

    verifier = GoogleIdentity(switchman.clock, certs_url=switchman.settings.identity_certs_url)
    try:
        email = verifier.email(os.environ.get(_TOKEN) or _from_gcloud())
    except (Refused, Transient) as error:
        fail(f"Who are you? {error}")
    person = switchman.policy.person_by_email(email)
    if person is None:
        fail(
            f"the policy knows nobody with the address {email}: whoever keeps it adds"
            f" `email: {email}` to a person in {switchman.settings.policy}; or sign in with another"
            " account: `gcloud auth login`"
        )
    return Caller(person, f"the command line, as {email}, verified by Google")


def _from_gcloud() -> str:
    """A fresh identity token of whoever is signed in to gcloud."""
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command
            _GCLOUD, capture_output=True, text=True, check=False, timeout=_GCLOUD_SECONDS
        )
    except FileNotFoundError:
        fail(
            f"gcloud is not installed here: install it and sign in with `gcloud auth login`, or"
            f" set {_TOKEN} to what `gcloud auth print-identity-token` prints elsewhere"
        )
    except subprocess.TimeoutExpired:
        fail(f"`{' '.join(_GCLOUD)}` did not answer in {_GCLOUD_SECONDS:.0f} s")
    if ended.returncode != 0 or not ended.stdout.strip():
        said = ended.stderr.strip().splitlines()
        fail(
            f"gcloud knows no account ({said[0] if said else 'it said nothing'}): sign in with"
            " `gcloud auth login`"
        )
    return ended.stdout.strip()
