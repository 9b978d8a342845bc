"""The public contact form, its thank-you page, and attachments by their token."""

from datetime import datetime

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cases import pacing, promises
from cases.contact_form import CHANNEL, ContactForm, Letter, fresh_token, public_queues, queue_named
from cases.intake import process, store
from cases.models import Attachment, Case, InboundItem, SideFile
from crm.files import PICTURES, astream, clean_name, first_bytes, picture_type, stream
from crm.limits import allow, network_of
from crm.models import User
from crm.secrets import Unreadable, sign, unsign
from customers.addresses import Address

PER_NETWORK, NETWORK_SECONDS = 30, 600
PER_ADDRESS, ADDRESS_SECONDS = 10, 3600
THANKS_SECONDS = 7 * 24 * 3600

# What a download may call itself; everything else is bytes.
DOWNLOADS = {
    *PICTURES,
    "application/pdf",
    "application/zip",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "text/csv",
    "text/plain",
    "video/mp4",
    "video/webm",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest, topic: str = "") -> HttpResponse:
    """Write to us. Works without scripts; sent twice it is one message."""
    queues = public_queues()
    chosen = queue_named(topic) if topic else None
    if not queues or (topic and chosen is None):
        raise Http404
    if request.method != "POST":
        start = {"token": fresh_token()} | ({"topic": str(chosen.pk)} if chosen else {})
        return _form(request, ContactForm(initial=start, queues=queues))
    form = ContactForm(request.POST, request.FILES, queues=queues)
    if not form.is_valid():
        return _form(request, form)
    letter = form.letter()
    if _is_too_much(request, form.cleaned_data["address"], letter):
        form.add_error(None, _("We have had many messages from you just now. Please send this one in an hour."))
        return _form(request, form, status=429)
    item, fresh = store(CHANNEL, letter.external_id, letter.raw)
    if fresh:
        process(item.pk)
    return redirect("public:thanks", sign(letter.external_id, purpose="contact thanks"))


def _form(request: HttpRequest, form: ContactForm, *, status: int = 200) -> HttpResponse:
    response = render(request, "cases/contact.html", {"form": form}, status=status)
    if status == 429:
        response["Retry-After"] = str(ADDRESS_SECONDS)
    return response


def _is_too_much(request: HttpRequest, address: Address, letter: Letter) -> bool:
    """Limits by network and by address typed; the second click on one form is no second message."""
    if InboundItem.objects.filter(channel=CHANNEL, external_id=letter.external_id).exists():
        return False
    now = timezone.now()
    source = network_of(request)
    by_network = allow("contact form", source, limit=PER_NETWORK, seconds=NETWORK_SECONDS, now=now)
    by_address = allow("contact address", address.value, limit=PER_ADDRESS, seconds=ADDRESS_SECONDS, now=now)
    return not (by_network and by_address)


@never_cache
@require_safe
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """The number of their case, what happens next and by when; the same whoever asks."""
    try:
        external_id = unsign(token, purpose="contact thanks", max_age=THANKS_SECONDS)
    except Unreadable as error:
        raise Http404 from error
    item = get_object_or_404(
        InboundItem.objects.select_related("message__case"), channel=CHANNEL, external_id=external_id
    )
    case = item.message.case if item.message else None
    by_when, zone = _answered_by(case, timezone.now()) if case else (None, "")
    return render(request, "cases/contact_thanks.html", {"case": case, "by_when": by_when, "zone": zone})


def _answered_by(case: Case, now: datetime) -> tuple[datetime | None, str]:
    """By when they hear from us: the very time that the acknowledgement names, on our clock; nothing
    where none was named."""
    owed = next((promise for promise in promises.acknowledged(case) if promise.due_at > now), None)
    if owed is None:
        return None, ""
    zone = pacing.zone_of(case)
    return owed.due_at.astimezone(zone), zone.key


@require_safe
def attachment(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """A file of a message, for those who may see its case. Only pictures that are ones are shown in place."""
    if not isinstance(request.user, User):
        raise Http404
    found = get_object_or_404(
        Attachment.objects.select_related("file"), token=token, message__case__in=Case.objects.visible_to(request.user)
    )
    return streamed(request, found)


def streamed(request: HttpRequest, found: Attachment | SideFile) -> StreamingHttpResponse:
    """A file on its way out: as the picture it proves to be, else as something to keep."""
    picture = picture_type(first_bytes(found.file))
    pieces = astream(found.file) if isinstance(request, ASGIRequest) else stream(found.file)
    response = StreamingHttpResponse(pieces, content_type=picture or _download_type(found.content_type))
    response["Content-Length"] = str(found.file.size)
    response["Content-Disposition"] = content_disposition_header(not picture, clean_name(found.name)) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response


def _download_type(declared: str) -> str:
    if declared not in DOWNLOADS or declared in PICTURES:
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if declared == "text/plain" else declared
