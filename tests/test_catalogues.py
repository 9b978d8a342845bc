"""What customers and staff read in their language: whole catalogues, compiled, and pages and mails that use them."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation
from cases.compose import words_of
from cases.models import Queue
from crm.languages import spoken
from crm.models import User
from customers import preferences
from tests import catalogues
from tests.builders import make_case, make_customer

PLACES = re.compile(r"%\(\w+\)[sd]|%s|</?(?:b|strong)>")


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    """Run `python -m tests.catalogues` after changing a .po."""
    held = catalogues.read(language)
    assert held
    assert catalogues.path_of(language, "mo").read_bytes() == catalogues.compiled(language, held)


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_sentence_customers_read_is_translated(language: str) -> None:
    held, read = catalogues.read(language), set(catalogues.CUSTOMERS_READ)
    theirs = [e for e in catalogues.sentences().values() if e.files & read]
    assert len(theirs) > 60
    assert [e.msgid for e in theirs if e.msgid not in held or not held[e.msgid].is_translated] == []


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_the_console_is_translated_whole_or_not_offered(language: str) -> None:
    held, wanted = catalogues.read(language), catalogues.sentences()
    missing = [words for words in wanted if words not in held or not held[words].is_translated]
    assert len(missing) <= len(wanted) // 50, f"translate these, then run `python -m tests.catalogues`: {missing}"


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_a_translation_keeps_what_is_filled_in(language: str) -> None:
    for entry in catalogues.read(language).values():
        wanted = sorted(PLACES.findall(entry.plural or entry.msgid))
        assert all(sorted(PLACES.findall(said)) == wanted for said in entry.said if said), entry.msgid


@pytest.mark.parametrize(("code", "ours"), [("de", "de"), ("de-AT", "de"), ("ES_mx", "es"), ("fr", "en"), ("", "en")])
def test_a_language_we_do_not_speak_is_answered_in_ours(code: str, ours: str) -> None:
    assert spoken(code) == ours


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "tz", "line"),
    [
        ("de", "Europe/Berlin", "Nächster Schritt: Techniker, bis Dienstag, 1. Juli 2031, 17:00 Uhr (CEST)."),
        ("es", "Europe/Madrid", "Siguiente paso: Techniker, a más tardar el martes 1 de julio de 2031, 17:00 (CEST)."),
        ("fr", "Europe/London", "Next step: Techniker, by Tuesday 1 July 2031, 16:00 (BST)."),
    ],
)
def test_the_next_step_is_in_the_customers_words_and_time(
    billing: Queue, ana: User, language: str, tz: str, line: str
) -> None:
    customer = make_customer("Jonas Weber", email="jonas@example.org", language=language, tz=tz)
    case = make_case(billing, customer=customer, language=language, channel="mail")
    by_when = datetime(2031, 7, 1, 17, tzinfo=ZoneInfo("Europe/Berlin"))
    message = conversation.reply(
        case, by=ana, text="Guten Tag", written_against=99, next_step="Techniker", by_when=by_when
    )
    assert words_of(message) == f"Guten Tag\n\n{line}"


@pytest.mark.django_db
def test_the_form_speaks_the_language_of_the_browser(client: Client, billing: Queue) -> None:
    Queue.objects.update(is_public=True)
    page = client.get("/contact/", headers={"accept-language": "de-AT,de;q=0.9"}).content.decode()
    assert '<html lang="de"' in page
    assert "Schreiben Sie uns" in page
    wrong = client.post("/contact/", {"topic": billing.pk}, headers={"accept-language": "es"}).content.decode()
    assert "Su mensaje aún no se ha enviado" in wrong
    assert "Díganos su nombre." in wrong


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "title"), [("de", "Worüber wir Ihnen"), ("fr", "What we may write to you about")])
def test_the_preference_page_is_whole_in_one_language(client: Client, language: str, title: str) -> None:
    customer = make_customer(language=language)
    page = client.get(preferences.link(customer).removeprefix("http://127.0.0.1:8000")).content.decode()
    assert title in page
    assert ("Speichern" in page) == (language == "de")
    assert "Enregistrer" not in page


@pytest.mark.django_db
def test_a_rep_reads_the_console_in_their_language_and_an_admin_in_english(
    client: Client, billing: Queue, ana: User, sue: User
) -> None:
    User.objects.update(language="de")
    case = make_case(billing, waiting_since=timezone.now() - timedelta(hours=3))
    client.force_login(ana)
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "An den Kunden schreiben" in page
    assert "Take it" not in page
    client.force_login(sue)
    admin = client.get("/admin/").content.decode()
    assert '<html lang="en"' in admin
