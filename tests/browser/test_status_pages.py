"""The pages at `/status` as the deployed function serves them, read in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.decision import DrillRow, Row
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.rollback import MoveResult
from shared.ports import Commit
from tests.builders import BEN, MINUTE, NOON, SECOND, alert, incident, outcome
from tests.fakes.clock import ManualClock
from tests.functions import serving
from tests.story import Story, proposed

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<script>document.title = 'taken over'</script><img src=/x onerror=alert(1)>"
LONG = "oa_convex_backend_nonprod" * 12
WIDTHS = (1200, 400)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def played() -> Story:
    """A rollback that was approved after a minute and made everything well again."""
    story = Story()
    story.later(10 * SECOND)
    plan_hash = proposed(story, alert())
    story.later(MINUTE)
    story.presses(BEN, Choice.APPROVE, plan_hash)
    moved = MoveResult.MOVED
    ended = outcome(moved, moved, started_at=story.now, healthy_after=15 * SECOND)
    story.later(20 * SECOND)
    story.finishes(story.last(ActionKind.APPLY), ended)
    story.later(3 * SECOND)
    story.reports(alert(status=AlertStatus.RESOLVED))
    return story


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, played: Story) -> Iterator[str]:
    """The function's address; its store has the rollback, a hostile incident, and drills."""
    folder = tmp_path_factory.mktemp("status")
    database = folder / "switchman.sqlite3"
    with closing(SqliteStore(database, ManualClock())) as store:
        fill(store, played)
    yield from serve(folder, database)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a function whose store has nothing in it."""
    folder = tmp_path_factory.mktemp("quiet")
    yield from serve(folder, folder / "switchman.sqlite3")


def serve(folder: Path, database: Path) -> Iterator[str]:
    """Serve `status` as deployed, until the generator is closed."""
    source = serving.deploy(folder / "source")
    env = {"SWITCHMAN_STORE": f"sqlite://{database}"}
    with serving.serve(source, "status", env, folder / "home") as function:
        yield f"http://127.0.0.1:{function.port}"


def fill(store: SqliteStore, played: Story) -> None:
    """Put everything into the store that the tests read about."""
    hostile = incident(
        id="shop-00000000ff",
        lane="auth",
        title=HOSTILE,
        summary=f"{HOSTILE} {LONG}",
        reasons=(HOSTILE, LONG),
    )
    closed = incident(
        State.RESOLVED, id="shop-00000000aa", lane="data", resolved_at=NOON + 9 * MINUTE
    )
    head = played.stack.with_incident(hostile).with_incident(closed)
    times = ((42.0, True), (345.0, False))
    drills = tuple(
        DrillRow(
            id=f"drill-{number}",
            stack="shop",
            drill="rollback",
            at=NOON,
            passed=passed,
            text=f"moved and put back {LONG}",
            rto_seconds=rto,
            findings=("rollback: 2 checks passed",),
        )
        for number, (rto, passed) in enumerate(times)
    )
    rows: tuple[Row, ...] = (*played.timeline, *played.alerts.values(), *drills)
    store.commit(
        Commit(event="e", kind="alert", at=NOON, stack_id="shop", stack=head, rows=rows), ""
    )


@pytest.fixture(params=[(w, s) for w in WIDTHS for s in ("light", "dark")], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A window of each width, in light and dark; whatever the browser complains of fails."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def overflow(page: Page) -> list[str]:
    """What is wider than the window, by the browser's own measure."""
    found: list[str] = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll('main *')]
            .filter(e => !(e instanceof SVGElement) || e.tagName === 'svg')
            .filter(e => e.getBoundingClientRect().right > window.innerWidth + 0.5)
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    return found


def test_the_overview_needs_no_sideways_scrolling(page: Page, served: str) -> None:
    """Everything is there and fits, long words too; a link leads to the incident."""
    page.goto(f"{served}/status")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 incidents are open")
    expect(page.get_by_role("article")).to_have_count(2)
    expect(page.get_by_role("heading", name="Closed lately")).to_be_visible()
    expect(page.get_by_text("PASS", exact=True)).to_be_visible()
    assert overflow(page) == []
    page.get_by_role("link", name="ErrorsHigh").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ErrorsHigh")


def test_an_incident_needs_no_sideways_scrolling(page: Page, served: str, played: Story) -> None:
    """The story fits, and its picture's labels stay inside the picture at their full size."""
    page.goto(f"{served}/status/incidents/{played.incident.id}")
    picture = page.get_by_role("img", name="The incident's phases, to scale")
    expect(picture).to_be_visible()
    expect(page.locator(".timeline li")).to_have_count(len(played.timeline))
    assert overflow(page) == []
    outer = picture.bounding_box()
    assert outer is not None
    for label in picture.locator("text").all():
        box = label.bounding_box()
        assert box is not None
        assert box["x"] >= outer["x"] - 1
        assert box["x"] + box["width"] <= outer["x"] + outer["width"] + 1
        assert box["height"] >= 12


def test_text_can_be_told_from_its_ground(page: Page, served: str, played: Story) -> None:
    """Every text has a contrast of 4.5 to 1 at least, as WCAG 2.2 asks (success criterion 1.4.3)."""
    for path in ("/status", f"/status/incidents/{played.incident.id}"):
        page.goto(served + path)
        faint = page.evaluate(_CONTRASTS)
        assert faint == []


_CONTRASTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const found = parts(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('desc, title, .skip')) continue;
    const style = getComputedStyle(e);
    const ink = light(parts(e instanceof SVGElement ? style.fill : style.color));
    const paper = light(ground(e));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${e.outerHTML.slice(0, 100)}`);
  }
  return found;
}"""


def test_light_and_dark_follow_the_system(browser: Browser, served: str) -> None:
    """The ground is light or dark as the person has set it."""
    grounds = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{served}/status")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert grounds[0] != grounds[1]


def test_hostile_text_stays_text(page: Page, served: str) -> None:
    """An alert's tags are shown as they were written, and none of them comes to life."""
    for path in ("/status", "/status/incidents/shop-00000000ff"):
        page.goto(served + path)
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        assert "Switchman" in page.title()
        assert page.locator("script, img, [onerror]").count() == 0
        assert overflow(page) == []


def test_nothing_comes_from_elsewhere(browser: Browser, served: str, played: Story) -> None:
    """A page is one request, works without JavaScript, and its policy forbids anything else."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/status", f"/status/incidents/{played.incident.id}"):
        asked.clear()
        answer = page.goto(served + path)
        assert answer is not None
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert [url for url in asked if not url.startswith("data:")] == [served + path]
    context.close()


def test_only_the_overview_loads_itself_anew(page: Page, served: str, played: Story) -> None:
    """A story that somebody reads does not jump away under their eyes."""
    refresh = page.locator('meta[http-equiv="refresh"]')
    page.goto(f"{served}/status")
    expect(refresh).to_have_count(1)
    page.goto(f"{served}/status/incidents/{played.incident.id}")
    expect(refresh).to_have_count(0)


def test_the_keyboard_is_enough(browser: Browser, served: str) -> None:
    """The first Tab leads past the bar; links are reached in order and show that they are."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served}/status")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator("article a").first
    expect(focused).to_be_focused()
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    context.close()


def test_a_quiet_system_looks_quiet(page: Page, empty: str) -> None:
    """With nothing in the store the page says so, and shows who is on call."""
    page.goto(f"{empty}/status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is open")
    expect(page.get_by_text("Ines Carvalho")).to_be_visible()
    assert overflow(page) == []


def test_the_same_as_json_is_beside_each_page(served: str, played: Story) -> None:
    """Every link to JSON answers with it, and with what the page shows."""
    with httpx.Client(base_url=served) as client:
        incidents = client.get("/api/incidents").json()
        assert len(incidents) == 3
        one = client.get(f"/api/incidents/{played.incident.id}").json()
        assert one["rollback"]["rto_seconds"] == 15
        assert [drill["rto_seconds"] for drill in client.get("/api/drills").json()] == [42, 345]
        assert "Ines Carvalho" in {team["person_name"] for team in client.get("/api/oncall").json()}
        assert client.get("/api/measures").json()["incidents"] == 3


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/status/incidents/shop-0", "text/html"),
        ("/status/<script>", "text/html"),
        ("/api/incidents/shop-0", "application/json"),
        ("/api/secrets", "application/json"),
    ],
)
def test_what_is_not_there_is_404(served: str, path: str, kind: str) -> None:
    """A person gets a page that says so, a program JSON; neither can run what the path says."""
    answer = httpx.get(served + path)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (404, kind)
    assert "<script>" not in answer.text
