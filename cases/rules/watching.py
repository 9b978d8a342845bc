"""What the house says of its rules: those the guard paused to everybody who works here, and all of it to `doctor` and
/metrics. Loaded by cases.house_hooks."""

from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from cases.models import Rule, RuleRun
from crm import doctor, health
from crm.stalls import Stall, stalls


@stalls.register
def rules_paused(now: datetime) -> list[Stall]:
    rows = Rule.objects.filter(paused_at__isnull=False, is_active=True).values_list("pk", "name", "paused_at")
    return [Stall("rule", since, partial(_paused, name), f"{pk}") for pk, name, since in rows if since]


def _paused(name: str) -> str:
    return _("The rule “%(name)s” went in circles and has been paused for {time}.") % {"name": name}


@health.figures.register
def rule_figures() -> dict[str, float]:
    """For /metrics: how many rules are on, paused, in trouble, and how many runs wait."""
    waiting = RuleRun.objects.filter(state=RuleRun.State.WAITING, attempts=0).count()
    paused = Rule.objects.filter(paused_at__isnull=False).count()
    trouble = RuleRun.objects.in_trouble().count()
    return {"rules_on": Rule.objects.running().count(), "rules_paused": paused, "rule_runs_waiting": waiting,
            "rule_runs_in_trouble": trouble}  # fmt: skip


@doctor.findings.register
def rules_examined() -> list[doctor.Finding]:
    told = rule_figures()
    if not (told["rules_on"] or told["rules_paused"]):
        return []
    text = _("Rules: %(on)d are on, %(paused)d are paused, %(trouble)d of their runs could not be done.")
    values = {"on": told["rules_on"], "paused": told["rules_paused"], "trouble": told["rule_runs_in_trouble"]}
    level = doctor.NOTE if told["rules_paused"] or told["rule_runs_in_trouble"] else doctor.FINE
    return [doctor.Finding(level, text % values)]
