"""Look at the console: sign in, open a page in Chromium, take screenshots in the sizes and colours people use.

python -m tests.look http://127.0.0.1:8000 rosa "correct horse battery" /tmp/shots / /cases/10001/
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium

SIZES = {"wide": (1440, 900), "middle": (1024, 768), "phone": (390, 844), "small": (360, 640)}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Whatever Chromium there is, headless."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        yield opened
        opened.close()


def sign_in(page: Page, base: str, name: str, password: str) -> None:
    page.goto(f"{base}/sign-in/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("main form button")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def shoot(base: str, name: str, password: str, folder: Path, paths: list[str], sizes: list[str]) -> list[str]:
    """A picture of each path in each size, light and dark; returns what the browser complained about."""
    complaints: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as opened:
        for scheme in ("light", "dark"):
            context = opened.new_context(color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.on(
                "console",
                lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None,
            )
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            sign_in(page, base, name, password)
            for size in sizes:
                page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
                for path in paths:
                    page.goto(base + path)
                    page.wait_for_timeout(900)
                    label = path.split("?")[0].strip("/").replace("/", "-") or "home"
                    page.screenshot(path=folder / f"{label}-{size}-{scheme}.png")
            context.close()
    return complaints


def main(argv: list[str]) -> int:
    base, name, password, folder, *paths = argv
    complaints = shoot(base, name, password, Path(folder), paths or ["/"], list(SIZES))
    print("\n".join(dict.fromkeys(complaints)) or "no complaints in the browser's console")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
