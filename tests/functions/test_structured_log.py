import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.structured_log import StructuredFormatter, configure, labelled
from shared.domain.errors import Transient


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged goes here for one test, and afterwards where it went before."""
    logger = logging.getLogger("switchman")
    before = (logger.handlers, logger.level, logger.propagate)
    stream = io.StringIO()
    configure(stream)
    yield stream
    logger.handlers, logger.level, logger.propagate = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines that were logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_what_cloud_logging_takes(stream: io.StringIO) -> None:
    """Severity, message, time, labels and fields stand where Cloud Logging looks for them."""
    logging.getLogger("switchman").warning(
        "two of %d", 3, extra={"stack": "s", "incident": "", "fields": {"count": 2}}
    )

    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "severity": "WARNING",
        "message": "two of 3",
        "logging.googleapis.com/labels": {"stack": "s"},
        "count": 2,
    }


@pytest.mark.parametrize("text", ["a\nb", "\u2028", "\ud800", '"}', "\x1b[2J", "é😀", "\0"])
def test_any_text_stays_one_line_of_ascii(text: str, stream: io.StringIO) -> None:
    """No text can end a line early, or be refused by the stream."""
    logging.getLogger("switchman").info(text)

    (line,) = lines(stream)
    assert line["message"] == text
    assert stream.getvalue().isascii()


def test_an_error_shows_where_it_came_from_and_not_what_it_says(stream: io.StringIO) -> None:
    """The frames and types of the whole chain are logged; only our own errors' texts are."""
    try:
        try:
            int("a secret")
        except ValueError as error:
            raise Transient("the store is away") from error
    except Transient:
        logging.getLogger("switchman").exception("unforeseen")

    story = lines(stream)[0]["stack_trace"]
    assert story.index("ValueError") < story.index("which led to")
    assert story.endswith("Transient: the store is away")
    assert "test_structured_log.py" in story
    assert "invalid literal" not in story


def test_labels_hold_within_their_block_alone(stream: io.StringIO) -> None:
    """Labels given for a while are on the lines logged meanwhile, the nearest one counting."""
    log = logging.getLogger("switchman")
    with labelled(function="respond", trace="t"):
        with labelled(stack="inner"):
            log.info("both", extra={"event": "e"})
        log.info("one")
    log.info("none")

    found = lines(stream)
    key = "logging.googleapis.com/labels"
    assert found[0][key] == {"function": "respond", "stack": "inner", "event": "e"}
    assert found[0]["logging.googleapis.com/trace"] == "t"
    assert found[1][key] == {"function": "respond"}
    assert key not in found[2]


def test_configuring_again_keeps_the_stream(stream: io.StringIO) -> None:
    """Each entry point configures the log; where it goes was decided before, and lines stay one."""
    configure()
    configure()
    logging.getLogger("switchman").info("once")

    assert len(lines(stream)) == 1
    assert isinstance(logging.getLogger("switchman").handlers[0].formatter, StructuredFormatter)
