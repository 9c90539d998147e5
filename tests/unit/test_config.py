"""Settings: everything from the environment, every fault at once, no secret in sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.config import SHIPPED_POLICY, Settings, SettingsError

STORE = {"SWITCHMAN_STORE": "sqlite:///var/lib/switchman.db"}
CLOUD = {
    "SWITCHMAN_STORE": "firestore://shop/switchman",
    "SWITCHMAN_BUS": "pubsub://shop",
}


def faults(**env: str) -> tuple[str, ...]:
    """What is wrong with this environment."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(env)
    return raised.value.faults


def test_a_store_is_all_that_must_be_said() -> None:
    """Everything else has a default: the shipped policy and the embedded bus."""
    settings = Settings.from_env(STORE)
    assert settings.sqlite == Path("/var/lib/switchman.db")
    assert (settings.policy, settings.pubsub, settings.firestore) == (SHIPPED_POLICY, None, None)


def test_a_prometheus_is_named_by_its_address_and_its_token_never_shows() -> None:
    """The token is a secret like any other."""
    source = {"SWITCHMAN_PROMETHEUS": "https://p.example", "SWITCHMAN_PROMETHEUS_TOKEN": "s3cret"}
    settings = Settings.from_env({**STORE, **source})
    assert (settings.prometheus, settings.prometheus_token) == ("https://p.example", "s3cret")
    assert "s3cret" not in repr(settings)


def test_a_token_for_no_prometheus_is_a_fault() -> None:
    """Whoever sets it believes that the metrics are asked for."""
    (fault,) = faults(**STORE, SWITCHMAN_PROMETHEUS_TOKEN="s3cret")
    assert "SWITCHMAN_PROMETHEUS " in fault
    assert "s3cret" not in fault


def test_on_google_cloud_store_and_bus_are_named_by_project() -> None:
    """Firestore goes with Pub/Sub; the database may be the default one."""
    settings = Settings.from_env(CLOUD)
    assert (settings.firestore, settings.pubsub) == (("shop", "switchman"), "shop")
    default = Settings.from_env({**CLOUD, "SWITCHMAN_STORE": "firestore://shop"})
    assert default.firestore == ("shop", "(default)")


@pytest.mark.parametrize("given", ["one", "one two", "one,two", " one , two "])
def test_one_token_or_two_are_accepted(given: str) -> None:
    """Two tokens are for the time of a rotation."""
    settings = Settings.from_env({**STORE, "SWITCHMAN_INGEST_TOKEN": given})
    assert settings.ingest_tokens == ("one", "two")[: len(given.replace(",", " ").split())]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SWITCHMAN_STORE", ""),
        ("SWITCHMAN_STORE", "mysql://shop"),
        ("SWITCHMAN_STORE", "sqlite://"),
        ("SWITCHMAN_STORE", "firestore://"),
        ("SWITCHMAN_STORE", "sqlite://[x"),
        ("SWITCHMAN_BUS", "kafka://shop"),
        ("SWITCHMAN_BUS", "pubsub://"),
        ("SWITCHMAN_BUS", ""),
        ("SWITCHMAN_POLICY", "/no/such/policy.yaml"),
        ("SWITCHMAN_INGEST_TOKEN", "one two three"),
        ("SWITCHMAN_CLOUD_RUN_ENDPOINT", "localhost"),
        ("SWITCHMAN_PROMETHEUS", "prometheus:9090"),
        ("SWITCHMAN_URL", "switchman.example.com"),
        ("SWITCHMAN_SECRET_MANAGER_ENDPOINT", "localhost:http"),
        ("SLACK_API_URL", "slack.example.com"),
        ("SLACK_API_URL", "http://["),
    ],
)
def test_a_fault_names_its_variable_and_what_would_be_right(name: str, value: str) -> None:
    """Whoever reads the message can mend it without looking anything up."""
    (fault,) = faults(**{**STORE, name: value})
    assert fault.startswith(name)
    assert any(hint in fault for hint in ("set ", "name a policy file"))


def test_every_fault_is_reported_at_once() -> None:
    """Nobody mends an environment one deployment at a time."""
    found = faults(
        SWITCHMAN_STORE="mysql://shop",
        SWITCHMAN_BUS="kafka://shop",
        SWITCHMAN_POLICY="/no/such/policy.yaml",
        SWITCHMAN_INGEST_TOKEN="one two three",
        SWITCHMAN_CLOUD_RUN_ENDPOINT="localhost",
        SWITCHMAN_SECRET_MANAGER_ENDPOINT="localhost",
        SLACK_API_URL="slack.example.com",
    )
    assert {fault.split(":")[0].split()[0] for fault in found} == {
        "SWITCHMAN_STORE",
        "SWITCHMAN_BUS",
        "SWITCHMAN_POLICY",
        "SWITCHMAN_INGEST_TOKEN",
        "SWITCHMAN_CLOUD_RUN_ENDPOINT",
        "SWITCHMAN_SECRET_MANAGER_ENDPOINT",
        "SLACK_API_URL",
    }


def test_the_embedded_bus_needs_the_sqlite_store() -> None:
    """Firestore cannot hold the embedded bus, and the message says what to set."""
    (fault,) = faults(SWITCHMAN_STORE="firestore://shop")
    assert "SWITCHMAN_BUS=pubsub://PROJECT" in fault


def test_a_bus_that_does_not_fit_the_store_is_reported_among_other_faults() -> None:
    """Also what is wrong only in combination is said the first time."""
    found = faults(SWITCHMAN_STORE="firestore://shop", SWITCHMAN_POLICY="/no/such/policy.yaml")
    assert {fault.split(":")[0] for fault in found} == {"SWITCHMAN_BUS", "SWITCHMAN_POLICY"}


def test_secrets_never_show() -> None:
    """Neither the settings nor their faults can put a secret into a log."""
    secrets = {
        "SWITCHMAN_INGEST_TOKEN": "hidden-token",
        "SWITCHMAN_LAST_RESORT": "https://hidden-hook tgram://hidden-bot",
        "SLACK_SIGNING_SECRET": "hidden-signing",
        "SLACK_BOT_TOKEN": "hidden-bot",
    }
    settings = Settings.from_env({**STORE, **secrets})
    assert settings.slack_bot_token == "hidden-bot"
    assert "hidden" not in repr(settings)
    assert "hidden" not in str(settings)
    too_many = {**secrets, "SWITCHMAN_INGEST_TOKEN": "hidden-1 hidden-2 hidden-3"}
    assert "hidden" not in "\n".join(faults(**too_many))


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", ()),
        ("https://hooks.test/x", ("https://hooks.test/x",)),
        (" mailto://a:b@c.test\n secret://way ", ("mailto://a:b@c.test", "secret://way")),
        ("http://127.0.0.1:9/x http://localhost/x", ("http://127.0.0.1:9/x", "http://localhost/x")),
    ],
)
def test_the_last_resort_is_any_number_of_urls(value: str, urls: tuple[str, ...]) -> None:
    """Webhooks, apprise's URLs and references to secrets, separated by white space."""
    assert Settings.from_env({**STORE, "SWITCHMAN_LAST_RESORT": value}).last_resort == urls


@pytest.mark.parametrize(
    "value", ["hidden", "://hidden", "https://", "http://hidden.test/x", "a://"]
)
def test_a_last_resort_that_is_none_is_a_fault(value: str) -> None:
    """Each wrong entry is one; where it would be sent in the clear it is wrong too."""
    given = f"https://right.test {value}"
    (fault,) = faults(**STORE, SWITCHMAN_LAST_RESORT=given)
    assert fault.startswith("SWITCHMAN_LAST_RESORT: entry 2 of 2 is no URL to send to")
    assert "hidden" not in fault


def test_the_last_resort_is_known_whatever_else_is_wrong() -> None:
    """With no store and a bus that is none, there is still somewhere to say so."""
    env = {
        "SWITCHMAN_BUS": "x",
        "SWITCHMAN_LAST_RESORT": "https://a.test",
        "GOOGLE_CLOUD_PROJECT": "p",
    }
    settings = Settings.for_last_resort(env)
    assert (settings.last_resort, settings.project) == (("https://a.test",), "p")
