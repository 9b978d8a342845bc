"""The one socket of the house: /live/ (docs/live.md)."""

from channels.generic.websocket import AsyncWebsocketConsumer


class LiveConsumer(AsyncWebsocketConsumer):
    """What a console says and hears."""
