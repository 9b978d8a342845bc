"""Ways out of the house, and what can go wrong on them."""

from datetime import timedelta
from uuid import UUID

from cases.hooks import Adapter, Outgoing, channels
from cases.models import Channel, Dispatch
from crm.database.prepared import Prepared


class Failed(Exception):
    """The other side will not take it; the same again is useless. `reason` is an enumerated word, the text is for a
    person."""

    def __init__(self, message: str, *, reason: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class Later(Exception):
    """Nothing was sent, or the other side sorts out repeats by our key: try again, not before `after` if it is told."""

    def __init__(self, message: str, *, reason: str = "later", after: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason, self.after = reason, after


class Unknown(Exception):
    """It may have arrived, and the other side would not notice a repeat: a person decides."""

    def __init__(self, message: str, *, reason: str = "interrupted") -> None:
        super().__init__(message)
        self.reason = reason


def adapter_for(way: "Dispatch | str") -> Adapter:
    """The adapter of a dispatch, or of a channel's slug ("mail" included). Raises Failed when there is none."""
    slug = way if isinstance(way, str) else way.channel
    if slug == "mail":
        return _built_in()["mail"]
    channel = channel_for(slug)
    if channel is None or not channel.is_active:
        raise Failed("There is no active channel to send this through.", reason="no_channel")
    return _by_kind(channel.kind)


def permitted(outgoing: Outgoing, slug: str) -> Dispatch:
    """The claimed dispatch this message is. Nothing else leaves through our own adapters, whoever calls them, and to no
    other address than the one that was asked about."""
    dispatch = _NAMED.first(UUID(outgoing.key), slug, outgoing.to)
    if dispatch and (dispatch.state, dispatch.reason) == (Dispatch.State.UNKNOWN, "interrupted"):
        raise Later("Its sender was so slow that it was taken for dead, and had not begun to speak.", reason="slow")
    if dispatch is None or dispatch.state != Dispatch.State.CLAIMED:
        raise Failed("Nothing leaves that was not permitted to this address.", reason="not_permitted")
    return dispatch


_NAMED = Prepared(
    lambda key, slug, address: Dispatch.objects.filter(key=key, channel=slug, address=address), UUID, str, str
)


def channel_for(slug: str) -> Channel | None:
    """The configured channel an adapter is given to send through; None for mail."""
    return Channel.objects.filter(slug=slug).first()


def _by_kind(kind: str) -> Adapter:
    offered = {adapter.kind: adapter for adapter in channels.collect()}
    found = _built_in().get(kind) or offered.get(kind)
    if found is None:
        raise Failed(f"Nothing here sends through channels of the kind {kind}.", reason="no_channel")
    return found


def _built_in() -> dict[str, Adapter]:
    from cases.channels.generic import Generic
    from cases.channels.mail import Mail

    return {"mail": Mail(), "generic": Generic()}
