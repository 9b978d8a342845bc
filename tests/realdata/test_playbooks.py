"""The procedures of ABCD, by which human agents were bound: taken in, and walked in every case's only order."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from cases import playbooks
from cases.models import Playbook, Queue
from cases.models.case import Refusal
from crm.models import User
from tests.builders import make_case
from tests.data import find

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]


def test_all_sequences_are_reproduced_and_nothing_before_its_turn(tmp_path: Path, billing: Queue, ana: User) -> None:
    procedures = json.loads(find("abcd", "kb.json").read_text())
    file = tmp_path / "abcd.jsonl"
    lines = [
        {"type": "playbook", "external_id": name, "name": name, "steps": steps} for name, steps in procedures.items()
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    call_command("import", str(file))
    assert Playbook.objects.count() == len(procedures) >= 55
    for name, steps in procedures.items():
        run = playbooks.start(make_case(billing), Playbook.objects.get(external_id=name), by=ana)
        for n, step in enumerate(steps):
            for early in steps[n + 1 :]:
                with pytest.raises(Refusal):
                    playbooks.take(run, early, by=ana)
            playbooks.take(run, step, by=ana)
        assert list(run.taken.values_list("key", flat=True)) == steps
