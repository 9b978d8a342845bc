"""Who wrote a mail: machines are told from people, by more than their words."""

import time
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.mail.automatic import HEADERS, kind_of
from tests import data

PERSON = {"from": "Carl Jensen <carl@example.org>", "return-path": "<carl@example.org>"}
SAYS = "Hello, you took it twice. Can you look into it?"


def kind(
    said: dict[str, str] | None = None,
    *,
    content: str = "text/plain; charset=utf-8",
    subject: str = "Double charge",
    text: str = SAYS,
    actions: tuple[str, ...] = (),
) -> str:
    """The kind of a mail of Carl's with these headers instead or besides."""
    headers = {name: (value,) for name, value in {**PERSON, **(said or {})}.items()}
    return kind_of(headers, content, subject, text, actions)


REPORT = "multipart/report; report-type={}; boundary=x"


@pytest.mark.parametrize(
    ("content", "actions", "is_a"),
    [
        (REPORT.format("delivery-status"), ("failed",), "bounce"),
        (REPORT.format('"Delivery-Status"'), (), "bounce"),
        ("multipart/report;\r\n\tboundary=x; REPORT-TYPE=delivery-status", (), "bounce"),
        (REPORT.format("delivery-status"), ("delayed",), "bounce"),
        (REPORT.format("delivery-status"), ("delivered", "failed"), "bounce"),
        (REPORT.format("delivery-status"), ("delivered",), "receipt"),
        (REPORT.format("delivery-status"), ("relayed", "expanded"), "receipt"),
        ("multipart/report; boundary=x", (), "bounce"),
        ("message/delivery-status", (), "bounce"),
        (REPORT.format("feedback-report"), (), "bounce"),
        (REPORT.format("disposition-notification"), (), "receipt"),
        ("message/disposition-notification", (), "receipt"),
        (REPORT.format("tlsrpt"), (), "robot"),
        ("multipart/mixed; boundary=x; report-type=tlsrpt", (), ""),
    ],
)
def test_reports_are_known_by_their_type(content: str, actions: tuple[str, ...], is_a: str) -> None:
    assert kind(content=content, actions=actions) == is_a


@pytest.mark.parametrize("subject", ["Delivered: Your refund", "Zugestellt: Ihre Rückzahlung", "Relayed: Hello"])
def test_a_report_nobody_has_read_yet_is_told_by_its_subject(subject: str) -> None:
    assert kind(content=REPORT.format("delivery-status"), subject=subject) == "receipt"


@pytest.mark.parametrize(
    ("said", "subject", "text"),
    [
        ({"from": "MAILER-DAEMON@mx.example.net", "return-path": "<>"}, "failure notice", "Hi."),
        ({"from": "Mail Delivery Subsystem <mailer-daemon@googlemail.com>"}, "Anything", "Address not found"),
        ({"from": "MAILER-DAEMON (Mail Delivery System)"}, "Undelivered Mail Returned to Sender", ""),
        ({"from": '"" (Mail Delivery System)', "return-path": "<>"}, "Undelivered Mail Returned to Sender", ""),
        ({"from": "Postmaster@corp.example", "return-path": "<>"}, "Unzustellbar: Ihre Rückzahlung", ""),
        ({"from": "postmaster@corp.example"}, "Undeliverable: Your refund", "Delivery has failed to these recipients"),
        ({"from": "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example>"}, "x", ""),
        ({"x-failed-recipients": "carl@example.org"}, "Mail delivery failed: returning message to sender", ""),
        ({"x-ms-exchange-message-is-ndr": "1"}, "Non remis : Votre remboursement", ""),
        ({"return-path": "<>"}, "No se puede entregar: Su reembolso", ""),
        ({"return-path": "<>"}, "Hello", "This is the qmail-send program at mx.example.net."),
        ({"return-path": "<> (null)"}, "[メール] x", "The following addresses had permanent fatal errors"),
        ({"return-path": "<>"}, "配信不能: お返事", ""),
        ({"return-path": "<>"}, "Недоставлено: Ваш возврат", ""),
        ({"auto-submitted": "auto-replied"}, "Returned mail: see transcript for details", "550 5.1.1 User unknown"),
        ({"from": "System Administrator <noc@corp.example>"}, "Undeliverable: x", ""),
    ],
)
def test_bounces_without_a_report_are_known_by_their_sender_and_words(said: dict, subject: str, text: str) -> None:
    assert kind(said, subject=subject, text=text) == "bounce"


@pytest.mark.parametrize(
    ("said", "is_a"),
    [
        ({"auto-submitted": "auto-replied"}, "auto_reply"),
        ({"auto-submitted": "Auto-Replied; owner-email=carl@example.org"}, "auto_reply"),
        ({"auto-submitted": "auto-generated"}, "robot"),
        ({"auto-submitted": "auto-notified"}, "robot"),
        ({"auto-submitted": "x-else"}, "robot"),
        ({"auto-submitted": "no"}, ""),
        ({"auto-submitted": "No "}, ""),
        ({"auto-submitted": ""}, ""),
        ({"x-autoreply": "yes"}, "auto_reply"),
        ({"x-autoreply": "no"}, ""),
        ({"x-autorespond": "Out of office"}, "auto_reply"),
        ({"x-autoresponder": "1"}, "auto_reply"),
        ({"x-mail-autoreply": "vacation"}, "auto_reply"),
        ({"x-autogenerated": "Reply"}, "auto_reply"),
        ({"x-post-messageclass": "9; Autoresponder"}, "auto_reply"),
        ({"delivered-to": "Autoresponder"}, "auto_reply"),
        ({"precedence": "auto_reply"}, "auto_reply"),
        ({"preference": "auto_reply"}, "auto_reply"),
        ({"precedence": "bulk"}, "auto_reply"),
        ({"precedence": "Junk"}, "auto_reply"),
        ({"precedence": "list"}, "list"),
        ({"precedence": "first-class"}, ""),
        ({"x-loop": "help@example.org"}, "auto_reply"),
        ({"x-fc-machinegenerated": "true"}, "auto_reply"),
        ({"return-path": "<>"}, "auto_reply"),
        ({"x-auto-response-suppress": "All"}, "auto_reply"),
        ({"x-auto-response-suppress": "OOF, AutoReply"}, "auto_reply"),
        ({"x-auto-response-suppress": "DR, RN, NRN"}, ""),
        ({"x-auto-response-suppress": "None"}, ""),
        ({"list-id": "Talk <talk.lists.example>"}, "list"),
        ({"list-unsubscribe": "<https://x.example/u>", "precedence": "bulk"}, "list"),
        ({"mailing-list": "list talk@lists.example"}, "list"),
        ({"x-boxbe-challenge": "1"}, "auto_reply"),
        ({"disposition-notification-to": "carl@example.org", "x-priority": "1", "importance": "high"}, ""),
    ],
)
def test_headers_say_it(said: dict[str, str], is_a: str) -> None:
    assert kind(said) == is_a


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@shop.example",
        "no-reply@shop.example",
        "No.Reply@shop.example",
        "do_not_reply@shop.example",
        "donotreply+7@shop.example",
        "orders-noreply@shop.example",
        "nicht-antworten@shop.example",
        "ne-pas-repondre@shop.example",
        "no-responder@shop.example",
        "nao-responda@shop.example",
        "Cron <cron@host.example>",
        "www-data@host.example",
    ],
)
def test_nobody_writes_from_an_address_nobody_reads(sender: str) -> None:
    assert kind({"from": sender}) == "robot"
    assert kind({"from": sender, "reply-to": sender}) == "robot"


def test_a_form_that_writes_from_nobody_for_a_person_is_a_person() -> None:
    assert kind({"from": "Our form <no-reply@shop.example>", "reply-to": "Carl <carl@example.org>"}) == ""


AWAY = [
    ("Automatic reply: Double charge", "I am out of the office until 5 May with limited access to email."),
    ("Out of Office", "Thank you for your message. I will be away until Monday."),
    ("[Auto-Reply] Double charge", "Thanks for your e-mail. I will reply when I return."),
    ("Out of office Re: Double charge", "I'm on annual leave until 3 June."),
    ("Automatische Antwort: Doppelte Abbuchung", "Ich bin bis 5. Mai nicht im Büro."),
    ("Abwesenheitsnotiz", "In dringenden Fällen wenden Sie sich an …"),
    ("AW: x", ""),
    ("Réponse automatique : Double prélèvement", "Je suis absent jusqu’au 5 mai. En cas d’urgence, …"),
    ("Respuesta automática: Cobro doble", "Estaré fuera de la oficina hasta el 5 de mayo."),
    ("Risposta automatica: Doppio addebito", "Sono in ferie fino al 5 maggio."),
    ("Resposta automática: Cobrança", "Estou de férias até 5 de maio."),
    ("Automatisch antwoord: Dubbel", "Ik ben afwezig tot 5 mei."),
    ("Autosvar: Dubbelt", "Jag är på semester till den 5 maj."),
    ("Automatisk svar: Dobbelt", "Jeg er på ferie til 5. mai."),
    ("Fraværsmelding", "Jeg er ikke på kontoret."),
    ("Automaattinen vastaus: Veloitus", "Olen lomalla 5.5. asti."),
    ("Odpowiedź automatyczna: Opłata", "Jestem na urlopie do 5 maja."),
    ("Automatická odpověď: Platba", "Jsem na dovolené do 5. května."),
    ("Automatikus válasz: Díj", "Szabadságon vagyok május 5-ig."),
    ("Otomatik yanıt: Ödeme", "5 Mayıs'a kadar izindeyim, izinde olduğum sürece…"),
    ("Автоматический ответ: Списание", "Я в отпуске до 5 мая."),
    ("Автоматична відповідь: Оплата", "Я у відпустці до 5 травня."),
    ("Αυτόματη απάντηση: Χρέωση", "Είμαι εκτός γραφείου έως τις 5 Μαΐου."),
    ("自動応答: 二重請求", "ただいま休暇をいただいております。"),
    ("自动答复: 重复扣款", "我正在休假。"),
    ("자동 회신: 이중 청구", "현재 부재중입니다."),
    ("رد تلقائي: خصم", "أنا خارج المكتب حتى 5 مايو"),
    ("תשובה אוטומטית: חיוב", "אני מחוץ למשרד עד 5 במאי"),
]


@pytest.mark.parametrize(("subject", "text"), [(s, t) for s, t in AWAY if t])
def test_absence_is_known_without_any_header_in_many_languages(subject: str, text: str) -> None:
    assert kind(subject=subject, text=text) == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Out of office question", "How do I set an out of office reply? I am on vacation next week."),
        ("Out of office", "How do I turn this on in your portal?"),
        ("Question about your automatic reply", "I got an automated response, when will a person write?"),
        ("Re: Automatic reply: Double charge", "Thank you for your message. I am away on Monday, call on Tuesday."),
        ("AW: Abwesenheitsnotiz", "Ich bin ab dem 5. Mai im Urlaub, bitte rufen Sie vorher an."),
        ("Urlaub", "Ich bin ab dem 5. Mai im Urlaub. Können Sie den Anschluss so lange pausieren?"),
        ("Double charge", "I am out of the office until Monday, please call my wife."),
        ("Fwd: Undelivered Mail Returned to Sender", "Your system says user unknown. What is wrong?"),
        ("Undeliverable: my mails to you", "I keep getting this. What is wrong?"),
        ("Undeliverable", "My mail could not be delivered, why?"),
        ("Read: the contract", "I have read it and disagree."),
        ("Delivered: but broken", "The router came, and does not work."),
        ("Please confirm my order", "Will it come this week?"),
        ("Automatic reply", "> I am out of the office\n\nWhat does this mean?"),
        ("Abwesenheit des Technikers", "Der Techniker war nicht da."),
        ("Loop on the line", "precedence: bulk\nauto-submitted: auto-replied"),
        ("", ""),
    ],
)
def test_a_person_who_writes_about_such_things_is_a_person(subject: str, text: str) -> None:
    assert kind(subject=subject, text=text) == ""


def test_words_with_a_header_beside_them_tell_an_absence_from_a_robot() -> None:
    assert kind({"auto-submitted": "auto-generated"}, subject="Automatic reply: x", text="Bye") == "auto_reply"
    assert kind({"auto-submitted": "auto-generated"}, subject="Your order", text="Bye") == "robot"
    assert kind({"auto-submitted": "auto-replied"}, subject="Read: Your refund", text="was read") == "receipt"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Please confirm your message", "Click the link below to verify that you are not a robot"),
        ("Verification required", "To have your message delivered, reply to this mail once."),
    ],
)
def test_whoever_asks_for_a_click_is_never_answered(subject: str, text: str) -> None:
    assert kind(subject=subject, text=text) == "auto_reply"


MACHINES = {"bounced_with_no_from.eml": "bounce", "auto_reply.eml": "auto_reply"}


@pytest.mark.realdata
def test_of_the_shared_mails_only_the_machines_are_machines() -> None:
    got = {}
    for path in sorted(data.find("mail").rglob("*.eml")):
        mail = message_from_bytes(path.read_bytes())
        headers: dict[str, tuple[str, ...]] = {}
        for name, value in mail.items():
            if name.lower() in HEADERS:
                headers[name.lower()] = (*headers.get(name.lower(), ()), str(value))
        subject = str(make_header(decode_header(unquote(str(mail.get("subject", ""))))))
        if found := kind_of(headers, str(mail.get("content-type", "")), subject, ""):
            got[path.name] = found
    assert got == MACHINES


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.tuples(st.text())), st.text(), st.text(), st.text())
def test_nothing_written_breaks_it(headers: dict, content: str, subject: str, text: str) -> None:
    assert kind_of(headers, content, subject, text) in {"", "bounce", "receipt", "auto_reply", "list", "robot"}


@pytest.mark.parametrize("bit", ["(", "<", '"', "a@", "@", "= ?", ";", "> ", "re:", "-", "automatic reply", "İ"])
def test_nothing_long_takes_long(bit: str) -> None:
    """Each is clipped before it is looked at: a mail of megabytes is as quick as one of a page."""
    began = time.process_time()
    kind(
        {"from": bit * 100_000, "reply-to": bit * 100_000},
        content=bit * 100_000,
        subject=bit * 100_000,
        text=bit * 500_000,
    )
    assert time.process_time() - began < 2
