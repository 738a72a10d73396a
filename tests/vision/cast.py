"""People, photos and jobs for tests of the eye that run in one process, on the real database and with real files."""

import hashlib
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections

from domain.accounts import services as accounts
from domain.accounts.models import User
from domain.dex.fields import EntryFields
from domain.images.transformations import Transformations
from domain.mailbox.models import Event
from domain.taxonomy.models import Taxon, VernacularName
from domain.taxonomy.names import fold, fold_english
from tests.images.pictures import encoded, photo
from vision import services, uploads
from vision.models import AnalysisJob, Upload

PASSWORD = "herons-and-egrets-42"
ENDS = ("capture.identified", "capture.needs_choice", "capture.failed", "capture.cancelled")
TOGETHER_S = 20


def person(name: str = "ada") -> User:
    username = f"{name}_{uuid.uuid4().hex[:8]}"
    return accounts.register(username=username, email=f"{username}@example.org", password=PASSWORD, password_confirm=PASSWORD)


def a_heron() -> None:
    """The grey heron alone, as a checklist would bring it."""
    heron = Taxon.objects.create(
        source="test",
        source_id="heron",
        status="accepted",
        rank="species",
        scientific_name="Ardea cinerea",
        canonical_name=fold("Ardea cinerea"),
        kingdom="Animalia",
        genus="Ardea",
        specific_epithet="cinerea",
    )
    VernacularName.objects.create(taxon=heron, name="Grey Heron", folded_name=fold_english("Grey Heron"), language="en", preferred=True)


def new_photo() -> bytes:
    return encoded(photo(120, 80), "JPEG", comment=uuid.uuid4().bytes).getvalue()


def submitted(user: User, *, hint: str = "grey heron", content: bytes | None = None, **wishes: Any) -> AnalysisJob:
    """A waiting job whose photo lies in storage."""
    content = new_photo() if content is None else content
    submission = services.Submission(
        image=default_storage.save(f"vision/original/{uuid.uuid4().hex}.jpg", ContentFile(content)),
        sha256=hashlib.sha256(content).hexdigest(),
        filename="photo.jpg",
        transformations=wishes.get("transformations", Transformations()),
        entry=wishes.get("entry", EntryFields(catch_date="2026-05-01")),
        hint=hint,
        language="en",
    )
    return services.submit(user, submission)


def begun(user: User, content: bytes, *, entry: EntryFields | None = None) -> Upload:
    """An upload of this photo without its first byte."""
    announced = uploads.Announced(
        filename="photo.jpg",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        transformations=Transformations(),
        entry=entry,
        hint="grey heron",
        language="en",
    )
    return uploads.begin(user, announced)


def told(user: User, *kinds: str) -> list[str]:
    """The kinds of events in this person's mailbox, in order; only these kinds, where some are named."""
    rows = Event.objects.filter(mailbox_id=user.id).order_by("seq").values_list("kind", flat=True)
    return [kind for kind in rows if not kinds or kind in kinds]


def files(media: Path, folder: str = "") -> list[str]:
    """All files below a folder of the storage."""
    return sorted(str(path.relative_to(media)) for path in (media / folder).rglob("*") if path.is_file())


def together(*works: Callable[[], Any]) -> list[Any]:
    """Runs all of them at the same moment, each with a connection of its own; what each gave or raised."""
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait(TOGETHER_S)
            results[place] = work()
        except Exception as error:  # noqa: BLE001  handed to the test
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TOGETHER_S)
    return results
