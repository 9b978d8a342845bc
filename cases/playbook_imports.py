"""Playbooks from elsewhere (docs/import.md)."""

from django.core.exceptions import ValidationError
from rest_framework import serializers

from cases.imports import queues_of
from cases.models import Playbook
from cases.models.playbook import MOST_STEPS, read_steps
from crm.importing import CREATED, UNCHANGED, UPDATED, Kind, Line, by_external_id
from customers.imports import Named, text


class PlaybookLine(Named):
    name = text(120, required=True, allow_blank=False)
    queue = text(80, allow_null=True)
    steps = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MOST_STEPS)


def load_playbooks(lines: list[Line], source: str) -> None:
    """Steps are labels, or {key, label, hint}."""
    known = by_external_id(Playbook, source, [line.external_id for line in lines])
    queues = queues_of([line for line in lines if line.data.get("queue")], source)
    for line in lines:
        playbook = known.get(line.external_id)
        fresh = playbook is None
        playbook = playbook or Playbook(source=source, external_id=line.external_id)
        was, before = playbook.name, playbook.current_id
        try:
            read_steps(line.data["steps"])
        except ValidationError as error:
            line.fail(" ".join(error.messages))
            continue
        playbook.name = line.data["name"]
        playbook.save()
        if line.data.get("queue"):
            playbook.queues.add(queues[line.data["queue"]])
        playbook.publish(line.data["steps"])
        line.outcome = (
            CREATED if fresh else UNCHANGED if (was, before) == (playbook.name, playbook.current_id) else UPDATED
        )


KINDS = {"playbook": Kind(PlaybookLine, load_playbooks)}
