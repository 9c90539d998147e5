import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.domain.lane import Route
from shared.domain.policy import UNASSIGNED, Lane, Policy, Service, StackPolicy, Team
from shared.domain.severity import Severity, severity_from_word
from shared.domain.words import measured, words
from shared.policy import load
from shared.policy.matchers import parse_matchers

SHIPPED = load(Path(__file__).parents[2] / "infra/policies/convex.yaml")


def alert(name: str = "QueueFull", **fields: Any) -> Alert:
    """An alert of Alertmanager's kind."""
    fields.setdefault("labels", {"alertname": name})
    return Alert(
        source="prod",
        fingerprint="f",
        status=AlertStatus.FIRING,
        starts_at=datetime(2026, 3, 2, tzinfo=UTC),
        name=name,
        **fields,
    )


def route(key: str, lane: str, match: str, **fields: Any) -> Route:
    """A route of the policy below."""
    return Route(id=key, lane=lane, matchers=parse_matchers(match), **fields)


def policy(*routes: Route) -> Policy:
    """A policy of two teams, three lanes and one stack."""
    teams = {key: Team(id=key, name=key, channel="#c", on_call="p") for key in ("web", "ops")}
    lanes = {
        key: Lane(id=key, name=key, owner=owner)
        for key, owner in (("slow", "web"), ("down", "ops"), ("triage", "ops"))
    }
    shop = StackPolicy(
        id="shop", name="Shop", services=(Service(name="shop-front", project="p", region="r"),)
    )
    return Policy(stacks={"shop": shop}, lanes=lanes, teams=teams, people={}, routes=routes)


def test_the_first_matching_route_decides() -> None:
    """Lane, team and rule are the first matching route's; a later other lane is only considered."""
    rules = policy(
        route("not-this", "slow", 'alertname="Other"'),
        route("this", "down", 'alertname=~"Queue.*"'),
        route("same", "down", "alertname!=x"),
        route("late", "slow", "alertname!=x"),
    )
    answer = classify(rules, alert())
    assert (answer.lane, answer.team, answer.rule) == ("down", "ops", "this")
    assert answer.considered == ("late would have said slow",)


def test_without_a_matching_route_a_person_classifies() -> None:
    """No match is `triage`, with the reason in words and no rule."""
    answer = classify(policy(route("a", "slow", "alertname=x")), alert())
    assert (answer.lane, answer.team, answer.rule, answer.stack) == (
        "triage",
        "ops",
        "",
        UNASSIGNED,
    )
    assert answer.reasons[0] == "none of the 1 routes fits, so a person classifies it"


def test_the_reasons_are_sentences() -> None:
    """The route's own sentence comes first, then what was found, then why the severity."""
    rules = policy(
        route(
            "a",
            "down",
            '{alert:words=~".*queue.*", alert:words!~".*x.*", service="shop-front"}',
            why="the queue is the shop's heart",
        )
    )
    answer = classify(
        rules,
        alert(severity=Severity.SEV2, labels={"alertname": "QueueFull", "service": "shop-front"}),
    )
    assert answer.reasons == (
        "the queue is the shop's heart",
        'its names read "queue full"',
        'service is "shop-front"',
        "sev2 because the sender says so",
    )
    assert answer.stack == "shop"


@pytest.mark.parametrize(
    ("sender", "least", "expected"),
    [
        (None, None, "sev3 because nobody says otherwise"),
        (Severity.SEV4, None, "sev4 because the sender says so"),
        (None, Severity.SEV2, "sev2 because route a says at least that"),
        (Severity.SEV3, Severity.SEV2, "sev2 because route a says at least that"),
        (Severity.SEV1, Severity.SEV2, "sev1 because the sender says so"),
    ],
)
def test_a_route_raises_severity_and_never_lowers_it(
    sender: Severity | None, least: Severity | None, expected: str
) -> None:
    """The sender's word counts unless the route says worse; else the policy's default."""
    answer = classify(policy(route("a", "down", "{}", severity=least)), alert(severity=sender))
    assert answer.reasons[-1] == expected
    assert expected.startswith(answer.severity)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "sev1"),
        (" PAGE ", "sev1"),
        ("P2", "sev2"),
        ("Warning", "sev3"),
        ("sev4", "sev4"),
    ],
)
def test_senders_words_for_severity_are_understood(word: str, severity: str) -> None:
    """Words of Prometheus, Cloud Monitoring, PagerDuty and ours, in any case."""
    assert severity_from_word(word) == severity


def test_a_word_nobody_knows_is_no_severity() -> None:
    """An unknown word leaves the severity to the policy."""
    assert severity_from_word("purple") is None


@pytest.mark.parametrize(
    "spelling",
    [
        "ConvexBackend5xxRate",
        "convex_backend_5xx_rate",
        "convex.backend/5xx-rate",
        "Convex backend: 5xx rate",
        "CONVEX_BACKEND_5xx_RATE",
    ],
)
def test_every_spelling_of_a_name_gives_the_same_words(spelling: str) -> None:
    """CamelCase, snake_case, dots and spaces do not matter to a route on `alert:words`."""
    assert words(spelling) == "convex backend 5xx rate"


def test_what_narrows_a_query_down_is_not_what_it_measures() -> None:
    """Label matchers and grouping of PromQL are no evidence; metrics are, quoted or not."""
    query = 'sum by (auth) (rate(a_total{route!~"/token"}[5m])) / {"b.c", x="convex"} > 1'
    assert words(measured(query)) == "sum rate a total 5m b c 1"


_NAMES = st.sampled_from(
    [
        "ConvexProjectionLagHigh",
        "ConvexBackendDown",
        "ConvexTokenMintFailures",
        "Watchdog",
        "OpenAgentsRuntimeHighLatency",
    ]
)
_NOISE = st.dictionaries(
    st.from_regex(r"x_[a-z]{1,8}", fullmatch=True),
    st.text(max_size=20) | st.sampled_from(["convex", "projection", "token", "openagents-runtime"]),
    max_size=5,
)


@given(_NAMES, _NOISE)
def test_an_irrelevant_label_never_changes_the_lane(name: str, noise: dict[str, str]) -> None:
    """Labels no route asks for change nothing, whatever they say."""
    plain = alert(name)
    noisy = replace(plain, labels={**noise, **plain.labels}, annotations=noise)
    assert classify(SHIPPED, noisy) == classify(SHIPPED, plain)


@given(_NAMES, _NOISE, st.randoms(use_true_random=False))
def test_the_order_of_labels_never_matters(name: str, noise: dict[str, str], random: Any) -> None:
    """The same labels in another order give the same answer, reasons included."""
    labels = {**noise, "alertname": name, "service": "a", "instance": "b", "job": "c"}
    shuffled = list(labels.items())
    random.shuffle(shuffled)
    assert classify(SHIPPED, alert(name, labels=dict(shuffled))) == classify(
        SHIPPED, alert(name, labels=labels)
    )


@given(_NAMES, st.sampled_from(["slow", "down"]))
def test_a_route_after_a_matching_one_never_changes_the_lane(name: str, lane: str) -> None:
    """Adding a route at the end leaves alone what matched before."""
    rules = policy(route("first", "down", 'alertname=~".+"'))
    longer = replace(rules, routes=(*rules.routes, route("more", lane, "{}")))
    assert classify(longer, alert(name)).lane == classify(rules, alert(name)).lane


def test_reasons_are_bounded() -> None:
    """A very long value is cut in the reasons, so that a page stays readable."""
    rules = policy(route("a", "down", 'service=~".*"'))
    answer = classify(rules, alert(labels={"service": "x" * 5000}))
    assert len(json.dumps(answer.reasons)) < 500
