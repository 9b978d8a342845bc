"""Every address of the house."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.house_urls")),  # sign-in, health, metrics, sent mail
    path("", include("cases.public_urls")),  # contact form, attachments
    path("", include("cases.urls")),  # the console
    path("", include("customers.urls")),
    path("api/", include("crm.api_urls")),
]
