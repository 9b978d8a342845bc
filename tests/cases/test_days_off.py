"""Days on which a calendar is closed: by a country's law, by an iCalendar file, and what the version keeps of them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from cases import days_off, years
from cases.models import BusinessCalendar, Queue
from crm.models import User
from tests.api import Caller
from tests.cases.clockwork import OFFICE, at

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SPAN = days_off.span(2026)


def ics(*entries: str) -> bytes:
    """A file as programs write it, with these entries."""
    told = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{entry}\r\nEND:VEVENT\r\n" for n, entry in enumerate(entries))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{told}END:VCALENDAR\r\n".encode()


XMAS = "DTSTART;VALUE=DATE:20201225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christ\r\n mas Day"


# --- from a file


def test_what_comes_every_year_comes_in_every_year_we_look_at() -> None:
    assert days_off.read(ics(XMAS), SPAN) == {f"{year}-12-25": "Christmas Day" for year in range(2021, 2032)}


@pytest.mark.parametrize(
    ("entry", "days"),
    [
        ("DTSTART;VALUE=DATE:20261224", ["2026-12-24"]),
        ("DTSTART;VALUE=DATE:20261230\r\nDTEND;VALUE=DATE:20270102", ["2026-12-30", "2026-12-31", "2027-01-01"]),
        ("DTSTART;VALUE=DATE:20261230\r\nDURATION:P2D", ["2026-12-30", "2026-12-31"]),
        ("DTSTART;VALUE=DATE:20261230\r\nDTEND;VALUE=DATE:20261230", ["2026-12-30"]),
        ("DTSTART:20261230T000000\r\nDTEND:20261231T000000", ["2026-12-30"]),
        ("DTSTART;TZID=Europe/Berlin:20261230T000000\r\nDTEND;TZID=Europe/Berlin:20270101T000000", ["2026-12-30", "2026-12-31"]),
        ("DTSTART:20261230T120000Z\r\nDTEND:20261230T130000Z", []),
        ("DTSTART;VALUE=DATE:20261230\r\nSTATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:20101230", []),
        ("DTSTART;VALUE=DATE:20250526\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=2", ["2025-05-26", "2026-05-25"]),
        ("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;UNTIL=20270101\r\nEXDATE;VALUE=DATE:20260101", ["2025-01-01", "2027-01-01"]),
        ("DTSTART;VALUE=DATE:20260101\r\nRDATE;VALUE=DATE:20260203", ["2026-01-01", "2026-02-03"]),
        ("DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY", ["2024-02-29", "2028-02-29"]),
    ],
)  # fmt: skip
def test_days_of_an_entry(entry: str, days: list[str]) -> None:
    assert list(days_off.read(ics(entry), SPAN)) == days


def test_one_of_a_series_that_was_moved_is_where_it_was_moved_to() -> None:
    moved = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;COUNT=3\r\n"
        b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;VALUE=DATE:20260101\r\nDTSTART;VALUE=DATE:20260102\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )
    assert list(days_off.read(moved, SPAN)) == ["2025-01-01", "2026-01-02", "2027-01-01"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "Export the holidays as .ics"),
        (b"%PDF-1.4", "Export the holidays as .ics"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "whole-day entries"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\n", "damaged"),
        (b"BEGIN:VCALENDAR\xff\xfe\r\nEND:VCALENDAR\r\n", "as UTF-8"),
        (ics("DTSTART;VALUE=DATE:20269999"), "damaged"),
        (ics("SUMMARY:Some day"), "“Some day” has no day"),
        (ics("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;BYMONTH=x"), "damaged"),
        (ics("DTSTART:20260101T000000Z\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:Tick"), "“Tick” repeats more often"),
        (ics("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY"), "more often than once a month"),
        (ics("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;BYHOUR=1,2,3;BYMINUTE=1,2,3"), "more often than once a month"),
        (ics("DTSTART;VALUE=DATE:00010101\r\nRRULE:FREQ=YEARLY"), "before 1970"),
        (ics("DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20990101"), "longer than a year"),
        (ics(*["DTSTART;VALUE=DATE:20260101"] * 1001), "more than 1000 entries"),
        (b"BEGIN:VCALENDAR" + b" " * days_off.LARGEST_FILE, "larger than 256 kB"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_what_to_do(raw: bytes, said: str) -> None:
    with pytest.raises(days_off.Unreadable, match=said):
        days_off.read(raw, SPAN)


def test_a_file_made_to_be_slow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days_off, "BUDGET", 0.05)
    many = ["DTSTART;VALUE=DATE:19700101\r\nRRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"] * 50
    with pytest.raises(days_off.Unreadable, match="too long to read"):
        days_off.read(ics(*many), SPAN)


# --- by country


def test_public_holidays_of_a_country_and_of_a_part_of_it() -> None:
    everywhere = days_off.public("DE", "", range(2026, 2028), observed=True)
    bavaria = days_off.public("DE", "BY", range(2026, 2028), observed=True)
    assert everywhere["2026-12-25"] == "Christmas Day"
    assert "2026-01-06" in bavaria
    assert "2026-01-06" not in everywhere
    assert {day[:4] for day in bavaria} == {"2026", "2027"}


def test_days_off_in_place_of_a_weekend_count_if_asked_for() -> None:
    wanted = range(2027, 2028)
    assert "2027-12-27" in days_off.public("GB", "ENG", wanted, observed=True)  # Christmas is a Saturday
    assert "2027-12-27" not in days_off.public("GB", "ENG", wanted, observed=False)


def test_every_country_on_the_list_can_be_chosen() -> None:
    codes = [code for code, _name in days_off.countries()]
    assert len(codes) > 200
    assert ("DE", "Germany") in days_off.countries()
    for code in codes:
        assert days_off.faults(code, "") == []
        assert days_off.public(code, "", range(2026, 2027), observed=True) is not None


@pytest.mark.parametrize(
    ("country", "part", "said"),
    [("XX", "", "“XX”"), ("DE", "ZZ", "BY (Bayern)"), ("", "BY", "needs its country"), (7, "", "“7”")],
)
def test_a_country_or_part_nobody_knows_is_refused(country: Any, part: str, said: str) -> None:
    (fault,) = days_off.faults(country, part)
    assert said in fault


# --- what a version holds


@pytest.fixture
def calendar(db: None) -> BusinessCalendar:
    made = BusinessCalendar.objects.create(name="Munich")
    made.publish(tz="Europe/Berlin", hours=OFFICE, holidays=["2026-12-24"], country="DE", subdivision="BY", at=NOW)
    return made


def test_a_version_holds_the_holidays_it_counts(calendar: BusinessCalendar) -> None:
    version = calendar.current
    assert version is not None
    assert (version.public["2026-01-06"], version.public_until) == ("Epiphany", 2031)
    hours = version.open_hours
    assert not hours.is_open(datetime(2026, 1, 6, 10, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 12, 24, 10, tzinfo=UTC))
    assert hours.is_open(datetime(2026, 12, 23, 10, tzinfo=UTC))
    again = version.again()
    assert calendar.publish(**again, at=NOW) == version
    assert calendar.publish(**{**again, "observed": False}, at=NOW).number == 2


def test_a_country_nobody_knows_makes_no_version(calendar: BusinessCalendar) -> None:
    with pytest.raises(ValidationError, match="“QQ”"):
        calendar.publish(tz="UTC", hours=OFFICE, country="QQ")
    assert calendar.versions.count() == 1


def test_the_years_to_come_are_added_in_time_and_what_stood_stays(calendar: BusinessCalendar) -> None:
    first = calendar.current
    assert years.renew(datetime(2028, 12, 31, tzinfo=UTC)) == 0
    assert years.renew(datetime(2029, 1, 2, tzinfo=UTC)) == 1
    assert years.renew(datetime(2029, 1, 2, tzinfo=UTC)) == 0
    calendar.refresh_from_db()
    assert first is not None
    assert calendar.current is not None
    assert (calendar.current.number, calendar.current.public_until, calendar.current.created_by) == (2, 2034, None)
    first.refresh_from_db()
    assert (first.public_until, first.holidays) == (2031, ["2026-12-24"])


# --- in the admin and over REST


@pytest.fixture
def desk(sue: User, billing: Queue) -> Client:
    """Sue at the admin."""
    client = Client()
    client.force_login(sue)
    return client


def test_a_file_and_a_country_close_a_calendar_in_the_admin(desk: Client, sue: User) -> None:
    with time_machine.travel(NOW):
        desk.force_login(sue)
        file = SimpleUploadedFile("holidays.ics", ics(XMAS), "text/calendar")
        form = {
            "name": "Shop",
            "tz": "UTC",
            "mon": "09:00-17:00",
            "country": "GB",
            "subdivision": "ENG",
            "observed": "on",
        }
        lines = "2026-08-31 Bank holiday\n2026-01-02 2026-01-03"
        answer = desk.post(
            reverse("admin:cases_businesscalendar_add"), {**form, "holidays": lines, "calendar_file": file}
        )
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        version = BusinessCalendar.objects.get(name="Shop").current
        assert version is not None
        assert version.names == {
            "2026-08-31": "Bank holiday",
            **{f"{y}-12-25": "Christmas Day" for y in range(2021, 2032)},
        }
        assert {"2026-01-02", "2026-01-03"} <= set(version.holidays)
        assert (version.country, version.subdivision, version.observed) == ("GB", "ENG", True)
        page = desk.get(reverse("admin:cases_businesscalendar_change", args=[version.calendar_id]))
        said = page.content.decode()
        assert "2026-08-31 Bank holiday" in said
        assert "Mon, 27 Dec 2027 Christmas Day (observed)" in said
        stands = {k: v for k, v in page.context["adminform"].form.initial.items() if v}
        place = reverse("admin:cases_businesscalendar_change", args=[version.calendar_id])
        assert desk.post(place, {**stands, "observed": "on"}).status_code == 302
        assert BusinessCalendar.objects.get(name="Shop").versions.count() == 1


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("calendar_file", {"calendar_file": SimpleUploadedFile("x.ics", b"nothing")}),
        ("subdivision", {"country": "DE", "subdivision": "ZZ"}),
        ("country", {"subdivision": "BY"}),
        ("country", {"country": "ZZ"}),
        ("holidays", {"holidays": "Christmas 2026-12-25"}),
    ],
)
def test_what_closes_nothing_is_said_beside_its_field(desk: Client, field: str, fields: Any) -> None:
    form = {"name": "Shop", "tz": "UTC", "mon": "09:00-17:00", **fields}
    answer = desk.post(reverse("admin:cases_businesscalendar_add"), form)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not BusinessCalendar.objects.exists()


def test_the_days_of_a_file_survive_the_page_of_the_effect(
    desk: Client, sue: User, billing: Queue, calendar: BusinessCalendar
) -> None:
    from tests.cases.clockwork import make_policy, opened

    make_policy(calendar=calendar, resolution=480)
    opened(billing)
    with time_machine.travel(at("10:00"), tick=False):
        desk.force_login(sue)
        place = reverse("admin:cases_businesscalendar_change", args=[calendar.pk])
        file = SimpleUploadedFile("x.ics", ics("DTSTART;VALUE=DATE:20350305\r\nSUMMARY:Closed"))
        form = {"name": "Munich", "tz": "Europe/Berlin", **dict.fromkeys(("mon", "tue"), "09:00-17:00")}
        page = desk.post(place, {**form, "calendar_file": file, "_save": "1"})
        assert page.status_code == 200
        sent = {**dict(page.context["again"]), page.context["choice"]: "keep"}
        assert desk.post(place, sent).status_code == 302
    calendar.refresh_from_db()
    assert calendar.current is not None
    assert (calendar.current.holidays, calendar.current.names) == (["2035-03-05"], {"2035-03-05": "Closed"})


def test_a_script_sets_a_country_and_sends_a_file(root: User, ana: User) -> None:
    call = Caller(root)
    made = call.post(
        "calendars/", {"name": "A", "tz": "UTC", "hours": OFFICE, "country": "DE", "holidays": ["2026-12-24"]}
    )
    assert made.status_code == 201, made.content
    assert made.json()["public_holidays"][f"{date.today().year}-12-25"] == "Christmas Day"  # noqa: DTZ011 - the year will do
    place = f"calendars/{made.json()['id']}/"
    bad = call.post(f"{place}holidays/", {"icalendar": "hello"})
    assert (bad.status_code, "Export the holidays" in bad.content.decode()) == (400, True)
    assert call.post("calendars/", {"name": "B", "tz": "UTC", "hours": OFFICE, "country": "QQ"}).status_code == 400
    assert Caller(ana).post(f"{place}holidays/", {"icalendar": ics(XMAS).decode()}).status_code == 403
    told = call.post(f"{place}holidays/", {"icalendar": ics(XMAS).decode()}).json()
    assert (told["version"], told["country"]) == (2, "DE")
    assert {"2026-12-24", "2026-12-25"} <= set(told["holidays"])
    replaced = call.post(
        f"{place}holidays/", {"icalendar": ics("DTSTART;VALUE=DATE:20270202").decode(), "replace": True}
    )
    assert replaced.json()["holidays"] == ["2027-02-02"]
    assert call.patch(place, {"country": ""}).json()["public_holidays"] == {}
    preview = call.post(f"{place}preview/", {"country": "GB"})
    assert (preview.status_code, preview.json()["cases"]) == (200, 0)
