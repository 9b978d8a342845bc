"""Queues, cases, messages, time and answers."""

from cases.models.acknowledgement import Acknowledgement, PaceHour, QueuePace
from cases.models.answer import Article, ArticleUse, ArticleVersion, KnowledgeGap
from cases.models.beside import CaseLink, Contact, Issue, Mention, Watch
from cases.models.bulk import Bulk, BulkRow
from cases.models.calendar import BusinessCalendar, CalendarVersion
from cases.models.case import Case
from cases.models.channel import Channel, InboundItem, Thread
from cases.models.clock import Clock
from cases.models.clock_action import ClockAction
from cases.models.colleague import Colleague
from cases.models.digest import Digest
from cases.models.dispatch import Dispatch
from cases.models.draft import Draft
from cases.models.field import CaseField, FieldOption, FieldValue
from cases.models.helping import CaseHelper, Whisper
from cases.models.macro import Macro, MacroVersion
from cases.models.mailbox import Mailbox, MailboxMail
from cases.models.merge import CaseMerge
from cases.models.message import Attachment, GuessedAnew, Message
from cases.models.notification import MutedCase, Notification, NotificationSettings
from cases.models.outcome import Cause, Disposition
from cases.models.playbook import Playbook, PlaybookRun, PlaybookStep, PlaybookVersion
from cases.models.policy import ServicePolicy, ServicePolicyVersion
from cases.models.presence import Presence, PresenceReason
from cases.models.promise import Promise
from cases.models.push import Push, PushDevice, PushKeys
from cases.models.queue import Queue, QueueMembership, QueueSession
from cases.models.recalculation import Recalculation
from cases.models.remedy import Entitlement, Remedy, RemedyAuthority, RemedyBudget
from cases.models.rule import Rule, RuleMark, RuleRun, RuleTrial, RuleVersion
from cases.models.saved_filter import SavedFilter
from cases.models.saved_reply import SavedReply, SavedReplyVersion
from cases.models.search import CaseSearch
from cases.models.side import SideFile, SideMessage, SideRecipient, SideTalk
from cases.models.skill import Capacity, CaseSkill, PersonSkill, Return, Skill
from cases.models.sla import SLAPolicy, SLAPolicyVersion
from cases.models.status_page import StatusPage
from cases.models.survey import SurveyAnswer, SurveyAsking
from cases.models.tag import Tag, TagRenaming
from cases.models.task import Reminder, Task

__all__ = [
    "Acknowledgement",
    "Article",
    "ArticleUse",
    "ArticleVersion",
    "Attachment",
    "Bulk",
    "BulkRow",
    "BusinessCalendar",
    "CalendarVersion",
    "Capacity",
    "Case",
    "CaseField",
    "CaseHelper",
    "CaseLink",
    "CaseMerge",
    "CaseSearch",
    "CaseSkill",
    "Cause",
    "Channel",
    "Clock",
    "ClockAction",
    "Colleague",
    "Contact",
    "Digest",
    "Dispatch",
    "Disposition",
    "Draft",
    "Entitlement",
    "FieldOption",
    "FieldValue",
    "GuessedAnew",
    "InboundItem",
    "Issue",
    "KnowledgeGap",
    "Macro",
    "MacroVersion",
    "Mailbox",
    "MailboxMail",
    "Mention",
    "Message",
    "MutedCase",
    "Notification",
    "NotificationSettings",
    "PaceHour",
    "PersonSkill",
    "Playbook",
    "PlaybookRun",
    "PlaybookStep",
    "PlaybookVersion",
    "Presence",
    "PresenceReason",
    "Promise",
    "Push",
    "PushDevice",
    "PushKeys",
    "Queue",
    "QueueMembership",
    "QueuePace",
    "QueueSession",
    "Recalculation",
    "Remedy",
    "RemedyAuthority",
    "RemedyBudget",
    "Reminder",
    "Return",
    "Rule",
    "RuleMark",
    "RuleRun",
    "RuleTrial",
    "RuleVersion",
    "SLAPolicy",
    "SLAPolicyVersion",
    "SavedReply",
    "SavedReplyVersion",
    "SavedFilter",
    "ServicePolicy",
    "ServicePolicyVersion",
    "SideFile",
    "SideMessage",
    "SideRecipient",
    "SideTalk",
    "Skill",
    "StatusPage",
    "SurveyAnswer",
    "SurveyAsking",
    "Tag",
    "TagRenaming",
    "Task",
    "Thread",
    "Watch",
    "Whisper",
]
