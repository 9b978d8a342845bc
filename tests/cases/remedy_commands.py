"""The commands of tests/cases/commands.py by which something is made good."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases import promises
from cases.hooks import remedy_handlers
from cases.models import Remedy
from cases.remedies import granting, paying, raising, unasked
from tests.cases.before import World, post, promised
from tests.cases.board_commands import leads
from tests.cases.registry import command
from tests.cases.remedied import BROKEN, allow, make_policy, propose

GRANTING = "cases/<int:number>/remedies/ api/cases/<int:number>/remedies/"
DECIDING = "cases/<int:number>/remedies/<int:pk>/approval/ api/remedies/<int:pk>/approval/"
OFF = "cases/<int:number>/remedies/<int:pk>/ api/remedies/<int:pk>/"
GIVING = "cases/<int:number>/remedies/<int:pk>/giving/ api/remedies/<int:pk>/giving/"


def asked(w: World) -> None:
    """By a colleague, whose role may grant nothing by itself."""
    leads(w)
    propose(w.case, make_policy(), w.lee)
    allow("lead")


def granted(w: World) -> None:
    leads(w)
    allow("rep")
    allow("lead")
    propose(w.case, make_policy(), w.ana)


def left_to_hand(w: World) -> None:
    granted(w)
    paying.pay_due(timezone.now())


def _pk() -> int:
    return Remedy.objects.get().pk


@command("remedy_granted", before=lambda w: allow("rep"), routes=GRANTING)
def _grant_a_remedy(w: World) -> Any:
    return post(w, "remedies/", **{"policy": make_policy().pk, "given.impact": "small"})


@command("remedy_asked")
def _ask_for_a_remedy(w: World) -> Any:
    return post(w, "remedies/", **{"policy": make_policy().pk, "given.impact": "small"})


def broken(w: World) -> None:
    make_policy("Promises", BROKEN)
    promised(w)
    promises.sweep(timezone.now() + timedelta(hours=6))


@command("remedy_granted", before=broken)
def _owe_a_remedy_unasked(w: World) -> None:
    unasked.grant_due(timezone.now() + timedelta(hours=6))


@command("remedy_raised", before=asked)
def _raise_what_nobody_decided_about(w: World) -> None:
    raising.raise_due(timezone.now() + timedelta(hours=1))


@command("remedy_approved", before=asked, routes=DECIDING)
def _approve_a_remedy(w: World) -> Any:
    return post(w, f"remedies/{_pk()}/approval/", approved="1")


@command("remedy_refused", before=asked)
def _refuse_a_remedy(w: World) -> Any:
    return post(w, f"remedies/{_pk()}/approval/", approved="0", note="Not ours.")


@command("remedy_called_off", before=granted, routes=OFF)
def _call_a_remedy_off(w: World) -> Any:
    return post(w, f"remedies/{_pk()}/", method="delete")


@command("remedy_paid", before=granted)
def _give_a_remedy(w: World) -> None:
    with remedy_handlers.registered(lambda payout: "CN-1"):
        paying.pay_due(timezone.now())


@command("remedy_left_to_hand", before=granted)
def _leave_a_remedy_to_hand(w: World) -> None:
    paying.pay_due(timezone.now())


@command("remedy_paid", before=left_to_hand, routes=GIVING)
def _note_a_remedy_as_given(w: World) -> Any:
    return post(w, f"remedies/{_pk()}/giving/", reference="CN-1")


@command("remedy_called_off", before=asked)
def _call_off_what_somebody_asked_for(w: World) -> None:
    granting.call_off(Remedy.objects.get(), by=w.ana)
