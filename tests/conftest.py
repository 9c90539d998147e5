"""What every test may ask for, and how all of them run."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import emulators

# A shared machine stalls now and then, which says nothing about the code: no deadline for an
# example. Under CI the examples are the same in every run.
hypothesis.settings.register_profile(
    "switchman",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # a busy machine is no fault of ours
)
hypothesis.settings.load_profile("switchman")

_MARKER_OF_FIXTURE = {
    "firestore_emulator": pytest.mark.emulator,
    "pubsub_emulator": pytest.mark.emulator,
    "chromium": pytest.mark.browser,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test by the programs it asks for, so that `-m 'not emulator'` just works."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if marker := _MARKER_OF_FIXTURE.get(fixture):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[str]:
    """The `host:port` of a Firestore emulator; each test takes a project name of its own."""
    with emulators.firestore_emulator() as address:
        yield address


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[str]:
    """The `host:port` of a Pub/Sub emulator; each test takes a project name of its own."""
    with emulators.pubsub_emulator() as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The path of chromium."""
    return emulators.need_chromium()
