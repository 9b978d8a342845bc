"""What outreach has at /admin/."""

from outreach.admin import offers as offers
from outreach.admin import problems as problems
from outreach.admin import public_offers as public_offers
from outreach.admin import questions as questions
