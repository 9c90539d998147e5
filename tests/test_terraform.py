"""What Terraform would make on Google Cloud, read from its plan.

`.ci/run` makes the plan (`check --plan infra/terraform`) and names its JSON by TERRAFORM_PLAN_JSON.
Format: https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
"""

import base64
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import main
from shared.app.accept import COMMAND
from shared.config import Settings
from shared.domain.action import Topic
from shared.domain.classify import classify
from shared.domain.policy import TRIAGE, Policy
from shared.policy import load
from shared.wire.alerts import parse_any
from tests import emulators
from tests.functions import serving
from tests.functions.messages import SIGNING_SECRET, TOKEN, signed

ROOT = Path(__file__).resolve().parents[1]
INDEXES = ROOT / "infra" / "firestore.indexes.json"
POLICY = ROOT / "infra" / "policies" / "convex.yaml"
NUMBER = "stub-number"  # the offline provider knows no project's number
PUBSUB = "gcp-sa-pubsub.iam.gserviceaccount.com"
MONITORING = "gcp-sa-monitoring-notification.iam.gserviceaccount.com"
DOMAIN = "example-project.iam.gserviceaccount.com"

PLAN_JSON = os.environ.get("TERRAFORM_PLAN_JSON", "")
if not (PLAN_JSON or os.environ.get("CI")):
    pytest.skip("TERRAFORM_PLAN_JSON names no plan of infra/terraform", allow_module_level=True)

ANNOUNCES = ("publish pages", "publish changes")
LAST_RESORT = "read secret last-resort"
ROLES = {
    "ingest": {"publish events", "read secret ingest-token", LAST_RESORT},
    "slack": {
        "publish events",
        "change the store",
        "read secret slack-signing-secret",
        "read secret slack-bot-token",
        LAST_RESORT,
    },
    "respond": {"change the store", *ANNOUNCES, LAST_RESORT},
    "command": {"change the store", *ANNOUNCES, LAST_RESORT},
    "tick": {"change the store", *ANNOUNCES, LAST_RESORT},
    "drill": {"change the store", *ANNOUNCES},
    "act-pages": {"change the store", *ANNOUNCES, "read secret slack-bot-token", LAST_RESORT},
    "act-changes": {
        "change the store",
        *ANNOUNCES,
        LAST_RESORT,
        "move traffic of oa-convex-backend-nonprod",
        "move traffic of oa-convex-dashboard-nonprod",
        "read the metrics of example-project",
        "read the metrics of openagentsgemini",
    },
    "status": {"read the store"},
}
"""The design's table: who may do what on Google Cloud."""

CALLED_BY_NAME = ("respond", "command", "act-pages", "act-changes", "tick", "drill")
PUSHED = {
    "respond": "events",
    "command": "events",
    "act-pages": "pages",
    "act-changes": "changes",
}

# How a binding reads in the table; what is not listed is shown as it is, and fails the comparison.
WORDS = {
    ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"): "publish {topic}",
    ("google_project_iam_member", "roles/datastore.user"): "change the store",
    ("google_project_iam_member", "roles/datastore.viewer"): "read the store",
    ("google_project_iam_member", "roles/monitoring.viewer"): "read the metrics of {project}",
    (
        "google_secret_manager_secret_iam_member",
        "roles/secretmanager.secretAccessor",
    ): "read secret {secret_id}",
    ("google_cloud_run_v2_service_iam_member", "roles/run.invoker"): "call {name}",
    (
        "google_cloud_run_v2_service_iam_member",
        "projects/openagentsgemini/roles/switchman_traffic",
    ): "move traffic of {name}",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is planned; `unknown` is what only Google will know."""

    type: str
    values: dict[str, Any]
    unknown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is planned."""

    resources: tuple[Resource, ...]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The values of all resources of a type."""
        return [each.values for each in self.resources if each.type == f"google_{kind}"]

    def one(self, kind: str) -> dict[str, Any]:
        """The values of the only resource of a type."""
        (values,) = self.all(kind)
        return values

    def grants(self) -> Iterator[tuple[str, str]]:
        """Every (member, what it may do)."""
        for each in self.resources:
            if "_iam_" not in each.type or each.type.endswith("_custom_role"):
                continue
            assert each.type.endswith("_iam_member"), f"{each.type} replaces what others granted"
            yield _short(each.values["member"]), _may(each)

    def functions(self) -> dict[str, dict[str, Any]]:
        """How each function is served."""
        return {
            _short(each["name"]): each["service_config"][0]
            for each in self.all("cloudfunctions2_function")
        }

    def env(self, function: str) -> dict[str, str]:
        """The environment of a function."""
        found: dict[str, str] = self.functions()[function]["environment_variables"]
        return found

    def pushes(self) -> dict[str, dict[str, Any]]:
        """The push subscriptions, by the function that each pushes to."""
        found = self.all("pubsub_subscription")
        return {_short(each["name"]): each for each in found if each["push_config"]}


def _short(name: str) -> str:
    """`ingest` for `serviceAccount:switchman-ingest@PROJECT...`, and for `switchman-ingest`."""
    own = re.fullmatch(rf"serviceAccount:(.+)@{re.escape(DOMAIN)}", name)
    return (own[1] if own else name).removeprefix("switchman-")


def _may(grant: Resource) -> str:
    """What a binding allows, in the table's words; else the binding as it is."""
    words = WORDS.get((grant.type, grant.values["role"]))
    if words is None:
        return f"{grant.type} {grant.values}"
    named = {key: value for key, value in grant.values.items() if isinstance(value, str)}
    return words.format_map({key: _short(value) for key, value in named.items()})


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The plan with every variable at its default."""
    if not PLAN_JSON:
        emulators.missing("a plan (TERRAFORM_PLAN_JSON)", "what infra/terraform would make")
    read = json.loads(Path(PLAN_JSON).read_text(encoding="utf-8"))
    return Plan(
        tuple(
            Resource(each["type"], each["change"]["after"], each["change"]["after_unknown"])
            for each in read["resource_changes"]
            if each["mode"] == "managed"
        )
    )


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy, which the plan was made for."""
    return load(POLICY)


def test_each_function_may_do_what_the_table_says_and_no_more(plan: Plan) -> None:
    """Every binding of every function's account is in the design's table, and none is missing."""
    granted: dict[str, set[str]] = {name: set() for name in ROLES}
    for member, may in plan.grants():
        if member in granted:
            granted[member].add(may)
    assert granted == ROLES


def test_nobody_else_is_given_anything(plan: Plan) -> None:
    """Beside the functions there are their callers, the build, and Google's own accounts."""
    others = {(member, may) for member, may in plan.grants() if member not in ROLES}
    callers = {(f"call-{name}", f"call {name}") for name in CALLED_BY_NAME}
    anybody = {("allUsers", "call ingest"), ("allUsers", "call slack")}
    monitoring = {(f"serviceAccount:service-{NUMBER}@{MONITORING}", "publish events")}
    assert callers | anybody | monitoring <= others
    rest = {member for member, _ in others - callers - anybody - monitoring}
    assert rest == {"build", f"serviceAccount:service-{NUMBER}@{PUBSUB}"}


def test_only_what_checks_its_senders_itself_is_public(plan: Plan) -> None:
    """Everybody may call ingest, which knows tokens, and slack, which knows signatures."""
    everybody = ("allUsers", "allAuthenticatedUsers")
    open_doors = {may for member, may in plan.grants() if member in everybody}
    assert open_doors == {"call ingest", "call slack"}


def test_what_google_calls_is_closed_to_the_internet(plan: Plan) -> None:
    """Only what people and foreign senders call takes requests from outside the project."""
    closed = {
        name
        for name, service in plan.functions().items()
        if service["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
    }
    assert closed == set(CALLED_BY_NAME)


def test_no_role_reaches_over_the_whole_project(plan: Plan) -> None:
    """On the project there is the store, bound to its database, the metrics, and the build's own."""
    granted = plan.all("project_iam_member")
    assert {each["role"] for each in granted} == {
        "roles/datastore.user",
        "roles/datastore.viewer",
        "roles/logging.logWriter",
        "roles/monitoring.viewer",
        "roles/storage.objectViewer",
    }
    store = [each for each in granted if "datastore" in each["role"]]
    conditions = {each["condition"][0]["expression"] for each in store}
    assert conditions == {'resource.name == "projects/example-project/databases/switchman"'}


def test_moving_traffic_is_three_permissions_on_the_services_of_the_policy(
    plan: Plan, policy: Policy
) -> None:
    """Terraform reads the policy as the functions do, and grants nothing on any other service."""
    named = {service.resource for stack in policy.stacks.values() for service in stack.services}
    granted = {
        f"projects/{each['project']}/locations/{each['location']}/services/{each['name']}"
        for each in plan.all("cloud_run_v2_service_iam_member")
        if each["role"].endswith("_traffic")
    }
    assert granted == named
    assert plan.one("project_iam_custom_role")["permissions"] == [
        "run.revisions.list",
        "run.services.get",
        "run.services.update",
    ]


def test_each_function_runs_an_entry_point_as_its_own_account(plan: Plan) -> None:
    """No two functions share an account, and every entry point is deployed."""
    accounts = {
        name: service["service_account_email"] for name, service in plan.functions().items()
    }
    assert accounts == {name: f"switchman-{name}@{DOMAIN}" for name in ROLES}
    built = plan.all("cloudfunctions2_function")
    assert {each["build_config"][0]["entry_point"] for each in built} == set(main.__all__)


def test_the_environment_names_secrets_and_holds_none(plan: Plan) -> None:
    """A function's secrets are references, to exactly the secrets that it may read."""
    plain = {"GOOGLE_CLOUD_PROJECT", "SWITCHMAN_STORE", "SWITCHMAN_BUS"}
    for name, roles in ROLES.items():
        env = plan.env(name)
        references = {value for key, value in env.items() if key not in plain}
        assert plain <= env.keys()
        assert all(each.startswith("secret://") for each in references)
        assert {f"read secret {_short(each.removeprefix('secret://'))}" for each in references} == {
            may for may in roles if may.startswith("read secret")
        }
    assert plan.all("secret_manager_secret_version") == []


def test_the_functions_understand_their_environment(plan: Plan) -> None:
    """Every function finds its store, its topics and the project of its secrets."""
    for name in ROLES:
        settings = Settings.from_env(plan.env(name))
        assert settings.firestore == ("example-project", "switchman")
        assert settings.pubsub == settings.project == "example-project"


def test_every_push_signs_in_and_ends_as_a_dead_letter(plan: Plan) -> None:
    """Each subscription pushes as its function's caller, with growing pauses, and not for ever."""
    pushes = plan.pushes()
    assert {name: push["topic"] for name, push in pushes.items()} == PUSHED
    for name, push in pushes.items():
        (account,) = [
            each["service_account_email"] for each in push["push_config"][0]["oidc_token"]
        ]
        assert account == f"switchman-call-{name}@{DOMAIN}"
        (dead,) = push["dead_letter_policy"]
        assert dead["dead_letter_topic"] == f"projects/example-project/topics/{PUSHED[name]}-dead"
        assert 5 <= dead["max_delivery_attempts"] <= 100
        assert push["retry_policy"][0].keys() == {"minimum_backoff", "maximum_backoff"}


def test_pubsub_may_bury_what_it_cannot_deliver(plan: Plan) -> None:
    """Pub/Sub's own account may take from each subscription and publish to each dead-letter topic."""
    publishers = plan.all("pubsub_topic_iam_member")
    takers = plan.all("pubsub_subscription_iam_member")
    agent = f"serviceAccount:service-{NUMBER}@{PUBSUB}"
    buries = {each["topic"] for each in publishers if each["member"] == agent}
    takes = {
        each["subscription"]
        for each in takers
        if (each["member"], each["role"]) == (agent, "roles/pubsub.subscriber")
    }
    assert buries == {f"{topic}-dead" for topic in Topic}
    assert takes == {f"switchman-{name}" for name in PUSHED}


def test_no_message_comes_again_while_a_function_is_at_it(plan: Plan) -> None:
    """A function's time ends before its ack deadline; a change has the longest there is."""
    deadlines = {name: push["ack_deadline_seconds"] for name, push in plan.pushes().items()}
    services = plan.functions()
    for name, deadline in deadlines.items():
        assert services[name]["timeout_seconds"] < deadline
    assert deadlines["act-changes"] == 600
    assert services["act-changes"]["timeout_seconds"] > 300


def test_each_message_of_events_is_for_respond_or_for_command(plan: Plan) -> None:
    """The two filters are each other's opposite; the other topics are not filtered."""
    filters = {name: push.get("filter") for name, push in plan.pushes().items()}
    commands = f'attributes.kind = "{COMMAND}"'
    assert filters == {
        "respond": f"NOT {commands}",
        "command": commands,
        "act-pages": None,
        "act-changes": None,
    }


def test_dead_letters_are_kept_for_people(plan: Plan) -> None:
    """The topics the code knows each have a dead-letter topic with a subscription to pull from."""
    topics = {each["name"] for each in plan.all("pubsub_topic")}
    assert topics == {name for topic in Topic for name in (topic.value, f"{topic}-dead")}
    pulled = [each for each in plan.all("pubsub_subscription") if not each["push_config"]]
    assert {each["topic"] for each in pulled} == {f"{topic}-dead" for topic in Topic}


def test_no_subscription_expires(plan: Plan) -> None:
    """A subscription nobody pulls from for a month stays: dead letters should be that rare."""
    assert [each["expiration_policy"] for each in plan.all("pubsub_subscription")] == [
        [{"ttl": ""}]
    ] * 7


def test_the_store_has_the_declared_indexes_and_forgets_what_may_be_forgotten(plan: Plan) -> None:
    """Indexes, exemptions and TTL fields are those of infra/firestore.indexes.json."""
    declared = json.loads(INDEXES.read_text(encoding="utf-8"))
    indexes = [
        (each["collection"], [(field["field_path"], field["order"]) for field in each["fields"]])
        for each in plan.all("firestore_index")
    ]
    assert indexes == [
        (
            each["collectionGroup"],
            [(field["fieldPath"], field["order"]) for field in each["fields"]],
        )
        for each in declared["indexes"]
    ]
    fields = {
        (each["collection"], each["field"], len(each["ttl_config"]) == 1)
        for each in plan.all("firestore_field")
    }
    assert fields == {
        (each["collectionGroup"], each["fieldPath"], each.get("ttl", False))
        for each in declared["fieldOverrides"]
    }
    forgotten = {collection for collection, field, ttl in fields if ttl and field == "expire_at"}
    assert forgotten == {"events", "alerts", "actions", "instructions", "series"}
    assert plan.one("firestore_database")["type"] == "FIRESTORE_NATIVE"


def test_the_scheduler_ticks_each_minute_and_only_plans_its_drills(
    plan: Plan, policy: Policy
) -> None:
    """Its jobs sign in as their callers; a drill moves no traffic unless that is asked for."""
    jobs = {each["name"]: each for each in plan.all("cloud_scheduler_job")}
    assert jobs["switchman-tick"]["schedule"] == "* * * * *"
    drills = {name: job for name, job in jobs.items() if name != "switchman-tick"}
    asked = [json.loads(base64.b64decode(job["http_target"][0]["body"])) for job in drills.values()]
    assert asked == [
        {"drill": "rollback", "stack": stack, "apply": False} for stack in policy.stacks
    ]
    for name, job in jobs.items():
        caller = "call-tick" if name == "switchman-tick" else "call-drill"
        (token,) = job["http_target"][0]["oidc_token"]
        assert token["service_account_email"].startswith(f"switchman-{caller}@")


def test_alarms_about_switchman_come_in_through_events(plan: Plan) -> None:
    """Cloud Monitoring publishes to the topic of alerts; every alarm notifies that channel."""
    channel = plan.one("monitoring_notification_channel")
    assert channel["type"] == "pubsub"
    assert channel["labels"] == {"topic": "projects/example-project/topics/events"}
    alarms = [each for each in plan.resources if each.type == "google_monitoring_alert_policy"]
    assert {each.values["display_name"] for each in alarms} == {
        "Switchman: dead letters wait",
        "Switchman: messages wait too long",
        "Switchman: unknown senders",
        "Switchman: errors",
        "Switchman: too many unreadable alerts",
        "Switchman: the tick is missing",
    }
    assert [each.unknown["notification_channels"] for each in alarms] == [[True]] * len(alarms)


def test_alarms_about_switchman_are_triaged(plan: Plan, policy: Policy) -> None:
    """None of them is taken for an incident of a stack: runtime's on-call looks first."""
    for alarm in plan.all("monitoring_alert_policy"):
        for condition in alarm["conditions"]:
            (alert,) = parse_any(_incident(alarm, condition), "cloud-monitoring")
            found = classify(policy, alert)
            assert found.lane == TRIAGE, (condition["display_name"], found.reasons)


def test_the_log_metrics_know_the_lines_the_functions_write(plan: Plan, tmp_path: Path) -> None:
    """A wrong token, a wrong signature and an unreadable alert are each counted where it happens.

    For what is answered 401, one such line is enough to sound the alarm.
    """
    source = serving.deploy(tmp_path / "source")
    env = {
        "SWITCHMAN_STORE": f"sqlite://{tmp_path / 'switchman.sqlite3'}",
        "SWITCHMAN_INGEST_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }
    metrics = {each["name"]: each["filter"] for each in plan.all("logging_metric")}
    wrong = {"Authorization": "Bearer another", **signed(b"", time.time(), "another secret")}
    for name, status, metric in (
        ("ingest", 401, "switchman-unknown-senders"),
        ("slack", 401, "switchman-unknown-senders"),
        ("respond", 200, "switchman-rejected-alerts"),
    ):
        (pattern,) = re.findall(r'jsonPayload\.message=~"([^"]*)"', metrics[metric])
        with serving.serve(source, name, env, tmp_path / name) as function:
            answer = function.client.post("/", content=b"nobody can read this", headers=wrong)
            assert answer.status_code == status
            counted = [line for line in function.log() if re.search(pattern, line["message"])]
        assert len(counted) == 1, name
        assert f'"switchman-{name}"' in metrics[metric]
        assert metrics["switchman-handled-alerts"].endswith("labels.event:*")
    (alarm,) = (
        each
        for each in plan.all("monitoring_alert_policy")
        if each["display_name"] == "Switchman: unknown senders"
    )
    (condition,) = (each["condition_threshold"][0] for each in alarm["conditions"])
    assert '"logging.googleapis.com/user/switchman-unknown-senders"' in condition["filter"]
    assert (condition["comparison"], condition["threshold_value"]) == ("COMPARISON_GT", 0)


def _incident(alarm: dict[str, Any], condition: dict[str, Any]) -> bytes:
    """What Cloud Monitoring publishes when this condition of this alarm holds."""
    (details,) = condition["condition_threshold"] or condition["condition_absent"]
    kind, metric = (
        re.search(rf'{name}.type = "([^"]+)"', details["filter"]) for name in ("resource", "metric")
    )
    assert kind
    assert metric
    labels = dict(re.findall(r'resource\.labels\.(\w+) = "([^"]+)"', details["filter"]))
    incident = {
        "incident_id": hashlib.sha256(condition["display_name"].encode()).hexdigest()[:12],
        "state": "open",
        "started_at": 1771840800,
        "policy_name": alarm["display_name"],
        "condition_name": condition["display_name"],
        "severity": alarm["severity"].title(),
        "summary": f"{condition['display_name']} on {labels}",
        "metric": {"type": metric[1]},
        "resource": {"type": kind[1], "labels": labels},
        "documentation": {"content": alarm["documentation"][0]["content"]},
    }
    return json.dumps({"version": "1.2", "incident": incident}).encode()
