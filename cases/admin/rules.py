"""/admin/: rules, what they did lately, and what they could not."""

import json
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from cases.admin.effects import CHOICE, pairs
from cases.admin.publishing import Publishing, names
from cases.admin.rule_form import EVENT_FIELDS, WAIT_FIELDS, RuleForm
from cases.models import Case, Rule, RuleRun, RuleTrial
from cases.rules import reach, running, trying, words
from cases.rules.catalogue import catalogue
from cases.rules.looking import holds_now, trial_told
from crm.admin import ReadOnlyAdmin, log_each, me, supervisors

WEEK = timedelta(days=7)
LOOKED_AT = 200  # cases, while somebody waits for the page


@admin.register(Rule, site=supervisors)
class RuleAdmin(Publishing):
    """Nothing is switched on, and nothing that is on is changed, before what it would have done is shown."""

    form = RuleForm
    list_display = ["name", "asked_when", "touches", "position", "stands", "acted", "trouble", "last_run"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    ordering = ["position", "pk"]
    actions = ["let_go_on"]
    readonly_fields = ["standing"]
    change_form_template = "cases/admin_rule.html"
    fieldsets = [
        (None, {"fields": ["name", "standing", "is_active", "position", "queues"]}),
        (_("When"), {"fields": [*EVENT_FIELDS, *WAIT_FIELDS]}),
        (_("If"), {"fields": ["condition"]}),
        (_("Then"), {"fields": ["then"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        week, states = timezone.now() - WEEK, RuleRun.State
        done = Q(runs__state=states.DONE, runs__asked_at__gte=week) & ~Q(runs__caused=[])
        failing = Q(runs__state__in=[states.WAITING, states.FAILED], runs__attempts__gt=0)
        rows = reach.steered_by(me(request)).select_related("current").prefetch_related("queues")
        return rows.annotate(
            acted_=Count("runs", filter=done), trouble_=Count("runs", filter=failing), last_=Max("runs__settled_at", filter=done)
        )  # fmt: skip

    @admin.display(description=_("when"))
    def asked_when(self, rule: Rule) -> str:
        return words.when(rule.current.when) if rule.current else "–"

    @admin.display(description=_("queues"))
    def touches(self, rule: Rule) -> str:
        return names(rule) or str(_("every queue"))

    @admin.display(description=_("stands"))
    def stands(self, rule: Rule) -> str:
        if rule.paused_at:
            return now_("paused: %(why)s") % {"why": rule.get_paused_why_display()}
        return now_("on") if rule.is_active else now_("off")

    @admin.display(description=_("stands"))
    def standing(self, rule: Rule) -> SafeString | str:
        """With the way to what it did."""
        if not rule.pk:
            return now_("A new rule. It acts once it is saved and switched on.")
        log = f"{reverse('admin:cases_rulerun_changelist')}?rule={rule.pk}"
        return format_html(
            '{} · <a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            self.stands(rule),
            log,
            now_("what it did"),
        )

    @admin.display(description=_("acted, 7 days"))
    def acted(self, rule: Any) -> int:
        return int(rule.acted_)

    @admin.display(description=_("in trouble"))
    def trouble(self, rule: Any) -> int:
        return int(rule.trouble_)

    @admin.display(description=_("last run"))
    def last_run(self, rule: Any) -> Any:
        return rule.last_

    @admin.action(description=_("Let the paused ones go on"))
    def let_go_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        done = [rule for rule in queryset if rule.go_on()]
        log_each(self, request, done, _("Gone on"))
        self.message_user(request, _("Going on: %(count)d.") % {"count": len(done)})

    # --- saving

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """Whether it is on is said by its own verbs, once its queues are saved too."""
        wanted, obj.is_active = form.cleaned_data["is_active"], bool(form.initial.get("is_active")) and change
        changed = [name for name in ("name", "position") if name in form.changed_data]
        obj.save(update_fields=changed if change else None)
        was = obj.current_id
        form.publish(obj, me(request))
        obj.asked = {"on": wanted, "new": was != obj.current_id or "queues" in form.changed_data}  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._effect(request, obj) or super().response_change(request, obj)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._effect(request, obj) or super().response_add(request, obj, post_url_continue)

    def _effect(self, request: HttpRequest, rule: Any) -> HttpResponse | None:
        """The page of what it would have done last week, with all that was saved undone; nothing once that is answered,
        or where the rule is to stay off or says what it said."""
        on, choice = rule.asked["on"], request.POST.get(CHOICE)
        if on and choice is None and (rule.asked["new"] or not rule.is_active):
            page = self._effect_page(request, rule)
            transaction.set_rollback(True)
            return page
        rule.switch_on() if on and choice != "off" else rule.switch_off()
        return None

    def _effect_page(self, request: HttpRequest, rule: Rule) -> HttpResponse:
        assert rule.current is not None  # noqa: S101 - it was published a moment ago
        trial = trying.glance(rule.current, now=timezone.now(), most=LOOKED_AT)
        context = {
            **self.admin_site.each_context(request),
            "title": rule.name,
            "told": trial_told(trial, me(request)),
            "sentence": words.sentence(rule.current),
            "again": pairs(request.POST),
            "choice": CHOICE,
        }
        return TemplateResponse(request, "cases/admin_rule_effect.html", context)

    # --- while it is written

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.preview), name="cases_rule_preview"),
            path("catalogue/", view(self.catalogue), name="cases_rule_catalogue"),
            path("<int:pk>/trials/", view(self.trials), name="cases_rule_trials"),
            path("<int:pk>/trials/<int:trial>/", view(self.trial), name="cases_rule_trial"),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """The condition as a sentence, and for which open cases it holds now; what is wrong with it, and where."""
        try:
            return JsonResponse(holds_now(json.loads(request.POST.get("condition", "")), me(request), timezone.now()))
        except ValueError:
            return JsonResponse({"ok": False, "words": now_("This is no JSON yet.")})

    def catalogue(self, request: HttpRequest) -> JsonResponse:
        """What a rule can be put together from, for the editor."""
        return JsonResponse(catalogue(me(request)))

    def trials(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin a dry run of what is saved (POST)."""
        rule = get_object_or_404(self.get_queryset(request), pk=pk)
        if request.method != "POST" or rule.current is None:
            return HttpResponseRedirect(reverse("admin:cases_rule_change", args=[pk]))
        begun = trying.begin(rule.current, by=me(request), now=timezone.now())
        return HttpResponseRedirect(reverse("admin:cases_rule_trial", args=[pk, begun.pk]))

    def trial(self, request: HttpRequest, pk: int, trial: int) -> HttpResponse:
        """How far a dry run is, and what it found; POST stops it."""
        rule = get_object_or_404(self.get_queryset(request), pk=pk)
        found = get_object_or_404(RuleTrial.objects.select_related("version__rule"), pk=trial, version__rule=rule)
        if request.method == "POST":
            trying.stop(found)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": rule.name,
            "rule": rule,
            "trial": found,
            "told": trial_told(found, me(request)),
            "sentence": words.sentence(found.version),
        }
        return TemplateResponse(request, "cases/admin_rule_trial.html", context)


class OfRule(admin.SimpleListFilter):
    """One of the rules one sets."""

    title = _("rule")
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(rule.pk), rule.name) for rule in reach.steered_by(me(request))[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(rule=int(value)) if value.isdigit() and len(value) < 19 else queryset


@admin.register(RuleRun, site=supervisors)
class RuleRunAdmin(ReadOnlyAdmin):
    """Each time a rule was asked: what it did, why it did nothing, and what it could not do."""

    list_display = ["asked_at", "rule", "version_number", "the_case", "state", "changes", "attempts", "error"]
    list_filter = ["state", OfRule]
    fields = ["asked_at", "rule", "version_number", "the_case", "state", "changes", "missing", "attempts", "due_at", "error"]  # fmt: skip
    readonly_fields = ["version_number", "the_case", "changes", "missing"]
    ordering = ["-pk"]
    actions = ["try_again"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleRun]:
        rows = RuleRun.objects.select_related("rule", "version", "case")
        user = me(request)
        if user.is_administrator:
            return rows
        return rows.filter(rule__in=reach.steered_by(user), case__in=Case.objects.visible_to(user))

    @admin.display(description=_("version"))
    def version_number(self, run: RuleRun) -> int:
        return run.version.number

    @admin.display(description=_("case"))
    def the_case(self, run: RuleRun) -> SafeString:
        return format_html('<a href="{}">#{}</a>', reverse("cases:case", args=[run.case.number]), run.case.number)

    @admin.display(description=_("changes"))
    def changes(self, run: RuleRun) -> int:
        return len(run.caused)

    @admin.display(description=_("what did not hold"))
    def missing(self, run: RuleRun) -> str:
        return "; ".join(words.parts(run.version.condition, run.missed)) or "–"

    @admin.action(description=_("Try the selected ones again now"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[RuleRun]) -> None:
        now = timezone.now()
        asked = [run for run in queryset if running.try_again(run, by=me(request), now=now)]
        log_each(self, request, asked, _("Tried again"))
        told = _("They are tried again within seconds: %(count)d.") % {"count": len(asked)}
        self.message_user(request, told, messages.SUCCESS if asked else messages.WARNING)
