"""What the OpenAPI document says of every address: the headers of commands and versions, and how errors look."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 120 printable ASCII characters, kept for 7 days: the same request again gets the first answer "
    "(`Idempotent-Replayed: true`); with another body or address 422; while the first runs 409.",
)
_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='The ETag as it was read, in quotes: `"7"`. 412 if it changed since.',
)


class Fault(serializers.Serializer[Any]):
    """A field that is wrong, and what to do."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemShape(serializers.Serializer[Any]):
    """An error (RFC 9457). `detail` is a sentence to show; the other members come where they help."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(required=False)
    hint = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False)
    retry_after = serializers.IntegerField(required=False)
    errors = Fault(many=True, required=False)  # type: ignore[assignment]


class Schema(AutoSchema):
    """An operation as `crm.rest.endpoint` makes it."""

    def get_override_parameters(self) -> list[Any]:
        if not hasattr(self.view, "versioned"):  # the document's own address
            return []
        keyed = [_KEY] if self.method == "POST" else []
        return keyed + ([_MATCH] if self.method in self.view.versioned else [])

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if hasattr(self.view, "versioned"):
            made: Any = self._get_response_for_code
            told = made(ProblemShape, "default", ["application/problem+json"], direction)
            bodies["default"] = {**told, "description": "A problem"}
            bodies["429"] = {**bodies["default"], "description": "Too many calls a minute", "headers": _WAIT}
        return bodies


_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
