"""The page at `/sim/slack`, used as a person uses it, in headless Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.contract.simulated_slack_world import (
    KENJI,
    MARIA,
    Received,
    SlackWorld,
    actions,
    button,
    modal,
    reason_input,
    section,
    slack_world,
    wait_until,
)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONFIRM = {
    "title": {"type": "plain_text", "text": "Roll back both?"},
    "text": {"type": "mrkdwn", "text": "All traffic goes to *00041*."},
    "confirm": {"type": "plain_text", "text": "Roll back"},
    "deny": {"type": "plain_text", "text": "Not yet"},
}


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    """A workspace of its own for each test."""
    with slack_world(tmp_path) as world:
        yield world


@pytest.fixture
def page(browser: Browser, world: SlackWorld) -> Iterator[Page]:
    """The page, open; a fault in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{world.base_url}/sim/slack")
    expect(page.get_by_role("heading", name="#incidents")).to_be_visible()
    yield page
    context.close()
    assert faults == []


def post_page(world: SlackWorld, *elements: dict[str, object]) -> str:
    """Posts a message with buttons; its timestamp."""
    blocks = [section("*Roll back* `convex`?"), actions(*elements)]
    posted = world.slack.chat_postMessage(channel="incidents", text="page", blocks=blocks)
    return str(posted["ts"])


def type_line(page: Page, text: str) -> None:
    """Types into the composer and sends it."""
    page.get_by_label("Message or slash command").fill(text)
    page.keyboard.press("Enter")


def open_modal(world: SlackWorld, page: Page) -> str:
    """Types a command on which the app opens a modal; the view's id."""
    opened: list[str] = []

    def open_it(received: Received) -> None:
        view = modal(section("Plan: *00041*"), reason_input())
        answer = world.slack.views_open(trigger_id=received.form["trigger_id"], view=view)
        opened.append(answer["view"]["id"])

    world.app.during = open_it
    type_line(page, "/switchman rollback convex")
    expect(page.get_by_role("dialog", name="Roll back")).to_be_visible()
    wait_until(lambda: opened != [])
    world.app.during = lambda _: None
    world.app.take()
    return opened[0]


def test_a_message_with_buttons_appears_by_itself(world: SlackWorld, page: Page) -> None:
    """A message posted while the page is open shows without a reload, mrkdwn rendered."""
    post_page(world, button("approve", "Approve rollback", style="primary"))
    expect(page.get_by_role("button", name="Approve rollback")).to_be_visible()
    expect(page.locator(".message strong", has_text="Roll back")).to_be_visible()
    expect(page.locator(".message code")).to_have_text("convex")


def test_a_press_reaches_the_app_signed(world: SlackWorld, page: Page) -> None:
    """Pressing a button sends block_actions of the person who looks."""
    ts = post_page(world, button("approve", value="plan-1"))
    page.get_by_role("button", name="Approve rollback").click()
    received = world.app.take()
    assert received.is_signed(world.clock())
    assert received.payload["message"]["ts"] == ts
    assert received.payload["user"]["id"] == MARIA.id
    assert received.payload["actions"][0]["value"] == "plan-1"


def test_an_update_in_place_shows_without_a_reload(world: SlackWorld, page: Page) -> None:
    """The message changes where it stands, its buttons go, and it says that it was edited."""
    ts = post_page(world, button("approve"))
    expect(page.get_by_role("button", name="Approve rollback")).to_be_visible()
    page.evaluate("() => { document.body.dataset.loaded = 'once'; }")
    channel = world.messages()[0]["channel_id"]
    world.slack.chat_update(channel=channel, ts=ts, text="done", blocks=[section("Recovered")])
    message = page.locator(f'[data-ts="{ts}"]')
    expect(message).to_contain_text("Recovered")
    expect(message).to_contain_text("(edited)")
    expect(page.get_by_role("button", name="Approve rollback")).to_have_count(0)
    assert page.locator("body").get_attribute("data-loaded") == "once"


def test_a_button_with_a_question_asks_first(world: SlackWorld, page: Page) -> None:
    """Denying sends nothing; agreeing sends the press."""
    post_page(world, button("approve", confirm=CONFIRM))
    page.get_by_role("button", name="Approve rollback").click()
    page.get_by_role("button", name="Not yet").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert world.app.received.empty()
    page.get_by_role("button", name="Approve rollback").click()
    page.get_by_role("button", name="Roll back", exact=True).click()
    assert world.app.take().payload["actions"][0]["action_id"] == "approve"


def test_a_button_that_fails_says_so(world: SlackWorld, page: Page) -> None:
    """An app that answers 500 leaves a warning below the button."""
    world.app.status = "500 Internal Server Error"
    post_page(world, button("approve"))
    page.get_by_role("button", name="Approve rollback").click()
    expect(page.get_by_role("alert")).to_contain_text("status 500")


def test_a_slash_command_is_typed_and_answered(world: SlackWorld, page: Page) -> None:
    """The composer sends slash commands; the ephemeral answer says who sees it."""
    world.app.answer({"text": "all quiet"})
    type_line(page, "/switchman status convex")
    form = world.app.take().form
    assert (form["command"], form["text"]) == ("/switchman", "status convex")
    expect(page.locator(".message", has_text="all quiet")).to_contain_text("Only visible to you")


def test_another_person_sees_and_acts_for_themselves(world: SlackWorld, page: Page) -> None:
    """After switching, what was only for Maria is gone and presses are Kenji's."""
    post_page(world, button("approve"))
    channel = world.messages()[0]["channel_id"]
    world.slack.chat_postEphemeral(channel=channel, user=MARIA.id, text="for Maria alone")
    expect(page.get_by_text("for Maria alone")).to_be_visible()
    page.get_by_label("You are").select_option(KENJI.id)
    expect(page.get_by_text("for Maria alone")).to_have_count(0)
    page.get_by_role("button", name="Approve rollback").click()
    assert world.app.take().payload["user"]["id"] == KENJI.id


def test_a_modal_opens_is_filled_and_submitted(world: SlackWorld, page: Page) -> None:
    """A required field is asked for; then the values reach the app and the modal closes."""
    open_modal(world, page)
    dialog = page.get_by_role("dialog", name="Roll back")
    dialog.get_by_role("button", name="Propose").click()
    expect(dialog.get_by_role("alert")).to_contain_text("required")
    dialog.get_by_label("Reason").fill("errors since 14:02")
    dialog.get_by_role("button", name="Propose").click()
    values = world.app.take().payload["view"]["state"]["values"]
    assert values["reason"]["text"]["value"] == "errors since 14:02"
    expect(dialog).to_have_count(0)


def test_a_modal_filled_in_later_keeps_what_was_typed(world: SlackWorld, page: Page) -> None:
    """views.update changes the open modal and leaves the person's words alone."""
    view_id = open_modal(world, page)
    dialog = page.get_by_role("dialog", name="Roll back")
    dialog.get_by_label("Reason").fill("half a sen")
    world.slack.views_update(view_id=view_id, view=modal(section("Plan: 00040"), reason_input()))
    expect(dialog).to_contain_text("Plan: 00040")
    expect(dialog.get_by_label("Reason")).to_have_value("half a sen")
    expect(dialog.get_by_label("Reason")).to_be_focused()


def test_escape_closes_a_modal(world: SlackWorld, page: Page) -> None:
    """The keyboard is enough to leave a modal, and it is closed for the app too."""
    open_modal(world, page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Roll back")).to_have_count(0)
    assert world.http.get("/sim/slack/views").json() == []


def test_a_reply_joins_its_thread(world: SlackWorld, page: Page) -> None:
    """A person replies below a message, and the reply stands in its thread."""
    ts = post_page(world, button("approve"))
    page.locator(f'[data-ts="{ts}"]').hover()
    page.get_by_role("button", name="Reply in thread").click()
    type_line(page, "looking")
    expect(page.locator(".message.reply")).to_contain_text("looking")
    assert world.messages()[-1]["thread_ts"] == ts


def test_a_direct_message_is_seen_by_its_person_alone(world: SlackWorld, page: Page) -> None:
    """A new conversation appears with a badge for Maria and not for Kenji."""
    world.slack.chat_postMessage(channel=MARIA.id, text="you are paged")
    direct = page.get_by_role("navigation").get_by_role("button", name="Switchman")
    expect(direct).to_contain_text("1")
    direct.click()
    expect(page.get_by_text("you are paged")).to_be_visible()
    page.get_by_label("You are").select_option(KENJI.id)
    expect(direct).to_have_count(0)


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)>",
        "<script>document.body.innerHTML=''</script>",
        "<javascript:alert(1)|click me>",
        '&lt;b&gt;bold&lt;/b&gt; <https://example.com/" onmouseover="alert(1)|x>',
    ],
)
def test_hostile_text_stays_text(world: SlackWorld, page: Page, hostile: str) -> None:
    """Nothing in a message becomes a script, an image or a link that runs one."""
    world.slack.chat_postMessage(channel="incidents", text=hostile)
    message = page.locator(".message .text")
    expect(message).to_be_visible()
    assert message.locator("script, img, b, [onmouseover], [onerror]").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0


def test_mrkdwn_is_rendered_as_slack_does(world: SlackWorld, page: Page) -> None:
    """Bold, italic, strike, code, fences, quotes, links, mentions, dates and emoji."""
    text = (
        f"*bold* _italic_ ~gone~ `a*b*c` <https://example.com|site> <@{KENJI.id}> :fire: 2*3*4\n"
        "> quoted\n```x = *1*\n> y```\n<!date^1770000000^{time}|at 14:02> &lt;ok&gt;"
    )
    world.slack.chat_postMessage(channel="incidents", text=text)
    message = page.locator(".message .text")
    expect(message.locator("strong")).to_have_text(["bold"])
    expect(message.locator("em")).to_have_text("italic")
    expect(message.locator("s")).to_have_text("gone")
    expect(message.locator("code")).to_have_text("a*b*c")
    expect(message.locator("pre")).to_have_text("x = *1*\n> y")
    expect(message.locator("blockquote")).to_have_text("quoted")
    expect(message.locator("a")).to_have_attribute("href", "https://example.com/")
    expect(message.locator(".mention")).to_have_text("@kenji")
    expect(message.locator("time")).to_have_text("at 14:02")
    expect(message).to_contain_text("🔥 2*3*4")
    expect(message).to_contain_text("<ok>")


def test_the_page_comes_back_when_the_server_does(browser: Browser, tmp_path: Path) -> None:
    """It says that the simulator is gone, and catches up by itself afterwards."""
    context = browser.new_context()
    page = context.new_page()
    with slack_world(tmp_path) as world:
        port = urlsplit(world.base_url).port
        world.slack.chat_postMessage(channel="incidents", text="before")
        page.goto(f"{world.base_url}/sim/slack")
        expect(page.get_by_text("before")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("does not answer")
    with slack_world(tmp_path, port=port or 0) as world:
        world.slack.chat_postMessage(channel="incidents", text="after")
        expect(page.get_by_text("after")).to_be_visible()
        expect(page.get_by_role("status")).not_to_contain_text("does not answer")
        context.close()


def test_a_permalink_opens_the_message(world: SlackWorld, page: Page) -> None:
    """chat.getPermalink's address shows the channel with the message in focus."""
    posted = world.slack.chat_postMessage(channel="#releases", text="step B at 10 %")
    link = world.slack.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])
    page.goto(link["permalink"])
    expect(page.get_by_role("heading", name="#releases")).to_be_visible()
    expect(page.locator(f'[data-ts="{posted["ts"]}"]')).to_be_focused()


def test_a_narrow_screen_needs_no_sideways_scrolling(world: SlackWorld, page: Page) -> None:
    """At 400 px everything fits, even long words, and the channels open from a menu."""
    page.set_viewport_size({"width": 400, "height": 800})
    long_word = "oa-convex-backend-nonprod-" * 6
    world.slack.chat_postMessage(
        channel="incidents",
        text="wide",
        blocks=[
            section(f"*{long_word}* `{long_word}`\n```{long_word}```"),
            {
                "type": "section",
                "fields": [{"type": "mrkdwn", "text": f"*Serving*\n{long_word}"}] * 4,
            },
            actions(*[button(f"b{n}", "A label of quite some length") for n in range(4)]),
        ],
    )
    expect(page.get_by_role("button", name="A label of quite some length").first).to_be_visible()
    for selector in ("html", "body", "#messages", ".message"):
        box = page.locator(selector).first
        overflow = box.evaluate("element => element.scrollWidth - element.clientWidth")
        assert overflow <= 0, selector
    page.get_by_role("button", name="Channels").click()
    page.get_by_role("button", name="#releases").click()
    expect(page.get_by_role("heading", name="#releases")).to_be_visible()
    expect(page.get_by_role("navigation")).to_be_hidden()


def test_the_keyboard_is_enough(world: SlackWorld, page: Page) -> None:
    """A button is reached and pressed with the keyboard, and keeps the focus."""
    post_page(world, button("approve"))
    expect(page.get_by_role("button", name="Approve rollback")).to_be_visible()
    page.get_by_label("Messages").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve rollback")).to_be_focused()
    page.keyboard.press("Enter")
    assert world.app.take().payload["actions"][0]["action_id"] == "approve"


def test_nothing_comes_from_elsewhere(world: SlackWorld, page: Page) -> None:
    """Every request of the page goes to the simulator itself, and a policy enforces it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.reload()
    expect(page.get_by_role("heading", name="#incidents")).to_be_visible()
    assert answer is not None
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert asked
    assert all(re.match(re.escape(world.base_url), url) for url in asked)
