"""Pixels against Pillow and libvips: exact where pixels are only moved, close where they are mixed."""

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageSequence

from judges import b64, distance, encoded, from_vips, near, photo, picture, render, rendered, vips, with_alpha

COFFEE = photo("coffee.png")
CAT = photo("chelsea.png")
ROTATIONS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def same(one, other):
    assert one.size == other.size
    assert np.array_equal(np.asarray(one.convert("RGBA")), np.asarray(other.convert("RGBA")))


def fits(own, *judges, mean=2.0, ssim=0.98):
    found = [near(own, judge, mean, ssim) for judge in judges]
    assert any(good for good, _ in found), [numbers for _, numbers in found]


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_whole_pictures_come_through(format):
    same(rendered(encoded(COFFEE, format), "image/format,png"), COFFEE)


def test_alpha_comes_through():
    source = with_alpha(CAT)
    same(rendered(encoded(source), "image/format,png"), source)
    lossless = encoded(source, "WEBP", lossless=True, exact=True)
    same(rendered(lossless, "image/format,png"), source)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16", "RGB", "RGBA"])
def test_kinds_of_png(mode):
    if mode == "I;16":
        source = Image.fromarray((np.asarray(CAT.convert("L")).astype(np.uint16) * 257))
        expected = CAT.convert("L")
    elif mode == "P":
        source = CAT.quantize(200)
        expected = source.convert("RGB")
    else:
        source = CAT.convert("RGBA").convert(mode) if mode == "LA" else CAT.convert(mode)
        expected = source
    same(rendered(encoded(source), "image/format,png"), expected.convert("RGBA"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_kinds_of_bmp(mode):
    source = CAT.quantize(200) if mode == "P" else CAT.convert(mode)
    same(rendered(encoded(source, "BMP"), "image/format,png"), source.convert("RGBA"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_kinds_of_tiff(mode, compression):
    source = CAT.quantize(200) if mode == "P" else CAT.convert(mode)
    own = rendered(encoded(source, "TIFF", compression=compression), "image/format,png")
    assert distance(own, source.convert("RGB") if mode == "CMYK" else source)[0] < 0.5


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("restart", [0, 1])
def test_kinds_of_jpeg(mode, subsampling, progressive, restart):
    source = COFFEE.crop((3, 5, 336, 222)).convert(mode)
    data = encoded(source, "JPEG", quality=85, subsampling=subsampling, progressive=progressive,
                   restart_marker_rows=restart)
    own = rendered(data, "image/format,png")
    mean, _ = distance(own, picture(data).convert("RGB"))
    assert mean < 0.6


@pytest.mark.parametrize("box", ["w_100,h_80", "w_100,h_80,x_30,y_20", "w_200,h_150,g_center", "w_60,h_60,g_se",
                                 "w_60,h_60,g_north,x_5,y_7", "w_5000,h_100,x_400,y_300"])
def test_crop(box):
    options = dict(item.split("_") for item in box.split(","))
    width, height = min(int(options["w"]), 600), min(int(options["h"]), 400)
    place = {"nw": (0, 0), "center": ((600 - width) // 2, (400 - height) // 2), "se": (600 - width, 400 - height),
             "north": ((600 - width) // 2, 0)}[options.get("g", "nw")]
    left, top = place[0] + int(options.get("x", 0)), place[1] + int(options.get("y", 0))
    expected = COFFEE.crop((left, top, min(left + width, 600), min(top + height, 400)))
    same(rendered(encoded(COFFEE), f"image/crop,{box}"), expected)


def test_indexcrop():
    same(rendered(encoded(COFFEE), "image/indexcrop,x_100,i_3"), COFFEE.crop((300, 0, 400, 400)))
    same(rendered(encoded(COFFEE), "image/indexcrop,y_150,i_2"), COFFEE.crop((0, 300, 600, 400)))
    same(rendered(encoded(COFFEE), "image/indexcrop,y_150,i_9"), COFFEE)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_quarter_turns(degrees):
    same(rendered(encoded(COFFEE), f"image/rotate,{degrees}"), COFFEE.transpose(ROTATIONS[degrees]))


@pytest.mark.parametrize("degrees", [15, 45, 200])
def test_other_turns(degrees):
    source = with_alpha(CAT)
    own = rendered(encoded(source), f"image/rotate,{degrees}")
    turned = source.rotate(-degrees, Image.Resampling.BILINEAR, expand=True)
    similar = from_vips(vips(encoded(source)).similarity(angle=degrees))
    assert all(abs(a - b) <= 2 for a, b in zip(own.size, turned.size))
    fits(own, middle(turned, own.size), middle(similar, own.size), mean=3, ssim=0.95)


def middle(image, size):
    """Cut or filled around its middle, as sizes may be rounded differently."""
    result = Image.new("RGBA", size)
    result.paste(image.convert("RGBA"), ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return result


@pytest.mark.parametrize("orientation", range(1, 9))
def test_auto_orient(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(COFFEE, "JPEG", quality=95, subsampling=0, exif=exif)
    from PIL import ImageOps

    expected = ImageOps.exif_transpose(picture(data))
    own = rendered(data, "image/auto-orient,1/format,png")
    assert distance(own, expected)[0] < 0.6
    # Pixels that are not turned keep the word about how they lie.
    kept = rendered(data, "image/resize,w_100")
    assert kept.getexif().get(0x0112, 1) == orientation
    small = rendered(data, "image/auto-orient,1/resize,w_100/format,png")
    fits(small, expected.resize(small.size, Image.Resampling.LANCZOS), mean=3, ssim=0.95)


@pytest.mark.parametrize("to", [(300, 200), (120, 80), (37, 25), (599, 399)])
@pytest.mark.parametrize("alpha", [False, True])
def test_smaller(to, alpha):
    source = with_alpha(COFFEE) if alpha else COFFEE
    own = rendered(encoded(source), f"image/resize,m_fixed,w_{to[0]},h_{to[1]}")
    lanczos = source.convert("RGBa").resize(to, Image.Resampling.LANCZOS).convert("RGBA") if alpha else source.resize(
        to, Image.Resampling.LANCZOS)
    other = from_vips(vips(encoded(source)).thumbnail_image(to[0], height=to[1], size="force"))
    fits(own, lanczos, other)


def test_larger():
    own = rendered(encoded(CAT), "image/resize,w_900,limit_0")
    fits(own, CAT.resize(own.size, Image.Resampling.BICUBIC), from_vips(vips(encoded(CAT)).resize(900 / CAT.width)))


@pytest.mark.parametrize("width", [450, 300, 225, 150, 75, 57, 30])
@pytest.mark.parametrize("progressive", [False, True])
def test_smaller_while_decoding(width, progressive):
    data = encoded(COFFEE, "JPEG", quality=92, progressive=progressive)
    own = rendered(data, f"image/resize,w_{width}/format,png")
    whole = picture(data).resize(own.size, Image.Resampling.LANCZOS)
    fits(own, whole, from_vips(vips(data).thumbnail_image(width, height=own.height, size="force")), mean=2.5, ssim=0.97)


def test_fill_and_pad():
    own = rendered(encoded(COFFEE), "image/resize,m_fill,w_150,h_150")
    cut = COFFEE.crop((100, 0, 500, 400)).resize((150, 150), Image.Resampling.LANCZOS)
    fits(own, cut)
    own = rendered(encoded(COFFEE), "image/resize,m_pad,w_150,h_150,color_FF0000")
    padded = Image.new("RGB", (150, 150), (255, 0, 0))
    padded.paste(COFFEE.resize((150, 100), Image.Resampling.LANCZOS), (0, 25))
    fits(own, padded)
    assert own.convert("RGB").getpixel((75, 10)) == (255, 0, 0)


def disc(size, radius):
    scale = 8
    mask = Image.new("L", (size * scale, size * scale))
    from PIL import ImageDraw

    middle = size * scale / 2
    ImageDraw.Draw(mask).ellipse([middle - radius * scale, middle - radius * scale,
                                  middle + radius * scale - 1, middle + radius * scale - 1], fill=255)
    return mask.resize((size, size), Image.Resampling.BOX)


def test_circle():
    own = rendered(encoded(COFFEE), "image/circle,r_100")
    expected = COFFEE.crop((200, 100, 400, 300)).convert("RGBA")
    expected.putalpha(disc(200, 100))
    assert distance(own, expected)[0] < 0.3
    assert np.abs(np.asarray(own)[..., 3].astype(int) - np.asarray(expected)[..., 3]).max() < 70
    white = rendered(encoded(COFFEE), "image/circle,r_100/format,jpg")
    assert min(white.getpixel((0, 0))) > 245


def test_rounded_corners():
    own = np.asarray(rendered(encoded(COFFEE), "image/rounded-corners,r_50"))
    mask = np.asarray(disc(100, 50)).astype(int)
    assert np.abs(own[:50, :50, 3] - mask[:50, :50]).max() < 70
    assert np.abs(own[-50:, -50:, 3] - mask[50:, 50:]).max() < 70
    assert (own[50:-50, :, 3] == 255).all() and (own[:, 50:-50, 3] == 255).all()


@pytest.mark.parametrize("radius,sigma", [(3, 2), (10, 4), (50, 20)])
def test_blur(radius, sigma):
    own = rendered(encoded(CAT), f"image/blur,r_{radius},s_{sigma}")
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    pixels = np.pad(np.asarray(CAT, dtype=float), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    rows = sum(weight * pixels[tap : tap + CAT.height] for tap, weight in enumerate(taps))
    both = sum(weight * rows[:, tap : tap + CAT.width] for tap, weight in enumerate(taps))
    assert np.abs(np.asarray(own.convert("RGB")) - both).max() <= 1.01


def test_sharpen():
    own = np.asarray(rendered(encoded(CAT), "image/sharpen,100").convert("RGB"), dtype=float)
    blurred = np.asarray(vips(encoded(CAT)).gaussblur(1.0, precision="float", min_ampl=0.01).numpy(), dtype=float)
    original = np.asarray(CAT, dtype=float)
    expected = np.clip(original + (original - blurred), 0, 255)
    assert np.abs(own - expected)[8:-8, 8:-8].mean() < 2


def test_tone():
    black = encoded(Image.linear_gradient("L").convert("RGB"))
    levels = [rendered(black, f"image/bright,{value}").convert("L") for value in (-100, -50, 0, 50, 100)]
    means = [np.asarray(level).mean() for level in levels]
    assert means == sorted(means)
    same(levels[2], Image.linear_gradient("L"))
    spread = [np.asarray(rendered(black, f"image/contrast,{value}").convert("L")).std() for value in (-100, -50, 0, 50, 100)]
    assert spread == sorted(spread)


def test_average_hue():
    for source in (COFFEE, CAT, Image.new("RGB", (5, 5), (1, 2, 255))):
        r, g, b = np.asarray(source, dtype=float).reshape(-1, 3).mean(axis=0)
        text = render(encoded(source), "image/average-hue").decode()
        assert text[:2] == "0x" and len(text) == 8
        own = [int(text[place : place + 2], 16) for place in (2, 4, 6)]
        assert max(abs(a - b) for a, b in zip(own, (r, g, b))) <= 0.51


def test_profiles_become_srgb():
    from PIL import ImageCms

    # A profile whose red and green primaries are exchanged by its name only would be missed; this
    # one is linear, so that the result must be far brighter than the numbers say.
    srgb = ImageCms.createProfile("sRGB")
    data = encoded(COFFEE, "JPEG", quality=95, icc_profile=ImageCms.ImageCmsProfile(srgb).tobytes())
    assert distance(rendered(data, "image/format,png"), picture(data))[0] < 0.6
    lab = encoded(COFFEE, "PNG", icc_profile=b"no profile at all" * 20)
    same(rendered(lab, "image/format,png"), COFFEE)


def test_animation_is_kept():
    frames = [COFFEE.resize((120, 80)).rotate(7 * step) for step in range(6)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 60, 70, 80, 90, 100], loop=3)
    own = rendered(data, "image/resize,w_60")
    assert (own.n_frames, own.info["loop"], own.size) == (6, 3, (60, 40))
    theirs = picture(data)
    for number, (mine, frame) in enumerate(zip(ImageSequence.Iterator(own), ImageSequence.Iterator(theirs))):
        assert mine.info["duration"] == 50 + 10 * number
        expected = frame.convert("RGB").resize((60, 40), Image.Resampling.LANCZOS)
        assert distance(mine.convert("RGB"), expected)[0] < 6
    assert rendered(data, "image/resize,w_60/format,png").size == (60, 40)
    assert getattr(rendered(data, "image/resize,w_60/quality,q_80"), "n_frames", 1) == 1


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_disposal(disposal):
    def frame(step):
        image = Image.new("RGBA", (64, 48))
        image.paste((255, 40 * step, 0, 255), (8 * step, 4 * step, 8 * step + 20, 4 * step + 20))
        return image

    frames = [frame(step) for step in range(5)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=disposal, duration=50, loop=0)
    own, theirs = rendered(data, "image/crop,w_64,h_48"), picture(data)
    assert own.n_frames == theirs.n_frames
    for mine, frame in zip(ImageSequence.Iterator(own), ImageSequence.Iterator(theirs)):
        assert distance(mine.convert("RGBA"), frame.convert("RGBA"))[0] < 0.5


def test_image_mark():
    mark = with_alpha(CAT.resize((90, 60)))
    own = rendered(encoded(COFFEE), f"image/watermark,image_{b64('cat.png')},g_nw,x_20,y_30", {"cat.png": encoded(mark)})
    expected = COFFEE.convert("RGBA")
    expected.alpha_composite(mark, (20, 30))
    assert distance(own, expected)[0] < 0.05
    half = rendered(encoded(COFFEE), f"image/watermark,image_{b64('cat.png')},t_50,g_center", {"cat.png": encoded(mark)})
    faded = mark.copy()
    faded.putalpha(mark.getchannel("A").point(lambda value: value // 2))
    expected = COFFEE.convert("RGBA")
    expected.alpha_composite(faded, (255, 170))
    assert distance(half, expected)[0] < 0.1


def test_processed_mark():
    key = "cat.png?x-oss-process=image/resize,P_30"
    own = rendered(encoded(COFFEE), f"image/watermark,image_{b64(key)},g_se,x_0,y_0", {"cat.png": encoded(CAT)})
    width = 180
    height = round(300 * 180 / 451)
    expected = COFFEE.copy()
    expected.paste(CAT.resize((width, height), Image.Resampling.LANCZOS), (600 - width, 400 - height))
    fits(own, expected, mean=1, ssim=0.98)


def test_tiled_mark():
    mark = Image.new("RGB", (20, 10), (255, 0, 255))
    own = rendered(encoded(COFFEE), f"image/watermark,image_{b64('m')},g_nw,x_0,y_0,fill_1,padx_20,pady_30",
                   {"m": encoded(mark)})
    expected = COFFEE.copy()
    for top in range(0, 400, 40):
        for left in range(0, 600, 40):
            expected.paste(mark, (left, top))
    same(own, expected)
