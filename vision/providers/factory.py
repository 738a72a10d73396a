"""Chooses the provider that the settings name; knows no provider by itself."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from vision.providers.service import CVService


class CVServiceFactory:
    """Makes providers from the settings VISION_PROVIDER (a method) and VISION_PROVIDERS (method -> dotted path of a class)."""

    @staticmethod
    def default_method() -> str:
        """VISION_PROVIDER, or where it is empty: openai if a key or a server is set, else fallback."""
        if settings.VISION_PROVIDER:
            return str(settings.VISION_PROVIDER)
        return "openai" if settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL else "fallback"

    @classmethod
    def create(cls, method: str | None = None) -> CVService:
        """The provider for `method`, by default the one of the settings.

        Raises: ImproperlyConfigured for a method without a class, or a class that is no CVService.
        """
        wanted = method or cls.default_method()
        path = settings.VISION_PROVIDERS.get(wanted)
        if path is None:
            raise ImproperlyConfigured(
                f"VISION_PROVIDERS has no provider for the method {wanted!r}; it has {sorted(settings.VISION_PROVIDERS)}."
            )
        try:
            provider = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(f"VISION_PROVIDERS[{wanted!r}] = {path!r} cannot be imported: {error}") from error
        if not (isinstance(provider, type) and issubclass(provider, CVService)):
            raise ImproperlyConfigured(f"VISION_PROVIDERS[{wanted!r}] = {path!r} is not a CVService.")
        return provider()
