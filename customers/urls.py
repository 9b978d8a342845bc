"""The customers' addresses. What a person does to a customer is a noun under them."""

from django.urls import URLPattern, URLResolver, path

from customers.views import changing, listing, merging, page, preferences, unsubscribe

app_name = "customers"

urlpatterns: list[URLPattern | URLResolver] = [
    path("customers/", listing.customers, name="list"),
    path("customers/<int:pk>/", page.customer, name="customer"),
    path("customers/<int:pk>/card/", page.card, name="card"),
    path("customers/<int:pk>/since/", page.since, name="since"),
    path("customers/<int:pk>/timeline/", page.timeline, name="timeline"),
    path("customers/<int:pk>/panels/<slug:name>/", page.panel, name="panel"),
    path("customers/<int:pk>/profile/", changing.profile, name="profile"),
    path("customers/<int:pk>/contact-points/", changing.contact_points, name="contact_points"),
    path("customers/contact-points/<int:pk>/verification/", changing.verification, name="verification"),
    path("customers/contact-points/<int:pk>/ending/", changing.ending, name="ending"),
    path("customers/<int:pk>/consents/", changing.consents, name="consents"),
    path("customers/<int:pk>/merges/", merging.merges, name="merges"),
    path("customers/merges/<int:pk>/undoing/", merging.undoing, name="undoing"),
    path("preferences/<str:token>/", preferences.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
]
