"""What happened in a case, as sentences: one for each kind of event that has a line in its thread."""

from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases import linking, routed, thread
from cases.models import Case, ClockAction, Remedy, Rule
from cases.models.need import HOW
from cases.rules import words as of_rules
from crm.models import Event

_SENTENCES: dict[str, LazyText] = {
    "acknowledged": gettext_lazy("Acknowledged to the customer"),
    "assigned": gettext_lazy("%(who)s gave it to %(assignee)s"),
    "claimed": gettext_lazy("%(who)s took it"),
    "released": gettext_lazy("%(who)s put it back for anyone"),
    "helper_joined": gettext_lazy("%(who)s joined, to help: both write here now"),
    "helper_left": gettext_lazy("%(who)s no longer writes here"),
    "transferred": gettext_lazy("%(who)s moved it from %(was)s to %(queue)s"),
    "customer_set": gettext_lazy("%(who)s said whose it is: %(customer)s"),
    "status_changed": gettext_lazy("%(who)s set it to %(status)s"),
    "resolved": gettext_lazy("%(who)s resolved it"),
    "reopened": gettext_lazy("Open again (%(who)s)"),
    "closed": gettext_lazy("Closed"),
    "marked_spam": gettext_lazy("%(who)s marked it as spam"),
    "merged": gettext_lazy("%(who)s merged it into #%(into)s"),
    "took_in": gettext_lazy("%(who)s merged #%(gone)s into this"),
    "gave_back": gettext_lazy("%(who)s undid the merge of #%(gone)s"),
    "unmerged": gettext_lazy("%(who)s undid the merge into #%(kept)s"),
    "linked": gettext_lazy("%(who)s linked it: %(link)s"),
    "unlinked": gettext_lazy("%(who)s took a link off: %(link)s"),
    "split_off": gettext_lazy("%(who)s split words off into #%(into)s"),
    "issue_joined": gettext_lazy("%(who)s: about the same thing as #%(other)s"),
    "issue_left": gettext_lazy("%(who)s: not about the same thing as #%(other)s"),
    "snoozed": gettext_lazy("%(who)s snoozed it"),
    "woken": gettext_lazy("Awake again"),
    "fields_filled": gettext_lazy("%(who)s filled in: %(fields)s"),
    "task_added": gettext_lazy("%(who)s added a task"),
    "task_done": gettext_lazy("%(who)s did a task"),
    "task_undone": gettext_lazy("%(who)s: a task is not done after all"),
    "playbook_started": gettext_lazy("%(who)s began to follow steps"),
    "playbook_step": gettext_lazy("%(who)s took a step"),
    "playbook_ended": gettext_lazy("The steps ended"),
    "task_dropped": gettext_lazy("%(who)s took a task off"),
    "side_begun": gettext_lazy("%(who)s asked %(talk)s"),
    "side_written": gettext_lazy("%(who)s wrote to %(talk)s"),
    "side_answered": gettext_lazy("%(talk)s answered us, beside the case"),
    "side_done": gettext_lazy("%(who)s: done with %(talk)s"),
    "side_reopened": gettext_lazy("%(who)s took up the talk with %(talk)s again"),
    "priority_changed": gettext_lazy("%(who)s set the priority to %(priority)s"),
    "promise_made": gettext_lazy("%(who)s made a promise"),
    "promise_kept": gettext_lazy("Promise kept"),
    "promise_moved": gettext_lazy("%(who)s moved the promise, and told the customer"),
    "promise_broken": gettext_lazy("A promise was not kept in time"),
    "outcome_noted": gettext_lazy("%(who)s noted how it ended: %(outcome)s"),
    "need_met": gettext_lazy("Need met (%(who)s): %(how)s"),
    "need_unmet": gettext_lazy("%(who)s: the need is not met"),
    "offer_presented": gettext_lazy("An offer for %(who)s to mention"),
    "offer_answered": gettext_lazy("%(who)s noted the answer to the offer: %(answer)s"),
    "offer_fulfilled": gettext_lazy("What was accepted is done"),
    "offer_left_to_hand": gettext_lazy("What was accepted is to be done by hand"),
    "remedy_granted": gettext_lazy("%(who)s granted %(remedy)s"),
    "remedy_asked": gettext_lazy("%(who)s asks for approval: %(remedy)s"),
    "remedy_raised": gettext_lazy("Nobody decided in time: %(remedy)s is for %(people)s to decide now"),
    "remedy_approved": gettext_lazy("%(who)s approved %(remedy)s"),
    "remedy_refused": gettext_lazy("%(who)s did not approve %(remedy)s"),
    "remedy_called_off": gettext_lazy("%(who)s called off %(remedy)s"),
    "remedy_paid": gettext_lazy("Given: %(remedy)s"),
    "remedy_left_to_hand": gettext_lazy("To be given by hand: %(remedy)s"),
    "sla_warned": gettext_lazy("A service time runs out soon"),
    "sla_breached": gettext_lazy("A service time has run out"),
    "sla_action_failed": gettext_lazy("Not done, and tried again: %(action)s"),
    "sla_recomputed": gettext_lazy("Service times follow their changed rules (%(who)s)"),
    "macro_used": gettext_lazy("%(who)s used the macro “%(macro)s”"),
    "notified": gettext_lazy("Told: %(people)s"),
    "tagged": gettext_lazy("%(who)s set the tags"),
    "rule_failed": gettext_lazy("%(who)s could not do everything it should: see Rules beside the case"),
    "rule_stopped": gettext_lazy("%(who)s was stopped: %(loop)s"),
    "clock_warned": gettext_lazy("A service time runs out soon"),
    "clock_breached": gettext_lazy("A service time has run out"),
}
# What a customer may say to an offer (the words of an app above; the event's are enumerated).
_ANSWERS: dict[str, LazyText] = {
    "accepted": gettext_lazy("accepted"),
    "not_now": gettext_lazy("not now"),
    "no": gettext_lazy("no"),
    "not_suited": gettext_lazy("not suited"),
    "never": gettext_lazy("never"),
    "withheld": gettext_lazy("not mentioned"),
}
_OF_SERVICE_TIMES = {"assigned", "released", "transferred", "priority_changed", "sla_recomputed"}
# The same by another way.
_OTHERWISE: dict[tuple[str, str], LazyText] = {
    ("assigned", "taken_over"): gettext_lazy("%(who)s took it over from %(was)s"),
    ("assigned", "leveled"): gettext_lazy("%(who)s gave it to %(assignee)s, to level the load"),
    ("survey_answered", "solved"): gettext_lazy("Asked whether this solved it, the customer says yes%(felt)s%(quote)s"),
    ("survey_answered", "not_solved"): gettext_lazy(
        "Asked whether this solved it, the customer says no%(felt)s%(quote)s"
    ),
    ("offer_presented", "question"): gettext_lazy("A question for %(who)s to ask"),
    ("offer_answered", "question"): gettext_lazy("%(who)s noted what they said to the question: %(answer)s"),
    ("issue_left", "alone"): gettext_lazy("%(who)s: a thing of its own"),
    ("remedy_raised", "nobody"): gettext_lazy("Nobody decided in time, and nobody else has the authority: %(remedy)s"),
    ("released", "leveled"): gettext_lazy("%(who)s put it back for anyone, to level the load"),
}
# How customers said it felt, on their page.
FELT: dict[str, LazyText] = {
    "good": gettext_lazy("it felt good"),
    "neutral": gettext_lazy("it felt neither good nor bad"),
    "bad": gettext_lazy("it felt bad"),
}
_BY_ITSELF = {
    "customer_replied": gettext_lazy("the customer wrote"),
    "survey": gettext_lazy("the customer says so"),
}


def _by_whom(event: Event) -> LazyText | str | None:
    if event.kind == "need_met" and (days := event.data.get("days")):
        silent = ngettext("%(days)s day without a word", "%(days)s days without a word", days) % {"days": days}
        return _("Need taken as met: %(silent)s after our answer") % {"silent": silent}
    if event.via == "rule" and event.kind == "notified":
        return gettext_lazy("%(who)s told %(people)s")
    if event.kind == "status_changed" and event.actor is None and event.via != "rule":
        return gettext_lazy("Open again (%(who)s)") if event.reason in _BY_ITSELF else gettext_lazy("Now %(status)s")
    return _OTHERWISE.get((event.kind, event.reason)) or _SENTENCES.get(event.kind)


def _by_itself(event: Event) -> LazyText | str:
    if event.via == "clock" and event.kind in _OF_SERVICE_TIMES:
        return _("The service time")
    if event.via == "rule":
        return of_rules.named(event.rule)  # type: ignore[attr-defined]
    return _BY_ITSELF.get(event.reason, _("by itself"))


def told(event: Event) -> str:
    """An event as a sentence. `event.names` (cases.thread.named) holds the names its ids stand for."""
    if not hasattr(event, "names"):
        thread.named([event])
    if by_itself := routed.sentence(event):
        return by_itself
    words: dict[str, Any] = {k: v for k, v in event.data.items() if isinstance(v, str)}
    words |= event.names  # type: ignore[attr-defined]
    words["status"] = dict(Case.Status.choices).get(event.data.get("status", ""), "")
    words["priority"] = dict(Case.Priority.choices).get(event.data.get("priority", ""), "")
    words["answer"] = str(_ANSWERS.get(event.data.get("answer", ""), ""))
    words |= {k: event.data[k] for k in ("into", "gone", "kept", "other") if k in event.data}
    words["link"] = linking.words(event.data) if event.kind in {"linked", "unlinked"} else ""
    words["how"] = HOW.get(event.data.get("how", ""), "")
    words["action"] = str(dict(ClockAction.Action.choices).get(event.data.get("action", ""), ""))
    words |= _survey(event)
    words["remedy"] = _remedy(event.data)
    words["loop"] = str(dict(Rule.Pause.choices).get(event.reason, ""))
    words["who"] = event.actor.name if event.actor else _by_itself(event)
    sentence = str(_by_whom(event) or event.kind.replace("_", " "))
    try:
        return f"{sentence % words}{_because(event)}"
    except KeyError:
        return event.kind.replace("_", " ")


def _survey(event: Event) -> dict[str, str]:
    """How it felt, and what they added."""
    feeling = FELT.get(event.data.get("feeling", ""), "") if event.kind == "survey_answered" else ""
    said = event.names.get("words", "")  # type: ignore[attr-defined]
    return {"felt": f", {feeling}" if feeling else "", "quote": f": “{said}”" if said else ""}


def _remedy(data: dict[str, Any]) -> str:
    """What is given, in words: 12.50 EUR, credit."""
    kind = dict(Remedy.Kind.choices).get(data.get("gives", ""), "")
    return f"{data.get('amount', '')} {data.get('currency', '')}, {kind}"


def _because(event: Event) -> str:
    """Of what a rule did: what it went by."""
    return of_rules.because(event.rule) if event.via == "rule" and event.kind not in _OF_THE_RULE else ""  # type: ignore[attr-defined]


_OF_THE_RULE = {"rule_failed", "rule_stopped"}
