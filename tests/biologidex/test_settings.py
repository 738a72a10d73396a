"""Each of the environment's variables has its effect, and production doesn't start with what everybody knows."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a program needs to run at all; nothing of ours.
GROUND = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")}
OWN = {
    "SECRET_KEY": secrets.token_hex(40),
    "DB_PASSWORD": secrets.token_hex(12),
    "REDIS_PASSWORD": secrets.token_hex(12),
    "ALLOWED_HOSTS": "dex.example.org",
}
PRODUCTION = ("production", "production_local")


def run(code: str, *, settings: str = "production", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**GROUND, "DJANGO_SETTINGS_MODULE": f"biologidex.settings.{settings}", **variables}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def setting(expression: str, *, settings: str = "production", **variables: str) -> Any:
    """What an expression over `settings` gives, in a process with these variables and secrets of its own."""
    code = f"import json; from django.conf import settings; print(json.dumps({expression}))"
    given = OWN if settings in PRODUCTION else {}
    done = run(code, settings=settings, **{**given, **variables})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


KEY = secrets.token_hex(40)


@pytest.mark.parametrize(
    ("variables", "expression", "value"),
    [
        ({"SECRET_KEY": KEY}, "settings.SECRET_KEY", KEY),
        ({"DB_HOST": "db.internal"}, "settings.DATABASES['default']['HOST']", "db.internal"),
        ({"DB_NAME": "dex"}, "settings.DATABASES['default']['NAME']", "dex"),
        ({"DB_USER": "dexter"}, "settings.DATABASES['default']['USER']", "dexter"),
        ({"DB_PASSWORD": "k3x/y:z@w-5v4"}, "settings.DATABASES['default']['PASSWORD']", "k3x/y:z@w-5v4"),
        ({"DB_PORT": "6432"}, "settings.DATABASES['default']['PORT']", "6432"),
        ({"REDIS_PASSWORD": "k3x/y:z@w-5v4", "REDIS_HOST": "r"}, "settings.CACHE_REDIS_URL", "redis://:k3x%2Fy%3Az%40w-5v4@r:6379/1"),
        ({"DEBUG": "True"}, "settings.DEBUG", True),
        ({}, "settings.DEBUG", False),
        ({"ALLOWED_HOSTS": "a.example.org,b.example.org"}, "settings.ALLOWED_HOSTS", ["a.example.org", "b.example.org"]),
        ({"CORS_ALLOWED_ORIGINS": "https://play.example.org"}, "settings.CORS_ALLOWED_ORIGINS", ["https://play.example.org"]),
        ({}, "settings.SIMPLE_JWT['ACCESS_TOKEN_LIFETIME'].total_seconds()", 3600),
        ({}, "settings.SIMPLE_JWT['REFRESH_TOKEN_LIFETIME'].total_seconds()", 7 * 86_400),
        ({"JWT_ACCESS_TOKEN_LIFETIME_MINUTES": "5"}, "settings.SIMPLE_JWT['ACCESS_TOKEN_LIFETIME'].total_seconds()", 300),
        ({"JWT_REFRESH_TOKEN_LIFETIME_DAYS": "2"}, "settings.SIMPLE_JWT['REFRESH_TOKEN_LIFETIME'].total_seconds()", 2 * 86_400),
        ({"GRAPH_CACHE_TTL": "7"}, "settings.GRAPH_CACHE_TTL", 7),
        ({}, "settings.GRAPH_CACHE_TTL", 120),
        ({"ANIMAL_CACHE_TTL": "8"}, "settings.ANIMAL_CACHE_TTL", 8),
        ({}, "settings.ANIMAL_CACHE_TTL", 3600),
        ({"MAX_UPLOAD_SIZE_MB": "3"}, "settings.MAX_UPLOAD_BYTES", 3 * 1024 * 1024),
        ({}, "settings.MAX_UPLOAD_BYTES", 10 * 1024 * 1024),
        ({"CELERY_BROKER_URL": "redis://broker:6379/9"}, "settings.CELERY_BROKER_URL", "redis://broker:6379/9"),
        ({"GCS_BUCKET_NAME": "dex"}, "settings.STORAGES['default']['BACKEND']", "storages.backends.gcloud.GoogleCloudStorage"),
        (
            {"GCS_BUCKET_NAME": "dex", "GCS_PROJECT_ID": "zoo"},
            "settings.STORAGES['default']['OPTIONS']",
            {"bucket_name": "dex", "project_id": "zoo"},
        ),
        ({}, "settings.STORAGES['default']['BACKEND']", "django.core.files.storage.FileSystemStorage"),
        ({"OPENAI_API_KEY": "k"}, "settings.OPENAI_API_KEY", "k"),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_MODEL": "m"},
            "[settings.OPENAI_BASE_URL, settings.OPENAI_MODEL]",
            ["http://127.0.0.1:1/v1", "m"],
        ),
        ({"THROTTLE_ANON_RATE": "5/minute"}, "settings.REST_FRAMEWORK['DEFAULT_THROTTLE_RATES']['anon']", "5/minute"),
        ({"THROTTLE_USER_RATE": ""}, "settings.REST_FRAMEWORK['DEFAULT_THROTTLE_RATES']['user']", None),
        ({}, "settings.REST_FRAMEWORK['DEFAULT_THROTTLE_RATES']", {"anon": "100/hour", "user": "1000/hour"}),
        ({"THROTTLE_DEX_CREATE_RATE": "2/day"}, "settings.OPERATION_RATES['THROTTLE_DEX_CREATE_RATE']", "2/day"),
        ({"LEGACY_CLIENT": "on"}, "settings.LEGACY_CLIENT", True),
        ({}, "settings.LEGACY_CLIENT", False),
        ({"CONN_MAX_AGE": "9"}, "settings.DATABASES['default']['CONN_MAX_AGE']", 9),
        ({}, "settings.DATABASES['default']['CONN_MAX_AGE']", 600),
    ],
)
def test_a_variable_has_its_effect(variables: dict[str, str], expression: str, value: object) -> None:
    assert setting(expression, **variables) == value


def test_database_url_wins_over_its_parts() -> None:
    database = setting(
        "settings.DATABASES['default']",
        DATABASE_URL="postgres://u:k3y-of-mine@url.internal:5433/d",
        DB_HOST="parts.internal",
        DB_NAME="parts",
    )
    assert (database["HOST"], database["PORT"], database["NAME"], database["USER"], database["PASSWORD"]) == (
        "url.internal",
        5433,
        "d",
        "u",
        "k3y-of-mine",
    )
    assert database["ENGINE"] == "django.db.backends.postgresql"


def test_redis_url_wins_over_its_parts_and_each_use_has_its_own_database() -> None:
    urls = setting(
        "[settings.CELERY_BROKER_URL, settings.CACHE_REDIS_URL, settings.SESSION_REDIS_URL, settings.CHANNELS_REDIS_URL]",
        REDIS_URL="redis://:k3y-of-mine@url.internal:6380/5",
        REDIS_HOST="parts.internal",
    )
    assert urls == [f"redis://:k3y-of-mine@url.internal:6380/{number}" for number in range(4)]


def test_each_use_of_redis_can_have_a_server_of_its_own() -> None:
    given = {
        name: f"redis://{name.lower()}:6379/7"
        for name in ("CELERY_BROKER_URL", "CACHE_REDIS_URL", "SESSION_REDIS_URL", "CHANNELS_REDIS_URL")
    }
    assert setting(f"{{name: getattr(settings, name) for name in {list(given)}}}", **given) == given


@pytest.mark.parametrize("settings", PRODUCTION)
@pytest.mark.parametrize("name", ["SECRET_KEY", "DB_PASSWORD", "REDIS_PASSWORD", "ALLOWED_HOSTS"])
def test_production_refuses_to_start_without(name: str, settings: str) -> None:
    refused = run("import django; django.setup()", settings=settings, **{key: value for key, value in OWN.items() if key != name})
    assert refused.returncode != 0
    assert f"ImproperlyConfigured: {name} " in refused.stderr


@pytest.mark.parametrize("settings", PRODUCTION)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "change-me-" * 8),
        ("SECRET_KEY", "development-only-development-only-development-only-key"),
        ("SECRET_KEY", "django-insecure-" + "x7" * 30),
        ("SECRET_KEY", "t00-sh0rt-for-a-key"),
        ("DB_PASSWORD", "biologidex-and-more"),
        ("DB_PASSWORD", "postgres"),
        ("REDIS_PASSWORD", "changeme123"),
        ("DATABASE_URL", "postgres://u:password123@db/d"),
        ("REDIS_URL", "redis://:changeme@r:6379/0"),
    ],
)
def test_production_refuses_a_secret_that_everybody_knows_and_does_not_repeat_it(name: str, value: str, settings: str) -> None:
    refused = run("import django; django.setup()", settings=settings, **{**OWN, name: value})
    assert refused.returncode != 0
    assert f"ImproperlyConfigured: {name} " in refused.stderr
    assert value not in refused.stderr


@pytest.mark.parametrize("rate", ["plenty", "5", "5/fortnight", "-1/hour", "five/hour", "5/hour/day"])
@pytest.mark.parametrize("name", ["THROTTLE_ANON_RATE", "THROTTLE_DEX_CREATE_RATE"])
def test_a_rate_in_a_wrong_form_is_refused_at_the_start(name: str, rate: str) -> None:
    refused = run("import django; django.setup()", settings="development", **{name: rate})
    assert refused.returncode != 0
    assert f"ImproperlyConfigured: {name} " in refused.stderr


@pytest.mark.parametrize("settings", PRODUCTION)
def test_check_deploy_is_clean(settings: str) -> None:
    environment = {**GROUND, **OWN, "DJANGO_SETTINGS_MODULE": f"biologidex.settings.{settings}"}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_production_silences_no_check() -> None:
    assert setting("settings.SILENCED_SYSTEM_CHECKS") == []


def test_production_keeps_cookies_and_browsers_on_tls() -> None:
    assert (
        setting(
            "[settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS > 0]"
        )
        == [True] * 4
    )


def test_commands_use_development_settings_unless_told_otherwise() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "diffsettings", "--output", "unified"],
        cwd=ROOT,
        env=GROUND,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "biologidex.settings.development" in done.stdout, done.stderr
