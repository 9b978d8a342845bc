"""What people type into the console, checked and in words."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import linking, transitions, when
from cases.hooks import File
from cases.models import Case, PresenceReason, Queue, Skill
from cases.models.case import Refusal
from cases.models.skill import MOST_AT_ONCE
from crm.models import User

MOST_FILES = 10
MOST_BYTES = 10 * 1024 * 1024


class WhenField(forms.CharField):
    """A time in typed words ("today 17:00", "in 2 h"), read in the person's time zone."""

    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        try:
            return when.parse(text, now=timezone.localtime())
        except when.NotATime as wrong:
            raise forms.ValidationError(str(wrong)) from wrong


class WordsField(forms.CharField):
    """A text of several lines, kept as it was typed: browsers send each end of a line as two characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100_000, strip=False, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Attachments, read and bounded."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[File]:
        given: list[UploadedFile[Any]] = [f for f in (data or []) if f]
        if len(given) > MOST_FILES:
            raise forms.ValidationError(_("Send at most %(n)s files at once.") % {"n": MOST_FILES})
        if sum(f.size or 0 for f in given) > MOST_BYTES:
            raise forms.ValidationError(_("These files are more than 10 MB together. Send fewer, or a link."))
        return [File(f.name or "file", f.content_type or "application/octet-stream", f.read()) for f in given]


class ReplyForm(forms.Form):
    text = WordsField(error_messages={"required": _("Write something first.")})
    is_answer = forms.BooleanField(required=False)
    next_step = forms.CharField(max_length=300, required=False)
    by_when = WhenField(required=False)
    moves = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    then_status = forms.ChoiceField(
        required=False, choices=[(s, s) for s in (transitions.WAITING_CUSTOMER, transitions.OPEN, transitions.RESOLVED)]
    )
    against = forms.IntegerField(min_value=0)
    anyway = forms.BooleanField(required=False)
    files = FilesField(required=False)  # type: ignore[assignment]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("by_when") and not found.get("next_step", "").strip():
            self.add_error("next_step", _("Say what will be done by then."))
        if found.get("moves") and not found.get("by_when") and "by_when" not in self.errors:
            self.add_error("by_when", _("Say the new time, such as “today 17:00”, or leave the promise as it is."))
        return found


class NoteForm(forms.Form):
    text = WordsField(error_messages={"required": _("Write something first.")})
    files = FilesField(required=False)  # type: ignore[assignment]


class DraftForm(forms.Form):
    text = WordsField(required=False)
    is_answer = forms.BooleanField(required=False)
    next_step = forms.CharField(max_length=300, required=False)
    by_when = forms.CharField(max_length=60, required=False)
    moves = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    against = forms.IntegerField(min_value=0, required=False)


class AssignmentForm(forms.Form):
    to = forms.ModelChoiceField(
        User.objects.none(), error_messages={"invalid_choice": _("Choose somebody who works in this queue.")}
    )

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = people  # type: ignore[attr-defined]


class TransferForm(forms.Form):
    queue = forms.ModelChoiceField(Queue.objects.filter(is_active=True))
    note = forms.CharField(max_length=5000, required=False)


class TakeoverForm(forms.Form):
    reason = forms.CharField(
        max_length=2000, error_messages={"required": _("Say why, for whoever had it and the team.")}
    )


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=Case.Status.choices)


class PriorityForm(forms.Form):
    priority = forms.ChoiceField(choices=Case.Priority.choices)


class SnoozeForm(forms.Form):
    until = WhenField(error_messages={"required": _("Say until when, such as “tomorrow 9:30”.")})


class TagsForm(forms.Form):
    tags = forms.CharField(max_length=600, required=False)

    def words(self) -> list[str]:
        return [t for t in self.cleaned_data["tags"].split(",") if t.strip()]


class TaskForm(forms.Form):
    what = forms.CharField(max_length=300, error_messages={"required": _("Say what is to be done.")})
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("Choose somebody who works in this queue.")},
    )
    due_at = WhenField(required=False)

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]


class ReminderForm(forms.Form):
    at = WhenField(error_messages={"required": _("Say when, such as “tomorrow 9:00”.")})
    note = forms.CharField(max_length=200, required=False)
    unless_customer_writes = forms.BooleanField(required=False)


class SideForm(forms.Form):
    to = forms.CharField(max_length=4000, error_messages={"required": _("Say whom to ask: a mail address.")})
    subject = forms.CharField(max_length=200, required=False)
    text = WordsField(error_messages={"required": _("Write something first.")})
    quote = forms.TypedMultipleChoiceField(coerce=int, required=False)
    with_files = forms.BooleanField(required=False)
    files = FilesField(required=False)  # type: ignore[assignment]

    def __init__(self, *args: Any, quotable: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quote"].choices = [(message.pk, "") for message in quotable]  # type: ignore[attr-defined]


class SideReplyForm(SideForm):
    to = None  # type: ignore[assignment]
    subject = None  # type: ignore[assignment]


class SkillsForm(forms.Form):
    skills = forms.ModelMultipleChoiceField(Skill.objects.filter(is_active=True), required=False)


class PresenceForm(forms.Form):
    """A state, or one of the company's reasons as `state:key`."""

    choice = forms.CharField(max_length=30, error_messages={"required": _("Choose online, busy, away or offline.")})

    def clean(self) -> dict[str, Any]:
        state, _colon, key = str(self.cleaned_data.get("choice", "")).partition(":")
        reasons = PresenceReason.objects.filter(is_active=True)
        reason = reasons.filter(pk=key).first() if key.isdecimal() and len(key) < 10 else None
        if key and reason is None:
            raise forms.ValidationError(_("This reason is not offered any more."))
        return {"state": state, "reason": reason}


class CapacityForm(forms.Form):
    """How many cases somebody is given at once; empty: as many as everybody else."""

    most = forms.IntegerField(
        min_value=0,
        max_value=MOST_AT_ONCE,
        required=False,
        error_messages={
            name: _("Type how many cases at once, from 0 to %(most)s, or nothing.") % {"most": MOST_AT_ONCE}
            for name in ("invalid", "min_value", "max_value")
        },
    )


class NewcomerForm(forms.Form):
    name = forms.CharField(max_length=200, required=False)
    mail = forms.CharField(max_length=320, required=False)


class NumberField(forms.IntegerField):
    """A case's number, as people write it: with or without #."""

    def __init__(self) -> None:
        wrong = _("Give the number of a case, like 10482.")
        said = dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong)
        super().__init__(min_value=1, max_value=2**63 - 1, error_messages=said)

    def to_python(self, value: Any) -> int | None:
        return super().to_python(str(value or "").strip().removeprefix("#"))


class MergeForm(forms.Form):
    into = NumberField()


class SplitForm(forms.Form):
    subject = forms.CharField(max_length=300, required=False)
    with_later = forms.BooleanField(required=False)


class LinkForm(forms.Form):
    other = NumberField()
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in linking.KINDS])


class KeptForm(forms.Form):
    how = forms.CharField(
        max_length=2000, error_messages={"required": _("Say how we know: what was done, or who confirmed it.")}
    )


class DeviceForm(forms.Form):
    """A browser's push subscription, as it gives it."""

    endpoint = forms.URLField(max_length=1000, assume_scheme="https")
    p256dh = forms.RegexField(r"^[A-Za-z0-9_-]{87}$")
    auth = forms.RegexField(r"^[A-Za-z0-9_-]{20,44}$")
    name = forms.CharField(max_length=80, required=False)


def checked(form: forms.Form) -> dict[str, Any]:
    """The form's values, or a Refusal with its first complaint."""
    if form.is_valid():
        return form.cleaned_data
    field, complaints = next(iter(form.errors.items()))
    complaint = str(complaints[0])
    named = field in {"by_when", "next_step", "until"}
    raise Refusal(f"{_LABELS[field]}: {complaint}" if named else complaint)


_LABELS = {"by_when": _("By when"), "next_step": _("Next step"), "until": _("Until")}
