"""How the API speaks: scopes, one effect for one Idempotency-Key, cursor pages, RFC 9457 problem details."""

import functools
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import DataError, OperationalError
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.decorators import api_view
from rest_framework.pagination import Cursor as Place
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer

from crm import commands, field_errors, limits, strict_json, tokens
from crm.models import ApiToken, User

log = logging.getLogger(__name__)
LARGEST_BODY = 1024 * 1024
MINUTE = 60
_TAGS = re.compile(r'\s*(W/)?"[^"]*"\s*(,\s*(W/)?"[^"]*"\s*)*')
_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Changed since you read it",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not the same command",
    429: "Too many requests",
    410: "Gone",
    500: "Our mistake",
    503: "Busy",
}


class Problem(exceptions.APIException):
    """An error with its RFC 9457 members: `code` ends its type, `extra` are members of their own."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail, code)
        self.status_code, self.code, self.extra = status, code, extra


# What exceptions of upper layers mean to a caller of the API; they register themselves.
_meanings: dict[type[Exception], Callable[[Any], Problem]] = {}


def means(kind: type[Exception], to: Callable[[Any], Problem]) -> None:
    """Answer an exception of this kind with the problem `to` makes of it."""
    _meanings[kind] = to


class StrictParser(JSONParser):
    """JSON that the database can hold, up to 1 MiB."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return strict_json.loads(stream.read())
        except ValueError as error:
            raise exceptions.ParseError(str(error)) from None


class Cursor(CursorPagination):
    """Pages by position, so that a list that grows neither repeats nor skips."""

    ordering = "-id"
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Place | None:
        bad = Problem(400, "cursor", _("This cursor is not one of ours: begin again without it."))
        try:
            place = super().decode_cursor(request)
        except exceptions.NotFound:
            raise bad from None
        position = "0" if place is None or place.position is None else str(place.position)
        if not re.fullmatch(r"[0-9]{1,18}", position):
            raise bad
        return place


class _View(Protocol):
    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> Response: ...


def endpoint(
    *methods: str, reads: str = "read", writes: str = "write", versioned: tuple[str, ...] = ("PATCH",)
) -> Callable[[_View], Any]:
    """A function view of the API: signed in, within the token's rate and scope, JSON in and out, idempotent POSTs.

    The `versioned` methods keep to If-Match (they call `unchanged_since`); the others refuse it, for whoever sends it
    relies on it."""

    def made(view: _View) -> Any:
        @functools.wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> Response:
            _paced(request)
            require(request, reads if request.method in SAFE_METHODS else writes)
            _look_over(request, versioned)
            key = request.headers.get("Idempotency-Key")
            if request.method != "POST" or key is None:
                return _with_ignored(request, view(request, *args, **kwargs))
            return _once(request, key, lambda: _with_ignored(request, view(request, *args, **kwargs)))

        guarded.parser_classes = [StrictParser]  # type: ignore[attr-defined]
        api: Any = api_view(list(methods))(cast(Any, guarded))
        api.cls.pagination_class, api.cls.versioned = Cursor, versioned
        return api

    return made


def me(request: Request) -> User:
    """Who calls."""
    return cast(User, request.user)


def carries(request: Request, scope: str) -> bool:
    return tokens.may(me(request), cast(ApiToken | None, request.auth), scope)


def require(request: Request, *scopes: str) -> None:
    """Refuse a token that carries none of the scopes, saying which it needs."""
    if not any(carries(request, s) for s in scopes):
        name = scopes[0]
        hint = _("Make one with: manage.py token %(user)s --scope %(scope)s") % {
            "user": me(request).username,
            "scope": name,
        }
        raise Problem(403, "scope", _("This needs the scope %(scope)s.") % {"scope": name}, scope=name, hint=hint)


def forbid(detail: str, hint: str = "") -> Problem:
    """403, with the sentence a person should read."""
    return Problem(403, "not_allowed", detail, **({"hint": hint} if hint else {}))


def read(serializer: type[BaseSerializer[Any]], request: Request, **options: Any) -> dict[str, Any]:
    """The validated body; errors name their field."""
    form = serializer(data=request.data, context={"request": request}, **options)
    return cast(dict[str, Any], valid(form, request).validated_data)


def valid(form: BaseSerializer[Any], request: Request) -> BaseSerializer[Any]:
    """The form, once it holds. Names it does not know are told in the answer, and refused where there is nothing else:
    a misspelt change must not look like one that was made."""
    if not isinstance(request.data, dict):
        raise exceptions.ParseError(_("The body must be a JSON object."))
    fields = cast(Serializer[Any], form)
    ignored = field_errors.unknown(fields, request.data)
    if ignored and len(ignored) == len(request.data):
        known = ", ".join(sorted(name for name, field in fields.fields.items() if not field.read_only))
        raise _invalid([{"field": name, "message": _("Not known here. Known: %s.") % known} for name in ignored[:20]])
    if not form.is_valid():
        raise _invalid(field_errors.of(form))
    request._request.ignored_names = ignored  # type: ignore[attr-defined]
    return form


def _with_ignored(request: Request, answer: Response) -> Response:
    if ignored := getattr(request._request, "ignored_names", None):
        answer["Ignored-Fields"] = ", ".join(quote(name, safe=" ")[:60] for name in ignored[:20])
    return answer


def page(
    request: Request, rows: QuerySet[Any], serializer: type[BaseSerializer[Any]], *, order: str = "-id", **context: Any
) -> Response:
    """One page of a list: {next, previous, results}. `order` names an integer column."""
    cursor = Cursor()
    cursor.ordering = order
    found = cursor.paginate_queryset(rows, request) or []
    shown = serializer(found, many=True, context={"request": request, **context})
    return cursor.get_paginated_response(shown.data)


# --- versions


def tagged(data: Any, version: int, *, status: int = 200, location: str = "") -> Response:
    """An answer about something that has a version, told as its ETag."""
    headers = {"ETag": f'"{version}"'} | ({"Location": location} if location else {})
    return Response(data, status=status, headers=headers)


def unchanged_since(request: Request, version: int) -> None:
    """Refuse a write that was made up looking at another version: If-Match answers 412, a body's `version` 409. Call it
    under the row's lock."""
    asked = request.headers.get("If-Match", "*")
    if asked != "*" and f'"{version}"' not in [t.strip().removeprefix("W/") for t in asked.split(",")]:
        raise _changed(412, version)
    told = request.data.get("version") if isinstance(request.data, dict) else None
    if told is not None and told != version:
        raise _changed(409, version)


def _changed(status: int, version: int) -> Problem:
    return Problem(status, "changed", _("It changed since you read it. Read it again and decide."), version=version)


# --- one effect for one key


def _paced(request: Request) -> None:
    """So many calls a minute for each token (settings.API_RATE); the doors of channels are not counted here."""
    limit, now = settings.API_RATE, timezone.now()
    who = f"token {request.auth.pk}" if isinstance(request.auth, ApiToken) else f"user {me(request).pk}"
    if not limit or limits.allow_often("api", who, limit=limit, seconds=MINUTE, now=now):
        return
    wait = MINUTE - int(now.timestamp()) % MINUTE
    told = _("This token may ask %(limit)d times a minute. Ask again in %(wait)d seconds.")
    raise Problem(429, "too_many", told % {"limit": limit, "wait": wait}, retry_after=wait)


def _look_over(request: Request, versioned: tuple[str, ...]) -> None:
    """What no view should have to think of: sizes, texts the database cannot hold, and a trust in versions there are
    none of."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
        raise Problem(413, "too_large", _("A body may have at most 1 MiB."))
    tags = request.headers.get("If-Match", "*")
    if request.method not in SAFE_METHODS and tags != "*":
        if request.method not in versioned:
            raise Problem(400, "if_match", _("This has no version to match: send it without If-Match."))
        if not _TAGS.fullmatch(tags):
            raise Problem(400, "if_match", _('If-Match is the ETag as you got it, in quotes: "7".'))
    for name, value in request.query_params.items():
        if not strict_json.sound(f"{name}{value}") or len(str(value)) > 2000:
            raise exceptions.ParseError(_("A query parameter holds a NUL character or is too long."))


def _once(request: Request, key: str, do: Callable[[], Response]) -> Response:
    if not (0 < len(key) <= 120 and key.isascii() and key.isprintable()):
        raise Problem(400, "idempotency_key", _("An Idempotency-Key has 1 to 120 printable ASCII characters."))
    body = request._request.body
    named = f"{request.method} {request.get_full_path()}\n".encode()
    fingerprint = hashlib.sha256(named + body).hexdigest()
    try:
        answer = commands.once(me(request), key, fingerprint, lambda: _plain(do()))
    except commands.OtherCommand:
        raise Problem(422, "other_command", _("This Idempotency-Key was used for another request.")) from None
    except commands.StillRunning as running:
        detail = _("The first request with this Idempotency-Key is still running.")
        raise Problem(409, "still_running", detail, retry_after=running.after) from None
    headers = answer.response["headers"] | ({"Idempotent-Replayed": "true"} if answer.replayed else {})
    kind = "application/problem+json" if answer.status >= 400 else None  # a refusal that is an effect of its own
    return Response(json.loads(answer.response["body"]), status=answer.status, headers=headers, content_type=kind)


def _plain(response: Response) -> tuple[int, Any]:
    """What the table can keep of an answer: the text of its JSON (jsonb would forget the order) and our headers."""
    text = "null" if response.data is None else JSONRenderer().render(response.data).decode()
    return response.status_code, {"body": text, "headers": dict(response.items())}


# --- errors


def problem(error: Exception, context: dict[str, Any]) -> Response:
    """Every error of the API as application/problem+json."""
    found = _problem_of(error)
    if found is None:
        log.error("API call failed", exc_info=error)
        got_request_exception.send(sender=None, request=context["request"]._request)
        found = Problem(500, "internal", _("Something went wrong on our side. It was written down."))
    return _told(found, context.get("request"))


def _told(found: Problem, request: Request | None) -> Response:
    body = {
        "type": f"urn:forefront:problem:{found.code}",
        "title": _TITLES.get(found.status_code, "Error"),
        "status": found.status_code,
        "detail": str(found.detail),
        **({"instance": request.path} if request else {}),
        **found.extra,
    }
    headers = dict(_headers(found))
    return Response(body, status=found.status_code, headers=headers, content_type="application/problem+json")


def _headers(found: Problem) -> Iterator[tuple[str, str]]:
    if "retry_after" in found.extra:
        yield "Retry-After", str(found.extra["retry_after"])
    if "version" in found.extra:
        yield "ETag", f'"{found.extra["version"]}"'
    if challenge := getattr(found, "auth_header", ""):
        yield "WWW-Authenticate", challenge


def _busy(error: OperationalError) -> Problem:
    log.warning("database: %s", error)
    return Problem(503, "busy", _("The database cannot answer now. Try again."), retry_after=2)


means(Http404, lambda _error: Problem(404, "not_found", _("There is no such thing, or you may not see it.")))
means(PermissionDenied, lambda error: forbid(str(error) or _("You may not do this.")))
means(RequestDataTooBig, lambda _error: Problem(413, "too_large", _("The body is too large.")))
means(DataError, lambda _error: Problem(400, "invalid", _("A value is too large or not of its kind.")))
means(OperationalError, _busy)


def _problem_of(error: Exception) -> Problem | None:
    for kind in type(error).__mro__:
        if kind in _meanings:
            return _meanings[kind](error)
    if isinstance(error, Problem):
        return error
    return _of_framework(error) if isinstance(error, exceptions.APIException) else None


def _of_framework(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return _invalid(list(field_errors.flat(error.detail, "")))
    code = str(error.get_codes()) if isinstance(error.detail, str) else "error"
    extra: dict[str, Any] = {}
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        extra["hint"] = _("Send `Authorization: Bearer ff_…` with a token of: manage.py token USER")
    if wait := getattr(error, "wait", None):
        extra["retry_after"] = round(wait)
    made = Problem(error.status_code, code, str(error.detail), **extra)
    made.auth_header = getattr(error, "auth_header", "")  # type: ignore[attr-defined]
    return made


def _invalid(found: list[dict[str, str]]) -> Problem:
    detail = " ".join(f"{f['field']}: {f['message']}" if f["field"] else f["message"] for f in found[:5])
    return Problem(400, "invalid", detail, errors=found)
