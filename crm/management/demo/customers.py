"""Two thousand customers with what they have, bought and agreed to, written in a few bulk statements."""

from datetime import date, datetime, timedelta
from random import Random

from crm.management.demo.people import CUES, FIRST, LAST, ORGANIZATIONS, PLACES, PRONUNCIATIONS, REGIONS, TIERS, ZONES
from customers.folding import fold, words
from customers.models import Consent, ContactPoint, Customer, NameWord, Order, Organization, Product, Subscription

LANGUAGES = ["en"] * 66 + ["de"] * 22 + ["es"] * 12
PRODUCTS = {"broadband": ["Fibre 100", "Fibre 300", "Fibre 900"], "mobile": ["SIM 10 GB", "SIM Unlimited"]}
PRICES = {
    "Fibre 100": "29.90",
    "Fibre 300": "36.90",
    "Fibre 900": "49.90",
    "SIM 10 GB": "8.90",
    "SIM Unlimited": "17.90",
}
HUBS = [("Hub 5", ["2.2.4", "2.2.4", "2.3.0", "2.3.2"]), ("Hub 6", ["3.0.1", "3.1.0", "3.1.0"])]
FAULTY, FAULTY_SHARE = ("Hub 5", "2.3.1"), 0.04
GOODS = [("Mesh point", "59.00"), ("Ethernet cable 10 m", "9.90"), ("Phone handset", "39.00"), ("Second SIM", "4.90")]


def populate(count: int, rng: Random, now: datetime) -> list[Customer]:
    """Make `count` customers; the same seed gives the same people."""
    organizations = Organization.objects.bulk_create(Organization(name=name) for name in ORGANIZATIONS)
    made = [_person(n, rng, now.date(), organizations) for n in range(count)]
    people = Customer.objects.bulk_create(made, batch_size=500)
    _indexed(people)
    _reachable(people, rng, now)
    _holdings(people, rng, now)
    _consents(people, rng, now)
    return people


def _person(number: int, rng: Random, today: date, organizations: list[Organization]) -> Customer:
    language = rng.choice(LANGUAGES)
    first, last = rng.choice(FIRST[language]), rng.choice(LAST[language])
    if language == "es":
        last = f"{last} {rng.choice(LAST['es'])}"
    city, country = rng.choice(PLACES[language])
    return Customer(
        name=f"{first} {last}",
        pronunciation=PRONUNCIATIONS.get(first, ""),
        language=language,
        tz=ZONES[country],
        country=country,
        city=city,
        tier=rng.choice(TIERS),
        cue=rng.choice(CUES) if rng.random() < 0.15 else "",
        since=today - timedelta(days=rng.randint(40, 4000)),
        organization=rng.choice(organizations) if rng.random() < 0.03 else None,
        source="demo",
        external_id=f"C{number + 10001}",
    )


def _indexed(people: list[Customer]) -> None:
    NameWord.objects.bulk_create(
        (NameWord(customer=p, word=w) for p in people for w in sorted(set(words(p.name)))), batch_size=2000
    )


def _reachable(people: list[Customer], rng: Random, now: datetime) -> None:
    points: list[ContactPoint] = []
    for number, person in enumerate(people):
        local = ".".join(words(fold(person.name))[:2])
        mail = f"{local}.{number}@example.{rng.choice(['org', 'net', 'com'])}"
        verified = now - timedelta(days=rng.randint(1, 900)) if rng.random() < 0.8 else None
        points.append(ContactPoint(customer=person, kind="email", value=mail, display=mail, verified_at=verified))
        if number < 1000:  # numbers set aside for drama and documentation
            phone = f"+447700900{number:03d}"
            points.append(ContactPoint(customer=person, kind="phone", value=phone, display=f"07700 900{number:03d}"))
    ContactPoint.objects.bulk_create(points, batch_size=2000)


def _holdings(people: list[Customer], rng: Random, now: datetime) -> None:
    products = {
        kind: Product.objects.create(name=f"Brightwave {kind}", kind=kind, source="demo", external_id=kind)
        for kind in PRODUCTS
    }
    held: list[Subscription] = []
    orders: list[Order] = []
    for number, person in enumerate(people):
        if rng.random() < 0.88:
            held.append(_line(number, person, products["broadband"], rng))
        for sim in range(rng.choice([0, 1, 1, 2])):
            plan = rng.choice(PRODUCTS["mobile"])
            held.append(_subscription(f"S{number}-{sim}", person, products["mobile"], plan))
        if rng.random() < 0.3:
            orders.append(_order(number, person, rng, now))
    _fault(held, rng)
    Subscription.objects.bulk_create(held, batch_size=2000)
    Order.objects.bulk_create(orders, batch_size=2000)


def _fault(held: list[Subscription], rng: Random) -> None:
    """One router in twenty-five got the update that drops the line in the evening; few of their owners have said so."""
    routers = [line for line in held if line.device]
    for line in rng.sample(routers, round(len(routers) * FAULTY_SHARE)):
        line.device, line.version = FAULTY


def _subscription(key: str, person: Customer, product: Product, plan: str) -> Subscription:
    return Subscription(
        customer=person, product=product, plan=plan, price=PRICES[plan], currency="EUR" if person.country == "DE" else "GBP",
        started_on=person.since, source="demo", external_id=key,
    )  # fmt: skip


def _line(number: int, person: Customer, product: Product, rng: Random) -> Subscription:
    line = _subscription(f"L{number}", person, product, rng.choice(PRODUCTS["broadband"]))
    line.device, versions = rng.choice(HUBS)
    line.version, line.lot = rng.choice(versions), f"{rng.choice('ABC')}{rng.randint(21, 26)}"
    line.region = rng.choice(REGIONS[person.country])
    return line


def _order(number: int, person: Customer, rng: Random, now: datetime) -> Order:
    name, price = rng.choice(GOODS)
    return Order(
        customer=person, number=f"BW-{70000 + number}", total=price, currency="EUR" if person.country == "DE" else "GBP",
        status=rng.choice(["delivered", "delivered", "shipped", "returned"]), items=[{"name": name, "quantity": 1, "price": price}],
        placed_at=now - timedelta(days=rng.randint(1, 400)), source="demo", external_id=f"O{number}",
    )  # fmt: skip


def _consents(people: list[Customer], rng: Random, now: datetime) -> None:
    later = Random(len(people))  # noqa: S311 -- its own, so that what was drawn before there were questions stays as it was
    asked = [
        Consent(
            customer=p, purpose="research", channel="mail", granted=later.random() < 0.8, source="sign_up",
            wording="Asked when the contract was signed.", at=now - timedelta(days=later.randint(30, 800)),
        )
        for p in people
        if later.random() < 0.6
    ]  # fmt: skip
    said = [
        Consent(
            customer=p, purpose=purpose, channel="mail", granted=rng.random() < odds, source="sign_up",
            wording="Asked when the contract was signed.", at=now - timedelta(days=rng.randint(30, 800)),
        )
        for p in people
        for purpose, odds in (("advice", 0.8), ("marketing", 0.45))
        if rng.random() < 0.7
    ]  # fmt: skip
    Consent.objects.bulk_create([*said, *asked], batch_size=2000)
