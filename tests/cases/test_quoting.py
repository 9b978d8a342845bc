"""Quotes and signatures: what is folded in mails of many languages and programs, and what never is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.mail.parsed import Fold, ParsedMail, Person
from cases.mail.quoting import folds


def new_text(text: str) -> str:
    return ParsedMail(Person("", ""), sender_sure=True, subject="", text=text, folds=folds(text)).new_text


def kinds(text: str) -> list[str]:
    return [fold.kind for fold in folds(text)]


# --- who wrote when, as mail programs say it

WROTE = [
    "On Tue, 3 Jan 2023 at 10:15, Ana Torres <ana@example.org> wrote:",
    "On Jan 3, 2023, at 10:15 AM, Ana Torres wrote:",
    "Am Di., 3. Jan. 2023 um 10:15 Uhr schrieb Ana Torres <ana@example.org>:",
    "Am 03.01.23 um 10:15 schrieb Ana Torres:",
    "Ana Torres <ana@example.org> schrieb am Di., 3. Jan. 2023,\n10:15:",
    "Le mar. 3 janv. 2023 à 10:15, Ana Torres <ana@example.org> a écrit\xa0:",
    "Le 03/01/2023 à 10:15, Ana Torres a écrit :",
    "El mar, 3 ene 2023 a las 10:15, Ana Torres (<ana@example.org>) escribió:",
    "Em ter., 3 de jan. de 2023 às 10:15, Ana Torres <ana@example.org>\nescreveu:",
    "Il giorno mar 3 gen 2023 alle ore 10:15 Ana Torres <ana@example.org> ha\nscritto:",
    "Op di 3 jan. 2023 om 10:15 schreef Ana Torres <ana@example.org>:",
    "Den tis 3 jan. 2023 kl 10:15 skrev Ana Torres <ana@example.org>:",
    "tir. 3. jan. 2023 kl. 10:15 skrev Ana Torres <ana@example.org>:",
    "Den tirs. 3. jan. 2023 kl. 10.15 skrev Ana Torres <ana@example.org>:",
    "ti 3. tammik. 2023 klo 10.15 Ana Torres (ana@example.org) kirjoitti:",
    "W dniu 3.01.2023 o 10:15, Ana Torres pisze:",
    "wt., 3 sty 2023 o 10:15 Ana Torres <ana@example.org> napisał(a):",
    "út 3. 1. 2023 v 10:15 odesílatel Ana Torres <ana@example.org> napsal:",
    "ut 3. 1. 2023 o 10:15 Ana Torres <ana@example.org> napísal(a):",
    "Ana Torres <ana@example.org> ezt írta (időpont: 2023. jan. 3., K, 10:15):",
    "În mar., 3 ian. 2023 la 10:15, Ana Torres <ana@example.org> a scris:",
    "вт, 3 янв. 2023 г. в 10:15, Ana Torres <ana@example.org>:",
    "03.01.2023, 10:15, \"Ana Torres\" <ana@example.org>:",
    "3 января 2023 г., в 10:15, Ana Torres написал(а):",
    "вт, 3 січ. 2023 р. о 10:15 Ana Torres <ana@example.org> пише:",
    "На вт, 3.01.2023 г. в 10:15 Ana Torres <ana@example.org> написа:",
    "uto, 3. sij 2023. u 10:15 Ana Torres <ana@example.org> napisao je:",
    "Στις Τρί 3 Ιαν 2023 στις 10:15 π.μ., ο χρήστης Ana Torres <ana@example.org> έγραψε:",
    "Ana Torres <ana@example.org>, 3 Oca 2023 Sal, 10:15 tarihinde şunu yazdı:",
    "‫בתאריך יום ג׳, 3 בינו׳ 2023 ב-10:15 מאת ‪Ana Torres‬‏ <‪ana@example.org‬‏>:‬",
    "في الثلاثاء، 3 يناير 2023 في 10:15 ص تمت كتابة ما يلي بواسطة Ana Torres <ana@example.org>:",
    "Vào Th 3, 3 thg 1, 2023 vào lúc 10:15 Ana Torres <ana@example.org> đã viết:",
    "ในวันที่ อ. 3 ม.ค. 2023 เวลา 10:15 Ana Torres <ana@example.org> เขียนว่า:",
    "Pada tanggal Sel, 3 Jan 2023 pukul 10.15 Ana Torres <ana@example.org> menulis:",
    "Ana Torres <ana@example.org> 于2023年1月3日周二 10:15写道：",
    "Ana Torres <ana@example.org> 於 2023年1月3日 週二 上午10:15寫道：",
    "2023年1月3日(火) 10:15 Ana Torres <ana@example.org>:",
    "2023년 1월 3일 (화) 오전 10:15, Ana Torres <ana@example.org>님이 작성:",
    "मंगल, 3 जन॰ 2023 को 10:15 बजे को Ana Torres <ana@example.org> ने लिखा:",
    "El dt., 3 gen. 2023, 10:15, Ana Torres <ana@example.org> va escriure:",
    "Ana Torres <ana@example.org> kirjutas kuupäeval T, 3. jaanuar 2023 kell 10:15:",
    "2023-01-03 10:15 GMT+02:00 Ana Torres <\nana@example.org>:",
]  # fmt: skip


@pytest.mark.parametrize("wrote", WROTE)
def test_a_quote_below_an_answer_is_folded_in_every_language(wrote: str) -> None:
    text = f"That did it, thank you!\n\n{wrote}\n\n> Did you try to restart it?\n>\n> Lee\n"

    assert new_text(text) == "That did it, thank you!"
    assert kinds(text) == ["quote"]


@pytest.mark.parametrize("wrote", WROTE)
def test_so_is_one_without_marks(wrote: str) -> None:
    assert (
        new_text(f"That did it, thank you!\n\n{wrote}\n\nDid you try to restart it?\n\nLee\n")
        == "That did it, thank you!"
    )


@pytest.mark.parametrize("wrote", WROTE)
def test_an_answer_below_its_quote_is_what_is_new(wrote: str) -> None:
    assert new_text(f"{wrote}\n> Did you try to restart it?\n\nYes, twice.\n") == "Yes, twice."


@pytest.mark.parametrize("wrote", WROTE)
def test_so_it_is_where_the_attribution_was_quoted_too(wrote: str) -> None:
    quoted = "\n".join(f"> {line}" for line in [*wrote.split("\n"), "", "Did you try to restart it?"])

    assert new_text(f"{quoted}\n\nYes, twice.\n") == "Yes, twice."
    assert new_text(f"Yes, twice.\n\n{quoted}\n") == "Yes, twice."


@pytest.mark.parametrize(
    "wrote",
    [
        "2013/6/20 Ana Torres <ana@example.org>",
        "Quoting Ana Torres <ana@example.org>:",
        "Ana Torres wrote:",
        "ana@example.org escribió:",
    ],
)
def test_a_short_attribution_is_known_by_the_quote_below_it(wrote: str) -> None:
    assert new_text(f"It works.\n\n{wrote}\n\n> Did you try to restart it?\n") == "It works."


HEADS = [
    ("From: Lee Hart <lee@example.com>", "Sent: Tuesday, January 3, 2023 10:15 AM", "To: Ana", "Subject: RE: Bill"),
    ("Von: Lee Hart", "Gesendet: Dienstag, 3. Januar 2023 10:15", "An: Ana", "Betreff: AW: Rechnung"),
    ("De : Lee Hart", "Envoyé : mardi 3 janvier 2023 10:15", "À : Ana", "Objet : RE: Facture"),
    ("De: Lee Hart", "Enviado el: martes, 3 de enero de 2023 10:15", "Para: Ana", "Asunto: RE: Factura"),
    ("De: Lee Hart", "Enviada em: terça-feira, 3 de janeiro de 2023 10:15", "Para: Ana", "Assunto: RE: Fatura"),
    ("Da: Lee Hart", "Inviato: martedì 3 gennaio 2023 10:15", "A: Ana", "Oggetto: R: Fattura"),
    ("Van: Lee Hart", "Verzonden: dinsdag 3 januari 2023 10:15", "Aan: Ana", "Onderwerp: RE: Rekening"),
    ("Från: Lee Hart", "Skickat: den 3 januari 2023 10:15", "Till: Ana", "Ämne: SV: Räkning"),
    ("Fra: Lee Hart", "Sendt: 3. januar 2023 10:15", "Til: Ana", "Emne: SV: Regning"),
    ("Lähettäjä: Lee Hart", "Lähetetty: tiistai 3. tammikuuta 2023 10.15", "Vastaanottaja: Ana", "Aihe: VS: Lasku"),
    ("Od: Lee Hart", "Wysłano: wtorek, 3 stycznia 2023 10:15", "Do: Ana", "Temat: ODP: Rachunek"),
    ("Od: Lee Hart", "Odesláno: úterý 3. ledna 2023 10:15", "Komu: Ana", "Předmět: RE: Účet"),
    ("От: Lee Hart", "Отправлено: 3 января 2023 г. 10:15", "Кому: Ana", "Тема: RE: Счёт"),
    ("Kimden: Lee Hart", "Gönderildi: 3 Ocak 2023 Salı 10:15", "Kime: Ana", "Konu: YNT: Fatura"),
    ("Feladó: Lee Hart", "Elküldve: 2023. január 3. 10:15", "Címzett: Ana", "Tárgy: RE: Számla"),
    ("发件人: Lee Hart", "发送时间: 2023年1月3日 10:15", "收件人: Ana", "主题: 答复: 账单"),
    ("差出人: Lee Hart", "送信日時: 2023年1月3日 10:15", "宛先: Ana", "件名: RE: 請求"),
    ("보낸 사람: Lee Hart", "보낸 날짜: 2023년 1월 3일 10:15", "받는 사람: Ana", "제목: RE: 청구서"),
    ("من: Lee Hart", "تم الإرسال: 3 يناير 2023 10:15", "إلى: Ana", "الموضوع: RE: فاتورة"),
    ("מאת: Lee Hart", "‏‏נשלח: יום שלישי 3 ינואר 2023 10:15", "‏‏אל: Ana", "‏‏נושא: RE: חשבון"),
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head[3])
@pytest.mark.parametrize(
    "shape", ["{}", "*{}", "________________________________\n{}", "-----Original Message-----\n{}"]
)
def test_a_repeated_mail_is_folded_with_its_head(head: tuple[str, ...], shape: str) -> None:
    lines = [f"*{field.replace(':', ':*', 1)}" if shape == "*{}" else field for field in head]
    head_text = "\n".join(lines) if shape == "*{}" else shape.format("\n".join(lines))
    text = f"Thank you, that works now.\nAna\n\n{head_text}\n\nHello Ana,\n\ndid you try to restart it?\n"

    assert new_text(text) == "Thank you, that works now.\nAna"


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----", "-----Ursprüngliche Nachricht-----", "-------- Message d'origine --------",
        "-----Mensaje original-----", "-----Mensagem original-----", "-----Messaggio originale-----",
        "-----Oorspronkelijk bericht-----", "-----Ursprungligt meddelande-----", "-----Oprindelig meddelelse-----",
        "-----Opprinnelig melding-----", "-----Alkuperäinen viesti-----", "-----Oryginalna wiadomość-----",
        "-----Исходное сообщение-----", "-----Orijinal Mesaj-----", "-----Původní zpráva-----", "-----Eredeti üzenet-----",
        "------------------ 原始邮件 ------------------", "-----元のメッセージ-----", "-----원본 메시지-----", "-----الرسالة الأصلية-----",
        "-----הודעה מקורית-----", "---------- Forwarded message ---------", "Begin forwarded message:",
        "Anfang der weitergeleiteten Nachricht:", "Début du message transféré :", "Inizio messaggio inoltrato:",
        "-------- Weitergeleitete Nachricht --------", "Mensaje reenviado:".join(["-----", "-----"]),
        "##- Please type your reply above this line -##", "---- Tue, 03 Jan 2023 10:15:00 +0100 Lee <lee@example.com> wrote ----",
    ],
)  # fmt: skip
def test_a_line_that_announces_a_mail_is_known(line: str) -> None:
    assert new_text(f"Thank you.\n\n{line}\n\nHello Ana,\n\nwe looked into it.\n") == "Thank you."


def test_a_mail_that_is_a_forward_is_shown() -> None:
    forward = (
        "---------- Forwarded message ---------\nFrom: Lee Hart <lee@example.com>\nDate: Tue, 3 Jan 2023 at 10:15\n"
        "Subject: Bill\nTo: Ana <ana@example.org>\n\nYour bill is 200 euro.\n"
    )

    assert folds(forward) == ()
    assert new_text(f"Is this right?\n\n{forward}") == "Is this right?"


def test_a_quote_without_any_answer_is_shown() -> None:
    text = "On Tue, 3 Jan 2023 at 10:15, Ana <ana@example.org> wrote:\n> Hello\n> there\n"

    assert folds(text) == ()


# --- answers between and below


def test_answers_between_quotes_keep_the_quotes() -> None:
    text = (
        "Hi Lee,\n\nOn Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:\n> Did you restart it?\n\nYes.\n\n"
        "> And the cable?\n\nThat too.\n\n> Lee\n"
    )
    assert new_text(text) == "Hi Lee,\n\n> Did you restart it?\n\nYes.\n\n> And the cable?\n\nThat too."


@pytest.mark.parametrize(
    "above",
    ["Hi Lee,", "Hallo Frau Hart,", "see my answer below", "Siehe unten.", "Antwort siehe unten", "Voir ci-dessous"],
)
def test_a_short_answer_below_is_new_where_the_words_above_only_lead_to_it(above: str) -> None:
    text = f"{above}\n\nOn Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:\n> Did you restart it?\n\nNo, how?\n"

    assert new_text(text).endswith("No, how?")


def test_a_long_answer_below_is_never_taken_for_a_signature() -> None:
    answer = "\n".join(f"{n}. I did that." for n in range(1, 9))
    text = f"Hello\n\nOn Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:\n> What did you do?\n\n{answer}\n"

    assert answer in new_text(text)


# --- signatures


@pytest.mark.parametrize(
    "sent",
    [
        "Sent from my iPhone", "Sent from my Samsung Galaxy smartphone.", "Sent from Mail for Windows 10",
        "Get Outlook for iOS<https://aka.ms/o0ukef>", "Sent from Yahoo Mail on Android", "Sent via BlackBerry from T-Mobile",
        "Von meinem iPhone gesendet", "Gesendet von meinem Samsung Galaxy Smartphone", "Von meinem iPad gesendet",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.", "Envoyé de mon iPhone",
        "Envoyé depuis mon smartphone Samsung Galaxy.", "Enviado desde mi iPhone", "Enviado do meu iPhone", "Inviato da iPhone",
        "Inviato dal mio telefono", "Verstuurd vanaf mijn iPhone", "Verzonden met mijn telefoon", "Skickat från min iPhone",
        "Sendt fra min iPhone", "Lähetetty iPhonesta", "Wysłane z iPhone'a", "Odesláno z iPhonu", "Отправлено с iPhone",
        "Отправлено из мобильной Яндекс.Почты", "Надіслано з iPhone", "iPhone'umdan gönderildi", "iPhoneから送信", "发自我的iPhone",
        "從我的 iPhone 傳送", "나의 iPhone에서 보냄", "أُرسلت من الـ iPhone", "נשלח מה-iPhone שלי", "Trimis de pe iPhone-ul meu",
        "Στάλθηκε από το iPhone μου", "Dikirim dari iPhone saya", "ส่งจาก iPhone ของฉัน", "Được gửi từ iPhone của tôi",
    ],
)  # fmt: skip
def test_a_telephones_signature_is_folded(sent: str) -> None:
    text = f"It works again.\n\n{sent}\n"

    assert new_text(text) == "It works again."
    assert kinds(text) == ["signature"]


@pytest.mark.parametrize(
    "said",
    [
        "Sent from my desk, is much easier than my mobile phone.",
        "Sent back the iPhone yesterday.\nStill no refund.",
        "I sent it from my phone to your phone",
        "Enviado el paquete ayer, todavía nada.",
    ],
)
def test_sentences_that_begin_alike_stay(said: str) -> None:
    assert folds(f"Hello.\n\n{said}\n") == ()


@pytest.mark.parametrize(
    "rule", ["-- ", "--", "—", "__", "_____________________", "-----------", "* * *", "=========="]
)
def test_what_stands_below_a_signatures_rule_is_folded(rule: str) -> None:
    text = f"It works again.\n\n{rule}\nAna Torres\nExample Ltd\n+44 20 7946 0123\n"

    assert new_text(text) == "It works again."
    assert kinds(text) == ["signature"]


def test_rules_that_part_a_text_are_none_of_a_signature() -> None:
    parts = "First:\n\n-----\n\none\n\n-----\n\ntwo\n\n-----\n\nPlease help.\n"
    headed = "Order\n=====\nLamp\n\nBill\n=====\n20 euro\n"
    long = "Log:\n\n----------\n\n" + "\n".join(f"line {n}" for n in range(40))

    assert folds(parts) == folds(headed) == folds(long) == ()


def test_a_signature_above_a_quote_and_the_quote_are_told_apart() -> None:
    text = "Yes.\n\n-- \nAna\n\nOn Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:\n> Still?\n"

    assert new_text(text) == "Yes."
    assert kinds(text) == ["signature", "quote"]


def test_what_lists_and_law_departments_append_is_folded() -> None:
    foot = (
        "You received this message because you are subscribed to the group.\nTo unsubscribe from this group write to …"
    )

    assert new_text(f"I agree.\n\n{foot}\n") == "I agree."
    assert new_text("Please unsubscribe me.\n\nTo unsubscribe I clicked your link, and nothing happened.\n").endswith(
        "happened."
    )


# --- what stays

STAYS = [
    "",
    "\n\n\n",
    "Hello",
    "On your machine:\n\n    reboot\n\nand wait.",
    "On Monday I wrote to you:\nnothing came back.",
    "On 3 May 2024 your colleague wrote to me that it would be:\n\nno problem at all",
    "He wrote:\nI will pay. And he did not.",
    "From: London\nTo: Paris\nDate: 3 May\n\nCan I change that?",
    "Name: Ana\nCustomer number: 12\nSubject: Bill\n\nPlease call me.",
    "> is a sign I use\nto begin lines",
    "I want:\n- one\n- two\n\nThanks\nAna",
    "```\n> ls\n-- \nFrom: x\n```\nWhat is wrong with it?",
    "a > b\n\nb < c",
    "It says: wrote:",
    "You wrote from help@example.com and there it says you wrote:\nWe pay it back.\nYou did not.",
    "Hello,\n\nI wrote to ana@example.org that:\n\nI will leave on 3.5.2024 at 10:00.\n",
    "Deliver it to:\nAna Torres\nTo the back door\nDate: any",
    "Best regards\nAna Torres",
]


@pytest.mark.parametrize("text", STAYS)
def test_words_of_the_customers_own_are_never_folded(text: str) -> None:
    assert folds(text) == ()


# --- whatever the text

_LINES = st.sampled_from(
    [
        "", "> quoted", ">> deeper", "Hello", "a line of words", "On Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:",
        "-- ", "-----", "_______", "From: Lee <lee@example.com>", "Sent: today", "To: Ana", "Subject: Bill", "-----Original Message-----",
        "Begin forwarded message:", "Sent from my iPhone", "```", "-Ana", "wrote:", "<lee@example.com>", "> wrote:",
        "To unsubscribe from this list", "On 3 Jan 2023", "\u202bמאת\u202c:", "\t", "Hi,",
    ]
)  # fmt: skip
_TEXTS = st.one_of(
    st.text(max_size=300),
    st.builds(lambda lines, end: end.join(lines), st.lists(_LINES, max_size=40), st.sampled_from(["\n", "\r\n", "\r"])),
)


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_folds_lie_in_order_within_the_text_and_apart(text: str) -> None:
    at = 0
    for fold in folds(text):
        assert at <= fold.start < fold.end <= len(text)
        assert fold.kind in {"quote", "signature"}
        at = fold.end


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_something_is_always_left_where_something_was_said(text: str) -> None:
    if text.strip():
        assert new_text(text).strip()


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_what_is_new_has_nothing_more_to_fold(text: str) -> None:
    once = new_text(text)

    assert new_text(once) == once


def test_the_lines_of_a_fold_are_whole() -> None:
    text = "Yes.\r\n\r\nOn Tue, 3 Jan 2023 at 10:15, Lee <lee@example.com> wrote:\r\n> Still?\r\n"

    assert folds(text) == (Fold(text.index("On Tue"), len(text), "quote"),)
