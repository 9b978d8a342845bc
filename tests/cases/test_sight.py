"""What somebody may see, by a question written once: the same as the queryset that was written for them."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from cases.models import Case, Queue, QueueMembership, QueueSession
from cases.sight import Sight, SightRows
from crm.models import User
from tests.builders import make_case, make_queue, make_user

pytestmark = pytest.mark.django_db


def _named(user: User, subject: str) -> QuerySet[Case]:
    return Case.objects.visible_to(user).filter(subject=subject).order_by("pk")


def _numbers(user: User, subject: str) -> QuerySet[Any, Any]:
    return _named(user, subject).values_list("number", "subject")


SIGHT, ROWS = Sight(_named, str), SightRows(_numbers, str)


def test_everybody_sees_by_it_what_they_may_see(billing: Queue, ana: User, sue: User, eve: User, root: User) -> None:
    elsewhere = make_queue("Elsewhere")
    make_case(billing, "Charged twice")
    make_case(elsewhere, "Charged twice")
    make_case(billing, "Moving house")
    nowhere, locked = make_user("nowhere"), make_user("locked", is_active=False)
    QueueMembership.objects.create(queue=billing, user=locked)
    for user, many in ((ana, 1), (sue, 1), (eve, 0), (root, 2), (nowhere, 0), (locked, 0)):
        assert len(SIGHT(user, "Charged twice")) == many, user.username
        assert SIGHT(user, "Charged twice") == list(_named(user, "Charged twice"))
        assert ROWS(user, "Charged twice") == list(_numbers(user, "Charged twice"))
        assert SIGHT.first(user, "Charged twice") == _named(user, "Charged twice").first()


def test_a_place_taken_or_lost_counts_at_once(billing: Queue, ana: User, eve: User) -> None:
    case = make_case(billing, "Charged twice")
    assert SIGHT(ana, "Charged twice") == [case]
    QueueMembership.objects.filter(user=ana).delete()
    assert SIGHT(ana, "Charged twice") == []
    QueueSession.objects.create(queue=billing, user=eve, mode="watch")
    assert SIGHT(eve, "Charged twice") == [case]


def test_for_a_member_it_is_one_query_with_the_same_words(billing: Queue, ana: User, lee: User) -> None:
    make_case(billing, "Charged twice")
    with CaptureQueriesContext(connection) as asked:
        for user in (ana, lee):
            assert SIGHT(user, "Charged twice")
    assert len(asked) == 2
