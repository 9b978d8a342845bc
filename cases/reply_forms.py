"""The form of a saved reply: its title, its shortcut, a text for each language. People's own, and the shared ones."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from cases.models import SavedReply
from cases.variables import LONGEST_TEXT, text_faults
from crm.models import User

TEXTS = {code: f"text_{code}" for code, _name in settings.LANGUAGES}  # the house's languages, and their fields


class SavedReplyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Saving makes a version when title or texts changed. Texts in languages the house has no field for are kept."""

    title = forms.CharField(label=_("Title"), max_length=120)

    class Meta:
        model = SavedReply
        fields = ["folder", "shortcut", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.current:
            self.initial.setdefault("title", self.instance.current.title)
            for code, field in TEXTS.items():
                self.initial.setdefault(field, self.instance.texts.get(code, ""))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not any(field in self.errors for field in TEXTS.values()) and not self.texts():
            self.add_error(TEXTS[settings.LANGUAGE_CODE], _("Write the text in at least one language."))
        return values

    def texts(self) -> dict[str, str]:
        given = {code: self.cleaned_data.get(field, "") for code, field in TEXTS.items()}
        return {code: text for code, text in {**self.instance.texts, **given}.items() if text.strip()}

    def publish(self, reply: SavedReply, by: User) -> None:
        reply.publish(title=self.cleaned_data["title"], texts=self.texts(), by=by)


class TextField(forms.CharField):
    """What is said in one language, with variables that there are."""

    def __init__(self, *, label: Any, widget: Any = None) -> None:
        super().__init__(
            label=label,
            required=False,
            max_length=LONGEST_TEXT,
            strip=False,
            widget=widget or forms.Textarea(attrs={"rows": 3}),
        )

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "").replace("\r\n", "\n").strip()
        if text and (faults := text_faults({"en": text})):
            raise ValidationError(faults)
        return text


class SharedReplyForm(SavedReplyForm):
    """As supervisors write the ones of their queues."""

    user: User  # who fills the form in
    title = forms.CharField(label=_("Title"), max_length=120, widget=UnfoldAdminTextInputWidget)

    class Meta(SavedReplyForm.Meta):
        fields = ["folder", "shortcut", "queues", "is_active"]

    def clean_queues(self) -> Any:
        queues = self.cleaned_data["queues"]
        if not queues and not self.user.is_administrator:
            raise ValidationError(_("Name the queues this is for. One for the whole house is set by administrators."))
        return queues


for _code, _name in settings.LANGUAGES:
    SavedReplyForm.base_fields[TEXTS[_code]] = SavedReplyForm.declared_fields[TEXTS[_code]] = TextField(label=_name)
    SharedReplyForm.base_fields[TEXTS[_code]] = SharedReplyForm.declared_fields[TEXTS[_code]] = TextField(
        label=_name, widget=UnfoldAdminTextareaWidget(attrs={"rows": 7})
    )
