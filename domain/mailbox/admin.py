"""Mailboxes for staff, to look at; the events have a key of two columns, which the admin can't show."""

from django.contrib import admin

from domain.mailbox.models import Life, Mailbox
from domain.read_only import ReadOnlyAdmin


@admin.register(Mailbox)
class MailboxAdmin(ReadOnlyAdmin):
    list_display = ("user", "head", "oldest", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "=user__friend_code")
    raw_id_fields = ("user",)


@admin.register(Life)
class LifeAdmin(ReadOnlyAdmin):
    list_display = ("value", "created_at")
