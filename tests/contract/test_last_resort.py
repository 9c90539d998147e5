"""What every LastResort does: the fake of the use-case tests, webhooks, and apprise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.adapters.last_resort import Everywhere, everywhere, webhook
from shared.bootstrap.last_resort import WayOut
from shared.config import Settings
from shared.domain.errors import Transient
from shared.ports import LastResort
from tests.fakes.last_resort import FakeLastResort
from tests.hook import Hook, hooked

# apprise imports a module that Python 3.13 has no more, and can do without it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TEXT = "Switchman cannot work: “respond” failed.\n• the policy, line 7 → 8\n• <!channel> & *more*"
SECRET = "hush-hush"


@dataclass(frozen=True, slots=True)
class World:
    """A last resort, what it has sent, and how to have nobody take it any more."""

    resort: LastResort
    texts: Callable[[], list[str]]
    go_away: Callable[[], None]


def apprise_url(hook: Hook) -> str:
    """The same webhook, as apprise names one that takes JSON."""
    return hook.url.replace("http://", "json://")


def over(hook: Hook, *urls: str) -> World:
    """A real one; every way ends at the same webhook."""

    def go_away() -> None:
        hook.status = 500

    return World(everywhere(urls), hook.texts, go_away)


@pytest.fixture(params=["fake", "webhook", "apprise", "one of two"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each of the ways to people."""
    fake = FakeLastResort()
    with hooked() as hook:
        worlds = {
            "fake": lambda: World(fake, fake.texts, lambda: setattr(fake, "away", True)),
            "webhook": lambda: over(hook, hook.url),
            "apprise": lambda: over(hook, apprise_url(hook)),
            "one of two": lambda: over(hook, f"http://127.0.0.1:1/{SECRET}", hook.url),
        }
        yield worlds[request.param]()


def test_the_text_arrives_as_it_is(world: World) -> None:
    """Every line and every character of it, each time it is sent."""
    world.resort.send(TEXT)
    world.resort.send("again")

    assert world.texts() == [TEXT, "again"]


def test_what_nobody_takes_is_transient_and_shows_no_address(world: World) -> None:
    """Who sends it knows that it did not arrive, and may log that."""
    world.go_away()

    with pytest.raises(Transient) as raised:
        world.resort.send(TEXT)

    assert SECRET not in str(raised.value)
    assert world.texts() == []


@pytest.mark.parametrize("way", ["webhook", "apprise"])
def test_it_goes_to_every_place(way: str) -> None:
    """Two places are both told."""
    with hooked() as first, hooked() as second:
        urls = [hook.url if way == "webhook" else apprise_url(hook) for hook in (first, second)]
        everywhere(urls).send(TEXT)

        assert (first.texts(), second.texts()) == ([TEXT], [TEXT])


def test_a_place_that_never_answers_holds_nobody_up() -> None:
    """The time is bounded, and what another place took counts as sent."""
    deadline = timedelta(seconds=0.3)
    with hooked() as silent, hooked() as other:
        silent.silent = True
        began = time.monotonic()
        with pytest.raises(Transient, match=r"no answer within 0\.3 s"):
            Everywhere([webhook(silent.url)], deadline).send(TEXT)
        Everywhere([webhook(silent.url), webhook(other.url)], deadline).send(TEXT)
        took = time.monotonic() - began

        assert other.texts() == [TEXT]
    assert took < 3


def test_a_url_that_apprise_does_not_know_is_said_to_be_one() -> None:
    """The reason helps to mend it, and does not show it."""
    with pytest.raises(Transient, match="none that apprise knows"):
        everywhere([f"nonsense://{SECRET}"]).send(TEXT)


def test_a_secret_that_cannot_be_read_does_not_silence_the_other_ways() -> None:
    """Whatever of the setting is known is used."""
    with hooked() as hook:
        ways = f"{hook.url} secret://nobody-knows-the-project"
        WayOut(Settings.for_last_resort({"SWITCHMAN_LAST_RESORT": ways})).send(TEXT)

        assert hook.texts() == [TEXT]
