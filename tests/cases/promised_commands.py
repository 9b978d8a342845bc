"""Commands of acknowledgements and alarms (see registry.py); commands.py reads them."""

from datetime import timedelta

from django.utils import timezone

from cases import conversation, promises
from tests.cases.before import World, acknowledged, claimed, failed, promised_soon, sent, silent_for_days, warned
from tests.cases.registry import command


@command("message_received", "acknowledged", before=(claimed, silent_for_days))
def _begin_another_contact(w: World) -> None:
    conversation.add_inbound(w.case, text="And again!", sender=None, channel="mail", at=timezone.now())


@command("acknowledgement_settled", before=acknowledged)
def _send_an_acknowledgement(w: World) -> None:
    sent(w)


@command("acknowledgement_settled", before=acknowledged)
def _fail_to_send_an_acknowledgement(w: World) -> None:
    failed(w)


@command("promise_raised", before=(promised_soon, warned))
def _raise_a_promise(w: World) -> None:
    promises.raise_due(w.now + timedelta(minutes=9))


@command("promise_due_soon", before=promised_soon)
def _warn_of_a_promise(w: World) -> None:
    warned(w)
