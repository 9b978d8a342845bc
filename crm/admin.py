"""The two admins: `supervisors` at /admin/ for who steers queues, `system` at /system/ for administrators.

Who gets in is said by User.role alone; Django's permissions, is_staff and is_superuser open nothing here. Apps register
on these two sites in their admin.py; crm.admin_sites gathers them. Nothing is deleted by people: it is deactivated.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import update_wrapper
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminSelectWidget

from crm import admin_configuration, admin_history, admin_seen, admin_uses, uses
from crm.models import ApiToken, Heartbeat, User

LONGEST_TOLD = 80  # characters of a value in the history of changes


class HouseSite(UnfoldAdminSite):  # type: ignore[misc]
    """An admin whose door asks for a role. Strangers sign in on our own page; who has another role gets a 403 in words."""

    roles: tuple[str, ...] = ()

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and user.is_active and user.role in self.roles

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), str(settings.LOGIN_URL))
            if not self.has_permission(request):
                raise PermissionDenied
            return cast("HttpResponse", inner(request, *args, **kwargs))

        return update_wrapper(door, view)

    def get_urls(self) -> list[URLPattern]:
        """Without the shortcut to pages elsewhere."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("sign_in")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from crm.views import sign_out

        return sign_out(request)


class SupervisorSite(HouseSite):
    site_title = site_header = _("Settings")
    index_title = _("What you steer")
    roles = (User.Role.SUPERVISOR, User.Role.ADMINISTRATOR)

    def get_urls(self) -> list[URLPattern]:
        return [path("configuration/", self.admin_view(self.configuration), name="configuration"), *super().get_urls()]

    def configuration(self, request: HttpRequest) -> HttpResponse:
        """Out as a file, and in again."""
        return admin_configuration.page(self, request, me(request))


class SystemSite(HouseSite):
    site_title = site_header = _("System")
    index_title = _("What administrators set")
    settings_name = "UNFOLD_SYSTEM"
    roles = (User.Role.ADMINISTRATOR,)


supervisors = SupervisorSite("admin")
system = SystemSite("system")


class HouseAdmin(ModelAdmin):  # type: ignore[misc]
    """Who is let into the site sees and changes what `get_queryset` gives, and deletes nothing."""

    view_on_site = False
    change_form_before_template = "crm/admin_uses.html"
    object_history_template = "crm/admin_history.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With who uses the row."""
        row = self.get_object(request, unquote(object_id))
        more = {"uses": uses.of(row, me(request)) if row is not None else []}
        return cast(
            "HttpResponse", super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With every change by whatever way."""
        row = self.get_object(request, unquote(object_id))
        more = {"happened": admin_history.of(row) if row is not None else []}
        return cast("HttpResponse", super().history_view(request, object_id, {**(extra_context or {}), **more}))

    def purpose(self) -> str:
        """What the list is for, in the words of the sidebar: shown where it is empty."""
        own = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
        groups = getattr(settings, self.admin_site.settings_name)["SIDEBAR"]["navigation"]
        items = (item for group in groups for item in group["items"])
        return next((str(item["hint"]) for item in items if str(item["link"]) == own), "")

    def dangers(self, request: HttpRequest, row: Any, form: Any, formsets: Any) -> list[str]:
        """What of the work under way this save would hurt, a sentence each that names its number."""
        return admin_uses.hurt_by_retiring(row, form, me(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        told = self.dangers(request, form.instance, form, formsets) if change else []
        super().save_related(request, form, formsets, change)
        request.dangers = told  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        page = admin_uses.ask_once_more(self.admin_site, request, obj, getattr(request, "dangers", []))
        return page or cast("HttpResponse", super().response_change(request, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Every form knows who fills it in (`user`); one of a row that exists refuses to write over what it did not show."""
        if change and obj is not None:
            wanted = kwargs.get("fields") or flatten_fieldsets(self.get_fieldsets(request, obj))
            kwargs["fields"] = [
                name for name in wanted if name != admin_seen.SEAL
            ]  # it is the form's own, not the row's
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form = admin_seen.guarded(form) if change and obj is not None else form
        form.user = me(request)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = list(super().get_fieldsets(request, obj))
        if obj is None or not self.has_change_permission(request, obj):
            return shown
        return [*shown, (None, {"fields": [admin_seen.SEAL], "classes": ["hidden"]})]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        page = super().render_change_form(request, context, *args, **kwargs)
        if getattr(context["adminform"].form, "changed_meanwhile", False):
            page.status_code = 409
        return page

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only by the filters on the page: a crafted one could ask about rows and columns it does not show."""
        names = {getattr(each, "parameter_name", each) for each in self.list_filter}
        return lookup.split("__")[0] in names

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return _logged(request, obj, ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return _logged(request, obj, CHANGE, message)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        """What the history shows: each changed field before and after."""
        told = [_told(form, name) for name in form.changed_data if not add and "password" not in name]
        rows = [row for formset in formsets or [] for row in formset.forms if row.has_changed()]
        told += [_told_row(row) for row in rows if row.instance.pk or not row.cleaned_data.get("DELETE")]
        return "; ".join(told)


def _logged(request: HttpRequest, row: Model, flag: int, message: str) -> LogEntry:
    """Who did what to which row, without its name: an address may have to be forgotten one day."""
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    return LogEntry.objects.create(
        user=me(request),
        content_type=kind,
        object_id=str(row.pk),
        object_repr=f"#{row.pk}",
        action_flag=flag,
        change_message=message,
    )


def _told(form: Any, name: str) -> str:
    label = form.fields[name].label or name
    return f"{label}: {_words(form.initial.get(name))} → {_words(form.cleaned_data.get(name))}"


def _told_row(row: Any) -> str:
    return f"{'−' if row.cleaned_data.get('DELETE') else '+'} {row.instance}"


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple, QuerySet)):
        value = ", ".join(str(v) for v in value)
    if isinstance(value, Model):
        value = value.pk if value.pk is not None else value
    text = str(value) if value not in (None, "") else "–"
    return text if len(text) <= LONGEST_TOLD else text[: LONGEST_TOLD - 1] + "…"


class ReadOnlyAdmin(HouseAdmin):
    """A list to look at, and what its actions do."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def me(request: HttpRequest) -> User:
    """Who acts; the site's door has asked already."""
    return cast("User", request.user)


# --- people


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    """One person's name, role, language and time zone."""

    class Meta:
        labels = {"email": _("Mail address")}
        help_texts = {
            "username": _("What they sign in with: letters, digits and @ . + - _"),
            "is_active": _("Who is not cannot sign in. What they did keeps their name."),
        }

    user: User  # who fills the form in
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)

    def clean_tz(self) -> str:
        tz = str(self.cleaned_data["tz"])
        try:
            ZoneInfo(tz)
        except (OSError, ValueError, KeyError):
            raise forms.ValidationError(
                _("“%(tz)s” is not a time zone. Write one like Europe/Berlin.") % {"tz": tz}
            ) from None
        return tz

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.instance.pk == self.user.pk and not (
            values.get("is_active") and values.get("role") == User.Role.ADMINISTRATOR
        ):
            raise forms.ValidationError(_("You cannot take your own rights away. Another administrator can."))
        return values


@admin.register(User, site=system)
class UserAdmin(DjangoUserAdmin, HouseAdmin):  # type: ignore[type-arg, misc]
    """Who signs in, and as what. Nobody is deleted: an inactive account signs in no more and its sockets close."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["username", "first_name", "last_name"]
    ordering = ["username"]
    filter_horizontal = ()
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email"]}),
        (_("Role"), {"fields": ["role", "is_active"]}),
        (_("Language and time"), {"fields": ["language", "tz"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "role", "password1", "password2"]}),
    ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return HouseAdmin.lookup_allowed(self, lookup, value, request)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is not an administrator any more keeps no old superuser's mark, which would still open doors."""
        if obj.role != User.Role.ADMINISTRATOR:
            obj.is_superuser = obj.is_staff = False
        obj.save()


# --- the house


@admin.register(ApiToken, site=system)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ["prefix", "user", "scopes", "created_at", "used_at", "revoked_at"]
    list_select_related = ["user"]
    fields = ["prefix", "user", "scopes", "created_at", "used_at", "revoked_at"]
    ordering = ["-created_at"]
    actions = ["revoke"]

    @admin.action(description=_("Revoke the selected tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        now = timezone.now()
        done = [token for token in queryset.filter(revoked_at=None) if _revoked(token, now)]
        log_each(self, request, done, _("Revoked"))
        self.message_user(request, _("%(count)d tokens revoked.") % {"count": len(done)})


def _revoked(token: ApiToken, now: datetime) -> bool:
    return bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now))


def log_each(model_admin: HouseAdmin, request: HttpRequest, rows: Iterable[Model], said: Any) -> None:
    """Put an action into the history of every row it changed."""
    for row in rows:
        model_admin.log_change(request, row, str(said))


@admin.register(Heartbeat, site=system)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "at", "detail"]
    fields = ["name", "at", "detail"]
    ordering = ["name"]
