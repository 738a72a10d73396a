"""Draws the demo's own photo: a grey heron by a pond, lying on its side as phones store it, with its name in the metadata."""

import math
import random
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

FILENAME = "heron.jpg"
SPECIES = "Ardea cinerea"
WIDTH_PX, HEIGHT_PX = 1200, 1600  # as it is meant to be seen; stored turned, so 1600 x 1200
FINER = 2  # drawn larger and scaled down: smooth edges

EXIF_IMAGE_DESCRIPTION = 0x010E  # Exif 2.32, table 4
EXIF_ORIENTATION = 0x0112
EXIF_SOFTWARE = 0x0131
TURN_RIGHT_TO_SEE = 6  # Exif 2.32, orientation: row 0 is the visual right side, column 0 the visual top

XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject><rdf:Bag><rdf:li>{SPECIES}</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

Point = tuple[float, float]
Colour = tuple[int, int, int]

SKY, HAZE = (168, 196, 214), (238, 226, 200)
WATER_FAR, WATER_NEAR = (176, 190, 184), (58, 88, 98)
BACK, BACK_DARK, WING_TIP = (136, 149, 164), (104, 117, 134), (48, 52, 62)
WHITE, SHADE, BLACK = (238, 240, 240), (208, 214, 219), (34, 36, 42)
BILL, BILL_DARK, LEG = (222, 158, 62), (178, 116, 44), (134, 116, 84)
SHORE = 0.5  # where the water begins, as a share of the height


def write_sample(folder: Path) -> Path:
    """Write the sample into `folder` and return its path; the same picture each time."""
    path = folder / FILENAME
    path.write_bytes(sample_jpeg())
    return path


def sample_jpeg() -> bytes:
    """A JPEG of 1600 x 1200 pixels with EXIF orientation 6: seen right, it stands upright."""
    stored = upright_picture().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[EXIF_IMAGE_DESCRIPTION] = SPECIES
    exif[EXIF_ORIENTATION] = TURN_RIGHT_TO_SEE
    exif[EXIF_SOFTWARE] = "BiologiDex sample picture"
    file = BytesIO()
    stored.save(file, "JPEG", quality=90, exif=exif, xmp=XMP.encode())
    return file.getvalue()


def upright_picture() -> Image.Image:
    """The heron as one should see it, 1200 x 1600 pixels."""
    chance = random.Random(6)  # noqa: S311 - reeds, not secrets
    picture = _landscape(chance)
    bird = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    _draw_heron(ImageDraw.Draw(bird), chance)
    _reflect(picture, bird)
    _draw_ripples(picture, chance)
    picture.paste(bird, (0, 0), bird)
    _draw_reeds(ImageDraw.Draw(picture), chance, near=True)
    small = picture.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    grain = Image.frombytes("L", small.size, chance.randbytes(WIDTH_PX * HEIGHT_PX)).convert("RGB")
    return Image.blend(small, grain, 0.04)


def _smooth(points: list[Point], *, closed: bool = False, steps: int = 24) -> list[Point]:
    """A Catmull-Rom spline through the points, in the fine picture's pixels."""
    count = len(points)
    around = [points[-1], *points, *points[:2]] if closed else [points[0], *points, points[-1]]
    line: list[Point] = []
    for i in range(count if closed else count - 1):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = around[i : i + 4]
        for step in range(steps):
            t = step / steps
            weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            x = sum(w * v for w, v in zip(weights, (ax, bx, cx, dx), strict=True)) / 2
            y = sum(w * v for w, v in zip(weights, (ay, by, cy, dy), strict=True)) / 2
            line.append((x * FINER, y * FINER))
    return line


def _fill(draw: ImageDraw.ImageDraw, points: list[Point], colour: Colour) -> None:
    draw.polygon(_smooth(points, closed=True), fill=colour)


def _stroke(draw: ImageDraw.ImageDraw, points: list[Point], widths: tuple[float, float], colour: Colour) -> None:
    """A smooth line whose width runs from the first to the second of `widths`."""
    line = _smooth(points, steps=80)
    for i, (x, y) in enumerate(line):
        radius = FINER * (widths[0] + (widths[1] - widths[0]) * i / len(line)) / 2
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    mixed = [round(a + (b - a) * share) for a, b in zip(one, other, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _landscape(chance: random.Random) -> Image.Image:
    """Sky, a far bank of trees, and the pond, out of focus."""
    picture = Image.new("RGB", (WIDTH_PX * FINER, HEIGHT_PX * FINER))
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    shore = round(height * SHORE)
    for y in range(height):
        far = y / shore if y < shore else (y - shore) / (height - shore)
        colour = _mix(SKY, HAZE, far) if y < shore else _mix(WATER_FAR, WATER_NEAR, far**0.7)
        draw.line((0, y, width, y), fill=colour)
    for row, colour in enumerate(((150, 168, 148), (116, 142, 112), (84, 112, 82))):
        top = shore - (430 - 130 * row)
        for _ in range(70):
            x, radius = chance.uniform(-80, width + 80), chance.uniform(70, 190) * (1 - 0.15 * row)
            crown = top + chance.uniform(-70, 90) + 60 * math.sin(x / 330 + row)
            box = (x - radius, crown - radius, x + radius, crown + radius * 1.3)
            draw.ellipse(box, fill=_mix(colour, HAZE, chance.uniform(0, 0.22)))
        draw.rectangle((0, top + 60, width, shore), fill=colour)
    mirrored = picture.crop((0, shore - 620, width, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    fading = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM).point(lambda v: v * 0.62)
    picture.paste(mirrored, (0, shore), fading.resize(mirrored.size))
    _draw_reeds(draw, chance, near=False)
    return picture.filter(ImageFilter.GaussianBlur(9))


def _draw_reeds(draw: ImageDraw.ImageDraw, chance: random.Random, *, near: bool) -> None:
    """Blades that bend; near ones stand in the lower corners, and some carry a cattail."""
    for _ in range(46 if near else 130):
        if near:
            side = chance.choice((chance.uniform(-40, 250), chance.uniform(960, 1240)))
            foot, tall, thick = (side, 1640.0), chance.uniform(260, 820), chance.uniform(7, 15)
            colour = _mix((52, 84, 46), (132, 150, 78), chance.random())
        else:
            foot, tall, thick = (chance.uniform(0, WIDTH_PX), HEIGHT_PX * SHORE + 14), chance.uniform(40, 150), chance.uniform(4, 8)
            colour = _mix((96, 116, 66), (158, 160, 98), chance.random())
        lean = chance.uniform(-0.16, 0.16) * tall
        tip = (foot[0] + lean, foot[1] - tall)
        _stroke(draw, [foot, (foot[0] + lean * 0.3, foot[1] - tall * 0.55), tip], (thick, 1.5), colour)
        if near and tall > 640:
            head = [(tip[0] - lean * 0.06, tip[1] + 46), (tip[0], tip[1] - 60)]
            _stroke(draw, head, (23, 21), (96, 62, 38))


def _draw_heron(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """Facing left, standing in shallow water: legs, body, wing, neck, head, from back to front."""
    for foot, knee, hip in (((598, 1330), (622, 1190), (640, 1050)), ((668, 1345), (690, 1200), (680, 1050))):
        _stroke(draw, [hip, knee], (26, 15), _mix(LEG, BACK, 0.25))
        _stroke(draw, [knee, foot], (13, 12), LEG)
        draw.ellipse([FINER * v for v in (knee[0] - 11, knee[1] - 12, knee[0] + 11, knee[1] + 12)], fill=_mix(LEG, BLACK, 0.2))
    _fill(draw, [(830, 1010), (905, 1075), (965, 1165), (925, 1160), (850, 1110), (790, 1065)], BACK_DARK)
    _fill(draw, [(520, 815), (600, 752), (715, 775), (825, 880), (905, 1040), (800, 1075), (690, 1082), (590, 1040), (528, 950)], SHADE)
    _fill(draw, [(545, 800), (620, 742), (730, 768), (845, 880), (945, 1080), (840, 1040), (720, 1010), (610, 950), (555, 880)], BACK)
    _draw_wing(draw, chance)
    _fill(draw, [(532, 838), (556, 800), (600, 806), (612, 850), (588, 890), (552, 900)], BLACK)
    _stroke(draw, [(575, 880), (530, 800), (540, 690), (505, 590), (455, 500), (470, 420)], (104, 50), SHADE)
    _stroke(draw, [(566, 872), (518, 800), (528, 690), (494, 590), (444, 500), (462, 420)], (82, 40), WHITE)
    for i in range(11):
        x, y = _smooth([(530, 820), (508, 690), (482, 600), (436, 510), (446, 440)], steps=11)[4 * i + 2 if 4 * i + 2 < 44 else 43]
        draw.ellipse((x - 9, y - 22, x + 7, y + 22), fill=BLACK)
    for tip in ((478, 1010), (508, 1040), (540, 1052)):
        _stroke(draw, [(548, 870), ((548 + tip[0]) / 2 - 14, 950), tip], (26, 4), WHITE)
    _draw_head(draw)


def _draw_wing(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """Rows of feathers that lie like tiles, darker towards the tip."""
    for row in range(6):
        for place in range(9 - row):
            x = 612 + 30 * place + 22 * row
            y = 822 + 24 * place + 30 * row - 2.2 * place * (4 - row)
            colour = _mix(BACK, BACK_DARK, chance.uniform(0.05, 0.55) + 0.06 * row)
            _stroke(draw, [(x, y), (x + 34, y + 26), (x + 78, y + 66)], (34, 7), colour)
            _stroke(draw, [(x + 6, y - 9), (x + 40, y + 16), (x + 76, y + 56)], (4, 2), _mix(colour, WHITE, 0.35))
    for feather in range(5):
        start = (745 + 22 * feather, 1000 + 12 * feather)
        _stroke(draw, [start, (start[0] + 100, start[1] + 40), (start[0] + 172 - 14 * feather, start[1] + 122)], (32, 7), WING_TIP)
    for plume in range(6):
        start = (600 + 26 * plume, 800 + 12 * plume)
        _stroke(draw, [start, (start[0] + 90, start[1] + 70), (start[0] + 165, start[1] + 178)], (11, 2), _mix(BACK, WHITE, 0.6))


def _draw_head(draw: ImageDraw.ImageDraw) -> None:
    _fill(draw, [(418, 412), (440, 376), (486, 368), (520, 392), (514, 424), (478, 446), (436, 442)], WHITE)
    _fill(draw, [(392, 414), (300, 424), (196, 452), (300, 440), (404, 440), (432, 436), (430, 414)], BILL)
    _stroke(draw, [(424, 436), (320, 440), (200, 453)], (8, 2), BILL_DARK)
    _stroke(draw, [(424, 424), (330, 431), (230, 444)], (3, 1), BILL_DARK)
    _stroke(draw, [(446, 388), (490, 380), (530, 402), (586, 448), (660, 478)], (26, 3), BLACK)
    _stroke(draw, [(500, 392), (552, 430), (622, 484)], (18, 2), BLACK)
    x, y = 441 * FINER, 408 * FINER
    for radius, colour in ((13, BLACK), (11, (246, 206, 62)), (6, (12, 12, 14))):
        draw.ellipse([v + FINER * r for v, r in ((x, -radius), (y, -radius), (x, radius), (y, radius))], fill=colour)
    draw.ellipse((x - 9, y - 9, x - 2, y - 2), fill=WHITE)


def _reflect(picture: Image.Image, bird: Image.Image) -> None:
    """The bird again in the water, upside down from its feet, broken into bands and blurred."""
    feet = 1335 * FINER
    depth = picture.height - feet
    upside_down = bird.crop((0, feet - depth, bird.width, feet)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    wavy = Image.new("RGBA", upside_down.size, (0, 0, 0, 0))
    for y in range(0, depth, 4):
        shift = round(10 * math.sin(y / 17) * (0.4 + y / depth))
        wavy.paste(upside_down.crop((0, y, bird.width, y + 4)), (shift, y))
    wavy = wavy.filter(ImageFilter.GaussianBlur(5))
    picture.paste(wavy, (0, feet), wavy.getchannel("A").point(lambda v: v * 0.55))


def _draw_ripples(picture: Image.Image, chance: random.Random) -> None:
    """Light on the water: short strokes everywhere below the shore, and rings around the legs."""
    light = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(light)
    for _ in range(420):
        near = chance.random()
        y = (HEIGHT_PX * SHORE + 30 + near * HEIGHT_PX * (1 - SHORE)) * FINER
        x, long = chance.uniform(0, picture.width), chance.uniform(30, 90) + 160 * near
        draw.ellipse((x - long, y, x + long, y + 2 + 4 * near), fill=(236, 240, 232, chance.randint(16, 58)))
    for x, y in ((598, 1330), (668, 1345)):
        for ring in range(1, 5):
            wide, high = 34 * ring * FINER, 8 * ring * FINER
            box = (x * FINER - wide, y * FINER - high, x * FINER + wide, y * FINER + high)
            draw.ellipse(box, outline=(240, 244, 240, 150 - 30 * ring), width=5)
    light = light.filter(ImageFilter.GaussianBlur(2))
    picture.paste(light, (0, 0), light)
