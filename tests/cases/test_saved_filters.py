"""Saved filters: whose they are, what they hold, that their counts are those of their lists, and who may share them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from cases import filtered, filters, saved_filters
from cases.filter_parts import Asker
from cases.models import Case, Queue, QueueMembership, SavedFilter
from cases.models.case import Refusal
from cases.search import index_text
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case, make_message, make_user

pytestmark = pytest.mark.django_db
AT = timezone.now()


def own(user: User, name: str = "Hot", text: str = "priority:high") -> SavedFilter:
    return saved_filters.save(name, text, by=user, at=AT)


def shared(queue: Queue, by: User, name: str = "Refunds", text: str = "tag:refund") -> SavedFilter:
    return saved_filters.save(name, text, by=by, at=AT, shared_in=queue)


def rows(html: str) -> list[int]:
    return [int(n) for n in re.findall(r'id="row-(\d+)"', html)]


def counted(html: str, view: str) -> set[int]:
    return {int(n) for n in re.findall(rf'data-count="{view}">(\d+)<', html)}


@pytest.fixture
def dan(billing: Queue) -> User:
    """The lead of Billing."""
    user = make_user("Dan Cole", username="dan")
    billing.admit(user, "lead", by=None)
    return user


@pytest.fixture
def desk(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


# --- whose they are


def test_a_filter_of_mine_stands_beside_every_queue_of_mine_and_nobody_elses(
    billing: Queue, technical: Queue, ana: User, dan: User, ben: User
) -> None:
    mine, theirs = own(ana), shared(billing, dan)
    assert list(SavedFilter.objects.beside(billing, ana)) == [mine, theirs]
    assert list(SavedFilter.objects.beside(technical, ana)) == [mine]
    assert list(SavedFilter.objects.beside(billing, ben)) == [theirs]
    assert list(SavedFilter.objects.visible_to(ben)) == []
    assert list(SavedFilter.objects.visible_to(ana)) == [mine, theirs]


def test_sharing_is_for_who_leads_or_steers_the_queue(billing: Queue, ana: User, dan: User, sue: User) -> None:
    with pytest.raises(PermissionDenied):
        shared(billing, ana)
    assert not SavedFilter.objects.exists()
    made = [shared(billing, dan), shared(billing, sue, "Late", "is:overdue")]
    for change in (
        lambda: saved_filters.change(made[0], by=ana, at=AT, name="x"),
        lambda: saved_filters.remove(made[0], by=ana),
        lambda: saved_filters.move(made[0], 1, by=ana),
        lambda: saved_filters.remove(own(dan, "Own"), by=ana),
    ):
        with pytest.raises(PermissionDenied):
            change()
    assert [each.name for each in SavedFilter.objects.filter(queue=billing)] == ["Refunds", "Late"]
    kinds = Event.objects.filter(stream="queue", stream_id=billing.pk).order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in kinds if "filter" in kind] == ["filter_shared", "filter_shared"]


def test_what_means_nothing_is_not_saved(billing: Queue, ana: User) -> None:
    for name, text in (("x", "asignee:me"), ("x", " "), (" ", "is:mine"), ("x", "queue:billing"), ("x", "a" * 401)):
        with pytest.raises(Refusal):
            own(ana, name, text)
    own(ana, "Hot")
    with pytest.raises(Refusal, match="already"):
        own(ana, "HOT")
    assert SavedFilter.objects.count() == 1


def test_a_filter_is_one_persons_or_one_queues(billing: Queue, ana: User) -> None:
    with pytest.raises(IntegrityError):
        SavedFilter.objects.create(owner=ana, queue=billing, name="x", text="is:mine")


def test_there_is_an_end_to_how_many(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MOST", 2)
    own(ana, "a")
    own(ana, "b")
    with pytest.raises(Refusal, match="2 already"):
        own(ana, "c")


def test_they_are_put_in_order_and_renamed_and_taken_away(ana: User) -> None:
    a, b, c = (own(ana, name) for name in "abc")
    saved_filters.move(c, 0, by=ana)
    assert [each.name for each in SavedFilter.objects.all()] == ["c", "a", "b"]
    saved_filters.move(c, 9, by=ana)
    assert [each.name for each in SavedFilter.objects.all()] == ["a", "b", "c"]
    saved_filters.change(b, by=ana, at=AT, name="  bee  ", text="is:overdue")
    saved_filters.remove(a, by=ana)
    assert [(each.name, each.text) for each in SavedFilter.objects.all()] == [
        ("bee", "is:overdue"),
        ("c", "priority:high"),
    ]


# --- what they hold

TEXTS = [
    "priority:high",
    "is:mine",
    "is:snoozed",
    "promise:<2h",
    "status:resolved",
    "tag:refund gadget",
    '"so late"',
    "xy",
]


def some_cases(queue: Queue, ana: User) -> None:
    for n, fields in enumerate(
        [
            {"priority": "high", "assignee": ana},
            {"snoozed_until": AT + timedelta(days=1), "tags": ["refund"]},
            {"promise_due_at": AT + timedelta(hours=1), "snoozed_until": AT + timedelta(days=1)},
            {"status": "resolved", "resolved_at": AT},
            {"status": "closed", "resolved_at": AT, "assignee": ana},
            {"tags": ["refund"], "subject": "gadget"},
            {"subject": "So late again", "priority": "high"},
        ]
    ):
        case = make_case(queue, **({"status": "open", "subject": "x"} | fields))  # type: ignore[arg-type]
        make_message(case, f"text {n}")
        index_text(case, f"text {n}")


def test_each_count_is_the_length_of_its_list(desk: Client, billing: Queue, ana: User) -> None:
    some_cases(billing, ana)
    saved = [SavedFilter.objects.create(owner=ana, name=text, text=text, position=n) for n, text in enumerate(TEXTS)]
    told = desk.get(f"/queues/{billing.pk}/counts/").json()["counts"]
    lengths = {}
    for each in saved:
        page = desk.get(f"/queues/{billing.pk}/?view={each.view}").content.decode()
        lengths[each.text] = len(rows(page))
        assert counted(page, each.view) == {lengths[each.text]}, each.text
        assert told[each.view] == lengths[each.text], each.text
    assert lengths == {
        "priority:high": 2,
        "is:mine": 1,
        "is:snoozed": 2,
        "promise:<2h": 1,
        "status:resolved": 1,
        "tag:refund gadget": 1,
        '"so late"': 1,
        "xy": 0,
    }


def test_a_filter_that_is_typed_has_an_address_others_may_open(
    client: Client, billing: Queue, ana: User, lee: User
) -> None:
    some_cases(billing, ana)
    for user, length in ((ana, 1), (lee, 0)):
        client.force_login(user)
        page = client.get(f"/queues/{billing.pk}/", {"q": "is:mine"}).content.decode()
        assert (len(rows(page)), counted(page, "q")) == (length, {length})
    answer = client.get(f"/queues/{billing.pk}/counts/", {"view": "q", "q": "priority:high"}).json()
    assert answer["counts"]["q"] == 2


def test_another_persons_filter_leads_to_a_view_of_ones_own(desk: Client, billing: Queue, lee: User) -> None:
    foreign = own(lee)
    page = desk.get(f"/queues/{billing.pk}/?view={foreign.view}").content.decode()
    assert 'data-view="all"' in page
    assert foreign.view not in page


def test_one_that_is_no_longer_understood_says_so_and_is_empty(desk: Client, billing: Queue, ana: User) -> None:
    make_case(billing)
    gone = SavedFilter.objects.create(owner=ana, name="Old", text="assignee:nobodyknown")
    page = desk.get(f"/queues/{billing.pk}/?view={gone.view}").content.decode()
    assert rows(page) == []
    assert counted(page, gone.view) == {0}
    assert "is nothing assignee: knows" in page


def test_what_is_done_with_comes_newest_first_from_the_newest_of_the_queue(
    desk: Client, billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [
        make_case(billing, status="closed", resolved_at=AT, opened_at=AT - timedelta(days=n), customer=None)
        for n in range(4)
    ]
    page = desk.get(f"/queues/{billing.pk}/", {"q": "is:done"}).content.decode()
    assert rows(page) == [case.number for case in done]
    assert 'data-order="newest"' in page
    monkeypatch.setattr(filters, "WINDOW", 3)
    page = desk.get(f"/queues/{billing.pk}/", {"q": "is:done"}).content.decode()
    assert (len(rows(page)), counted(page, "q")) == (3, {3})


def test_further_rows_are_of_the_same_filter(desk: Client, billing: Queue, ana: User) -> None:
    Case.objects.bulk_create([Case(queue=billing, status="open", priority="high") for _ in range(53)])
    first = desk.get(f"/queues/{billing.pk}/", {"q": "priority:high"}).content.decode()
    (more,) = re.findall(r'hx-get="([^"]*start=50)"', first)
    rest = desk.get(more.replace("&amp;", "&")).content.decode()
    assert len({*rows(first), *rows(rest)}) == 53
    assert "start=" not in rest


def test_the_counts_of_many_filters_cost_one_question(
    billing: Queue, ana: User, django_assert_max_num_queries: Any
) -> None:
    some_cases(billing, ana)
    asker = Asker(ana, AT)
    texts = ["priority:high", "is:overdue", "tag:refund", "waiting:>1d", "assignee:me", "channel:web", "gadget"]
    listed = {
        f"f{n}": filtered.Listed(f"f{n}", text, billing, asker, text, SavedFilter()) for n, text in enumerate(texts)
    }
    with django_assert_max_num_queries(1):
        assert sum(filtered.counts(listed).values())


# --- on the page


def test_a_filter_is_saved_renamed_moved_and_taken_away_on_the_page(desk: Client, billing: Queue, ana: User) -> None:
    base = f"/queues/{billing.pk}/filters/"
    assert "Save this filter" in desk.get(base, {"q": "is:mine"}).content.decode()
    desk.post(base, {"name": "Mine now", "text": "is:mine"})
    saved = SavedFilter.objects.get()
    other = own(ana, "Other")
    assert saved.owner == ana
    assert "Mine now" in desk.get(f"/queues/{billing.pk}/").content.decode()
    assert "Mine now" in desk.get(base).content.decode()
    assert "Mine now" in desk.get(f"{base}{saved.pk}/").content.decode()
    desk.post(f"{base}{saved.pk}/", {"name": "Mine"})
    desk.post(f"{base}{other.pk}/place/", {"to": "0"})
    assert [each.name for each in SavedFilter.objects.all()] == ["Other", "Mine"]
    answer = desk.post(base, {"name": "bad", "text": "is:nonsense"}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "is nothing is: knows" in answer.content.decode()
    desk.delete(f"{base}{saved.pk}/")
    desk.post(f"{base}{other.pk}/", {"remove": "1"})
    assert not SavedFilter.objects.exists()


def test_who_may_share_is_asked_whether_to(client: Client, billing: Queue, ana: User, dan: User) -> None:
    base = f"/queues/{billing.pk}/filters/"
    for user, may in ((ana, False), (dan, True)):
        client.force_login(user)
        assert ('name="shared"' in client.get(base, {"q": "is:mine"}).content.decode()) is may
    client.post(base, {"name": "Ours", "text": "is:overdue", "shared": "1"})
    saved = SavedFilter.objects.get()
    assert saved.queue == billing
    client.force_login(ana)
    refused = client.post(f"{base}{saved.pk}/", {"name": "Mine"})
    assert refused.status_code == 403
    assert SavedFilter.objects.get().name == "Ours"


# --- over the API, and in the admin


def test_the_api_saves_changes_and_counts(billing: Queue, ana: User, dan: User, ben: User) -> None:
    some_cases(billing, ana)
    call = Caller(ana)
    made = call.post("filters/", {"name": "Hot", "text": "priority:high"})
    assert made.status_code == 201
    ours = Caller(dan).post("filters/", {"name": "Ours", "text": "is:snoozed", "queue": billing.pk}).json()
    assert call.post("filters/", {"name": "No", "text": "is:mine", "queue": billing.pk}).status_code == 403
    told = call.get(f"filters/?queue={billing.pk}").json()["results"]
    assert [(row["name"], row["count"]) for row in told] == [("Hot", 2), ("Ours", 2)]
    assert {row["name"] for row in call.get("filters/").json()["results"]} == {"Hot", "Ours"}
    path = f"filters/{made.json()['id']}/"
    assert call("patch", path, {"name": "Hotter", "position": 0}).json()["name"] == "Hotter"
    assert call("patch", path, {"text": "is:nonsense"}).status_code == 409
    for method, body in (("get", None), ("patch", {"name": "x"}), ("delete", None)):
        assert Caller(ben)(method, path, body).status_code == 404
    assert call("delete", f"filters/{ours['id']}/").status_code == 403
    assert call("delete", path).status_code == 204
    assert [each.name for each in SavedFilter.objects.all()] == ["Ours"]


def test_a_supervisor_sets_the_shared_ones_and_sees_no_others(
    client: Client, billing: Queue, ana: User, sue: User
) -> None:
    private = own(ana, "Private")
    client.force_login(sue)
    add = "/admin/cases/savedfilter/add/"
    wrong = client.post(add, {"queue": billing.pk, "name": "Late", "text": "is:lat", "position": 0})
    assert "is nothing is: knows" in wrong.content.decode()
    client.post(add, {"queue": billing.pk, "name": "Late", "text": "is:overdue", "position": 0})
    saved = SavedFilter.objects.get(name="Late")
    assert (saved.queue, saved.made_by) == (billing, sue)
    assert Event.objects.filter(stream="queue", stream_id=billing.pk, kind="filter_shared").exists()
    listed = client.get("/admin/cases/savedfilter/").content.decode()
    assert "Late" in listed
    assert "Private" not in listed
    assert client.get(f"/admin/cases/savedfilter/{private.pk}/change/").status_code == 302


def test_the_admin_names_no_queue_its_reader_does_not_steer(billing: Queue, technical: Queue, sue: User) -> None:
    QueueMembership.objects.update_or_create(queue=billing, user=sue, defaults={"role": "supervisor"})
    QueueMembership.objects.filter(queue=technical, user=sue).delete()
    for queue in (billing, technical):
        SavedFilter.objects.create(queue=queue, name=f"All of {queue.name}", text="is:unassigned", made_by=sue)
    client = Client()
    client.force_login(sue)
    page = client.get("/admin/cases/savedfilter/").content.decode()
    assert "All of Billing" in page
    assert "Technical" not in page
