from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CasesConfig(AppConfig):
    name = "cases"

    def ready(self) -> None:
        # They register sweeps, streams, and who holds which role.
        from cases import jobs, live, live_approvals, live_news, live_people, live_tasks, roles, whispering  # noqa: F401

        autodiscover_modules("case_hooks")
