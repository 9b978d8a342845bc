"""The words of a notice: what may be written, and how it reads as a mail.

Subject and first sentence say what, for whom and what to do; then the next step and its time; at the end why one gets
it and how to stop. What is written is what is sent: there are no variables in it, so no name can break or bend it.
"""

import zoneinfo
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.models.case import Refusal
from crm.languages import spoken
from customers.folding import clean

Texts = Mapping[str, Mapping[str, str]]
PARTS = {"subject": 150, "body": 10_000, "next_step": 300}


def checked(texts: Texts) -> dict[str, dict[str, str]]:
    """The texts as they are kept: English first and whole, others whole or not at all. Refusal says what is missing."""
    kept = {language: _part(language, said) for language, said in texts.items()}
    kept = {language: said for language, said in kept.items() if any(said.values())}
    if "en" not in kept:
        raise Refusal(_("Write it in English first: that is what everybody else gets."))
    for language, said in kept.items():
        if not (said["subject"] and said["body"]):
            raise Refusal(_("Write both subject and text in %(language)s, or neither.") % {"language": language})
    return kept


def _part(language: str, said: Mapping[str, str]) -> dict[str, str]:
    if language not in dict(settings.LANGUAGES):
        raise Refusal(_("We do not write in “%(language)s”.") % {"language": str(language)[:12]})
    words = {name: clean(str(said.get(name, "") or "")).strip() for name in PARTS}
    long = [name for name, most in PARTS.items() if len(words[name]) > most]
    if long:
        raise Refusal(_("Too long: %(parts)s.") % {"parts": ", ".join(long)})
    return words | {name: " ".join(words[name].split()) for name in ("subject", "next_step")}


def letter(words: Mapping[str, str], *, news_by: datetime | None, language: str, tz: str, way_out: str) -> str:
    """The text of the mail, in the customer's language and by their own clock."""
    with translation.override(spoken(language)):
        parts = [words["body"], _next_step(words["next_step"], news_by, tz), _foot(way_out)]
    return "\n\n".join(part for part in parts if part)


def _next_step(step: str, news_by: datetime | None, tz: str) -> str:
    if news_by is None:
        return _("Next step: %(step)s") % {"step": step} if step else ""
    local = timezone.localtime(news_by, _zone(tz))
    when = f"{date_format(local, _('l j F Y, H:i'))} ({local.tzname()})"
    if step:
        return _("Next step: %(step)s, by %(when)s.") % {"step": step.rstrip("."), "when": when}
    return _("You hear from us by %(when)s.") % {"when": when}


def _foot(way_out: str) -> str:
    why = _("You get this because it concerns something you have with us. Answer this mail if you have a question.")
    return "\n".join(["--", why, _("No more service messages of this kind: %(link)s") % {"link": way_out}])


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")
