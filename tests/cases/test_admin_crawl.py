"""L43: a supervisor in the admin cannot raise anyone's rights, run code, or see other queues. Every page is opened, every link
followed, every form sent back with fields that are none of theirs, every action tried on rows of others."""

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_q.models import Schedule

from cases.models import Article, Case, Queue, QueueMembership, Rule, SLAPolicy
from crm.admin import supervisors
from crm.models import ApiToken, User
from tests.builders import make_case, make_customer
from tests.cases.ruled import hear, keep, make_rule
from tests.cases.test_admin import TABLE, rows  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db
CANARY = "Zanzibar"  # everything of the other queue carries it
MOST = 700  # pages
RIGHTS = ("role", "is_superuser", "is_staff", "is_active", "password", "username")


@pytest.fixture
def elsewhere(billing: Queue, technical: Queue, ben: User, root: User) -> dict[str, Any]:
    """Another queue at work: its case, policy, article and rule, none of which are Sue's to see."""
    Queue.objects.filter(pk=technical.pk).update(name=f"{CANARY} line")
    policy = SLAPolicy.objects.create(name=f"{CANARY} policy")
    article = Article.objects.create()
    for row in (policy, article):
        row.queues.add(technical)
    policy.publish(targets=[{"kind": "resolution", "minutes": 60}])
    article.publish(title=f"{CANARY} article", body="Ours.")
    rule = make_rule(f"{CANARY} rule", queues=[technical])
    case = make_case(technical, f"{CANARY} case", customer=make_customer(f"{CANARY} Customer"), assignee=ben)
    hear(case, f"{CANARY} words")
    keep()
    return {"cases.queue": technical, "cases.slapolicy": policy, "cases.article": article, "cases.rule": rule,
            "cases.rulerun": rule.runs.get(), "cases.colleague": ben}  # fmt: skip


def rights() -> dict[str, Any]:
    """Who may what, and what would run code."""
    return {
        "people": list(User.objects.order_by("pk").values_list("pk", *RIGHTS)),
        "supervisors": set(QueueMembership.objects.filter(role="supervisor").values_list("queue", "user")),
        "elsewhere": set(QueueMembership.objects.filter(queue__name__startswith=CANARY).values_list("user", "role")),
        "tokens": set(ApiToken.objects.values_list("pk", flat=True)),
        "schedules": Schedule.objects.count(),
        "permissions": User.user_permissions.through.objects.count() + User.groups.through.objects.count(),
    }


@pytest.fixture
def desk(sue: User) -> Client:
    client = Client()
    client.force_login(sue)
    return client


def pages(rows: dict[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: F811
    for (site, model), (_seen, added) in TABLE.items():
        base = f"{site}:{model.replace('.', '_')}"
        if site == "admin":
            yield model, reverse(f"{base}_changelist")
            yield model, reverse(f"{base}_change", args=[rows[model].pk])
            if 200 in added:
                yield model, reverse(f"{base}_add")


def test_every_page_that_can_be_reached_names_nothing_of_other_queues(
    desk: Client, rows: dict[str, Any], elsewhere: dict[str, Any]  # noqa: F811
) -> None:  # fmt: skip
    wanted = ["/admin/", "/admin/configuration/", *(address for _model, address in pages(rows))]
    seen: set[str] = set()
    ways: Counter[str] = Counter()  # a list is sorted and filtered in more ways than anybody looks at
    while wanted and len(seen) < MOST:
        address = wanted.pop(0)
        place = address.partition("?")[0]
        if address in seen or ways[place] > 3:
            continue
        ways[place] += 1
        seen.add(address)
        answer = desk.get(address)
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        page = answer.content.decode()
        assert CANARY not in page, address
        found = re.findall(r'href="(/admin/[^"#]*|\?[^"#]*)"', page)
        found = [unescape(link) for link in found]
        wanted += [link if link.startswith("/") else place + link for link in found]
    assert 60 < len(seen) < MOST


def test_what_it_gives_away_besides_pages_is_theirs_alone(desk: Client, elsewhere: dict[str, Any]) -> None:
    kinds = "&".join(f"kind={kind}" for kind in ("queues", "sla-policies", "articles", "rules", "skills"))
    for address in (
        f"/admin/configuration/?{kinds}",
        "/admin/cases/rule/catalogue/",
        f"/admin/search/?s={CANARY}&extended=1",
    ):
        answer = desk.get(address)
        assert answer.status_code in {200, 302}
        told = answer.content.decode().replace(f"“{CANARY}”", "").replace(f'"{CANARY}"', "")
        assert f"{CANARY} " not in told, address


def sent(answer: Any) -> dict[str, Any]:
    """What the page's own form would send."""
    told: dict[str, Any] = {}
    forms = [answer.context["adminform"].form]
    for inline in answer.context.get("inline_admin_formsets") or []:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                told[field.html_name] = [getattr(v, "pk", v) for v in value] if isinstance(value, (list, tuple)) else getattr(value, "pk", value)  # fmt: skip
    return told


def crafted(technical: Queue, root: User, ben: User) -> dict[str, Any]:
    """Fields no form of a supervisor has, and values none offers."""
    rights = {"role": "administrator", "is_superuser": "on", "is_staff": "on", "password": "x", "username": "root2"}
    columns = {"user_permissions": ["1"], "groups": ["1"], "user": root.pk, "owner": root.pk, "func": "os.system"}
    place = {"queue": technical.pk, "source": "x", "external_id": "x", "version": "99", "current": "1", "_popup": "1"}
    member = {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0, "memberships-0-user": ben.pk,
              "memberships-0-role": "supervisor", "memberships-0-queue": technical.pk}  # fmt: skip
    return {**rights, **columns, **place, **member}


def test_crafted_forms_raise_nobody_and_reach_nothing_of_others(
    desk: Client, rows: dict[str, Any], elsewhere: dict[str, Any], technical: Queue, root: User, ben: User  # noqa: F811
) -> None:  # fmt: skip
    before, theirs = (
        rights(),
        {model: type(row).objects.filter(pk=row.pk).values().get() for model, row in elsewhere.items()},
    )
    posted = 0
    for _model, address in pages(rows):
        page = desk.get(address)
        if page.status_code == 200 and "adminform" in (page.context or {}):
            for more in ({}, {"queues": [technical.pk]}):
                answer = desk.post(address, {**sent(page), **crafted(technical, root, ben), **more})
                assert answer.status_code in {200, 302, 403, 409}, address
                posted += 1
    for model, row in elsewhere.items():
        address = reverse(f"admin:{model.replace('.', '_')}_change", args=[row.pk])
        assert desk.post(address, crafted(technical, root, ben)).status_code in {302, 403, 404}, address
    assert posted > 20
    assert rights() == before
    assert {m: type(r).objects.filter(pk=r.pk).values().get() for m, r in elsewhere.items()} == theirs


def test_actions_do_nothing_to_rows_of_others(desk: Client, elsewhere: dict[str, Any]) -> None:
    rule: Rule = elsewhere["cases.rule"]
    rule.pause("depth", Case.objects.get(subject__startswith=CANARY), at=rule.since)  # type: ignore[arg-type]
    tried = 0
    for model, admin in supervisors._registry.items():
        label = model._meta.label_lower
        pks = [elsewhere[label].pk] if label in elsewhere else []
        for action in admin.actions or []:
            address = reverse(f"admin:{label.replace('.', '_')}_changelist")
            answer = desk.post(address, {"action": action, "_selected_action": pks or [1], "select_across": "1"})
            assert answer.status_code in {200, 302}, (label, action)
            tried += 1
    rule.refresh_from_db()
    assert tried >= 5
    assert rule.paused_at is not None


def test_what_is_written_is_never_run(desk: Client, billing: Queue) -> None:
    """Templates of Django, of the shell, of a browser: all of it stays text."""
    evil = "{{ 7|add:7 }}{% now 'Y' %}${7*7}<script>alert(1)</script>"
    billing.name = evil[:80]
    billing.description = evil
    billing.save()
    page = desk.get(reverse("admin:cases_queue_changelist")).content.decode()
    assert "{{ 7|add:7 }}" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
