"""What a customer may say on the page of their case: words, files, and that we shall call."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import conversation, transitions
from cases.contact_form import Files, fresh_token, opened_token
from cases.hooks import File
from cases.mail.belonging import FOLLOWS, goes_on_in
from cases.models import Case, CaseLink, Message
from cases.receiving import is_recent, open_case
from cases.status_page import Visit
from crm import strict_json
from customers.addresses import Address, BadAddress, normalise

CHANNEL = "web"
SOURCE = "status_page"
CALL_BACK = "call-back"  # the tag by which reps find who wants a call
TIMES = {
    "soon": gettext_lazy("as soon as possible"),
    "morning": gettext_lazy("in the morning"),
    "afternoon": gettext_lazy("in the afternoon"),
    "evening": gettext_lazy("in the evening"),
}


class StatusForm(forms.Form):
    """Words, files, a number to call, or several of them; not nothing."""

    message = forms.CharField(
        label=gettext_lazy("Add something"),
        max_length=50_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    attachments = Files(
        label=gettext_lazy("Files"), required=False, help_text=gettext_lazy("Up to 5 files, 10 MB together.")
    )
    phone = forms.CharField(
        label=gettext_lazy("Please call me at"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        help_text=gettext_lazy("With the country code, like +44 20 7946 0123."),
    )
    when = forms.ChoiceField(label=gettext_lazy("When is it convenient?"), choices=[*TIMES.items()], required=False)
    token = forms.CharField(widget=forms.HiddenInput)

    def clean_message(self) -> str:
        words = str(self.cleaned_data["message"]).replace("\r\n", "\n").strip()
        if not strict_json.sound(words):
            raise forms.ValidationError(_("This holds characters that cannot be kept. Remove them and send it again."))
        return words

    def clean_phone(self) -> Address | None:
        if not self.cleaned_data["phone"].strip():
            return None
        try:
            return normalise("phone", self.cleaned_data["phone"])
        except BadAddress as error:
            raise forms.ValidationError(error.message) from error

    def clean_token(self) -> str:
        made = opened_token(self.cleaned_data["token"])
        if made is None:
            self.data = {**self.data, "token": fresh_token()}
            raise forms.ValidationError(_("This page was open for a long time. Please send it again."))
        return made

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and not (given.get("message") or given.get("attachments") or given.get("phone")):
            self.add_error("message", _("Write something, choose a file, or leave a number we shall call."))
        return given

    def word(self) -> "Word":
        given = self.cleaned_data
        files = [_file(one) for one in given["attachments"]]
        phone: Address | None = given["phone"]
        when = TIMES[given["when"] or "soon"]
        asks = (
            _("Please call me back at %(number)s, %(when)s.") % {"number": phone.display, "when": when} if phone else ""
        )
        text = "\n\n".join(part for part in (given["message"], asks) if part)
        digest = hashlib.sha256(repr((text, [(f.name, f.data) for f in files])).encode()).hexdigest()[:32]
        return Word(f"{given['token']}.{digest}", text, tuple(files), wants_call=phone is not None)


def _file(given: Any) -> File:
    return File(given.name or "file", given.content_type or "application/octet-stream", given.read())


@dataclass(frozen=True)
class Word:
    """What somebody sent from the page; the same form with the same words has the same `key`."""

    key: str
    text: str
    files: tuple[File, ...]
    wants_call: bool


def add(visit: Visit, word: Word, *, at: datetime) -> Case:
    """The customer's word, in their case as it goes on, or in a new one that follows where it is closed. Sent twice it is
    one message. Returns the case it is in."""
    try:
        with transaction.atomic():
            return _add(visit, word, at)
    except IntegrityError:  # the same form, sent at the same moment
        return Message.objects.select_related("case").get(source=SOURCE, external_id=word.key).case


def _add(visit: Visit, word: Word, at: datetime) -> Case:
    said = Message.objects.filter(source=SOURCE, external_id=word.key).select_related("case").first()
    if said is not None:
        return said.case
    case, closed = goes_on_in(visit.case, None)
    if case is None:
        case = _follow(closed or visit.case, at)
    if case.status == transitions.SPAM:
        case.reopen(by=None, at=at, via="channel", reason="customer_replied")
    conversation.add_inbound(
        case,
        text=word.text or _("(a file)"),
        sender=visit.sender,
        sender_name=str(case.customer or ""),
        channel=CHANNEL,
        at=at,
        files=word.files,
        source=SOURCE,
        external_id=word.key,
    )
    if word.wants_call:
        case.set_tags([*case.tags, CALL_BACK], by=None, at=at, via="channel")
    return case


def _follow(closed: Case, at: datetime) -> Case:
    case = open_case(
        queue=closed.queue,
        customer=closed.customer,
        subject=closed.subject,
        channel=closed.channel,
        at=at,
        via="channel",
        language=closed.language,
        issue=closed.issue if is_recent(closed, at) else None,
    )
    CaseLink.objects.create(case=case, other=closed, kind=FOLLOWS)
    return case
