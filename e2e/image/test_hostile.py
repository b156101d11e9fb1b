"""Pictures made to harm: each ends within its time and memory, as a picture or as a clean error.

Each runs in a process of its own whose memory is limited, so that a decoder that takes more than
its budget dies visibly; how long it took is told by the processor time that the process used.
"""

import io
import os
import random
import resource
import struct
import subprocess
import zlib

import pytest
from PIL import Image

from judges import RENDERER, encoded, photo, with_alpha

SECONDS = 1.0
MEMORY = 700 << 20
CAT = photo("chelsea.png")
CLEAN = ("BadRequest", "ImageTooLarge", "InvalidArgument", "NotImplemented", "Internal - stopped")


def attempt(data, pipeline="image/resize,w_100/format,png"):
    """Returns what came out, or the error; fails on crashes, hangs and memory."""
    def limits():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    process = subprocess.Popen([RENDERER, pipeline], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=limits)
    import threading

    def feed():
        try:
            process.stdin.write(data)
            process.stdin.close()
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    output, errors = process.stdout.read(), process.stderr.read().decode()
    feeder.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), (process.returncode, errors)
    assert "panicked" not in errors, errors
    if process.returncode == 1:
        assert errors.startswith(CLEAN), errors
    used = usage.ru_utime + usage.ru_stime
    assert used < SECONDS * slowness(), f"{used:.2f} s of processor time"
    return output if process.returncode == 0 else errors


def slowness():
    """Limits are for a quiet machine; a busy one shares caches and clock."""
    return 2.5


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, rows, depth=8, colour=2, extra=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_s38_pixel_bombs():
    for width, height in ((30_000, 30_000), (2**31 - 1, 2**31 - 1), (65_535, 65_535)):
        assert "ImageTooLarge" in attempt(png(width, height, zlib.compress(bytes(1 << 20))))
    # Within the documented limits, beyond the budget.
    assert "ImageTooLarge" in attempt(png(15_000, 15_000, zlib.compress(bytes(1 << 24))))
    assert "BadRequest" in attempt(png(0, 10, b""))


def test_long_and_thin():
    rows = zlib.compress(bytes(4 * 30_000))
    attempt(png(1, 30_000, rows))
    attempt(png(30_000, 1, zlib.compress(bytes(90_001))))


def test_s37_compressed_text_and_profiles():
    bomb = zlib.compress(bytes(200 << 20), 9)
    text = chunk(b"zTXt", b"Comment\0\0" + bomb)
    profile = chunk(b"iCCP", b"bomb\0\0" + bomb)
    rows = zlib.compress(bytes(10 * 31))
    for extra in (text, profile, chunk(b"iTXt", b"c\0\1\0\0\0" + bomb)):
        attempt(png(10, 10, rows, extra=extra))
        attempt(png(10, 10, rows, extra=extra), "image/info")


def test_s38_jpeg_with_many_scans():
    base = encoded(Image.new("RGB", (4000, 4000), (9, 9, 9)), "JPEG", progressive=True)
    end = base.rindex(b"\xff\xd9")
    last = base.rindex(b"\xff\xda")
    scans = base[last:end]
    attempt(base[:end] + scans * 500 + b"\xff\xd9")
    attempt(base[:end] + scans * 500 + b"\xff\xd9", "image/format,jpg")


def test_jpeg_that_promises_much():
    for head in (b"\xff\xc0", b"\xff\xc2"):
        for sampling in (b"\x11", b"\x44", b"\x22"):
            frame = b"\x00\x11\x08" + struct.pack(">HH", 65_000, 65_000) + b"\x03" + b"".join(
                bytes([number]) + sampling + b"\x00" for number in (1, 2, 3))
            assert attempt(b"\xff\xd8" + head + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00").startswith(CLEAN)
    tables = encoded(Image.new("RGB", (16, 16)), "JPEG", progressive=True)
    at = tables.index(b"\xff\xc2") + 5
    grown = tables[:at] + struct.pack(">HH", 9_000, 9_000) + tables[at + 4 :]
    assert attempt(grown).startswith(CLEAN)


def test_s38_profile_chains():
    link = b"\xff\xe2\xff\xff" + b"ICC_PROFILE\0\x01\xff" + bytes(65_533 - 14)
    base = encoded(CAT, "JPEG")
    attempt(base[:2] + link * 300 + base[2:])
    exif = b"\xff\xe1\xff\xff" + b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256)) * 255 + bytes(237)
    attempt(base[:2] + exif * 200 + base[2:], "image/info")


def gif_frames(count, width, height):
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * count + b"\x3b"


def test_s38_gif_with_many_frames():
    assert "ImageTooLarge" in attempt(gif_frames(100_000, 10, 10), "image/resize,w_5")
    assert "ImageTooLarge" in attempt(gif_frames(900, 2_000, 2_000), "image/resize,w_5")
    attempt(gif_frames(100_000, 10, 10), "image/info")
    attempt(gif_frames(100_000, 10, 10), "image/resize,w_5/format,png")
    assert "ImageTooLarge" in attempt(gif_frames(1, 65_535, 65_535), "image/format,png")


def test_s38_references_in_circles():
    directory = struct.pack("<2sHIH", b"II", 42, 8, 2)
    directory += struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0x0100, 4, 1, 5) + struct.pack("<I", 8)
    attempt(directory, "image/info")
    base = encoded(CAT, "JPEG")
    block = b"Exif\0\0" + directory
    attempt(base[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + base[2:], "image/info")


def samples():
    """A small picture of every kind."""
    small = CAT.resize((90, 60))
    frames = [small.rotate(step) for step in range(3)]
    yield "jpeg", encoded(small, "JPEG", quality=80)
    yield "jpeg-progressive", encoded(small, "JPEG", quality=80, progressive=True)
    yield "jpeg-cmyk", encoded(small.convert("CMYK"), "JPEG")
    yield "jpeg-restart", encoded(small, "JPEG", restart_marker_blocks=1)
    yield "png", encoded(with_alpha(small))
    yield "png-palette", encoded(small.quantize(64))
    yield "webp", encoded(small, "WEBP")
    yield "webp-lossless", encoded(with_alpha(small), "WEBP", lossless=True)
    yield "webp-animated", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield "gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    yield "bmp", encoded(small, "BMP")
    yield "bmp-palette", encoded(small.quantize(16), "BMP")
    yield "tiff", encoded(small, "TIFF", compression="tiff_lzw")
    yield "tiff-cmyk", encoded(small.convert("CMYK"), "TIFF")


@pytest.mark.parametrize("name,data", list(samples()), ids=lambda value: value if isinstance(value, str) else "")
def test_cut_off(name, data):
    for part in range(0, 12):
        attempt(data[: len(data) * part // 12])
    attempt(data[:-1])


@pytest.mark.parametrize("name,data", list(samples()), ids=lambda value: value if isinstance(value, str) else "")
def test_damaged(name, data):
    random.seed(name)
    for _ in range(12):
        broken = bytearray(data)
        for _ in range(random.choice((1, 3, 20))):
            broken[random.randrange(len(broken))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        attempt(bytes(broken))


def test_s38_drawings_documents_and_programs_are_no_pictures():
    for data in (b"", b"%PDF-1.7\n", b"\0\0\0\x20ftypisom", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
                 b"#!/bin/sh\n", b"PK\3\4", b"%!PS-Adobe", b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"BM", b"II*\0"):
        assert attempt(data).startswith(CLEAN)


def huffman_overflow_webp():
    """A lossless WebP whose code lengths ask for a table that is too large, as in CVE-2023-4863."""
    bits = []

    def put(value, count):
        bits.extend(value >> place & 1 for place in range(count))

    put(0x2F, 8), put(15, 14), put(15, 14), put(0, 1), put(0, 3), put(0, 1), put(0, 1), put(0, 1)
    for _ in range(5):
        put(0, 1), put(15, 4)
        for _ in range(19):
            put(7, 3)
        put(0, 1)
        for _ in range(300):
            put(0x7F, 7)
    body = bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def test_s38_huffman_tables_that_overflow():
    assert attempt(huffman_overflow_webp()).startswith(CLEAN)


PILLOW = os.environ.get("PILLOW_TEST_IMAGES")


@pytest.mark.skipif(PILLOW is None, reason="`./test image` unpacks Pillow's source package and says where")
def test_pillows_own_collection():
    """Broken and odd pictures that Pillow's authors collected: no crash, no hang, no waste."""
    names = sorted(os.listdir(PILLOW))
    tried = decoded = 0
    for directory, _, files in sorted(os.walk(PILLOW)):
        for name in sorted(files):
            path = os.path.join(directory, name)
            if os.path.getsize(path) > 20 << 20:
                continue
            with open(path, "rb") as file:
                data = file.read()
            tried += 1
            found = attempt(data)
            decoded += not isinstance(found, str)
            attempt(data, "image/info")
    assert names and tried > 300 and decoded > 150, (tried, decoded)


def test_a_stopped_job_ends_soon():
    source = encoded(Image.effect_noise((4000, 3000), 90).convert("RGB"), "JPEG", quality=85)
    process = subprocess.run([RENDERER, "image/blur,r_50,s_50", "--stop-after", "50"], input=source, capture_output=True)
    assert process.returncode == 1 and b"too long" in process.stderr, process.stderr
