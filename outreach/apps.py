from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutreachConfig(AppConfig):
    name = "outreach"

    def ready(self) -> None:
        autodiscover_modules("outreach_hooks")
