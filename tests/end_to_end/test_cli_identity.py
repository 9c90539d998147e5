"""Who gives a command: what is believed, what is verified, and what is said to whoever is nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from shared.config import SHIPPED_POLICY
from tests.contract.google_accounts import GoogleAccounts, google_accounts
from tests.end_to_end.test_cli import refused, switchman

CLOUD = "firestore://project/database"
DECLARE = ("incidents", "declare", "auth", "nobody can sign in", "--timeout", "0")


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleAccounts]:
    """Google's sign-in."""
    with google_accounts() as running:
        yield running


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The shipped policy, in which Ines has an address."""
    text = SHIPPED_POLICY.read_text(encoding="utf-8")
    file = tmp_path / "policy.yaml"
    file.write_text(text.replace("slack: U0INFRA001", "slack: U0INFRA001, email: Ines@Example.com"))
    return file


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of an empty store, on which nothing acts."""
    SqliteStore(tmp_path / "switchman.sqlite3", SystemClock()).close()
    return f"sqlite://{tmp_path / 'switchman.sqlite3'}"


def environment(google: GoogleAccounts, policy: Path, **more: str) -> dict[str, str]:
    """What a person has set who uses this sign-in."""
    return {
        "SWITCHMAN_POLICY": str(policy),
        "SWITCHMAN_IDENTITY_CERTS_URL": google.certs_url,
        "SWITCHMAN_BUS": "embedded",
        **more,
    }


def stored(url: str) -> list[tuple[str, str, str]]:
    """Who is known to have told something, how, and what; nothing has acted on it yet."""
    store = SqliteStore(Path(url.removeprefix("sqlite://")), SystemClock())
    ids = [json.loads(each.data)["instruction"] for each in store.messages.waiting("events", 0, 9)]
    told = [found for each in ids if (found := store.instruction(each))]
    store.close()
    return [(each.person, each.via, each.text) for each in told]


def test_a_verified_account_is_a_person_of_the_policy(
    google: GoogleAccounts, policy: Path, store: str
) -> None:
    """The token's address, in whatever case, is looked up; what is stored says how it is known."""
    token = google.token("INES@example.com")
    env = environment(google, policy, SWITCHMAN_IDENTITY_TOKEN=token)

    ended = switchman(*DECLARE, store=store, more=env)

    assert "stored, and nothing has acted on it" in refused(ended, code=1)
    via = "the command line, as INES@example.com, verified by Google"
    assert stored(store) == [("person:ines", via, "nobody can sign in")]


def test_gcloud_is_asked_who_is_signed_in(
    google: GoogleAccounts, policy: Path, tmp_path: Path, store: str
) -> None:
    """Without SWITCHMAN_IDENTITY_TOKEN the token is what gcloud prints, wherever the store is."""
    env = environment(google, policy, SWITCHMAN_BUS="pubsub://project")
    env["PATH"] = gcloud(tmp_path, f"echo {google.token('otto@example.com')}")

    said = refused(switchman("incidents", "ack", "convex-1", store=CLOUD, more=env))

    assert "nobody with the address otto@example.com" in said
    assert "email: otto@example.com" in said


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo You are not logged in. >&2; exit 1", "gcloud auth login"),
        ("echo not-a-token", "this is no identity token"),
        ("", "gcloud knows no account"),
    ],
    ids=["signed out", "nonsense", "silence"],
)
def test_whoever_is_not_signed_in_is_told_how(
    google: GoogleAccounts, policy: Path, tmp_path: Path, script: str, says: str
) -> None:
    """One line with what to type next, exit code 2, and nothing is stored."""
    env = environment(google, policy, SWITCHMAN_BUS="pubsub://project")
    env["PATH"] = gcloud(tmp_path, script)
    assert says in refused(switchman("incidents", "ack", "convex-1", store=CLOUD, more=env))


def test_without_gcloud_it_is_said_what_to_do(
    google: GoogleAccounts, policy: Path, tmp_path: Path
) -> None:
    """Install it, or bring a token from elsewhere."""
    env = environment(google, policy, SWITCHMAN_BUS="pubsub://project", PATH=str(tmp_path))
    said = refused(switchman("incidents", "ack", "convex-1", store=CLOUD, more=env))
    assert "gcloud is not installed" in said
    assert "SWITCHMAN_IDENTITY_TOKEN" in said


@pytest.mark.parametrize(
    "words",
    [
        ("incidents", "ack", "convex-1"),
        ("incidents", "resolve", "convex-1"),
        ("rollback", "approve", "convex", "--plan", "0"),
        ("rollback", "reject", "convex"),
        ("rollback", "apply", "convex", "--reason", "it fails", "--apply"),
        ("drill", "rollback", "--apply"),
    ],
    ids=" ".join,
)
def test_nobody_is_believed_where_the_store_is_no_file(
    google: GoogleAccounts, policy: Path, words: tuple[str, ...]
) -> None:
    """`--as` is refused with firestore://, before anything is read or written."""
    env = environment(google, policy, SWITCHMAN_BUS="pubsub://project")
    said = refused(switchman(*words, "--as", "ines", store=CLOUD, more=env))
    assert "--as is believed only where the store is a local file" in said
    assert "gcloud auth login" in said


def test_on_one_machine_a_person_is_believed_and_it_is_said(store: str) -> None:
    """`--as` needs no account there; that nobody verified it is printed and stored."""
    ended = switchman(*DECLARE, "--as", "ines", store=store)

    assert "Not verified: the store is a local file." in ended.stderr
    ((person, via, _),) = stored(store)
    assert (person, "not verified" in via) == ("person:ines", True)


@pytest.mark.parametrize(
    ("who", "says"), [((), "say who you are with --as, one of ruth"), (("--as", "otto"), "'otto'")]
)
def test_on_one_machine_the_policy_has_to_know_them(
    store: str, who: tuple[str, ...], says: str
) -> None:
    """Exit code 2, with everybody there is, and nothing is stored."""
    said = refused(switchman(*DECLARE, *who, store=store))
    assert says in said
    assert "ines" in said
    assert stored(store) == []


def test_a_drill_that_moves_traffic_is_asked_for_by_somebody_who_may(store: str) -> None:
    """Nobody, somebody unknown, and somebody who may not approve rollbacks: nothing is started."""
    drill = ("drill", "rollback", "--apply")
    assert "say who you are with --as, one of ines" in refused(switchman(*drill, store=store))
    assert "nobody called 'otto'" in refused(switchman(*drill, "--as", "otto", store=store))
    petra = switchman(*drill, "--as", "petra", store=store)
    assert (petra.returncode, "Petra Novak may not" in petra.stderr) == (2, True)


def test_nobody_elsewhere_may_stand_for_google(policy: Path, store: str) -> None:
    """Whoever could name another machine's certificates would be believed to be anybody."""
    env = {"SWITCHMAN_IDENTITY_CERTS_URL": "https://certs.example.com/", "PATH": ""}
    said = refused(switchman("incidents", "list", store=store, more=env))
    assert "only a simulator on this machine" in said


def gcloud(folder: Path, script: str) -> str:
    """A PATH on which gcloud is this script."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "gcloud"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder / "bin")
