"""Every address x role x method gives the answer that tests/route_table.py lists, and a refusal changes nothing."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from cases import conversation, playbooks, promises, recalculating, reminders, sides, tasks
from cases.hooks import File
from cases.models import (
    Article,
    Attachment,
    Bulk,
    BusinessCalendar,
    Case,
    CaseField,
    CaseLink,
    Cause,
    Dispatch,
    Disposition,
    Issue,
    Playbook,
    PresenceReason,
    Queue,
    QueueMembership,
    QueueSession,
    SavedFilter,
    SideFile,
    Skill,
    SLAPolicy,
    Tag,
)
from cases.remedies import granting
from cases.rules import trying
from crm import tokens
from crm.models import SentMail, User
from customers.models import Customer, Organization, Product, Segment, Subscription
from outreach import delivery
from tests.builders import (
    CAST,
    make_billing,
    make_carl,
    make_case,
    make_macro,
    make_one_of_the_cast,
    make_queue,
    make_saved_reply,
    make_user,
)
from tests.cases.remedied import make_policy, override, wish
from tests.cases.ruled import make_rule
from tests.channels import make_channel
from tests.outreach.making import make_notice, make_problem
from tests.route_bodies import BODIES, WEEK
from tests.route_doubles import doubles, offered
from tests.route_table import DELEGATED, ROLES, TABLE

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
OURS = ("crm_", "customers_", "cases_", "outreach_")
REFUSALS = {"login", "401", "403", "404", "405"}
# What a refused request may write: when a token was last used.
BESIDE = {"crm_apitoken", "crm_limitcount"}


def _routes(resolver: Any, before: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        here = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry, here)
        elif isinstance(entry, URLPattern):
            yield here


def _lines() -> dict[str, dict[str, list[str]]]:
    """Route → "METHOD route#variant" → the answers, one a role."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for line in TABLE.splitlines():
        if not line or line.startswith("#"):
            continue
        *named, rest = re.split(r"\s+", line, maxsplit=1)
        words = rest.split()
        route, answers = (words[0], words[1:]) if len(words) > len(ROLES) else ("", words)
        assert len(answers) == len(ROLES), line
        assert f"{named[0]} {route}" not in found[route.partition("#")[0]], f"twice: {line}"
        found[route.partition("#")[0]][f"{named[0]} {route}"] = answers
    return dict(found)


ROUTES = [route for route in dict.fromkeys(_routes(get_resolver())) if not route.startswith(DELEGATED)]
LINES = _lines()


def test_every_route_has_its_lines_and_no_line_is_for_a_route_that_is_gone() -> None:
    assert set(ROUTES) - set(LINES) == set(), "add what each role gets there to tests/route_table.py"
    assert set(LINES) - set(ROUTES) == set(), "these are no routes any more"
    assert set(BODIES) <= {line for lines in LINES.values() for line in lines}


@pytest.fixture(scope="module")
def standing(kept: None) -> SimpleNamespace:
    """A case of Billing with all that hangs on it, and somebody in each role; whatever is asked of it is taken back."""
    cast = SimpleNamespace(**{name: make_one_of_the_cast(name) for name in CAST})
    billing, technical = make_billing(cast.ana, cast.lee, cast.sue), make_queue("Technical", reps=[cast.ben])
    Queue.objects.update(is_public=True)
    lea, wim, wes = (
        make_user(name, role=role) for name, role in (("Lea", "staff"), ("Wim", "executive"), ("Wes", "executive"))
    )
    QueueMembership.objects.create(queue=billing, user=lea, role="lead")
    billing.join(wim, mode="watch")
    billing.join(wes, mode="work")
    case = _case(billing, make_carl(), cast.ana)
    people = [None, cast.ana, cast.ben, lea, cast.sue, cast.eve, wim, wes, cast.root]
    people_by_role = dict(zip(ROLES, people, strict=True))
    clients = {role: _client(user) for role, user in people_by_role.items()}
    return SimpleNamespace(
        people=people_by_role,
        clients=clients,
        cookies={role: deepcopy(client.cookies) for role, client in clients.items()},
        callers={role: _caller(user) for role, user in people_by_role.items()},
        ids={"lee": cast.lee.pk, "ben": cast.ben.pk, "technical": technical.pk, **_ids(case, cast.ana)},
    )


@pytest.fixture
def world(db: None, standing: SimpleNamespace) -> SimpleNamespace:
    """The same; everybody is signed in, and who joined is still there."""
    for role, client in standing.clients.items():
        client.cookies = deepcopy(standing.cookies[role])
    QueueSession.objects.update(seen_at=timezone.now())
    standing.written = _written()
    return standing


def _case(billing: Queue, carl: Customer, ana: User) -> Case:
    case = make_case(billing, customer=carl, channel="mail")
    sender = carl.contact_points.get(kind="email")
    file = File("bill.txt", "text/plain", b"42")
    said = {"text": "Twice!", "html": "<p>Twice!</p>"}
    conversation.add_inbound(case, **said, sender=sender, channel="mail", at=timezone.now(), files=[file])
    conversation.reply(case, by=ana, text="I see to it", written_against=case.version)
    case.change_status("open", by=None)
    case.release(by=None)
    return case


def _ids(case: Case, by: User) -> dict[str, int | str]:
    """What stands for `<…>` after each word of a path."""
    organization = Organization.objects.create(name="Jensen & Co")
    Customer.objects.filter(pk=case.customer_id).update(organization=organization)
    product = Product.objects.create(name="Fibre 100")
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=WEEK, holidays=[], by=by)
    policy = SLAPolicy.objects.create(name="Standard", position=0)
    policy.queues.set([case.queue])
    policy.publish(
        targets=[{"kind": "resolution", "minutes": 60}],
        calendar=None,
        by=by,
        priorities=[],
        channels=[],
        tiers=[],
        pause_statuses=[],
    )
    article = Article.objects.create(audience="internal")
    article.queues.set([case.queue])
    article.publish(title="Refunds", body="Five days.", language="en", by=by)
    subscription = Subscription.objects.create(customer=case.customer, product=product)
    due = timezone.now() + timedelta(hours=2)
    other = make_case(case.queue, "The outage", customer=case.customer)
    promise = promises.make(case, what="A refund", due_at=due, owner=by, made_by=None, at=timezone.now())
    return {
        "queues": case.queue_id,
        "cases": case.number,
        "other": other.number,
        "issue": other.number,
        "issues": _issue(case),
        "links": CaseLink.objects.create(case=case, other=other, kind="duplicate_of").pk,
        "promises": promise.pk,
        "figures": "waiting",
        "messages": case.messages.get(direction="outbound").pk,
        "messages/<slug:token>": case.messages.get(direction="inbound").token,
        "drafts": "reply",
        "answers": article.pk,
        "articles": article.pk,
        "sent": SentMail.objects.create(sender="a@example.org", raw=b"").pk,
        "contact": "billing",
        "soon": (timezone.now() + timedelta(days=1)).isoformat(),
        "thanks": "a-token-nobody-was-given",
        "status": "a-token-nobody-was-given",
        "attachments": Attachment.objects.get().token,
        "inbound": make_channel(case.queue, "shop").slug,
        "customers": case.customer_id or 0,
        "organizations": organization.pk,
        "products": product.pk,
        "subscriptions": subscription.pk,
        "devices": 1,
        "push-devices": 1,
        "presence": User.objects.get(username="lee").pk,
        "people": User.objects.get(username="lee").pk,
        "bulk": Bulk.objects.create(by=by, action="take", state="done").pk,
        "filters": SavedFilter.objects.create(queue=case.queue, name="Late", text="is:overdue").pk,
        "skills": Skill.objects.create(name="Spanish", languages=["es"]).pk,
        "dispositions": Disposition.objects.create(name="Wrong charge").pk,
        "causes": Cause.objects.create(name="A clear bill").pk,
        "case-fields": CaseField.objects.create(key="serial", name="Serial number").pk,
        "tags": Tag.objects.create(name="refund").pk,
        "tasks": tasks.add(case, what="A call", by=by).pk,
        "reminders": reminders.remind(case, by, at=due).pk,
        **_aside(case, by),
        "presence-reasons": PresenceReason.objects.create(name="Lunch").pk,
        "members": QueueMembership.objects.get(queue=case.queue, user__username="lee").user_id,
        "calendars": calendar.pk,
        "sla-policies": policy.pk,
        "recalculations": recalculating.begin(policy, by=by, at=timezone.now()).pk,
        "playbooks": _playbook(case, by),
        **_written_before(case, by),
        **_remedied(case, by),
        **_rule(case),
        **offered(case, by),
        "segments": _segment(),
        **doubles(case, by),
        **_told(case, by),
    }


def _issue(case: Case) -> int:
    case.issue = Issue.objects.create(customer=case.customer)  # type: ignore[misc]
    case.save(update_fields=["issue"])
    return case.issue.pk


def _playbook(case: Case, by: User) -> int:
    """One of its queue, which the case is in."""
    made = Playbook.objects.create(name="Recover")
    made.queues.set([case.queue])
    made.publish(["Pull up", "Verify"])
    playbooks.start(case, made, by=by)
    return made.pk


def _written_before(case: Case, by: User) -> dict[str, int | str]:
    """A saved reply of the rep's own, and one of the queue's; a macro."""
    mine = make_saved_reply("Mine", "Thank you.", owner=by)
    macro = make_macro("Note", [{"do": "note", "text": "Rang again"}], queues=[case.queue])
    return {
        "replies": mine.pk,
        "macros": macro.pk,
        "saved-replies": make_saved_reply("Ours", "Thank you.", queues=[case.queue]).pk,
    }


def _aside(case: Case, by: User) -> dict[str, int | str]:
    """A supplier was asked, with a file."""
    file = File("a.txt", "text/plain", b"1")
    written = sides.begin(case, to="x@supplier.example", subject="", text="?", by=by, files=[file])
    return {"sides": written.talk_id, "side-messages": written.pk, "side-files": SideFile.objects.get().token}


def _remedied(case: Case, by: User) -> dict[str, int | str]:
    """What a rep asked to have made good by a policy of the queue; and another policy."""
    policy = make_policy("Parcel late", None, case.queue)
    other = make_policy("Parcel lost", None, case.queue)
    asked = granting.propose(case, policy, wish(), by=by).pk
    override(policy, case.queue, by, 5)
    named = {"service-policies": policy.pk, "proposals": "0-repeated", "other-policy": other.pk}
    return {**named, "remedies": asked}


def _rule(case: Case) -> dict[str, int | str]:
    rule = make_rule(queues=[case.queue], switched=False)
    assert rule.current is not None
    return {"rules": rule.pk, "trials": trying.begin(rule.current, by=None, now=timezone.now()).pk}


def _segment() -> int:
    made = Segment.objects.create(key="near", name="Near")
    made.publish({"fact": "country", "op": "is", "value": "GB"})
    return made.pk


def _told(case: Case, by: User) -> dict[str, int | str]:
    """A known problem of the case, a draft about it, and another notice whose one mail may have arrived."""
    problem = make_problem(by, condition={"fact": "has_email", "op": "is", "value": True})
    problem.link(case, by=by)
    gone = make_notice(problem, by)
    delivery.approve(gone, by=by, now=timezone.now())
    delivery.deliver_due(timezone.now())
    row = gone.deliveries.get(customer=case.customer)
    Dispatch.objects.filter(pk=row.dispatch_id).update(state="unknown")
    return {"burning": problem.pk, "problems": problem.pk, "notices": make_notice(problem, by).pk, "deliveries": row.pk}


def _client(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def _caller(user: User | None) -> Client:
    return Client(headers={"authorization": f"Bearer {tokens.issue(user)[0]}"}) if user else Client()


def _path(route: str, ids: dict[str, Any]) -> str:
    """The route with an id of the world for each `<…>`, named by the word before it, or by that and itself."""
    parts = route.split("/")
    filled = [
        str(ids.get(f"{parts[n - 1]}/{part}") or ids[parts[n - 1]]) if part.startswith("<") else part
        for n, part in enumerate(parts)
    ]
    return "/" + "/".join(filled)


def _filled(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, ids) for inner in value]
    return ids[value[1:]] if isinstance(value, str) and value.startswith(":") else value


def _ask(world: SimpleNamespace, role: str, line: str) -> HttpResponse:
    method, _, named = line.partition(" ")
    route = named.partition("#")[0]
    path, body = _path(route, world.ids), _filled(BODIES.get(line, {}), world.ids)
    if method == "GET":
        path += f"?{urlencode(body)}" if body else ""
    if route.startswith("api/"):
        data = json.dumps(body) if method != "GET" else ""
        return world.callers[role].generic(method, path, data, content_type="application/json")
    return world.clients[role].generic(
        method, path, urlencode(body) if method != "GET" else "", content_type="application/x-www-form-urlencoded"
    )


def _answer(response: HttpResponse) -> str:
    to_door = response.status_code == 302 and response["Location"].startswith(reverse("sign_in") + "?")
    if getattr(response, "streaming", False):
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return "login" if to_door else str(response.status_code)


def _written() -> dict[str, int]:
    """How many rows of each of our own tables this transaction wrote so far, those taken back again included."""
    counts = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return {name: n for name, n in cursor.fetchall() if name.startswith(OURS) and name not in BESIDE}


def _tried(world: SimpleNamespace, role: str, line: str) -> str:
    """The answer, with everything it changed taken back; a refusal that wrote something is told."""
    with transaction.atomic():
        answer = _answer(_ask(world, role, line))
        transaction.set_rollback(True)
    before, world.written = world.written, _written()
    wrote = {name for name, n in world.written.items() if n != before.get(name, 0)}
    return f"{answer}, and it wrote {sorted(wrote)}" if wrote and answer in REFUSALS else answer


@pytest.mark.parametrize("route", ROUTES)
def test_each_role_gets_its_answer_and_refusals_write_nothing(route: str, world: SimpleNamespace) -> None:
    lines = LINES.get(route, {})
    for line, expected in lines.items():
        got = [_tried(world, role, line) for role in ROLES]
        told = "\n".join(
            f"{role:14} expected {e}, got {g}" for role, e, g in zip(ROLES, expected, got, strict=True) if e != g
        )
        assert got == expected, f"{line}\n{told}"
    if route != "api/":  # the net under the API answers 404 whatever is asked
        _refuses_the_rest(world, route, METHODS - {line.split(" ")[0] for line in lines})


def _refuses_the_rest(world: SimpleNamespace, route: str, methods: set[str]) -> None:
    """A method without a line is refused to everyone."""
    for method in sorted(methods):
        got = {role: _tried(world, role, f"{method} {route}") for role in ROLES}
        assert set(got.values()) <= REFUSALS, (method, got)
        assert got["administrator"] == "405", (method, got)
