"""What a decision about offers is made from: everything the gates ask, read in one query, then facts and words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from cases import feelings
from cases.models import Case
from crm.database.prepared import Later, PreparedRows, sent
from customers import bringing, consent
from customers.facts import load
from outreach import reasons
from outreach.catalogue import Shelf
from outreach.keeping import plain, rich

# Tags by which a rep says that somebody is to be left in peace, on any case of theirs.
HANDS_OFF = ("bereaved", "bereavement", "complaint", "do not offer", "minor", "no offers", "vulnerable")
QUIET = timedelta(days=14)  # after bad service
TALK = timedelta(hours=24)  # of silence end a talk (cases.conversation.SILENCE)
CAP_DAYS, REFUSALS_DAYS, IGNORED_DAYS = 90, 180, 30
HEARD = 20  # of the customer's latest messages are searched for what an offer answers
_LONGEST_HEARD = 4000  # characters of each


@dataclass(frozen=True)
class Context:
    """The talk as it stands. Keys, words of our own, times; `facts` and `evidence` hold what is known of the customer."""

    at: datetime
    catalogue: int
    edition: str
    case: int
    status: str
    customer: int | None = None
    contact: int | None = None
    talked_at: datetime | None = None  # when the talk's last word fell
    need_met_event: int | None = None
    of_this_talk: bool = False  # the need was met after the talk began: versions compared
    feeling: str = ""
    sounds: str = ""  # what the same words sound like, as it was guessed; can only keep something back
    tags: tuple[str, ...] = ()
    queue: str = ""
    erased: bool = False
    hands_off: tuple[str, ...] = ()
    overdue: int = 0  # promises open past their time
    broken_at: datetime | None = None
    upset_at: datetime | None = None
    other_case: int | None = None  # number of another open one
    problem: int | None = None  # a known problem that touches them
    consent: bool | None = None  # to hear about offers
    research: bool | None = None  # to be asked
    # The presentation of this contact, or of another that goes on beside it (by a merge, another channel).
    shown: int | None = None
    presented: int = 0
    refusals: int = 0
    answers: Mapping[str, Any] = field(default_factory=dict)  # by offer: {kind, at, until}
    ignored: Mapping[str, int] = field(default_factory=dict)  # by offer
    taken: Mapping[str, int] = field(default_factory=dict)  # by offer: acceptances that stand
    facts: Mapping[str, Any] = field(default_factory=dict)
    resting: tuple[str, ...] = ()  # facts nobody could tell then, for their plugin did not answer
    evidence: Mapping[str, Any] = field(default_factory=dict)  # by version: {by, tag, quote}
    removed: Mapping[str, Any] = field(default_factory=dict)  # by version: [plugin, sentence]
    factors: Mapping[str, float] = field(default_factory=dict)  # by version
    lesson: int = 0  # the version of what answers taught
    learned: Mapping[str, Any] = field(default_factory=dict)  # of it, what this talk asks for (outreach.lessons)

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        told = {each.name: getattr(self, each.name) for each in fields(self)} | {"facts": plain(self.facts)}
        return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in told.items()}

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> "Context":
        """From JSON."""
        told = dict(kept) | {name: _time(kept[name]) for name in ("at", "talked_at", "broken_at", "upset_at")}
        told |= {"resting": tuple(kept.get("resting", ()))}
        told |= {"tags": tuple(kept["tags"]), "hands_off": tuple(kept["hands_off"]), "facts": rich(kept["facts"])}
        return cls(**told)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# Clocks may disagree, of hosts and in mails. The latest word is that which says so, and that which came last: where these are
# two, whichever opens less counts. A no counts at once, though its time lies ahead; what is overdue by the database's clock is.
# Of several stretches that go on at once, as after a merge, the offer of one is the offer of all.
# The newest stretch of talk is the one an offer would be made in. Answers of the customer count for an offer whatever
# version of it they were given to, and whatever channel: the newest of a presentation stands. What the rep did not mention
# was never heard: beyond this talk, whose one offer it was, it counts for nothing.
_TALK = """
WITH me AS (
  SELECT c.id, c.customer_id, c.status, c.tags, c.need_met_event_id, q.name AS queue
    FROM cases_case c JOIN cases_queue q ON q.id = c.queue_id WHERE c.id = %(case)s::bigint),
talk AS (
  SELECT k.id, k.last_at,
         (SELECT min(m.case_version) FROM cases_message m
           WHERE m.contact_id = k.id AND m.direction = 'inbound' AND NOT m.is_auto) AS began
    FROM cases_contact k WHERE k.case_id = %(case)s::bigint ORDER BY k.last_at DESC, k.id DESC LIMIT 1),
words AS (
  (SELECT m.id, m.at, m.feeling, m.felt_guess FROM cases_message m WHERE m.case_id = %(case)s::bigint AND m.direction = 'inbound'
      AND NOT m.is_auto ORDER BY m.at DESC, m.id DESC LIMIT 1)
  UNION
  (SELECT m.id, m.at, m.feeling, m.felt_guess FROM cases_message m WHERE m.case_id = %(case)s::bigint AND m.direction = 'inbound'
      AND NOT m.is_auto ORDER BY m.id DESC LIMIT 1)),
theirs AS (SELECT c.id, c.number, c.status, c.tags FROM cases_case c, me
            WHERE c.customer_id = me.customer_id AND c.status <> 'spam')
SELECT json_build_object(
  'lesson', COALESCE((SELECT max(id) FROM crm_learned WHERE kind = 'offers' AND in_use), 0),
  'status', me.status, 'customer', me.customer_id, 'tags', me.tags, 'queue', me.queue,
  'contact', talk.id, 'talked_at', talk.last_at, 'need_met_event', me.need_met_event_id,
  'of_this_talk', COALESCE((SELECT e.version FROM crm_event e WHERE e.id = me.need_met_event_id) > COALESCE(talk.began, 0),
                           false),
  'feeling', COALESCE((SELECT CASE WHEN bool_or(feeling = 'bad') THEN 'bad' WHEN bool_or(feeling = '') THEN ''
                                   ELSE (array_agg(feeling ORDER BY at DESC, id DESC))[1] END FROM words), ''),
  'sounds', COALESCE((SELECT CASE WHEN bool_or(felt_guess = 'bad') THEN 'bad'
                                  ELSE (array_agg(felt_guess ORDER BY at DESC, id DESC))[1] END FROM words), ''),
  'erased', COALESCE((SELECT u.erased_at IS NOT NULL OR u.merged_into_id IS NOT NULL FROM customers_customer u
                       WHERE u.id = me.customer_id), false),
  'hands_off', ARRAY(SELECT DISTINCT t FROM (SELECT me.tags UNION ALL SELECT tags FROM theirs) x(tags), unnest(x.tags) t
                      WHERE t = ANY(%(hands_off)s::text[]) ORDER BY t),
  'overdue', (SELECT count(*) FROM cases_promise p JOIN theirs ON theirs.id = p.case_id
               WHERE p.state = 'open' AND p.due_at <= GREATEST(%(at)s::timestamptz, clock_timestamp())),
  'broken_at', (SELECT max(p.settled_at) FROM cases_promise p JOIN theirs ON theirs.id = p.case_id
                 WHERE p.state = 'broken' AND p.settled_at > %(quiet)s::timestamptz),
  'upset_at', (SELECT max(m.at) FROM cases_message m JOIN theirs ON theirs.id = m.case_id
                WHERE m.feeling = 'bad' AND m.at > %(quiet)s::timestamptz AND m.case_id <> me.id),
  'other_case', (SELECT min(number) FROM theirs WHERE theirs.id <> me.id AND theirs.status = ANY(%(active)s::text[])),
  'problem', (SELECT min(b.id) FROM outreach_knownproblem b WHERE b.state IN ('open', 'workaround')
               AND (EXISTS (SELECT FROM outreach_exposure x WHERE x.problem_id = b.id AND x.customer_id = me.customer_id)
                    OR EXISTS (SELECT FROM outreach_problemcase l JOIN theirs ON theirs.id = l.case_id
                                WHERE l.problem_id = b.id))),
  'said', (SELECT json_build_array(d.id, d.digest, d.catalogue_version, d.need_met_event_id, d.asked)
             FROM outreach_decision d WHERE d.case_id = me.id AND d.contact_id = talk.id ORDER BY d.id DESC LIMIT 1))
  FROM me LEFT JOIN talk ON true
"""
# The contact's own presentation is looked up contact by contact: joined, it would be sought through everybody's.
_PAST = """
WITH me AS (SELECT customer_id FROM cases_case WHERE id = %(case)s::bigint),
said AS (
  SELECT s.id, s.purpose, s.granted, s.at FROM me JOIN customers_consent s ON s.customer_id = me.customer_id
   WHERE s.purpose IN ('marketing', 'research') AND s.channel = ANY(%(channels)s::text[])
     AND (s.at <= %(at)s::timestamptz OR NOT s.granted)),
here AS (
  SELECT k.last_at, row_number() OVER (ORDER BY k.last_at DESC, k.id DESC) = 1 AS is_talk,
         (SELECT p.id FROM outreach_offerpresentation p WHERE p.contact_id = k.id) AS shown
    FROM cases_contact k WHERE k.case_id = %(case)s::bigint),
shown AS (
  SELECT p.presented_at, v.offer_id, r.kind, r.at, r.until
    FROM me JOIN outreach_offerpresentation p ON p.customer_id = me.customer_id
    JOIN outreach_decisioncandidate d ON d.id = p.candidate_id JOIN outreach_offerversion v ON v.id = d.offer_version_id
    LEFT JOIN LATERAL (SELECT kind, at, until FROM outreach_offerresponse
                        WHERE presentation_id = p.id ORDER BY number DESC LIMIT 1) r ON true
   WHERE r.kind IS DISTINCT FROM 'withheld'
  UNION ALL
  SELECT e.at, e.offer_id, NULLIF(e.kind, 'ignored'), e.at, e.until
    FROM me JOIN outreach_pastresponse e ON e.customer_id = me.customer_id),
newest AS (SELECT DISTINCT ON (offer_id) offer_id, kind, at, until FROM shown WHERE kind IS NOT NULL
            ORDER BY offer_id, (kind = 'never') DESC, at DESC)
SELECT json_build_object(
  'catalogue', COALESCE(c.version, 0), 'edition', COALESCE(c.edition::text, ''),
  'consent', (SELECT granted FROM said WHERE purpose = 'marketing' ORDER BY at DESC, id DESC LIMIT 1),
  'research', (SELECT granted FROM said WHERE purpose = 'research' ORDER BY at DESC, id DESC LIMIT 1),
  'shown', (SELECT shown FROM here WHERE shown IS NOT NULL AND (is_talk OR last_at > %(talk)s::timestamptz)
             ORDER BY is_talk DESC, shown DESC LIMIT 1),
  'presented', (SELECT count(*) FROM shown WHERE presented_at > %(cap)s::timestamptz),
  'refusals', (SELECT count(*) FROM shown WHERE kind IN ('no', 'never', 'not_suited') AND at > %(refusals)s::timestamptz),
  'answers', COALESCE((SELECT json_object_agg(offer_id, json_build_object('kind', kind, 'at', at, 'until', until))
                         FROM newest), '{}'),
  'ignored', COALESCE((SELECT json_object_agg(offer_id, n) FROM (SELECT offer_id, count(*) n FROM shown
                        WHERE kind IS NULL AND presented_at > %(ignored)s::timestamptz GROUP BY offer_id) i), '{}'),
  'taken', COALESCE((SELECT json_object_agg(o.id, t.many) FROM outreach_offerversion w
      JOIN outreach_offer o ON o.current_id = w.id JOIN outreach_taken t ON t.offer_id = o.id
      WHERE w.stock IS NOT NULL AND t.many > 0), '{}'))
  FROM (SELECT 1) one LEFT JOIN outreach_catalogue c ON c.id = 1
"""


Said = tuple[int, str, int, int | None, str]  # of a decision: key, digest, catalogue, evidence, by what it was asked


def asked(case: Case, at: datetime) -> Later[tuple[Context, Said | None]]:
    """Two questions, whatever there is, that may travel with others; and what was decided last in this talk."""
    from cases.transitions import ACTIVE

    channel = case.channel if case.channel in consent.CHANNELS else "mail"
    values: dict[str, Any] = {
        "case": case.pk,
        "at": at,
        "hands_off": list(HANDS_OFF),
        "active": list(ACTIVE),
        "channels": [channel, consent.ANY],
        "quiet": at - QUIET,
        "talk": at - TALK,
        "cap": at - timedelta(days=CAP_DAYS),
        "refusals": at - timedelta(days=REFUSALS_DAYS),
        "ignored": at - timedelta(days=IGNORED_DAYS),
    }
    answers = [sent(question, values) for question in (_TALK, _PAST)]

    def read() -> tuple[Context, Said | None]:
        ((talk,),), ((past,),) = (answer() for answer in answers)
        said = talk.pop("said")
        told = talk | past
        told |= {name: _time(told[name]) for name in ("talked_at", "broken_at", "upset_at")}
        told |= {"tags": tuple(told["tags"]), "hands_off": tuple(told["hands_off"])}
        return Context(at=at, case=case.pk, **told), said and tuple(said)

    return read


def read(case: Case, at: datetime) -> Context:
    """The talk as it stands, by itself."""
    return asked(case, at)()[0]


Words = list[tuple[str]]


def beforehand(case: Case, shelf: Shelf | None) -> Callable[[], Later[Words | None]]:
    """What the offers of this shelf will read of the customer and of their words: asked for by calling what comes back, beside
    the first question, so that it calls for no second journey. Should others stand meanwhile, what these read is asked for
    when it is missed (customers.bringing). What plugins say of their facts is heard here, before anything travels."""
    if shelf is None:
        return lambda: lambda: None
    customer, needs, hears = case.customer, shelf.needs, bool(shelf.asking)

    def ask() -> Later[Words | None]:
        brought = bringing.asked(customer, needs) if customer is not None else lambda: None
        words = _NEWEST.later(case.pk) if hears else None

        def read() -> Words | None:
            brought()
            return words() if words is not None else None

        return read

    return ask


def with_what_is_known(context: Context, case: Case, shelf: Shelf, words: Words | None = None) -> Context:
    """The same with the facts and the evidence that these offers ask for."""
    facts: dict[str, Any] = {}
    if case.customer is not None and shelf.names:
        facts = load([case.customer], shelf.moment, names=shelf.names, among=shelf.facts)[case.customer.pk]
    return replace(context, facts=facts, resting=shelf.rests, evidence=_evidence(context, case, shelf, words))


def _evidence(context: Context, case: Case, shelf: Shelf, words: Words | None) -> dict[str, Any]:
    """By version: what this customer told us (in their words), or what the case is tagged or queued as."""
    if not shelf.asking:
        return {}
    heard = _NEWEST(case.pk) if words is None else words
    quotes = shelf.tags.quotes(reasons.Heard(text[:_LONGEST_HEARD] for (text,) in heard))
    shows = {*context.tags, context.queue.lower()}
    answering = {o.version: o for tag in {*quotes, *shows} for o in shelf.tags.offers.get(tag, ())}
    found = {str(o.version): _best(o.terms.need_tags, quotes, shows) for o in answering.values()}
    return {version: evidence for version, evidence in found.items() if evidence}


_NEWEST = PreparedRows(lambda pk: feelings.words_of(pk).order_by("-at", "-id").values_list("text")[:HEARD], int)


def _best(tags: tuple[str, ...], quotes: Mapping[str, str], shows: set[str]) -> dict[str, str] | None:
    """Their own words before our tags."""
    told = next((tag for tag in tags if tag in quotes), None)
    if told is not None:
        return {"by": "words", "tag": told, "quote": quotes[told]}
    shown = next((tag for tag in tags if tag in shows), None)
    return {"by": "tag", "tag": shown, "quote": ""} if shown is not None else None
