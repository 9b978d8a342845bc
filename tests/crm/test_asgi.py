"""The web process as it starts."""

import asyncio
import gc

from crm import asgi


async def test_what_is_loaded_when_it_starts_is_never_looked_through_again() -> None:
    beating = asyncio.create_task(asgi._beat())
    try:
        await asyncio.sleep(0)
        assert gc.get_freeze_count() > 50_000
    finally:
        beating.cancel()
        gc.unfreeze()
