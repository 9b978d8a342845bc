"""Times come out of the database as Django reads them, whichever cursor brings them: in UTC, to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import register_tzloader
from hypothesis import given
from hypothesis import strategies as st

from crm.database.prepared import kept
from crm.models import User

ZONES = [UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=5, minutes=45))]
FIRST, LAST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001  # hypothesis puts the zone on them
ASKED = "SELECT %s::timestamptz"
pytestmark = pytest.mark.django_db


@given(st.datetimes(FIRST, LAST, timezones=st.sampled_from(ZONES)))
def test_any_time_is_read_as_django_reads_it(at: datetime) -> None:
    with connection.cursor() as ours, connection.cursor() as djangos, kept() as prepared:
        register_tzloader(UTC, djangos.cursor)
        read = [cursor.execute(ASKED, [at]).fetchone()[0] for cursor in (ours, djangos, prepared)]
    assert read == [at] * 3
    assert {each.tzinfo for each in read} == {UTC}


def test_rows_that_are_read_bit_by_bit_have_it_too() -> None:
    at = datetime(2026, 3, 29, 1, 59, 59, 999_999, UTC)
    User.objects.create_user("ana", date_joined=at)
    assert [user.date_joined.tzinfo for user in User.objects.iterator(chunk_size=1)] == [UTC]
    assert [user.date_joined for user in User.objects.iterator(chunk_size=1)] == [at]
