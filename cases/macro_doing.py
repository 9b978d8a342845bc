"""Each action of a macro: how it reads on a case, and how it is done, by the verbs that people's own hands use."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cases import conversation, drafts, filling, macro_steps, promises, transitions, variables, when
from cases.hooks import resolve_checks
from cases.macro_steps import ME, NOBODY, Step
from cases.models import Case, Draft, Queue, Tag
from cases.models.case import Refusal
from cases.models.tag import spelt
from crm.models import User
from crm.roles import may

VIA = "macro"
# The verb of crm.roles that each action needs; assigning has one for each whom.
_NEEDS = {
    "reply": "reply",
    "note": "note",
    "add_tags": "tag",
    "remove_tags": "tag",
    "priority": "priority",
    "status": "status",
    "transfer": "transfer",
    "snooze": "snooze",
    "promise": "promise",
}


@dataclass(frozen=True)
class Order:
    """How a macro is to be run. `version`: the one that was looked at; `written_against`: the case's version then, which
    guards the reply (None: as it stands); `partly`: leave out what is refused; `filled`: variables filled in by hand."""

    version: int | None = None
    written_against: int | None = None
    anyway: bool = False
    partly: bool = False
    filled: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Work:
    """One run on one case. `queue`: where the case was when it began, and where rights are asked; `then_status`: what a
    reply that is sent carries."""

    case: Case
    by: User
    at: datetime
    queue: int
    then_status: str
    order: Order
    messages: list[int] = field(default_factory=list)
    drafted: bool = False
    reply_stands: bool = True

    def moment(self, text: str) -> datetime:
        try:
            return macro_steps.moment(text, at=self.at, tz=self.by.tz)
        except when.NotATime as wrong:
            raise Refusal(str(wrong)) from wrong


@dataclass
class Told:
    """How an action reads here: a sentence, the words it says, and what in them is still to be filled in."""

    sentence: str
    words: str = ""
    missing: list[str] = field(default_factory=list)
    promise: filling.Promised = ("", None)
    wrong: Refusal | None = None

    def must_be_possible(self) -> None:
        if self.wrong is not None:
            raise self.wrong


def told(work: Work, step: Step) -> Told:
    """What cannot even be read (a time that has passed) is kept for the doing to refuse."""
    try:
        return _TELL[step["do"]](work, step)
    except Refusal as wrong:
        return Told(capfirst(str(macro_steps.KINDS[step["do"]])), wrong=wrong)


def do(work: Work, step: Step, said: Told) -> bool:
    """Do it, or raise Refusal. True where it changed something that no event tells."""
    _must_be_allowed(work, _NEEDS[step["do"]] if step["do"] in _NEEDS else _whom(step))
    return bool(_DO[step["do"]](work, step, said))


def _must_be_allowed(work: Work, verb: str) -> None:
    if not may(work.by, f"case.{verb}", work.queue):
        raise Refusal(_("Your role here does not allow this."))


# --- what is said


def _values(work: Work, language: str, promise: filling.Promised) -> dict[str, str]:
    """The case's, and over them what somebody filled in by hand."""
    standing = promise if promise[1] else filling.promised(work.case)
    known = filling.values(work.case, by=work.by, language=language, promise=standing)
    return known | {name: text for name, text in work.order.filled.items() if name in variables.KNOWN and text.strip()}


def _tell_reply(work: Work, step: Step) -> Told:
    language, text = filling.told_in(step.get("texts", {}), work.case)
    due = work.moment(step["by_when"]) if step.get("by_when") else None
    next_step = variables.fill(step.get("next_step", ""), _values(work, language, ("", None)))
    promise = (next_step, due)
    words = variables.fill(text, _values(work, language, promise))
    name = str(work.case.customer or _("the customer"))
    if step.get("send"):
        sentence = _("Send to %(name)s, by %(channel)s") % {"name": name, "channel": work.case.channel}
        missing = list(dict.fromkeys(variables.places(words) + variables.places(next_step)))
    else:
        sentence, missing = _("Put into your draft of a reply"), []
    if due:
        sentence += " · " + _("next step: %(what)s, by %(when)s") % {"what": next_step, "when": _time(due)}
    return Told(sentence, words, missing, promise)


def _reply(work: Work, step: Step, said: Told) -> bool:
    next_step, due = said.promise
    if not step.get("send"):
        _draft(work, step, said)
        return True
    against = work.order.written_against
    work.reply_stands = False
    with _keeping_draft(work, "reply"):
        message = conversation.reply(
            work.case,
            by=work.by,
            text=said.words,
            written_against=work.case.version if against is None else against,
            is_answer=bool(step.get("is_answer")),
            next_step=next_step,
            by_when=due,
            then_status=_then(work),
            anyway=work.order.anyway,
            via=VIA,
        )
    work.reply_stands = True
    work.messages.append(message.pk)
    return True


def _then(work: Work) -> str:
    """What the reply carries: where the case may not be resolved, it waits for the customer."""
    is_blocked = work.then_status == transitions.RESOLVED and _blocked(work)
    return transitions.WAITING_CUSTOMER if is_blocked else work.then_status


def _draft(work: Work, step: Step, said: Told) -> None:
    """Under what is being written already: nothing typed is ever lost."""
    conversation.must_be_answerable(work.case)
    held = _held(work, "reply")
    written = held.text.rstrip() if held else ""
    next_step, _due = said.promise
    drafts.save(
        work.case,
        author=work.by,
        kind="reply",
        text=f"{written}\n\n{said.words}" if written else said.words,
        is_answer=bool(step.get("is_answer")) or bool(held and held.is_answer),
        next_step=(held.next_step if held else "") or next_step,
        by_when=(held.by_when if held else "") or step.get("by_when", ""),
        moves=held.moves_id if held else None,
        written_against=held.written_against if held and written else work.case.version,
        at=work.at,
    )
    work.drafted = True


def _held(work: Work, kind: str) -> Draft | None:
    return Draft.objects.filter(case=work.case, author=work.by, kind=kind).first()


@contextmanager
def _keeping_draft(work: Work, kind: str) -> Iterator[None]:
    """What is said by hand ends the draft it was written in; a macro's words are not those somebody was writing."""
    held = _held(work, kind)
    yield
    if held is not None:
        held.pk = None
        held.save(force_insert=True)


def _tell_note(work: Work, step: Step) -> Told:
    words = variables.fill(step.get("text", ""), _values(work, work.by.language, ("", None)))
    return Told(_("Add a note among us"), words)


def _note(work: Work, _step: Step, said: Told) -> None:
    with _keeping_draft(work, "note"):
        message = conversation.add_note(work.case, by=work.by, text=said.words, via=VIA)
    work.messages.append(message.pk)


def _tell_promise(work: Work, step: Step) -> Told:
    due = work.moment(step["by_when"])
    what = variables.fill(step["what"], _values(work, work.case.language, ("", None)))
    sentence = _("Promise “%(what)s” by %(when)s") % {"what": what, "when": _time(due)}
    return Told(sentence, missing=variables.places(what), promise=(what, due))


def _promise(work: Work, _step: Step, said: Told) -> None:
    what, due = said.promise
    if missing := variables.unfilled(what):
        raise Refusal(missing)
    if not work.case.is_active:
        words = {"number": work.case.number, "status": work.case.get_status_display()}
        raise Refusal(_("Case #%(number)s is %(status)s.") % words)
    assert due is not None  # noqa: S101 - for the type checker; the telling found it
    owner = work.case.assignee or work.by
    promises.make(work.case, what=what, due_at=due, owner=owner, made_by=None, at=work.at, by=work.by, via=VIA)


# --- whose it is


def _whom(step: Step) -> str:
    return {ME: "claim", NOBODY: "release"}.get(step.get("to", ""), "assign")


def _tell_assign(work: Work, step: Step) -> Told:
    if step["to"] == ME:
        return Told(_("Make it yours"))
    if step["to"] == NOBODY:
        return Told(_("Put it back for anyone"))
    who = User.objects.filter(pk=step["to"], is_active=True).first()
    if who is None:
        return Told(_("Give it to somebody"), wrong=Refusal(_("Whoever was to get it is not here any more.")))
    return Told(_("Give it to %(name)s") % {"name": who.name})


def _assign(work: Work, step: Step, _said: Told) -> None:
    case = work.case
    if step["to"] == NOBODY:
        case.release(by=work.by, via=VIA)
    elif step["to"] != ME:
        case.assign(User.objects.get(pk=step["to"]), by=work.by, via=VIA)
    elif case.assignee_id is None or case.assignee_id == work.by.pk:
        case.claim(by=work.by, via=VIA)
    else:
        _must_be_allowed(work, "assign")
        case.assign(work.by, by=work.by, via=VIA)


def _tell_transfer(_work: Work, step: Step) -> Told:
    queue = Queue.objects.filter(pk=step["queue"], is_active=True).first()
    if queue is None:
        return Told(_("Move it to another queue"), wrong=Refusal(_("That queue is closed.")))
    return Told(_("Move it to %(queue)s") % {"queue": queue.name})


def _transfer(work: Work, step: Step, _said: Told) -> None:
    work.case.transfer(Queue.objects.get(pk=step["queue"]), by=work.by, via=VIA)


# --- where it stands, and how it is described


def _tell_status(work: Work, step: Step) -> Told:
    words = {"status": dict(Case.Status.choices)[step["status"]]}
    if work.then_status:
        return Told(_("Set it to “%(status)s” when the reply has left") % words)
    return Told(_("Set it to “%(status)s”") % words)


def _status(work: Work, step: Step, _said: Told) -> bool:
    case, wanted = work.case, step["status"]
    if wanted == transitions.RESOLVED and case.status != wanted and (why := _blocked(work)):
        raise Refusal(why)
    if not work.then_status:
        case.change_status(wanted, by=work.by, via=VIA)
        return False
    if not work.reply_stands:
        raise Refusal(_("It comes with the reply, and that is refused."))
    return bool(case.status != wanted)


def _blocked(work: Work) -> str:
    """What forbids resolving it now, in sentences."""
    return " ".join(sentence for sentence in resolve_checks.collect(work.case, work.by) if sentence)


def _tell_priority(_work: Work, step: Step) -> Told:
    return Told(_("Set the priority to %(priority)s") % {"priority": dict(Case.Priority.choices)[step["priority"]]})


def _priority(work: Work, step: Step, _said: Told) -> None:
    work.case.set_priority(step["priority"], by=work.by, via=VIA)


def _tell_add(_work: Work, step: Step) -> Told:
    return Told(_("Add tags: %(tags)s") % {"tags": ", ".join(step["tags"])})


def _tell_remove(_work: Work, step: Step) -> Told:
    return Told(_("Take tags off: %(tags)s") % {"tags": ", ".join(step["tags"])})


def _add_tags(work: Work, step: Step, _said: Told) -> None:
    work.case.set_tags([*work.case.tags, *step["tags"]], by=work.by, via=VIA)


def _remove_tags(work: Work, step: Step, _said: Told) -> None:
    """Whichever of its names the macro or the case still says."""
    former = Tag.objects.former()
    gone = {former.get(name, name) for name in spelt(step["tags"])}
    work.case.set_tags([tag for tag in work.case.tags if former.get(tag, tag) not in gone], by=work.by, via=VIA)


def _tell_snooze(work: Work, step: Step) -> Told:
    return Told(_("Snooze it until %(when)s") % {"when": _time(work.moment(step["until"]))})


def _snooze(work: Work, step: Step, _said: Told) -> None:
    work.case.snooze(work.moment(step["until"]), by=work.by, at=work.at, via=VIA)


def _time(at: datetime) -> str:
    """In the reader's own zone, whoever runs it."""
    return date_format(timezone.localtime(at), "D j M, H:i")


_TELL: dict[str, Callable[[Work, Step], Told]] = {
    "reply": _tell_reply,
    "note": _tell_note,
    "add_tags": _tell_add,
    "remove_tags": _tell_remove,
    "priority": _tell_priority,
    "status": _tell_status,
    "assign": _tell_assign,
    "transfer": _tell_transfer,
    "snooze": _tell_snooze,
    "promise": _tell_promise,
}
_DO: dict[str, Callable[[Work, Step, Told], Any]] = {
    "reply": _reply,
    "note": _note,
    "add_tags": _add_tags,
    "remove_tags": _remove_tags,
    "priority": _priority,
    "status": _status,
    "assign": _assign,
    "transfer": _transfer,
    "snooze": _snooze,
    "promise": _promise,
}
