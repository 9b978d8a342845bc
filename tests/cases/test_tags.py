"""Tags: what is offered while one types, and how one becomes another on every case."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import intake, tags
from cases.models import Case, Queue, Skill, Tag, TagRenaming
from cases.models.case import Refusal
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case


def tagged(queue: Queue, by: User, *names: str, **more: Any) -> Case:
    case = make_case(queue, **more)
    case.set_tags(list(names), by=by)
    return case


def done() -> None:
    while tags.rename_due(timezone.now()) or TagRenaming.objects.filter(finished_at=None).exists():
        pass


def test_every_tag_ever_used_is_known(billing: Queue, ana: User) -> None:
    tagged(billing, ana, " Refund ", "VIP  guest", "refund")
    intake.open_case(
        queue=billing, customer=None, subject="", channel="web", at=timezone.now(), via="person", tags=["Refund", "new"]
    )
    assert set(Tag.objects.values_list("name", flat=True)) == {"refund", "vip guest", "new"}
    assert Case.objects.latest("pk").tags == ["new", "refund"]


def test_what_fits_is_offered_with_how_many_open_cases_of_the_queue_have_it(
    billing: Queue, technical: Queue, ana: User
) -> None:
    for _n in range(2):
        tagged(billing, ana, "refund")
    tagged(billing, ana, "refused", "100%_sure")
    tagged(technical, ana, "refund")
    tagged(billing, ana, "refund").change_status("spam", by=None)
    Tag.objects.create(name="old refund", is_active=False)
    offered = tags.offered(billing, "ref", but=[])
    assert [(each.name, each.count) for each in offered] == [("refund", 2), ("refused", 1)]
    assert [each.name for each in tags.offered(billing, "", but=["refund"])] == ["100%_sure", "refused"]
    assert [each.name for each in tags.offered(billing, "0%_", but=[])] == ["100%_sure"]
    assert tags.offered(billing, "xyz", but=[]) == []


def test_the_dialog_offers_while_one_types(billing: Queue, ana: User, desk: Client) -> None:
    case = tagged(billing, ana, "vip")
    tagged(billing, ana, "refund")
    page = desk.get(f"/cases/{case.number}/tags/").content.decode()
    assert 'value="vip, "' in page
    assert 'data-tag="refund"' in page
    assert 'data-tag="vip"' not in page
    part = desk.get(
        f"/cases/{case.number}/tags/", {"tags": "vip, ref"}, headers={"HX-Request": "true", "HX-Target": "known-tags"}
    ).content.decode()
    assert 'data-tag="refund"' in part
    assert "<form" not in part
    assert (
        "becomes a new one"
        in desk.get(
            f"/cases/{case.number}/tags/", {"tags": "zz"}, headers={"HX-Request": "true", "HX-Target": "known-tags"}
        ).content.decode()
    )
    desk.post(f"/cases/{case.number}/tags/", {"tags": "vip, refund, "})
    case.refresh_from_db()
    assert case.tags == ["refund", "vip"]


def test_a_renamed_tag_is_another_on_every_case_and_for_whoever_types_it(billing: Queue, ana: User, sue: User) -> None:
    open_case, closed = tagged(billing, ana, "refund", "vip"), tagged(billing, ana, "refund")
    closed.change_status("spam", by=None)
    skill = Skill.objects.create(name="Money", tags=["refund"])
    task = tags.rename(Tag.objects.get(name="refund"), " Money  Back ", by=sue, at=timezone.now())
    assert task.total == 2
    late = tagged(billing, ana, "refund")  # typed while it is under way
    done()
    for case, expected in ((open_case, ["money back", "vip"]), (closed, ["money back"]), (late, ["money back"])):
        case.refresh_from_db()
        assert case.tags == expected
    skill.refresh_from_db()
    assert skill.tags == ["money back"]
    assert Event.objects.filter(kind="tagged", via="system", actor=sue).count() == 2
    task.refresh_from_db()
    assert (task.changed, task.finished_at is not None) == (2, True)


def test_two_tags_become_one_once(billing: Queue, ana: User, sue: User) -> None:
    case = tagged(billing, ana, "refund", "money back")
    what = tags.effect(Tag.objects.get(name="refund"), "Money back")
    assert (what.is_merge, what.cases, what.open, what.both) == (True, 1, 1, 1)
    tags.rename(Tag.objects.get(name="refund"), "money back", by=sue, at=timezone.now())
    done()
    case.refresh_from_db()
    assert case.tags == ["money back"]
    for wrong in ("", "a, b", "refund"):
        with pytest.raises(Refusal):
            tags.rename(Tag.objects.get(name="refund"), wrong, by=sue, at=timezone.now())


def test_a_name_given_up_can_be_taken_again(billing: Queue, ana: User, sue: User) -> None:
    case = tagged(billing, ana, "refund")
    tags.rename(Tag.objects.get(name="refund"), "money back", by=sue, at=timezone.now())
    tags.rename(Tag.objects.get(name="money back"), "refund", by=sue, at=timezone.now())
    done()
    case.refresh_from_db()
    assert case.tags == ["refund"]
    assert Tag.objects.names(["money back", "refund"]) == {"money back": "refund", "refund": "refund"}


def test_a_supervisor_sees_what_a_renaming_does_before_it_is_done(billing: Queue, ana: User, sue: User) -> None:
    case = tagged(billing, ana, "refund")
    client = Client()
    client.force_login(sue)
    tag = Tag.objects.get()
    assert "refund" in client.get("/admin/cases/tag/").content.decode()
    sent = {"name": "money back", "hint": "We pay", "is_active": "on"}
    page = client.post(f"/admin/cases/tag/{tag.pk}/change/", sent)
    assert "It is on 1 case, 1 of them open" in page.content.decode()
    assert not TagRenaming.objects.exists()
    assert client.post(f"/admin/cases/tag/{tag.pk}/change/", sent | {"_renames": "yes"}).status_code == 302
    done()
    case.refresh_from_db()
    assert case.tags == ["money back"]
    assert Tag.objects.get(name="money back").hint == "We pay"


def test_programs_rename_them_too(billing: Queue, ana: User, sue: User) -> None:
    tagged(billing, ana, "refund")
    call = Caller(sue)
    (row,) = call.get("tags/?q=ref").json()["results"]
    assert call.get(f"tags/{row['id']}/renaming/?name=back").json() == {
        "name": "back", "merges": False, "cases": 1, "open": 1, "both": 0,
        "filters": 0, "macros": 0, "rules": 0, "skills": 0,
    }  # fmt: skip
    assert call.post(f"tags/{row['id']}/renaming/", {"name": "back"}).json()["total"] == 1
    assert call.get("tags/?q=ref").json()["results"][0]["becomes"] == "back"


def test_the_list_of_tags_counts_its_page_in_one_question_whatever_there_is(
    billing: Queue, ana: User, sue: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    client = Client()
    client.force_login(sue)
    for n in range(3):
        tagged(billing, ana, f"tag{n}", "all")
    closed = tagged(billing, ana, "all")
    closed.change_status("spam", by=None)
    page = client.get("/admin/cases/tag/").content.decode()
    row = page[page.index(">all<") :]
    assert [row.index(f"field-{column}") for column in ("on_open", "on_all")]
    assert re.findall(r"field-on_(?:open|all)[^>]*>\s*(\d+)", row)[:2] == ["3", "4"]
    with CaptureQueriesContext(connection) as few:
        client.get("/admin/cases/tag/")
    for n in range(3, 30):
        tagged(billing, ana, f"tag{n}", "all")
    with django_assert_num_queries(len(few)):
        client.get("/admin/cases/tag/")
    assert sum("unnest(c.tags)" in query["sql"] for query in few.captured_queries) == 1
