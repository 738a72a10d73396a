"""Names the room of pictures to Django; knows nothing of what is in them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImagesConfig(AppConfig):
    name = "domain.images"
    label = "images"
    verbose_name = _("Pictures")
    default_auto_field = "django.db.models.BigAutoField"
