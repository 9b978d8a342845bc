from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CasesConfig(AppConfig):
    name = "cases"

    def ready(self) -> None:
        from cases import live  # noqa: F401 - registers the case and queue streams

        autodiscover_modules("case_hooks")
