"""How the two admins look and what their sidebars hold: /admin/ for supervisors, /system/ for administrators
(docs/admin.md). Part of crm/settings.py."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _sidebar(*groups: tuple[Any, str, list[tuple[Any, str, str]]]) -> dict[str, Any]:
    """Groups of (title, site, [(title, icon, model, or the name of a page)])."""
    return {
        "show_search": True,
        "navigation": [
            {
                "title": title,
                "separator": True,
                "items": [
                    {
                        "title": name,
                        "icon": icon,
                        "link": reverse_lazy(model if ":" in model else f"{site}:{model}_changelist"),
                    }
                    for name, icon, model in items
                ],
            }
            for title, site, items in groups
        ],
    }


# The console's green (static/css/tokens.css), lightest to darkest.
_GREENS = [
    "#f0f9f7",
    "#dcf1ec",
    "#b9e3da",
    "#8acfc1",
    "#58b5a3",
    "#2b9a87",
    "#0b7d6c",
    "#0b6e5f",
    "#0a574c",
    "#08463e",
    "#042a25",
]
_SHADES = [50, *range(100, 1000, 100), 950]
_UNFOLD = {
    "SITE_URL": "/",
    "SITE_DROPDOWN": [{"icon": "forum", "title": _("Back to the console"), "link": "/"}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("icon.svg")}],
    "COLORS": {"primary": {str(shade): green for shade, green in zip(_SHADES, _GREENS, strict=True)}},
}
UNFOLD = {
    **_UNFOLD,
    "SITE_TITLE": _("Settings"),
    "SITE_HEADER": _("Settings"),
    "SITE_SYMBOL": "tune",
    "SIDEBAR": _sidebar(
        (
            _("Work"),
            "admin",
            [
                (_("Queues"), "inbox", "cases_queue"),
                (_("People"), "group", "cases_colleague"),
                (_("Fields of cases"), "list_alt", "cases_casefield"),
                (_("Tags"), "label", "cases_tag"),
                (_("Skills"), "school", "cases_skill"),
                (_("Reasons to be away"), "coffee", "cases_presencereason"),
                (_("Shared filters"), "filter_list", "cases_savedfilter"),
                (_("Kept, in no case"), "move_to_inbox", "cases_inbounditem"),
            ],
        ),
        (
            _("Time"),
            "admin",
            [
                (_("Business calendars"), "calendar_month", "cases_businesscalendar"),
                (_("SLA policies"), "timer", "cases_slapolicy"),
                (_("Changes of running clocks"), "update", "cases_recalculation"),
                (_("Service actions in trouble"), "running_with_errors", "cases_clockaction"),
            ],
        ),
        (
            _("By itself"),
            "admin",
            [(_("Rules"), "rule", "cases_rule"), (_("What rules did"), "history", "cases_rulerun")],
        ),
        (
            _("Answers"),
            "admin",
            [
                (_("Articles"), "article", "cases_article"),
                (_("Saved replies"), "quickreply", "cases_savedreply"),
                (_("Macros"), "bolt", "cases_macro"),
            ],
        ),
        (
            _("Outreach"),
            "admin",
            [
                (_("Offers"), "sell", "outreach_offer"),
                (_("Known problems"), "report", "outreach_knownproblem"),
                (_("Notices"), "campaign", "outreach_notice"),
            ],
        ),
        (_("All of it"), "admin", [(_("Export and import"), "import_export", "admin:configuration")]),
    ),
}
UNFOLD_SYSTEM = {
    **_UNFOLD,
    "SITE_TITLE": _("System"),
    "SITE_HEADER": _("System"),
    "SITE_SYMBOL": "dns",
    "SIDEBAR": _sidebar(
        (
            _("People"),
            "system",
            [
                (_("Users"), "group", "crm_user"),
                (_("Queues"), "inbox", "cases_queue"),
                (_("Cases at once"), "stacks", "cases_capacity"),
                (_("API tokens"), "key", "crm_apitoken"),
            ],
        ),
        (
            _("In and out"),
            "system",
            [
                (_("Mailboxes"), "mail", "cases_mailbox"),
                (_("Channels"), "hub", "cases_channel"),
                (_("Mails not to be had"), "unsubscribe", "cases_mailboxmail"),
                (_("Kept inbound items"), "move_to_inbox", "cases_inbounditem"),
                (_("Dispatches in trouble"), "outbox", "cases_dispatch"),
                (_("Suppressions"), "block", "customers_suppression"),
            ],
        ),
        (_("Health"), "system", [(_("Heartbeats"), "monitor_heart", "crm_heartbeat")]),
    ),
}
