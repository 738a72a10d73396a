"""What a photo already says about itself, in words, most trusted first; knows no species and believes nothing."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from PIL import ExifTags, Image, IptcImagePlugin

from domain import errors
from domain.images import png_chunks, xmp
from domain.images.formats import PICTURE_ERRORS, open_picture

MAX_WORDS = 64
MAX_CHARACTERS = 200
MAX_RAW_CHARACTERS = 4_000

# IPTC-IIM 4.2, record 2: keywords, object name, headline, caption.
IPTC_DATASETS = ((2, 25), (2, 5), (2, 105), (2, 120))
PNG_KEYWORDS = ("title", "subject", "keywords", "description", "comment")
PNG_XMP = "xml:com.adobe.xmp"
USER_COMMENT_CODES = {b"ASCII\0\0\0": "latin-1", b"UNICODE\0": "utf-16", b"\0" * 8: "utf-8"}
# Tags of the kind that iNaturalist and Flickr write: "taxonomy:binomial=Ardea cinerea".
MACHINE_TAG = re.compile(r"^[a-z]+:(?:binomial|species|genus|common|scientificname|vernacularname)=(.+)$", re.IGNORECASE)
SEPARATORS = re.compile(r"[;|\n\r]+")
# Names that cameras, phones and programs give; they say nothing.
MEANINGLESS_NAME = re.compile(
    r"^(?:(?:[a-z]?img|image|photo|picture|pic|dsc[nf]?|_?mg|pxl|mvimg|gopr|p|scan|screenshot|capture|upload|unnamed|untitled|file|tmp|whatsapp)[\W\d]*)?"
    r"(?:[\W\d]|copy|jpeg|at|am|pm)*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Captions:
    """Phrases of at most 200 characters, without control characters or doubles, at most 64, most trusted first."""

    words: tuple[str, ...] = ()


def captions(source: BinaryIO, filename: str = "") -> Captions:
    """Read XMP subjects, IPTC keywords, EXIF descriptions, PNG texts and comments, then the file name; whatever is damaged is passed over.

    Order of trust: names of taxa and subjects (XMP), keywords and captions (IPTC), EXIF and Windows fields, PNG texts, comments, file name.
    """
    return Captions(words=_clean([*_of_picture(source), *_of_name(filename)]))


def _of_picture(source: BinaryIO) -> list[str]:
    try:
        picture = open_picture(source)
    except errors.DomainError:
        return []
    texts = list(png_chunks.texts(source)) if picture.format == "PNG" else []
    packets = [text for keyword, text in texts if keyword.lower() == PNG_XMP]
    found: list[str] = []
    for packet in (picture.info.get("xmp"), *packets):
        found += xmp.subjects(packet)
    found += _of_iptc(picture)
    found += _of_exif(picture)
    found += [text for wanted in PNG_KEYWORDS for keyword, text in texts if keyword.lower() == wanted]
    comment = picture.info.get("comment")
    if isinstance(comment, bytes):
        found.append(_decoded(comment))
    return found


def _of_iptc(picture: Image.Image) -> Iterator[str]:
    try:
        told = IptcImagePlugin.getiptcinfo(picture) or {}  # type: ignore[arg-type]
    except PICTURE_ERRORS:
        return
    for dataset in IPTC_DATASETS:
        value = told.get(dataset, [])
        for part in value if isinstance(value, list) else [value]:
            yield _decoded(part)


def _of_exif(picture: Image.Image) -> Iterator[str]:
    try:
        exif = picture.getexif()
        main, detail = dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))
    except PICTURE_ERRORS:
        return
    described = main.get(ExifTags.Base.ImageDescription)
    if isinstance(described, str):
        yield _mended(described)
    for tag in (ExifTags.Base.XPSubject, ExifTags.Base.XPKeywords, ExifTags.Base.XPTitle, ExifTags.Base.XPComment):
        value = main.get(tag)
        if isinstance(value, tuple):
            value = bytes(part for part in value if isinstance(part, int) and 0 <= part < 256)
        if isinstance(value, bytes):
            yield value[: 2 * MAX_RAW_CHARACTERS].decode("utf-16-le", "ignore")
    comment = detail.get(ExifTags.Base.UserComment)
    if isinstance(comment, bytes) and comment[:8] in USER_COMMENT_CODES:
        yield comment[8:MAX_RAW_CHARACTERS].decode(USER_COMMENT_CODES[comment[:8]], "ignore")


def _of_name(filename: str) -> list[str]:
    """The file name as phrases: with its hyphens, and with blanks in their place."""
    name = unquote(re.split(r"[/\\]", filename[-MAX_RAW_CHARACTERS:])[-1])
    stem = re.sub(r"(?:\.[A-Za-z0-9]{1,5})+$", "", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"[_+.]+", " ", stem))
    if MEANINGLESS_NAME.match(spaced):
        return []
    return [spaced, re.sub(r"-+", " ", spaced)]


def _decoded(value: bytes) -> str:
    """Bytes whose encoding nobody told: UTF-8 where they are that, else Latin-1."""
    value = value[:MAX_RAW_CHARACTERS]
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _mended(text: str) -> str:
    """Pillow reads EXIF text as Latin-1, while most programs write UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _clean(found: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in found:
        for part in SEPARATORS.split(text[:MAX_RAW_CHARACTERS]):
            phrase = _phrase(part)
            if phrase and phrase.casefold() not in kept:
                kept[phrase.casefold()] = phrase
            if len(kept) == MAX_WORDS:
                return tuple(kept.values())
    return tuple(kept.values())


def _phrase(text: str) -> str:
    """One line of visible characters: format and control characters, lone surrogates and private ones go."""
    visible = "".join(" " if unicodedata.category(sign).startswith(("C", "Z")) else sign for sign in unicodedata.normalize("NFC", text))
    phrase = " ".join(visible.split())[:MAX_CHARACTERS].strip()
    tag = MACHINE_TAG.match(phrase)
    return tag.group(1).strip().strip('"') if tag else phrase
