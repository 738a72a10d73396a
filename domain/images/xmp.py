"""Reads subjects, titles and names of taxa out of an XMP packet (ISO 16684-1), safely; knows no picture."""

import re
from xml.etree import ElementTree

MAX_PACKET_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_FOUND = 200
MAX_TEXT_CHARACTERS = 1_000

DWC = "{http://rs.tdwg.org/dwc/terms/}"
DC = "{http://purl.org/dc/elements/1.1/}"
# In order of trust; what stands for a path is cut into its steps, the finest first.
PROPERTIES = (
    f"{DWC}scientificName",
    f"{DWC}vernacularName",
    f"{DC}subject",
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject",
    "{http://www.digikam.org/ns/1.0/}TagsList",
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP",
    f"{DC}title",
    "{http://ns.adobe.com/photoshop/1.0/}Headline",
    f"{DC}description",
)
PATHS = {
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": "|",
    "{http://www.digikam.org/ns/1.0/}TagsList": "/",
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP": "/",
}
# A packet has no use for them, and both can make a small file large.
FORBIDDEN = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class _Collector:
    """An ElementTree target that keeps the wanted properties' texts and builds no tree; too deep a packet is a ValueError."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        self._text.clear()
        if len(self._path) > MAX_DEPTH:
            raise ValueError("too deep")
        for name, value in attributes.items():
            if name in PROPERTIES:
                self._keep(name, value)

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        inside = next((name for name in reversed(self._path) if name in PROPERTIES), None)
        if inside is not None:
            self._keep(inside, "".join(self._text))
        self._text.clear()
        self._path.pop()

    def close(self) -> list[tuple[str, str]]:
        return self.found

    def _keep(self, name: str, text: str) -> None:
        text = text.strip()[:MAX_TEXT_CHARACTERS]
        if text and len(self.found) < MAX_FOUND:
            self.found.append((name, text))


def subjects(packet: object) -> list[str]:
    """The packet's words, most trusted property first; an empty list for what isn't a packet, is too long, or is no clean XML."""
    text = _text(packet)
    if not text or FORBIDDEN.search(text):
        return []
    collector = _Collector()
    parser = ElementTree.XMLParser(target=collector)  # noqa: S314  entities and document types are refused above
    try:
        parser.feed(text)
        parser.close()
    except (ElementTree.ParseError, ValueError):
        return []
    ordered = sorted(collector.found, key=lambda pair: PROPERTIES.index(pair[0]))
    return [part for name, value in ordered for part in _steps(name, value)]


def _text(packet: object) -> str:
    """The packet as text from its first "<"; UTF-8 unless a byte order mark or zero bytes say UTF-16."""
    if isinstance(packet, str):
        text = packet[:MAX_PACKET_BYTES]
    elif isinstance(packet, bytes) and len(packet) <= MAX_PACKET_BYTES:
        wide = packet[:2] in {b"\xff\xfe", b"\xfe\xff"}
        text = packet.decode("utf-16" if wide else "utf-8", "replace")
    else:
        return ""
    text = text.strip("\ufeff\0 \r\n\t")
    # A packet in text form may still name an encoding, which no longer holds.
    return re.sub(r"^<\?xml[^>]*\?>", "", text) if text.startswith("<") else ""


def _steps(name: str, value: str) -> list[str]:
    separator = PATHS.get(name)
    return [part.strip() for part in reversed(value.split(separator))] if separator else [value]
