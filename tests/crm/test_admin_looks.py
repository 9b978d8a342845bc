"""The two admins borrow their looks from django-unfold, whose stylesheet holds only the classes it uses itself."""

import re
from pathlib import Path

import unfold
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = ("**/admin_*.html", "admin/*.html", "unfold/**/*.html")
HOOKS = {"macro-effects"}  # named for tests, not for looks


def test_every_class_of_our_admin_pages_has_a_style() -> None:
    """One that has none changes nothing, and nobody sees it in the template: two links run into each other."""
    sheets = [Path(unfold.__file__).parent / "static/unfold/css/styles.css", *ROOT.glob("static/css/admin*.css")]
    styled = set(re.findall(r"\.((?:\\.|[\w-])+)", "".join(sheet.read_text() for sheet in sheets)))
    known = {name.replace("\\", "") for name in styled} | HOOKS
    pages = [page for pattern in OURS for page in (ROOT / "templates").glob(pattern)]
    used = {(page.name, name) for page in pages for name in _classes(page.read_text())}
    assert len(used) > 50
    assert sorted((page, name) for page, name in used if name not in known) == []


def _classes(html: str) -> set[str]:
    found = re.findall(r'class="([^"]*)"', html)
    return {name for text in found for name in re.sub(r"\{[%{].*?[%}]\}", " ", text).split()}
