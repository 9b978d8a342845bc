"""What outreach has at /admin/."""

from outreach.admin import offers as offers
