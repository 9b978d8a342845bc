"""Saving what clocks run by: what it does to those that run is shown before, and done only if asked for."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import recalculating
from cases.admin.publishing import Publishing
from cases.models import Case
from crm.admin import me

CHOICE = "_running"  # the button that was pressed on the page of the effect


class Previewing(Publishing):
    """The form is saved, measured and taken back; the page of the effect sends the same form again with the choice."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        obj.sent_again = form.again(request.POST)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._effect(request, obj) or super().response_change(request, obj)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._effect(request, obj) or super().response_add(request, obj, post_url_continue)

    def _effect(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """The page of the effect, with all that was saved undone; nothing when it changes nothing or was answered."""
        now, choice = timezone.now(), request.POST.get(CHOICE)
        if choice == "change":
            recalculating.begin(obj, by=me(request), at=now)
            self.message_user(request, _("Running clocks follow, a few at a time."))
        if choice in {"change", "keep"}:
            return None
        effect = recalculating.effect(obj, now)
        if not effect.clocks:
            return None
        page = self._effect_page(request, obj, effect)
        transaction.set_rollback(True)
        return page

    def _effect_page(self, request: HttpRequest, obj: Any, effect: recalculating.Effect) -> HttpResponse:
        seen = set(
            Case.objects.visible_to(me(request))
            .filter(pk__in={m.case.pk for m in effect.moves})
            .values_list("pk", flat=True)
        )
        context = {
            **self.admin_site.each_context(request),
            "title": str(obj),
            "effect": effect,
            "moves": [move for move in effect.moves if move.case.pk in seen],
            "again": pairs(obj.sent_again),
            "choice": CHOICE,
        }
        return TemplateResponse(request, "cases/admin_effect.html", context)


def pairs(sent: QueryDict) -> list[tuple[str, str]]:
    """What was sent, to be sent again."""
    return [(k, v) for k, values in sent.lists() for v in values if k not in {"csrfmiddlewaretoken", CHOICE}]
