"""The commands of tests/cases/commands.py by which a case is described: fields filled in, a tag renamed on it."""

from typing import Any

from django.utils import timezone

from cases import tags
from cases.models import CaseField, Disposition, Tag
from tests.cases.before import World, post
from tests.cases.registry import command


def asked(w: World) -> None:
    """The house asks for a serial number."""
    CaseField.objects.create(key="serial", name="Serial number")


def tagged(w: World) -> None:
    w.case.set_tags(["refund", "april"], by=w.ana)
    tags.rename(Tag.objects.get(name="refund"), "money back", by=w.sue, at=timezone.now())


@command("fields_filled", before=asked, routes="cases/<int:number>/fields/")
def _fill_in(w: World) -> Any:
    return post(w, "fields/", **{"field.serial": "AB-1234"})


def asked_how_it_ended(w: World) -> None:
    """The house wants to know what cases are about."""
    Disposition.objects.create(name="Wrong charge")


@command(
    "outcome_noted",
    before=asked_how_it_ended,
    routes="cases/<int:number>/outcome/ api/cases/<int:number>/outcome/",
)
def _say_how_it_ended(w: World) -> Any:
    return post(w, "outcome/", disposition=Disposition.objects.get().pk)


@command("tagged", before=tagged, routes="api/tags/<int:pk>/renaming/")
def _rename_a_tag(w: World) -> None:
    tags.rename_due(timezone.now())
