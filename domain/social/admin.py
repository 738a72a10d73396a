"""Friendships for staff, to look at: a change has to tell both people, which a service does."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from domain.social.models import Friendship


class ReadOnlyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Friendship)
class FriendshipAdmin(ReadOnlyAdmin):
    list_display = ("id", "from_user", "to_user", "status", "created_at", "updated_at")
    list_filter = ("status",)
    list_select_related = ("from_user", "to_user")
    search_fields = ("=id", "from_user__username", "to_user__username", "=from_user__friend_code", "=to_user__friend_code")
    raw_id_fields = ("from_user", "to_user")
