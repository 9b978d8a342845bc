"""The commands of tests/cases/commands.py by which a case of nobody becomes somebody's."""

from typing import Any

from tests.cases.before import World, nobodys, post
from tests.cases.registry import command


@command("customer_set", before=nobodys, routes="cases/<int:number>/customer/ api/cases/<int:number>/customer/")
def _say_whose_it_is(w: World) -> Any:
    return post(w, "customer/", customer=w.carl.pk)


@command("customer_set", "created", before=nobodys)
def _say_it_is_somebody_new(w: World) -> Any:
    return post(w, "customer/", name="Mia Wolff", mail="mia@example.org")
