from django.urls import path

from tests.plugin import views

app_name = "loyalty"
urlpatterns = [path("cards/<int:pk>/", views.card, name="card")]
