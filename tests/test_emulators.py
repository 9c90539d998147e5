"""The emulators start, answer, are wiped, and leave nothing behind."""

import os
from pathlib import Path

import httpx
import pytest

from tests import emulators


def test_reset_removes_the_topics(pubsub_emulator: str) -> None:
    """The Pub/Sub emulator keeps a topic until it is reset."""
    topics = f"http://{pubsub_emulator}/v1/projects/reset/topics"
    httpx.put(f"{topics}/kept", json={}).raise_for_status()
    assert "kept" in httpx.get(topics).text
    emulators.reset_pubsub(pubsub_emulator)
    assert "kept" not in httpx.get(topics).text


def test_reset_removes_the_documents(firestore_emulator: str) -> None:
    """The Firestore emulator keeps a document until its database is reset."""
    database = f"http://{firestore_emulator}/v1/projects/reset/databases/(default)"
    things = f"{database}/documents/things"
    httpx.post(things, params={"documentId": "kept"}, json={}, timeout=30).raise_for_status()
    assert "kept" in httpx.get(things).text
    emulators.reset_firestore(firestore_emulator, "reset")
    assert "kept" not in httpx.get(things).text


def test_missing_program_skips_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not there skips the test and says what was not tested."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not tested: teleporting"):
        emulators.need_program("no-such-program", "teleporting")


def test_missing_program_fails_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under CI, where nobody reads skips, a missing program is a failure."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="not tested: teleporting"):
        emulators.need_program("no-such-program", "teleporting")


def test_sdk_is_found_through_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """CLOUDSDK_ROOT_DIR names the SDK before any guess; its emulator is the one started."""
    program = tmp_path / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho I am not an emulator\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", os.fspath(tmp_path))
    with (
        pytest.raises(pytest.fail.Exception, match="I am not an emulator"),
        emulators.pubsub_emulator(),
    ):
        pytest.fail("an emulator that ended was taken for one that serves")
