"""The WSGI application: the plain HTTP API, for servers that carry no sockets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biologidex.settings.development")

application = get_wsgi_application()
