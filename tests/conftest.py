"""The cast: five people and the queues they work in."""

from types import SimpleNamespace

import pytest

from cases.models import Queue, QueueMembership
from crm.models import User
from customers.models import Customer
from tests.builders import make_customer, make_queue, make_user

pytest_plugins = ["tests.beside", "tests.browsing", "tests.database", "tests.mailservers", "tests.selection"]


@pytest.fixture
def ana(db: None) -> User:
    """A rep in Billing."""
    return make_user("Ana Lind", username="ana")


@pytest.fixture
def lee(db: None) -> User:
    """Another rep in Billing."""
    return make_user("Lee Hart", username="lee")


@pytest.fixture
def ben(db: None) -> User:
    """A rep elsewhere (Technical)."""
    return make_user("Ben Osei", username="ben")


@pytest.fixture
def sue(db: None) -> User:
    """The supervisor of Billing."""
    return make_user("Sue Park", username="sue", role=User.Role.SUPERVISOR, is_staff=True)


@pytest.fixture
def eve(db: None) -> User:
    """An executive, in no queue until she joins one."""
    return make_user("Eve Moreau", username="eve", role=User.Role.EXECUTIVE)


@pytest.fixture
def root(db: None) -> User:
    """The administrator."""
    return make_user("Root Admin", username="root", role=User.Role.ADMINISTRATOR, is_staff=True, is_superuser=True)


@pytest.fixture
def carl(db: None) -> Customer:
    """A customer with a mail address and a phone."""
    return make_customer("Carl Jensen", email="carl@example.org", phone="+442079460123")


@pytest.fixture
def billing(ana: User, lee: User, sue: User) -> Queue:
    queue = make_queue("Billing", reps=[ana, lee])
    QueueMembership.objects.create(queue=queue, user=sue, role=QueueMembership.Role.SUPERVISOR)
    return queue


@pytest.fixture
def technical(ben: User) -> Queue:
    return make_queue("Technical", reps=[ben])


@pytest.fixture
def cast(ana: User, lee: User, ben: User, sue: User, eve: User, root: User) -> SimpleNamespace:
    return SimpleNamespace(ana=ana, lee=lee, ben=ben, sue=sue, eve=eve, root=root)
