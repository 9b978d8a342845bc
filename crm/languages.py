"""Which of our languages a person reads."""

from django.conf import settings


def spoken(code: str) -> str:
    """Ours for a code of theirs ("de-AT" → "de"); the house's own for what we do not speak, rather than half a page."""
    base = code.replace("_", "-").partition("-")[0].lower()
    return base if base in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
