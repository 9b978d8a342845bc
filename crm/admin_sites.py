"""Gathers what the apps register on the two admins (crm.admin): only what is imported here is on them."""

from cases import admin as _cases
from crm import admin_learned as _learned
from crm.admin import supervisors, system
from customers import admin as _customers
from customers import admin_segments as _segments
from outreach import admin as _outreach

__all__ = ["supervisors", "system"]
_REGISTERED = (_cases, _customers, _learned, _outreach, _segments)
