"""The public contact form: what people fill in, and the document it becomes (the same a channel would send)."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from cases import asked_fields
from cases.models import Queue
from crm import strict_json
from crm.files import clean_name
from crm.secrets import Unreadable, sign, unsign
from customers.addresses import Address, BadAddress, normalise

CHANNEL = "web"
MOST_FILES, LARGEST_FILES = 5, 10 * 1024 * 1024
QUICKEST, OLDEST = 1, 24 * 3600  # seconds a form is on screen before it is sent


@dataclass(frozen=True)
class Letter:
    """A filled-in form as it is stored. The same form with the same words has the same `external_id`."""

    external_id: str
    raw: bytes


def fresh_token() -> str:
    """Names one form on one screen, and says when it was made."""
    return sign({"form": secrets.token_urlsafe(18), "at": int(timezone.now().timestamp())}, purpose="contact form")


def opened_token(token: str) -> str | None:
    """The name of the form that was on screen; None for one that is not ours or was open too long."""
    made, age = _unsigned(token)
    return made if age <= OLDEST else None


def _unsigned(token: str) -> tuple[str, float]:
    """Its name and its age in seconds."""
    try:
        made = unsign(token, purpose="contact form")
        return str(made["form"]), timezone.now().timestamp() - made["at"]
    except (Unreadable, KeyError, TypeError):
        return "", OLDEST + 1


def public_queues() -> Sequence[Queue]:
    return list(Queue.objects.filter(is_public=True, is_active=True).annotate(**asked_fields.asks()))


def queue_named(topic: str) -> Queue | None:
    """A topic by the number or the slug of its public queue."""
    return next((q for q in public_queues() if topic in {str(q.pk), slugify(q.name, allow_unicode=True)}), None)


class _Several(forms.ClearableFileInput):
    allow_multiple_selected = True


class Files(forms.FileField):
    """Up to five files, ten megabytes together."""

    widget = _Several

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        files = [super(Files, self).clean(one, initial) for one in data or [] if one]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(_("Send at most %(n)d files.") % {"n": MOST_FILES})
        if sum(file.size or 0 for file in files) > LARGEST_FILES:
            raise forms.ValidationError(_("The files are more than 10 MB together. Send fewer or smaller ones."))
        return files


class ContactForm(forms.Form):
    """Name, address, topic, words, files. `website` stays empty when a person fills it in: they cannot see it (the
    template shows it empty again after an error, so that a browser which filled it cannot lock anybody out)."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": gettext_lazy("Tell us your name.")},
    )
    address = forms.CharField(
        label=gettext_lazy("Mail address or phone number"),
        help_text=gettext_lazy("Where we can answer you."),
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
        error_messages={"required": gettext_lazy("Tell us where we can answer you.")},
    )
    topic = forms.ChoiceField(
        label=gettext_lazy("What is it about?"), error_messages={"required": gettext_lazy("Choose what it is about.")}
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=300,
        error_messages={"required": gettext_lazy("Say it in a few words.")},
    )
    message = forms.CharField(
        label=gettext_lazy("Your message"),
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": gettext_lazy("Write to us what we can do for you.")},
    )
    attachments = Files(
        label=gettext_lazy("Files"), required=False, help_text=gettext_lazy("Up to 5 files, 10 MB together.")
    )
    website = forms.CharField(required=False)
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, queues: Sequence[Queue], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topic = self.fields["topic"]
        assert isinstance(topic, forms.ChoiceField)  # noqa: S101 - declared above; for the type checker
        topic.choices = [(str(q.pk), q.name) for q in queues]
        self.asked, self.given = asked_fields.of(queues), dict[str, Any]()
        asked = asked_fields.inputs(self.asked, queues)
        self.fields.update(asked)
        self.order_fields(["name", "address", "topic", "subject", *asked, "message"])
        if len(queues) == 1:
            topic.widget, topic.initial = forms.HiddenInput(), str(queues[0].pk)

    def clean_address(self) -> Address:
        written = self.cleaned_data["address"]
        try:
            return normalise("email" if "@" in written else "phone", written)
        except BadAddress as error:
            raise forms.ValidationError(error.message) from error

    def clean_message(self) -> str:
        """As it was typed: browsers send each end of a line as two characters."""
        return str(self.cleaned_data["message"]).replace("\r\n", "\n")

    def clean_token(self) -> str:
        """The form's own name. Robots send at once, or what they fetched days ago."""
        made, age = _unsigned(self.cleaned_data["token"])
        if age > OLDEST:
            self.renew()
            raise forms.ValidationError(_("This page was open for a long time. Please send it again."))
        if age < QUICKEST:
            raise forms.ValidationError(_("That was very quick. Please look it over and send it again."))
        return made

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError(_("We could not be sure that a person wrote this. Please send it again."))
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and not strict_json.sound(value):
                self.add_error(name, _("This holds characters that cannot be kept. Remove them and send it again."))
        self._look_over(cleaned)
        return cleaned

    def _look_over(self, cleaned: dict[str, Any]) -> None:
        """What the chosen queue asks of customers; what only others ask is no part of it."""
        start, topic = asked_fields.PREFIX, int(cleaned.get("topic") or 0)
        told = {name.removeprefix(start): value for name, value in cleaned.items() if name.startswith(start)}
        for key, why in asked_fields.faults(self.asked, topic, told).items():
            if f"{start}{key}" not in self.errors:
                self.add_error(f"{start}{key}", why)
        here = {f.key for f in self.asked if asked_fields.is_asked_in(f, topic)}
        self.given = {key: value for key, value in told.items() if key in here and value}

    def renew(self) -> None:
        """Make the form on screen a new one, its words kept."""
        self.data = {**self.data, "token": fresh_token()}

    def letter(self) -> Letter:
        """The document to store. Sent twice it is one; changed and sent again it goes on in the same conversation."""
        said = self.cleaned_data
        address: Address = said["address"]
        document = {
            "thread": said["token"],
            "from": {"name": said["name"], "addresses": [{"kind": address.kind, "value": address.display}]},
            "subject": said["subject"],
            "text": said["message"],
            "language": (get_language() or "")[:12],
            "queue": int(said["topic"]),
            "attachments": [_attachment(file) for file in said["attachments"]],
        }
        if self.given:
            document["fields"] = self.given
        raw = json.dumps(document, sort_keys=True).encode()
        return Letter(f"{said['token']}.{hashlib.sha256(raw).hexdigest()[:32]}", raw)


def _attachment(file: "UploadedFile[Any]") -> dict[str, str]:
    return {
        "name": clean_name(file.name or ""),
        "type": file.content_type or "application/octet-stream",
        "content": base64.b64encode(file.read()).decode(),
    }
