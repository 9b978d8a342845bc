"""The two admins: who gets in, what they see there, and that nothing crafted changes anything."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import (
    Article,
    BusinessCalendar,
    Capacity,
    CaseField,
    Cause,
    Channel,
    Clock,
    ClockAction,
    Colleague,
    Dispatch,
    Disposition,
    InboundItem,
    KnowledgeGap,
    Mailbox,
    MailboxMail,
    Playbook,
    PresenceReason,
    Queue,
    Recalculation,
    RuleRun,
    SavedFilter,
    Skill,
    SLAPolicy,
    Tag,
)
from crm.admin_sites import supervisors, system
from crm.models import ApiToken, Heartbeat, Learned, User
from customers.models import Segment, Suppression
from outreach.models import KnownProblem, Notice, PublicOffer
from tests.builders import make_case, make_macro, make_saved_reply, make_user
from tests.cases.remedied import allow, budget, make_policy, propose
from tests.cases.ruled import make_rule
from tests.outreach.asking import answered
from tests.outreach.conftest import make_offer

WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
ROLES = ("rep", "supervisor", "executive", "administrator", "nobody")

# Answers to (rep, supervisor, executive, administrator, signed out), of the list, a row's page, and the page to add.
FOR_SUPERVISORS = (403, 200, 403, 200, 302)
FOR_SYSTEM = (403, 403, 403, 200, 302)
NOBODY_ADDS = (403, 403, 403, 403, 302)
TABLE: dict[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...]]] = {
    ("admin", "cases.queue"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.casefield"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.tag"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.disposition"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.cause"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.skill"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.savedfilter"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.colleague"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("system", "cases.capacity"): (FOR_SYSTEM, FOR_SYSTEM),
    ("admin", "cases.presencereason"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.businesscalendar"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.slapolicy"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.clockaction"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.recalculation"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.rule"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.rulerun"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.article"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.knowledgegap"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.servicepolicy"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.remedyauthority"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.remedybudget"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.remedy"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "crm.learned"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.macro"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.playbook"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "cases.savedreply"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "customers.segment"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "outreach.offer"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "outreach.publicoffer"): (FOR_SUPERVISORS, FOR_SUPERVISORS),
    ("admin", "outreach.questionanswer"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "outreach.knownproblem"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "outreach.notice"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("admin", "cases.inbounditem"): (FOR_SUPERVISORS, NOBODY_ADDS),
    ("system", "crm.user"): (FOR_SYSTEM, FOR_SYSTEM),
    ("system", "crm.apitoken"): (FOR_SYSTEM, NOBODY_ADDS),
    ("system", "crm.heartbeat"): (FOR_SYSTEM, NOBODY_ADDS),
    ("system", "cases.queue"): (FOR_SYSTEM, FOR_SYSTEM),
    ("system", "cases.channel"): (FOR_SYSTEM, FOR_SYSTEM),
    ("system", "cases.mailbox"): (FOR_SYSTEM, FOR_SYSTEM),
    ("system", "cases.mailboxmail"): (FOR_SYSTEM, NOBODY_ADDS),
    ("system", "cases.inbounditem"): (FOR_SYSTEM, NOBODY_ADDS),
    ("system", "cases.dispatch"): (FOR_SYSTEM, NOBODY_ADDS),
    ("system", "customers.suppression"): (FOR_SYSTEM, FOR_SYSTEM),
}
SITES = {"admin": supervisors, "system": system}


def trouble(queue: Queue, policy: SLAPolicy) -> ClockAction:
    """What a breach in this queue could not do."""
    clock = Clock.objects.create(
        case=make_case(queue), kind="resolution", policy_version=policy.current, target_seconds=60, started_at=LONG_AGO
    )
    return ClockAction.objects.create(
        clock=clock, policy_version=policy.current, moment="breach", action="move", attempts=1, due_at=LONG_AGO
    )


def _playbook(queue: Queue) -> Playbook:
    made = Playbook.objects.create(name="Recover")
    made.queues.add(queue)
    made.publish(["Pull up", "Verify"])
    return made


@pytest.fixture
def rows(cast: SimpleNamespace, billing: Queue) -> dict[str, Any]:
    """One row of everything, all of it the Billing supervisor's."""
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=WEEK)
    policy = SLAPolicy.objects.create(name="Quick")
    policy.queues.add(billing)
    policy.publish(targets=[{"kind": "resolution", "minutes": 60}])
    article = Article.objects.create()
    article.queues.add(billing)
    article.publish(title="Refunds", body="Say so.")
    made = [
        billing,
        calendar,
        policy,
        article,
        _playbook(billing),
        (learned := Learned.objects.create(kind="answers", seen={"articles": 3}, figures={"shown": 0.5})),
        KnowledgeGap.objects.create(
            training=learned,
            queue=billing,
            words="gym",
            count=3,
            cases=[],
            first_at="2026-01-01T00:00:00Z",
            last_at="2026-01-02T00:00:00Z",
        ),
        (late := make_policy("Late", None, billing)),
        allow("rep", per_case=5),
        budget(500, LONG_AGO),
        propose(make_case(billing), late, cast.ana),
        make_macro("Urgent", [{"do": "priority", "priority": "urgent"}], queues=[billing]),
        make_saved_reply("Refund sent", "It is on its way.", queues=[billing]),
        cast.lee,
        PresenceReason.objects.create(name="Lunch"),
        Skill.objects.create(name="Spanish", languages=["es"]),
        Disposition.objects.create(name="Wrong charge"),
        Cause.objects.create(name="A clear bill"),
        CaseField.objects.create(key="serial", name="Serial number"),
        Tag.objects.create(name="refund"),
        SavedFilter.objects.create(queue=billing, name="Late", text="is:overdue"),
        Colleague.objects.get(pk=cast.lee.pk),
        Capacity.objects.create(channel="", most=5),
        ApiToken.objects.create(user=cast.ana, digest="d", prefix="ff_abc"),
        Heartbeat.objects.create(name="keeper", at="2026-01-01T00:00:00Z"),
        Channel.objects.create(slug="shop", name="Shop", queue=billing),
        (box := Mailbox.objects.create(queue=billing, name="Help", address="help@a.example", host="x", user="help")),
        MailboxMail.objects.create(mailbox=box, uidvalidity=1, uid=7, state="skipped", error="withheld"),
        InboundItem.objects.create(channel="shop", external_id="1", raw=b"x", state="kept", error="no sender"),
        Dispatch.objects.create(
            channel="mail", address="a@b.example", message_class="answer", source_id=1, state="failed"
        ),
        Suppression.objects.create(kind="email", value="a@b.example", reason="bounce"),
        make_offer(),
        answered(billing, cast.ana),
        PublicOffer.objects.create(name="Spring", price=20, valid_from=LONG_AGO),
        Segment.objects.create(key="gold", name="Gold"),
        trouble(billing, policy),
        (rule := make_rule(queues=[billing])),
        RuleRun.objects.create(
            rule=rule,
            version=rule.current,
            case=make_case(billing),
            waited="quiet",
            waited_since=LONG_AGO,
            due_at=LONG_AGO,
            asked_at=LONG_AGO,
        ),
        Recalculation.objects.create(calendar=calendar, asked_by=cast.sue),
        problem := KnownProblem.declare(by=cast.sue, title="Modems restart"),
        Notice.objects.create(problem=problem, written_by=cast.sue, texts={"en": {"subject": "Your modem"}}),
    ]
    return {row._meta.label_lower: row for row in made}


def sign_in(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


@pytest.fixture
def visitors(cast: SimpleNamespace) -> list[Client]:
    return [sign_in(user) for user in (cast.ana, cast.sue, cast.eve, cast.root, None)]


def test_every_registered_model_has_a_line_and_nothing_else_is_there() -> None:
    registered = {(name, model._meta.label_lower) for name, site in SITES.items() for model in site._registry}
    assert registered == set(TABLE)
    assert not any(model.startswith(("django_q.", "admin.", "auth.")) for _site, model in registered)


@pytest.mark.parametrize("site", SITES)
def test_the_sidebar_leads_to_all_there_is(site: str, root: User) -> None:
    groups = sign_in(root).get(f"/{site}/").context["sidebar_navigation"]
    shown = {str(item["link"]) for group in groups for item in group["items"]}
    models = [model.replace(".", "_") for name, model in TABLE if name == site]
    pages = {"/admin/configuration/"} if site == "admin" else set()
    assert shown == {reverse(f"{site}:{model}_changelist") for model in models} | pages


@pytest.mark.parametrize(("site", "model"), TABLE, ids=[".".join(key) for key in TABLE])
def test_every_view_answers_each_role_as_listed(
    site: str, model: str, rows: dict[str, Any], visitors: list[Client]
) -> None:
    base, pk = f"{site}:{model.replace('.', '_')}", rows[model].pk
    seen, added = TABLE[site, model]
    addresses = {
        reverse(f"{base}_changelist"): seen,
        reverse(f"{base}_change", args=[pk]): seen,
        reverse(f"{base}_history", args=[pk]): seen,
        reverse(f"{base}_add"): added,
    }
    for address, expected in addresses.items():
        assert tuple(visitor.get(address).status_code for visitor in visitors) == expected, address


@pytest.mark.parametrize(("site", "model"), TABLE, ids=[".".join(key) for key in TABLE])
def test_nothing_can_be_deleted(site: str, model: str, rows: dict[str, Any], root: User) -> None:
    base, row = f"{site}:{model.replace('.', '_')}", rows[model]
    client = sign_in(root)
    assert client.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    client.post(
        reverse(f"{base}_changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "address", ["/admin/", "/system/", "/admin/nothing/", "/system/jsi18n/", "/admin/autocomplete/"]
)
def test_a_stranger_is_led_to_our_sign_in_and_back(db: None, address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer["Location"] == f"/sign-in/?next={address}"


@pytest.mark.parametrize("mark", ["is_staff", "is_superuser"])
def test_djangos_own_marks_open_nothing(db: None, mark: str) -> None:
    client = sign_in(make_user("Max Mark", **{mark: True}))
    for address in ("/admin/", "/system/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert b"Not yours to see" in answer.content


def test_a_supervisor_has_no_way_into_the_system(sue: User) -> None:
    assert sign_in(sue).get("/system/").status_code == 403
    assert sign_in(sue).get("/system/nothing/").status_code == 403


def test_the_view_on_site_shortcut_is_not_there_and_the_search_names_pages_only(sue: User, billing: Queue) -> None:
    assert sign_in(sue).get("/admin/r/1/1/").status_code == 404
    for kind in ("", "&extended=1"):
        assert b"Billing" not in sign_in(sue).get(f"/admin/search/?s=bill{kind}").content


def test_the_admins_have_their_policy_and_only_they(root: User, billing: Queue) -> None:
    client = sign_in(root)
    for path in ("/admin/", "/system/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "'unsafe-eval'" in policy
        assert "script-src" in policy
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "unsafe" not in client.get("/")["Content-Security-Policy"]


def test_the_rail_leads_supervisors_and_administrators_there(cast: SimpleNamespace, billing: Queue) -> None:
    pages = {name: sign_in(user).get(f"/queues/{billing.pk}/").content for name, user in vars(cast).items()}
    assert {name for name, page in pages.items() if b'href="/admin/"' in page} == {"sue", "root"}
    assert {name for name, page in pages.items() if b'href="/system/"' in page} == {"root"}


def test_signing_out_of_an_admin_ends_the_session(sue: User) -> None:
    client = sign_in(sue)
    assert client.get("/admin/logout/").status_code == 405
    assert client.post("/admin/logout/")["Location"] == "/sign-in/"
    assert client.get("/admin/").status_code == 302
