"""A question that earns something: how it may be answered, and whether what was given is an answer. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models.case import Refusal
from customers.folding import clean

TEXT, CHOICE, SCALE = "text", "choice", "scale"
KINDS = {
    TEXT: gettext_lazy("in their own words"),
    CHOICE: gettext_lazy("one of several"),
    SCALE: gettext_lazy("from 1 to 5"),
}
LEAST, MOST = 1, 5  # of a scale
FEWEST_CHOICES, MOST_CHOICES, LONGEST_CHOICE = 2, 10, 80
LONGEST_TEXT = 1000


class Question(Protocol):
    """What asks: the terms of an offer, or a version of one."""

    @property
    def question(self) -> str: ...

    @property
    def answer_kind(self) -> str: ...

    @property
    def choices(self) -> "tuple[str, ...] | list[str]": ...


@dataclass(frozen=True)
class Answer:
    """What a customer told us, in the one of three that the question asks for."""

    text: str = ""
    choice: str = ""
    scale: int | None = None


def read(question: Question, given: str | int | None) -> Answer:
    """What was given as the answer it is. Refusal says what is missing or what would be one."""
    said = clean(str("" if given is None else given)).strip()
    if not said:
        raise Refusal(_("Say what they answered: the question earns its thanks by its answer."))
    return {TEXT: _text, CHOICE: _choice, SCALE: _scale}[question.answer_kind](question, said)


def _text(_question: Question, said: str) -> Answer:
    if len(said) > LONGEST_TEXT:
        raise Refusal(_("Keep the answer to %(most)d characters.") % {"most": LONGEST_TEXT})
    return Answer(text=said)


def _choice(question: Question, said: str) -> Answer:
    if said not in question.choices:
        raise Refusal(_("The answer is one of: %(known)s.") % {"known": ", ".join(question.choices)})
    return Answer(choice=said)


def _scale(_question: Question, said: str) -> Answer:
    if not (said.isascii() and said.isdigit() and len(said) < 3 and LEAST <= int(said) <= MOST):
        raise Refusal(_("The answer is a whole number from %(least)d to %(most)d.") % {"least": LEAST, "most": MOST})
    return Answer(scale=int(said))


# --- what a question must be to be kept


def tidy(choices: "tuple[str, ...] | list[str]") -> tuple[str, ...]:
    """In the order they are read out, each once."""
    return tuple(dict.fromkeys(told for choice in choices if (told := " ".join(clean(choice).split()))))


def faults(terms: Question) -> Iterator[tuple[str, str]]:
    """(field, sentence) for whatever keeps it from being asked."""
    if not terms.question:
        if terms.answer_kind or terms.choices:
            yield "question", _("Write the question that is answered so.")
        return
    if terms.answer_kind not in KINDS:
        yield "answer_kind", _("Say how it is answered: text, choice or scale.")
    yield from _choices(terms)


def _choices(terms: Question) -> Iterator[tuple[str, str]]:
    if terms.answer_kind != CHOICE:
        if terms.choices:
            yield "choices", _("Only a question answered by one of several has choices.")
    elif not FEWEST_CHOICES <= len(terms.choices) <= MOST_CHOICES:
        yield "choices", _("Give from %(few)d to %(most)d answers to choose from.") % {
            "few": FEWEST_CHOICES, "most": MOST_CHOICES,
        }  # fmt: skip
    elif any(len(choice) > LONGEST_CHOICE for choice in terms.choices):
        yield "choices", _("Keep each answer to %(most)d characters.") % {"most": LONGEST_CHOICE}
