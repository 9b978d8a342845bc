"""Companies that live only in a test: people with shifts, customers who write when they please, and a queue between them.

Nothing here knows `cases.pace` but through what the product knows too: who is at work, what waits, what was answered.
"""

import heapq
import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cases import pace
from cases.business_hours import Hours

LEARNS_EVERY = timedelta(minutes=15)  # more rarely than the product does
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Shift = tuple[frozenset[int], float, float, float]  # weekdays, from, to and the hour of the break


@dataclass(frozen=True)
class Company:
    """`arrivals(clock)`: new contacts an hour at that local time; `minutes(rng, clock)`: how long one answer takes;
    `away(day, person)`: whether they are ill or on leave; `again`: how many answers bring another word of the
    customer, after `after` hours on average."""

    name: str
    hours: Hours
    people: Sequence[Shift]
    arrivals: Callable[[datetime], float]
    most_an_hour: float
    minutes: Callable[[random.Random, datetime], float]
    away: Callable[[date, int], bool] = lambda _day, _person: False
    again: float = 0.3
    after: float = 6.0
    urgent: float = 0.0  # share that jumps the line
    signs_in: float = 1.0  # share of people whose being there is known


@dataclass
class Told:
    """A time that was named, and what came of it."""

    at: datetime
    due: datetime
    basis: str
    need: float
    people: float
    pace: pace.Pace | None
    answered: datetime | None = None
    inputs: Mapping[str, float] = field(default_factory=dict)
    outcome: pace.Outcome | None = None  # once it is answered and its time has passed

    def by(self, now: datetime) -> pace.Outcome:
        """What came of it as it stands at `now`, after its time."""
        if self.outcome:
            return self.outcome
        assert self.pace is not None
        until = self.answered or now
        share = pace.worked(self.at, until, self.pace, self.people) / self.need
        met = bool(self.answered and self.answered <= self.due)
        found = pace.Outcome(share, met, int(self.inputs["crowd"]))
        if self.answered:
            self.outcome = found
        return found


@dataclass(order=True)
class _Work:
    key: tuple[int, float]
    number: int
    told: Told | None = field(compare=False, default=None)


class Run:
    """One company from `begin` on, minute after minute; `told` holds every time that was named."""

    def __init__(self, company: Company, *, seed: int, begin: datetime, days: int) -> None:
        self.company, self.rng = company, random.Random(seed)
        self.begin, self.end = begin, begin + timedelta(days=days)
        self.zone = ZoneInfo(company.hours.tz)
        self.waiting: list[_Work] = []
        self.at_work: dict[int, tuple[datetime, _Work]] = {}
        self.told: list[Told] = []
        self.past: deque[pace.Worked] = deque(maxlen=24 * 60)
        self._later: list[tuple[datetime, int]] = []
        self._count = itertools.count()
        self._hour: dict[str, float] = defaultdict(float)
        self._pace: pace.Pace | None = None
        self._learned, self._learn_again = dict[int, float](), begin

    def run(self) -> "Run":
        now, here = self.begin, list[int]()
        while now < self.end:
            clock = now.astimezone(self.zone)
            if not now.minute % 5:
                here = self._here(clock)
            self._finish(now)
            self._arrive(now, clock, here)
            self._take(now, clock, here)
            self._sample(here)
            now += MINUTE
            if not now.minute:
                self._close_hour(now)
        return self

    # --- what happens in a minute

    def _here(self, clock: datetime) -> list[int]:
        hour = clock.hour + clock.minute / 60
        company, day = self.company, clock.date()
        if day.isoformat() in company.hours.holidays:
            return []
        return [
            n
            for n, (days, begin, end, rest) in enumerate(company.people)
            if clock.weekday() in days
            and begin <= hour < end
            and not rest <= hour < rest + 0.5
            and not company.away(day, n)
        ]

    def _finish(self, now: datetime) -> None:
        for person, (done, work) in list(self.at_work.items()):
            if done <= now:
                del self.at_work[person]
                self._hour["answers"] += 1
                if work.told:
                    work.told.answered = done
                if self.rng.random() < self.company.again:
                    wait = timedelta(hours=self.rng.expovariate(1 / self.company.after))
                    heapq.heappush(self._later, (now + wait, next(self._count)))

    def _arrive(self, now: datetime, clock: datetime, here: list[int]) -> None:
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)
            self._queue(now, None)
        most = self.company.most_an_hour
        for _ in range(_poisson(self.rng, most / 60)):
            if self.rng.random() * most < self.company.arrivals(clock):
                self._queue(now, self._expect(now, here))

    def _queue(self, now: datetime, told: Told | None) -> None:
        rank = 0 if self.rng.random() < self.company.urgent else 1
        heapq.heappush(self.waiting, _Work((rank, now.timestamp()), next(self._count), told))

    def _take(self, now: datetime, clock: datetime, here: list[int]) -> None:
        for person in here:
            if self.waiting and person not in self.at_work:
                minutes = self.company.minutes(self.rng, clock)
                self.at_work[person] = (now + timedelta(minutes=minutes), heapq.heappop(self.waiting))

    # --- what the product sees of it

    def _expect(self, now: datetime, here: list[int]) -> Told:
        known = [n for n in here if _share(n) < self.company.signs_in]
        state = pace.State(
            waiting=len(self.waiting) + len(self.at_work),
            people=len(known),
            pace=self._pace,
            factors=self._factors(now),
        )
        found = pace.expected(now, state)
        due = pace.rounded(found.at, now, self.zone) if found.at else now
        need, people = found.inputs.get("need", 0.0), found.inputs.get("people", 0.0)
        told = Told(now, due, found.basis, need, people, self._pace, inputs=found.inputs)
        self.told.append(told)
        return told

    def _factors(self, now: datetime) -> dict[int, float]:
        if now < self._learn_again:
            return self._learned
        passed = (told for told in reversed(self.told) if told.pace and told.due <= now)
        self._learned = pace.learned([told.by(now) for told in itertools.islice(passed, pace.LEARNED_FROM)])
        self._learn_again = now + LEARNS_EVERY
        return self._learned

    def _sample(self, here: list[int]) -> None:
        known = [n for n in here if _share(n) < self.company.signs_in]
        work = len(self.waiting) + len(self.at_work)
        self._hour["people"] += len(known) / 60
        self._hour["busy"] += min(len(known), work) / 60

    def _close_hour(self, now: datetime) -> None:
        hour = self._hour
        self.past.appendleft(pace.Worked(now - HOUR, hour["people"], hour["busy"], int(hour["answers"])))
        self._hour = defaultdict(float)
        if not now.hour:
            self._pace = pace.measured(self.past, self.company.hours)


def _share(person: int) -> float:
    return (person * 0.618) % 1


def _poisson(rng: random.Random, mean: float) -> int:
    if not mean:
        return 0
    count, left = 0, rng.expovariate(1.0)
    while left < mean:
        count, left = count + 1, left + rng.expovariate(1.0)
    return count


def met(told: Sequence[Told], since: datetime, until: datetime) -> tuple[int, int]:
    """Of the times the pace named between the two, long enough before the run ended: how many were met, of how many."""
    named = [t for t in told if since <= t.at < until and t.basis == "pace"]
    return sum(1 for t in named if t.answered and t.answered <= t.due), len(named)


# --- three that have little in common

WORKDAYS = frozenset(range(5))


def lognormal(rng: random.Random, mean: float, spread: float) -> float:
    """A time whose logarithm is normal, by its mean."""
    return rng.lognormvariate(0, spread) * mean / 2.718281828 ** (spread**2 / 2)


def office() -> Company:
    """Nine people, Monday to Friday, mail by the hundred; Monday mornings, a holiday, one day half of them ill."""
    shape = {8: 0.6, 9: 1.5, 10: 1.7, 11: 1.4, 12: 0.9, 13: 1.1, 14: 1.2, 15: 1.1, 16: 0.9, 17: 0.7, 18: 0.5}

    def arrivals(clock: datetime) -> float:
        base = (
            9.2 * shape.get(clock.hour, 0.12) * (0.25 if clock.weekday() > 4 else 1.45 if not clock.weekday() else 1.0)
        )
        return base * (2.2 if clock.date() == date(2026, 10, 14) and clock.hour > 9 else 1.0)

    hours = Hours(
        "Europe/Berlin", {d: [["08:00", "18:00"]] for d in ("mon", "tue", "wed", "thu", "fri")}, ["2026-10-01"]
    )
    people = [(WORKDAYS, 8 + n % 3, 16 + n % 3, 12 + n % 2) for n in range(9)]
    return Company(
        "office", hours, people, arrivals, 60,
        lambda rng, clock: lognormal(rng, 15 if clock.hour < 12 else 18, 0.8),
        away=lambda day, n: (day == date(2026, 10, 8) and n % 2 == 0) or (day.toordinal() * 7 + n * 13) % 29 == 0,
    )  # fmt: skip


def night_and_day() -> Company:
    """Round the clock in three thin shifts, short answers, many urgent ones, and an outage that trebles the calls."""

    def arrivals(clock: datetime) -> float:
        base = 4 + 9 * (8 <= clock.hour < 22) + 4 * (18 <= clock.hour < 21)
        storm = clock.date() == date(2026, 10, 10) and 13 <= clock.hour < 19
        return base * (3.0 if storm else 1.0)

    hours = Hours(
        "America/New_York", {d: [["00:00", "24:00"]] for d in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    )
    every = frozenset(range(7))
    people = [(every, 6 + (n % 2), 14 + (n % 2), 10) for n in range(4)] + [(every, 14, 22.5, 18) for n in range(4)]
    people += [(every, 22, 24, 25), (every, 22, 24, 25), (every, 0, 6.5, 3), (every, 0, 6.5, 4)]
    return Company(
        "night and day", hours, people, arrivals, 70, lambda rng, _clock: lognormal(rng, 8, 1.0), urgent=0.15, again=0.4, after=2.0
    )  # fmt: skip


def small(hit: int = 1) -> Company:
    """Three people who have other work too, two calendars' worth of lunch, long answers, half of them never signed in."""
    shape = {9: 1.2, 10: 1.4, 11: 1.1, 14: 1.0, 15: 1.2, 16: 1.0}

    def arrivals(clock: datetime) -> float:
        return 1.6 * shape.get(clock.hour, 0.25) * (0.5 if clock.weekday() > 4 else 1.0)

    hours = Hours("Europe/Madrid", {d: [["09:00", "13:00"], ["14:30", "18:00"]] for d in ("mon", "tue", "wed", "thu", "fri")}
                  | {"sat": [["10:00", "13:00"]]}, ["2026-10-12"])  # fmt: skip
    people = [(WORKDAYS, 9, 18, 13), (WORKDAYS, 9.5, 17, 13.5), (frozenset({0, 2, 4, 5}), 10, 13, 25)]
    return Company(
        "small", hours, people, arrivals, 6, lambda rng, _clock: lognormal(rng, 32, 1.1), signs_in=0.7,
        again=0.25, after=20, away=lambda day, n: day == date(2026, 10, 13) and n < hit,
    )  # fmt: skip


COMPANIES = [office, night_and_day, small]
