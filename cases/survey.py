"""One question on the customer's page once their case is resolved: did this solve it, and how did it feel (docs/status-page.md).

A yes is evidence that the need is met. A no takes that back and tells whoever has the case, or who leads the queue; it neither
opens nor closes anything: a word of theirs does, and the page says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import promises, transitions
from cases.models import Case, SurveyAnswer, SurveyAsking
from cases.models.case import Refusal
from customers import consent
from customers.folding import clean
from customers.models import Consent

CHANGED_FOR = timedelta(days=1)
NOT_SOLVED = "not-solved"  # the tag by which reps find whom it did not help
OVER = frozenset({transitions.RESOLVED, transitions.CLOSED})
REFUSED_BY = (Consent.Purpose.RESEARCH, Consent.Purpose.SERVICE)


@dataclass(frozen=True)
class Said:
    """What one answer says."""

    solved: bool
    feeling: str
    words: str


class SurveyForm(forms.Form):
    """Whether it did it; how it felt and why, if they like."""

    solved = forms.ChoiceField(
        label=gettext_lazy("Did this solve it?"),
        choices=[("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose yes or no.")},
    )
    feeling = forms.ChoiceField(
        label=gettext_lazy("How did it feel?"),
        choices=[("good", gettext_lazy("Good")), ("neutral", gettext_lazy("Neither")), ("bad", gettext_lazy("Bad"))],
        widget=forms.RadioSelect,
        required=False,
    )
    words = forms.CharField(
        label=gettext_lazy("In your words, if you like"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def said(self) -> Said:
        given = self.cleaned_data
        return Said(given["solved"] == "yes", given["feeling"], clean(given["words"]).replace("\r\n", "\n").strip())


@dataclass(frozen=True)
class Asked:
    """What the page asks: what was answered already, and whether it may (still) be said."""

    answer: SurveyAnswer | None
    is_open: bool

    def form(self) -> SurveyForm:
        if self.answer is None:
            return SurveyForm(auto_id="survey_%s")
        told = {
            "solved": "yes" if self.answer.solved else "no",
            "feeling": self.answer.feeling,
            "words": self.answer.words,
        }
        return SurveyForm(initial=told, auto_id="survey_%s")


def asked(case: Case, now: datetime) -> Asked | None:
    """What is asked of the customer of this case now; nothing while it is not resolved, nor of who does not want to be asked,
    nor where the queue asks nobody. What was answered before stays to be read, and changed for its day."""
    if case.status not in OVER:
        return None
    answer = SurveyAnswer.objects.filter(case=case).first()
    if answer is None and (not case.queue.asks_survey or _is_refused(case, now)):
        return None
    return Asked(answer, _may_change(answer, now))


def note_asked(case: Case, at: datetime) -> None:
    """Their page shows the question: that they were asked is known from the first time on, however often it is shown."""
    SurveyAsking.objects.bulk_create([SurveyAsking(case=case, at=at)], ignore_conflicts=True)


def _may_change(answer: SurveyAnswer | None, at: datetime) -> bool:
    return answer is None or at < answer.answered_at + CHANGED_FOR


def _is_refused(case: Case, now: datetime) -> bool:
    """They said no to surveys, or to whatever service writes."""
    if case.customer is None:
        return False
    channel = case.channel if case.channel in consent.CHANNELS else "mail"
    customer = case.customer
    return any(consent.state(customer, purpose, channel, now) is False for purpose in REFUSED_BY)


@transaction.atomic
def answer(case: Case, said: Said, *, at: datetime) -> SurveyAnswer:
    """Keep what the customer answered; quiet if it stands. Refused while the case is open, and a day after the first answer."""
    case.lock()
    now = asked(case, at)
    if now is None:
        raise Refusal(_("This is not asked just now. Write to us below if there is something to say."))
    if not now.is_open:
        raise Refusal(_("You have answered this already, thank you. Write to us below if there is more to say."))
    was = now.answer
    if was and Said(was.solved, was.feeling, was.words) == said:
        return was
    note_asked(case, at)
    row = was or SurveyAnswer(case=case, answered_at=at)
    row.solved, row.feeling, row.words, row.changed_at = said.solved, said.feeling, said.words, at
    row.save()
    _follow(case, said, at)
    return row


def _follow(case: Case, said: Said, at: datetime) -> None:
    """What it means for the case, in the same transaction."""
    leads = [] if said.solved or case.assignee_id else promises.leads_of(case.queue_id)
    told = {"solved": said.solved, "feeling": said.feeling} | ({"leads": leads} if leads else {})
    case.record(
        "survey_answered", by=None, at=at, via="channel", reason="solved" if said.solved else "not_solved", **told
    )
    if said.solved:
        case.mark_need_met(by=None, how="survey", at=at, via="channel")
    else:
        case.mark_need_unmet(by=None, at=at, via="channel", reason="survey")
    tags = [tag for tag in case.tags if tag != NOT_SOLVED] + ([] if said.solved else [NOT_SOLVED])
    case.set_tags(tags, by=None, at=at, via="channel")
