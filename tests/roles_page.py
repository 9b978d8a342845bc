"""docs/roles.md out of `crm.roles.TABLE`: `python -m tests.roles_page` writes it anew."""

import os
from itertools import groupby
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "roles.md"

HEAD = """# Who may do what

This page is written from the table in `crm/roles.py` (`python -m tests.roles_page`), and a test keeps the two equal.
Views, the API and the admins ask the same table; nothing else decides.

The first question is always what somebody can see: cases, customers and queues are found through `visible_to`, and what
is out of sight answers 404 like what does not exist. This table says what a person may do with what they see.

- **Rep** and **lead** are held in one queue: a rep of Billing is nobody in Technical.
- A **supervisor** steers the queues marked theirs. Only an administrator marks a queue so.
- An **executive** sees the queues they sit in, and only while they sit there: **watching** changes nothing,
  **working** lends a hand.
- An **administrator** sees everything.

What every address answers to each of them is listed in `tests/route_table.py`.
"""


def text() -> str:
    from crm.roles import ROLES, TABLE

    names = [str(name) for name in ROLES.values()]
    lines = [HEAD]
    for thing, verbs in groupby(TABLE, lambda verb: verb.partition(".")[0]):
        lines += [f"## {thing.capitalize()}", "", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for verb in verbs:
            marks = ("yes" if role in TABLE[verb] else "" for role in ROLES)
            lines.append(f"| {verb.partition('.')[2].replace('_', ' ')} | {' | '.join(marks)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
