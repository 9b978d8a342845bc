"""Somebody who opens cases, ten a second, in a process of their own: beside a crowd's loop in one process they would wait
for the crowd. `python -m tests.faults.browse COOKIE URL...` prints the 95th percentile in seconds."""

import sys
import time

import httpx


def main(cookie: str, *addresses: str) -> None:
    spent = []
    with httpx.Client(headers={"Cookie": cookie}, timeout=20) as browser:
        for address in addresses:
            started = time.monotonic()
            assert browser.get(address).status_code == 200, address
            spent.append(time.monotonic() - started)
            time.sleep(max(0, 0.1 - spent[-1]))
    print(sorted(spent)[min(len(spent) - 1, int(len(spent) * 0.95))])


if __name__ == "__main__":
    main(*sys.argv[1:])
