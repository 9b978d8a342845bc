"""What a person does to a case, through HTTP: every verb, its refusals in words, its denials."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.hooks import resolve_checks
from cases.models import Case, Dispatch, Draft, Message, Queue
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    billing.acknowledges = False  # what leaves here is what people wrote
    billing.save()
    case = make_case(billing, customer=carl, channel="mail")
    conversation.add_inbound(
        case, text="Twice!", sender=carl.contact_points.get(kind="email"), channel="mail", at=timezone.now()
    )
    return case


@pytest.fixture
def desk(client: Client, ana: User, case: Case) -> Client:
    client.force_login(ana)
    return client


def do(desk: Client, case: Case, noun: str, *, key: str = "", **values: Any) -> Any:
    headers = {**HTMX, **({"Idempotency-Key": key} if key else {})}
    answer = desk.post(f"/cases/{case.number}/{noun}/", values, headers=headers)
    case.refresh_from_db()
    return answer


def sentence(answer: Any) -> str:
    return str(json.loads(answer.headers["HX-Trigger"])["said"]["text"])


def test_claiming_answers_with_the_fragments_the_socket_would_bring(desk: Client, case: Case, ana: User) -> None:
    answer = do(desk, case, "claim")
    assert case.assignee == ana
    html = answer.content.decode()
    assert answer.headers["X-Fragments"] == "1"
    assert f'id="row-{case.number}"' in html
    assert f'id="head-{case.number}"' in html
    assert f'data-version="{case.version}"' in html


def test_the_second_to_claim_reads_who_was_first(desk: Client, case: Case, lee: User) -> None:
    case.claim(by=lee)
    answer = do(desk, case, "claim")
    assert answer.status_code == 409
    assert "Lee Hart" in sentence(answer)
    assert case.assignee == lee


def test_assigning_and_putting_back(desk: Client, case: Case, lee: User, ben: User) -> None:
    assert "Lee Hart" in desk.get(f"/cases/{case.number}/assignment/", headers=HTMX).content.decode()
    do(desk, case, "assignment", to=lee.pk)
    assert case.assignee == lee
    assert do(desk, case, "assignment", to=ben.pk).status_code == 409
    assert case.assignee == lee
    desk.delete(f"/cases/{case.number}/assignment/", headers=HTMX)
    case.refresh_from_db()
    assert case.assignee is None


def test_moving_to_a_queue_i_cannot_see_takes_it_off_my_screen(desk: Client, case: Case, technical: Queue) -> None:
    answer = do(desk, case, "transfer", queue=technical.pk, note="router, not bill")
    assert case.queue == technical
    assert f'data-gone="{case.number}"' in answer.content.decode()
    assert case.messages.get(direction="note").text == "router, not bill"
    assert desk.get(f"/cases/{case.number}/").status_code == 404


def test_the_status_goes_along_the_table_and_no_other_way(desk: Client, case: Case) -> None:
    do(desk, case, "status", status="waiting_customer")
    assert case.status == "waiting_customer"
    for wrong in ("closed", "merged", "new", "nonsense"):
        assert do(desk, case, "status", status=wrong).status_code == 409
    assert case.status == "waiting_customer"


def test_what_forbids_resolving_is_said(desk: Client, case: Case) -> None:
    with resolve_checks.registered(lambda _case, _user: "A promise is still open."):
        answer = do(desk, case, "resolution")
        assert (answer.status_code, sentence(answer)) == (409, "A promise is still open.")
        sent = do(desk, case, "messages", kind="reply", text="Done.", against=case.version, then_status="resolved")
        assert sent.status_code == 409
    assert case.status != "resolved"
    assert not Dispatch.objects.exists()
    do(desk, case, "resolution")
    assert case.status == "resolved"


def test_snoozing_in_typed_words_and_waking(desk: Client, case: Case) -> None:
    wrong = do(desk, case, "snooze", until="rubbish")
    assert wrong.status_code == 409
    assert "tomorrow 9:30" in sentence(wrong)
    do(desk, case, "snooze", until="in 2 h")
    assert case.snoozed_until
    assert timedelta(hours=1, minutes=59) < case.snoozed_until - timezone.now() <= timedelta(hours=2)
    do(desk, case, "snooze", wake=1)
    assert case.snoozed_until is None


def test_priority_and_tags(desk: Client, case: Case) -> None:
    do(desk, case, "priority", priority="urgent")
    do(desk, case, "tags", tags="Router, fibre , ,router")
    assert (case.priority, case.tags) == ("urgent", ["fibre", "router"])
    assert do(desk, case, "priority", priority="huge").status_code == 409


def test_a_stranger_changes_nothing(client: Client, ben: User, case: Case) -> None:
    client.force_login(ben)
    before = Event.objects.count()
    for noun in (
        "claim",
        "assignment",
        "transfer",
        "status",
        "resolution",
        "snooze",
        "priority",
        "tags",
        "messages",
        "drafts/reply",
    ):
        assert client.post(f"/cases/{case.number}/{noun}/", {"text": "x", "against": 0}).status_code == 404, noun
    assert Event.objects.count() == before
    assert not Draft.objects.exists()


# --- writing


def reply(desk: Client, case: Case, text: str = "It is on its way.", **values: Any) -> Any:
    return do(desk, case, "messages", kind="reply", text=text, **{"against": case.version, **values})


def test_a_reply_is_held_for_undo_and_shown(desk: Client, case: Case) -> None:
    answer = reply(desk, case, is_answer="on", next_step="bank confirms", by_when="in 2 h")
    message = Message.objects.get(direction="outbound")
    assert message.dispatch.state == "held"
    assert (message.is_answer, message.next_step) == (True, "bank confirms")
    assert answer.headers["X-Written"] == "reply"
    assert f'id="message-{message.pk}"' in answer.content.decode()
    assert "data-release=" in answer.content.decode()


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_words_are_kept_as_they_were_typed_however_a_browser_sends_its_line_ends(
    desk: Client, case: Case, kind: str
) -> None:
    do(desk, case, "messages", kind=kind, text=" First.\r\n\r\n  Second.\r\n", against=case.version)
    assert Message.objects.get(author__isnull=False).text == " First.\n\n  Second.\n"


def test_one_key_is_one_message_however_often_it_is_posted(desk: Client, case: Case) -> None:
    against = case.version
    answers = [reply(desk, case, key="k-1", against=against) for _ in range(3)]
    assert {a.status_code for a in answers} == {200}
    assert Message.objects.filter(direction="outbound").count() == 1
    assert Dispatch.objects.count() == 1
    other = reply(desk, case, "Other words", key="k-1")
    assert other.status_code == 409
    assert Message.objects.filter(direction="outbound").count() == 1


def test_a_stale_reply_is_refused_with_what_is_new_and_sent_anyway_by_word(desk: Client, case: Case, lee: User) -> None:
    against = case.version
    conversation.add_note(case, by=lee, text="She was credited already")
    answer = reply(desk, case, key="k-2", against=against)
    assert answer.status_code == 409
    assert "She was credited already" in answer.content.decode()
    assert answer.headers["HX-Retarget"] == "#stale"
    assert not Dispatch.objects.exists()
    assert reply(desk, case, key="k-2", against=against, anyway="on").status_code == 200
    assert Message.objects.get(direction="outbound").sent_anyway


def test_what_is_wrong_with_a_reply_is_said_in_words(desk: Client, case: Case) -> None:
    for values, words in (
        ({"text": "  "}, "Write something first"),
        ({"by_when": "someday", "next_step": "x"}, "By when: “someday” is no time"),
        ({"by_when": "in 2 h"}, "Say what will be done"),
    ):
        answer = reply(desk, case, **values)
        assert answer.status_code == 409
        assert words in sentence(answer)
    assert not Dispatch.objects.exists()


def test_a_note_never_has_a_dispatch(desk: Client, case: Case) -> None:
    answer = do(desk, case, "messages", kind="note", text="only us @lee")
    assert 'class="msg note"' in answer.content.decode()
    assert not Dispatch.objects.exists()


def test_files_go_with_a_reply(desk: Client, case: Case) -> None:
    reply(desk, case, files=[SimpleUploadedFile("bill.txt", b"12.90"), SimpleUploadedFile("b.txt", b"x")])
    names = Message.objects.get(direction="outbound").attachments.values_list("name", flat=True)
    assert sorted(names) == ["b.txt", "bill.txt"]


def test_too_many_files_are_refused_in_words(desk: Client, case: Case) -> None:
    answer = reply(desk, case, files=[SimpleUploadedFile(f"{n}.txt", b"x") for n in range(11)])
    assert answer.status_code == 409
    assert "at most 10 files" in sentence(answer)
    assert not Message.objects.filter(direction="outbound").exists()


def test_undo_gives_the_words_back(desk: Client, case: Case) -> None:
    reply(desk, case, "Almost right")
    message = Message.objects.get(direction="outbound")
    html = do(desk, case, f"messages/{message.pk}/undo").content.decode()
    message.refresh_from_db()
    assert message.taken_back_at is not None
    assert message.dispatch.state == "undone"
    assert "Almost right</textarea>" in html


def test_only_the_author_takes_a_reply_back(client: Client, desk: Client, case: Case, lee: User) -> None:
    reply(desk, case)
    message = Message.objects.get(direction="outbound")
    client.force_login(lee)
    assert do(client, case, f"messages/{message.pk}/undo").status_code == 409
    message.refresh_from_db()
    assert message.taken_back_at is None


def test_a_failed_reply_shows_its_cause_and_retry_sends_again(desk: Client, case: Case) -> None:
    reply(desk, case)
    Dispatch.objects.update(state="failed", reason="refused", detail="550 no such user carl@example.org")
    message = Message.objects.get(direction="outbound")
    page = desk.get(f"/cases/{case.number}/").content.decode()
    assert "the other side refused it" in page
    assert "carl@example.org" not in page
    do(desk, case, f"messages/{message.pk}/retry")
    assert Dispatch.objects.get().state == "held"


def test_drafts_of_both_kinds_come_back_on_another_device(desk: Client, client: Client, case: Case, ana: User) -> None:
    saved = do(desk, case, "drafts/reply", text="Dear Carl", next_step="call", by_when="tomor", against=3)
    do(desk, case, "drafts/note", text="for us")
    assert saved.json()["saved_at"]
    elsewhere = Client()
    elsewhere.force_login(ana)
    html = elsewhere.get(f"/cases/{case.number}/").content.decode()
    for kept in (
        "Dear Carl</textarea>",
        "for us</textarea>",
        'value="call"',
        'value="tomor"',
        'name="against" value="3"',
    ):
        assert kept in html
    do(desk, case, "drafts/reply", text="")
    assert not Draft.objects.filter(kind="reply").exists()


def test_nobody_sees_the_draft_of_another(client: Client, desk: Client, case: Case, lee: User) -> None:
    do(desk, case, "drafts/reply", text="half a thought")
    client.force_login(lee)
    assert "half a thought" not in client.get(f"/cases/{case.number}/").content.decode()


def test_a_draft_of_no_known_kind_is_404(desk: Client, case: Case) -> None:
    assert do(desk, case, "drafts/poem", text="x").status_code == 404


def test_without_scripts_a_form_still_works(desk: Client, case: Case) -> None:
    answer = desk.post(f"/cases/{case.number}/claim/")
    assert answer.headers["Location"] == f"/cases/{case.number}/"
