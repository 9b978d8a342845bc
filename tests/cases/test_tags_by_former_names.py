"""Whoever still says a tag's old name, a person who looks for it, a program, or a rule that waits for its turn, means the tag."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import filters, macros, tags
from cases.filter_parts import Asker
from cases.models import Case, Queue, RuleRun, Tag
from cases.rules import asking, running
from cases.search import find
from crm.models import User
from tests.api import Caller
from tests.builders import make_case, make_macro
from tests.cases.ruled import fact, hear, make_rule, numbered

pytestmark = pytest.mark.django_db
AT = timezone.now()
TOLD = "The tag “refund” is now called “money back”."


@pytest.fixture
def tagged(billing: Queue, ana: User) -> Case:
    case = make_case(billing, "The bill")
    case.set_tags(["refund"], by=ana)
    return case


def rename(name: str, into: str, by: User, *, done: bool = True) -> None:
    tags.rename(Tag.objects.get(name=name), into, by=by, at=AT)
    while done and tags.rename_due(AT):
        pass


def found(user: User, text: str) -> list[Any]:
    return [hit.object for hit in find(user, text, at=timezone.now()).hits]


# --- looking for it


@pytest.mark.parametrize("done", [True, False])
def test_the_old_name_finds_what_the_tag_is_called_now(tagged: Case, ana: User, sue: User, *, done: bool) -> None:
    """Before its cases had their turn, and after."""
    rename("refund", "money back", sue, done=done)
    for text in ("tag:refund", "tag:REFUND|vip", 'tag:"money back"'):
        assert found(ana, text) == [tagged], text
    assert found(ana, "-tag:refund is:active") == []
    assert find(ana, "tag:refund", at=AT).told == (TOLD,)
    assert find(ana, 'tag:"money back"', at=AT).told == ()


def test_it_is_said_in_words_on_the_page_in_the_list_and_to_programs(
    tagged: Case, billing: Queue, ana: User, sue: User, desk: Client
) -> None:
    rename("refund", "money back", sue)
    for address in (
        "/search/?q=tag:refund",
        "/search/?q=tag:refund+is:snoozed",
        f"/queues/{billing.pk}/?view=q&q=tag:refund",
    ):
        assert TOLD in desk.get(address).content.decode(), address
    assert f"row-{tagged.number}" in desk.get(f"/queues/{billing.pk}/?view=q&q=tag:refund").content.decode()
    assert TOLD not in desk.get("/search/?q=tag:vip").content.decode()
    call = Caller(ana)
    assert call.get("search/?q=tag:refund").json()["told"] == [TOLD]
    assert [row["number"] for row in call.get("cases/?q=tag:refund").json()["results"]] == [tagged.number]


def test_a_tag_that_takes_up_the_name_is_the_one_that_is_meant(
    tagged: Case, billing: Queue, ana: User, sue: User
) -> None:
    rename("refund", "money back", sue)
    other = make_case(billing)
    other.set_tags(["vip"], by=ana)
    rename("vip", "refund", sue)
    assert found(ana, "tag:refund") == [other]
    assert find(ana, "tag:refund", at=AT).told == ()
    assert found(ana, "tag:vip") == [other]


def test_many_filters_of_tags_ask_once_what_was_renamed(
    tagged: Case, ana: User, sue: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    rename("refund", "money back", sue)
    asker = Asker(ana, AT)
    with django_assert_max_num_queries(2):
        for name in ("refund", "vip", "money back", "x"):
            filters.read(f"tag:{name}", asker)


# --- a rule that was asked before, and has its turn after


@pytest.mark.parametrize("done", [True, False])
def test_a_renaming_between_the_asking_of_a_rule_and_its_turn_makes_it_miss_nothing(
    tagged: Case, sue: User, *, done: bool
) -> None:
    then = [{"do": "tag", "add": ["vip"], "remove": ["refund"]}]
    other = make_rule("By others", condition={"not": fact("tags", "has_any", ["refund", "x"])})
    rule = make_rule("By tag", condition=fact("tags", "has", "refund"), then=then)
    hear(tagged)
    numbered()
    assert asking.follow(timezone.now())
    rename("refund", "money back", sue, done=done)
    while running.run_due(timezone.now()):
        pass
    states = dict(RuleRun.objects.values_list("rule", "state"))
    assert states == {rule.pk: "done", other.pk: "unfit"}
    tagged.refresh_from_db()
    assert tagged.tags == ["vip"]


def test_a_rule_by_the_new_name_knows_cases_that_still_carry_the_old_one(tagged: Case, sue: User) -> None:
    rename("refund", "money back", sue, done=False)
    then = [{"do": "tag", "remove": ["money back"]}]
    make_rule("By tag", condition=fact("tags", "has", "money back"), then=then)
    hear(tagged)
    numbered()
    asking.follow(timezone.now())
    running.run_due(timezone.now())
    tagged.refresh_from_db()
    assert (RuleRun.objects.get().state, tagged.tags) == ("done", [])


def test_a_macro_takes_off_the_tag_by_whichever_of_its_names_the_case_says(tagged: Case, ana: User, sue: User) -> None:
    macro = make_macro("Off", [{"do": "remove_tags", "tags": ["money back"]}])
    rename("refund", "money back", sue, done=False)
    tagged.refresh_from_db()
    macros.run(tagged, macro, by=ana, key="off-1")
    tagged.refresh_from_db()
    assert tagged.tags == []
