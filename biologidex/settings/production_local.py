"""One server of one's own, behind its own proxy or none; TLS is the proxy's business and may be absent on a home network."""

from biologidex.settings import environment
from biologidex.settings.base import *  # noqa: F403
from biologidex.settings.environment import env

environment.require_production_secrets()

USE_TLS = env.bool("USE_TLS", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
SESSION_COOKIE_SECURE = USE_TLS
CSRF_COOKIE_SECURE = USE_TLS
# Both are the proxy's to do here: HSTS would lock browsers out of a server at home whose certificate ends, and a redirect one without TLS.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
