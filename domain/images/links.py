"""Links that authorise themselves: signed for one picture, one viewer and a period of seven days, and stable within it. Knows no entry.

A client's cache is keyed by the link, so the same picture has the same link for days. Whether this viewer may still see the picture is asked at every
fetch, by whoever serves it.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from domain.errors import NotFound

PERIOD_S = 7 * 24 * 3600
PATH = "/media/images/"
SIGNER_SALT = "domain.images.links"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: this viewer may fetch this picture."""

    image_id: UUID
    viewer_id: UUID


def link_to(image_id: UUID, viewer_id: UUID) -> str:
    """The absolute address of a standard picture (PNG) for one viewer."""
    return f"{settings.PUBLIC_URL}{PATH}{token_for(image_id, viewer_id, period=_period())}.png"


def token_for(image_id: UUID, viewer_id: UUID, *, period: int) -> str:
    return Signer(salt=SIGNER_SALT).sign(f"{image_id.hex}.{viewer_id.hex}.{period}")


def read_token(token: str) -> Link:
    """What a link's token says, in its period and the one after.

    Raises:
        NotFound: it is no token of ours, or too old.
    """
    try:
        image_id, viewer_id, period = Signer(salt=SIGNER_SALT).unsign(token).split(".")
        link = Link(image_id=UUID(hex=image_id), viewer_id=UUID(hex=viewer_id))
        age = _period() - int(period)
    except (BadSignature, ValueError) as error:
        raise NotFound from error
    if age not in (0, 1):
        raise NotFound
    return link


def _period() -> int:
    return int(time.time()) // PERIOD_S
