"""The test run: development without debug pages, quick password hashes for accounts that live for a second, no rate limits unless a test sets one."""

import os

for _name in ("THROTTLE_ANON_RATE", "THROTTLE_USER_RATE"):
    os.environ.setdefault(_name, "")

from biologidex.settings.development import *  # noqa: E402, F403

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.Argon2PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
