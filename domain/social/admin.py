"""Friendships for staff, to look at: a change has to tell both people, which a service does."""

from django.contrib import admin

from domain.read_only import ReadOnlyAdmin
from domain.social.models import Friendship


@admin.register(Friendship)
class FriendshipAdmin(ReadOnlyAdmin):
    list_display = ("id", "from_user", "to_user", "status", "created_at", "updated_at")
    list_filter = ("status",)
    list_select_related = ("from_user", "to_user")
    search_fields = ("=id", "from_user__username", "to_user__username", "=from_user__friend_code", "=to_user__friend_code")
    raw_id_fields = ("from_user", "to_user")
