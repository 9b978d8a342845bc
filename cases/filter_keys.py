"""The filters there are: what each is called, what it takes, and which cases it means (docs/search.md)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import spans, transitions
from cases.filter_parts import ASLEEP, DONE, Asker, Key, NotUnderstood, Offer, Part, Read, not_understood
from cases.filter_surveys import SURVEY
from cases.models import Attachment, Case, Cause, Channel, Disposition, Draft, Message
from cases.models.tag import spelt
from customers.addresses import guess
from customers.folding import words
from customers.masking import CONTACT_POINTS, masked_fields
from customers.models import ContactPoint, Customer

# --- is:

_ACTIVE = Q(status__in=transitions.ACTIVE)


class _Word(NamedTuple):
    says: Any
    part: Callable[[Asker], Part]


def _awake(at: datetime) -> Q:
    return Q(snoozed_until=None) | Q(snoozed_until__lte=at)


def _of_mine(asker: Asker, rows: Any) -> Part:
    return Part(Q(pk__in=rows.values("case_id")), narrow=True)


_IS: Mapping[str, _Word] = {
    "mine": _Word(gettext_lazy("mine"), lambda a: Part(_ACTIVE & Q(assignee=a.user), narrow=True)),
    "unassigned": _Word(gettext_lazy("nobody’s"), lambda a: Part(_ACTIVE & Q(assignee=None), narrow=True)),
    "assigned": _Word(gettext_lazy("somebody’s"), lambda a: Part(_ACTIVE & Q(assignee__isnull=False), narrow=True)),
    "active": _Word(gettext_lazy("at work, not done"), lambda a: Part(_ACTIVE, narrow=True)),
    "done": _Word(gettext_lazy("resolved, closed, merged or spam"), lambda a: Part(~_ACTIVE, frozenset({DONE}))),
    "snoozed": _Word(
        gettext_lazy("asleep now"),
        lambda a: Part(_ACTIVE & Q(snoozed_until__gt=a.at), frozenset({ASLEEP}), narrow=True, timed=True),
    ),
    "awake": _Word(gettext_lazy("not asleep"), lambda a: Part(_ACTIVE & _awake(a.at), narrow=True, timed=True)),
    "overdue": _Word(
        gettext_lazy("a promise or clock is overdue"),
        lambda a: Part(_ACTIVE & Q(attention_at__lte=a.at), frozenset({ASLEEP}), narrow=True, timed=True),
    ),
    "promised": _Word(
        gettext_lazy("with an open promise"),
        lambda a: Part(_ACTIVE & Q(promise_due_at__isnull=False), frozenset({ASLEEP}), narrow=True),
    ),
    "waiting": _Word(
        gettext_lazy("the customer waits for us"),
        lambda a: Part(_ACTIVE & Q(waiting_since__isnull=False), narrow=True),
    ),
    "mentioned": _Word(
        gettext_lazy("you were named, and have not looked yet"),
        lambda a: _of_mine(a, a.user.mentions.filter(seen_at=None)),
    ),
    "watched": _Word(gettext_lazy("you follow it"), lambda a: _of_mine(a, a.user.watches)),
    "undelivered": _Word(
        gettext_lazy("our answer failed or may not have arrived"),
        lambda a: Part(_ACTIVE & Q(send_state__in=["failed", "unknown"]), narrow=True),
    ),
    "met": _Word(
        gettext_lazy("the need is met"), lambda a: Part(Q(need_met_event__isnull=False), frozenset({ASLEEP, DONE}))
    ),
}


def _is(value: str, asker: Asker) -> Part:
    word = _IS.get(value.lower())
    if word is None:
        raise not_understood("is", value, _IS)
    return word.part(asker)


# --- has:


def _said(**which: Any) -> Q:
    rows = Message.objects.filter(case=OuterRef("pk"), taken_back_at=None, **which)
    return Q(Exists(rows))


_HAS: Mapping[str, tuple[Any, Callable[[Asker], Q]]] = {
    "attachment": (
        gettext_lazy("a file"),
        lambda a: Q(Exists(Attachment.objects.filter(message__case=OuterRef("pk"), message__taken_back_at=None))),
    ),
    "note": (gettext_lazy("a note"), lambda a: _said(direction="note")),
    "answer": (gettext_lazy("an answer of ours"), lambda a: _said(direction="outbound", released_at__isnull=False)),
    "promise": (gettext_lazy("an open promise"), lambda a: Q(promise_due_at__isnull=False)),
    "draft": (
        gettext_lazy("a draft of yours"),
        lambda a: Q(pk__in=Draft.objects.filter(author=a.user).exclude(text="").values("case_id")),
    ),
    "customer": (gettext_lazy("somebody known"), lambda a: Q(customer__isnull=False)),
    "tag": (gettext_lazy("any tag"), lambda a: ~Q(tags=[])),
}


def _has(value: str, asker: Asker) -> Part:
    known = _HAS.get(value.lower())
    if known is None:
        raise not_understood("has", value, _HAS)
    return Part(known[1](asker))


# --- whose, where, how


def _queue(value: str, asker: Asker) -> Part:
    """By its name, else by how its name begins."""
    wanted = _one(value)
    found = [queue for queue in asker.queues if _one(queue.name) == wanted]
    found = found or [queue for queue in asker.queues if _one(queue.name).startswith(wanted)]
    if not found or not wanted:
        raise not_understood("queue", value, (queue.name for queue in asker.queues))
    return Part(Q(queue__in=[queue.pk for queue in found]))


def _one(name: str) -> str:
    return " ".join(words(name))


def _assignee(value: str, asker: Asker) -> Part:
    if value.lower() == "me":
        return Part(Q(assignee=asker.user), narrow=True)
    if value.lower() == "none":
        return Part(Q(assignee=None))
    people = _people(value, asker)
    if not people:
        raise not_understood("assignee", value, ["me", "none", *(user.name for user in asker.colleagues)])
    return Part(Q(assignee__in=people), narrow=True)


def _people(value: str, asker: Asker) -> list[int]:
    """By user name, else by beginnings of the name's words. Those who have left had cases too."""
    named = [pk for pk, username, _first, _last in asker.everyone if username.lower() == value.lower()]
    wanted = words(value)
    if named or not wanted:
        return named
    return [pk for pk, _name, first, last in asker.everyone if _begins(wanted, words(f"{first} {last}"))]


def _begins(wanted: list[str], name: list[str]) -> bool:
    return all(any(word.startswith(part) for word in name) for part in wanted)


def _customer(value: str, asker: Asker) -> Part:
    if value.lower() == "none":
        return Part(Q(customer=None))
    if not words(value):
        raise NotUnderstood(_("Say which customer: a name, or an address of theirs."))
    found = Q(customer__in=Customer.objects.named_like(value).values("pk"))
    address = None if CONTACT_POINTS in masked_fields(asker.user) else guess(value)
    if address is not None:
        reached = ContactPoint.objects.filter(kind=address.kind, value=address.value)
        found |= Q(customer__in=reached.values("customer_id"))
    return Part(found, narrow=True)


def _of_choices(key: str, choices: Mapping[str, Any]) -> Read:
    def read(value: str, asker: Asker) -> Part:
        wanted = value.lower().replace("-", "_")
        found = [each for each in choices if each == wanted or (wanted == "waiting" and each.startswith("waiting_"))]
        if not found:
            raise not_understood(key, value, choices)
        done = key == "status" and not set(found) <= set(transitions.ACTIVE)
        return Part(Q(**{f"{key}__in": found}), frozenset({DONE} if done else ()))

    return read


def _tag(value: str, asker: Asker) -> Part:
    """By the name it goes by now, whichever is typed. The cases of a renaming follow in pieces: until then they are found
    under both."""
    (name,) = spelt([value]) or [""]
    now = asker.former_tags.get(name, name)
    q = Q(tags__contains=[now])
    for old in sorted(old for old, new in asker.former_tags.items() if new == now and old in asker.tags_leaving):
        q |= Q(tags__contains=[old])
    told = _("The tag “%(old)s” is now called “%(now)s”.") % {"old": name, "now": now}
    return Part(q, narrow=True, told=(told,) if now != name else ())


def _channel(value: str, asker: Asker) -> Part:
    return Part(Q(channel__iexact=value))


def _language(value: str, asker: Asker) -> Part:
    return Part(Q(language__iexact=value))


def _of_outcome(key: str, model: Any) -> Read:
    """By its name, or how it begins; `none`: nobody said."""

    def read(value: str, asker: Asker) -> Part:
        if value.lower() == "none":
            return Part(Q(**{key: None}))
        named = [(pk, _one(name)) for pk, name in model.objects.values_list("pk", "name")]
        wanted = _one(value)
        found = [pk for pk, name in named if name == wanted] or [pk for pk, name in named if name.startswith(wanted)]
        if not found or not wanted:
            raise not_understood(key, value, (name for _pk, name in _outcomes(model)(asker)))
        return Part(Q(**{f"{key}__in": found}), frozenset({DONE}))

    return read


def _outcomes(model: Any) -> Offer:
    return lambda _asker: [(name, "") for name in model.objects.filter(is_active=True).values_list("name", flat=True)]


# --- when


def _time(
    column: str, way: Callable[..., spans.Span], *, reach: frozenset[str] = frozenset(), active: bool = False
) -> Read:
    def read(value: str, asker: Asker) -> Part:
        try:
            span = way(value, asker.at, asker.zone)
        except spans.NotASpan as error:
            raise NotUnderstood(str(error)) from None
        q = Q(**span.on(column))
        return Part(_ACTIVE & q if active else q, reach, narrow=active, timed=True)

    return read


def _promise(value: str, asker: Asker) -> Part:
    open_ones = _ACTIVE & Q(promise_due_at__isnull=False)
    words_for = {
        "open": open_ones,
        "none": Q(promise_due_at=None),
        "overdue": open_ones & Q(promise_due_at__lte=asker.at),
    }
    if value.lower() in words_for:
        named = value.lower()
        return Part(
            words_for[named], frozenset({ASLEEP} if named != "none" else ()), named != "none", named == "overdue"
        )
    return _time("promise_due_at", spans.ahead, reach=frozenset({ASLEEP}), active=True)(value, asker)


# --- what may stand after the colon


def _words_of(table: Mapping[str, Any]) -> Offer:
    return lambda _asker: [(name, entry[0]) for name, entry in table.items()]


def _lengths(*lengths: str) -> Offer:
    return lambda _asker: [(each, "") for each in lengths]


def _offer_people(asker: Asker) -> Iterable[tuple[str, Any]]:
    return [
        ("me", asker.user.name),
        ("none", gettext_lazy("nobody")),
        *((u.username, u.name) for u in asker.colleagues),
    ]


def _offer_channels(_asker: Asker) -> Iterable[tuple[str, Any]]:
    named = Channel.objects.filter(is_active=True).order_by("name").values_list("slug", "name")
    return [("mail", gettext_lazy("mail")), ("web", gettext_lazy("the contact form")), *named]


def _offer_tags(asker: Asker) -> Iterable[tuple[str, Any]]:
    """Those in use on open cases of one's queues."""
    open_ones = Case.objects.active().filter(queue__in=[queue.pk for queue in asker.queues]).exclude(tags=[])
    newest = open_ones.order_by("-pk").values_list("tags", flat=True)[:500]
    return [(tag, "") for tag in sorted({tag for tags in newest for tag in tags})]


def _choices(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {str(value): label for value, label in pairs}


_STATUS, _PRIORITY = _choices(Case.Status.choices), _choices(Case.Priority.choices)
KEYS: dict[str, Key] = {
    key.name: key
    for key in [
        Key("is", gettext_lazy("how it stands"), "is:unassigned", _is, _words_of(_IS)),
        Key(
            "queue",
            gettext_lazy("where it is"),
            "queue:billing",
            _queue,
            lambda asker: [(queue.name, "") for queue in asker.queues],
        ),
        Key("assignee", gettext_lazy("whose it is"), "assignee:me|lee", _assignee, _offer_people),
        Key(
            "status",
            gettext_lazy("its status"),
            "status:open",
            _of_choices("status", _STATUS),
            lambda _a: _STATUS.items(),
        ),
        Key(
            "priority",
            gettext_lazy("how urgent it is"),
            "priority:high|urgent",
            _of_choices("priority", _PRIORITY),
            lambda _a: _PRIORITY.items(),
        ),
        Key(
            "promise",
            gettext_lazy("when a promise falls due"),
            "promise:<2h",
            _promise,
            _lengths("<2h", "<1d", "today", "overdue", "open", "none"),
        ),
        Key(
            "due",
            gettext_lazy("when a promise or clock falls due"),
            "due:<1h",
            _time("attention_at", spans.ahead, reach=frozenset({ASLEEP}), active=True),
            _lengths("<30m", "<2h", "today", "tomorrow"),
        ),
        Key(
            "waiting",
            gettext_lazy("how long the customer has waited"),
            "waiting:>1d",
            _time("waiting_since", spans.ago, active=True),
            _lengths(">15m", ">2h", ">1d", ">1w"),
        ),
        Key("customer", gettext_lazy("whose request it is"), 'customer:"Ana Torres"', _customer),
        Key("channel", gettext_lazy("how it came"), "channel:mail", _channel, _offer_channels),
        Key("tag", gettext_lazy("a tag it has"), "tag:refund", _tag, _offer_tags),
        Key("has", gettext_lazy("what is in it"), "has:attachment", _has, _words_of(_HAS)),
        Key(
            "created",
            gettext_lazy("when it was opened"),
            "created:<7d",
            _time("opened_at", spans.ago),
            _lengths("today", "<7d", ">30d"),
        ),
        Key(
            "updated",
            gettext_lazy("when something was last said"),
            "updated:>3d",
            _time("last_message_at", spans.ago),
            _lengths("today", "<1d", ">3d"),
        ),
        Key(
            "resolved",
            gettext_lazy("when it was resolved"),
            "resolved:<7d",
            _time("resolved_at", spans.ago, reach=frozenset({DONE})),
            _lengths("today", "<1d", "<7d"),
        ),
        Key(
            "disposition",
            gettext_lazy("what it was about"),
            "disposition:none",
            _of_outcome("disposition", Disposition),
            _outcomes(Disposition),
        ),
        Key(
            "cause",
            gettext_lazy("what would have prevented it"),
            "cause:none",
            _of_outcome("cause", Cause),
            _outcomes(Cause),
        ),
        SURVEY,
        Key("language", gettext_lazy("the customer’s language"), "language:es", _language),
    ]
}
