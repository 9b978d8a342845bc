"""The commands of tests/cases/commands.py about needs, feelings and offers."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases import conversation, feelings, silence
from customers import consent
from outreach import deciding, fulfilling, responding
from outreach.hooks import fulfilments
from outreach.models import OfferPresentation
from tests.cases.before import World, claimed, let_go, need_met, post, resolved, sent, written
from tests.cases.registry import command
from tests.outreach.conftest import make_offer


@command("need_met", routes="cases/<int:number>/need/ api/cases/<int:number>/need/")
def _say_the_need_is_met(w: World) -> Any:
    return post(w, "need/", how="customer_said")


def answered(w: World) -> None:
    claimed(w)
    written(w, is_answer=True)
    let_go(w)
    sent(w)


def silent(w: World) -> None:
    answered(w)
    w.billing.silence_days = 7
    w.billing.save(update_fields=["silence_days"])
    assert silence.sweep(timezone.now() + timedelta(days=8)) == 1


@command("need_met", before=answered)
def _take_silence_for_a_yes(w: World) -> None:
    w.billing.silence_days = 7
    w.billing.save(update_fields=["silence_days"])
    silence.sweep(timezone.now() + timedelta(days=8))


@command("need_unmet", "message_received", "status_changed", before=silent)
def _the_customer_breaks_the_silence(w: World) -> None:
    conversation.add_inbound(w.case, text="No", sender=None, channel="mail", at=timezone.now())


@command("need_unmet", before=need_met)
def _say_it_is_not(w: World) -> Any:
    return post(w, "need/", method="delete")


@command("reopened", before=(need_met, resolved))
def _reopen_what_was_met(w: World) -> None:
    w.case.reopen(by=w.ana)


@command(
    "feeling_marked",
    routes="cases/<int:number>/messages/<int:pk>/feeling/ api/cases/<int:number>/messages/<int:pk>/feeling/",
)
def _mark_a_feeling(w: World) -> Any:
    return post(w, f"messages/{w.case.messages.get().pk}/feeling/", feeling="bad")


# --- offers


def earned(w: World) -> None:
    """Everything is open, and there is something to offer."""
    make_offer(need_tags=("charged",))
    consent.record(w.carl, "marketing", "any", granted=True, source="rep", by=w.ana)
    message = w.case.messages.get()
    message.case = w.case
    feelings.mark(message, "good", by=w.ana)
    need_met(w)


def presented(w: World) -> None:
    earned(w)
    deciding.decide(w.case, by=w.ana)


def accepted(w: World) -> None:
    presented(w)
    responding.respond(OfferPresentation.objects.get(), "accepted", by=w.ana)


@command("offer_presented", before=earned, routes="cases/<int:number>/offer/ api/cases/<int:number>/offer/")
def _present_an_offer(w: World) -> None:
    deciding.decide(w.case, by=w.ana)


@command("offer_refused")
def _try_before_the_need_is_met(w: World) -> None:
    deciding.decide(w.case, by=w.ana, asked="try")


@command(
    "offer_answered",
    before=presented,
    routes="cases/<int:number>/offer/response/ api/cases/<int:number>/offer/response/",
)
def _answer_an_offer(w: World) -> None:
    responding.respond(OfferPresentation.objects.get(), "no", by=w.ana)


@command("offer_left_to_hand", before=accepted)
def _leave_it_to_people(w: World) -> None:
    fulfilling.fulfil_due(timezone.now())


@command("offer_fulfilled", before=accepted)
def _do_what_was_accepted(w: World) -> None:
    with fulfilments.registered(lambda acceptance: f"done {acceptance.key}"):
        fulfilling.fulfil_due(timezone.now())
