"""The web process with every wake-up suppressed: nobody hears a NOTIFY, only polling is left."""

from crm.asgi import application
from crm.live import hub, sequencer

hub.LIVE_CHANNEL = "nobody_says_this"
sequencer.WAKE_CHANNEL = "nobody_says_this_either"

__all__ = ["application"]
