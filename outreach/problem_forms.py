"""What a person types about a known problem or a notice."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.languages import spoken
from outreach.models import KnownProblem
from outreach.wording import PARTS


class ProblemForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is known of it, in words."""

    class Meta:
        model = KnownProblem
        fields = (
            "title",
            "severity",
            "is_safety",
            "state",
            "symptom",
            "cause",
            "workaround",
            "fix",
            "status_text",
            "next_update_at",
        )
        widgets = {
            "next_update_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            **{
                name: forms.Textarea(attrs={"rows": 2})
                for name in ("symptom", "cause", "workaround", "fix", "status_text")
            },
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state: Any = self.fields["state"]
        state.choices = [c for c in KnownProblem.State.choices if c[0] != KnownProblem.State.CLOSED]


class DeclareForm(forms.ModelForm):  # type: ignore[type-arg]
    """The least one says to begin with."""

    class Meta:
        model = KnownProblem
        fields = ("title", "symptom", "workaround")


class ConditionForm(forms.Form):
    """Whom it hits, as data; empty: nobody."""

    condition = forms.JSONField(label=_("Whom it hits"), required=False)


class NoticeForm(forms.Form):
    """One box a part and language; what is left empty falls back to English."""

    def __init__(self, *args: Any, texts: dict[str, dict[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language, _name in settings.LANGUAGES:
            for part, most in PARTS.items():
                self.fields[f"{language}.{part}"] = forms.CharField(
                    required=False, max_length=most, initial=(texts or {}).get(language, {}).get(part, "")
                )

    def texts(self) -> dict[str, dict[str, str]]:
        said = self.cleaned_data
        return {
            language: {part: said.get(f"{language}.{part}") or "" for part in PARTS}
            for language, _name in settings.LANGUAGES
        }

    def boxes(self) -> list[dict[str, Any]]:
        """A group a language, for the template."""
        return [
            {
                "language": language,
                "name": name,
                "is_first": language == spoken("en"),
                **{part: self[f"{language}.{part}"] for part in PARTS},
            }
            for language, name in sorted(settings.LANGUAGES, key=lambda pair: pair[0] != "en")
        ]
