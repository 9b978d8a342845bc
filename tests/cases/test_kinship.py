"""The lines above a case that say which other it may belong to, for those who may see that one."""

import pytest
from django.test import Client

from cases.models import Case, CaseLink, Queue
from crm.models import User
from tests.builders import make_case, make_customer

pytestmark = pytest.mark.django_db


def linked(queue: Queue, kind: str, elsewhere: Queue | None = None, **fields: object) -> tuple[Case, Case]:
    earlier = make_case(elsewhere or queue, "CANARY subject", customer=make_customer("Mia Wolff"))
    later = make_case(queue, "Again", **fields)
    CaseLink.objects.create(case=later, other=earlier, kind=kind)
    return later, earlier


def page(user: User, case: Case) -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/cases/{case.number}/").content.decode()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("follows", "Follows #{}, which is closed."),
        ("possible_follow_up", "Possible follow-up of #{}, by somebody who does not take part there."),
        ("suggested", "The subject names #{}. Anybody can write that"),
    ],
)
def test_both_cases_name_the_other_and_nothing_else_of_it(billing: Queue, ana: User, kind: str, words: str) -> None:
    later, earlier = linked(billing, kind)

    shown = page(ana, later)
    assert words.format(earlier.number) in shown
    assert f"/cases/{earlier.number}/" in shown
    assert "CANARY" not in shown
    back = page(ana, earlier)
    assert f"A later case may belong here: #{later.number}." in back
    assert f"/cases/{later.number}/" in back


def test_the_same_customer_is_called_so(billing: Queue, ana: User) -> None:
    later, earlier = linked(billing, "possible_follow_up")
    Case.objects.filter(pk=later.pk).update(customer=earlier.customer)

    assert f"Possible follow-up of #{earlier.number}, by the same customer." in page(ana, later)


def test_several_later_ones_are_counted(billing: Queue, ana: User) -> None:
    _later, earlier = linked(billing, "suggested")
    newest = make_case(billing, customer=None)
    CaseLink.objects.create(case=newest, other=earlier, kind="suggested")

    assert f"2 later cases may belong here, the newest is #{newest.number}." in page(ana, earlier)


def test_who_may_not_see_the_other_reads_nothing_of_it(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    later, earlier = linked(billing, "possible_follow_up", technical)

    assert str(earlier.number) not in page(ana, later)
    assert f"#{later.number}" not in page(ben, earlier)
