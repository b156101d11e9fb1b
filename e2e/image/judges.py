"""osier's pictures and those of independent programs.

`render` runs the program that does what the server does with a pipeline. Pillow and libvips are the
judges: a case fails only where osier's picture is far from both.
"""

import base64
import io
import os
import subprocess
from pathlib import Path

import numpy as np
import pyvips
import skimage
from PIL import Image
from skimage.metrics import structural_similarity

RENDERER = os.environ["OSIER_IMAGE_RENDER"]
PHOTOS = Path(skimage.__file__).parent / "data"


class Refused(Exception):
    """The program refused; the text is what it said."""


def render(source, pipeline, marks=None, *arguments):
    """The bytes that osier makes of `source`."""
    words = [RENDERER, pipeline, *arguments]
    directory = None
    for number, (key, content) in enumerate((marks or {}).items()):
        import tempfile

        directory = directory or tempfile.TemporaryDirectory()
        path = Path(directory.name) / str(number)
        path.write_bytes(content)
        words += ["--mark", f"{key}={path}"]
    done = subprocess.run(words, input=source, capture_output=True, timeout=60)
    if directory:
        directory.cleanup()
    if done.returncode == 1:
        raise Refused(done.stderr.decode())
    assert done.returncode == 0, (done.returncode, done.stderr.decode())
    return done.stdout


def picture(data):
    opened = Image.open(io.BytesIO(data))
    opened.load()
    return opened


def rendered(source, pipeline, marks=None):
    return picture(render(source, pipeline, marks))


def photo(name="coffee.png", mode="RGB"):
    return Image.open(PHOTOS / name).convert(mode)


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def with_alpha(image):
    """A photograph that fades out towards its corners."""
    width, height = image.size
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot((x - width / 2) / width, (y - height / 2) / height)
    alpha = np.clip(400 - 700 * distance, 0, 255).astype(np.uint8)
    result = image.copy()
    result.putalpha(Image.fromarray(alpha))
    return result


def on_grey(image):
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (128, 128, 128, 255)), image).convert("RGB")


def distance(one, other):
    """Mean absolute difference, and SSIM of luma."""
    assert one.size == other.size, (one.size, other.size)
    a, b = (np.asarray(on_grey(image), dtype=np.float64) for image in (one, other))
    luma = [np.asarray(on_grey(image).convert("L"), dtype=np.float64) for image in (one, other)]
    window = min(7, *one.size)
    ssim = 1.0 if window < 3 else structural_similarity(*luma, data_range=255, win_size=window - (window + 1) % 2)
    return float(np.abs(a - b).mean()), ssim


def near(one, other, mean=2.0, ssim=0.98):
    found = distance(one, other)
    return found[0] <= mean and found[1] >= ssim, found


def vips(data):
    return pyvips.Image.new_from_buffer(data, "")


def from_vips(image):
    return picture(image.pngsave_buffer())


def b64(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
