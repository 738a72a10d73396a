"""What every environment shares; every value that may differ comes from the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from biologidex.settings import environment
from biologidex.settings.environment import env

ROOT = Path(__file__).resolve().parent.parent.parent
ENV_FILE = ROOT / ".env"
if ENV_FILE.exists():
    env.read_env(ENV_FILE)

SECRET_KEY = env.str("SECRET_KEY", default="")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "domain.accounts",
    "domain.mailbox",
    "domain.taxonomy",
    "domain.animals",
    "domain.images",
    "domain.social",
    # Before vision: people hear that a job was queued before a worker does.
    "realtime",
    "vision",
    "domain.dex",
    "consumers",
    "consumers.console",
    "biologidex",
]

MIDDLEWARE = [
    "biologidex.logs.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "biologidex.urls"
ASGI_APPLICATION = "biologidex.asgi.application"
WSGI_APPLICATION = "biologidex.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL, with a pool in servers (manage.py, asgi.py) and kept connections elsewhere.
# A writing transaction may live for 10 s at most: a sync's server_time counts on it.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)
DATABASE_POOL_TIMEOUT_S = env.float("DATABASE_POOL_TIMEOUT_S", default=5.0)
DATABASE_STATEMENT_TIMEOUT_MS = env.int("DATABASE_STATEMENT_TIMEOUT_MS", default=30_000)
DATABASE_LOCK_TIMEOUT_MS = env.int("DATABASE_LOCK_TIMEOUT_MS", default=5_000)
DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS = env.int("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS", default=10_000)
_database_options: dict[str, Any] = {
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in (
            ("statement_timeout", DATABASE_STATEMENT_TIMEOUT_MS),
            ("lock_timeout", DATABASE_LOCK_TIMEOUT_MS),
            ("idle_in_transaction_session_timeout", DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS),
        )
    ),
}
if DATABASE_POOL_SIZE:
    _database_options["pool"] = {"min_size": min(2, DATABASE_POOL_SIZE), "max_size": DATABASE_POOL_SIZE, "timeout": DATABASE_POOL_TIMEOUT_S}
_database = environment.database()
_given_options = _database.get("OPTIONS")
DATABASES: dict[str, Any] = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0 if DATABASE_POOL_SIZE else env.int("CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**(_given_options if isinstance(_given_options, dict) else {}), **_database_options},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: one server, a database for each use; each may be a server of its own.
REDIS_URL = environment.base_redis_url()
CELERY_BROKER_URL = environment.redis_url("CELERY_BROKER_URL", base=REDIS_URL, database=0)
CACHE_REDIS_URL = environment.redis_url("CACHE_REDIS_URL", base=REDIS_URL, database=1)
SESSION_REDIS_URL = environment.redis_url("SESSION_REDIS_URL", base=REDIS_URL, database=2)
CHANNELS_REDIS_URL = environment.redis_url("CHANNELS_REDIS_URL", base=REDIS_URL, database=3)
# redis-py 8 gives up on a silent socket after 5 s; a subscriber's socket is silent for as long as there is no news.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": CHANNELS_REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 2}],
            "prefix": env.str("CHANNELS_PREFIX", default="biologidex"),
        },
    }
}
_redis_cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2}}
CACHES = {
    "default": {**_redis_cache, "LOCATION": CACHE_REDIS_URL, "KEY_PREFIX": "biologidex"},
    "sessions": {**_redis_cache, "LOCATION": SESSION_REDIS_URL, "KEY_PREFIX": "biologidex"},
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_CACHE_ALIAS = "sessions"
GRAPH_CACHE_TTL = env.int("GRAPH_CACHE_TTL", default=120)
ANIMAL_CACHE_TTL = env.int("ANIMAL_CACHE_TTL", default=3600)

# Celery. The row of a job is the truth; the broker only carries its id.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 3}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}
CELERY_TASK_TIME_LIMIT = env.int("CELERY_TASK_TIME_LIMIT", default=180)
CELERY_TASK_SOFT_TIME_LIMIT = env.int("CELERY_TASK_SOFT_TIME_LIMIT", default=150)
CELERY_BEAT_SCHEDULE = {
    "vision-sweep": {"task": "vision.sweep", "schedule": timedelta(seconds=env.int("VISION_SWEEP_SECONDS", default=30))},
    "uploads-expire": {"task": "vision.expire_uploads", "schedule": timedelta(hours=1)},
    "mailbox-prune": {"task": "mailbox.prune", "schedule": timedelta(hours=1)},
    "idempotency-prune": {"task": "realtime.prune_keys", "schedule": timedelta(hours=1)},
}

# People.
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
JWT_ACCESS_TOKEN_LIFETIME_MINUTES = env.int("JWT_ACCESS_TOKEN_LIFETIME_MINUTES", default=60)
JWT_REFRESH_TOKEN_LIFETIME_DAYS = env.int("JWT_REFRESH_TOKEN_LIFETIME_DAYS", default=7)
LOGIN_LIFETIME_DAYS = env.int("LOGIN_LIFETIME_DAYS", default=30)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=JWT_ACCESS_TOKEN_LIFETIME_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=JWT_REFRESH_TOKEN_LIFETIME_DAYS),
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "user_id",
}

# REST.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["consumers.rest.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["consumers.rest.rendering.WireRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "consumers.rest.errors.answer_error",
    "DEFAULT_THROTTLE_CLASSES": ["consumers.rest.throttling.AddressThrottle", "consumers.rest.throttling.PersonThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": environment.rate("THROTTLE_ANON_RATE", "100/hour"),
        "user": environment.rate("THROTTLE_USER_RATE", "1000/hour"),
    },
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
    "UNAUTHENTICATED_USER": None,
    # There is one format, and `format` in a query string is a word like any other.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "BiologiDex",
    "DESCRIPTION": "The REST door of BiologiDex. The same operations are reached over the WebSocket; see PROTOCOL.md.",
    "VERSION": "1",
    # Its schemas are JSON Schema's, as pydantic writes them.
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "upload-offset", "x-client-version", "x-request-id"]
CORS_EXPOSE_HEADERS = ["retry-after", "upload-offset", "x-request-id", "etag"]
LEGACY_CLIENT = env.bool("LEGACY_CLIENT", default=False)

# The socket.
OPERATION_RATES = environment.rates()
SOCKET_HEARTBEAT_SECONDS = env.float("SOCKET_HEARTBEAT_SECONDS", default=25.0)
SOCKET_DRAIN_SECONDS = env.float("SOCKET_DRAIN_SECONDS", default=2.0)
SOCKET_AUTHENTICATE_SECONDS = env.float("SOCKET_AUTHENTICATE_SECONDS", default=5.0)
SOCKET_MAX_REQUEST_BYTES = env.int("SOCKET_MAX_REQUEST_BYTES", default=65_536)
SOCKET_UPLOAD_CHUNK_BYTES = env.int("SOCKET_UPLOAD_CHUNK_BYTES", default=32_768)
SOCKET_CONNECTIONS_PER_USER = env.int("SOCKET_CONNECTIONS_PER_USER", default=8)
REQUEST_THREADS = env.int("REQUEST_THREADS", default=16)
REQUEST_QUEUE_SECONDS = env.float("REQUEST_QUEUE_SECONDS", default=10.0)
MAILBOX_KEEP_DAYS = env.int("MAILBOX_KEEP_DAYS", default=30)
MAILBOX_KEEP_EVENTS = env.int("MAILBOX_KEEP_EVENTS", default=10_000)

# Pictures.
MAX_UPLOAD_SIZE_MB = env.int("MAX_UPLOAD_SIZE_MB", default=10)
MAX_UPLOAD_BYTES = MAX_UPLOAD_SIZE_MB * 1024 * 1024
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", default=50_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_BYTES + 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(ROOT / ".data" / "media"))
MEDIA_URL = "/media/"
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
GCS_BUCKET_NAME = env.str("GCS_BUCKET_NAME", default="")
GCS_PROJECT_ID = env.str("GCS_PROJECT_ID", default="")
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
if GCS_BUCKET_NAME:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.gcloud.GoogleCloudStorage",
        "OPTIONS": {"bucket_name": GCS_BUCKET_NAME, "project_id": GCS_PROJECT_ID or None},
    }
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(ROOT / ".data" / "static"))
# Without a collected folder (a development machine), static files are found in the packages that ship them.
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", default=True)

# The eye.
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="")
OPENAI_MODEL = env.str("OPENAI_MODEL", default="gpt-4o")
OPENAI_API = env.str("OPENAI_API", default="chat")
OPENAI_DETAIL_LEVEL = env.str("OPENAI_DETAIL_LEVEL", default="auto")
OPENAI_TIMEOUT_S = env.float("OPENAI_TIMEOUT_S", default=30.0)
OPENAI_MAX_OUTPUT_TOKENS = env.int("OPENAI_MAX_OUTPUT_TOKENS", default=1000)
VISION_PROVIDER = env.str("VISION_PROVIDER", default="")
VISION_PROVIDERS = {
    "openai": "vision.providers.openai_service.OpenAIVisionService",
    "fallback": "vision.providers.fallback.FallbackService",
}
VISION_SURE_CONFIDENCE = env.float("VISION_SURE_CONFIDENCE", default=0.8)
VISION_RETRY_WAITS_S = [env.float("VISION_RETRY_BASE_SECONDS", default=60.0) * factor for factor in (1, 2, 4)]
VISION_LEASE_SECONDS = env.int("VISION_LEASE_SECONDS", default=240)

TEST_RUNNER = "biologidex.test_runner.PytestRunner"

# Words.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [ROOT / "biologidex" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# What is told of the running server.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_DIR = env.str("LOG_DIR", default="")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "biologidex.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "PIL": {"level": "WARNING"},
    },
}

# Browsers.
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
