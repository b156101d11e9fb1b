"""Results are sound files of their format, by programs that did not write them; info by exiv2."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from judges import Refused, encoded, photo, picture, render, rendered, vips, with_alpha

CAT = photo("chelsea.png")


def checked(program, data, suffix):
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        done = subprocess.run([*program, file.name], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("format", ["jpg", "png", "webp", "bmp", "tiff"])
def test_two_decoders_agree(format, alpha):
    source = with_alpha(CAT) if alpha else CAT
    data = render(encoded(source), f"image/resize,w_200/format,{format}")
    mine = picture(data)
    assert mine.format.lower() == {"jpg": "jpeg"}.get(format, format)
    if format != "bmp":
        theirs = vips(data)
        assert (theirs.width, theirs.height) == mine.size
    if format != "jpg":
        assert (mine.mode == "RGBA") == alpha


def test_files_pass_their_checkers():
    png = render(encoded(with_alpha(CAT)), "image/resize,w_200")
    assert checked(["pngcheck", "-q"], png, ".png")[0] == 0
    webp = render(encoded(CAT), "image/resize,w_200/format,webp")
    assert checked(["webpinfo", "-quiet"], webp, ".webp")[0] == 0
    frames = [CAT.rotate(step * 9).resize((90, 60)) for step in range(4)]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    result = render(gif, "image/resize,w_45")
    assert "45" in checked(["giftext"], result, ".gif")[1] and checked(["giftext"], result, ".gif")[0] == 0


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_in_webp_is_well_formed(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(CAT, "JPEG", exif=exif)
    for alpha_source in (source,):
        webp = render(alpha_source, "image/resize,w_100/format,webp")
        code, text = checked(["webpinfo"], webp, ".webp")
        assert code == 0 and "No error detected" in text, text
        assert picture(webp).getexif()[0x0112] == orientation


@pytest.mark.parametrize("interlace", [0, 1])
def test_interlace(interlace):
    data = render(encoded(CAT), f"image/format,jpg/interlace,{interlace}")
    assert bool(picture(data).info.get("progressive")) == bool(interlace)


def test_grey_stays_grey():
    grey = CAT.convert("L")
    assert rendered(encoded(grey), "image/resize,w_100/format,jpg").mode == "L"
    assert rendered(encoded(grey), "image/resize,w_100").mode == "L"
    # What is grey by chance keeps the channels of its source.
    for kind in ("PNG", "JPEG"):
        source = encoded(Image.new("RGB", (90, 60), (80, 80, 80)), kind)
        assert rendered(source, "image/resize,w_30").mode == "RGB"
        assert min(rendered(source, "image/circle,r_9/format,jpg").getpixel((0, 0))) > 245


def quality(data):
    """As ImageMagick's users know it: from the first table, by the IJG's formula."""
    own = picture(data).quantization[0]
    best = None
    for candidate in range(1, 101):
        table = Image.new("RGB", (8, 8))
        theirs = picture(encoded(table, "JPEG", quality=candidate)).quantization[0]
        apart = sum(abs(a - b) for a, b in zip(own, theirs))
        if best is None or apart < best[0]:
            best = (apart, candidate)
    return best[1]


@pytest.mark.parametrize("own,wanted,expected", [
    (95, "Q_60", 60), (80, "Q_90", 80), (80, "q_90", 72), (100, "q_90", 90), (50, "q_50", 25),
])
def test_quality(own, wanted, expected):
    source = encoded(CAT, "JPEG", quality=own)
    assert abs(quality(render(source, f"image/quality,{wanted}")) - expected) <= 1


def exiv2(data, flags):
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(data)
        file.flush()
        done = subprocess.run(["exiv2", flags, file.name], capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key.rsplit(".", 1)[-1], value.strip())
    return found


def camera():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "osier works", "Model 7"
    exif[0x0112], exif[0x0128] = 6, 2
    exif[0x011A] = exif[0x011B] = 96.0
    exif[0x0131], exif[0x0132] = "tests", "2026:02:11 15:38:27"
    photo_tags = exif.get_ifd(0x8769)
    photo_tags[0x829A], photo_tags[0x829D] = 0.005, 2.8
    photo_tags[0x8827], photo_tags[0x9003] = 200, "2026:02:11 15:38:27"
    photo_tags[0x9000] = b"0230"
    gps = exif.get_ifd(0x8825)
    gps[0] = b"\x02\x02\x00\x00"
    gps[1], gps[2] = "N", (31.0, 14.0, 5.25)
    gps[3], gps[4] = "E", (121.0, 0.0, 0.0)
    return exif


def test_info():
    source = encoded(CAT, "JPEG", exif=camera())
    info = {name: entry["value"] for name, entry in json.loads(render(source, "image/info")).items()}
    assert info["FileSize"] == str(len(source)) and info["Format"] == "jpg"
    assert (info["ImageWidth"], info["ImageHeight"], info["FrameCount"]) == ("451", "300", "1")
    raw, words = exiv2(source, "-Pkv"), exiv2(source, "-Pkt")
    assert raw, "exiv2 found nothing"
    # OSS shows places as exiv2 interprets them; older versions print the fractions of seconds and
    # leave out what is nothing, and so does the documentation's sample.
    for name in ("GPSLatitudeRef", "GPSLongitudeRef"):
        raw[name] = words[name]
    raw["GPSLatitude"], raw["GPSLongitude"] = "31deg 14' 5.250\"", "121deg"
    own = {name: value for name, value in info.items()
           if name not in ("FileSize", "Format", "FrameCount", "ImageHeight", "ImageWidth")}
    differing = {name: (own.get(name, "").strip(), raw.get(name)) for name in raw | own
                 if own.get(name, "").strip() != raw.get(name)}
    assert not differing
    assert list(json.loads(render(source, "image/info"))) == sorted(info)


@pytest.mark.parametrize("format,name", [("PNG", "png"), ("GIF", "gif"), ("BMP", "bmp"), ("WEBP", "webp"), ("TIFF", "tiff")])
def test_info_of_other_formats(format, name):
    info = json.loads(render(encoded(CAT, format), "image/info"))
    assert info["Format"]["value"] == name
    assert (info["ImageWidth"]["value"], info["ImageHeight"]["value"]) == ("451", "300")


def test_frames_are_counted():
    frames = [CAT.rotate(step).resize((60, 40)) for step in range(7)]
    for format in ("GIF", "WEBP"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert json.loads(render(data, "image/info"))["FrameCount"]["value"] == "7"


@pytest.mark.parametrize("format", ["heic", "avif"])
def test_formats_that_are_not_there(format):
    with pytest.raises(Refused, match="NotImplemented"):
        render(encoded(CAT), f"image/format,{format}")
