"""Addresses of the house itself."""

from django.urls import URLPattern, URLResolver, path

from crm import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("metrics", views.metrics, name="metrics"),
    path("sent/", views.sent, name="sent"),
    path("sent/<int:pk>/", views.sent_mail, name="sent_mail"),
    path("robots.txt", views.robots, name="robots"),
]
