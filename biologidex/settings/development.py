"""A developer's machine: readable errors, a key made for it, any local host."""

from biologidex.settings.base import *  # noqa: F403
from biologidex.settings.base import ALLOWED_HOSTS, SECRET_KEY
from biologidex.settings.environment import env

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = SECRET_KEY or "development-only-development-only-development-only-key"
ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
