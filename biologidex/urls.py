"""The street: which path leads to which door."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.renderers import JSONRenderer

from biologidex import health
from consumers.rest import media, views

urlpatterns = [
    path("health/", health.live),
    path("ready/", health.ready),
    path("api/v1/health/", health.comprehensive),
    path("api/v1/", include(views.urlpatterns())),
    path("api/schema/", SpectacularAPIView.as_view(renderer_classes=[JSONRenderer]), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema")),
    path("api/redoc/", SpectacularRedocView.as_view(url_name="schema")),
    path("admin/", admin.site.urls),
    *media.urlpatterns,
]


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Paths that lead nowhere answer as everything else does."""
    return JsonResponse({"detail": _("There is no such thing, or it is not yours to see."), "code": "not_found"}, status=404)


def failed(request: HttpRequest) -> JsonResponse:
    """What no handler caught; the log has the cause."""
    return JsonResponse({"detail": _("Something went wrong on our side."), "code": "internal"}, status=500)


handler404 = not_found
handler500 = failed
