"""Who looks, in the tests of cases."""

import pytest
from django.test import Client

from crm.models import User


@pytest.fixture
def desk(ana: User) -> Client:
    """Ana, signed in."""
    client = Client()
    client.force_login(ana)
    return client
