"""/system/: the mailboxes mail is fetched from, how they are, and what they would not hand out."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminURLInputWidget

from cases import mailbox_words, mailboxes
from cases.mail.imap import Trouble
from cases.models import Mailbox, MailboxMail
from crm.admin import HouseAdmin, ReadOnlyAdmin, log_each, system
from crm.secrets import encrypt

HERE = {"localhost", "127.0.0.1", "::1"}
_STAYS = _("It is stored encrypted and never shown. Empty: the present one stays.")
# A field with “password” in its name is not in the history of changes.
_SECRETS = {"new_password": "password", "client_password": "client_secret", "refresh_password": "refresh_token"}
_PLACE = {"host", "user", "folder"}


def _secret(label: Any) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, strip=False, widget=widget, help_text=_STAYS)


class MailboxForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a mailbox is reached. Secrets are written only."""

    new_password = _secret(_("Password"))
    token_url = forms.URLField(
        label=_("Token address"), required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget
    )
    client_password = _secret(_("Client secret"))
    refresh_password = _secret(_("Refresh token"))
    starts = forms.ChoiceField(
        label=_("Which mail"),
        choices=[("now", _("What arrives from now on")), ("all", _("Everything in the folder"))],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Decided once. What is put into the folder later is always read."),
    )

    class Meta:
        model = Mailbox
        fields = [
            *("name", "address", "queue", "is_active", "host", "port", "tls", "user", "folder", "sign_in"),
            *("token_url", "client_id", "scope", "after", "after_folder"),
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("tls") == Mailbox.Security.NONE and str(values.get("host", "")).lower() not in HERE:
            self.add_error("tls", _("Without TLS only a server on this very machine is used."))
        oauth = values.get("sign_in") == Mailbox.SignIn.OAUTH2
        needed = ["token_url", "client_id"] if oauth else ["new_password"]
        for name in needed:
            if not values.get(name) and not (name == "new_password" and self.instance.password):
                self.add_error(name, ValidationError(_("Needed for this way of signing in."), code="required"))
        if values.get("token_url", "").startswith("http://"):
            self.add_error("token_url", _("Secrets are sent there: it must begin with https://."))
        return values

    def secrets(self) -> dict[str, str]:
        """Column → what is to be stored, of those that were entered."""
        entered = {column: self.cleaned_data.get(name, "") for name, column in _SECRETS.items()}
        return {column: encrypt(text) for column, text in entered.items() if text}


@admin.register(Mailbox, site=system)
class MailboxAdmin(HouseAdmin):
    """The list says how each one is; the page sets it up and tries it."""

    form = MailboxForm
    list_display = ["address", "name", "queue", "state", "last_success", "lag", "server_and_stored"]
    list_filter = ["is_active"]
    list_select_related = ["queue"]
    search_fields = ["name", "address"]
    ordering = ["address", "folder"]
    actions = ["test", "try_now"]
    actions_submit_line = ["save_and_test"]
    readonly_fields = ["state", "trouble", "last_success", "lag", "server_and_stored", "reads_from"]
    fieldsets = [
        (None, {"fields": ["name", "address", "queue", "is_active"]}),
        (_("Server"), {"fields": ["host", "port", "tls", "user", "folder"]}),
        (_("Sign-in"), {"fields": ["sign_in", "new_password"]}),
        (_("OAuth 2"), {"fields": ["token_url", "client_id", "client_password", "refresh_password", "scope"],
                        "description": _("Without a refresh token the client signs in for itself.")}),
        (_("Mails"), {"fields": ["starts", "after", "after_folder"]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mailbox]:
        stored = Count("mails", filter=Q(mails__state=MailboxMail.State.STORED))
        skipped = Count("mails", filter=Q(mails__state=MailboxMail.State.SKIPPED))
        return Mailbox.objects.annotate(stored=stored, skipped=skipped)

    def get_fieldsets(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        if obj is None:
            return self.fieldsets
        how = (_("How it is"), {"fields": ["state", "trouble", "last_success", "lag", "server_and_stored"]})
        mails = (_("Mails"), {"fields": ["reads_from", "after", "after_folder"]})
        return [how, *self.fieldsets[:-1], mails]

    # --- columns

    @admin.display(description=_("state"))
    def state(self, box: Mailbox) -> str:
        return mailbox_words.state_of(box, timezone.now())

    @admin.display(description=_("what is wrong"))
    def trouble(self, box: Mailbox) -> str:
        return mailbox_words.why(box.last_error, box.error_detail) if box.last_error else "–"

    @admin.display(description=_("last success"), ordering="last_success_at")
    def last_success(self, box: Mailbox) -> str:
        return mailbox_words.moment(box.last_success_at) if box.last_success_at else "–"

    @admin.display(description=_("lag"))
    def lag(self, box: Mailbox) -> str:
        return mailbox_words.behind(box, timezone.now()) if box.last_seen_at else "–"

    @admin.display(description=_("on the server / stored"))
    def server_and_stored(self, box: Any) -> str:
        """The mails there now, and those stored in all: some may have gone from the server since."""
        there = "–" if box.server_count is None else str(box.server_count)
        not_had = str(_(", not to be had: %d") % box.skipped) if box.skipped else ""
        return f"{there} / {box.stored}{not_had}"

    # --- saving

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        """Only what was changed is written: the rest belongs to whoever fetches."""
        secrets = form.secrets()
        for column, text in secrets.items():
            setattr(obj, column, text)
        if not change:
            obj.reads_from = None if form.cleaned_data.get("starts") == "all" else timezone.now()
            obj.save()
            return
        own = {field.name for field in obj._meta.concrete_fields} - set(_SECRETS)
        changed = [name for name in form.changed_data if name in own] + list(secrets)
        if changed:
            obj.access_token, obj.next_try_at = "", None
            obj.save(update_fields=[*changed, "access_token", "next_try_at"])
        if _PLACE & set(changed):
            obj.begin_anew()

    def response_add(self, request: HttpRequest, obj: Mailbox, post_url_continue: Any = None) -> HttpResponse:
        return self._tested(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Mailbox) -> HttpResponse:
        return self._tested(request, obj) or super().response_change(request, obj)

    def _tested(self, request: HttpRequest, box: Mailbox) -> HttpResponse | None:
        if "save_and_test" not in request.POST:
            return None
        self._try(request, box)
        return redirect(reverse("system:cases_mailbox_change", args=[box.pk]))

    @action(description=_("Save and test the connection"))  # type: ignore[untyped-decorator]
    def save_and_test(self, request: HttpRequest, obj: Mailbox) -> None:
        """A button beside “Save”; what it does comes after saving (`_tested`)."""

    # --- actions

    def _try(self, request: HttpRequest, box: Mailbox) -> None:
        """Sign in and look, fetching nothing; say in words how it went."""
        try:
            with mailboxes.connect(box, now=timezone.now(), patience=mailboxes.AT_A_DESK) as line:
                there, pushed = line.look(), line.has_idle
        except Trouble as trouble:
            self.message_user(request, f"{box}: {mailbox_words.why(trouble.word, trouble.detail)}", messages.ERROR)
            return
        how = _("the server says by itself when mail comes") if pushed else _("it is asked every few seconds")
        said = _("%(box)s: signed in. The folder %(folder)s has %(n)d mails; %(how)s.")
        told = said % {"box": box, "folder": box.folder, "n": there, "how": how}
        self.message_user(request, told, messages.SUCCESS)

    @admin.action(description=_("Test the connection"))
    def test(self, request: HttpRequest, queryset: QuerySet[Mailbox]) -> None:
        for box in queryset:
            self._try(request, box)

    @admin.action(description=_("Try now, without a further pause"))
    def try_now(self, request: HttpRequest, queryset: QuerySet[Mailbox]) -> None:
        for box in queryset:
            box.try_now()
        log_each(self, request, queryset, _("Tried again"))
        self.message_user(request, _("They are tried within a second, if anybody fetches at all."))


@admin.register(MailboxMail, site=system)
class SkippedMailAdmin(ReadOnlyAdmin):
    """What a server would not hand out in all its tries. Everything else went on without it."""

    list_display = ["mailbox", "uid", "size", "arrived_at", "attempts", "why"]
    list_select_related = ["mailbox"]
    fields = ["mailbox", "uid", "size", "arrived_at", "attempts", "why"]
    ordering = ["-arrived_at", "-pk"]
    actions = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailboxMail]:
        return MailboxMail.objects.skipped()

    @admin.display(description=_("what is wrong"))
    def why(self, mail: MailboxMail) -> str:
        return mailbox_words.why(mail.error)

    @admin.action(description=_("Ask the server for the selected mails again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[MailboxMail]) -> None:
        mails = list(queryset)
        for mail in mails:
            mail.retry()
        log_each(self, request, mails, _("Tried again"))
        self.message_user(request, _("%(count)d mails are asked for again.") % {"count": len(mails)})
