"""/admin/configuration/: what supervisors set, taken out as a file and brought in again, tried before it is done."""

import json

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import configuring
from crm.models import User


class ImportForm(forms.Form):
    """A file that was exported, or its text."""

    file = forms.FileField(label=_("File"), required=False)
    text = forms.CharField(required=False, widget=forms.HiddenInput)  # the same file, when it was tried before

    def clean(self) -> dict[str, str]:
        values = super().clean() or {}
        file = values.get("file")
        if file is not None and file.size > configuring.LARGEST:
            raise ValidationError(_("The file is too large."))
        try:
            text = file.read().decode() if file else values.get("text", "")
        except UnicodeDecodeError:
            raise ValidationError(_("The file is no text in UTF-8.")) from None
        if not text.strip():
            raise ValidationError(_("Choose a file."))
        return {"text": text}


def page(site: AdminSite, request: HttpRequest, user: User) -> HttpResponse:
    """GET shows what can be taken out, or (with `kind`) answers with the file; POST tries a file, or brings it in."""
    if kinds := request.GET.getlist("kind"):
        return _file(kinds, user)
    context = {**site.each_context(request), "title": _("Export and import"), "form": ImportForm(), "kinds": [(kind, label) for kind, (_key, label) in configuring.KINDS.items()]}  # fmt: skip
    if request.method == "POST":
        context |= _tried(ImportForm(request.POST, request.FILES), user, dry="do" not in request.POST)
    return TemplateResponse(request, "crm/admin_configuration.html", context)


def _file(kinds: list[str], user: User) -> HttpResponse:
    text = json.dumps(configuring.export(kinds, user), indent=2, ensure_ascii=False)
    name = f"forefront-{timezone.localdate().isoformat()}.json"
    return HttpResponse(
        text, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _tried(form: ImportForm, user: User, *, dry: bool) -> dict[str, object]:
    if not form.is_valid():
        return {"form": form}
    text = form.cleaned_data["text"]
    try:
        report = configuring.take(text, user, dry=dry)
    except configuring.Unreadable as error:
        form.add_error(None, str(error))
        return {"form": form}
    counts = [(label, report.count(became)) for became, label in _BECAME.items()]
    lines = [(line, _BECAME[line.became]) for line in report.lines]
    return {"form": form, "report": report, "counts": counts, "lines": lines, "text": text, "dry": dry}


_BECAME = {"created": _("new"), "changed": _("changed"), "same": _("as it is"), "refused": _("refused")}
