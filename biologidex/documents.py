"""The API's documents for people: Swagger and ReDoc, which load nothing from any other host. What is in them, the tables know."""

from typing import Any

from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

# Both bring their scripts along, and write more of them into the page; ReDoc searches in a worker made of a blob.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)


class _FromHereOnly(APIView):
    url_name = "schema"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response["Content-Security-Policy"] = POLICY
        return super().finalize_response(request, response, *args, **kwargs)


class SwaggerView(_FromHereOnly, SpectacularSwaggerView):
    """GET /api/docs/"""


class RedocView(_FromHereOnly, SpectacularRedocView):
    """GET /api/redoc/"""

    template_name = "biologidex/redoc.html"
