"""The kernel's tables: who signs in, what happened, and the small change of a running house."""

from crm.models.event import Event, Installation
from crm.models.file import FileChunk, StoredFile
from crm.models.house import ApiToken, CommandKey, Heartbeat, Presence
from crm.models.import_run import ImportRun
from crm.models.learned import Learned
from crm.models.limit import LimitCount
from crm.models.mail import SentMail
from crm.models.user import User
from crm.models.wake import Wake

__all__ = [
    "ApiToken",
    "CommandKey",
    "Event",
    "FileChunk",
    "Heartbeat",
    "ImportRun",
    "Installation",
    "Learned",
    "LimitCount",
    "Presence",
    "SentMail",
    "StoredFile",
    "User",
    "Wake",
]
