from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutreachConfig(AppConfig):
    name = "outreach"

    def ready(self) -> None:
        from outreach import live  # noqa: F401 - registers streams and topics

        autodiscover_modules("outreach_hooks")
