"""How a message is put together for its thread: whatever is in it is text, and what is done to it goes to its own address."""

from datetime import timedelta
from html import escape
from typing import Any

import pytest
from django.db.models import QuerySet
from django.urls import reverse, set_script_prefix
from django.utils import timezone, translation

from cases.models import Attachment, Case, Dispatch, Message, Queue
from cases.templatetags.spoken import spoken
from crm.addressing import address
from customers.models import Customer
from tests.builders import make_case

NASTY = "<script>'\"&x</script>"
pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl)


def _message(case: Case, *files: Attachment, **said: Any) -> Message:
    message = Message(pk=7, case=case, **{"direction": "inbound", "text": "", "at": timezone.now(), **said})
    held: QuerySet[Attachment] = Attachment.objects.all()
    held._result_cache, held._prefetch_done = list(files), True  # type: ignore[attr-defined]
    message._prefetched_objects_cache = {"attachments": held}  # type: ignore[attr-defined]
    return message


@pytest.mark.parametrize("state", Dispatch.State.values)
@pytest.mark.parametrize("direction", Message.Direction.values)
def test_whatever_is_in_it_is_text(case: Case, direction: str, state: str) -> None:
    nasty = dict.fromkeys(("text", "sender_name", "subject", "channel", "next_step"), NASTY)
    sent = Dispatch(state=state, reason=NASTY, release_at=timezone.now())
    message = _message(
        case, Attachment(name=NASTY, size=1), direction=direction, dispatch=sent, flags=[NASTY], folds=[[2, 9, NASTY]], **nasty
    )  # fmt: skip
    message.has_html = True  # type: ignore[attr-defined]
    for shown in (spoken(message), spoken(_message(case, direction=direction, **nasty, taken_back_at=timezone.now()))):
        assert "<script" not in shown
        assert "script>'" not in shown
        assert escape(NASTY)[4:12] in shown


@pytest.mark.parametrize(
    ("said", "shown", "hidden"),
    [
        ({"direction": "inbound", "channel": "mail"}, ["by mail", "Split off", 'class="msg in"'], ["footer"]),
        ({"direction": "inbound", "is_auto": True}, ["automatic", 'class="msg in auto"'], ["Split off"]),
        ({"direction": "note", "text": "Ask @lee"}, ["note, only us", "<mark>@lee</mark>"], ["footer"]),
        (
            {"direction": "outbound", "is_answer": True, "next_step": "Call"},
            [">answer<", "Next step: Call"],
            ["by <time"],
        ),
        ({"direction": "outbound", "next_step": "Call", "by_when": timezone.now()}, ["by <time"], ["Split off"]),
    ],
)
def test_it_says_what_it_is(case: Case, said: dict[str, Any], shown: list[str], hidden: list[str]) -> None:
    told = spoken(_message(case, **said))
    assert [word for word in shown if word not in told] == []
    assert [word for word in hidden if word in told] == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"state": "held"}, "data-countdown"),
        ({"state": "held", "released_at": timezone.now()}, "on its way"),
        ({"state": "held", "released_at": timezone.now(), "attempts": 1}, "trying again"),
        ({"state": "claimed", "attempts": 1}, "on its way"),
        ({"state": "claimed", "attempts": 2}, "trying again"),
        ({"state": "sent", "sent_at": timezone.now()}, "sent <time"),
        ({"state": "undone"}, "taken back"),
        ({"state": "failed", "reason": "smtp_550"}, "error 550"),
        ({"state": "unknown"}, "hx-confirm"),
    ],
)
def test_it_says_what_became_of_it(case: Case, how: dict[str, Any], said: str) -> None:
    sent = Dispatch(release_at=timezone.now() + timedelta(seconds=10), **how)
    told = spoken(_message(case, direction="outbound", dispatch=sent))
    assert said in told
    assert ("/retry/" in told) == (how["state"] in {"failed", "unknown"})


def test_it_speaks_the_language_of_who_reads(case: Case) -> None:
    with translation.override("de"):
        assert "nur für uns" in spoken(_message(case, direction="note"))
    assert "only us" in spoken(_message(case, direction="note"))


@pytest.mark.parametrize("prefix", ["/", "/desk/"])
def test_an_address_is_what_reverse_says(prefix: str) -> None:
    set_script_prefix(prefix)
    try:
        for name, numbers in (("cases:case", [5]), ("cases:feeling", [10001, 7]), ("cases:home", [])):
            assert address(name, *numbers) == reverse(name, args=numbers)
    finally:
        set_script_prefix("/")
