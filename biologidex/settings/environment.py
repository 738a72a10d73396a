"""Reads the process environment into typed values; knows no setting by name."""

import os
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

MIN_SECRET_KEY_CHARACTERS = 50
# A number, a slash and a period that begins like second, minute, hour or day.
RATE = re.compile(r"\d+\s*/\s*[smhd][a-z]*")
PLACEHOLDERS = (
    "admin",
    "biologidex",
    "change",
    "default",
    "development",
    "django-insecure",
    "example",
    "insecure",
    "password",
    "placeholder",
    "postgres",
    "redis",
    "secret",
    "test",
    "your-",
)


def redis_url(name: str, *, base: str, database: int) -> str:
    """The Redis URL in variable `name`, else `base` with its database number replaced by `database`."""
    if given := env.str(name, default=""):
        return str(given)
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=f"/{database}"))


def base_redis_url() -> str:
    """REDIS_URL where it is set, else one made of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD."""
    if given := env.str("REDIS_URL", default=""):
        return str(given)
    password = env.str("REDIS_PASSWORD", default="")
    credentials = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{credentials}{env.str('REDIS_HOST', default='localhost')}:{env.int('REDIS_PORT', default=6379)}/0"


def database() -> dict[str, object]:
    """Django's description of the database: DATABASE_URL where it is set, else DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD."""
    if env.str("DATABASE_URL", default=""):
        described = dict(env.db_url("DATABASE_URL"))
        described["ENGINE"] = "django.db.backends.postgresql"
        return described
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": env.str("DB_HOST", default="localhost"),
        "PORT": env.str("DB_PORT", default="5432"),
        "NAME": env.str("DB_NAME", default="biologidex"),
        "USER": env.str("DB_USER", default="biologidex"),
        "PASSWORD": env.str("DB_PASSWORD", default=""),
    }


def rate(name: str, default: str) -> str | None:
    """A throttle rate in DRF's form, such as "100/hour"; an empty value means no limit and gives None.

    Raises:
        ImproperlyConfigured: it has another form; the text names the variable.
    """
    given = str(env.str(name, default=default)).strip()
    if given and not RATE.fullmatch(given):
        raise ImproperlyConfigured(f'{name} is no rate: write a number, a slash and second, minute, hour or day, such as "100/hour".')
    return given or None


def rates() -> Mapping[str, str]:
    """Every THROTTLE_<OPERATION>_RATE that is set, by the variable's name; "" means no limit.

    Raises:
        ImproperlyConfigured: as `rate`.
    """
    names = [name for name in os.environ if name.startswith("THROTTLE_") and name.endswith("_RATE")]
    return {name: rate(name, "") or "" for name in names}


def required_secret(name: str, *, at_least: int = 8) -> str:
    """A secret of at least `at_least` characters that is nobody's default.

    Raises:
        ImproperlyConfigured: it is missing, too short or a known placeholder; the text names the variable, never its value.
    """
    value = str(env.str(name, default="")).strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Production settings need it; see .env.example.")
    if len(value) < at_least:
        raise ImproperlyConfigured(f"{name} is too short: it needs at least {at_least} characters.")
    _refuse_placeholder(name, value)
    return value


def _refuse_placeholder(name: str, secret: str) -> None:
    if any(secret.lower().startswith(word) for word in PLACEHOLDERS):
        raise ImproperlyConfigured(f"{name} still looks like a placeholder. Set a value of your own; see .env.example.")


def require_production_secrets() -> None:
    """Refuses a start without secrets of one's own. A URL that is set stands in for the parts that it replaces.

    Raises:
        ImproperlyConfigured: with the variable's name.
    """
    required_secret("SECRET_KEY", at_least=MIN_SECRET_KEY_CHARACTERS)
    for url, name in (("DATABASE_URL", "DB_PASSWORD"), ("REDIS_URL", "REDIS_PASSWORD")):
        given = str(env.str(url, default=""))
        if not given:
            required_secret(name)
        elif password := urlsplit(given).password:
            _refuse_placeholder(url, unquote(password))
    if not env.list("ALLOWED_HOSTS", default=[]):
        raise ImproperlyConfigured("ALLOWED_HOSTS is not set. Name the hosts that this server answers for, with commas between.")
