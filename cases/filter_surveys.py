"""The filter `survey:`: the cases behind the figures of what customers answered when asked (cases.surveyed)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy

from cases import surveyed, transitions
from cases.filter_parts import DONE, Asker, Key, Part, not_understood
from cases.models import SurveyAsking

_WHICH: Mapping[str, tuple[Any, Q]] = {
    "asked": (gettext_lazy("they were asked whether it was solved"), Q()),
    "answered": (gettext_lazy("they answered"), Q(case__survey__isnull=False)),
    "yes": (gettext_lazy("they said that it was"), Q(case__survey__solved=True)),
    "no": (gettext_lazy("they said that it was not"), Q(case__survey__solved=False)),
    "silent": (gettext_lazy("they have not answered"), Q(case__survey=None)),
}


def _survey(value: str, asker: Asker) -> Part:
    """Of those who were first asked in the last ninety days, as the board counts them."""
    which = _WHICH.get(value.lower())
    if which is None:
        raise not_understood("survey", value, _WHICH)
    rows = SurveyAsking.objects.filter(which[1], at__gte=asker.at - surveyed.SPAN, at__lt=asker.at)
    q = Q(pk__in=rows.values("case_id")) & ~Q(status=transitions.SPAM)
    return Part(q, frozenset({DONE}), narrow=True, timed=True)


SURVEY = Key(
    "survey",
    gettext_lazy("what they answered when asked whether it was solved"),
    "survey:no",
    _survey,
    lambda _asker: [(name, says) for name, (says, _q) in _WHICH.items()],
)
