"""Mailboxes for staff, to look at; the events have a key of two columns, which the admin can't show."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from domain.mailbox.models import Life, Mailbox


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Mailbox)
class MailboxAdmin(ReadOnlyAdmin):
    list_display = ("user", "head", "oldest", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "=user__friend_code")
    raw_id_fields = ("user",)


@admin.register(Life)
class LifeAdmin(ReadOnlyAdmin):
    list_display = ("value", "created_at")
