"""The ASGI application: HTTP to Django, sockets to the session actor."""

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.development")
# As in manage.py, for servers that load this module by themselves.
os.environ.setdefault("DATABASE_POOL_SIZE", "20")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

# Fills the app registry; what follows imports models.
http = get_asgi_application()

from consumers.entrance import answer_nowhere
from consumers.session import SessionConsumer

application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws/v1/", SessionConsumer.as_asgi()), re_path("", cast("Any", answer_nowhere))])}
)
