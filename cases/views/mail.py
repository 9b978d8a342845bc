"""A mail's HTML in a response of its own that can do nothing, and the pictures in it."""

import logging
import threading

from asgiref.sync import async_to_sync
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cases.mail.shown import may_see, opened, seal, shown
from cases.models import Attachment, Message
from cases.views.public import streamed
from crm.files import first_bytes, picture_type
from crm.limits import allow
from crm.models import User

PICTURES_PER_READER, SECONDS = 1_000, 600
AT_ONCE = 8  # pictures one process fetches from elsewhere at the same time
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_fetching = threading.BoundedSemaphore(AT_ONCE)
logger = logging.getLogger(__name__)


@require_safe
def body(request: HttpRequest, token: str) -> HttpResponseBase:
    """The HTML of a mail for who may see its case. Pictures from elsewhere are shown to who asks for them, this once."""
    message = get_object_or_404(Message.objects.select_related("case"), token=token)
    user = _reader(request, message)
    page = shown(message, user, pictures=request.GET.get("pictures") == "shown")
    if not page.html:
        raise Http404
    again = seal(message, user)
    response = render(request, "cases/mail.html", {"message": message, "page": page, "seal": again})
    response["Content-Security-Policy"] = POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return _private(response)


@require_safe
def text(request: HttpRequest, token: str) -> HttpResponseBase:
    """All the words of a message, for who may see its case: a thread shows the beginning of a very long one."""
    message = get_object_or_404(Message.objects.select_related("case"), token=token)
    if not isinstance(request.user, User) or not may_see(request.user, message):
        raise Http404
    response = _private(HttpResponse(message.text, content_type="text/plain; charset=utf-8"))
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _reader(request: HttpRequest, message: Message) -> User:
    """Who is signed in, or whom the frame's own seal names: a frame's second request carries no cookie."""
    found = opened(message, request.GET.get("seal", ""))
    user = found[0] if found else request.user
    if not isinstance(user, User) or not may_see(user, message):
        raise Http404
    return user


@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponseBase:
    """One picture of a mail, by the seal its page gave it: an attachment, or one from elsewhere fetched in our own name."""
    message = get_object_or_404(Message, token=token)
    found = opened(message, request.GET.get("seal", ""))
    if found is None:
        raise Http404
    user, told = found
    if "attachment" in told:
        return _private(_attached(request, message, told["attachment"]))
    if "url" not in told:
        raise Http404
    if not allow("mail picture", str(user.pk), limit=PICTURES_PER_READER, seconds=SECONDS, now=timezone.now()):
        return _private(HttpResponse(status=429))
    return _private(_from_elsewhere(told["url"]))


def _attached(request: HttpRequest, message: Message, pk: int) -> HttpResponseBase:
    attachment = get_object_or_404(Attachment.objects.select_related("file"), pk=pk, message=message)
    if not picture_type(first_bytes(attachment.file)):
        raise Http404
    return streamed(request, attachment)


def _from_elsewhere(url: str) -> HttpResponse:
    """Fetched holding no database connection, and few at once: the other side may be slow on purpose."""
    from crm import fetching  # it speaks HTTP: only who needs it waits for that to load

    if not connection.in_atomic_block:
        connection.close()
    if not _fetching.acquire(timeout=fetching.SECONDS):
        return HttpResponse(status=503)
    try:
        found = async_to_sync(fetching.picture)(url)
    except fetching.NoPicture as error:
        logger.info("a picture in a mail was not fetched: %s", error)
        raise Http404 from error
    finally:
        _fetching.release()
    return HttpResponse(found.data, content_type=found.kind)


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """For the reader's frame alone. The frame's origin is nobody's, so the seal guards what same-origin cannot."""
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.setdefault("Content-Security-Policy", "sandbox; default-src 'none'")
    return response
