"""Dates are read the same by everybody: day first, month in letters, 24 hours."""

from datetime import UTC, date, datetime

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

AT = datetime(2026, 11, 3, 0, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DATETIME_FORMAT", "3 Nov 2026, 00:39"),
        ("SHORT_DATETIME_FORMAT", "3 Nov 2026, 00:39"),
        ("DATE_FORMAT", "3 Nov 2026"),
        ("SHORT_DATE_FORMAT", "3 Nov 2026"),
        ("TIME_FORMAT", "00:39"),
    ],
)
def test_an_english_date_cannot_be_read_as_another(name: str, expected: str) -> None:
    with translation.override("en"):
        assert Template("{{ at|date:name }}").render(Context({"at": AT, "name": name})) == expected


def test_a_date_typed_with_slashes_is_refused_and_one_with_the_month_in_letters_taken() -> None:
    with translation.override("en"):
        with pytest.raises(forms.ValidationError):
            forms.DateField().clean("03/04/2026")
        assert forms.DateField().clean("3 Apr 2026") == forms.DateField().clean("2026-04-03") == date(2026, 4, 3)
