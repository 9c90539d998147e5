"""The policy that the README shows: whole, short, and enough to page and to roll back."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.domain.alert import Alert, AlertStatus
from shared.domain.paging import Choice
from shared.domain.rollback_phase import Phase
from shared.policy import lint, load
from tests.builders import NOON
from tests.use_cases.world import World

ROOT = Path(__file__).parents[2]
FILE = ROOT / "infra/policies/minimal.yaml"
FRONT = "projects/my-project/locations/europe-west1/services/shop-front"
ANA = "U0ANA00001"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """The world of that policy, whose one service serves a bad revision."""
    world = World(tmp_path / "switchman.db", load(FILE))
    world.traffic.add(FRONT, "shop-front-2", "shop-front-1")
    world.healthy = bool  # whatever is asked answers
    with closing(world.store):
        yield world


def fires(**labels: str) -> Alert:
    """Prometheus reports that requests fail."""
    return Alert(
        source="prometheus",
        fingerprint="1",
        status=AlertStatus.FIRING,
        starts_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
        name="RequestsFail",
        labels={"alertname": "RequestsFail", **labels},
    )


def test_it_is_short_and_shown_as_it_is() -> None:
    """At most 25 lines, without a fault, and the README has it word for word."""
    text = FILE.read_text(encoding="utf-8")
    assert text.count("\n") <= 25
    assert lint(FILE, NOON).faults == ()
    assert f"```yaml\n{text}```\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_an_alert_of_the_service_pages_and_a_rollback_is_proposed_and_carried_out(
    shop: World,
) -> None:
    """Ana is paged with a plan; she approves it, and the older revision serves."""
    shop.reports(fires(service="shop-front"))
    shop.deliver()
    (page,) = shop.incident.pages
    assert (shop.incident.lane, page.team, page.person) == ("service", "ops", "ana")

    shop.presses(ANA, Choice.APPROVE)
    shop.deliver()

    assert shop.traffic.look(FRONT).main_revision == "shop-front-1"
    assert shop.incident.rollback is not None
    assert shop.incident.rollback.phase is not Phase.PROPOSED


def test_an_alert_of_something_else_is_left_to_a_person(shop: World) -> None:
    """Nothing fits: the same person decides, and nothing is proposed."""
    shop.reports(fires(service="mailer"))
    shop.deliver()
    (incident,) = shop.store.load("unassigned")[0].incidents
    assert (incident.lane, incident.rollback) == ("triage", None)
