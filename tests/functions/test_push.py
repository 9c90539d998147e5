import json
import time
from datetime import UTC, datetime, timedelta

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.event import Timer, TimerKind
from shared.domain.incident import Incident
from shared.domain.incident_state import State
from shared.ports import Commit
from tests.functions.conftest import Serve
from tests.functions.messages import alert, press, push, push_of, signed, webhook


def only_incident(store: SqliteStore) -> Incident:
    """The one incident there is."""
    (view,) = store.incidents()
    return view.incident


def fire(served: Serve) -> None:
    """Open an incident."""
    answer = served("respond").client.post("/", json=push_of(webhook(alert()), source="a"))
    assert answer.json() == {"handled": ["an incident was opened"]}


def test_respond_opens_an_incident_for_a_pushed_alert(served: Serve, store: SqliteStore) -> None:
    """A push envelope with an alert opens an incident in the alert's lane, and pages."""
    fire(served)

    incident = only_incident(store)
    assert (incident.lane, incident.stack) == ("projector", "convex")
    assert len(store.messages.waiting("pages", 0, 10)) == 1


def test_respond_does_nothing_for_a_message_delivered_again(
    served: Serve, store: SqliteStore
) -> None:
    """The same alert delivered twenty times is one incident and one page."""
    client = served("respond").client

    answers = [
        client.post("/", json=push_of(webhook(alert()), message_id=str(number)))
        for number in range(20)
    ]

    assert [answer.status_code for answer in answers] == [200] * 20
    assert answers[-1].json() == {"handled": ["taken before"]}
    only_incident(store)
    assert len(store.messages.waiting("pages", 0, 10)) == 1


def test_respond_lets_a_bad_alert_reject_no_sibling(served: Serve, store: SqliteStore) -> None:
    """Of a message with a good and a bad alert the good one opens its incident."""
    function = served("respond")

    answer = function.client.post("/", json=push_of(webhook({"labels": 1}, alert())))

    assert answer.json()["handled"][0] == "an incident was opened"
    assert {view.incident.lane for view in store.incidents()} == {"projector", "triage"}
    assert len(store.rejected()) == 1
    assert "rejected an alert" in function.log()[0]["message"]


def test_respond_and_command_leave_each_others_messages_alone(served: Serve) -> None:
    """Both hear the events topic; each acknowledges what is for the other."""
    for name, kind in (("respond", "command"), ("command", "alert")):
        answer = served(name).client.post("/", json=push_of({"x": 1}, kind=kind))
        assert (answer.status_code, list(answer.json())) == (200, ["ignored"])


def test_a_press_goes_through_slack_and_command(served: Serve, store: SqliteStore) -> None:
    """What `slack` stored and published under an id, `command` lets take effect."""
    fire(served)
    body = press(only_incident(store).id)
    pressed = served("slack").client.post("/", content=body, headers=signed(body, time.time()))
    message = store.messages.waiting("events", 0, 10)[-1]

    followed = served("command").client.post(
        "/", json=push(message.data, message.id, **message.attributes)
    )

    assert pressed.status_code == 200
    assert (followed.status_code, followed.json()) == (200, {"result": "carried out"})
    assert only_incident(store).state is State.ACKNOWLEDGED


def test_command_follows_no_instruction_that_nobody_stored(served: Serve) -> None:
    """Who can publish cannot give orders: the topic carries only ids of what was verified."""
    forged = push_of({"instruction": "a" * 64, "choice": "approve"}, kind="command")

    answer = served("command").client.post("/", json=forged)

    assert answer.status_code == 200
    assert "never stored" in answer.json()["rejected"]


def test_tick_lets_a_due_timer_take_effect(served: Serve, store: SqliteStore) -> None:
    """Once nothing fires and the settle timer is due, a tick moves the incident on."""
    fire(served)
    ended = alert(status="resolved", endsAt="2026-02-25T10:05:00Z")
    served("respond").client.post("/", json=push_of(webhook(ended), source="a"))
    make_due(store)

    ticked = served("tick").client.post("/")

    assert ticked.status_code == 200
    assert (ticked.json()["timers"], ticked.json()["failed"]) == (1, 0)
    assert only_incident(store).state in (State.RESOLVING, State.RESOLVED)


def make_due(store: SqliteStore) -> None:
    """Set the incident's settle timer to a minute ago."""
    incident, now = only_incident(store), datetime.now(UTC)
    due = now - timedelta(minutes=1)
    timer = Timer(kind=TimerKind.SETTLE, stack="convex", incident=incident.id, due=due)
    _, token = store.load("convex")
    changed = Commit(
        event="test", kind="Test", at=now, stack_id="convex", stack=None, timers=(timer,)
    )
    store.commit(changed, token)


def test_drill_takes_each_request_of_the_schedule_once(served: Serve, store: SqliteStore) -> None:
    """The same request for a drill counts once; the next one on the schedule is a new one."""
    client = served("drill").client
    order = {"drill": "rollback", "stack": "convex"}
    at = {"X-CloudScheduler-ScheduleTime": "2026-02-25T03:00:00Z"}

    pushed = [client.post("/", json=push_of(order, message_id="1")) for _ in range(2)]
    scheduled = [client.post("/", json=order, headers=at) for _ in range(2)]

    assert [answer.status_code for answer in (*pushed, *scheduled)] == [200] * 4
    said = [answer.json()["result"] for answer in (*pushed, *scheduled)]
    assert said[:2] == ["a drill was started", "taken before"]
    assert [each == "taken before" for each in said[2:]] == [False, True]
    assert len(store.messages.waiting("changes", 0, 10)) >= 1


def test_status_shows_incidents_as_json(served: Serve, store: SqliteStore) -> None:
    """An incident is listed, and shown alone with its timeline; what is not there is 404."""
    fire(served)
    incident = only_incident(store)
    client = served("status").client

    (listed,) = client.get("/api/incidents").json()
    alone = client.get(f"/api/incidents/{incident.id}").json()

    assert listed["id"] == alone["id"] == incident.id
    assert (alone["state"], alone["lane"], alone["alerts"]) == ("open", "projector", 1)
    assert alone["timeline"]
    assert client.get("/api/drills").json() == []
    assert client.get("/api/incidents/none").status_code == 404
    assert client.get("/elsewhere").status_code == 404


def test_status_shows_incidents_as_a_page(served: Serve, store: SqliteStore) -> None:
    """The pages are deployed with their templates: the overview names the open incident."""
    fire(served)
    client = served("status").client
    shown = f"/status/incidents/{only_incident(store).id}"

    pages = [client.get(path) for path in ("/", "/status", shown)]

    assert [page.status_code for page in pages] == [200] * 3
    assert all(page.headers["Content-Type"].startswith("text/html") for page in pages)
    assert all("projection" in page.text for page in pages)


def test_act_acknowledges_an_action_it_does_not_know(served: Serve) -> None:
    """An action that was never decided is nothing to carry out, and does not come again."""
    answer = served("act").client.post("/", json=push_of({"action": "none"}))

    assert (answer.status_code, answer.json()["result"]) == (200, "there is no such action")


def test_act_leaves_a_page_to_be_sent_while_nobody_can_be_reached(
    served: Serve, store: SqliteStore
) -> None:
    """Without a token for Slack the page is not given up: 503, so that it comes again."""
    fire(served)
    (message,) = store.messages.waiting("pages", 0, 10)
    function = served("act")

    answer = function.client.post("/", json=push(message.data))

    assert answer.status_code == 503
    assert "SLACK_BOT_TOKEN" in function.said()
    assert json.loads(message.data)["action"] in {each.id for each in store.unsettled(timedelta())}


def test_status_gives_a_drill_s_report_in_markdown(served: Serve, store: SqliteStore) -> None:
    """However the drill was started, its report can be filed as it is; an unknown one is 404."""
    order = {"drill": "replay", "stack": "convex"}
    assert served("drill").client.post("/", json=push_of(order)).status_code == 200
    (row,) = store.drills()
    client = served("status").client

    report = client.get(f"/status/drills/{row.id}")

    assert report.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert report.text.startswith("# Replay drill of convex: REFUSED")
    assert client.get("/status/drills/none").status_code == 404
