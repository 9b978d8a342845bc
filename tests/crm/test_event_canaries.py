"""The log keeps ids, numbers, times and enumerated words: no word anybody typed gets into it, by any verb or door."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cases import contact_form, conversation, drafts, intake, outward, promises
from cases.hooks import File
from cases.models import Article, BusinessCalendar, Case, Dispatch, Queue, SLAPolicy
from crm.models import Event, User
from customers import consent, merging
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_customer

CANARY = "kanarienvogel"
MAIL, PHONE = f"{CANARY}@example.org", "+442079460999"
WEEK = {"mon": [["09:00", "17:00"]]}


@pytest.fixture
def case(billing: Queue, ana: User, lee: User) -> Case:
    """A case in which every field a person or customer fills in holds the canary."""
    User.objects.filter(pk__in=[ana.pk, lee.pk]).update(first_name=f"{CANARY} Ana")
    Queue.objects.filter(pk=billing.pk).update(description=CANARY)
    customer = make_customer(f"{CANARY} Vega", email=MAIL, phone=PHONE, city=CANARY, cue=CANARY)
    return intake.open_case(
        queue=billing, customer=customer, subject=f"{CANARY} subject", channel="mail", at=timezone.now(), via="channel"
    )


def _words() -> Iterator[str]:
    for event in Event.objects.all():
        yield f"{event.kind}: {event.reason} {json.dumps(event.data, default=str)}"


def _nothing_leaked(at_least: set[str]) -> None:
    told = list(_words())
    assert at_least <= set(Event.objects.values_list("kind", flat=True))
    assert [t for t in told if CANARY in t.casefold() or PHONE[3:] in t] == []


def test_what_is_said_in_a_case(case: Case, ana: User, lee: User) -> None:
    sender = case.customer.contact_points.get(kind="email")  # type: ignore[union-attr]
    file = File(f"{CANARY}.txt", "text/plain", CANARY.encode())
    conversation.add_inbound(
        case,
        text=CANARY,
        html=CANARY,
        sender=sender,
        sender_name=CANARY,
        channel="mail",
        at=timezone.now(),
        files=[file],
    )
    drafts.save(case, author=ana, kind="reply", text=CANARY, written_against=case.version, at=timezone.now())
    soon = timezone.now() + timedelta(days=1)
    reply = conversation.reply(
        case, by=ana, text=CANARY, written_against=case.version, next_step=CANARY, by_when=soon, files=[file]
    )
    conversation.take_back(reply, by=ana)
    sent = conversation.reply(case, by=ana, text=CANARY, written_against=case.version)
    Dispatch.objects.filter(source_id=sent.pk).update(state="failed", detail=CANARY, reason="failed")
    conversation.retry(sent, by=ana)
    outward.release_due(timezone.now() + timedelta(seconds=settings.SEND_UNDO_SECONDS + 1))
    outward.send_due(timezone.now() + timedelta(minutes=1))
    conversation.add_note(case, by=ana, text=f"@{lee.username} {CANARY}")
    _nothing_leaked({"message_received", "reply_written", "taken_back", "send_retried", "note_added", "opened"})


def test_what_is_done_to_a_case(case: Case, ana: User, lee: User, technical: Queue) -> None:
    now = timezone.now()
    case.claim(by=ana)
    case.assign(lee, by=ana)
    case.set_priority("high", by=ana)
    case.set_tags([CANARY, f"{CANARY}-2"], by=ana)
    promise = promises.make(case, what=CANARY, due_at=now + timedelta(hours=1), owner=lee, made_by=None, at=now)
    promises.sweep(now + timedelta(hours=2))
    promise.refresh_from_db()
    case.snooze(now + timedelta(days=1), by=ana)
    case.wake(by=ana)
    case.release(by=ana)
    case.change_status("resolved", by=ana)
    case.change_status("open", by=ana)
    case.transfer(technical, by=ana)
    _nothing_leaked({"claimed", "assigned", "released", "transferred", "tagged", "snoozed", "woken"})


def test_what_is_done_to_customers(case: Case, ana: User) -> None:
    kept = make_customer(f"{CANARY} One", email=f"one.{MAIL}")
    gone = make_customer(f"{CANARY} Two", email=f"two.{MAIL}")
    consent.record(kept, "marketing", "mail", True, source="rep", wording=CANARY, by=ana)
    merging.undo(merging.merge(kept, gone, by=ana), by=ana)
    _nothing_leaked({"merged"})


def test_what_programs_do_over_the_api(case: Case, ana: User, root: User, billing: Queue) -> None:
    """Every field that takes words, filled with the canary."""
    Caller(ana).post("cases/", {"queue": billing.pk, "subject": CANARY, "source": "shop", "external_id": CANARY})
    call = Caller(root)
    made = call.post(
        "customers/", {"name": CANARY, "city": CANARY, "contact_points": [{"kind": "email", "value": f"x{MAIL}"}]}
    )
    answers = [
        made,
        call.patch(f"customers/{made.json()['id']}/", {"name": f"{CANARY} 2", "tier": CANARY, "pronunciation": CANARY}),
        call.patch(f"cases/{case.number}/", {"tags": [CANARY], "priority": "low"}),
        call.post(f"cases/{case.number}/messages/", {"direction": "note", "text": CANARY}),
        call.post(f"cases/{case.number}/messages/", {"direction": "inbound", "text": CANARY}),
        call.post("queues/", {"name": CANARY, "description": CANARY}),
        call.patch(f"queues/{billing.pk}/", {"name": f"{CANARY} B", "description": f"{CANARY} C"}),
        call.post("calendars/", {"name": CANARY, "tz": "UTC", "hours": WEEK}),
        call.post(
            "sla-policies/", {"name": CANARY, "tiers": [CANARY], "targets": [{"kind": "resolution", "minutes": 9}]}
        ),
        call.post("articles/", {"title": CANARY, "body": CANARY}),
        call.post("organizations/", {"name": CANARY}),
    ]
    assert {a.status_code for a in answers} <= {200, 201}
    assert BusinessCalendar.objects.filter(name=CANARY).exists()
    assert SLAPolicy.objects.filter(name=CANARY).exists()
    assert Article.objects.exists()
    _nothing_leaked({"queue_created", "queue_changed", "opened"})


def test_what_comes_in_by_the_contact_form(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_form, "QUICKEST", 0)
    Queue.objects.update(is_public=True)
    client = Client()
    token = client.get("/contact/").context["form"]["token"].value()
    words = {"name": CANARY, "address": MAIL, "subject": CANARY, "message": CANARY}
    answer = client.post("/contact/", {"token": token, "topic": billing.pk, **words})
    assert answer.status_code == 302, answer.content.decode()
    assert Customer.objects.filter(name=CANARY).exists()
    _nothing_leaked({"opened", "message_received"})
