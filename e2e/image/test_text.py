"""Text against FreeType, by Pillow, with the same font."""

import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage.metrics import structural_similarity

from judges import b64, encoded, rendered

ROOT = Path(__file__).resolve().parents[2]
WHITE = Image.new("RGB", (700, 200), "white")


@pytest.fixture(scope="session")
def font_file(tmp_path_factory):
    packed = (ROOT / "crates/osier-image-font/data/wqy-microhei.ttc.zlib").read_bytes()
    path = tmp_path_factory.mktemp("font") / "micro-hei.ttc"
    path.write_bytes(zlib.decompress(packed))
    return path


def ink(image):
    """The darkness of a picture and the box around it."""
    dark = 255 - np.asarray(image.convert("L")).astype(float)
    rows, columns = np.where(dark.max(axis=1) > 64)[0], np.where(dark.max(axis=0) > 64)[0]
    return dark, (columns[0], rows[0], columns[-1], rows[-1])


@pytest.mark.parametrize("text", ["Chenk Blog", "Hello, World! 123", "图片水印", "オシア osier 오시어", "繁體中文字"])
@pytest.mark.parametrize("size", [20, 30, 64])
def test_glyphs_are_those_of_freetype(font_file, text, size):
    own, box = ink(rendered(encoded(WHITE), f"image/watermark,text_{b64(text)},type_{b64('wqy-microhei')},size_{size},g_nw,x_10,y_10"))
    font = ImageFont.truetype(str(font_file), size, layout_engine=ImageFont.Layout.BASIC)
    page = Image.new("L", WHITE.size, 255)
    ImageDraw.Draw(page).text((10, 10), text, font=font, fill=0)
    theirs, their_box = ink(page)
    wide = (box[2] - box[0]) - (their_box[2] - their_box[0])
    high = (box[3] - box[1]) - (their_box[3] - their_box[1])
    # FreeType rounds every advance to whole pixels.
    assert abs(wide) <= 1 + len(text) // 4 and abs(high) <= 2, (box, their_box)
    if len(text) <= 5:
        cut = lambda dark, box: dark[box[1] : box[1] + size + 4, box[0] : box[0] + size * len(text)]
        a, b = cut(own, box), cut(theirs, their_box)
        best = max(
            structural_similarity(np.roll(a, (dy, dx), (0, 1)), b, data_range=255)
            for dy in (-1, 0, 1) for dx in (-1, 0, 1)
        )
        assert best > 0.75, best


def test_every_common_character_has_a_glyph(font_file):
    from fontTools.ttLib import TTCollection

    known = TTCollection(str(font_file)).fonts[0].getBestCmap()
    chinese = {bytes([high, low]).decode("gb2312", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)}
    traditional = {bytes([high, low]).decode("big5", "ignore")
                   for high in range(0xA4, 0xC7) for low in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]}
    missing = {character for character in chinese | traditional if character and ord(character) not in known}
    assert not missing


def test_colour_opacity_and_shadow():
    place = "g_center,size_80"
    red = rendered(encoded(WHITE), f"image/watermark,text_{b64('WWW')},color_FF0000,{place}").convert("RGB")
    colours = {pixel for _, pixel in red.getcolors(1 << 20)}
    assert (255, 0, 0) in colours and all(pixel[0] == 255 for pixel in colours)
    faint = rendered(encoded(WHITE), f"image/watermark,text_{b64('WWW')},t_20,{place}")
    assert 200 <= np.asarray(faint.convert("L")).min() <= 206
    plain = np.asarray(rendered(encoded(WHITE), f"image/watermark,text_{b64('WWW')},color_0000FF,{place}").convert("RGB"))
    shadow = np.asarray(rendered(encoded(WHITE), f"image/watermark,text_{b64('WWW')},color_0000FF,shadow_60,{place}").convert("RGB"))
    assert shadow.sum() < plain.sum()
    assert (shadow[..., 2] < 120).any() and not (plain[..., 2] < 120).any()


@pytest.mark.parametrize("rotate", [45, 90, 180, 300])
def test_turned_text(rotate):
    _, upright = ink(rendered(encoded(WHITE), f"image/watermark,text_{b64('WWWW')},size_30,g_center"))
    _, turned = ink(rendered(encoded(WHITE), f"image/watermark,text_{b64('WWWW')},size_30,g_center,rotate_{rotate}"))
    angle = np.radians(rotate)
    wide, high = upright[2] - upright[0], upright[3] - upright[1]
    expected = abs(wide * np.cos(angle)) + abs(high * np.sin(angle))
    assert abs((turned[2] - turned[0]) - expected) < 12


def test_tiled_text_is_everywhere():
    own = rendered(encoded(WHITE), f"image/watermark,text_{b64('ab')},size_20,fill_1,padx_10,pady_10")
    dark = np.asarray(own.convert("L")) < 128
    assert all(dark[top : top + 50, left : left + 50].any() for top in range(0, 150, 50) for left in range(0, 650, 50))


def test_mixed_mark():
    logo = Image.new("RGB", (50, 50), (0, 0, 255))
    text = f"text_{b64('osier')},size_30"
    for order, logo_left in ((0, True), (1, False)):
        own = rendered(encoded(WHITE), f"image/watermark,image_{b64('l')},{text},order_{order},align_1,interval_10,g_nw,x_0,y_0",
                       {"l": encoded(logo)})
        pixels = np.asarray(own.convert("RGB")).astype(int)
        blue = np.where(((pixels[..., 2] > 200) & (pixels[..., 0] < 60)).any(axis=0))[0]
        black = np.where((pixels.max(axis=2) < 60).any(axis=0))[0]
        assert (blue.mean() < black.mean()) == logo_left
