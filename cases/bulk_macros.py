"""A macro run on many cases: by its own verb on each, all of it or nothing, and what of it can be given back.

What was said stays said: a reply inside its undo window is taken back, one that has left is not, and neither are a note, a
promise, or words in somebody's draft. The row says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import conversation, macro_steps, macros, transitions
from cases.bulk_back import (
    NAPS,
    OWNERS,
    STATUSES,
    VIA,
    Given,
    asleep,
    place,
    standing,
    tagged,
    to_owner,
    to_place,
    to_sleep,
    to_standing,
    to_urgency,
    urgency,
)
from cases.macro_doing import Order
from cases.models import Case, Macro, Message
from cases.models.case import Refusal
from crm.models import User

_TOUCHES = {"assign": OWNERS, "transfer": OWNERS, "priority": frozenset({"priority_changed"}), "snooze": NAPS}


def read(given: Mapping[str, Any], by: User) -> Given:
    """The macro, and the version of it that was looked at: another one is left out, row by row."""
    key = str(given.get("macro", ""))
    offered = Macro.objects.readable_by(by).filter(is_active=True, current__isnull=False).select_related("current")
    macro = offered.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if macro is None or macro.current is None:
        raise Refusal(_("Choose a macro."))
    seen = str(given.get("version") or macro.current.number)
    if seen != str(macro.current.number):
        raise macros.Changed
    kinds = [step["do"] for step in macro.steps]
    status = next((step["status"] for step in macro.steps if step["do"] == "status"), "")
    return {
        "macro": macro.pk,
        "version": macro.current.number,
        "kinds": kinds,
        "status": status,
        "sends": macro_steps.sends(macro.steps),
    }


def heeds(given: Given) -> frozenset[str]:
    """Who has just written is not answered with what was chosen before, nor done with."""
    rests = given["status"] and given["status"] not in transitions.ACTIVE
    return frozenset({"message_received"}) if given["sends"] or rests else frozenset()


def touches(given: Given) -> frozenset[str]:
    """What others must not have changed since, by what it does. A status that comes with a reply is the reply's."""
    found = frozenset[str]().union(*(_TOUCHES.get(kind, frozenset()) for kind in given["kinds"]))
    waits = {"status", "snooze"} & set(given["kinds"]) and not given["sends"]
    return found | STATUSES if waits else found


def stood(case: Case) -> Given:
    return place(case) | standing(case) | urgency(case) | tagged(case) | asleep(case)


def do(case: Case, by: User, given: Given) -> Given:
    macro = Macro.objects.filter(pk=given["macro"]).first()
    if macro is None:
        raise Refusal(_("This macro is not here any more."))
    order = Order(version=given["version"], written_against=given["seen"])
    done = macros.carry_out(case, macro, by=by, order=order)
    return {"messages": done.messages, "drafted": done.drafted, "left_with": list(case.tags)}


def back(case: Case, by: User, stood: Given, given: Given) -> str:
    """Returns what of it stays. Raises Refusal where that is all of it."""
    before = case.version
    promised = ["promise"] if "promise" in given["kinds"] else []
    stays = [*_said_back(case, by, stood), *promised]
    _described_back(case, by, stood, given)
    _placed_back(case, by, stood, given)
    if not stays:
        return ""
    told = ", ".join(str(_STAYS[each]) for each in stays)
    if case.version == before:
        raise Refusal(_("It cannot be taken back: %(what)s.") % {"what": told})
    return _("Taken back, but not all: %(what)s.") % {"what": told}


_STAYS: dict[str, LazyText] = {
    "reply": gettext_lazy("the reply has left"),
    "note": gettext_lazy("the note stays"),
    "draft": gettext_lazy("its words stay in your draft"),
    "promise": gettext_lazy("the promise stays"),
}


def would_stay(steps: Sequence[macro_steps.Step]) -> list[str]:
    """What undo could not give back once it is done, a sentence each, for who is about to run it."""
    kinds = [step["do"] for step in steps]
    found = [
        (
            macro_steps.sends(steps),
            _("Each customer gets a reply. After ten seconds it has left, and cannot be taken back."),
        ),
        (
            "reply" in kinds and not macro_steps.sends(steps),
            _("Words are put into your draft of each case, and stay there."),
        ),
        ("note" in kinds, _("The notes stay.")),
        ("promise" in kinds, _("What is promised stays promised.")),
    ]
    return [told for is_so, told in found if is_so]


def _said_back(case: Case, by: User, stood: Given) -> Iterator[str]:
    for message in Message.objects.filter(pk__in=stood["messages"], case=case).select_related("case"):
        if message.is_note:
            yield "note"
        elif message.taken_back_at is None and not _taken_back(case, message, by):
            yield "reply"
    if stood["drafted"]:
        yield "draft"


def _taken_back(case: Case, message: Message, by: User) -> bool:
    message.case = case
    try:
        conversation.take_back(message, by=by)
    except Refusal:
        case.lock()
        return False
    return True


def _described_back(case: Case, by: User, stood: Given, given: Given) -> None:
    """Just the tags it put on or took off: those that came and went since are somebody else's."""
    put, gone = set(stood["left_with"]) - set(stood["tags"]), set(stood["tags"]) - set(stood["left_with"])
    if put or gone:
        case.set_tags([*(set(case.tags) - put), *gone], by=by, via=VIA)
    if "priority" in given["kinds"]:
        to_urgency(case, by, stood)


def _placed_back(case: Case, by: User, stood: Given, given: Given) -> None:
    kinds = set(given["kinds"])
    if "status" in kinds and not given["sends"]:
        to_standing(case, by, stood)
    if "transfer" in kinds:
        to_place(case, by, stood)
    elif "assign" in kinds:
        to_owner(case, by, stood)
    if "snooze" in kinds:
        to_sleep(case, by, stood)
