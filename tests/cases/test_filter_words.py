"""How a text of filters is cut, and what lengths of time and days mean in it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cases import spans
from cases.asking import cut

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# --- how a text is cut


def test_filters_quotes_and_words_are_told_apart() -> None:
    asked = cut('queue:"Big Billing"|technical -tag:x refund "exact  Words" #12 promise:<2h')
    assert [(t.key, t.values, t.negated) for t in asked.terms] == [
        ("queue", ("Big Billing", "technical"), False),
        ("tag", ("x",), True),
        ("promise", ("<2h",), False),
    ]
    assert asked.phrases == (("exact", "words"),)
    assert asked.free == "refund #12"
    assert asked.words == ["refund", "12", "exact", "words"]


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("https://example.org/a:b", "https://example.org/a:b"),
        ("tel: 12:30 a:b", "tel: 12:30 a:b"),
        ("e-mail - x", "e-mail - x"),
        ('"', ""),
        ("(is:open", "(is:open"),
    ],
)
def test_what_only_looks_like_a_filter_is_words(text: str, free: str) -> None:
    assert (cut(text).terms, cut(text).free) == ((), free)


# --- lengths and days

BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 3, 4, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("way", "text", "since", "until"),
    [
        (spans.ahead, "<2h", None, AT + 2 * HOUR),
        (spans.ahead, "2h", None, AT + 2 * HOUR),
        (spans.ahead, ">1d", AT + DAY, None),
        (spans.ago, ">1d", None, AT - DAY),
        (spans.ago, "<30m", AT - HOUR / 2, None),
        (spans.ago, "2w", AT - 14 * DAY, None),
        (spans.ago, "today", MIDNIGHT, MIDNIGHT + DAY),
        (spans.ahead, "tomorrow", MIDNIGHT + DAY, MIDNIGHT + 2 * DAY),
        (spans.ago, "<2026-03-04", None, MIDNIGHT),
        (spans.ago, "<=2026-03-04", None, MIDNIGHT + DAY),
        (spans.ago, ">2026-03-04", MIDNIGHT + DAY, None),
        (spans.ago, ">=2026-03-04", MIDNIGHT, None),
        (spans.ago, "2026-03-03..2026-03-04", MIDNIGHT - DAY, MIDNIGHT + DAY),
    ],
)
def test_a_length_of_time_or_a_day_becomes_bounds(
    way: Callable[..., spans.Span], text: str, since: datetime | None, until: datetime | None
) -> None:
    assert way(text, AT, BERLIN) == spans.Span(since, until)


def test_a_day_in_which_clocks_change_ends_at_its_own_midnight() -> None:
    day = spans.ago("2026-03-29", AT, BERLIN)
    assert day.until
    assert day.since
    assert day.until.astimezone(UTC) - day.since.astimezone(UTC) == 23 * HOUR


@pytest.mark.parametrize(
    "text", ["", "soon", "<", "2026-13-01", "0001-01-01", "1y", "..", "<today..x", "-2h", "9999999h"]
)
def test_what_is_no_time_says_what_to_type(text: str) -> None:
    with pytest.raises(spans.NotASpan, match="2026-01-31"):
        spans.ago(text, AT, UTC)
