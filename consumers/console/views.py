"""The page at `/`: says where to go from here; carries no script and loads nothing from elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is to be found on this server."""
    scheme = "wss" if request.is_secure() else "ws"
    response = render(request, "console/home.html", {"socket_url": f"{scheme}://{request.get_host()}/ws/v1/"})
    response["Content-Security-Policy"] = POLICY
    return response
