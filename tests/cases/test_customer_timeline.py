"""What the desk tells about a customer, and to whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import promises
from cases.models import Queue
from crm.models import User
from customers.hooks import Entry, cues, last_spoken, timeline
from customers.models import Customer
from tests.builders import make_case, make_message

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def hours_ago(n: float) -> Any:
    return NOW - timedelta(hours=n)


@pytest.fixture
def story(billing: Queue, technical: Queue, ana: User, carl: Customer) -> None:
    case = make_case(billing, "Double charge", customer=carl, opened_at=hours_ago(9))
    make_message(case, "You took it\n\ntwice.", at=hours_ago(8), sender_name="Carl")
    make_message(case, "Check the ledger", direction="note", author=ana, at=hours_ago(7))
    make_message(case, "We will look.", direction="outbound", author=ana, at=hours_ago(6))
    make_message(case, "Never sent.", direction="outbound", author=ana, at=hours_ago(5.5), taken_back_at=hours_ago(5.4))
    promise = promises.make(
        case, what="Refund", due_at=hours_ago(1), owner=ana, made_by=None, at=hours_ago(5), via="import"
    )
    promises.keep(promise, message=None, by=ana, at=hours_ago(4))
    elsewhere = make_case(technical, "Router", customer=carl, opened_at=hours_ago(3))
    make_message(elsewhere, "No light.", at=hours_ago(2))
    make_case(billing, "Not Carl's", opened_at=hours_ago(2))


def told(customer: Customer, user: User, before: Any = NOW, limit: int = 50, kind: str = "") -> list[Entry]:
    ours = [fill for name, fill in timeline if name.startswith("cases.")]
    entries = [entry for fill in ours for entry in fill(customer, user, before, limit, kind)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


@pytest.mark.usefixtures("story")
def test_the_timeline_tells_what_this_person_may_see_newest_first(carl: Customer, ana: User, ben: User) -> None:
    seen = told(carl, ana)
    assert [entry.kind for entry in seen] == ["promise", "message", "note", "message", "case"]
    assert [entry.text for entry in seen][:4] == ["kept", "We will look.", "Check the ledger", "You took it twice."]
    assert [entry.text for entry in told(carl, ben)] == ["No light.", "new"]


@pytest.mark.usefixtures("story")
def test_the_timeline_is_filtered_and_paged(carl: Customer, ana: User) -> None:
    assert [entry.text for entry in told(carl, ana, kind="note")] == ["Check the ledger"]
    assert told(carl, ana, kind="statement") == []
    first = told(carl, ana, limit=2)
    rest = told(carl, ana, before=first[-1].at)
    assert [*first, *rest] == told(carl, ana)


@pytest.mark.usefixtures("story")
def test_a_kind_that_is_not_ours_asks_nothing(carl: Customer, ana: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert told(carl, ana, kind="statement") == []


@pytest.mark.usefixtures("story")
def test_when_we_last_spoke_and_how_the_last_promise_went(carl: Customer, ana: User, ben: User) -> None:
    assert last_spoken.collect(carl, ana) == [hours_ago(6)]
    assert last_spoken.collect(carl, ben) == []
    assert "Last promise kept." in " ".join(cues.collect(carl, ana))
    assert "Last promise" not in " ".join(cues.collect(carl, ben))
