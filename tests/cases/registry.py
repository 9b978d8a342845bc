"""The registry of commands (filled in commands.py), and what is left out of it, each with its reason."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cases.before import World


@dataclass(frozen=True)
class Command:
    """`do` is the command; an HTTP answer it returns is placed on the screen of who gave it. `route`: its address."""

    name: str
    do: Callable[[World], Any]
    kinds: frozenset[str]
    before: tuple[Callable[[World], Any], ...] = ()
    routes: frozenset[str] = field(default_factory=frozenset)


COMMANDS: dict[str, Command] = {}


def command(
    *kinds: str, before: Callable[[World], Any] | tuple[Callable[[World], Any], ...] = (), routes: str = ""
) -> Any:
    def register(do: Callable[[World], Any]) -> Callable[[World], Any]:
        name = do.__name__.strip("_")
        steps = before if isinstance(before, tuple) else (before,)
        COMMANDS[name] = Command(name, do, frozenset(kinds), steps, frozenset(routes.split()))
        return do

    return register


# What no screen of the desk shows as it happens.
NOT_SHOWN = {
    "inbound_kept": "an item that could not be read is no case yet",
    **dict.fromkeys(
        ("written", "rewritten", "approved", "paused", "resumed", "stopped", "done", "progressed", "send_again_asked"),
        "a notice's own page, which asks again",
    ),
    "member_set": "who works where is asked by rights, not shown",
    "member_removed": "who works where is asked by rights, not shown",
    "presence_changed": "in the rail, and beside the names of colleagues (tests/e2e/test_presence.py)",
    "skills_set": "in its own dialog, which asks again; it changes who is given the case",
    **dict.fromkeys(("filter_shared", "filter_changed", "filter_removed"), "settings; the list asks again"),
    "queue_created": "settings",
    "queue_changed": "settings",
    "consent_recorded": "in the customer's card, which asks again (tests/e2e/test_customer.py)",
    "contact_points_added": "in the customer's card, which asks again",
    "contact_point_verified": "in the customer's card, which asks again",
    "contact_point_ended": "in the customer's card, which asks again",
}
ROUTES_WITHOUT_EVENTS = {
    **dict.fromkeys(("sign-in/", "sign-out/"), "no case"),
    **dict.fromkeys(
        [
            "api/customers/",
            "api/consents/",
            "api/organizations/",
            "api/organizations/<int:pk>/",
            "api/subscriptions/",
            "api/subscriptions/<int:pk>/",
            "customers/<int:pk>/consents/",
            "customers/<int:pk>/contact-points/",
            "customers/contact-points/<int:pk>/ending/",
            "customers/contact-points/<int:pk>/verification/",
            "preferences/<str:token>/",
            "unsubscribe/<str:token>/",
        ],
        "the customer's card, which asks again",
    ),
    **dict.fromkeys(
        [
            "api/service-policies/",
            "api/service-policies/<int:pk>/",
            "api/macros/",
            "api/macros/<int:pk>/",
            "replies/new/",
            "replies/<int:pk>/",
            "api/saved-replies/",
            "api/saved-replies/<int:pk>/",
            "api/articles/",
            "api/articles/<int:pk>/",
            "api/offers/",
            "api/offers/<int:pk>/",
            "api/offers/public/",
            "api/offers/public/<int:pk>/",
            "api/playbooks/",
            "api/playbooks/<int:pk>/",
            "api/segments/",
            "api/segments/<int:pk>/",
            "api/calendars/",
            "api/calendars/<int:pk>/",
            "api/products/",
            "api/products/<int:pk>/",
            "api/presence-reasons/",
            "api/presence-reasons/<int:pk>/",
            "queues/<int:pk>/filters/",
            "queues/<int:pk>/filters/<int:saved>/",
            "queues/<int:pk>/filters/<int:saved>/place/",
            "api/filters/",
            "api/filters/<int:pk>/",
            "api/skills/",
            "api/dispositions/",
            "api/dispositions/<int:pk>/",
            "api/causes/",
            "api/causes/<int:pk>/",
            "api/case-fields/",
            "api/case-fields/<int:pk>/",
            "api/skills/<int:pk>/",
            "api/people/<int:user>/routing/",
            "people/<int:user>/capacity/",
            "api/queues/",
            "api/queues/<int:pk>/",
            "api/queues/<int:pk>/members/",
            "api/queues/<int:pk>/members/<int:user>/",
            "api/sla-policies/",
            "api/sla-policies/<int:pk>/",
            "api/sla-policies/<int:pk>/preview/",
            "api/calendars/<int:pk>/preview/",
            "api/calendars/<int:pk>/holidays/",
            "api/recalculations/<int:pk>/",
            "api/rules/",
            "api/rules/<int:pk>/",
            "api/rules/<int:pk>/trials/",
        ],
        "settings",
    ),
    **dict.fromkeys(
        [
            "problems/<int:pk>/notices/",
            "notices/<int:pk>/words/",
            "notices/<int:pk>/approval/",
            "notices/<int:pk>/pause/",
            "notices/<int:pk>/resumption/",
            "notices/<int:pk>/stop/",
            "notices/deliveries/<int:pk>/repeat/",
            "api/notices/",
            "api/notices/<int:pk>/",
            "api/notices/<int:pk>/approval/",
            "api/notices/<int:pk>/pause/",
            "api/notices/<int:pk>/stop/",
        ],
        "a notice's own page, which asks again",
    ),
    **dict.fromkeys(
        ("presence/", "people/<int:user>/presence/", "api/presence/me/", "api/presence/<int:user>/"),
        "of a person, not of a case",
    ),
    **dict.fromkeys(
        [
            "notifications/read/",
            "notifications/snooze/",
            "notifications/settings/",
            "notifications/devices/",
            "notifications/devices/<int:pk>/",
            "api/push-devices/<int:pk>/",
            "cases/<int:number>/mute/",
            "api/notifications/read/",
            "api/notifications/settings/",
        ],
        "a person's own panel, whose bell asks again",
    ),
    **dict.fromkeys(("cases/<int:number>/skills/", "api/cases/<int:number>/skills/"), "in its own dialog"),
    **dict.fromkeys(
        [
            "queues/<int:pk>/bulk/",
            "bulk/<int:pk>/",
            "bulk/<int:pk>/undo/",
            "api/bulk/",
            "api/bulk/<int:pk>/",
            "api/bulk/<int:pk>/undo/",
        ],
        "asks; the keeper does it by each case's own verbs",
    ),
    "problems/": "touches no case yet",
    "problems/<int:pk>/preview/": "only asks",
    "api/answers/suggest/": "only asks",
    "api/service-policies/<int:pk>/quote/": "only asks",
    "api/offers/preview/": "only asks",
    "api/segments/preview/": "only asks",
    "cases/<int:number>/drafts/<str:kind>/": "a draft is its author's alone",
    "replies/preview/": "only asks",
    "cases/<int:number>/saved-replies/<int:pk>/use/": "counts the use of a saved reply",
    "cases/<int:number>/answers/<int:pk>/use/": "counts the use of an article",
}
