"""Keys of the console: each means one thing where it is pressed, every one stands on the sheet, and the sheet promises none
that is not there."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from cases.hooks import case_actions
from cases.keys import EVERY, SHIFT
from cases.models import Queue
from crm.models import User
from tests.builders import make_case, make_customer

TEMPLATES = Path(settings.BASE_DIR) / "templates"
SCRIPT = (Path(settings.BASE_DIR) / "static/js/console/keys.js").read_text()
FIXED = set(re.findall(r'^  (?:"(.)"|(\w)): ', SCRIPT[SCRIPT.index("const fixed") :], re.MULTILINE))
# What stands on one screen together: list, case, what is being written, and the line of one's own standing.
CONSOLE = ["_list", "_standing", "_actions", "_composer"]
SAME = {"F", "h"}  # the button of a fixed key says it too; following and no longer following are one button at a time


def fixed() -> set[str]:
    return {one or other for one, other in FIXED}


def named(*files: str) -> list[str]:
    text = "".join((TEMPLATES / f"{file}.html").read_text() for file in files)
    return [key for key in re.findall(r'data-keys="([^"{]+)"', text) if not key.startswith("Ctrl")]


def hooked(queue: Queue, user: User) -> list[str]:
    case = make_case(queue, customer=make_customer())
    return [action.key for action in case_actions.collect(case, user) if action and action.key]


def on_sheet() -> set[str]:
    """As a script sees them: capitals for those with ⇧, "g x" for two in a row, nothing for those with Ctrl."""
    found = set()
    for key in EVERY:
        caps = [cap for cap in key.caps if cap != SHIFT]
        if "Ctrl" in caps:
            continue
        spelt = [cap.upper() if SHIFT in key.caps else cap for cap in caps]
        found |= set(spelt) if key.either else {" ".join(spelt)}
    return found


@pytest.mark.django_db
def test_each_key_of_the_console_means_one_thing(billing: Queue, sue: User) -> None:
    commands = [*named(*(f"cases/{name}" for name in CONSOLE)), *hooked(billing, sue)]
    twice = {key for key, times in Counter(commands).items() if times > 1}
    assert twice <= SAME
    assert set(commands) & fixed() <= SAME, "a fixed key is heard first: the button of the same key would be deaf"


@pytest.mark.parametrize("page", ["outreach/_standing", "outreach/notice"])
def test_other_pages_have_each_key_once(page: str) -> None:
    keys = named(page)
    assert len(keys) == len(set(keys))
    assert not set(keys) & fixed()


def test_the_keys_of_the_chosen_are_those_of_one_case() -> None:
    assert set(named("cases/_bulk_bar")) <= set(named("cases/_actions"))
    assert len(named("cases/_bulk_bar")) == len(set(named("cases/_bulk_bar")))


@pytest.mark.django_db
def test_every_key_stands_on_the_sheet_and_the_sheet_promises_no_other(billing: Queue, sue: User) -> None:
    rooms = {
        f"g {key}" for file in TEMPLATES.rglob("*.html") for key in re.findall(r'data-go="(\w)"', file.read_text())
    }
    rooms |= {f"g {key}" for key in re.findall(r'dataset\.go = "(\w)"', (Path(settings.BASE_DIR) / "static/js/console/fresh.js").read_text())}  # fmt: skip
    there = {*named(*(f"cases/{name}" for name in CONSOLE), "cases/_bulk_bar"), *hooked(billing, sue), *fixed(), *rooms}
    assert there - {"g"} | {"Enter", "Esc", "/"} == on_sheet()


def test_no_two_lines_of_the_sheet_say_the_same_key_but_the_one_with_two_places() -> None:
    lines = Counter(" ".join(key.caps) for key in EVERY)
    assert {caps for caps, times in lines.items() if times > 1} == {"/"}


@pytest.mark.django_db
def test_the_sheet_is_on_the_page_with_every_line(client: Client, billing: Queue, ana: User) -> None:
    client.force_login(ana)
    page = client.get(f"/queues/{billing.pk}/").content.decode()
    sheet = page[page.index('id="help"') : page.index('id="news-dialog"')]
    assert sheet.count("<dt>") == len(EVERY)
    assert "On the open case" in sheet
