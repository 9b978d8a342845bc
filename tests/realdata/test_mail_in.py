"""Every shared mail through `manage.py intake`: no exception, each accounted for, and a second time changes nothing."""

import io
import json
from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command

from cases.models import InboundItem, Message
from tests.data import find

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]


def intake() -> list[dict[str, Any]]:
    out, err = io.StringIO(), io.StringIO()
    call_command("intake", str(find("mail")), "--json", stdout=out, stderr=err)
    assert err.getvalue() == ""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_shared_mail_is_taken_in_and_a_second_time_changes_nothing() -> None:
    first = intake()
    became = Counter(told["status"] for told in first)
    said = Message.objects.count()

    again = intake()

    assert len(first) > 50
    assert set(became) <= {"created", "appended", "duplicate", "ignored"}
    assert said == became["created"] + became["appended"]
    assert Counter(told["status"] for told in again) == {
        "duplicate": len(first) - became["ignored"],
        "ignored": became["ignored"],
    }
    assert Message.objects.count() == said
    assert not InboundItem.objects.filter(state__in=["stored", "kept"]).exists()
    for one, other in zip(first, again, strict=True):
        assert one["text"] == other["text"]
        assert [one["subject"], one["from_email"], one["attachments"]] == [
            other["subject"],
            other["from_email"],
            other["attachments"],
        ]
