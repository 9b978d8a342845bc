"""What needs no sign-in, or checks it itself: the contact form, channels, and by their token attachments and mails."""

from django.urls import URLPattern, URLResolver, path

from cases.views import inbound, mail, public, status

app_name = "public"

urlpatterns: list[URLPattern | URLResolver] = [
    path("contact/", public.contact, name="contact"),
    path("contact/thanks/<str:token>/", public.thanks, name="thanks"),
    path("contact/<slug:topic>/", public.contact, name="topic"),
    path("status/<str:token>/", status.status, name="status"),
    path("status/<str:token>/survey/", status.survey, name="survey"),
    path("attachments/<slug:token>/", public.attachment, name="attachment"),
    path("messages/<slug:token>/text/", mail.text, name="message_text"),
    path("messages/<slug:token>/body/", mail.body, name="mail_body"),
    path("messages/<slug:token>/picture/", mail.picture, name="mail_picture"),
    path("api/inbound/<slug:slug>/", inbound.inbound, name="inbound"),
    path("api/inbound/<slug:slug>/receipts/", inbound.inbound_receipts, name="inbound_receipts"),
]
