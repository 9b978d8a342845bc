"""What reading mails in limited children takes, without a database: one owner with as many threads as a sweep has lanes.

Each line of its input is a number; it reads that many mails and writes the seconds it took.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
django.setup()

from benchmarks.letters import letter  # noqa: E402
from cases.intake import LANES  # noqa: E402
from cases.mail import child  # noqa: E402

KINDS = [letter(n) for n in range(20)]


def main() -> None:
    with ThreadPoolExecutor(LANES) as pool:
        for line in sys.stdin:
            began = time.perf_counter()
            list(pool.map(lambda n: child.parse(KINDS[n % len(KINDS)], quick=True), range(int(line))))
            print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
