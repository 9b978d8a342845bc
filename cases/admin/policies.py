"""/admin/: service policies, how much who may grant, budgets, and what was made good."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from cases.admin.policy_grid import Inputs, Rows, canonical, shown_input, shown_row
from cases.admin.publishing import Publishing, names, only_theirs
from cases.models import Remedy, RemedyAuthority, RemedyBudget, ServicePolicy
from cases.policy import facts, overriding, shape
from cases.policy.overriding import Proposal
from cases.remedies import limits, overrides
from crm.admin import HouseAdmin, ReadOnlyAdmin, me, supervisors
from crm.models import User


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Saving proves the table and makes a version when it changed."""

    user: User  # who fills the form in
    draft: Proposal | None = None  # a row is shown as people decide it; nothing is changed before it is saved
    currency = forms.CharField(
        label=_("Currency"), max_length=3, initial="EUR", widget=UnfoldAdminTextInputWidget(attrs={"size": 4})
    )
    why = forms.CharField(label=_("Why it changes"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget)

    table_version = forms.IntegerField(required=False, widget=forms.HiddenInput)  # as it was shown

    class Meta:
        model = ServicePolicy
        fields = ["name", "queues", "is_active"]

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        self.standing = self.instance.current.table if self.instance.current else {}
        if self.standing:
            self.initial.update(currency=self.standing["currency"], table_version=self.instance.current.number)
        table = self.standing
        if data is None and self.draft and table:
            table = overriding.changed(table, self.draft)
            # Nothing that stands, so no part of the seal.
            self.fields["why"].initial = overrides.sentence(self.draft, table["currency"])
        asked = self.standing.get("inputs", [])
        self.inputs = Inputs(data, prefix="inputs", initial=[shown_input(each) for each in asked])
        columns = self._inputs() if data is not None else asked
        rows = [shown_row(row) for row in table.get("rows", [])]
        self.rows = Rows(data, prefix="rows", initial=rows, form_kwargs={"inputs": columns})

    def _inputs(self) -> list[dict[str, Any]]:
        """As they were sent, those that can be read; each name once."""
        self.inputs.is_valid()
        sent = [line.data_of() for line in self.inputs.forms if hasattr(line, "cleaned_data") and line.is_valid()]
        found: dict[str, dict[str, Any]] = {}
        for each in filter(None, sent):
            found.setdefault(each["name"], each)
        return list(found.values())

    def clean_queues(self) -> Any:
        queues = self.cleaned_data["queues"]
        if not queues and not self.user.is_administrator:
            raise ValidationError(_("Name the queues this is for. One for the whole house is set by administrators."))
        return queues

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self._must_be_as_shown(values.get("table_version"))
        if self.inputs.is_valid():
            self._must_be(shape.read, {**self.table(), "rows": []})  # rows are read by their inputs: those come first
        if not self.inputs.is_valid() or not self.rows.is_valid():
            raise ValidationError(_("Not saved yet: look at the table."))
        self._must_be(lambda table: shape.whole(table, facts.known()), self.table())
        return values

    def _must_be(self, proved: Callable[[dict[str, Any]], object], table: dict[str, Any]) -> None:
        try:
            proved(table)
        except shape.BadTable as bad:
            raise ValidationError(bad.faults) from None

    def _must_be_as_shown(self, number: int | None) -> None:
        """Nobody writes over a table they have not seen."""
        if number and self.instance.current and self.instance.current.number != number:
            raise ValidationError(
                _("Somebody saved another version meanwhile: load the page anew, and change that one.")
            )

    def table(self) -> dict[str, Any]:
        rows = [row for line in self.rows.forms if line.is_valid() and (row := line.data_of())]
        currency = str(self.cleaned_data.get("currency", "")).strip().upper()
        return {"currency": currency, "inputs": self._inputs(), "rows": rows}

    @property
    def draft_row(self) -> int:
        return self.draft.row + 1 if self.draft else 0

    @property
    def differs(self) -> bool:
        return canonical(self.table()) != canonical(self.standing) if self.standing else True

    def publish(self, policy: ServicePolicy, by: User) -> None:
        if self.differs:
            policy.publish(table=self.table(), by=by, why=self.cleaned_data.get("why", ""))


@admin.register(ServicePolicy, site=supervisors)
class ServicePolicyAdmin(Publishing):
    form = PolicyForm
    change_form_template = "cases/admin_policy.html"
    list_display = ["name", "touches", "granted", "waiting", "is_active", "version"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    ordering = ["name", "pk"]
    readonly_fields = ["overruled", "versions"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "currency", "why"]}),
        (_("For cases of"), {"fields": ["queues"]}),
        (_("What people decide otherwise"), {"fields": ["overruled"]}),
        (_("Versions"), {"fields": ["versions"]}),
    ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """With `draft` in the address: one of the proposals, as it stands now, is written into the grid."""
        form = super().get_form(request, obj, change, **kwargs)
        wanted = request.GET.get("draft")
        form.draft = next((p for p in _proposed(obj) if p.key == wanted), None) if wanted else None
        return form

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServicePolicy]:
        rows: QuerySet[ServicePolicy] = only_theirs(
            ServicePolicy.objects.select_related("current").prefetch_related("queues"), me(request)
        )
        standing = ~Q(remedies__state__in=[Remedy.State.REFUSED, Remedy.State.CALLED_OFF, Remedy.State.WAITING])
        return rows.annotate(
            granted_=Count("remedies", filter=standing & Q(remedies__isnull=False)),
            waiting_=Count("remedies", filter=Q(remedies__state=Remedy.State.WAITING)),
        )

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        told = super().construct_change_message(request, form, formsets, add)
        return "; ".join(filter(None, [told, str(_("Table")) if form.differs else ""]))

    @admin.display(description=_("queues"))
    def touches(self, policy: ServicePolicy) -> str:
        return names(policy) or str(_("every queue"))

    @admin.display(description=_("granted by it"))
    def granted(self, policy: Any) -> int:
        return int(policy.granted_)

    @admin.display(description=_("wait for approval"))
    def waiting(self, policy: Any) -> int:
        return int(policy.waiting_)

    @admin.display(description=_("In the last 30 days"))
    def overruled(self, policy: Any) -> SafeString | str:
        """Rows that people override for one reason again and again, each with a draft of another."""
        found = _proposed(policy)
        if not found:
            told = _("No row was overridden %(fewest)d times or more for one reason, and in a fifth of its decisions.")
            return str(told) % {"fewest": overriding.FEWEST}
        place = reverse("admin:cases_servicepolicy_change", args=[policy.pk])
        currency, label = policy.current.table["currency"], _("Open a draft with this row changed")
        rows = [(overrides.sentence(p, currency), place, p.key, p.row + 1, label) for p in found]
        link = '<li>{} <a class="underline font-semibold" href="{}?draft={}#policy-row-{}">{}</a></li>'
        return format_html('<ul class="flex flex-col gap-2">{}</ul>', format_html_join("", link, rows))

    @admin.display(description=_("So far"))
    def versions(self, policy: Any) -> SafeString | str:
        """Who changed the table, when, and why; the newest first."""
        if policy.pk is None:
            return str(_("Save it first."))
        rows = policy.versions.select_related("created_by").order_by("-number")[:20]
        told = (
            (v.number, timezone.localtime(v.created_at).strftime("%Y-%m-%d %H:%M"), v.created_by or "–", v.why)
            for v in rows
        )
        return format_html("<ul>{}</ul>", format_html_join("", "<li>v{} · {} · {} {}</li>", told))


def _proposed(policy: Any) -> list[Proposal]:
    return overrides.proposed(policy, timezone.now()) if policy is not None and policy.pk else []


@admin.register(RemedyAuthority, site=supervisors)
class RemedyAuthorityAdmin(HouseAdmin):
    """How much a role grants by itself."""

    list_display = ["role", "currency", "per_case", "per_day", "per_customer_year"]
    fields = ["role", "currency", "per_case", "per_day", "per_customer_year"]


@admin.register(RemedyBudget, site=supervisors)
class RemedyBudgetAdmin(HouseAdmin):
    """What may be granted in a month."""

    list_display = ["month", "currency", "amount", "left"]
    fields = ["month", "currency", "amount"]

    @admin.display(description=_("left"))
    def left(self, budget: RemedyBudget) -> str:
        at = timezone.make_aware(timezone.datetime(budget.month.year, budget.month.month, 1, 12))  # type: ignore[attr-defined]
        left = limits.left_of_month(budget.currency, at)
        return f"{left:.2f}" if left is not None else "–"


@admin.register(Remedy, site=supervisors)
class RemedyAdmin(ReadOnlyAdmin):
    """What was made good in the queues one sees, and what was asked for."""

    list_display = ["asked_at", "in_case", "policy", "amount", "kind", "state", "asked_by", "decided_by", "unasked"]
    list_display_links = None
    list_filter = ["state", "kind", "unasked", "override_reason", "policy"]
    list_select_related = ["case", "policy", "asked_by", "decided_by"]
    ordering = ["-asked_at", "-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Remedy]:
        return Remedy.objects.visible_to(me(request)).select_related("case", "policy", "asked_by", "decided_by")

    @admin.display(description=_("case"))
    def in_case(self, remedy: Remedy) -> SafeString:
        return format_html('<a href="{}">#{}</a>', reverse("cases:case", args=[remedy.case.number]), remedy.case.number)

    @admin.display(description=_("granted (by the table)"))
    def amount(self, remedy: Remedy) -> str:
        return f"{remedy.granted:.2f} ({remedy.computed:.2f}) {remedy.currency}"
