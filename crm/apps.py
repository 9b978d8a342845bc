from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Forefront"

    def ready(self) -> None:
        from crm import checks, housekeeping  # noqa: F401 - registers the checks of settings and the house's own sweeps
        from crm.events import on_commit_wake
        from crm.live import wake

        on_commit_wake(wake.soon)

        autodiscover_modules("jobs", "house_hooks")
