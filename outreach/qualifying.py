"""Who an offer is for, tried on everybody before it is kept."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from customers import conditions
from customers.models import Customer


def who(eligibility: Any, *, at: datetime) -> QuerySet[Customer]:
    """The customers it holds for. Raises ValidationError with the path of what is wrong."""
    try:
        return conditions.compile(eligibility, at=at, saving=True).customers()
    except conditions.BadCondition as bad:
        raise ValidationError(f"{bad.path}: {bad.message}" if bad.path else bad.message) from bad
