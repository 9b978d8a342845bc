"""The table of roles: who holds which role where, and what it lets them do."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from cases.models import Queue, QueueMembership
from crm import roles
from crm.models import User
from customers.masking import masked_fields
from tests.builders import make_user


def test_every_line_of_the_table_names_roles_there_are() -> None:
    for verb, may in roles.TABLE.items():
        assert "." in verb
        assert may
        assert may <= roles.ROLES.keys(), verb
        assert roles.ADMINISTRATOR in may, verb


def test_a_role_is_held_in_a_queue(billing: Queue, technical: Queue, cast: SimpleNamespace) -> None:
    assert roles.roles_of(cast.ana, billing.pk) == {roles.REP}
    assert roles.roles_of(cast.ana, technical.pk) == frozenset()
    assert roles.roles_of(cast.ana) == {roles.REP}
    assert roles.roles_of(cast.sue, billing.pk) == {roles.SUPERVISOR}
    assert roles.roles_of(cast.sue, technical.pk) == frozenset()
    assert roles.roles_of(cast.root, technical.pk) == {roles.ADMINISTRATOR}


def test_staff_listed_as_supervisor_of_a_queue_lead_it(billing: Queue, ben: User) -> None:
    QueueMembership.objects.create(queue=billing, user=ben, role="supervisor")
    assert roles.roles_of(ben, billing.pk) == {roles.LEAD}
    assert not roles.may(ben, "queue.settings", billing.pk)


def test_an_executive_watches_works_and_leaves(billing: Queue, technical: Queue, eve: User) -> None:
    assert roles.roles_of(eve) == {roles.EXECUTIVE}
    billing.join(eve, mode="watch")
    assert roles.roles_of(eve, billing.pk) == {roles.WATCHING}
    assert roles.may(eve, "case.see", billing.pk)
    assert not any(roles.may(eve, f"case.{v}", billing.pk) for v in ("claim", "reply", "note", "status"))
    session = billing.join(eve, mode="work")
    assert all(roles.may(eve, f"case.{v}", billing.pk) for v in ("claim", "reply", "note", "promise"))
    assert not any(roles.may(eve, f"case.{v}", billing.pk) for v in ("assign", "transfer"))
    assert not roles.may(eve, "case.see", technical.pk)
    session.seen_at = timezone.now() - timedelta(minutes=5)
    session.save()
    assert roles.roles_of(eve, billing.pk) == {roles.EXECUTIVE}


def test_a_membership_gives_an_executive_nothing(billing: Queue, eve: User) -> None:
    QueueMembership.objects.create(queue=billing, user=eve, role="rep")
    assert roles.roles_of(eve, billing.pk) == {roles.EXECUTIVE}
    assert masked_fields(eve) == {"contact_points", "payment"}


def test_who_is_signed_out_or_switched_off_may_nothing(billing: Queue, ana: User) -> None:
    ana.is_active = False
    assert not any(roles.may(who, verb, billing.pk) for who in (ana, None, object()) for verb in roles.TABLE)


def test_an_unknown_verb_is_a_mistake_in_the_code(ana: User) -> None:
    with pytest.raises(KeyError):
        roles.may(ana, "case.explode")


def test_what_is_covered_for_whom(billing: Queue, cast: SimpleNamespace) -> None:
    assert masked_fields(cast.ana) == masked_fields(cast.sue) == masked_fields(cast.root) == frozenset()
    nobody = make_user("Nell New", username="nell")
    for who in (nobody, cast.eve, None):
        assert masked_fields(who) == {"contact_points", "payment"}
