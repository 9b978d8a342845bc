"""The model card of what answers to offers teach: what it is for, what it cannot do, and its figures in people's words."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.learning import Card

_ALWAYS = "value of always "


class _Names(dict[str, Any]):
    """Ways are named by their offers, of which nobody knows the keys beforehand."""

    def get(self, name: str, default: Any = None) -> Any:
        if name.startswith(_ALWAYS):
            return _("worth of always offering %(offer)s") % {"offer": name.removeprefix(_ALWAYS)}
        if name.startswith("always "):
            return _("always offering %(offer)s") % {"offer": name.removeprefix("always ")}
        return super().get(name, default)


OFFERS = Card(
    title=_("Which offer"),
    about=_(
        "Learns from answers to offers how likely a yes is, and asks of decisions that were taken by lot what other ways of"
        " choosing would have brought. A model chooses only where it surely brings more than the best way that is always the"
        " same; else that way goes on, and the figures say why. Each worth is money a decision, with its 95 % interval and how"
        " many decisions of that way the log is worth, estimated three times: doubly robust, which decides, and by the chances"
        " alone (IPS, SNIPS), which trust no model."
    ),
    limits=_(
        "It knows what was decided by lot in this house, and nothing else. Where the three estimates lie far apart, few decisions"
        " speak for that way: believe none of them yet. Where intervals overlap, no way is called the best."
    ),
    names=_Names(
        {
            "presentations": _("offers presented"),
            "answers": _("answers learned from"),
            "decisions by lot": _("decisions taken by lot"),
            "fewest to judge by": _("decisions by lot from which ways are judged"),
            "way": _("the way that chooses"),
            "constant": _("the first, but for a small chance of each other"),
            "model": _("the model, by how probable each is to be the best"),
            "judged on": _("decisions judged by, later than what was learned from"),
            "best that is always the same": _("the best way that is always the same"),
            "silence": _("silence"),
            "model brings more, a decision": _("the model brings more, a decision"),
            "surely best by chances alone": _("surely best by the chances alone"),
            "none": _("none: the intervals overlap"),
            "value of model": _("worth of the model"),
            "value of silence": _("worth of silence"),
            "doubly robust": _("doubly robust"),
        }
    ),
)
