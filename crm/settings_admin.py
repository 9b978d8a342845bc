"""How the two admins look and what their sidebars hold: /admin/ for supervisors, /system/ for administrators
(docs/admin.md). Part of crm/settings.py."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _sidebar(*groups: tuple[Any, str, list[tuple[Any, Any, str, str]]]) -> dict[str, Any]:
    """Groups of (title, site, [(title, what it is for, icon, model or the name of a page)])."""
    return {
        "show_search": True,
        "navigation": [
            {
                "title": title,
                "separator": True,
                "items": [
                    {
                        "title": name,
                        "hint": hint,
                        "icon": icon,
                        "link": reverse_lazy(model if ":" in model else f"{site}:{model}_changelist"),
                    }
                    for name, hint, icon, model in items
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
    "STYLES": [lambda _request: static("css/admin.css")],
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
                (_("Queues"), _("Who works where, and how cases are given out"), "inbox", "cases_queue"),
                (_("People"), _("How they are, how much they are given, what they can do"), "group", "cases_colleague"),
                (_("Fields of cases"), _("What is asked about a case, and before what"), "list_alt", "cases_casefield"),
                (_("Tags"), _("Which there are, and renaming one everywhere"), "label", "cases_tag"),
                (_("Dispositions"), _("What cases are about, chosen when they end"), "flag", "cases_disposition"),
                (_("Causes"), _("What would have prevented cases, and who looks after it"), "healing", "cases_cause"),
                (_("Skills"), _("What some cases need and some people can do"), "school", "cases_skill"),
                (
                    _("Reasons to be away"),
                    _("Your own words, like lunch or training"),
                    "coffee",
                    "cases_presencereason",
                ),
                (_("Shared filters"), _("Views that everybody in a queue has"), "filter_list", "cases_savedfilter"),
                (_("Kept, in no case"), _("What arrived and could not be read"), "move_to_inbox", "cases_inbounditem"),
            ],
        ),
        (
            _("Time"),
            "admin",
            [
                (
                    _("Business calendars"),
                    _("Opening hours and holidays, by which clocks run"),
                    "calendar_month",
                    "cases_businesscalendar",
                ),
                (_("SLA policies"), _("By when what is answered and solved"), "timer", "cases_slapolicy"),
                (
                    _("Changes of running clocks"),
                    _("How far running clocks have followed a change"),
                    "update",
                    "cases_recalculation",
                ),
                (
                    _("Service actions in trouble"),
                    _("What a clock was to do and could not"),
                    "running_with_errors",
                    "cases_clockaction",
                ),
            ],
        ),
        (
            _("By itself"),
            "admin",
            [
                (_("Rules"), _("When something happens, what is done by itself"), "rule", "cases_rule"),
                (_("What rules did"), _("Each time one was asked, and what came of it"), "history", "cases_rulerun"),
            ],
        ),
        (
            _("Answers"),
            "admin",
            [
                (_("Articles"), _("What is true, to read, to send, to keep true"), "article", "cases_article"),
                (
                    _("Knowledge gaps"),
                    _("What customers ask and no article answers"),
                    "quiz",
                    "cases_knowledgegap",
                ),
                (
                    _("Saved replies"),
                    _("What is said again and again, in every language"),
                    "quickreply",
                    "cases_savedreply",
                ),
                (_("Macros"), _("Several steps in one"), "bolt", "cases_macro"),
                (_("Playbooks"), _("What is done in which order"), "checklist", "cases_playbook"),
            ],
        ),
        (
            _("Making good"),
            "admin",
            [
                (_("Policies"), _("What we give for what went wrong"), "volunteer_activism", "cases_servicepolicy"),
                (_("Authorities"), _("How much who may grant"), "verified_user", "cases_remedyauthority"),
                (_("Budgets"), _("What may be granted in a month"), "savings", "cases_remedybudget"),
                (_("Remedies"), _("What was granted, by whom, and why"), "redeem", "cases_remedy"),
            ],
        ),
        (
            _("Learned"),
            "admin",
            [(_("Model cards"), _("What was learned from history, how well, and its limits"), "school", "crm_learned")],
        ),
        (
            _("Outreach"),
            "admin",
            [
                (_("Segments"), _("Customers who have something in common"), "groups", "customers_segment"),
                (_("Offers"), _("What may be offered, to whom, and when not"), "sell", "outreach_offer"),
                (
                    _("Public offers"),
                    _("What strangers are offered, each with its twin for existing customers"),
                    "storefront",
                    "outreach_publicoffer",
                ),
                (
                    _("Answers to questions"),
                    _("What customers said when a rep asked, with how many said what"),
                    "quiz",
                    "outreach_questionanswer",
                ),
                (_("Known problems"), _("What is wrong just now, and whom it hits"), "report", "outreach_knownproblem"),
                (_("Notices"), _("What was told before anybody asked"), "campaign", "outreach_notice"),
            ],
        ),
        (
            _("All of it"),
            "admin",
            [
                (
                    _("Export and import"),
                    _("All of this as one file, out and in"),
                    "import_export",
                    "admin:configuration",
                )
            ],
        ),
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
                (_("Users"), _("Who may sign in, and as what"), "group", "crm_user"),
                (_("Queues"), _("Who works where, and how cases are given out"), "inbox", "cases_queue"),
                (
                    _("Cases at once"),
                    _("How many somebody is given where nothing else is said"),
                    "stacks",
                    "cases_capacity",
                ),
                (_("API tokens"), _("Which programs may speak for whom"), "key", "crm_apitoken"),
            ],
        ),
        (
            _("In and out"),
            "system",
            [
                (_("Mailboxes"), _("Where mail is fetched, and how each one is"), "mail", "cases_mailbox"),
                (_("Channels"), _("Other ways in and out, and their secrets"), "hub", "cases_channel"),
                (_("Mails not to be had"), _("What a server would not give us"), "unsubscribe", "cases_mailboxmail"),
                (
                    _("Kept inbound items"),
                    _("What arrived and could not be read"),
                    "move_to_inbox",
                    "cases_inbounditem",
                ),
                (_("Dispatches in trouble"), _("What did not arrive, or may not have"), "outbox", "cases_dispatch"),
                (_("Suppressions"), _("Addresses that nothing is sent to"), "block", "customers_suppression"),
            ],
        ),
        (_("Health"), "system", [(_("Heartbeats"), _("Which processes live"), "monitor_heart", "crm_heartbeat")]),
    ),
}
