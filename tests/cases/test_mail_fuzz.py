"""Random mails: nothing that was put in is lost, nothing that comes out is unsound. 10,000 of each with --faults=full."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from cases.mail import child, wire
from cases.mail.reading import read
from tests.mailcorpus import every
from tests.mailcorpus.building import damaged, trees
from tests.mailcorpus.sound import wrongs
from tests.selection import data_folder

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
MAILS = [case.build() for case in every() if not case.large]
MAILS = [raw for raw in MAILS if len(raw) < 20_000]
MAILS += [
    file.read_bytes() for file in sorted(Path(data_folder()).glob("mail/**/*.eml")) if file.stat().st_size < 60_000
]


@pytest.fixture
def count(full: bool) -> int:
    return 10_000 if full else 150


def test_nothing_put_into_a_mail_is_lost(count: int) -> None:
    @settings(max_examples=count, deadline=None, suppress_health_check=SLOW, database=None)
    @given(trees())
    def holds(made: tuple[bytes, list[str]]) -> None:
        raw, tokens = made
        parsed = read(raw)
        assert wrongs(parsed) == []
        everything = b"\x00".join([parsed.text.encode(), parsed.html.encode(), *(file.data for file in parsed.files)])
        lost = [token for token in tokens if token.encode() not in everything]
        assert lost == [], parsed.faults

    holds()


def test_no_damage_makes_what_is_read_unsound(count: int) -> None:
    @settings(max_examples=count, deadline=None, suppress_health_check=SLOW, database=None)
    @given(damaged(MAILS))
    def holds(raw: bytes) -> None:
        parsed = read(raw)
        assert wrongs(parsed) == []
        assert wire.unpack(b"".join(wire.pack(parsed, wire.Cost())))[0] == parsed

    holds()


def test_the_child_says_the_same_within_its_limits(count: int) -> None:
    @settings(max_examples=count // 5, deadline=None, suppress_health_check=SLOW, database=None)
    @given(damaged(MAILS))
    def holds(raw: bytes) -> None:
        parsed, cost = child.measured(raw)
        assert parsed == read(raw)
        assert cost.rss < 512

    try:
        holds()
    finally:
        child._parent.end()
