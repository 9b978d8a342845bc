"""The web process as it starts."""

import subprocess
import sys

from tests import processes

BEGINS = """
import asyncio, gc
from crm import asgi

async def begin():
    asyncio.create_task(asgi._beat())
    await asyncio.sleep(0)

asyncio.run(begin())
print(gc.get_freeze_count())
"""


def test_what_is_loaded_when_it_starts_is_never_looked_through_again(db: None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGINS], env=processes.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 50_000
