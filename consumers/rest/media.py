"""Pictures out: by a link that authorises itself, for as long as its viewer may see the picture. Never by a file's name."""

from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from domain.dex import queries as dex
from domain.errors import NotFound
from domain.images.links import read_token
from domain.images.models import ProcessedImage
from realtime.errors import error_object

MAX_AGE_S = 24 * 3600


@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponseBase:
    """The standard PNG of a link; what its viewer may not see (any more) is 404."""
    try:
        link = read_token(token)
        image = ProcessedImage.objects.filter(id=link.image_id).first()
        if image is None or not (image.owner_id == link.viewer_id or dex.shows_image(link.viewer_id, image.id)):
            raise NotFound
        file = image.processed_file.open("rb")
    except (NotFound, FileNotFoundError):
        shown = error_object(NotFound())
        return JsonResponse({"detail": shown["message"], "code": shown["code"]}, status=404)
    response = FileResponse(file, content_type="image/png")
    response["Cache-Control"] = f"private, max-age={MAX_AGE_S}"
    response["ETag"] = f'"{image.processed_checksum}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'"
    return response


urlpatterns = [path("media/images/<str:token>.png", picture)]
