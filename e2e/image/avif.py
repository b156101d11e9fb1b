"""AVIF, which only builds with the feature write: `./test avif` makes one and comes here."""

import pytest
from PIL import Image

from judges import Refused, distance, encoded, photo, render, rendered, with_alpha

CAT = photo("chelsea.png")


@pytest.mark.parametrize("alpha", [False, True])
def test_pictures_are_what_they_were(alpha):
    source = with_alpha(CAT) if alpha else CAT
    own = rendered(encoded(source), "image/resize,w_200/format,avif/quality,Q_90")
    assert (own.format, own.size, own.mode) == ("AVIF", (200, 133), "RGBA" if alpha else "RGB")
    mean, ssim = distance(own, rendered(encoded(source), "image/resize,w_200/format,png"))
    assert mean < 4 and ssim > 0.97, (mean, ssim)


def test_quality_costs_bytes():
    sizes = [len(render(encoded(CAT), f"image/resize,w_200/format,avif/quality,Q_{quality}")) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)


def test_orientation_is_carried_along():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = render(encoded(CAT, "JPEG", exif=exif), "image/resize,w_100/format,avif")
    assert b"Exif" in data or b"irot" in data


def test_large_results_are_refused():
    with pytest.raises(Refused, match="ImageTooLarge"):
        render(encoded(Image.new("L", (4096, 2400))), "image/format,avif")
