"""Every mail of the hostile corpus, through the child: read within its limits, soundly, and as its builder says."""

from collections.abc import Iterator

import pytest

from cases.mail import child
from cases.mail.nursery import CPU, MEMORY
from tests.mailcorpus import Case, every
from tests.mailcorpus.sound import wrongs

CASES = every()


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    yield
    child._parent.end()


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 150
    assert {case.family for case in CASES} == {"B1", "B2", "B3", "B4", "B5", "B6"}


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.family}-{case.name}") for case in CASES])
def test_it_is_read_within_limits_soundly_and_as_it_must_be(case: Case) -> None:
    parsed, cost = child.measured(case.build())
    assert cost.cpu < CPU
    assert cost.rss * 1024 * 1024 < MEMORY
    assert wrongs(parsed) == []
    assert case.misses(parsed) == []
