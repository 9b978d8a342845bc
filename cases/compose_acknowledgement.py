"""An acknowledgement as its customer reads it: that it arrived, what happens next, by when, and how to reach a person.

What goes to an address that nobody vouched for holds nothing of what was written, not even a name: whoever types a
stranger's address into the form must not be able to speak to them through us."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from cases import status_page
from cases.acknowledge import SOURCE, zone_of
from cases.compose import moment, subject_of, thread_of
from cases.hooks import Outgoing, composers
from cases.models import Acknowledgement, Dispatch
from crm.database.prepared import Prepared
from crm.languages import spoken


@composers.register
def acknowledgement_content(dispatch: Dispatch) -> Outgoing | None:
    if dispatch.source != SOURCE:
        return None
    (told,) = _TOLD(dispatch.pk)
    case, neutral = told.case, told.is_neutral
    language = spoken(case.language)
    with translation.override(language):
        return Outgoing(
            key=str(dispatch.key),
            to=dispatch.address,
            to_name="" if neutral or not case.customer else case.customer.name,
            subject=_("We have your message [#%(number)s]") % {"number": case.number} if neutral else subject_of(case),
            text=_text(told),
            language=language,
            thread=thread_of(case),
            status_url="" if neutral else status_page.link(case, dispatch.contact_point),
        )


_TOLD = Prepared(
    lambda dispatch: Acknowledgement.objects.filter(dispatch=dispatch).select_related(
        "case__customer", "queue__calendar__current"
    ),
    int,
)


def _text(told: Acknowledgement) -> str:
    name = "" if told.is_neutral or not told.case.customer else told.case.customer.name
    parts = [
        _("Hello %(name)s,") % {"name": name} if name else _("Hello,"),
        f"{_arrived(told)} {_next(told)}",
        _reach(told),
        _("You did not write to us? Then somebody gave your address by mistake, and you need not do anything.")
        if told.is_neutral
        else "",
        settings.COMPANY,
    ]
    return "\n\n".join(part for part in parts if part)


def _arrived(told: Acknowledgement) -> str:
    words = {"number": told.case.number}
    if told.is_further:
        return _("We have your further message in case #%(number)s.") % words
    return _("We have your message. It is case #%(number)s: name this number if you call or write again.") % words


def _next(told: Acknowledgement) -> str:
    if told.expected_at is None:
        return _("A person reads it and answers you. We answer in the order in which messages reach us.")
    words = {"when": moment(told.expected_at, zone_of(told.case))}
    if told.basis == Acknowledgement.Basis.PROMISE:
        return _("You hear from us by %(when)s, as promised.") % words
    if told.basis == Acknowledgement.Basis.TARGET:
        return _("A person reads it and answers you by %(when)s: that is our service time.") % words
    return (
        _("A person reads it and answers you by %(when)s: that is what we expect from how quickly we answer now.")
        % words
    )


def _reach(told: Acknowledgement) -> str:
    if told.queue.reach:
        return _("To reach a person now: %(how)s") % {"how": told.queue.reach}
    return _("To add something, answer this message, or write to us here: %(url)s") % {
        "url": settings.PUBLIC_URL.rstrip("/") + reverse("public:contact")
    }
