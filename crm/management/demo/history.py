"""Ninety days of cases at Brightwave, ending at this minute with people waiting."""

from datetime import datetime, timedelta
from random import Random

from cases import search
from cases.models import Case, Clock, Contact, Issue, Message, Promise
from crm.management.demo import endings
from crm.management.demo.company import Company
from crm.management.demo.customers import FAULTY
from crm.management.demo.phrases import CLOSERS, DAYS, FOLLOW_UPS, OPENERS, STREETS
from crm.management.demo.story import Story
from crm.management.demo.words import FIRMWARE, SCENES, Scene
from crm.models import Event, User
from customers.models import Customer, Subscription

# How a case ends, and how often.
ENDS = (
    ["closed"] * 64
    + ["resolved"] * 16
    + ["waiting_customer"] * 8
    + ["waiting_internal"] * 2
    + ["open"] * 5
    + ["new"] * 4
    + ["spam"]
)
SPAM = "Dear owner, your domain expires today. Send 99 coins to keep it."


def live_through(company: Company, people: list[Customer], count: int, rng: Random, now: datetime) -> list[Case]:
    """Tell `count` cases and write them; all of it in a handful of statements."""
    by_language: dict[str, list[Customer]] = {}
    for person in people:
        by_language.setdefault(person.language, []).append(person)
    stories = [_story(company, by_language, rng, now) for _ in range(count)]
    stories += _reports(company, rng, now)
    stories.sort(key=lambda story: story.case.opened_at)
    endings.tell(company, stories, Random(count))  # noqa: S311 - of its own: what else is told stays as it is
    _write(stories)
    return [story.case for story in stories]


def _story(company: Company, people: dict[str, list[Customer]], rng: Random, now: datetime) -> Story:
    scene, end = rng.choice(SCENES), rng.choice(ENDS)
    return _played(company, scene, end, rng.choice(people[scene.language]), rng, now)


def _reports(company: Company, rng: Random, now: datetime) -> list[Story]:
    """The few who have already noticed the faulty update; everybody else who has it still sleeps well."""
    device, version = FAULTY
    lines = Subscription.objects.filter(device=device, version=version, customer__language="en")
    struck = list(Customer.objects.filter(pk__in=lines.values("customer")).order_by("pk"))
    ends = [
        "new",
        "open",
        "open",
        "waiting_internal",
        "waiting_customer",
        "waiting_customer",
        "resolved",
        "new",
        "open",
    ]
    return [
        _played(company, FIRMWARE, end, customer, rng, now)
        for customer, end in zip(rng.sample(struck, len(ends)), ends, strict=True)
    ]


def _played(company: Company, scene: Scene, end: str, customer: Customer, rng: Random, now: datetime) -> Story:
    queue = company.queues[scene.queue]
    urgent = rng.random() < 0.12
    calendar = company.de if scene.queue == "Kundenservice" else company.uk
    policy = (company.urgent if urgent else company.normal).current
    if policy is None or calendar.current is None:
        raise LookupError("the demo's calendars and policies are not published")
    blanks = blanks_for(scene, customer, rng)
    case = Case(
        queue=queue, customer=customer, channel=rng.choice(["web", "web", "web", "mail", "chat"]), language=scene.language,
        subject=filled(scene.subject, blanks).capitalize(), tags=[scene.tag], priority=rng.choice(["high", "urgent"]) if urgent else "normal",
        source="demo", external_id=f"case-{rng.getrandbits(52)}",
    )  # fmt: skip
    story = Story(case, customer, policy, calendar.current, now)
    _tell(story, scene, end, blanks, company.reps(scene.queue), rng)
    story.settle()
    return story


def blanks_for(scene: Scene, customer: Customer, rng: Random) -> dict[str, str]:
    lang = scene.language
    sign = ("{} €" if customer.country == "DE" else "£{}").format
    return {
        "name": customer.name.split()[0],
        "amount": sign(f"{rng.choice([12, 18, 24, 29, 36, 42, 49, 64])}.{rng.choice(['00', '50', '90'])}"),
        "day": rng.choice(DAYS[lang]),
        "plan": rng.choice(["Fibre 100", "Fibre 300", "Fibre 900"]),
        "device": rng.choice(["Hub 5", "Hub 6"]),
        "firmware": rng.choice(["2.3.0", "2.3.0", "2.2.4", "3.1.0"]),
        "street": rng.choice(STREETS[lang]),
        "time": rng.choice(["7:40", "9:15", "14:30", "16:05", "19:50", "21:10"]),
        "number": f"PAC {rng.randint(100000, 999999)}",
    }


def filled(text: str, blanks: dict[str, str]) -> str:
    return text.format(**blanks)


def _opened(end: str, rng: Random, now: datetime) -> datetime:
    """What still waits came lately; what is done is spread over the ninety days."""
    if end in {"new", "open"}:
        return now - timedelta(minutes=rng.choice([2, 4, 7, 11, 18, 26, 35, 48, 70, 110, 180, 260, 400, 900, 1500]))
    if end in {"waiting_customer", "waiting_internal"}:
        return now - timedelta(hours=rng.uniform(3, 120))
    back = rng.uniform(0.4, 8) if end == "resolved" else rng.uniform(8, 90)
    day = (now - timedelta(days=back)).replace(minute=rng.randint(0, 59), second=rng.randint(0, 59))
    return min(
        day.replace(hour=rng.choice([7, 8, 9, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21])),
        now - timedelta(hours=9),
    )


def _tell(story: Story, scene: Scene, end: str, blanks: dict[str, str], reps: list[User], rng: Random) -> None:
    """Play the scene's turns as far as the end allows."""
    at = _opened(end, rng, story.now)
    story.open(at)
    if end == "spam":
        story.hear(SPAM, at)
        story.become("spam", at + timedelta(minutes=20), by=rng.choice(reps))
        return
    lang = scene.language
    story.hear(rng.choice(OPENERS[lang]) + filled(scene.turns[0][1], blanks) + rng.choice(CLOSERS[lang]), at)
    if end == "new":
        return
    rep = rng.choice(reps)
    step = _pace(end, at, story.now, len(scene.turns) + 2, rng)
    at += step
    story.case.assignee = rep
    story.tell("claimed", at, by=rep, assignee=None)
    for who, text in scene.turns[1:]:
        at += step
        _turn(story, scene, who, filled(text, blanks), at, rep, rng)
    _finish(story, end, at + step, rep, rng, lang)


def _pace(end: str, at: datetime, now: datetime, turns: int, rng: Random) -> timedelta:
    """Time between turns, so that the last one is still in the past."""
    room = (now - at) * 0.9 / (turns + 1)
    return min(room, timedelta(minutes=rng.choice([4, 8, 15, 25, 40, 90, 200])))


def _turn(story: Story, scene: Scene, who: str, text: str, at: datetime, rep: User, rng: Random) -> None:
    if who == "c":
        story.hear(text, at)
    elif who == "n":
        story.note(text, at, rep)
    else:
        promised = scene.next_step if who == "a" and scene.next_step and rng.random() < 0.6 else ""
        due = at + timedelta(hours=rng.choice([2, 4, 6, 24, 48])) if promised else None
        story.answer(text, at, rep, is_answer=who == "a", then="waiting_customer", step=promised, due=due)


def _finish(story: Story, end: str, at: datetime, rep: User, rng: Random, lang: str) -> None:
    """Bring the case to its end, keeping most promises and breaking some."""
    open_promise = next((p for p in story.promises if p.state == "open"), None)
    if open_promise and end in {"closed", "resolved"}:
        on_time = rng.random() < 0.88
        when = open_promise.due_at + (timedelta(minutes=-25) if on_time else timedelta(hours=3))
        if at < when < story.now:
            at = when
            story.answer(
                {
                    "en": "As promised: it is done.",
                    "de": "Wie versprochen: Es ist erledigt.",
                    "es": "Como prometimos: está hecho.",
                }[lang],
                at,
                rep,
                is_answer=True,
                then="waiting_customer",
            )
    if end == "open":
        story.hear(rng.choice(FOLLOW_UPS[lang]), at)
    elif end == "waiting_internal":
        story.become("waiting_internal", at, by=rep)
    elif end in {"closed", "resolved"}:
        if story.now - at > timedelta(days=4) and rng.random() < 0.5:
            story.hear(rng.choice(FOLLOW_UPS[lang]), at)
        story.become("resolved", at + timedelta(minutes=1), by=rep)
        story.case.need_met_event = None
        if end == "closed":
            story.become("closed", min(at + timedelta(days=7), story.now), via="clock", reason="seven_days")


def _write(stories: list[Story]) -> None:
    """Parents before children; keys come back with each bulk insert."""
    issues = Issue.objects.bulk_create([Issue(customer=s.customer, opened_at=s.case.opened_at) for s in stories])
    for story, issue in zip(stories, issues, strict=True):
        story.case.issue = issue
    Case.objects.bulk_create([s.case for s in stories], batch_size=500)
    contacts = Contact.objects.bulk_create(
        [s.contact(i) for s, i in zip(stories, issues, strict=True)], batch_size=1000
    )
    for story, contact in zip(stories, contacts, strict=True):
        _joined(story, contact)
    Message.objects.bulk_create([m for s in stories for m in s.messages], batch_size=1000)
    Promise.objects.bulk_create([p for s in stories for p in s.promises], batch_size=1000)
    Clock.objects.bulk_create([c for s in stories for c in s.clocks], batch_size=1000)
    endings.write_remedies(stories)
    events = Event.objects.bulk_create([e for s in stories for e in s.rows()], batch_size=2000)
    endings.write(stories, events)
    _index(stories)


def _joined(story: Story, contact: Contact) -> None:
    """Children learn their parents' keys, and each message the version its event carries."""
    versions = {
        id(told.message): n
        for n, told in enumerate(story.events, start=1)
        if told.message and told.kind in {"message_received", "note_added", "reply_written"}
    }
    for message in story.messages:
        message.case = story.case
        message.contact = None if message.is_note else contact
        message.case_version = versions[id(message)]
    for promise in story.promises:
        promise.case = story.case
    for clock in story.clocks:
        clock.case = story.case
    if story.case.assignee_id:
        for told in story.events:
            if told.kind == "claimed":
                told.data["assignee"] = story.case.assignee_id


def _index(stories: list[Story]) -> None:
    search.index_many((s.case, " ".join(m.text for m in s.messages)) for s in stories)
