"""When a first answer is to be expected, from how a queue works. Pure: numbers and instants in, an instant out.

The model, its sources and what it was measured to hold are told in docs/acknowledgement.md. In short: `waiting` cases are
ahead of a new one and `people` answer `rate` of them an hour each, so that the work before its answer is, in
person-hours, close to a gamma distribution; its 80 % point times `factor`, which is learned from how earlier times were
met, is laid on the hours in which people usually work.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

from cases.business_hours import Hours

POINT = 0.8  # of the times we name are to be met
LIKE_HOURS = 28  # the newest of a kind that are looked at
FEWEST_HOURS = 5  # of a kind, below which all hours speak for it
LEAST_BUSY, LEAST_ANSWERS = 10.0, 12  # person-hours and answers, below which there is no pace to speak of
HOUR = timedelta(hours=1)
FARTHEST = timedelta(days=28)  # a time beyond says nothing to anybody
LEARNED_FROM = 300  # earlier times, the newest
FEWEST_LEARNED = 15
CROWDS = (0, 1, 2)
CROWDED = 4
GAIN = 1.0  # how strongly what was missed lately raises the level
LEVELS = (0.6, 0.92)  # its bounds: after one bad day nobody is told next week
CALM, WILD = 0.1, 10.0  # bounds of what may be learned
FARTHEST_OFF = 3.0  # today's people to the usual ones, at most; at least its inverse

HourKind = tuple[int, int]  # workday 0, Saturday 1, Sunday 2; and the hour on the calendar's clock
Slot = tuple[int, int]  # weekday (Monday is 0) and hour
LEANING = 2.0  # a slot's own people count against those of its kind as if the kind were so many hours more


@dataclass(frozen=True, slots=True)
class Worked:
    """One past hour of a queue. `people`: how many worked, on average; `busy`: the person-hours in which they had
    something to answer; `answers`: how many they gave."""

    began: datetime
    people: float
    busy: float
    answers: int


@dataclass(frozen=True)
class Pace:
    """How a queue works. `rate`: answers a busy person-hour by kind of hour, `overall` for kinds with too little to go
    by; `usual`: people by hour of the week."""

    hours: Hours
    overall: float
    rate: Mapping[HourKind, float]
    usual: Mapping[Slot, float]


@dataclass(frozen=True)
class State:
    """What there is when a case arrives. `people`: who work now, or 0 when nobody is known to; `target`: the first
    answer's due time by the service level, if there is one."""

    waiting: int
    people: float
    pace: Pace | None
    factors: Mapping[int, float] = field(default_factory=dict)  # by crowd, as learned
    target: datetime | None = None


@dataclass(frozen=True)
class Expectation:
    """`at`: when a first answer is to be expected, or None where nothing can be said; `basis`: pace, target or none;
    `inputs`: the numbers it came from, `need` being the person-hours before `factor`."""

    at: datetime | None
    basis: str
    inputs: Mapping[str, float] = field(default_factory=dict)


def expected(now: datetime, state: State) -> Expectation:
    """The 80 % point of the time to first answer; where the past says too little, the target; else nothing."""
    if state.pace is not None and (found := _by_pace(now, state, state.pace)):
        return found
    if state.target is not None and state.target > now:
        return Expectation(state.target, "target")
    return Expectation(None, "none")


def _by_pace(now: datetime, state: State, pace: Pace) -> Expectation | None:
    here = state.people or _usual(now, pace)
    team = here or _first_at_work(now, pace)
    if not team:
        return None
    rate = _rate(now, pace)
    need, crowd = work_before(state.waiting, team, rate), crowd_of(state.waiting, team)
    factor = state.factors.get(crowd, 1.0)
    at = reached(now, need * factor, pace, here)
    told = {"waiting": state.waiting, "people": here, "rate": rate, "need": need, "factor": factor, "crowd": crowd}
    return Expectation(at, "pace", told) if at else None


def crowd_of(waiting: int, people: float) -> int:
    """How full it is: 0 where somebody is free, 1 up to four cases ahead for each, 2 beyond. What is foreseen goes wrong
    in other ways where it hangs on one answer than where it hangs on a hundred."""
    return 0 if waiting < people else 1 if waiting < CROWDED * people else 2


def work_before(waiting: int, people: float, rate: float) -> float:
    """The 80 % point of the work until a new case is answered, in person-hours.

    With c people at `rate` μ, W cases ahead and exponential times, the wait for a free person is a sum of W - c + 1
    times of 1/cμ (Erlang), and its own answer takes 1/μ more. In person-hours: means (W - c + 1)/μ and c/μ. The sum is
    taken for a gamma of the same mean and variance."""
    queued = max(waiting - people + 1, 0.0)
    return gamma_point(POINT, mean=(queued + people) / rate, variance=(queued + people**2) / rate**2)


def gamma_point(share: float, *, mean: float, variance: float) -> float:
    """That quantile of a gamma distribution, by Wilson and Hilferty's cube (1931): within 1 % for a shape of 1 or more."""
    shape = mean**2 / variance
    ninth = 1 / (9 * shape)
    return mean * max(1 - ninth + NormalDist().inv_cdf(share) * math.sqrt(ninth), 0.0) ** 3


# --- laying work on time


def reached(now: datetime, need: float, pace: Pace, people: float) -> datetime | None:
    """When so many person-hours have been worked from `now` on; None within FARTHEST if they are not."""
    for begin, end, at_work in _manned(now, now + FARTHEST, pace, people):
        worked = at_work * _in_hours(end - begin)
        if worked >= need:
            return begin + timedelta(hours=need / at_work) if at_work else begin
        need -= worked
    return None


def worked(now: datetime, until: datetime, pace: Pace, people: float) -> float:
    """The person-hours between the two, as they looked when there were `people` at `now`."""
    until = min(until, now + FARTHEST)
    return sum(at_work * _in_hours(end - begin) for begin, end, at_work in _manned(now, until, pace, people))


def _manned(now: datetime, until: datetime, pace: Pace, people: float) -> Iterator[tuple[datetime, datetime, float]]:
    """The open time between the two in pieces of at most an hour, each with the people in it: those of now for this
    hour, for the rest of the day as many more or fewer than usual as now, afterwards the usual ones."""
    zone = ZoneInfo(pace.hours.tz)
    clock = now.astimezone(zone)
    usual_now = _usual(now, pace)
    ratio = min(max(people / usual_now, 1 / FARTHEST_OFF), FARTHEST_OFF) if usual_now and people else 1.0
    hour_ends = now + HOUR - _past_the_hour(clock)
    for opens, closes in pace.hours.stretches(now, until):
        wall = opens.astimezone(zone)  # clocks never change within a stretch
        begin = opens
        while begin < closes:
            end = min(begin + HOUR - _past_the_hour(wall), closes)
            usual = pace.usual.get(slot_of(wall), 0.0)
            yield begin, end, people if begin < hour_ends else usual * (ratio if wall.date() == clock.date() else 1.0)
            begin, wall = end, wall + (end - begin)


def _past_the_hour(clock: datetime) -> timedelta:
    return timedelta(minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def kind_of(clock: datetime) -> HourKind:
    """Hours are alike when they have the same number on the wall of the calendar's zone, on a workday, a Saturday or a
    Sunday."""
    return max(clock.weekday() - 4, 0), clock.hour


def slot_of(clock: datetime) -> Slot:
    return clock.weekday(), clock.hour


def _first_at_work(now: datetime, pace: Pace) -> float:
    """How many there will be when somebody is there next; 0 for nobody within FARTHEST."""
    return next((people for _b, _e, people in _manned(now, now + FARTHEST, pace, 0.0) if people), 0.0)


def _usual(now: datetime, pace: Pace) -> float:
    return pace.usual.get(slot_of(now.astimezone(ZoneInfo(pace.hours.tz))), 0.0)


def _rate(now: datetime, pace: Pace) -> float:
    return pace.rate.get(kind_of(now.astimezone(ZoneInfo(pace.hours.tz))), pace.overall)


def _in_hours(time: timedelta) -> float:
    return time.total_seconds() / 3600


# --- learning from the past


def measured(past: Iterable[Worked], hours: Hours) -> Pace | None:
    """The pace of a queue from its past hours, newest first; None when they hold too little.

    Like hours of a kind are the newest 28 that were wholly open (a holiday is not). The rate is answers over busy
    person-hours, which is what fits the past best where times are exponential: time without work says nothing about
    how fast people work."""
    kinds: dict[HourKind, list[Worked]] = {}
    zone = ZoneInfo(hours.tz)
    for hour in past:
        like = kinds.setdefault(kind_of(hour.began.astimezone(zone)), [])
        if len(like) < LIKE_HOURS and _is_open(hour, hours):
            like.append(hour)
    every = [hour for like in kinds.values() for hour in like]
    busy, answers = sum(h.busy for h in every), sum(h.answers for h in every)
    if busy < LEAST_BUSY or answers < LEAST_ANSWERS:
        return None
    return Pace(
        hours,
        overall=answers / busy,
        rate={kind: rate for kind, like in kinds.items() if (rate := _rate_of(like))},
        usual=_usual_people(kinds.values(), zone),
    )


def _usual_people(kinds: Iterable[Sequence[Worked]], zone: ZoneInfo) -> dict[Slot, float]:
    """People by hour of the week, from the like hours: shifts differ by weekday, and a weekday has few hours of its own,
    so that each leans on the mean of its kind."""
    usual: dict[Slot, float] = {}
    for like in filter(None, kinds):
        mean = sum(hour.people for hour in like) / len(like)
        slots: dict[Slot, list[float]] = {}
        for hour in like:
            slots.setdefault(slot_of(hour.began.astimezone(zone)), []).append(hour.people)
        usual |= {slot: (sum(own) + LEANING * mean) / (len(own) + LEANING) for slot, own in slots.items()}
    return usual


def _is_open(hour: Worked, hours: Hours) -> bool:
    return hours.elapsed(hour.began, hour.began + timedelta(hours=1)) > 0


def _rate_of(like: Sequence[Worked]) -> float:
    busy, answers = sum(h.busy for h in like), sum(h.answers for h in like)
    enough = len(like) >= FEWEST_HOURS and busy >= LEAST_BUSY / 2 and answers >= LEAST_ANSWERS
    return answers / busy if enough else 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a time we named, once it has passed. `share`: the work up to the answer over the work foreseen,
    or as much of it as had passed when nothing had come yet; `met`: the answer came in time."""

    share: float
    met: bool
    crowd: int = 0


def learned(past: Sequence[Outcome]) -> dict[int, float]:
    """What foreseen work is multiplied with, by crowd, from how the newest times of this queue were met.

    The 80 % point of their shares (split conformal prediction: Papadopoulos and others 2002), crowd by crowd (Vovk and
    others 2005 call that Mondrian), at a level that is raised while fewer than 80 % were met and lowered while more were
    (after Gibbs and Candès 2021), so that rounding and whatever the model misses cancel out. Those whose time has not
    passed yet are not in it, nor is any chosen by when its answer came: that would see the quick ones first."""
    if len(past) < FEWEST_LEARNED:
        return {}
    factors = dict.fromkeys(CROWDS, _factor(past))
    for crowd in CROWDS:
        own = [outcome for outcome in past if outcome.crowd == crowd]
        if len(own) >= FEWEST_LEARNED:
            factors[crowd] = _factor(own)
    return factors


def _factor(past: Sequence[Outcome]) -> float:
    met = sum(outcome.met for outcome in past) / len(past)
    level = min(max(POINT + GAIN * (POINT - met), LEVELS[0]), LEVELS[1])
    shares = sorted(outcome.share for outcome in past)
    rank = min(math.ceil(level * (len(shares) + 1)), len(shares))
    return min(max(shares[rank - 1], CALM), WILD)


# --- as people say it


def rounded(at: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """A time as a person would name it, never earlier: full five minutes within the hour, quarters within the day,
    else half hours, on the clock of `zone`."""
    ahead = at - now
    step = 5 if ahead <= timedelta(hours=1) else 15 if ahead <= timedelta(days=1) else 30
    clock = at.astimezone(zone)
    over = timedelta(minutes=clock.minute % step, seconds=clock.second, microseconds=clock.microsecond)
    return at if not over else at + timedelta(minutes=step) - over
