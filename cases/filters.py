"""One small language for search, saved filters, the palette and the API: `queue:billing is:unassigned promise:<2h`.

`read` makes of a text the cases it means, or says in words what it does not understand. The words outside of filters are
left to whoever reads: search goes its own ways to them (cases.search), a list asks `said`. docs/search.md has the grammar.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from cases import filter_fields, phrases
from cases.asking import LONGEST, MOST_TERMS, MOST_VALUES, Asked, Term, cut, quoted
from cases.filter_keys import KEYS
from cases.filter_parts import ASLEEP, DONE, MOST_OFFERED, Asker, Key, NotUnderstood, Part, near
from cases.models import Case, CaseSearch, Queue
from cases.models.case_rows import CaseQuerySet
from customers.folding import fold

WINDOW = 20_000  # cases of a queue, the newest, in which a list looks for those that are done with


@dataclass(frozen=True)
class Filter:
    """A text that was read. With `problems` it means nothing, and they say why."""

    asked: Asked
    q: Q = field(default_factory=Q)  # of the filters alone, without the words
    reach: frozenset[str] = frozenset()
    narrow: bool = False
    timed: bool = False
    opened: Q = field(default_factory=Q)  # of them those about when a case was opened, by which an index is in order
    problems: tuple[str, ...] = ()
    told: tuple[str, ...] = ()  # what was taken for something else than was typed

    @property
    def is_empty(self) -> bool:
        return not (self.asked.terms or self.asked.words)

    @property
    def with_done(self) -> bool:
        """Whether it asks for cases that are done with."""
        return DONE in self.reach


def read(text: str, asker: Asker) -> Filter:
    """What a person typed."""
    asked = cut(text)
    problems = list(_too_much(text, asked))
    parts: list[tuple[Term, Part]] = []
    for term in asked.terms[:MOST_TERMS]:
        try:
            parts.append((term, _part(term, asker)))
        except NotUnderstood as error:
            problems.append(str(error))
    return _put_together(asked, parts, tuple(problems))


def _too_much(text: str, asked: Asked) -> Iterable[str]:
    if len(" ".join(text.split())) > LONGEST:
        yield _("That is too long: a filter has at most %(most)d characters.") % {"most": LONGEST}
    if len(asked.terms) > MOST_TERMS or any(len(term.values) > MOST_VALUES for term in asked.terms):
        yield _("That is too much at once: at most %(terms)d filters of %(values)d values each.") % {
            "terms": MOST_TERMS,
            "values": MOST_VALUES,
        }


def _part(term: Term, asker: Asker) -> Part:
    """The values of one filter, any of which will do."""
    key = KEYS.get(term.key) or filter_fields.named(term.key)
    if key is None:
        raise _no_such(term)
    each = [key.read(value, asker) for value in term.values[:MOST_VALUES]]
    q = each[0].q
    for other in each[1:]:
        q |= other.q
    told = tuple(words for part in each for words in part.told)
    if term.negated:
        return Part(~q, timed=any(part.timed for part in each), told=told)
    reach = frozenset(name for part in each for name in part.reach)
    return Part(q, reach, all(part.narrow for part in each), any(part.timed for part in each), told)


def _no_such(term: Term) -> NotUnderstood:
    told = {"key": term.key, "near": near(term.key, KEYS), "known": ", ".join(KEYS)}
    if told["near"]:
        return NotUnderstood(_("There is no filter “%(key)s:”. Did you mean “%(near)s:”?") % told)
    return NotUnderstood(
        _("There is no filter “%(key)s:”. There are %(known)s. Words in quotes are looked for as they are.") % told
    )


def _put_together(asked: Asked, parts: list[tuple[Term, Part]], problems: tuple[str, ...]) -> Filter:
    q, opened = Q(), Q()
    for term, part in parts:
        q &= part.q
        opened &= part.q if term.key == "created" else Q()
    return Filter(
        asked,
        q,
        frozenset(name for _term, part in parts for name in part.reach),
        any(part.narrow for _term, part in parts),
        any(part.timed for _term, part in parts),
        opened,
        problems,
        tuple(dict.fromkeys(words for _term, part in parts for words in part.told)),
    )


# --- as a list of one queue


def in_list(wanted: Filter, queue: Queue, asker: Asker) -> CaseQuerySet:
    """The cases of a queue that a filter means, in no order: those at work and awake, unless it names others. Of those that
    are done with, the ones among the newest of the queue."""
    cases = Case.objects.filter(queue=queue)
    return cases.filter(condition(wanted, queue, asker)) if not wanted.problems else cases.none()


def condition(wanted: Filter, queue: Queue, asker: Asker) -> Q:
    """The same as a condition on cases of that queue, so that many can be counted in one pass."""
    q = wanted.q & _said(wanted.asked)
    if wanted.with_done:
        newest = Case.objects.filter(queue=queue).order_by("-opened_at", "-pk").values("pk")
        q &= Q(pk__in=newest[:WINDOW])
    else:
        q &= KEYS["is"].read("active", asker).q
    if ASLEEP not in wanted.reach:
        q &= Q(snoozed_until=None) | Q(snoozed_until__lte=asker.at)
    if wanted.asked.phrases:
        q &= Q(pk__in=phrases.holding(Case.objects.filter(q, queue=queue), wanted.asked.phrases))
    return q


def _said(asked: Asked) -> Q:
    """Every word is in the case's document, looked up case by case: of a queue's cases there are few."""
    if not asked.words:
        return Q()
    held = CaseSearch.objects.filter(case=OuterRef("pk")).extra(
        where=["document @@ %s::tsquery"], params=[query(asked)]
    )
    return Q(Exists(held))


def query(asked: Asked) -> str:
    """For a tsquery: folded words hold letters, digits and underscores alone."""
    return " & ".join(f"'{word}'" for word in asked.words)


# --- what may be typed next


@dataclass(frozen=True)
class Offer:
    """`text` is the whole text with this taken up; `shown` the part that would be new."""

    shown: str
    says: str
    text: str


def offers(text: str, asker: Asker) -> list[Offer]:
    """What the last word may become: filters that begin so, or the values of the one that was begun."""
    before, last = _last(text)
    name, colon, value = last.lstrip("-").partition(":")
    minus = "-" if last.startswith("-") else ""
    if not colon:
        every = [*KEYS.values(), *filter_fields.every()]
        return [_offer(before, minus, key) for key in every if key.name.startswith(name.lower())]
    key = KEYS.get(name.lower()) or filter_fields.named(name.lower())
    if key is None:
        return []
    *chosen, begun = value.split("|")
    stem = f"{minus}{key.name}:{'|'.join([*chosen, ''])}"
    return [
        Offer(f"{key.name}:{quoted(each)}", str(says), f"{before}{stem}{quoted(each)} ")
        for each, says in _values(key, begun, asker)
    ]


def _last(text: str) -> tuple[str, str]:
    """The word one is in; a value in quotes may have spaces."""
    at = 0
    inside = False
    for n, sign in enumerate(text):
        inside ^= sign == '"'
        if sign.isspace() and not inside:
            at = n + 1
    return text[:at], text[at:]


def _offer(before: str, minus: str, key: Key) -> Offer:
    return Offer(f"{minus}{key.example}", str(key.says), f"{before}{minus}{key.name}:")


def _values(key: Key, begun: str, asker: Asker) -> list[tuple[str, str]]:
    wanted = fold(begun.strip('"'))
    offered = [(str(value), str(says)) for value, says in key.offer(asker)]
    return [each for each in offered if any(fold(part).startswith(wanted) for part in each)][:MOST_OFFERED]
