"""The doors of channels in the OpenAPI document: they are signed, not opened with a token (docs/channels.md)."""

from typing import Any

_TEXT, _FLAG, _TIME = {"type": "string"}, {"type": "boolean"}, {"type": "string", "format": "date-time"}
_KIND = {"type": "string", "enum": ["email", "phone", "handle", "external"]}
_PROBLEM = {
    "description": "A problem: nothing was changed",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemShape"}}},
}
_ADDRESS = {"kind": _KIND, "value": _TEXT, "verified": {**_FLAG, "description": "The channel itself has proof."}}
_SENDER = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        **_ADDRESS,
        "addresses": {"type": "array", "maxItems": 10, "items": {"type": "object", "properties": _ADDRESS}},
    },
}
_FILE = {
    "type": "object",
    "required": ["name", "content"],
    "properties": {"name": _TEXT, "type": _TEXT, "content": {"type": "string", "format": "byte"}},
}
_MESSAGE = {
    "type": "object",
    "description": "What a customer wrote. Other members are ignored.",
    "required": ["from"],
    "properties": {
        "from": _SENDER,
        "text": {**_TEXT, "description": "Needed, unless there are attachments."},
        "id": {**_TEXT, "maxLength": 200, "description": "Each is taken once in a channel. Absent: the webhook-id."},
        "thread": {**_TEXT, "maxLength": 200, "description": "Your conversation. Absent: each message begins one."},
        "at": {**_TIME, "description": "When it was said, with its offset, at most 7 days ago. Absent: now."},
        "subject": _TEXT,
        "language": _TEXT,
        "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
        "tags": {"type": "array", "maxItems": 20, "items": _TEXT},
        "auto": {**_FLAG, "description": "An automatic reply: shown, wakes nobody."},
        "attachments": {"type": "array", "maxItems": 20, "items": _FILE},
    },
}
_RECEIPT = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {**_TEXT, "description": "The key of the message we sent."},
        "status": {"type": "string", "enum": ["delivered", "read", "failed"]},
        "at": _TIME,
    },
}
_TAKEN = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "enum": ["created", "appended", "duplicate", "stored", "kept"]},
        "case": {"type": "integer"},
        "message": _TEXT,
    },
}
_NOTED = {"type": "object", "properties": {"status": {"type": "string", "enum": ["noted", "known"]}}}
_SIGNATURE = {
    "webhook-id": "1 to 200 printable ASCII characters; the same for every try.",
    "webhook-timestamp": "Unix seconds, within 300 of the present.",
    "webhook-signature": "Over id, time and body, as Standard Webhooks says.",
}


def describe(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """drf-spectacular's hook: add what is no view of its framework."""
    taken = {
        "201": _answer("It is in a case.", _TAKEN),
        "200": _answer("It was there before.", _TAKEN),
        "202": _answer("It is kept and will be in a case.", _TAKEN),
    }
    noted = {"200": _answer("It is noted.", _NOTED)}
    result["paths"] |= {
        "/api/inbound/{channel}/": _door("inbound_message", "A message of a customer", _MESSAGE, taken),
        "/api/inbound/{channel}/receipts/": _door("inbound_receipt", "What became of a message", _RECEIPT, noted),
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _door(name: str, summary: str, body: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    channel = {"in": "path", "name": "channel", "required": True, "schema": _TEXT}
    signature = [
        {"in": "header", "name": header, "required": True, "description": told, "schema": _TEXT}
        for header, told in _SIGNATURE.items()
    ]
    operation = {
        "operationId": name,
        "summary": summary,
        "description": "Signed with a secret of the channel (Standard Webhooks) instead of a token; once for an id.",
        "tags": ["inbound"],
        "security": [{}],
        "parameters": [channel, *signature],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {**answers, "default": _PROBLEM},
    }
    return {"post": operation}


def _answer(told: str, shape: dict[str, Any]) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": shape}}}
