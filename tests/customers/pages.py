"""How tests open the customers' pages."""

from django.test import Client

from crm.models import User
from customers.models import Customer

SECTIONS = ["reach", "holdings", "orders", "consent", "organization", "merges"]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def parts(customer: Customer) -> list[str]:
    """Every address that shows something about this customer."""
    own = f"/customers/{customer.pk}/"
    return [own, f"{own}card/", f"{own}since/", f"{own}timeline/", *(f"{own}panels/{name}/" for name in SECTIONS)]
