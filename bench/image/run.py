"""osier beside sharp (npm) and Debian's libvips: processor time per image on one core.

Run by `cargo xtask bench image`, which builds `osier-image-render` and prepares Python and node.
All three do the same cases on the same photographs, one after the other in every round; the best
round counts. SSIM is that of luma against a whole decode and Pillow's Lanczos.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

here = Path(__file__).parent
work = Path(sys.argv[1])
renderer = sys.argv[2]
rounds = int(os.environ.get("ROUNDS", "3"))
photos = work / "photos"
Image.MAX_IMAGE_PIXELS = None

CASES = {
    # name: what it is, source, pipeline, width and height of the reference, goals
    "webp": ("C1 3072x2048 -> w_800 -> webp q80", "photo3072.jpg", "image/resize,w_800/format,webp/quality,Q_80"),
    "jpeg": ("C2 3072x2048 -> w_800 -> jpeg q80", "photo3072.jpg", "image/resize,w_800/quality,Q_80"),
    "fill": ("C3 3072x2048 -> fill 200x200 jpeg", "photo3072.jpg", "image/resize,m_fill,w_200,h_200/quality,Q_80"),
    "thumb": ("C5 12 MP -> w_200 jpeg", "photo12mp.jpg", "image/resize,w_200/quality,Q_80"),
    "thumb-progressive": ("C5p the same, progressive", "photo12mp-progressive.jpg", "image/resize,w_200/quality,Q_80"),
    "png": ("C4 2000x2000 RGBA png -> w_400 png", "alpha2000.png", "image/resize,w_400"),
    "gif": ("GIF 24 frames 480x360 -> w_240", "anim.gif", "image/resize,w_240"),
}


def prepare():
    """The photographs, from one large one of Debian's mate-backgrounds (CC BY-SA)."""
    if (photos / "done").exists():
        return
    photos.mkdir(parents=True, exist_ok=True)
    large = Image.open(sys.argv[3]).convert("RGB")
    photo = large.crop((500, 300, 500 + 4200, 300 + 2800)).resize((3072, 2048), Image.Resampling.LANCZOS)
    photo.save(photos / "photo3072.jpg", quality=92, subsampling=2)
    twelve = large.crop((600, 0, 600 + 4229, 3172)).resize((4000, 3000), Image.Resampling.LANCZOS)
    twelve.save(photos / "photo12mp.jpg", quality=90, subsampling=2)
    twelve.save(photos / "photo12mp-progressive.jpg", quality=90, subsampling=2, progressive=True)
    square = photo.resize((2000, 2000))
    y, x = np.mgrid[0:2000, 0:2000]
    alpha = np.clip(1100 - np.hypot(x - 1000, y - 1000), 0, 255).astype(np.uint8)
    square.putalpha(Image.fromarray(alpha))
    square.save(photos / "alpha2000.png")
    frames = [photo.crop((40 * i, 20 * i, 40 * i + 1440, 20 * i + 1080)).resize((480, 360)) for i in range(24)]
    frames = [frame.quantize(256, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
    frames[0].save(photos / "anim.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    (photos / "done").touch()


def command(backend, name, source, pipeline, target, count):
    case = name.split("-")[0]
    if backend == "sharp":
        return ["node", str(here / "sharp.mjs"), case, source, target, str(count)]
    if backend == "libvips":
        return [sys.executable, str(here / "vips.py"), case, source, target, str(count)]
    return [renderer, pipeline, "--repeat", str(count), "--measure", "--in", source, "--out", target]


def measure(backend, name, source, pipeline, target, count):
    environment = dict(os.environ, NODE_PATH=str(work / "node_modules"), OMP_NUM_THREADS="1")
    run = ["taskset", "-c", "0", *command(backend, name, source, pipeline, target, count)]
    done = subprocess.run(run, capture_output=True, text=True, env=environment, cwd=work)
    if done.returncode != 0:
        raise SystemExit(f"{backend} {name}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def luma(picture):
    return np.asarray(picture.convert("L"), dtype=np.float64)


def quality(name, source, target):
    """SSIM of a still picture, PSNR of an animation."""
    original, result = Image.open(source), Image.open(target)
    if name == "gif":
        values = []
        for whole, small in zip(ImageSequence.Iterator(original), ImageSequence.Iterator(result)):
            whole = whole.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
            values.append(peak_signal_noise_ratio(np.asarray(whole), np.asarray(small.convert("RGB"))))
        return float(np.mean(values)), "dB"
    if name == "png":
        background = Image.new("RGBA", original.size, "white")
        original = Image.alpha_composite(background, original.convert("RGBA"))
        result = Image.alpha_composite(Image.new("RGBA", result.size, "white"), result.convert("RGBA"))
    if name == "fill":
        side = min(original.size)
        left, top = (original.width - side) // 2, (original.height - side) // 2
        original = original.crop((left, top, left + side, top + side))
    reference = luma(original.convert("RGB").resize(result.size, Image.Resampling.LANCZOS))
    return structural_similarity(
        reference, luma(result.convert("RGB")), data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False), "SSIM"


def main():
    prepare()
    results = work / "results"
    results.mkdir(exist_ok=True)
    wanted = sys.argv[4:] or list(CASES)
    backends = ["osier", "sharp", "libvips"]
    print(f"{'case':38} {'backend':8} {'ms':>8} {'ratio':>6} {'MB':>6} {'bytes':>8}  quality")
    for name in wanted:
        title, source, pipeline = CASES[name]
        source = str(photos / source)
        best = {}
        for _ in range(rounds):
            for backend in backends:
                target = str(results / f"{name}-{backend}")
                count = 3 if name == "gif" else 8
                found = measure(backend, name, source, pipeline, target, count)
                if backend not in best or found["ms"] < best[backend]["ms"]:
                    best[backend] = found
        for backend in backends:
            target = results / f"{name}-{backend}"
            value, unit = quality(name, source, target)
            found, own = best[backend], best["osier"]["ms"]
            ratio = "" if backend == "osier" else f"{own / found['ms']:.2f}"
            print(f"{title:38} {backend:8} {found['ms']:8.1f} {ratio:>6} {found['mb']:6.1f} "
                  f"{target.stat().st_size:8}  {value:.4f} {unit}")


main()
