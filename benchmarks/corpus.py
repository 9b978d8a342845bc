"""A house with a long history, for the benchmarks that ask how a desk of 50 works on it: a million cases in ten queues,
four messages each, a million customers, and the search document of every case.

Customers, messages and documents come by COPY, cases by INSERT … SELECT; indexes that can wait are made afterwards.
Words are drawn by Zipf's law, so that there are common and rare ones; what each probe word must find is noted while the
words are drawn, which owes nothing to the database.
"""

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from django.db import connection

from benchmarks import data
from benchmarks.stage import copied, database

QUEUES = 10
MESSAGES = 4
ACTIVE = 5_000  # what a desk of 50 has open, all in the first queue
VOCABULARY, SENTENCES = 30_000, 40_000
ALIKE = 40  # cases that name the same device
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
BATCH = 2_000  # cases


@dataclass
class Corpus:
    """What was made, and which cases (1 is the oldest) hold which probe; `words` are the probes by class."""

    cases: int
    active: int = ACTIVE
    queues: list[int] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    first_case: int = 0
    first_customer: int = 0
    words: dict[str, list[str]] = field(default_factory=dict)
    truth: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def customer_of(self, case: int) -> int:
        """Which customer (0 is the first) case number `case` of the corpus is of."""
        return case * 7919 % self.cases

    def queue_of(self, case: int) -> int:
        """The active ones are the first queue's; the history is everybody's."""
        return self.queues[0 if self.is_active(case) else case % QUEUES]

    def is_active(self, case: int) -> bool:
        return case % (self.cases // self.active) == 0


def word(n: int) -> str:
    """The nth word of a language of our own, never the same twice."""
    said = ""
    for _ in range(3):
        n, syllable = divmod(n, len(SYLLABLES))
        said += SYLLABLES[syllable]
    return said


def name(n: int) -> tuple[str, str]:
    """First and last name of the nth customer: 400 first names, 5,000 last names."""
    return word(100_000 + n % 400).capitalize(), word(200_000 + n // 7 % 5_000).capitalize()


_MADE: dict[int, tuple[Corpus, ExitStack]] = {}


@contextmanager
def opened(cases: int, name: str) -> Iterator[Corpus]:
    """A database of one's own with such a history. It is built once a run, and copied for whoever wants one."""
    if cases not in _MADE:
        with ExitStack() as stack:
            stack.enter_context(database(f"corpus_{cases}"))
            made = build(cases)
            _MADE[cases] = made, stack.pop_all()
    made, _stack = _MADE[cases]
    with copied(f"bench_corpus_{cases}", f"{name}_{cases}"):
        yield made


def dropped() -> None:
    """The end of the run."""
    while _MADE:
        _MADE.popitem()[1][1].close()


def build(cases: int, people: int = 50, active: int = ACTIVE, seed: int = 7) -> Corpus:
    """Fill the current, empty, migrated database with `cases` cases (a multiple of `active`); progress is printed."""
    from crm.models import User
    from tests.builders import make_queue

    began = time.monotonic()
    made = Corpus(cases, active)
    made.people = data.reps(people)
    reps = list(User.objects.filter(pk__in=made.people))
    made.queues = [make_queue(f"Bench {n}", reps=reps).pk for n in range(QUEUES)]
    made.words = _probes(random.Random(seed))
    with _bulk_load():
        _told("customers", lambda: _customers(made))
        _told("cases", lambda: _cases(made))
        _told("messages and documents", lambda: _words(made, random.Random(seed)))
    if not connection.in_atomic_block:  # a test keeps its rows to itself
        _told("statistics", data.settled)
    made.seconds = time.monotonic() - began
    return made


def _told(what: str, do: object) -> None:
    began = time.monotonic()
    do()  # type: ignore[operator]
    print(f"  {what}: {time.monotonic() - began:.0f} s", flush=True)


# --- tables


_LATE = ("cases_case", "cases_message", "cases_casesearch", "customers_contactpoint", "customers_nameword", "crm_event")


@contextmanager
def _bulk_load() -> Iterator[None]:
    """Indexes that decide nothing are made at the end, and foreign keys are believed: the rows are ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname = ANY(%s) AND NOT i.indisunique",
            [list(_LATE)],
        )
        late = cursor.fetchall()
        for index, _definition in late:
            cursor.execute(f"DROP INDEX {index}")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        yield
        cursor.execute("SET session_replication_role = origin")
        began = time.monotonic()
        for _index, definition in late:
            cursor.execute(definition)
        print(f"  {len(late)} indexes: {time.monotonic() - began:.0f} s", flush=True)


def _copy(table: str, columns: str, rows: Iterator[str]) -> None:
    """Lines of COPY's text format, in large pieces."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        while piece := "".join(itertools.islice(rows, 500)):
            copy.write(piece)


def _first_id(table: str, how_many: int) -> int:
    """The first of `how_many` ids that are ours from now on."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")
        (first,) = cursor.fetchone()
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [first + how_many])
    return int(first)


def _customers(made: Corpus) -> None:
    made.first_customer = first = _first_id("customers_customer", made.cases)
    ids = range(made.cases)
    _copy(
        "customers_customer",
        "id, name, pronunciation, language, tz, country, city, tier, cue, version, source, created_at",
        (f"{first + n}\t{' '.join(name(n))}\t\ten\tUTC\tGB\tLeeds\tgold\t\t0\t\t2024-01-01\n" for n in ids),
    )
    _copy(
        "customers_contactpoint",
        "customer_id, kind, value, display, is_preferred, created_at",
        (f"{first + n}\temail\t{address(n)}\t{address(n)}\tt\t2024-01-01\n" for n in ids),
    )
    _copy(
        "customers_nameword",
        "customer_id, word",
        (f"{first + n}\t{part.lower()}\n" for n in ids for part in dict.fromkeys(name(n))),
    )


def address(n: int) -> str:
    first, last = name(n)
    return f"{first}.{last}.{n}@example.com".lower()


def _cases(made: Corpus) -> None:
    made.first_case = _first_id("cases_case", made.cases + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            CASES,
            {
                "first": made.first_case,
                "queues": made.queues,
                "reps": made.people,
                "cases": made.cases,
                "every": made.cases // made.active,
                "customer": made.first_customer,
            },
        )
    data.sql(data.CLOCKS, [data.policy()])
    data.sql(data.PROMISES)
    data.sql(EVENTS)


CASES = """
INSERT INTO cases_case (id, subject, status, priority, channel, language, tags, custom, opened_at, waiting_since,
    attention_at, next_due_at, promise_due_at, resolved_at, preview, preview_direction, last_message_at, version, source,
    send_state, open_tasks, queue_id, assignee_id, customer_id)
SELECT %(first)s + n, 'Double charge on invoice ' || n, CASE WHEN active THEN 'open' ELSE 'resolved' END,
    (ARRAY['normal', 'normal', 'normal', 'high'])[1 + n %% 4], (ARRAY['mail', 'web', 'chat'])[1 + n %% 3], 'en',
    '{}', '{}', at, CASE WHEN active THEN at END, CASE WHEN active THEN due END, CASE WHEN active THEN due END,
    CASE WHEN active AND k %% 5 = 0 THEN due + interval '1 hour' END,
    CASE WHEN active THEN NULL ELSE at + interval '1 hour' END, 'You took it twice from my account, please look at it.',
    'inbound', at, 3, '', '', 0, (%(queues)s::bigint[])[CASE WHEN active THEN 1 ELSE 1 + n %% 10 END],
    CASE WHEN active AND k %% 7 = 0 THEN NULL ELSE (%(reps)s::bigint[])[1 + k %% cardinality(%(reps)s::bigint[])] END,
    %(customer)s + n * 7919 %% %(cases)s
FROM (SELECT n, n %% %(every)s = 0 AS active, n / %(every)s AS k, now() + n %% 1009 * interval '1 minute' AS due,
             now() - (%(cases)s + 10 - n) * interval '20 seconds' AS at
      FROM generate_series(1, %(cases)s::bigint) n) rows
"""
EVENTS = """
INSERT INTO crm_event (stream, stream_id, version, kind, via, reason, at, data, actor_id, pos)
SELECT 'case', c.id, v, (ARRAY['opened', 'claimed', 'priority_changed'])[v], 'person', '',
    c.opened_at + v * interval '1 second',
    CASE v WHEN 2 THEN jsonb_build_object('assignee', c.assignee_id) ELSE '{"priority": "high"}' END,
    CASE WHEN v > 1 THEN c.assignee_id END, 1000000 + row_number() OVER (ORDER BY c.id, v)
FROM cases_case c, generate_series(1, 3) v
"""


# --- words


class Language:
    """Sentences of words by Zipf's law, each with the words it has; replies have a few words of their own."""

    def __init__(self, dice: random.Random) -> None:
        vocabulary = [word(n) for n in range(VOCABULARY)]
        chances = list(itertools.accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))
        drawn = [dice.choices(vocabulary, cum_weights=chances, k=dice.randint(6, 12)) for _ in range(SENTENCES)]
        self.sentences = [(" ".join(words).capitalize() + ".", frozenset(words)) for words in drawn]
        self.dice = dice

    def text(self, more: str) -> tuple[str, frozenset[str]]:
        """Three sentences and what else is said, with the words there are."""
        (a, one), (b, two), (c, three) = self.dice.choices(self.sentences, k=3)
        return f"{a} {b} {c} {more}", one | two | three


def _probes(dice: random.Random) -> dict[str, list[str]]:
    """Words by how common they are, by rank; `serial`s and `reply` words are put in by `_words`."""
    return {
        "common": [word(rank) for rank in (0, 1, 3, 6, 10)],
        "frequent": [word(rank) for rank in (60, 75, 90, 110, 130)],
        "middling": [word(rank) for rank in (700, 800, 900, 1_000, 1_100)],
        "seldom": [word(rank) for rank in (12_000, 15_000, 18_000, 21_000, 24_000)],
        "rare": [serial(dice.randrange(1_000)) for _ in range(5)],
        "reply": [in_reply(dice.randrange(200)) for _ in range(5)],
    }


def serial(n: int) -> str:
    return f"rt{n}x"


def in_reply(n: int) -> str:
    return f"{word(300_000 + n)}q"


def _words(made: Corpus, dice: random.Random) -> None:
    """Messages and documents, a batch of cases at a time, each by COPY."""
    language = Language(dice)
    wanted = frozenset(itertools.chain(*made.words.values()))
    with connection.cursor() as cursor:
        for start in range(1, made.cases + 1, BATCH):
            said: list[str] = []
            documents: list[str] = []
            for case in range(start, min(start + BATCH, made.cases + 1)):
                found = _case(made, case, language, said)
                documents.append(_document(made, case, found))
                for probe in wanted & found:
                    made.truth[probe].append(case)
            with cursor.copy(f"COPY cases_message ({MESSAGE}) FROM STDIN") as copy:
                copy.write("".join(said))
            with cursor.copy("COPY cases_casesearch (case_id, document) FROM STDIN") as copy:
                copy.write("".join(documents))


MESSAGE = (
    "case_id, direction, channel, sender_name, text, html, language, at, created_at, case_version, is_auto, is_answer,"
    " next_step, sent_anyway, then_status, token, source, subject, mail_id, mail_hash, feeling, folds, flags, author_id,"
    " released_at"
)


def _case(made: Corpus, case: int, language: Language, said: list[str]) -> frozenset[str]:
    """Four messages of one case, as lines; the words of all of them."""
    every: set[str] = set()
    pk, author = made.first_case + case, made.people[case % len(made.people)]
    seconds = (made.cases + 10 - case) * 20
    for n in range(MESSAGES):
        is_ours = n % 2 == 1
        more = in_reply(case % 200) if is_ours and case % 50 == 0 else serial(case % max(1, made.cases // ALIKE))
        text, words = language.text(more)
        every |= words
        every.add(more)
        at = f"{_moment(seconds - n - 1)}"
        whose = f"{author}\t{at}" if is_ours else "\\N\t\\N"
        said.append(
            f"{pk}\t{'outbound' if is_ours else 'inbound'}\tmail\t\t{text}\t\ten\t{at}\t{at}\t0\tf\tf\t\tf\t\t"
            f"b{pk}-{n}\t\t\t\t\t\t[]\t{{}}\t{whose}\n"
        )
    return frozenset(every)


_NOW = time.time()


def _moment(seconds_ago: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(_NOW - seconds_ago))


def _document(made: Corpus, case: int, found: frozenset[str]) -> str:
    who = name(made.customer_of(case))
    every = {*found, "double", "charge", "on", "invoice", str(case), *(part.lower() for part in who)}
    return f"{made.first_case + case}\t{' '.join(sorted(every))}\n"
