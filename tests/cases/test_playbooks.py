"""Steps in their order: the next one, none before its turn without a reason, each once, whoever asks at once."""

from itertools import permutations
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from cases import playbooks
from cases.models import Case, Playbook, PlaybookRun, PlaybookStep, Queue
from cases.models.case import Refusal
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case
from tests.racing import outcomes

STEPS = ["Pull up account", "Verify identity", "Make password"]
KEYS = ["pull-up-account", "verify-identity", "make-password"]


def lay_down(name: str = "Recover password", steps: Any = STEPS, *, queues: Any = ()) -> Playbook:
    playbook = Playbook.objects.create(name=name)
    playbook.queues.set(queues)
    playbook.publish(list(steps))
    return playbook


@pytest.fixture
def run(db: None, billing: Queue, ana: User) -> PlaybookRun:
    return playbooks.start(make_case(billing), lay_down(), by=ana)


def taken(run: PlaybookRun) -> list[str]:
    return list(run.taken.values_list("key", flat=True))


def test_in_order_each_step_is_the_next_and_the_last_one_ends_it(run: PlaybookRun, ana: User) -> None:
    for key in KEYS:
        assert playbooks.way(run).next.key == key  # type: ignore[union-attr]
        playbooks.take(run, key, by=ana)
    run.refresh_from_db()
    assert taken(run) == KEYS
    assert run.ended_at is not None
    assert playbooks.of(run.case) is None
    kinds = Event.objects.filter(stream="case", stream_id=run.case_id, kind__startswith="playbook").values_list(
        "kind", flat=True
    )
    assert list(kinds.order_by("version")) == ["playbook_started", *["playbook_step"] * 3, "playbook_ended"]


@pytest.mark.parametrize("order", [o for o in permutations(KEYS) if list(o) != KEYS])
def test_every_other_order_is_refused_at_its_first_wrong_step_and_taken_with_a_reason(
    run: PlaybookRun, ana: User, order: tuple[str, ...]
) -> None:
    done: list[str] = []
    for key in order:
        due = next(k for k in KEYS if k not in done)
        if key != due:
            with pytest.raises(Refusal, match="Next is"):
                playbooks.take(run, key, by=ana)
            assert taken(run) == done
            assert playbooks.take(run, key, by=ana, reason="They are abroad").reason == "They are abroad"
        else:
            assert playbooks.take(run, key, by=ana, reason="no reason is needed").reason == ""
        done.append(key)
    assert taken(run) == list(order)


def test_a_step_twice_is_once(run: PlaybookRun, ana: User, lee: User) -> None:
    first = playbooks.take(run, KEYS[0], by=ana)
    assert playbooks.take(run, KEYS[0], by=lee) == first
    with pytest.raises(IntegrityError), transaction.atomic():
        PlaybookStep.objects.create(run=run, key=KEYS[0])


def test_a_step_nobody_laid_down_and_one_after_the_end_are_refused(run: PlaybookRun, ana: User) -> None:
    with pytest.raises(Refusal, match="no step dance here"):
        playbooks.take(run, "dance", by=ana)
    playbooks.leave(run, by=ana)
    playbooks.leave(run, by=ana)
    with pytest.raises(Refusal, match="has ended"):
        playbooks.take(run, KEYS[0], by=ana)
    assert Event.objects.filter(kind="playbook_ended", data__left=3).count() == 1


def test_one_runs_in_a_case_at_a_time(run: PlaybookRun, ana: User) -> None:
    same = run.version.playbook
    assert playbooks.start(run.case, same, by=ana) == run
    with pytest.raises(Refusal, match="finish or leave it first"):
        playbooks.start(run.case, lay_down("Other"), by=ana)
    playbooks.leave(run, by=ana)
    assert playbooks.start(run.case, same, by=ana) != run


def test_a_case_goes_on_with_the_steps_it_began_with(run: PlaybookRun, ana: User, billing: Queue) -> None:
    playbook = run.version.playbook
    playbook.publish(["Something else"])
    assert [step.key for step, _row in playbooks.way(run).steps] == KEYS
    assert playbooks.way(playbooks.start(make_case(billing), playbook, by=ana)).next.key == "something-else"  # type: ignore[union-attr]


@pytest.mark.django_db
@pytest.mark.parametrize("steps", [[], ["!!!"], ["Call", "call"], ["x"] * 41, [{"label": ""}]])
def test_steps_that_are_none_or_alike_are_refused(steps: list[Any]) -> None:
    with pytest.raises(ValidationError):
        lay_down(steps=steps)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_take_a_step_once_and_begin_once(billing: Queue, ana: User) -> None:
    case, playbook = make_case(billing), lay_down()
    runs = outcomes(4, lambda _n: playbooks.start(Case.objects.get(pk=case.pk), playbook, by=ana))
    assert len({run.pk for run in runs}) == 1
    outcomes(4, lambda _n: playbooks.take(PlaybookRun.objects.get(), KEYS[0], by=ana))
    assert PlaybookStep.objects.count() == 1
    assert Event.objects.filter(kind="playbook_step").count() == 1


def test_beside_the_case_the_next_step_is_a_button_and_another_asks_why(
    run: PlaybookRun, client: Client, ana: User
) -> None:
    client.force_login(ana)
    page = f"/cases/{run.case.number}/playbook/"
    shown = client.get(page).content.decode()
    assert "Done: Pull up account" in shown
    assert "Why “Make password” now" in shown
    refused = client.post(f"{page}step/", {"step": "make-password"})
    assert "Next is “Pull up account”" in refused.headers.get("HX-Trigger", "") + refused.content.decode()
    client.post(f"{page}step/", {"step": "pull-up-account"})
    assert taken(run) == ["pull-up-account"]
    client.post(page, {"leave": "1"})
    assert f'<option value="{run.version.playbook_id}">' in client.get(page).content.decode()
    client.post(page, {"playbook": str(run.version.playbook_id)})
    assert PlaybookRun.objects.filter(ended_at=None).count() == 1


@pytest.mark.django_db
def test_only_those_of_the_queue_are_offered(billing: Queue, technical: Queue, client: Client, ana: User) -> None:
    lay_down("Ours", queues=[billing])
    theirs = lay_down("Theirs", queues=[technical])
    case = make_case(billing)
    client.force_login(ana)
    shown = client.get(f"/cases/{case.number}/playbook/").content.decode()
    assert "Ours" in shown
    assert "Theirs" not in shown
    assert client.post(f"/cases/{case.number}/playbook/", {"playbook": str(theirs.pk)}).status_code == 404


@pytest.mark.django_db
def test_over_the_api_a_script_walks_it(billing: Queue, root: User) -> None:
    script = Caller(root)
    made = script.post("playbooks/", {"name": "Recover", "steps": [{"label": label} for label in STEPS]})
    assert made.status_code == 201, made.content
    number, pk = make_case(billing).number, made.json()["id"]  # type: ignore[attr-defined]
    assert script.get(f"cases/{number}/playbook/").status_code == 404
    way = script.post(f"cases/{number}/playbook/", {"playbook": pk}).json()  # type: ignore[attr-defined]
    while way["next"]:
        way = script.post(f"cases/{number}/playbook/steps/", {"step": way["next"]}).json()  # type: ignore[attr-defined]
    assert [step["key"] for step in way["steps"] if step["done_at"]] == KEYS
    script.post(f"cases/{number}/playbook/", {"playbook": pk})
    wrong = script.post(f"cases/{number}/playbook/steps/", {"step": KEYS[2]})
    assert wrong.status_code == 409
    assert "Next is" in wrong.json()["detail"]  # type: ignore[attr-defined]
    early = script.post(f"cases/{number}/playbook/steps/", {"step": KEYS[2], "reason": "abroad"}).json()  # type: ignore[attr-defined]
    assert [step["early"] for step in early["steps"]] == [False, False, True]
    changed = script.patch(f"playbooks/{pk}/", {"steps": [{"label": "Only this"}]}).json()  # type: ignore[attr-defined]
    assert changed["version"] == 2
    assert script.delete(f"cases/{number}/playbook/").status_code == 204


@pytest.mark.django_db
def test_a_supervisor_writes_a_step_a_line(client: Client, sue: User, billing: Queue) -> None:
    client.force_login(sue)
    form = {
        "name": "Recover",
        "steps": "Pull up account\nVerify identity | Name and order",
        "queues": [billing.pk],
        "is_active": "on",
    }
    place = "/admin/cases/playbook/"
    answer = client.post(f"{place}add/", form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    playbook = Playbook.objects.get()
    assert [step.hint for step in playbook.current.told] == ["", "Name and order"]  # type: ignore[union-attr]
    assert "Verify identity | Name and order" in client.get(f"{place}{playbook.pk}/change/").content.decode()
    assert client.post(f"{place}add/", {**form, "steps": "!!!"}).status_code == 200
    assert client.post(f"{place}add/", {**form, "queues": []}).status_code == 200


@pytest.mark.django_db
def test_over_the_api_too_only_who_steers_a_queue_lays_steps_down_for_it(
    billing: Queue, technical: Queue, sue: User
) -> None:
    """Sue supervises Billing alone."""
    script = Caller(sue)
    steps = [{"label": label} for label in STEPS]
    assert script.post("playbooks/", {"name": "A", "steps": steps, "queues": [billing.pk]}).status_code == 201
    for queues in ([], [technical.pk], [billing.pk, technical.pk]):
        assert script.post("playbooks/", {"name": "B", "steps": steps, "queues": queues}).status_code == 400
    theirs, everybody = lay_down("Theirs", queues=[technical]), lay_down("Everybody's")
    assert script.patch(f"playbooks/{theirs.pk}/", {"name": "Mine"}).status_code in {400, 404}
    assert script.patch(f"playbooks/{everybody.pk}/", {"name": "Mine"}).status_code == 400
    assert Playbook.objects.filter(name="Mine").count() == 0
