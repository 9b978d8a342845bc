"""Asking others beside a case: it leaves by the outward door, comes back by a way of its own, and no customer sees any of it."""

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from cases import conversation, merging, outward, search, sides, status_page
from cases.channels import mail as sending
from cases.compose import compose
from cases.hooks import File
from cases.mail import ids
from cases.models import Case, Dispatch, InboundItem, Message, Queue, SideFile, SideMessage, SideTalk
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer, Suppression
from tests.api import Caller
from tests.builders import make_case
from tests.mails import answer_to, answered, arrived, letter, parcel, taken

SUPPLIER = "repairs@supplier.example"
SECRET = "whatthesupplierknows"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(billing: Queue, ana: User) -> Case:
    """Mia's, opened by her mail, and ana's."""
    case = taken(letter(message_id="<first@mail.example.org>"), queue=billing).case
    case.claim(by=ana)
    return case


@pytest.fixture
def asked(case: Case, ana: User) -> SideMessage:
    return sides.begin(case, to=f"Repair shop <{SUPPLIER}>", subject="A hub", text=f"In stock? {SECRET}", by=ana)


def leave() -> None:
    """What is due goes out."""
    Dispatch.objects.filter(state="held").update(release_at=timezone.now())
    outward.send_due(timezone.now())


def went() -> list[Any]:
    """What was sent to the supplier."""
    return [sent for sent in outbox.outbox if SUPPLIER in sent.to[0]]


def row(message: SideMessage) -> Dispatch:
    return Dispatch.objects.get(source="side", source_id=message.pk)


def reply(asked: SideMessage, text: str = "On Monday.", **fields: Any) -> bytes:
    given = {"sender": f"Repairs <{SUPPLIER}>", "subject": "Re: A hub", **fields}
    return answer_to(row(asked), text, **given)


# --- out


def test_it_leaves_as_a_mail_of_its_own_with_its_own_way_back(case: Case, asked: SideMessage) -> None:
    assert (row(asked).customer, row(asked).state) == (None, "held")
    leave()
    (sent,) = went()
    assert sent.to == [f"Repair shop <{SUPPLIER}>"]
    assert (sent.subject, sent.body) == ("A hub", asked.text)
    assert "Auto-Submitted" not in sent.extra_headers
    assert "References" not in sent.extra_headers  # nothing of what the customer wrote or got
    back = re.search(r"<([^>]+)>", sent.reply_to[0])
    assert back is not None
    assert ids.target_of(back[1]) == ids.Target(dispatch=row(asked))
    row_now = row(asked)
    assert (row_now.state, Event.objects.filter(kind="side_settled").count()) == ("sent", 1)


def test_what_follows_is_in_the_same_conversation_of_their_mail_program(
    case: Case, asked: SideMessage, ana: User
) -> None:
    leave()
    arrived(reply(asked, message_id="<theirs@supplier.example>"))
    more = sides.write(SideTalk.objects.get(), text="And the price?", by=ana)
    leave()
    headers = went()[-1].extra_headers
    assert headers["In-Reply-To"] == "<theirs@supplier.example>"
    assert headers["References"].split() == [ids.message_id(row(asked)), "<theirs@supplier.example>"]
    assert went()[-1].subject == "Re: A hub"
    assert more.talk.state == "waiting"


def test_several_get_one_each(case: Case, ana: User) -> None:
    message = sides.begin(case, to=f"{SUPPLIER}; Bo <bo@x.example>, {SUPPLIER}", subject="", text="Who?", by=ana)
    assert {r.address for r in Dispatch.objects.filter(source="side")} == {SUPPLIER, "bo@x.example"}
    assert (message.talk.to, message.talk.subject) == (f"{SUPPLIER}, Bo", case.subject)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("", "whom to ask"),
        ("nobody", "no mail address"),
        ("mia@example.org", "customer’s own address"),
        ("help@brightwave.example", "an address of ours"),
        (", ".join(f"a{n}@x.example" for n in range(11)), "At most 10"),
    ],
)
def test_whom_one_cannot_ask(case: Case, ana: User, to: str, why: str, settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "help@brightwave.example"
    with pytest.raises(Refusal, match=why):
        sides.begin(case, to=to, subject="", text="?", by=ana)
    assert not SideTalk.objects.exists()
    assert not Dispatch.objects.filter(source="side").exists()


def test_who_is_suppressed_gets_nothing(case: Case, ana: User, asked: SideMessage) -> None:
    Suppression.objects.create(kind="email", value=SUPPLIER, reason="asked")
    with pytest.raises(Refusal, match="Nothing may be sent"):
        sides.write(asked.talk, text="Again?", by=ana)
    leave()  # what was written before is asked again in the moment it would leave
    assert row(asked).state == "suppressed"
    assert went() == []
    assert Event.objects.filter(kind="notified", reason="delivery_failed", data__people=[ana.pk]).count() == 1


def test_it_can_be_taken_back_until_it_leaves(case: Case, asked: SideMessage, ana: User) -> None:
    sides.take_back(asked, by=ana)
    leave()
    assert went() == []
    second = sides.write(asked.talk, text="Then this", by=ana)
    leave()
    with pytest.raises(Refusal, match="Too late"):
        sides.take_back(second, by=ana)


def test_what_failed_is_sent_again_by_a_person_s_word(case: Case, asked: SideMessage, ana: User) -> None:
    Dispatch.objects.filter(pk=row(asked).pk).update(state="failed")
    sides.retry(asked, by=ana)
    leave()
    assert len(went()) == 1


def test_only_chosen_words_are_passed_on_and_never_a_note(case: Case, ana: User) -> None:
    said = taken(parcel(("label.png", "image/png", b"\x89PNG"), text="The label", sender="Mia <mia@example.org>"))
    note = conversation.add_note(said.case, by=ana, text="She is difficult")
    message = sides.begin(
        said.case, to=SUPPLIER, subject="", text="See", by=ana, quote=[said.pk, note.pk], with_files=True
    )
    assert "> The label" in message.quoted
    assert "difficult" not in message.quoted
    assert compose(row(message)).text.startswith("See\n\n")
    assert [file.name for file in compose(row(message)).files] == ["label.png"]
    silent = sides.write(message.talk, text="Only this", by=ana)
    assert (silent.quoted, silent.files.count()) == ("", 0)


# --- back


def test_their_answer_lands_beside_the_case_and_never_in_it(case: Case, asked: SideMessage, ana: User) -> None:
    leave()
    before = case.messages.count()
    item = arrived(reply(asked, "On Monday."))
    assert (item.state, item.message) == (InboundItem.State.DONE, None)
    said = SideMessage.objects.latest("pk")
    assert (said.text, said.sender_address, said.talk.state) == ("On Monday.", SUPPLIER, "answered")
    case.refresh_from_db()
    assert (case.messages.count(), Case.objects.count(), case.preview) == (before, 1, case.preview)
    assert (case.status, Message.objects.count()) == ("new", before)
    assert Event.objects.filter(kind="notified", reason="side_answered", data__people=[ana.pk]).count() == 1


@pytest.mark.parametrize("way", ["address", "id"])
def test_either_way_back_is_enough(case: Case, asked: SideMessage, way: str) -> None:
    leave()
    sent = row(asked)
    how = {"to": ids.reply_address(sent)} if way == "address" else {"in_reply_to": ids.message_id(sent)}
    arrived(letter("On Monday.", sender=SUPPLIER, **how))
    assert SideTalk.objects.get().state == "answered"


def test_it_wins_over_the_customer_s_own_thread(case: Case, asked: SideMessage, ana: User) -> None:
    """A mail that names both, as when somebody copies the case's address in, is no word in the customer's thread."""
    ours = answered(case, ana)
    leave()
    before = case.messages.count()
    both = f"{ids.reply_address(ours)}, {ids.reply_address(row(asked))}"
    refers = f"{ids.message_id(ours)} {ids.message_id(row(asked))}"
    arrived(letter(SECRET, sender="Mia Wolff <mia@example.org>", to=both, references=refers))
    assert case.messages.count() == before
    assert SideMessage.objects.latest("pk").flags == ["from_the_customer"]


def test_a_stranger_s_word_is_marked(case: Case, asked: SideMessage) -> None:
    leave()
    arrived(reply(asked, "I took over", sender="Jo <jo@supplier.example>"))
    assert SideMessage.objects.latest("pk").flags == ["another_address"]


def test_the_same_mail_comes_once(case: Case, asked: SideMessage) -> None:
    leave()
    raw = reply(asked, message_id="<once@supplier.example>")
    arrived(raw)
    again = arrived(raw + b"\r\n")  # another copy of it
    assert SideMessage.objects.filter(author=None).count() == 1
    assert again.state == InboundItem.State.IGNORED


def test_a_machine_s_answer_answers_nothing(case: Case, asked: SideMessage) -> None:
    leave()
    arrived(reply(asked, "I am away until Monday.", subject="Automatic reply: A hub", auto_submitted="auto-replied"))
    assert (SideTalk.objects.get().state, SideMessage.objects.latest("pk").is_auto) == ("waiting", True)
    assert not Event.objects.filter(kind="notified").exists()


def test_a_forged_way_back_leads_nowhere(case: Case, asked: SideMessage) -> None:
    leave()
    address = ids.reply_address(row(asked))
    local, _at, domain = address.partition("@")
    arrived(letter("Let me in", sender=SUPPLIER, to=f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"))
    assert SideTalk.objects.get().state == "waiting"


def test_an_answer_wakes_a_sleeping_case(case: Case, asked: SideMessage, ana: User) -> None:
    leave()
    case.refresh_from_db()
    case.snooze(timezone.now() + timedelta(days=3), by=ana)
    arrived(reply(asked))
    case.refresh_from_db()
    assert case.snoozed_until is None


def test_files_come_with_it_for_who_may_see_the_case(case: Case, asked: SideMessage, cast: SimpleNamespace) -> None:
    leave()
    sender = f"Repairs <{SUPPLIER}>"
    raw = parcel(("offer.pdf", "application/pdf", b"%PDF"))
    answers_it = f"In-Reply-To: {ids.message_id(row(asked))}\nSubject:".encode()
    item = arrived(raw.replace(b"Mia Wolff <mia@example.org>", sender.encode(), 1).replace(b"Subject:", answers_it, 1))
    assert item.state == InboundItem.State.DONE, item.error
    token = SideFile.objects.get().token
    answers = {}
    for name in ("ana", "ben", "sue"):
        client = Client()
        client.force_login(getattr(cast, name))
        answers[name] = client.get(f"/side-files/{token}/").status_code
    assert answers == {"ana": 200, "ben": 404, "sue": 200}


# --- the customer sees nothing of it


def test_nothing_a_customer_is_shown_holds_any_of_it(case: Case, asked: SideMessage, ana: User) -> None:
    """Their status page, what they are sent, and the thread it quotes: no word, no address, no file."""
    leave()
    arrived(reply(asked, f"Yes {SECRET}"))
    answered(case, ana, "It is on its way.")
    leave()
    theirs = [m for m in outbox.outbox if SUPPLIER not in m.to[0]]
    assert theirs
    shown = [m.message().as_string() for m in theirs]
    point = case.customer.contact_points.get(kind="email")  # type: ignore[union-attr]
    link = status_page.link(case, point)
    shown.append(Client().get("/" + link.split("/", 3)[3]).content.decode())
    for each in shown:
        assert SECRET not in each
        assert SUPPLIER not in each
        assert ids.message_id(row(asked)) not in each
    assert SECRET not in shown[-1]


def test_it_is_no_message_of_the_case_anywhere(case: Case, asked: SideMessage, ana: User) -> None:
    leave()
    arrived(reply(asked, f"Yes {SECRET}"))
    call = Caller(ana)
    told = call.get(f"cases/{case.number}/messages/").content + call.get(f"cases/{case.number}/events/").content
    assert SECRET.encode() not in told
    assert search.search_cases(ana, SECRET) == []
    assert SECRET not in sending.build(compose(_of_customer(case, ana)), _of_customer(case, ana)).body


def _of_customer(case: Case, ana: User) -> Dispatch:
    return Dispatch.objects.filter(message__case=case).first() or answered(case, ana)


def test_the_log_holds_none_of_its_words(case: Case, asked: SideMessage) -> None:
    leave()
    arrived(reply(asked, f"Yes {SECRET}"))
    told = [f"{event.reason} {event.data}" for event in Event.objects.all()]
    assert [t for t in told if SECRET in t or "supplier" in t] == []


# --- on the screen, and by program


def test_the_panel_and_its_dialogs(
    case: Case, asked: SideMessage, ana: User, django_assert_max_num_queries: Any
) -> None:
    desk = Client()
    desk.force_login(ana)
    leave()
    arrived(reply(asked))
    desk.get(f"/cases/{case.number}/sides/")
    with django_assert_max_num_queries(8):  # session and user included
        page = desk.get(f"/cases/{case.number}/sides/").content.decode()
    for words in ("Repair shop", "they answered", "On Monday.", SECRET):
        assert words in page
    assert "asked Repair shop" in desk.get(f"/cases/{case.number}/").content.decode()
    assert SECRET not in desk.get(f"/cases/{case.number}/").content.decode()  # only in its own section
    assert 'name="quote"' in desk.get(f"/cases/{case.number}/sides/{asked.talk_id}/").content.decode()
    sent = {"to": SUPPLIER, "text": "?", "quote": [str(case.messages.first().pk)]}  # type: ignore[union-attr]
    assert desk.post(f"/cases/{case.number}/sides/", sent, headers=HTMX).status_code == 200
    assert SideMessage.objects.latest("pk").quoted
    wrong = desk.post(f"/cases/{case.number}/sides/", {"to": "nobody", "text": "?"}, headers=HTMX)
    assert wrong.status_code == 409


def test_programs_ask_too(case: Case, ana: User) -> None:
    call = Caller(ana)
    made = call.post(f"cases/{case.number}/sides/", {"to": [f"Repairs <{SUPPLIER}>"], "text": "In stock?"})
    assert (made.status_code, made.json()["state"]) == (201, "waiting")
    address = f"cases/{case.number}/sides/{made.json()['id']}/"
    assert call.post(f"{address}messages/", {"text": "And when?"}).json()["states"] == {SUPPLIER: "held"}
    assert len(call.get(f"{address}messages/").json()["results"]) == 2
    assert call.patch(address, {"state": "done"}).json()["state"] == "done"
    assert call.patch(address, {"state": "waiting"}).json()["state"] == "waiting"
    assert call.get(f"cases/{case.number}/sides/").json()["results"][0]["recipients"][0]["address"] == SUPPLIER


# --- two cases become one


def test_a_merge_takes_it_along_and_answers_find_it_there(billing: Queue, carl: Customer, ana: User) -> None:
    kept, gone = make_case(billing, customer=carl), make_case(billing, customer=carl)
    asked = sides.begin(gone, to=SUPPLIER, subject="", text="?", by=ana, files=[File("a.txt", "text/plain", b"1")])
    leave()
    done = merging.merge(gone, kept, by=ana)
    arrived(reply(asked))
    talk = SideTalk.objects.get()
    assert (talk.case, talk.state) == (kept, "answered")
    merging.undo(done, by=ana)
    talk.refresh_from_db()
    assert talk.case == gone
