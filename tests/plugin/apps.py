from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    """A complete plugin: loyalty cards beside customers and cases, vouchers sent through the outward door."""

    name = "tests.plugin"
    label = "loyalty"
    default_auto_field = "django.db.models.BigAutoField"
    plugin_urls = "tests.plugin.urls"  # mounted at /plugins/loyalty/
