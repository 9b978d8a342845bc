"""Live updates: topics people watch, streams that feed them, one sequencer for the log, one hub a server process.

How it works, and why: docs/live.md.
"""

from crm.live.log import position
from crm.live.streams import Fragment, Happening

__all__ = ["Fragment", "Happening", "position"]
