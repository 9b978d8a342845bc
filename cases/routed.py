"""Why the house gave a case to somebody or took it back, in words (docs/routing.md)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Event

_METHODS = {
    "least_loaded": gettext_lazy("Assigned to %(name)s: least loaded, %(load)s of %(capacity)s"),
    "round_robin": gettext_lazy("Assigned to %(name)s: round robin, %(load)s of %(capacity)s"),
}


def sentence(event: Event) -> str:
    """ "" for what people did. `event.names` (cases.thread.named) holds the names its ids stand for."""
    if event.via != "routing":
        return ""
    names: dict[str, str] = event.names  # type: ignore[attr-defined]
    if event.kind == "released":
        return _("Back to the queue: %(name)s was away") % {"name": names.get("was", "")}
    told = str(_METHODS.get(event.reason, event.reason)) % {
        "name": names.get("assignee", ""),
        "load": event.data.get("load"),
        "capacity": event.data.get("capacity"),
    }
    return f"{told}{_matched(event)}"


def _matched(event: Event) -> str:
    if event.data.get("relaxed"):
        return _("; it had waited long enough for its skills")
    return _("; has the skills it needs") if event.data.get("skills") else ""
