"""Making good: what stands beside a case, the form that says what a policy gives, and who decides about it."""

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.models import Case, Queue, Remedy, ServicePolicy
from cases.models.refusals import Refusal
from cases.policy import words
from cases.remedies import granting, limits, paying, quoting, raising
from cases.remedies.granting import Wish
from cases.views.saying import changed, find, guarded, require, where
from crm.database.prepared import Prepared
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may

_NEEDS = {
    quoting.DEVIATION: gettext_lazy("it is far from what the policy gives"),
    limits.NO_AUTHORITY: gettext_lazy("their role has no authority of its own"),
    limits.PER_CASE: gettext_lazy("it is above their limit in one case"),
    limits.PER_DAY: gettext_lazy("it is above their limit of the day"),
    limits.PER_CUSTOMER: gettext_lazy("it is above their limit for one customer"),
    limits.BUDGET: gettext_lazy("it is above what is left of the month’s budget"),
}
_SHOWN = Prepared(
    lambda case: (
        Remedy.objects.filter(case=case)
        .select_related("policy", "policy_version", "asked_by", "decided_by", "raised_to", "case__queue")
        .order_by("-asked_at", "-pk")
    ),
    int,
)


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def remedies(request: StaffRequest, number: int) -> HttpResponse:
    """The section beside the case; or one more remedy."""
    case = find(request.user, number)
    require(request.user, "remedy", case)
    if request.method == "GET":
        return render(request, "cases/_remedies.html", _shown(case, request.user))
    policy = get_object_or_404(_offered(case), pk=_key(request.POST.get("policy", "")))
    made = granting.propose(case, policy, _wish(request.POST), by=request.user)
    if made.state == Remedy.State.WAITING:
        return changed(request, case, _("It waits for approval: those who lead the queue have been told."))
    return changed(request, case, _("Granted: %(amount)s.") % {"amount": words.money(made.granted, made.currency)})


def _shown(case: Case, user: User) -> dict[str, Any]:
    found = dressed(_SHOWN(case.pk), user)
    return {"case": case, "remedies": found, "may_decide": may(user, "remedy.approve", case.queue_id), "me": user}


def dressed(rows: Any, user: User) -> list[Remedy]:
    """Each with why it needs approval, and when its row is for a case, in words; where nobody answered this person in time,
    with what they may give at once by themselves."""
    found = list(rows)
    for remedy in found:
        remedy.needs_words = "; ".join(str(_NEEDS.get(need, need)) for need in remedy.needs)
        if remedy.raised_at and remedy.state == Remedy.State.WAITING and remedy.asked_by_id == user.pk:
            remedy.at_once = raising.at_once(remedy, user, timezone.now())
        remedy.because = words.row(remedy.policy_version.read, remedy.row)
    return found


def _offered(case: Case) -> QuerySet[ServicePolicy]:
    return ServicePolicy.objects.offered(case.queue_id).select_related("current").order_by("name")


@login_required
@require_GET
@guarded
def remedy_form(request: StaffRequest, number: int) -> HttpResponse:
    """The policies there are; with one chosen (`policy`), what it asks; with that said, what it gives and why."""
    case = find(request.user, number)
    require(request.user, "remedy", case)
    policies = list(_offered(case))
    chosen = next((p for p in policies if str(p.pk) == request.GET.get("policy")), None)
    if chosen is None and len(policies) == 1:
        chosen = policies[0]
    context = {"case": case, "policies": policies, "policy": chosen, "key": uuid.uuid4()}
    if chosen:
        given = _given(request.GET)
        found = quoting.quote(case, chosen, given, by=request.user, at=timezone.now())
        context |= {"quote": found, "asked": _asked(found, given), "computed": _computed(found, given)}
        context |= {"kinds": Remedy.Kind.choices, "reasons": Remedy.Why.choices, "left": _left(found)}
        context["needs"] = granting.above_words(found.needs, found.left, found.table.currency)
        context["standing"] = quoting.standing(case, chosen)
    return render(request, "cases/_remedy_form.html", context)


def _given(sent: QueryDict) -> dict[str, str]:
    """What the form says of inputs: `given.<name>`."""
    return {
        name.removeprefix("given."): str(value) for name, value in sent.items() if name.startswith("given.") and value
    }


def _asked(found: quoting.Quote, given: dict[str, str]) -> list[dict[str, Any]]:
    """The inputs the rep says: those that are asked, and those nobody can compute here."""
    missing = {each.name for each in found.missing}
    inputs = [i for i in found.table.inputs if i.is_asked or i.name in missing or i.name in given]
    options = [[(value, words.value(each, value)) for value in each.values] for each in inputs]
    return [
        {"input": each, "options": choices, "value": given.get(each.name, "")}
        for each, choices in zip(inputs, options, strict=True)
    ]


def _computed(found: quoting.Quote, given: dict[str, str]) -> list[tuple[str, str]]:
    """What was computed, in words."""
    inputs = [i for i in found.table.inputs if not i.is_asked and i.name in found.known and i.name not in given]
    return [(each.label, words.value(each, found.known[each.name])) for each in inputs]


def _left(found: quoting.Quote) -> list[tuple[str, str]]:
    """What is left of each limit there is."""
    left, currency = found.left, found.table.currency
    named = [
        (_("to you in this case"), left.per_case),
        (_("to you today"), left.per_day),
        (_("to this customer within twelve months"), left.per_customer),
        (_("of this month’s budget"), left.budget),
    ]
    return [(name, words.money(max(Decimal(0), amount), currency)) for name, amount in named if amount is not None]


def _wish(sent: QueryDict) -> Wish:
    return Wish(
        given=_given(sent),
        key=_uuid(sent.get("key", "")),
        amount=_amount(sent.get("amount", "")),
        kind=sent.get("kind", ""),
        reason=sent.get("reason", ""),
        note=sent.get("note", ""),
        version=_key(sent.get("version", "")) or None,
    )


def _uuid(sent: str) -> uuid.UUID:
    try:
        return uuid.UUID(sent)
    except ValueError:
        return uuid.uuid4()


def _amount(sent: str) -> Decimal | None:
    """As people type it, with a comma too; empty: what the policy gives."""
    if not sent.strip():
        return None
    try:
        return Decimal(sent.strip().replace(",", "."))
    except InvalidOperation:
        raise Refusal(_("Type the amount as a number, like 12.50.")) from None


def _key(sent: str) -> int:
    return int(sent) if sent.isdecimal() and len(sent) < 19 else 0


@login_required
@require_POST
@guarded
def approval(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Approved, or refused with a reason; whoever asked sees it at once."""
    case, found = _found(request, number, pk)
    _require_lead(request.user, case)
    note = request.POST.get("note", "")
    if request.POST.get("approved") == "1":
        granting.approve(found, by=request.user, note=note)
        return changed(request, case, _("Approved."))
    granting.refuse(found, by=request.user, note=note)
    return changed(request, case, _("Not approved: whoever asked reads why."))


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def remedy(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Call it off (DELETE, or POST without scripts)."""
    case, found = _found(request, number, pk)
    if found.asked_by_id != request.user.pk:
        _require_lead(request.user, case)
    granting.call_off(found, by=request.user)
    return changed(request, case, _("It is called off."))


@login_required
@require_POST
@guarded
def giving(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """It was given by hand, and can be found under a reference."""
    case, found = _found(request, number, pk)
    _require_lead(request.user, case)
    paying.note_given(found, by=request.user, reference=request.POST.get("reference", ""))
    return changed(request, case, _("Noted as given."))


def _found(request: StaffRequest, number: int, pk: int) -> tuple[Case, Remedy]:
    case = find(request.user, number)
    require(request.user, "remedy", case)
    return case, get_object_or_404(Remedy, case=case, pk=pk)


def _require_lead(user: User, case: Case) -> None:
    if not may(user, "remedy.approve", case.queue_id):
        raise PermissionDenied(_("This is for those who lead the queue."))


@login_required
@require_GET
def approvals(request: StaffRequest) -> HttpResponse:
    """What waits for those who lead, the longest wait first, and what is to be given by hand."""
    if not may(request.user, "remedy.approve"):
        raise PermissionDenied(_("Approvals are for those who lead a queue."))
    place = where()
    led = [pk for pk in _queues(request) if may(request.user, "remedy.approve", pk)]
    rows = Remedy.objects.filter(case__queue__in=led).select_related(
        "policy", "policy_version", "asked_by", "decided_by", "raised_to", "case__queue", "customer"
    )
    waiting = dressed(rows.waiting().order_by("asked_at", "pk")[:100], request.user)
    by_hand = rows.filter(state__in=[Remedy.State.BY_HAND, Remedy.State.FAILED]).order_by("decided_at", "pk")
    context = {**place, "waiting": waiting, "by_hand": dressed(by_hand[:100], request.user), "me": request.user}
    context["may_decide"] = True
    part = request.htmx and request.htmx.target == "approvals"
    return render(request, "cases/_approvals.html" if part else "cases/approvals.html", context)


def _queues(request: StaffRequest) -> list[int]:
    some = Remedy.objects.filter(case__queue=OuterRef("pk"))
    rows = Queue.objects.visible_to(request.user).filter(Exists(some))
    return list(rows.values_list("pk", flat=True))
