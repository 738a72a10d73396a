"""Names a submission by what would be analysed: the bytes, the transformations and the hint. Knows no row."""

import hashlib
import json

from domain.images.transformations import Transformations


def fingerprint(*, sha256: str, transformations: Transformations, hint: str) -> str:
    """SHA-256 (hex) that is equal for equal submissions."""
    return hashlib.sha256(json.dumps([sha256, transformations.canonical(), hint.strip().casefold()]).encode()).hexdigest()
