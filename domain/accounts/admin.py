"""Accounts for staff: people may be corrected and disabled, numbers and logins only looked at."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from domain import mailbox
from domain.accounts import services
from domain.accounts.models import Login, User, UserProfile
from domain.read_only import ReadOnlyAdmin


class PasswordChange(AdminPasswordChangeForm):
    """A new password ends every login that the old one began."""

    def save(self, commit: bool = True) -> Any:
        with mailbox.transaction():
            user = super().save(commit=commit)
            services.end_logins(user)
        return user


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Deleting is not offered: it has to tell friends and open graphs, which a service does."""

    change_password_form = PasswordChange
    list_display = ("username", "email", "friend_code", "is_active", "is_staff", "created_at")
    search_fields = ("username", "email", "=friend_code", "=id")
    readonly_fields = ("id", "friend_code", "badges", "created_at", "updated_at", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("id", "username", "password")}),
        (_("Person"), {"fields": ("email", "first_name", "last_name", "friend_code", "bio", "avatar", "badges")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Times"), {"fields": ("last_login", "date_joined", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        with mailbox.transaction():
            super().save_model(request, obj, form, change)
            if change and not obj.is_active:
                services.end_logins(obj)


@admin.register(UserProfile)
class UserProfileAdmin(ReadOnlyAdmin):
    list_display = ("user", "total_catches", "unique_species", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "=user__friend_code")
    raw_id_fields = ("user",)


@admin.register(Login)
class LoginAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "created_at", "rotated_at", "ends_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("=id", "user__username")
    exclude = ("refresh_id",)
    raw_id_fields = ("user",)
