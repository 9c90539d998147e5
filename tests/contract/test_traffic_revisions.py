"""What every Traffic tells of revisions and tags, and what the real one makes of Cloud Run's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import run_v2

from shared.adapters.cloud_run_revisions import revision_state
from shared.domain.errors import Refused
from shared.domain.rollback import SecretReference, Split, TrafficTarget
from tests.contract.simulated_cloud_run import BACKEND, BASE_URL
from tests.contract.traffic_worlds import (
    LATEST,
    PATIENCE,
    SimulatedWorld,
    World,
    all_to,
    fake_world,
    simulated_world,
)

GOOD = "switchman-good"
State = run_v2.Condition.State
Severity = run_v2.Condition.Severity


@pytest.fixture(params=["fake", "cloud_run"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A backend whose LATEST serves the new revision, with an old one to go back to."""
    if request.param == "fake":
        yield fake_world()
        return
    with simulated_world(tmp_path) as real:
        yield real


@pytest.fixture
def real(tmp_path: Path) -> Iterator[SimulatedWorld]:
    """The real adapter alone."""
    with simulated_world(tmp_path) as world:
        yield world


def tagged(revision: str, tag: str = GOOD) -> Split:
    """Everything to LATEST, and a tag without traffic for the revision."""
    return (*LATEST, TrafficTarget(percent=0, revision=revision, tag=tag))


def test_a_tag_without_traffic_has_a_url(world: World) -> None:
    """Once it is served it can be reached, at the service's address with the tag before it."""
    before = world.traffic.look(BACKEND)
    world.traffic.send(BACKEND, tagged(world.old), before.etag)
    state = world.traffic.settled(BACKEND, tagged(world.old), PATIENCE)
    assert before.tags == {}
    assert list(state.tags) == [GOOD]
    assert f"{GOOD}---" in state.tags[GOOD]
    assert state.main_revision == before.main_revision


def test_a_tag_has_no_url_before_it_is_served(world: World) -> None:
    """What is only asked for cannot be reached."""
    world.traffic.send(BACKEND, tagged(world.old), world.traffic.look(BACKEND).etag)
    state = world.traffic.look(BACKEND)
    assert state.reconciling
    assert state.tags == {}


def test_a_tag_taken_away_has_no_url_any_more(world: World) -> None:
    """Putting back what was found takes the tag with it."""
    world.traffic.send(BACKEND, tagged(world.old), "")
    world.traffic.settled(BACKEND, tagged(world.old), PATIENCE)
    world.traffic.send(BACKEND, LATEST, "")
    assert world.traffic.settled(BACKEND, LATEST, PATIENCE).tags == {}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_tag_belongs_to_one_revision(world: World, dry_run: bool) -> None:
    """The same tag twice is refused, tried or done."""
    twice = (*tagged(world.old), TrafficTarget(percent=0, revision=world.new, tag=GOOD))
    with pytest.raises(Refused):
        world.traffic.send(BACKEND, twice, "", dry_run=dry_run)


def test_the_barrier_label_is_seen(world: World) -> None:
    """A revision shows the labels it was deployed with; one without labels has none."""
    name = world.deploy_with({"switchman-barrier": "true"}, {})
    newest, *others = world.traffic.revisions(BACKEND)
    assert newest.name == name
    assert newest.labels["switchman-barrier"] == "true"
    assert not any(revision.labels for revision in others)


def test_the_secrets_of_a_revision_are_seen(world: World) -> None:
    """Those in variables and those in files, each once, with the version asked for."""
    other = "projects/vault/secrets/instance"
    secrets = {"KEY": "api-key:3", "COPY": "api-key:3", "/secrets/instance": f"{other}:latest"}
    world.deploy_with({}, secrets)
    newest = world.traffic.revisions(BACKEND)[0]
    assert set(newest.secrets) == {
        SecretReference(name="api-key", version="3"),
        SecretReference(name=other, version="latest"),
    }


def test_a_revision_tells_its_digest_and_its_account(world: World) -> None:
    """Each image is named by a digest of its own, and the account is what it runs as."""
    found = world.traffic.revisions(BACKEND)
    assert all(revision.image.endswith(f"@{revision.digest}") for revision in found)
    assert all(revision.digest.startswith("sha256:") for revision in found)
    assert len({revision.digest for revision in found}) == 2
    assert {revision.service_account for revision in found} == {
        "backend@demo.iam.gserviceaccount.com"
    }


def test_a_revision_says_why_it_is_not_ready(world: World) -> None:
    """The reason and the message, in Cloud Run's words; the others have nothing to explain."""
    name = world.deploy_unready()
    newest, *others = world.traffic.revisions(BACKEND)
    assert (newest.name, newest.ready) == (name, False)
    assert newest.why_not_ready.startswith("CONTAINER_MISSING: Image ")
    assert {revision.why_not_ready for revision in others} == {""}
    state = world.traffic.look(BACKEND)
    assert (state.latest_ready, state.main_revision) == (world.new, world.new)


def test_a_request_to_a_tag_reaches_its_revision_and_changes_nothing(real: SimulatedWorld) -> None:
    """The smoke test before a rollback: real requests, and no traffic has moved."""
    real.traffic.send(BACKEND, tagged(real.old), "")
    state = real.traffic.settled(BACKEND, tagged(real.old), PATIENCE)
    path = state.tags[GOOD].removeprefix(BASE_URL)
    answers = [real.simulated.http.get(f"{path}/version") for _ in range(20)]
    assert {answer.headers["x-sim-revision"] for answer in answers} == {real.old}
    usual = real.simulated.http.get("/sim/front/backend/version")
    assert usual.headers["x-sim-revision"] == real.new
    assert real.traffic.look(BACKEND) == state
    assert real.changes() == 1


def test_a_tag_too_long_for_its_service_is_refused(real: SimulatedWorld) -> None:
    """Tag and name are one label of the host name, so they must fit there together."""
    with pytest.raises(Refused, match="46"):
        real.traffic.send(BACKEND, tagged(real.old, "t" * 40), "")
    real.traffic.send(BACKEND, tagged(real.old, "t" * 39), "")


def test_a_tag_may_follow_latest(real: SimulatedWorld) -> None:
    """Its URL leads to the newest revision that is ready."""
    split = (TrafficTarget(percent=100, revision=real.old), TrafficTarget(percent=0, tag="next"))
    real.traffic.send(BACKEND, split, "")
    state = real.traffic.settled(BACKEND, split, PATIENCE)
    answer = real.simulated.http.get(f"{state.tags['next'].removeprefix(BASE_URL)}/version")
    assert answer.headers["x-sim-revision"] == real.new
    assert state.main_revision == all_to(real.old)[0].revision


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("HEALTH_CHECK_CONTAINER_ERROR", "is not ready"),
        ("CONTAINER_MISSING", "not found"),
        ("CONTAINER_PERMISSION_DENIED", "may not be read"),
        ("SECRETS_ACCESS_CHECK_FAILED", "api-key"),
    ],
)
def test_each_flaw_is_told_by_its_reason(real: SimulatedWorld, flaw: str, said: str) -> None:
    """An image or a secret that cannot be resolved is told apart from a container that fails."""
    real.simulated.deploy("unready", flaw=flaw, secrets={"KEY": "api-key:latest"})
    why = real.traffic.revisions(BACKEND)[0].why_not_ready
    assert why.startswith(f"{flaw}: ")
    assert said in why


def condition(kind: str, state: Any, **more: Any) -> run_v2.Condition:
    """A condition of a revision."""
    return run_v2.Condition(type_=kind, state=state, **more)


def why(*conditions: run_v2.Condition) -> str:
    """Why a revision with these conditions is not ready."""
    return revision_state(run_v2.Revision(name="r", conditions=list(conditions))).why_not_ready


def test_only_the_ready_condition_decides() -> None:
    """A retired revision is not Active, and yet ready to be gone back to."""
    retired = run_v2.Condition.RevisionReason.RETIRED
    active = condition("Active", State.CONDITION_FAILED, revision_reason=retired)
    assert why(condition("Ready", State.CONDITION_SUCCEEDED), active) == ""


def test_the_reason_may_be_that_of_another_condition() -> None:
    """Where Ready says nothing more, the failed condition it is made of does."""
    missing = run_v2.Condition.CommonReason.CONTAINER_MISSING
    retired = run_v2.Condition.RevisionReason.RETIRED
    assert (
        why(
            condition(
                "Active", State.CONDITION_FAILED, severity=Severity.INFO, revision_reason=retired
            ),
            condition(
                "ContainerHealthy", State.CONDITION_FAILED, reason=missing, message="no image"
            ),
            condition("Ready", State.CONDITION_FAILED),
        )
        == "CONTAINER_MISSING: no image"
    )


def test_what_cloud_run_does_not_say_is_not_taken_for_ready() -> None:
    """Without a Ready condition, before it is settled, or failed without a word."""
    assert why() == "Cloud Run does not say whether it is ready"
    assert why(condition("Ready", State.CONDITION_RECONCILING)).endswith("getting it ready")
    assert why(condition("Ready", State.CONDITION_FAILED)) == "Ready is false"


def test_of_a_long_message_the_first_line_is_told() -> None:
    """Cloud Run adds addresses of logs, which nobody wants in a sentence."""
    ready = condition("Ready", State.CONDITION_FAILED, message="It failed.\n\nLogs URL: https://x")
    assert why(ready) == "It failed."


def test_an_image_by_tag_has_no_digest() -> None:
    """It is not guessed: a tag may name another image tomorrow."""
    containers = [run_v2.Container(image="registry.example.com/backend:v3")]
    found = revision_state(run_v2.Revision(name="r", containers=containers))
    assert (found.image, found.digest) == ("registry.example.com/backend:v3", "")


def test_a_secret_volume_without_items_is_its_latest_version() -> None:
    """It shows one file, named after the secret."""
    source = run_v2.SecretVolumeSource(secret="instance")
    volumes = [run_v2.Volume(name="v", secret=source), run_v2.Volume(name="w")]
    found = revision_state(run_v2.Revision(name="r", volumes=volumes))
    assert found.secrets == (SecretReference(name="instance", version="latest"),)
