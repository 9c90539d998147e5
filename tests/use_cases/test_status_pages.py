"""The pages of `status` and its measures: what the person on call reads, drawn from the JSON."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from shared.adapters.pages.pages import Pages
from shared.adapters.pages.scale import bars
from shared.adapters.pages.story import Ending, Phase, phases
from shared.adapters.pages.words import duration, web_address
from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.decision import DrillRow
from shared.domain.event import TimerKind
from shared.domain.incident_state import State
from shared.domain.ledger import Good, Latch, ServiceRecord, Soak
from shared.domain.paging import Choice, Page, PageStep
from shared.domain.rollback import MoveResult, NoPlan, TrafficTarget
from shared.domain.stack import Stack
from shared.wire import duty, shown
from tests.builders import (
    BACKEND,
    BEN,
    MINUTE,
    NOON,
    SECOND,
    alert,
    incident,
    outcome,
    plan,
    policy,
)
from tests.fakes.clock import ManualClock
from tests.story import Story, proposed

MOVED, REFUSED = MoveResult.MOVED, MoveResult.REFUSED
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&{{7*7}}"
NO_MEASURES = shown.measures([])


class Text(HTMLParser):
    """Collects a page's tags with their attributes, and its text with single spaces."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._parts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("dt", "dd"):
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def __contains__(self, words: str) -> bool:
        return words in " ".join("".join(self._parts).split())

    def links(self) -> set[str]:
        """Where its links lead."""
        return {str(attrs["href"]) for tag, attrs in self.tags if tag == "a"}


def told(story: Story) -> dict[str, Any]:
    """The story's only incident as JSON; ordered as a store would."""
    timeline = sorted(story.timeline, key=lambda row: row.at)
    return shown.incident(story.incident, len(story.alerts), timeline)


def overview(*incidents: dict[str, Any], drills: tuple[DrillRow, ...] = ()) -> Text:
    """The overview of these incidents and drills, an hour after noon."""
    return Text(
        Pages(policy(), ManualClock(NOON + 60 * MINUTE)).overview(
            incidents=incidents,
            drills=[shown.drill(row) for row in drills],
            on_call=duty.on_call(policy(), NOON),
            measures=NO_MEASURES,
        )
    )


def page_of(of: dict[str, Any], now: datetime = NOON + 60 * MINUTE) -> Text:
    """The incident's own page."""
    return Text(Pages(policy(), ManualClock(now)).incident(of))


def lengths(of: dict[str, Any], now: datetime = NOON + 60 * MINUTE) -> dict[str, float]:
    """How many seconds each phase took."""
    return {phase.name: phase.seconds for phase in phases(of, now)}


def endings(of: dict[str, Any], now: datetime = NOON + 60 * MINUTE) -> dict[str, Ending]:
    """How each phase ended."""
    return {phase.name: phase.ending for phase in phases(of, now)}


def rolled_back(story: Story, *, backend: MoveResult = MOVED) -> dict[str, Any]:
    """Detected after 10 s, proposed at once, approved after 1 min, then moved."""
    story.later(10 * SECOND)
    plan_hash = proposed(story, alert())
    story.later(MINUTE)
    story.presses(BEN, Choice.APPROVE, plan_hash)
    started = story.now
    story.later(20 * SECOND)
    healthy_after = 15 * SECOND if backend is MOVED else None
    ended = outcome(backend, MOVED, started_at=started, healthy_after=healthy_after)
    story.finishes(story.last(ActionKind.APPLY), ended)
    return told(story)


def test_the_page_names_what_is_left_to_do_after_a_rollback() -> None:
    """Until somebody has done it; then it says who did."""
    story = Story()
    page = page_of(rolled_back(story), story.now)
    assert "To do: re-pin this in the provisioning" in page
    assert f"/switchman repinned {story.incident.id}" in page
    assert f"{BACKEND}: an image nobody could name, revision {BACKEND}-good" in page
    story.presses(BEN, Choice.REPINNED)
    assert "Re-pinned in the provisioning, says Ben" in page_of(told(story), story.now)


def test_phases_of_a_rollback_that_recovered() -> None:
    """Detect, decide, approve, apply, serve and recover, each from the end of the one before."""
    story = Story()
    rolled_back(story)
    story.later(25 * SECOND)
    story.reports(alert(status=AlertStatus.RESOLVED))
    assert lengths(told(story)) == {
        "Detect": 10,
        "Decide": 0,
        "Approve": 60,
        "Move": 1,
        "Heal": 14,
        "Settle": 30,
    }
    assert set(endings(told(story)).values()) == {Ending.DONE}


def test_a_phase_that_goes_on_reaches_until_now() -> None:
    """A proposal that waits for its approval is the last phase, and still runs."""
    story = Story()
    proposed(story, alert())
    found = phases(told(story), story.now + 5 * MINUTE)
    assert (found[-1].name, found[-1].ending) == ("Approve", Ending.RUNNING)
    assert found[-1].seconds == 300


def test_a_rejected_rollback_leaves_only_recovery() -> None:
    """Nothing is drawn of traffic that nobody moved."""
    story = Story()
    plan_hash = proposed(story, alert())
    story.presses(BEN, Choice.REJECT, plan_hash)
    found = endings(told(story))
    assert [*found] == ["Detect", "Decide", "Approve", "Settle"]
    assert (found["Approve"], found["Settle"]) == (Ending.FAILED, Ending.RUNNING)


def test_a_rollback_that_moved_half_has_failed() -> None:
    """Traffic that only moved in part, or never became healthy, is no step done well."""
    found = endings(rolled_back(Story(), backend=REFUSED))
    assert found["Move"] is Ending.FAILED
    assert "Heal" not in found


def test_phases_of_an_incident_without_a_rollback() -> None:
    """Paging, acknowledging and the end are what is timed of a lane that is never rolled back."""
    story = Story()
    wait = {"Detect": 0.0, "Page": 2.0, "Acknowledge": 30.0}
    story.reports(alert(lane="auth"))
    story.later(2 * SECOND)
    story.delivers(story.last(ActionKind.PAGE))
    story.later(30 * SECOND)
    story.presses("U0WES", Choice.ACKNOWLEDGE)
    assert lengths(told(story), story.now + MINUTE) == {**wait, "Recover": 60.0}
    story.reports(alert(lane="auth", status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.state() is State.RESOLVED
    assert endings(told(story))["Recover"] is Ending.DONE


def test_a_reopened_incident_is_drawn_from_its_new_rollback() -> None:
    """A rollback asked for hours after the opening does not count those hours."""
    story = Story()
    story.reports(alert())
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="nothing older"))
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.later(20 * MINUTE)
    proposed(story, alert(starts_at=story.now))
    found = lengths(told(story), story.now + MINUTE)
    assert found == {"Decide": 0, "Approve": 60}


def stretch(*seconds: float) -> tuple[Phase, ...]:
    """Phases of these lengths, one after the other."""
    found: list[Phase] = []
    at = NOON
    for number, length in enumerate(seconds):
        ends = at + timedelta(seconds=length)
        found.append(Phase(name=str(number), starts=at, ends=ends, ending=Ending.DONE))
        at = ends
    return tuple(found)


def test_bars_are_to_scale() -> None:
    """Twice as long is twice as wide, and together they fill the picture."""
    one, two, three = bars(stretch(10, 20, 30))
    assert two.width == pytest.approx(2 * one.width, abs=0.02)
    assert (one.x, two.x) == (0, one.width)
    assert three.x + three.width == pytest.approx(100, abs=0.05)
    assert not any(bar.cut for bar in (one, two, three))


def test_instants_far_apart_stay_readable() -> None:
    """What lasted for hours is cut and says so; what lasted for milliseconds can be seen."""
    drawn = bars(stretch(0.01, 0, 8 * 3600, 1.5, 1.5))
    assert [bar.cut for bar in drawn] == [False, False, True, False, False]
    assert all(bar.width >= 1 for bar in drawn)
    assert drawn[3].width == drawn[4].width > 10
    assert drawn[-1].x + drawn[-1].width == pytest.approx(100, abs=0.05)


def test_nothing_timed_draws_no_bars() -> None:
    """No phases, no picture; phases of no length share it."""
    assert bars(()) == ()
    assert [bar.width for bar in bars(stretch(0, 0))] == [50, 50]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 ms"),
        (0.008, "8 ms"),
        (1.54, "1.5 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (80, "1 min 20 s"),
        (8 * 3600 + 300, "8 h 5 min"),
        (3 * 86400, "3 d"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    """Two units at most, and no false precision."""
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == words


def test_measures_are_medians_and_worsts() -> None:
    """Each from the opening; what has not happened is not counted."""

    def taken(after: int) -> Page:
        at = NOON + after * SECOND
        return Page(
            key=str(after),
            step=PageStep.OPENED,
            team="infra",
            person="ben",
            channel="#infra",
            decided_at=NOON,
            sent_at=NOON + SECOND,
            acknowledged_at=at,
        )

    some = [incident(pages=(taken(after),)) for after in (10, 20, 90)]
    some[0] = replace(some[0], mitigated_at=NOON + MINUTE)
    found = shown.measures(some)
    assert found["to_acknowledge"] == {"count": 3, "median_seconds": 20, "worst_seconds": 90}
    assert found["to_page"]["worst_seconds"] == 1
    assert found["to_recover"] == {"count": 1, "median_seconds": 60, "worst_seconds": 60}
    assert NO_MEASURES["to_page"] == {"count": 0, "median_seconds": None, "worst_seconds": None}


def test_an_empty_overview_is_friendly() -> None:
    """With nothing to show every part says so, and who is on call is there all the same."""
    page = overview()
    assert "Nothing is open" in page
    assert "No drill has been run yet" in page
    assert "No incident has been closed yet" in page
    assert "No recovery has been measured yet" in page
    assert "not measured yet" in page
    assert "Infra Ben #infra · infra, data" in page


def test_the_overview_shows_what_is_open_and_who_has_it() -> None:
    """Severity, state, owner, age, pages and rollback of an open incident, and where to read on."""
    story = Story()
    proposed(story, alert())
    page = overview(told(story))
    assert "1 incident is open" in page
    assert "sev2 ErrorsHigh" in page
    assert "Who has it nobody yet" in page
    assert "Opened 1 h ago" in page
    assert "1 sent, 1 not acknowledged" in page
    assert "Rollback waits for approval" in page
    assert f"/status/incidents/{story.incident.id}" in page.links()
    story.presses(BEN, Choice.ACKNOWLEDGE)
    assert "Who has it Ben" in overview(told(story))


def test_the_worst_comes_first() -> None:
    """Open incidents are ordered by severity, whatever came later."""
    story, worse = Story(), Story()
    story.reports(alert("Slow"))
    worse.reports(alert("Down", severity=worse.policy.default_severity.SEV1))
    html = Pages(policy(), ManualClock()).overview(
        incidents=[told(story), told(worse)], drills=[], on_call=[], measures=NO_MEASURES
    )
    assert html.index("Down") < html.index("Slow")


def test_closed_incidents_are_apart() -> None:
    """A resolved incident is among the closed ones, with how long it was open."""
    closed = incident(State.RESOLVED, resolved_at=NOON + 12 * MINUTE)
    page = overview(shown.incident(closed, 3))
    assert "Nothing is open" in page
    assert "Open for 12 min" in page


def drill(number: int, *, rto: float | None, passed: bool = True) -> DrillRow:
    """A drill that was measured, or not."""
    return DrillRow(
        id=f"drill-{number}",
        stack="shop",
        drill="rollback",
        at=NOON + number * MINUTE,
        passed=passed,
        text=f"found {number}",
        rto_seconds=rto,
    )


def test_a_refused_drill_is_no_failed_one() -> None:
    """It says nothing about the way back, so it is not shown in red."""
    refused = replace(drill(1, rto=None, passed=False), refused=True)
    page = overview(drills=(refused, drill(2, rto=None, passed=False)))
    badges = [str(attrs["class"]) for tag, attrs in page.tags if "badge" in str(attrs.get("class"))]
    assert sorted(badges) == ["badge fail", "badge refused"]


def released() -> dict[str, Any]:
    """An incident that asked for a release, whose traffic is being moved."""
    story = Story()
    story.presses(BEN, Choice.APPROVE, proposed(story, alert()))
    found = told(story)
    return {**found, "rollback": {**found["rollback"], "release": True}}


def test_a_release_is_called_one() -> None:
    """Nowhere on its incident's pages is it a rollback, which would be the opposite."""
    page, own = overview(released()), page_of(released())
    assert "Release traffic is being moved" in page
    assert "State releasing" in own
    assert "Release traffic is being moved" in own
    assert "Rollback traffic" not in own


def test_a_release_counts_in_no_measure() -> None:
    """Nothing was wrong, so that there is nothing to recover from."""
    story = Story()
    proposed(story, alert())
    found = replace(story.incident, mitigated_at=NOON + MINUTE)
    assert found.rollback is not None
    released = replace(found.rollback, plan=replace(plan(), release=True))
    assert shown.measures([replace(found, rollback=released)]) == NO_MEASURES


def test_every_page_leads_to_the_parts_of_the_overview() -> None:
    """What stands at the top leads to pages; the JSON is at the bottom."""
    links = [str(a["href"]) for tag, a in overview().tags if tag == "a"]
    parts = [link for link in links if link.startswith("/status#")]
    ids = {a["id"] for _, a in overview().tags if "id" in a}
    assert parts
    assert {link.partition("#")[2] for link in parts} <= ids
    assert max(map(links.index, parts)) < links.index("/api/incidents")


def test_recovery_times_are_drawn_against_their_target() -> None:
    """A drill that was too slow reaches past the mark; one that measured nothing has no bar."""
    page = overview(
        drills=(drill(1, rto=12.0), drill(2, rto=400.0, passed=False), drill(3, rto=None))
    )
    drawn = {a["class"]: a for tag, a in page.tags if tag == "rect" and "bar" in str(a["class"])}
    (mark, *_) = [a["x1"] for tag, a in page.tags if tag == "line"]
    assert mark == "75.0%"
    assert drawn["bar-failed"]["width"] == "100.0%"
    assert drawn["bar-done"]["width"] == "3.0%"
    assert "6 min 40 s of 5 min: too long" in page
    assert "found 3" in page


def test_an_incidents_page_tells_all_of_it() -> None:
    """What fails, why this lane, pages, the rollback of each service, and the story with offsets."""
    story = Story()
    page = page_of(rolled_back(story), story.now)
    assert "ErrorsHigh in the shop" in page
    assert "Lane: Infrastructure" in page
    assert "Owned by Infra, because" in page
    assert "Ben in #infra, because it opened" in page
    assert f"{BACKEND} From bad To good Traffic before 100 % LATEST" in page
    assert "Traffic after 100 % good" in page
    assert "RTO 15 s" in page
    assert "1 min 10 s after the alert approved: Ben approved the rollback" in page
    assert "Drawn to scale" in page
    assert "Approve: 1 min." in page
    assert f"/api/incidents/{story.incident.id}" in page.links()


def test_a_picture_that_is_cut_says_so() -> None:
    """A proposal that waited for long is named as not to scale."""
    story = Story()
    story.later(10 * SECOND)
    proposed(story, alert())
    page = page_of(told(story), story.now + 25 * MINUTE)
    assert "to scale but for “Approve”" in page
    assert "Approve 25 min so far" in page


def test_hostile_text_stays_text() -> None:
    """Whatever an alert says, no tag comes of it, nor a template's expression, nor a link."""
    hostile = replace(
        incident(),
        title=HOSTILE,
        summary=HOSTILE * 2,
        reasons=(HOSTILE,),
        rule=HOSTILE,
        runbook="javascript:alert(1)",
        acknowledged_by=HOSTILE,
        acknowledged_at=NOON,
        pages=(
            Page(
                key="k",
                step=PageStep.OPENED,
                team=HOSTILE,
                person=HOSTILE,
                channel=HOSTILE,
                decided_at=NOON,
                details=(HOSTILE,),
            ),
        ),
    )
    story = Story()
    story.reports(alert(HOSTILE))
    told_of = {**shown.incident(hostile, 1), "timeline": told(story)["timeline"]}
    for page in (
        page_of(told_of),
        overview(told_of, drills=(replace(drill(1, rto=1), text=HOSTILE),)),
    ):
        assert HOSTILE in page
        assert not {tag for tag, _ in page.tags} & {"script", "img"}
        assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
        assert not [link for link in page.links() if "javascript" in link]


@pytest.mark.parametrize(
    "text",
    [None, "", "docs/RUNBOOK.md#rollback", "javascript:alert(1)", "http://[", "data:text/html,x"],
)
def test_only_web_addresses_are_links(text: str | None) -> None:
    """A runbook may come from an alert: a link leads to a web page or nowhere."""
    assert web_address(text) is None
    assert web_address("https://runbooks.example.com/a?b=1") == "https://runbooks.example.com/a?b=1"


def test_what_is_missing_is_said() -> None:
    """The page for a path that leads nowhere names it, escaped."""
    page = Text(Pages(policy(), ManualClock()).missing("/status/<b>"))
    assert "Nothing is here" in page
    assert "/status/<b>" in page
    assert "b" not in {tag for tag, _ in page.tags}


def test_a_browser_may_ask_nobody_for_anything() -> None:
    """The policy allows our one style by its hash, and images only from within the page."""
    pages = Pages(policy(), ManualClock())
    allowed = pages.headers["Content-Security-Policy"]
    assert allowed.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in allowed
    html = pages.missing("/")
    assert not re.search(r"<script|\sstyle=|\bsrc=|url\(", html)


def stack_page(*services: ServiceRecord) -> Text:
    """The page of a shop of which this is remembered, an hour after noon."""
    pages = Pages(policy(), ManualClock(NOON + 60 * MINUTE))
    return Text(pages.stack(shown.stack(Stack(id="shop", services=services), writes=1)))


def test_a_stacks_page_shows_what_is_known_of_its_services() -> None:
    """Traffic, what soaks, what proved itself; and of one never looked at just that."""
    record = ServiceRecord(
        service=BACKEND,
        traffic=(TrafficTarget(percent=100, revision=f"{BACKEND}-good"),),
        seen_at=NOON + 59 * MINUTE,
        main=f"{BACKEND}-good",
        soaks=(Soak(revision=f"{BACKEND}-good", since=NOON + 40 * MINUTE),),
        good=(Good(revision=f"{BACKEND}-old", digest="sha256:abc", proven_at=NOON, requests=1234),),
        tagged=f"{BACKEND}-old",
        trouble="requests cannot be counted",
    )
    page = stack_page(record)
    for words in (
        "The shop",
        "at least 50 % for 30 min",
        "Traffic 100 % good",
        "On its way to known-good good, for 20 min",
        "old answered 1234 requests sha256:abc",
        "requests cannot be counted",
        "Nobody has looked at it yet.",
    ):
        assert words in page, words
    assert "taken over" not in page


def test_a_stacks_page_says_who_took_over_and_how_to_hand_it_back() -> None:
    """The person is named as Cloud Run names them, escaped, with the command that clears it."""
    latch = Latch(at=NOON, by=HOSTILE, found=(TrafficTarget(percent=100),))
    record = ServiceRecord(service=BACKEND, traffic=latch.found, seen_at=NOON, latch=latch)
    page = stack_page(record)
    assert f"{HOSTILE} changed its traffic by hand to 100 % LATEST" in page
    assert f"/switchman unlatch shop {BACKEND} in Slack, by Infra" in page
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_overview_leads_to_each_stack() -> None:
    """Its page is one click away."""
    assert "/status/stacks/shop" in overview().links()
