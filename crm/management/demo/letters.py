"""Customers' mails as their programs write them: a new one, or an answer under the last mail we sent."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from random import Random

from django.conf import settings

from cases.mail import ids
from cases.models import Case, Dispatch
from customers.models import ContactPoint, Customer

SIGNATURES = {
    "en": ["Sent from my iPhone", "Sent from my phone, sorry for typos"],
    "de": ["Von meinem iPhone gesendet", "Gesendet mit der Mobil-App"],
    "es": ["Enviado desde mi iPhone", "Enviado desde mi móvil"],
}
WROTE = {
    "en": "On {when:%a, %d %b %Y at %H:%M}, {company} wrote:",
    "de": "Am {when:%d.%m.%Y} um {when:%H:%M} schrieb {company}:",
    "es": "El {when:%d/%m/%Y} a las {when:%H:%M}, {company} escribió:",
}


def address_of(customer: Customer) -> ContactPoint | None:
    """Where this customer writes from."""
    return customer.contact_points.filter(kind="email", ended_at=None).order_by("pk").first()


def new(customer: Customer, subject: str, text: str, *, at: datetime, rng: Random) -> bytes | None:
    """A mail that begins a conversation; None for whoever has no mail address."""
    return _mail(customer, subject, text, settings.DEFAULT_FROM_EMAIL, at, rng)


def answer(case: Case, text: str, *, at: datetime, rng: Random) -> bytes | None:
    """The customer's answer to the last mail we sent in this case, that mail quoted below; None where we sent none."""
    sent = Dispatch.objects.filter(message__case=case, channel="mail", state=Dispatch.State.SENT)
    last = sent.select_related("message").order_by("-sent_at").first()
    if last is None or case.customer is None:
        return None
    wrote = WROTE[_language(case.customer)].format(when=last.sent_at or at, company=settings.COMPANY)
    quoted = "\n".join(f"> {line}" for line in last.message.text.splitlines())
    mail = f"{text}\n\n{wrote}\n\n{quoted}"
    reference = ids.message_id(last)
    return _mail(case.customer, f"Re: {case.subject}", mail, ids.reply_address(last), at, rng, reference)


def _mail(
    customer: Customer, subject: str, text: str, to: str, at: datetime, rng: Random, reference: str = ""
) -> bytes | None:
    point = address_of(customer)
    if point is None:
        return None
    mail = EmailMessage()
    mail["From"] = formataddr((customer.name, point.value))
    mail["To"], mail["Subject"], mail["Date"] = to, subject, format_datetime(at)
    mail["Message-ID"] = make_msgid(domain=point.value.rpartition("@")[2])
    mail["Content-Language"] = customer.language
    if reference:
        mail["In-Reply-To"] = mail["References"] = reference
    signed = f"\n\n{rng.choice(SIGNATURES[_language(customer)])}" if not reference and rng.random() < 0.4 else ""
    mail.set_content(f"{text}{signed}\n")
    return mail.as_bytes()


def _language(customer: Customer) -> str:
    return customer.language if customer.language in WROTE else "en"
