"""The commands of tests/cases/commands.py by which cases are merged, parted, split and linked."""

from typing import Any

from django.test import Client
from django.utils import timezone

from cases import issues, linking, merging, status_page
from cases.contact_form import fresh_token
from cases.conversation import add_inbound
from cases.intake import open_case
from cases.models import Case
from tests.cases.before import World, need_met, post, resolved
from tests.cases.registry import command


def another(w: World) -> None:
    """The same customer's other case."""
    w.other = open_case(queue=w.billing, customer=w.carl, subject="Again", channel="mail", at=w.now, via="channel")
    sender = w.carl.contact_points.get(kind="email")
    add_inbound(w.other, text="And again!", sender=sender, channel="mail", at=w.now)


def taken_in(w: World) -> None:
    another(w)
    merging.merge(Case.objects.get(pk=w.other.pk), w.case, by=w.ana)


def gone(w: World) -> None:
    another(w)
    merging.merge(w.case, Case.objects.get(pk=w.other.pk), by=w.ana)


def said_more(w: World) -> None:
    add_inbound(w.case, text="Something else", sender=None, channel="mail", at=timezone.now())


def linked(w: World) -> None:
    another(w)
    linking.link(w.case, Case.objects.get(pk=w.other.pk), "caused_by", by=w.ana)


@command("merged", "took_in", before=another, routes="cases/<int:number>/merge/ api/cases/<int:number>/merge/")
def _merge_away(w: World) -> None:
    post(w, "merge/", into=w.other.number)


@command("merged", "took_in", before=another)
def _take_in(w: World) -> None:
    w.clients[w.ana.pk].post(f"/cases/{w.other.number}/merge/", {"into": w.case.number})


@command("unmerged", "gave_back", before=taken_in)
def _give_back(w: World) -> Any:
    return w.clients[w.ana.pk].delete(f"/cases/{w.other.number}/merge/")


@command("unmerged", "gave_back", before=gone)
def _come_back(w: World) -> None:
    w.clients[w.ana.pk].delete(f"/cases/{w.case.number}/merge/")


@command(
    "opened",
    "split_off",
    before=said_more,
    routes="cases/<int:number>/messages/<int:pk>/split/ api/cases/<int:number>/messages/<int:pk>/split/",
)
def _split_off(w: World) -> None:
    post(w, f"messages/{w.case.messages.latest('pk').pk}/split/", subject="Something else")


@command("linked", before=another, routes="cases/<int:number>/links/ api/cases/<int:number>/links/")
def _link(w: World) -> Any:
    return post(w, "links/", other=w.other.number, kind="caused_by")


@command(
    "unlinked",
    before=linked,
    routes="cases/<int:number>/links/<int:pk>/ api/cases/<int:number>/links/<int:pk>/",
)
def _unlink(w: World) -> Any:
    return post(w, f"links/{w.case.links.get().pk}/", "delete")


def one_thing(w: World) -> None:
    another(w)
    issues.join(w.case, Case.objects.get(pk=w.other.pk), by=w.ana)


@command(
    "issue_joined",
    before=another,
    routes="cases/<int:number>/issue/<int:other>/ api/cases/<int:number>/issue/",
)
def _say_it_is_one_thing(w: World) -> None:
    w.clients[w.ana.pk].post(f"/cases/{w.case.number}/issue/{w.other.number}/")


@command("issue_left", before=one_thing)
def _say_it_is_not_one_thing(w: World) -> None:
    w.clients[w.ana.pk].delete(f"/cases/{w.case.number}/issue/{w.other.number}/")


@command(
    "status_links_revoked",
    routes="cases/<int:number>/status-page/ api/cases/<int:number>/status-page/",
)
def _call_links_back(w: World) -> Any:
    return post(w, "status-page/", "delete")


@command("survey_answered", "need_unmet", "tagged", before=(need_met, resolved), routes="status/<str:token>/survey/")
def _say_that_it_is_not_solved(w: World) -> None:
    link = status_page.link(w.case, w.carl.contact_points.get(kind="email"))
    path = "/" + link.partition("://")[2].partition("/")[2]
    assert Client().post(f"{path}survey/", {"solved": "no", "feeling": "bad", "words": "It broke"}).status_code == 302


@command("message_received", "acknowledged", routes="status/<str:token>/")
def _write_on_the_status_page(w: World) -> None:
    link = status_page.link(w.case, w.carl.contact_points.get(kind="email"))
    path = "/" + link.partition("://")[2].partition("/")[2]
    assert Client().post(path, {"token": fresh_token(), "message": "One more thing"}).status_code == 302
