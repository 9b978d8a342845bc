from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers import jobs, live  # noqa: F401 - register the sweep and the customer stream

        autodiscover_modules("customer_hooks")
