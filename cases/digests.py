"""What is new for a person, gathered in a mail at their time: only what is unread and still true, through the outward door
like every mail, and once: the digest, its lines and its dispatch are one commit."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import news, outward
from cases.channels import Failed
from cases.disturbing import is_quiet, zone
from cases.hooks import Outgoing, composers
from cases.models import Digest, Dispatch, Notification, NotificationSettings
from cases.models.notification import NotificationQuerySet
from cases.models.reasons import Way
from crm import jobs
from crm.languages import spoken
from crm.models import User

SOURCE = "digest"
BATCH = 100
MOST = 40  # cases named in one mail


def plan(now: datetime) -> int:
    """Those whose time has come since their last; returns how many mails were made."""
    waiting = Notification.objects.unread().filter(ways__contains=[Way.MAIL.value], digest=None)
    people = User.objects.filter(is_active=True, pk__in=waiting.values("user")).exclude(email="")
    made = 0
    for user in people.select_related("notification_settings").order_by("pk"):
        slot = last_slot(user, now)
        made += bool(slot and _make(user, slot, now))
        if made >= BATCH:
            break
    return made


def last_slot(user: User, now: datetime) -> datetime | None:
    """The latest of their times that has come; what is older than it is theirs to get."""
    wants = getattr(user, "notification_settings", None) or NotificationSettings(user=user)
    if wants.digest == wants.Digest.OFF:
        return None
    local = now.astimezone(zone(wants))
    if wants.digest == wants.Digest.HOURLY:
        hour = local.replace(minute=0, second=0, microsecond=0)
        return None if is_quiet(wants, hour) else hour
    at = wants.digest_at
    today = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0, fold=0)
    return today if today <= local else _day_before(today)


def _day_before(at: datetime) -> datetime:
    """The same time on the wall a day earlier, however long that day was."""
    day = at.date() - timedelta(days=1)
    return at.replace(year=day.year, month=day.month, day=day.day)


@transaction.atomic
def _make(user: User, slot: datetime, now: datetime) -> bool:
    lines = _lines(user, now).filter(digest=None, at__lte=slot)
    if not lines.exists():
        return False
    digest, fresh = Digest.objects.get_or_create(user=user, slot=slot)
    if not fresh:
        return False
    Notification.objects.filter(pk__in=list(lines.values_list("pk", flat=True))).update(digest=digest)
    digest.dispatch = outward.dispatch(
        customer=None,
        contact_point=None,
        channel="mail",
        address=user.email,
        message_class="digest",
        source=SOURCE,
        source_id=digest.pk,
        release_at=now,
    )
    digest.save(update_fields=["dispatch"])
    jobs.nudge("cases.send")
    return True


def _lines(user: User, now: datetime) -> NotificationQuerySet:
    """What wants a look and was to come by mail."""
    return news.open_for(user, now).filter(ways__contains=[Way.MAIL.value])


# --- how it reads


@composers.register
def digest_content(dispatch: Dispatch) -> Outgoing | None:
    """What is still new in the moment it leaves; when nothing is, nothing leaves."""
    if dispatch.source != SOURCE:
        return None
    digest = Digest.objects.select_related("user__notification_settings").get(pk=dispatch.source_id)
    user, language = digest.user, spoken(digest.user.language)
    groups = news.groups(_lines(user, timezone.now()).filter(digest=digest))[:MOST]
    if not groups:
        raise Failed("All of it was dealt with meanwhile.", reason="moot")
    with translation.override(language), timezone.override(zone(_wants(user))):
        return Outgoing(
            key=str(dispatch.key),
            to=dispatch.address,
            to_name=user.name,
            subject=_subject(groups),
            text=_text(user, groups),
            language=language,
            thread=f"digest-{user.pk}",
        )


def _wants(user: User) -> NotificationSettings:
    return getattr(user, "notification_settings", None) or NotificationSettings(user=user)


def _subject(groups: list[news.Group]) -> str:
    needing = sum(group.needs_me for group in groups)
    if needing:
        return ngettext("%(n)d case needs you", "%(n)d cases need you", needing) % {"n": needing}
    return ngettext("News on %(n)d case", "News on %(n)d cases", len(groups)) % {"n": len(groups)}


def _text(user: User, groups: list[news.Group]) -> str:
    needing, other = [g for g in groups if g.needs_me], [g for g in groups if not g.needs_me]
    parts = [
        _("Hello %(name)s,") % {"name": user.first_name or user.name},
        _("This is new for you, and still to be looked at."),
    ]
    for title, said in ((_("Needs you"), needing), (_("Good to know"), other)):
        if said:
            parts.append("\n".join([title.upper(), *(line for group in said for line in _of_case(group))]))
    parts.append(_("What you hear of, and how: %(url)s") % {"url": _url(reverse("cases:news_settings"))})
    return "\n\n".join(parts)


def _of_case(group: news.Group) -> list[str]:
    case = group.case
    head = f"#{case.number} {case.customer.name if case.customer else ''} · {case.subject}".strip()
    lines = [
        f"  - {row.what} ({row.why}), {date_format(timezone.localtime(row.at), _('j M, H:i'))}"  # type: ignore[attr-defined]
        for row in group.lines
    ]
    if group.more > 0:
        lines.append(
            "  - " + ngettext("and %(n)d earlier one", "and %(n)d earlier ones", group.more) % {"n": group.more}
        )
    return ["", head, *lines, f"  {_url(reverse('cases:case', args=[case.number]))}"]


def _url(path: str) -> str:
    return settings.PUBLIC_URL.rstrip("/") + path
