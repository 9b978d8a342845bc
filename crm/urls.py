"""Every address of the house."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from crm.admin_sites import supervisors, system

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.house_urls")),  # sign-in, health, metrics, sent mail
    path("", include("cases.public_urls")),  # contact form, attachments
    path("", include("cases.urls")),  # the console
    path("", include("customers.urls")),
    path("", include("outreach.urls")),  # offers, known problems, notices
    path("api/", include("crm.api_urls")),
    path("admin/", supervisors.urls),
    path("system/", system.urls),
]

# An installed app with `plugin_urls` on its AppConfig has its pages at /plugins/<its label>/ (docs/hooks.md).
urlpatterns += [
    path(f"plugins/{app.label}/", include(app.plugin_urls))
    for app in apps.get_app_configs()
    if hasattr(app, "plugin_urls")
]

handler400, handler403, handler404, handler500 = (
    f"crm.views.{name}" for name in ("bad_request", "forbidden", "not_found", "failed")
)
