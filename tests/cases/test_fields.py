"""What a house asks of its cases: kinds, what is required when, how it is found, kept and carried along."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation, fields, filters, imports, merging, outward, search, splitting
from cases.filter_parts import Asker
from cases.models import Case, CaseField, FieldValue, Queue
from cases.models.refusals import FieldsMissing
from crm.importing import Line
from crm.models import Event, User
from customers.models import Customer, Product, Subscription
from tests.api import Caller
from tests.builders import make_case


def ask(key: str, kind: str = "text", options: tuple[str, ...] = (), **more: Any) -> CaseField:
    queues = more.pop("queues", [])
    field = CaseField.objects.create(key=key, name=key.replace("_", " ").capitalize(), kind=kind, **more)
    field.offer(options)
    field.queues.set(queues)
    return field


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    case = make_case(billing, customer=carl, channel="mail")
    case.change_status("open", by=None)
    return case


HTMX = {"HX-Request": "true"}

# --- kinds


@pytest.mark.parametrize(
    ("kind", "given", "kept", "shown"),
    [
        ("text", "  AB-12 ", "AB-12", "AB-12"),
        ("long_text", "one\r\ntwo", "one\ntwo", "one\ntwo"),
        ("number", "1 234,50", "1234.5", "1,234.5 kWh"),
        ("money", "12.5", "12.5", "12.50 kWh"),
        ("date", "2026-03-31", "2026-03-31", "31 Mar 2026"),
        ("yes_no", "no", False, "no"),
        ("yes_no", True, True, "yes"),
        ("one_of", "Slow", "slow", "Slow"),
        ("several_of", ["slow", "Dead"], ["dead", "slow"], "Dead, Slow"),
        ("link", "https://a.example/x?y=1", "https://a.example/x?y=1", "https://a.example/x?y=1"),
    ],
)
def test_each_kind_keeps_what_fits_and_shows_it(
    case: Case, ana: User, kind: str, given: Any, kept: Any, shown: str
) -> None:
    ask("it", kind, ("Dead", "Slow") if kind.endswith("_of") else (), unit="kWh")
    fields.fill(case, {"it": given}, by=ana)
    (filled,) = fields.of(case)
    assert (filled.data, filled.words) == (kept, shown)
    assert fields.fill(case, {"it": given}, by=ana) == []  # quiet: nothing is new
    assert fields.fill(case, {"it": ""}, by=ana) == [filled.field.pk]
    assert not FieldValue.objects.exists()


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("text", "x" * 301),
        ("text", ["a"]),
        ("number", "twelve"),
        ("number", "1e99"),
        ("number", "NaN"),
        ("number", True),
        ("date", "31.02.2026"),
        ("date", "2026-02-31"),
        ("yes_no", "perhaps"),
        ("one_of", "Broken"),
        ("one_of", ["dead", "slow"]),
        ("several_of", ["dead", "Broken"]),
        ("link", "javascript:alert(1)"),
        ("link", "https://"),
        ("subscription", "7"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_changes_nothing(case: Case, ana: User, kind: str, given: Any) -> None:
    ask("it", kind, ("Dead", "Slow"))
    with pytest.raises(fields.BadValue, match="It: ") as refused:
        fields.fill(case, {"it": given}, by=ana)
    assert refused.value.field == "it"
    assert not FieldValue.objects.exists()


def test_a_subscription_is_one_of_the_customer_s_own(case: Case, ana: User, carl: Customer) -> None:
    ask("line", "subscription")
    product = Product.objects.create(name="Fibre 100")
    theirs = Subscription.objects.create(customer=carl, product=product, plan="Home")
    other = make_case(case.queue).customer
    foreign = Subscription.objects.create(customer=other, product=product)
    with pytest.raises(fields.BadValue):
        fields.fill(case, {"line": foreign.pk}, by=ana)
    fields.fill(case, {"line": theirs.pk}, by=ana)
    assert fields.of(case)[0].words == "Fibre 100 · Home"


def test_the_event_says_which_field_and_never_what(case: Case, ana: User) -> None:
    serial, fault = ask("serial"), ask("fault")
    fields.fill(case, {"serial": "kanarienvogel", "fault": "kanarienvogel"}, by=ana)
    event = Event.objects.get(kind="fields_filled")
    assert event.data["fields"] == [serial.pk, fault.pk]
    assert "kanarienvogel" not in json.dumps(event.data) + event.reason


# --- what is asked where, and stays


def test_a_queue_asks_its_own_fields_and_everybody_s(case: Case, technical: Queue, ana: User) -> None:
    ask("everywhere", position=2)
    ask("here", queues=[case.queue], position=1)
    ask("elsewhere", queues=[technical])
    ask("no_more", is_active=False)
    assert [filled.field.key for filled in fields.of(case)] == ["here", "everywhere"]
    with pytest.raises(fields.BadValue, match="no field “elsewhere”"):
        fields.fill(case, {"elsewhere": "x"}, by=ana)


def test_changed_definitions_rewrite_nothing(case: Case, ana: User) -> None:
    """An option that is gone, one renamed, a field no longer asked: what was filled in reads on."""
    fault, serial = ask("fault", "one_of", ("Dead", "Slow")), ask("serial")
    fields.fill(case, {"fault": "dead", "serial": "AB12"}, by=ana)
    fault.offer(["Slow"])
    CaseField.objects.filter(pk=serial.pk).update(is_active=False)
    shown = {filled.field.key: filled for filled in fields.of(case)}
    assert (shown["fault"].words, shown["fault"].is_asked) == ("Dead", True)
    assert (shown["serial"].words, shown["serial"].is_asked) == ("AB12", False)
    assert [option.name for option in shown["fault"].options] == ["Dead", "Slow"]
    other = make_case(case.queue)
    with pytest.raises(fields.BadValue):
        fields.fill(other, {"fault": "dead"}, by=ana)  # offered no more
    option = fault.options.get(key="dead")
    option.name = "Does not start"
    option.save()
    assert fields.data(case)["fault"] == "dead"  # scripts go on
    assert fields.of(case)[0].words == "Does not start"


# --- what must be filled in


def test_a_status_waits_for_its_fields_whoever_wants_it(case: Case, ana: User) -> None:
    ask("fault", "one_of", ("Dead",), required_for=["resolved"])
    ask("serial", required_for=["resolved", "waiting_internal"])
    for via in ("person", "api", "macro", "bulk"):
        with pytest.raises(FieldsMissing, match="Fill in first: Fault, Serial"):
            case.change_status("resolved", by=ana, via=via)
    case.change_status("waiting_customer", by=ana)
    fields.fill(case, {"serial": "AB12"}, by=ana)
    with pytest.raises(FieldsMissing, match="Fill in first: Fault[.]"):
        case.resolve(by=ana)
    fields.fill(case, {"fault": "Dead"}, by=ana)
    case.resolve(by=ana)
    assert case.status == "resolved"


def test_history_machines_and_other_queues_are_not_asked(case: Case, ana: User, technical: Queue) -> None:
    ask("serial", required_for=["resolved", "open", "waiting_customer"], queues=[technical])
    case.change_status("waiting_customer", by=ana)
    CaseField.objects.get().queues.set([])
    case.change_status("open", by=None, via="channel", reason="customer_replied")
    case.change_status("resolved", by=ana, at=timezone.now(), via="import")
    assert case.status == "resolved"


def test_a_reply_that_resolves_asks_when_it_is_written_and_never_when_it_leaves(case: Case, ana: User) -> None:
    sender = case.customer.contact_points.get(kind="email")  # type: ignore[union-attr]
    conversation.add_inbound(case, text="Help", sender=sender, channel="mail", at=timezone.now())
    field = ask("serial", required_for=["resolved"])
    with pytest.raises(FieldsMissing):
        conversation.reply(case, by=ana, text="Done", written_against=case.version, then_status="resolved")
    assert not case.messages.filter(direction="outbound").exists()
    fields.fill(case, {"serial": "1"}, by=ana)
    case.refresh_from_db()
    conversation.reply(case, by=ana, text="Done", written_against=case.version, then_status="resolved")
    fields.fill(case, {"serial": ""}, by=ana)  # emptied while the ten seconds run
    outward.release_due(timezone.now() + timedelta(minutes=1))
    case.refresh_from_db()
    assert (case.status, field.is_active) == ("resolved", True)


def test_the_screen_asks_for_the_fields_right_there(case: Case, desk: Client) -> None:
    ask("serial", required_for=["resolved"], help_text="On the underside")
    ask("other")
    answer = desk.post(f"/cases/{case.number}/resolution/", headers=HTMX)
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"], answer["X-First"]) == (409, "#ask-body", "1")
    assert 'name="field.serial"' in page
    assert "On the underside" in page
    assert 'name="field.other"' not in page
    assert desk.post(f"/cases/{case.number}/fields/", {"field.serial": "AB12"}, headers=HTMX).status_code == 200
    assert desk.post(f"/cases/{case.number}/resolution/", headers=HTMX).status_code == 200
    plain = desk.post(f"/cases/{case.number}/resolution/")
    assert plain.status_code == 303  # quiet: it is resolved


def test_without_scripts_the_sentence_names_them(case: Case, desk: Client) -> None:
    ask("serial", required_for=["resolved"])
    answer = desk.post(f"/cases/{case.number}/status/", {"status": "resolved"})
    assert (answer.status_code, answer.content.decode()) == (409, "Fill in first: Serial.")


def test_the_panel_and_its_form(
    case: Case, desk: Client, ana: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    bare = desk.get(f"/cases/{case.number}/").content.decode()
    assert 'data-panel="fields"' not in bare  # a house that asks nothing sees nothing of it
    for n in range(12):
        ask(f"field_{n}", "several_of", ("Dead", "Slow"))
    fields.fill(case, {"field_3": ["dead", "slow"]}, by=ana)
    assert 'data-panel="fields"' in desk.get(f"/cases/{case.number}/").content.decode()
    desk.get(f"/cases/{case.number}/fields/")
    with django_assert_max_num_queries(8):  # session and user included
        assert "Dead, Slow" in desk.get(f"/cases/{case.number}/fields/").content.decode()
    answer = desk.post(f"/cases/{case.number}/fields/", {"shown": "field.field_3"})
    assert answer.status_code == 303
    assert fields.data(case) == {}


# --- found


def test_cases_are_found_by_every_kind(billing: Queue, ana: User) -> None:
    ask("serial"), ask("amount", "money"), ask("due", "date"), ask("told", "yes_no")
    ask("fault", "several_of", ("Dead", "Slow"))
    one, two = make_case(billing), make_case(billing)
    fields.fill(one, {"serial": "Ab-12%", "amount": "99.5", "due": "2026-03-01", "told": True, "fault": "dead"}, by=ana)
    fields.fill(
        two, {"serial": "ab_99", "amount": "100", "due": "2026-04-01", "told": False, "fault": "dead,slow"}, by=ana
    )
    expected = {
        "serial:ab": {one, two},
        "serial:AB-12": {one},
        "serial:ab-12%": {one},
        "serial:_": set(),
        "serial:!=ab-12%": {two},
        "serial:none": set(),
        "serial:!=none": {one, two},
        "amount:>99.5": {two},
        "amount:>=99,5": {one, two},
        "amount:<100": {one},
        "amount:100": {two},
        "due:<2026-04-01": {one},
        "due:>=2026-03-01": {one, two},
        "told:no": {two},
        "fault:dead": {one, two},
        "fault:Slow": {two},
        "fault:!=slow": {one},
    }
    found = {term: set(Case.objects.filter(fields.typed_condition(term))) for term in expected}
    assert found == expected
    for wrong in ("amount:many", "fault:>dead", "fault:broken", "due:soon"):
        with pytest.raises(fields.BadValue):
            fields.typed_condition(wrong)
    with pytest.raises(fields.UnknownField):
        fields.typed_condition("nothing:1")


def test_they_are_filters_where_cases_are_searched_and_listed(billing: Queue, ana: User) -> None:
    ask("amount", "money"), ask("fault", "one_of", ("Dead line", "Slow"))
    one, two = make_case(billing), make_case(billing)
    fields.fill(one, {"amount": "99.5", "fault": "Dead line"}, by=ana)
    fields.fill(two, {"amount": "100"}, by=ana)
    asker = Asker(ana, timezone.now())
    for text, expected in {
        "amount:>=100": {two},
        'fault:"dead line" is:active': {one},
        "fault:slow|none": {two},
        "-fault:none": {one},
    }.items():
        wanted = filters.read(text, asker)
        assert wanted.problems == ()
        assert set(filters.in_list(wanted, billing, asker)) == expected, text
        assert set(search.search_cases(ana, text)) == expected, text
    (problem,) = filters.read("amount:lots", asker).problems
    assert "Give a number" in problem
    assert [offer.shown for offer in filters.offers("fau", asker)] == ["fault:Dead line"]
    assert [offer.shown for offer in filters.offers("fault:", asker)] == [
        'fault:"Dead line"',
        "fault:Slow",
        "fault:none",
    ]


def test_its_texts_are_found_by_the_search(case: Case, ana: User) -> None:
    ask("serial")
    fields.fill(case, {"serial": "ZX81"}, by=ana)
    assert search.search_cases(ana, "zx81") == [case]
    search.rebuild(case)
    assert search.search_cases(ana, "zx81") == [case]


# --- two cases become one


def test_a_merge_carries_what_only_the_other_knew_and_its_undoing_takes_it_back(
    billing: Queue, carl: Customer, ana: User
) -> None:
    ask("serial"), ask("fault", "several_of", ("Dead", "Slow")), ask("room")
    kept, gone = make_case(billing, customer=carl), make_case(billing, customer=carl)
    fields.fill(kept, {"serial": "kept"}, by=ana)
    fields.fill(gone, {"serial": "gone", "fault": ["dead", "slow"], "room": "Attic"}, by=ana)
    done = merging.merge(gone, kept, by=ana)
    assert fields.data(kept) == {"serial": "kept", "fault": ["dead", "slow"], "room": "Attic"}
    fields.fill(kept, {"room": "Cellar"}, by=ana)
    merging.undo(done, by=ana)
    assert fields.data(kept) == {"serial": "kept", "room": "Cellar"}  # what somebody has said since stays theirs
    assert fields.data(gone) == {"serial": "gone", "fault": ["dead", "slow"], "room": "Attic"}


# --- other doors


def test_the_api_reads_and_writes_them_with_the_version(case: Case, ana: User) -> None:
    ask("serial", required_for=["resolved"]), ask("fault", "one_of", ("Dead",))
    call = Caller(ana)
    refused = call.post(f"cases/{case.number}/resolution/", {})
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "fields_missing")
    assert refused.json()["fields"] == [{"key": "serial", "name": "Serial"}]
    stale = call.patch(f"cases/{case.number}/", {"fields": {"serial": "A"}, "version": case.version - 1})
    assert stale.status_code in {409, 412}
    case.refresh_from_db()
    given = {"fields": {"serial": "A1", "fault": "dead"}, "version": case.version}
    answer = call.patch(f"cases/{case.number}/", given)
    assert (answer.status_code, answer.json()["fields"]) == (200, {"serial": "A1", "fault": "dead"})
    wrong = call.patch(f"cases/{case.number}/", {"fields": {"fault": "broken"}})
    assert (wrong.status_code, "fields.fault" in wrong.content.decode()) == (400, True)
    opened = call.post("cases/", {"queue": case.queue_id, "subject": "New", "fields": {"serial": "B2"}})
    assert opened.json()["fields"] == {"serial": "B2"}
    listed = call.get("cases/?field=serial:a1").json()["results"]
    assert [row["number"] for row in listed] == [case.number]
    assert call.get("cases/?field=nothing:1").status_code == 400


def test_programs_define_them(sue: User, billing: Queue) -> None:
    call = Caller(sue)
    asked = {"key": "fault", "name": "Fault", "kind": "one_of", "options": ["Dead", "Slow"], "queues": [billing.pk]}
    made = call.post("case-fields/", asked)
    assert made.status_code == 201, made.content
    changed = call.patch(
        f"case-fields/{made.json()['id']}/", {"options": ["Slow", "Noisy"], "required_for": ["resolved"]}
    )
    offered = {option["key"]: option["is_active"] for option in changed.json()["options"]}
    assert offered == {"dead": False, "slow": True, "noisy": True}
    assert call.post("case-fields/", asked).status_code == 409
    for key in ("Fault 2", "status"):  # no key; a filter of ours
        assert call.post("case-fields/", asked | {"key": key}).status_code == 400


def test_imported_cases_bring_theirs(billing: Queue) -> None:
    ask("serial"), ask("amount", "number")
    data = {"external_id": "1", "subject": "Old", "opened_at": timezone.now(), "channel": "mail", "priority": "normal",
            "status": "new", "queue": billing.name, "tags": [], "custom": {"serial": "A1", "amount": "many", "else": 1}}  # fmt: skip
    imports.load_cases([Line(1, "case", "1", data)], "old")
    case = Case.objects.get(external_id="1")
    assert fields.data(case) == {"serial": "A1"}
    assert case.custom["amount"] == "many"  # what does not fit stays as it came


def test_splitting_leaves_them_where_they_are(case: Case, ana: User) -> None:
    sender = case.customer.contact_points.get(kind="email")  # type: ignore[union-attr]
    for text in ("One", "Two"):
        conversation.add_inbound(case, text=text, sender=sender, channel="mail", at=timezone.now())
    ask("serial")
    fields.fill(case, {"serial": "A"}, by=ana)
    fresh = splitting.split(case.messages.latest("pk"), subject="", with_later=False, by=ana)
    assert (fields.data(case), fields.data(fresh)) == ({"serial": "A"}, {})
