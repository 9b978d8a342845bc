"""What names a tag goes by its new name from the renaming on: once, with the reason, and told before."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import saved_filters, tag_users, tags
from cases.models import Macro, Queue, Rule, SavedFilter, Skill, Tag
from cases.models.case import Refusal
from cases.tag_users import renamed_text
from crm import admin_history
from crm.models import Event, User
from tests.builders import make_case, make_macro
from tests.cases.ruled import fact, fresh, hear, keep, make_rule

pytestmark = pytest.mark.django_db
AT = timezone.now()
STEPS: list[dict[str, Any]] = [
    {"do": "add_tags", "tags": ["Refund", "vip"]},
    {"do": "note", "text": "refund"},
    {"do": "remove_tags", "tags": ["money back", "refund"]},
]
CONDITION: dict[str, Any] = {
    "all": [
        fact("tags", "has", "refund"),
        {"not": {"any": [fact("tags", "has_any", ["refund", "vip"]), fact("subject", "is", "refund")]}},
    ]
}


def rename(name: str, into: str, by: User | None) -> None:
    tags.rename(Tag.objects.get_or_create(name=name)[0], into, by=by, at=AT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tag:refund", "tag:back"),
        ("is:open -tag:refund refund", "is:open -tag:back refund"),
        ('tag:"Refund"|vip priority:high', "tag:back|vip priority:high"),
        ("tag:back|refund", "tag:back"),
        ('tag:refunds -tag:"big refund" "tag:refund"', 'tag:refunds -tag:"big refund" "tag:refund"'),
        ("subject:refund", "subject:refund"),
    ],
)
def test_a_filter_s_text_changes_where_it_names_the_tag_and_nowhere_else(text: str, expected: str) -> None:
    assert renamed_text(text, tag_users._to("refund", "back")) == expected


def test_everything_that_names_it_follows_once_and_says_why(billing: Queue, ana: User, sue: User) -> None:
    own = saved_filters.save("Mine", "tag:refund is:active", by=ana, at=AT)
    shared = saved_filters.save("Ours", "-tag:refund|vip", by=sue, at=AT, shared_in=billing)
    other = saved_filters.save("Other", "tag:vip refund", by=ana, at=AT)
    macro, aside = make_macro("Back", STEPS), make_macro("Aside", [{"do": "note", "text": "refund"}])
    rule = make_rule("By tag", condition=CONDITION, then=[{"do": "tag", "add": ["refund"], "remove": ["vip"]}])
    plain = make_rule("Plain", condition=fact("subject", "is", "refund"))
    skill = Skill.objects.create(name="Money", tags=["refund"])
    users = tag_users.users_of("refund")
    assert (users.filters, users.macros, users.rules, users.skills) == ([own, shared], [macro], [rule], [skill])
    rename("refund", "money back", sue)
    texts = dict(SavedFilter.objects.values_list("pk", "text"))
    assert texts == {own.pk: 'tag:"money back" is:active', shared.pk: '-tag:"money back"|vip', other.pk: other.text}
    assert Event.objects.filter(kind="filter_changed", data__filter=shared.pk, actor=sue).count() == 1
    macro = Macro.objects.get(pk=macro.pk)
    assert [step.get("tags") for step in macro.steps] == [["money back", "vip"], None, ["money back"]]
    assert macro.versions.first().steps == STEPS  # type: ignore[union-attr]
    rule = Rule.objects.get(pk=rule.pk)
    assert rule.current is not None
    assert rule.current.condition == {
        "all": [
            fact("tags", "has", "money back"),
            {"not": {"any": [fact("tags", "has_any", ["money back", "vip"]), fact("subject", "is", "refund")]}},
        ]
    }
    assert rule.current.then == [{"do": "tag", "add": ["money back"], "remove": ["vip"]}]
    for row in (macro, rule):
        assert row.current is not None
        assert (row.current.number, row.current.created_by) == (2, sue)
        assert any("The tag “refund” became “money back”." in one.what for one in admin_history.of(row))
    assert Macro.objects.get(pk=aside.pk).current.number == 1  # type: ignore[union-attr]
    assert Rule.objects.get(pk=plain.pk).current.number == 1  # type: ignore[union-attr]
    assert len(tag_users.users_of("refund")) == 0
    tag_users.follow("refund", "money back", by=sue, at=AT)
    with pytest.raises(Refusal, match="gone into another"):
        rename("refund", "x", sue)
    assert macro.versions.count() == rule.versions.count() == 2


def test_a_rule_goes_on_with_cases_by_their_new_tag(billing: Queue, sue: User) -> None:
    make_rule(condition=fact("tags", "has", "refund"))
    rename("refund", "money back", sue)
    case = make_case(billing, tags=["money back"])
    hear(case)
    keep()
    assert fresh(case).priority == "high"


def test_what_could_not_be_saved_today_follows_all_the_same(billing: Queue, technical: Queue, sue: User) -> None:
    """The other queue is closed: nobody could publish this rule now, and it must not stand in the way."""
    then = [{"do": "tag", "add": ["refund"]}, {"do": "transfer", "queue": technical.pk}]
    rule = make_rule(then=then)
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    long = SavedFilter.objects.create(owner=sue, name="Long", text="tag:refund " + "x" * 385)
    rename("refund", "money back", sue)
    assert Rule.objects.get(pk=rule.pk).current.then[0]["add"] == ["money back"]  # type: ignore[union-attr]
    long.refresh_from_db()
    assert long.text.startswith("tag:refund ")


def test_who_renames_it_sees_before_what_follows(client: Client, billing: Queue, sue: User, ana: User) -> None:
    saved_filters.save("Mine", "tag:refund", by=ana, at=AT)
    make_macro("Back", STEPS, queues=[billing])
    make_rule(condition=CONDITION, queues=[billing])
    tag = Tag.objects.create(name="refund")
    client.force_login(sue)
    page = client.get(f"/admin/cases/tag/{tag.pk}/change/").content.decode()
    for told in ("1 × filter of one person that names it", "1 × macro that names it", "1 × rule that names the tag"):
        assert told in page
    asked = client.post(f"/admin/cases/tag/{tag.pk}/change/", {"name": "back", "hint": "", "is_active": "on"})
    assert "saved filters (1), macros (1), rules (1), skills (0)" in asked.content.decode()
    assert SavedFilter.objects.get().text == "tag:refund"
