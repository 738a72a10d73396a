"""The street: which path leads to which door."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import JSONRenderer

from biologidex import documents, health
from consumers.console import views as console
from consumers.rest import media, views

urlpatterns = [
    path("", console.home),
    path("health/", health.live),
    path("ready/", health.ready),
    path("api/v1/health/", health.comprehensive),
    path("api/v1/", include(views.urlpatterns())),
    path("api/schema/", SpectacularAPIView.as_view(renderer_classes=[JSONRenderer]), name="schema"),
    path("api/docs/", documents.SwaggerView.as_view()),
    path("api/redoc/", documents.RedocView.as_view()),
    path("admin/", admin.site.urls),
    *media.urlpatterns,
]


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Paths that lead nowhere answer as everything else does."""
    return JsonResponse({"detail": _("There is no such thing, or it is not yours to see."), "code": "not_found"}, status=404)


def malformed(request: HttpRequest, exception: Exception) -> JsonResponse:
    """What Django refuses before any door is reached: a host that is not ours, a body or a header that nobody can read."""
    return JsonResponse({"detail": _("This request cannot be read."), "code": "request.malformed"}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Where even the admin says no."""
    return JsonResponse({"detail": _("You may not do this."), "code": "permission.denied"}, status=403)


def failed(request: HttpRequest) -> JsonResponse:
    """What no handler caught; the log has the cause."""
    return JsonResponse({"detail": _("Something went wrong on our side."), "code": "internal"}, status=500)


handler400 = malformed
handler403 = forbidden
handler404 = not_found
handler500 = failed
