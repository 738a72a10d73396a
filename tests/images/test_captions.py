"""What a photo says about itself is read from every place where programs write it, in order of trust, and is bounded whatever is there."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from domain.images import xmp
from domain.images.captions import captions
from tests.images.pictures import card, chunk, encoded

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
DESCRIPTION, XP_TITLE, XP_KEYWORDS, XP_SUBJECT = 0x010E, 0x9C9B, 0x9C9E, 0x9C9F


def packet(inside: str, attributes: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:dwc="http://rs.tdwg.org/dwc/terms/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">'
        f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def bag(name: str, *items: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag></{name}>"


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    """An APP13 segment's content: Photoshop's image resource 0x0404 with records of application record 2."""
    records = b"".join(b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text for number, text in datasets)
    padding = b"\0" * (len(records) % 2)
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + padding


def jpeg(app13: bytes = b"", **options: object) -> BytesIO:
    data = encoded(card(), "JPEG", **options).getvalue()
    segment = b"\xff\xed" + struct.pack(">H", len(app13) + 2) + app13 if app13 else b""
    return BytesIO(data[:2] + segment + data[2:])


def with_exif(**tags: object) -> Image.Exif:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[{"description": DESCRIPTION, "title": XP_TITLE, "keywords": XP_KEYWORDS, "subject": XP_SUBJECT}[name]] = value
    return exif


SUBJECT = packet(bag("dc:subject", "Ardea cinerea", "heron"))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "HEIF", "PNG"])
def test_subjects_in_xmp_are_read_in_every_format(kind: str) -> None:
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", SUBJECT.decode())
        source = encoded(card(), pnginfo=texts)
    else:
        source = encoded(card(), kind, xmp=SUBJECT)
    assert captions(source).words == ("Ardea cinerea", "heron")


def test_keywords_and_caption_in_iptc_are_read() -> None:
    source = jpeg(iptc((120, b"seen at the lake"), (25, b"Ardea cinerea"), (25, "Graureiher Gr\u00fcn".encode()), (25, b"Gr\xfcn")))
    assert captions(source).words == ("Ardea cinerea", "Graureiher Grün", "Grün", "seen at the lake")


def test_descriptions_in_exif_are_read() -> None:
    exif = with_exif(description="Ardea cinerea", keywords="heron;lake".encode("utf-16-le"), title="Grey heron\0".encode("utf-16-le"))
    for kind in ("JPEG", "WEBP", "TIFF", "PNG"):
        assert captions(encoded(card(), kind, exif=exif)).words == ("Ardea cinerea", "heron", "lake", "Grey heron"), kind


def test_a_description_in_utf8_is_read_as_such() -> None:
    data = encoded(card(), "JPEG", exif=with_exif(description="Gruenspecht..")).getvalue()
    assert captions(BytesIO(data.replace(b"Gruenspecht..", "Grünspecht!".encode() + b"\0"))).words == ("Grünspecht!",)


def test_texts_of_a_png_are_read_also_behind_its_pixels() -> None:
    data = encoded(card()).getvalue()
    late = chunk(b"tEXt", b"Description\0Ardea cinerea")
    assert captions(BytesIO(data[:-12] + late + data[-12:])).words == ("Ardea cinerea",)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "by the lake", zip=True)
    texts.add_itxt("Title", "Grauréiher", zip=True)
    texts.add_text("Software", "a program")
    assert captions(encoded(card(), pnginfo=texts)).words == ("Grauréiher", "by the lake")


def test_a_comment_is_read() -> None:
    assert captions(encoded(card(), "JPEG", comment=b"Ardea cinerea")).words == ("Ardea cinerea",)


def test_the_most_trusted_comes_first_and_nothing_twice() -> None:
    inside = (
        bag("dc:subject", "heron", "Lake")
        + bag("lr:hierarchicalSubject", "Animals|Birds|Grey heron")
        + bag("dwc:scientificName", "Ardea cinerea")
    )
    source = jpeg(iptc((25, b"HERON"), (25, b"bird")), xmp=packet(inside), exif=with_exif(description="a bird in the reeds"))
    words = captions(source, "IMG_2231 Ardea_alba.JPG").words
    assert words == (
        "Ardea cinerea",
        "heron",
        "Lake",
        "Grey heron",
        "Birds",
        "Animals",
        "bird",
        "a bird in the reeds",
        "IMG 2231 Ardea alba",
    )


def test_machine_tags_give_their_value() -> None:
    source = encoded(card(), "JPEG", xmp=packet(bag("dc:subject", 'taxonomy:binomial="Ardea cinerea"', "taxonomy:common=Grey Heron")))
    assert captions(source).words == ("Ardea cinerea", "Grey Heron")


def test_a_property_written_as_an_attribute_is_read() -> None:
    assert captions(encoded(card(), "JPEG", xmp=packet("", 'photoshop:Headline="Ardea cinerea"'))).words == ("Ardea cinerea",)


@pytest.mark.parametrize(
    ("filename", "words"),
    [
        ("Ardea_cinerea.jpg", ("Ardea cinerea",)),
        ("ardea cinerea.JPEG", ("ardea cinerea",)),
        ("grey-heron.png", ("grey-heron", "grey heron")),
        ("ArdeaCinerea.webp", ("Ardea Cinerea",)),
        ("Ardea%20cinerea.jpg", ("Ardea cinerea",)),
        ("C:\\Photos\\Ardea cinerea.jpg", ("Ardea cinerea",)),
        ("../../etc/Ardea cinerea.tar.gz", ("Ardea cinerea",)),
        ("Красная лисица.jpg", ("Красная лисица",)),
        ("IMG_20260412_101112.jpg", ()),
        ("image.jpg", ()),
        ("DSC01234.JPG", ()),
        ("PXL_20260101_120000.jpg", ()),
        ("Screenshot 2026-01-01 at 10.11.12.png", ()),
        ("", ()),
        (".jpg", ()),
        ("1234.jpg", ()),
        ("pika.jpg", ("pika",)),
        ("image of a lion.jpg", ("image of a lion",)),
    ],
)
def test_a_file_name_speaks_where_a_person_gave_it(filename: str, words: tuple[str, ...]) -> None:
    assert captions(encoded(card(), "JPEG"), filename).words == words


def test_what_is_no_picture_still_has_a_file_name() -> None:
    assert captions(BytesIO(b"nothing"), "Ardea cinerea.jpg").words == ("Ardea cinerea",)


@pytest.mark.parametrize(
    "bad",
    [
        b'<!DOCTYPE x [<!ENTITY a "heron">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        SUBJECT[: len(SUBJECT) // 2],
        b"<a>" * 5_000 + b"</a>" * 5_000,
        b"\xff\xfe\x00",
        b"",
        b"plain words",
        SUBJECT + b" " * 300_000,
    ],
)
def test_a_packet_that_is_broken_or_dangerous_says_nothing(bad: bytes) -> None:
    assert xmp.subjects(bad) == []


def test_a_packet_in_utf16_is_read() -> None:
    assert xmp.subjects(SUBJECT.decode().encode("utf-16"))[0] == "Ardea cinerea"


def test_control_signs_are_dropped_and_lengths_are_bounded() -> None:
    source = encoded(card(), "JPEG", comment=b"Ardea\x00\x1b[31m\tcinerea\xe2\x80\xae!")
    assert captions(source).words == ("Ardea [31m cinerea !",)
    many = captions(encoded(card(), "JPEG", xmp=packet(bag("dc:subject", *(f"word {number} " + "x" * 300 for number in range(150)))))).words
    assert len(many) == 64
    assert max(map(len, many)) == 200


def test_a_text_that_swells_when_unpacked_is_cut_off() -> None:
    data = encoded(card()).getvalue()
    swollen = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 50_000_000, 9))
    assert captions(BytesIO(data[:-12] + swollen + data[-12:])).words == ("a" * 200,)


@given(st.binary(max_size=400), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_bytes_and_names_give_bounded_phrases(noise: bytes, filename: str) -> None:
    data = encoded(card(8, 8), "JPEG", exif=b"Exif\0\0II*\0" + noise, comment=noise, xmp=noise).getvalue()
    for phrase in captions(BytesIO(data), filename).words:
        assert 0 < len(phrase) <= 200
        assert phrase.isprintable()


@given(st.text(max_size=200))
def test_any_packet_text_is_read_or_passed_over(text: str) -> None:
    assert all(isinstance(part, str) for part in xmp.subjects(text) + xmp.subjects(packet(text)))
