"""Gathers what the apps register on the two admins (crm.admin): only what is imported here is on them."""

from cases import admin as _cases
from cases import admin_answers as _answers
from cases import admin_fields as _fields
from cases import admin_filters as _filters
from cases import admin_inbound as _inbound
from cases import admin_macros as _macros
from cases import admin_mailboxes as _mailboxes
from cases import admin_outcomes as _outcomes
from cases import admin_people as _people
from cases import admin_playbooks as _playbooks
from cases import admin_policies as _policies
from cases import admin_replies as _replies
from cases import admin_rules as _rules
from cases import admin_time as _time
from crm import admin_learned as _learned
from crm.admin import supervisors, system
from customers import admin as _customers
from customers import admin_segments as _segments
from outreach import admin as _outreach

__all__ = ["supervisors", "system"]
_REGISTERED = (
    _answers,
    _cases,
    _customers,
    _fields,
    _filters,
    _inbound,
    _learned,
    _macros,
    _mailboxes,
    _outcomes,
    _outreach,
    _people,
    _playbooks,
    _policies,
    _replies,
    _rules,
    _segments,
    _time,
)
