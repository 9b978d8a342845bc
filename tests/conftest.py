"""The cast: five people and the queues they work in."""

from types import SimpleNamespace

import pytest

from cases.models import Queue, QueueMembership
from crm.models import User
from customers.models import Customer
from tests.builders import make_billing, make_carl, make_one_of_the_cast, make_queue, make_user

pytest_plugins = ["tests.beside", "tests.browsing", "tests.database", "tests.mailservers", "tests.selection"]


@pytest.fixture
def ana(db: None) -> User:
    """A rep in Billing."""
    return make_one_of_the_cast("ana")


@pytest.fixture
def lee(db: None) -> User:
    """Another rep in Billing."""
    return make_one_of_the_cast("lee")


@pytest.fixture
def ben(db: None) -> User:
    """A rep elsewhere (Technical)."""
    return make_one_of_the_cast("ben")


@pytest.fixture
def sue(db: None) -> User:
    """The supervisor of Billing."""
    return make_one_of_the_cast("sue")


@pytest.fixture
def eve(db: None) -> User:
    """An executive, in no queue until she joins one."""
    return make_one_of_the_cast("eve")


@pytest.fixture
def root(db: None) -> User:
    """The administrator."""
    return make_one_of_the_cast("root")


@pytest.fixture
def carl(db: None) -> Customer:
    """A customer with a mail address and a phone."""
    return make_carl()


@pytest.fixture
def billing(ana: User, lee: User, sue: User) -> Queue:
    return make_billing(ana, lee, sue)


@pytest.fixture
def lena(billing: Queue) -> User:
    """The lead of Billing."""
    lena = make_user("Lena Lead")
    QueueMembership.objects.create(queue=billing, user=lena, role="lead")
    return lena


@pytest.fixture
def technical(ben: User) -> Queue:
    return make_queue("Technical", reps=[ben])


@pytest.fixture
def cast(ana: User, lee: User, ben: User, sue: User, eve: User, root: User) -> SimpleNamespace:
    return SimpleNamespace(ana=ana, lee=lee, ben=ben, sue=sue, eve=eve, root=root)
