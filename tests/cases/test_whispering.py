"""A whisper: between whoever has a case and who leads them, and for nobody else anywhere."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation, merging, whispering
from cases.models import Case, Dispatch, Draft, Message, Notification, Queue, QueueMembership, Whisper
from cases.models.case import Refusal
from crm.live.streams import Happening, encode, plan
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_question, make_user

pytestmark = pytest.mark.django_db

CANARY = "offer-her-the-heron"


@pytest.fixture
def lea(billing: Queue) -> User:
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def page_of(user: User, path: str, **headers: str) -> str:
    client = Client(headers=headers)
    client.force_login(user)
    return client.get(path).content.decode()


def posted(user: User, case: Case, **data: Any) -> Any:
    client = Client(headers={"HX-Request": "true"})
    client.force_login(user)
    return client.post(f"/cases/{case.number}/messages/", {"kind": "whisper", "text": CANARY, **data})


def test_who_leads_whispers_to_whoever_has_it_and_is_answered(case: Case, ana: User, lee: User, lea: User) -> None:
    assert posted(lea, case)["X-Written"] == "whisper"
    assert posted(ana, case, text="May I?").status_code == 200
    told = [(w.author, w.to, w.text) for w in Whisper.objects.order_by("pk")]
    assert told == [(lea, ana, CANARY), (ana, lea, "May I?")]
    assert posted(lee, case).status_code == 403
    assert Whisper.objects.count() == 2


def test_once_is_once_however_often_it_is_sent(case: Case, lea: User) -> None:
    for _ in range(2):
        client = Client(headers={"HX-Request": "true", "Idempotency-Key": "one"})
        client.force_login(lea)
        assert client.post(f"/cases/{case.number}/messages/", {"kind": "whisper", "text": "Now"}).status_code == 200
    assert Whisper.objects.count() == 1


def test_where_nobody_else_has_it_there_is_nobody_to_whisper_to(billing: Queue, case: Case, lea: User) -> None:
    case.assign(lea, by=lea)
    with pytest.raises(Refusal, match="nobody to whisper to"):
        whispering.say(case, by=lea, text="Me?")
    with pytest.raises(Refusal, match="nobody to whisper to"):
        whispering.say(make_case(billing), by=lea, text="Anybody?")
    case.release(by=lea)
    with pytest.raises(Refusal, match="Write something"):
        whispering.say(case, by=lea, text="  ")


def test_only_those_two_and_who_leads_read_it_on_any_screen(
    billing: Queue, case: Case, ana: User, lee: User, sue: User, root: User, lea: User, carl: Customer
) -> None:
    """The words, wherever the product shows a case: page, parts, search, customer, API, export of events, status."""
    whispering.say(case, by=lea, text=CANARY)
    watching, working = (make_user(n, username=n.lower(), role="executive") for n in ("Wim", "Wes"))
    billing.join(watching, mode="watch")
    billing.join(working, mode="work")
    number = case.number
    paths = [f"/cases/{number}/", f"/cases/{number}/whispers/", f"/cases/{number}/fragments/", f"/search/?q={CANARY}"]
    paths += [f"/queues/{billing.pk}/?view=all", f"/customers/{carl.pk}/", f"/customers/{carl.pk}/timeline/"]
    apis = ["", "messages/", "events/", "whispers/"]
    for user, reads in (
        (ana, True),
        (lea, True),
        (sue, True),
        (root, True),
        (lee, False),
        (watching, False),
        (working, False),
    ):
        shown = "".join(page_of(user, path, hx_request="true") for path in paths).replace(f"q={CANARY}", "")
        shown = shown.replace(f'value="{CANARY}"', "").replace(f"“{CANARY}”", "")
        called = "".join(Caller(user).get(f"cases/{number}/{rest}").content.decode() for rest in apis)
        called += (
            Caller(user).get(f"search/?q={CANARY}").content.decode() + Caller(user).get("events/").content.decode()
        )
        assert (CANARY in shown, CANARY in called) == (reads, reads), user


def test_it_has_no_way_to_the_customer_and_leaves_the_case_as_it_was(case: Case, lea: User, ana: User) -> None:
    before = Case.objects.values().get(pk=case.pk)
    messages, events = Message.objects.count(), Event.objects.filter(stream="case").count()
    leaving = Dispatch.objects.count()
    whispering.say(case, by=lea, text=CANARY)
    assert Case.objects.values().get(pk=case.pk) == before
    assert (Message.objects.count(), Event.objects.filter(stream="case").count()) == (messages, events)
    assert Dispatch.objects.count() == leaving
    conversation.reply(case, by=ana, text="On its way", written_against=case.version)  # it made nothing stale


def test_screens_hear_that_there_is_one_and_not_what(
    case: Case, ana: User, lee: User, sue: User, eve: User, lea: User, billing: Queue
) -> None:
    billing.join(eve, mode="work")
    whispering.say(case, by=lea, text=CANARY)
    names = [name for name in Happening.__dataclass_fields__ if name != "pos"]
    event = Event.objects.get(stream="whisper")
    assert set(event.data) == {"case", "to"}
    told = plan([Happening(pos=1, **{name: getattr(event, name) for name in names})])
    assert {f.topic for f in told} == {f"user.{u.pk}" for u in (ana, lea, sue)}
    assert all(CANARY not in encode(f, "en").decode() for f in told)
    lines = [json.loads(encode(f, "en")) for f in told if f.part == "told"]
    assert [(f.topic, f.part) for f in told if f.part != "whisper"] == [(f"user.{ana.pk}", p) for p in ("bell", "told")]
    assert "Lea Voss whispers to you" in lines[0]["html"]
    assert lines[0]["reason"] == "whisper"


def test_whom_it_is_for_finds_it_in_their_panel_until_they_have_read_it(case: Case, ana: User, lea: User) -> None:
    whispering.say(case, by=lea, text=CANARY)
    page = page_of(ana, "/notifications/", hx_request="true")
    assert "Lea Voss whispers to you" in page
    assert CANARY not in page
    assert [(n.user, n.reason) for n in Notification.objects.filter(reason="whisper")] == [(ana, "whisper")]
    whispering.hear(case, by=ana)
    assert not Notification.objects.filter(reason="whisper").unread().exists()


def test_read_is_said_by_whom_it_is_for(case: Case, ana: User, lea: User, sue: User) -> None:
    whispering.say(case, by=lea, text=CANARY)
    assert "1 new" in page_of(ana, f"/cases/{case.number}/")
    assert "1 new" not in page_of(sue, f"/cases/{case.number}/")
    assert whispering.hear(case, by=sue) == 0
    assert whispering.hear(case, by=ana) == 1
    assert whispering.hear(case, by=ana) == 0
    assert "1 new" not in page_of(ana, f"/cases/{case.number}/")
    assert Event.objects.filter(stream="whisper").values_list("kind", flat=True).last() == "whisper_heard"


def test_what_is_being_whispered_is_a_draft_like_any_other(case: Case, lea: User, lee: User) -> None:
    client = Client()
    client.force_login(lea)
    path = f"/cases/{case.number}/drafts/whisper/"
    assert client.post(path, {"text": "Be gen", "against": 1}).status_code == 200
    assert "Be gen" in page_of(lea, f"/cases/{case.number}/")
    client.force_login(lee)
    assert client.post(path, {"text": "Me too", "against": 1}).status_code == 403
    assert posted(lea, case).status_code == 200
    assert not Draft.objects.exists()


def test_it_goes_where_its_case_goes(billing: Queue, case: Case, carl: Customer, ana: User, lea: User) -> None:
    whispering.say(case, by=lea, text=CANARY)
    kept = make_case(billing, customer=carl, assignee=ana)
    done = merging.merge(case, kept, by=ana)
    assert [w.text for w in whispering.of(kept, ana)] == [CANARY]
    assert whispering.addressee(kept, ana) == lea
    merging.undo(done, by=ana)
    assert [w.text for w in whispering.of(case, ana)] == [CANARY]
    assert not whispering.of(kept, ana).exists()


def test_who_could_read_it_is_said_before_it_is_written(case: Case, ana: User, lea: User, sue: User) -> None:
    assert [user.name for user in whispering.readers(case, ana)] == ["Ana Lind", "Lea Voss", "Sue Park"]
    page = page_of(lea, f"/cases/{case.number}/")
    assert "Ana Lind, Lea Voss, Sue Park" in page


def test_over_http_too(case: Case, ana: User, lee: User, lea: User) -> None:
    path = f"cases/{case.number}/whispers/"
    made = Caller(lea).post(path, {"text": CANARY})
    assert (made.status_code, made.json()["to"]) == (201, ana.pk)
    assert [row["text"] for row in Caller(ana).get(path).json()["results"]] == [CANARY]
    assert Caller(lee).get(path).json()["results"] == []
    assert Caller(lee).post(path, {"text": "Hm"}).status_code == 403
    assert Case.objects.get(pk=case.pk).version == case.version
    assert Event.objects.filter(stream="whisper", via="api", at__lte=timezone.now()).count() == 1
