"""Claims about people: incidents, pages, what the cards say and offer."""

from __future__ import annotations

from infra.local.client import button
from infra.local.judge import Check, Claim, Seen
from infra.local.stage import APPROVE

_BUTTONS = ("acknowledge", APPROVE, "reject_rollback")


def one_incident(seen: Seen) -> Claim:
    """One incident, however much happened."""
    count = len(seen.incidents)
    return Claim("one incident was opened", count == 1, f"{count}")


def no_incident(seen: Seen) -> Claim:
    """Nobody was woken and nothing was opened."""
    said = f"{len(seen.incidents)} incidents, {len(seen.posts)} messages in Slack"
    holds = not seen.incidents and not seen.posts
    return Claim("no incident was opened and nobody was paged", holds, said)


def alerts(wanted: int) -> Check:
    """The incident counts so many alerts, no more and no fewer."""

    def check(seen: Seen) -> Claim:
        count = (seen.incident or {}).get("alerts")
        return Claim(f"it counts exactly {wanted:,} alerts", count == wanted, f"{count}")

    return check


def pages(wanted: int) -> Check:
    """So many pages were sent, and Slack has as many messages."""
    text = "one page was sent" if wanted == 1 else f"{wanted} pages were sent"

    def check(seen: Seen) -> Claim:
        sent = [page for page in (seen.incident or {}).get("pages", ()) if page["sent_at"]]
        holds = len(sent) == wanted == len(seen.posts)
        return Claim(text, holds, f"{len(sent)} recorded, {len(seen.posts)} messages in Slack")

    return check


def paged(lane: str, channel: str, *people: str) -> Check:
    """One of these people, whoever is on call just now, was paged first, where that team looks."""

    def check(seen: Seen) -> Claim:
        incident = seen.incident or {"lane": None, "pages": []}
        first = next(iter(incident["pages"]), {"person": None})
        where = {post["channel"] for post in seen.posts}
        right = first["person"] in people
        holds = (incident["lane"], right, where) == (lane, True, {channel})
        text = f"lane {lane}: {' or '.join(people)} was paged in {channel} and nobody else anywhere"
        said = f"lane {incident['lane']}, {first['person']} in {', '.join(sorted(where))}"
        return Claim(text, holds, said)

    return check


def approved(seen: Seen) -> Claim:
    """A person approved the rollback."""
    by = seen.rollback.get("approved_by")
    return Claim("a person approved it by button", bool(by), str(by or "nobody"))


def approved_by_who_was_paged(seen: Seen) -> Claim:
    """Whoever was paged to approve the rollback did so."""
    by = seen.rollback.get("approved_by")
    asked = next((page["person"] for page in (seen.incident or {}).get("pages", ())), "")
    text = f"{asked or 'somebody'} was paged, and approved it by button"
    return Claim(text, bool(by) and by == asked, str(by or "nobody"))


def verdict(wanted: str) -> Check:
    """The rollback's verdict."""

    def check(seen: Seen) -> Claim:
        said = seen.rollback.get("verdict")
        return Claim(f"the verdict is {wanted}", said == wanted, str(said))

    return check


def no_rollback_offered(seen: Seen) -> Claim:
    """Nobody can press Approve, because there is nothing to approve."""
    offered = [post["channel"] for post in seen.posts if button(post, APPROVE)]
    phase = seen.rollback.get("phase")
    holds = not offered and not seen.rollback.get("plan")
    return Claim("no rollback is offered", holds, f"{phase or 'none was thought of'}")


def card_says(*phrases: str) -> Check:
    """The page in Slack says all of this."""

    def check(seen: Seen) -> Claim:
        shown = str(seen.posts[-1]["blocks"]) if seen.posts else ""
        missing = [phrase for phrase in phrases if phrase not in shown]
        text = f"the page says: {'; '.join(phrases)}"
        return Claim(text, not missing, f"missing: {'; '.join(missing)}" if missing else "it does")

    return check


def timeline_says(kind: str, phrase: str) -> Check:
    """The incident's timeline has a line of this kind that says this."""

    def check(seen: Seen) -> Claim:
        rows = (seen.incident or {}).get("timeline", ())
        said = [row["text"] for row in rows if row["kind"] == kind]
        holds = any(phrase in text for text in said)
        return Claim(f"the timeline says: {phrase}", holds, "; ".join(said) or "nothing")

    return check


def no_buttons_left(seen: Seen) -> Claim:
    """What was decided cannot be decided again."""
    left = [action for post in seen.posts for action in _BUTTONS if button(post, action)]
    return Claim("used buttons are gone", not left, ", ".join(left) or "none left")
