"""One case on Debian's libvips: processor time per image in ms, memory growth in MB."""

import json
import os
import re
import sys
import time

os.environ["VIPS_CONCURRENCY"] = "1"
import pyvips

pyvips.cache_set_max(0)
name, source, target, count = sys.argv[1:]
data = open(source, "rb").read()


def thumbnail(width, **options):
    return pyvips.Image.thumbnail_buffer(data, width, **options)


CASES = {
    "webp": lambda: thumbnail(800, height=100_000).webpsave_buffer(Q=80),
    "jpeg": lambda: thumbnail(800, height=100_000).jpegsave_buffer(Q=80),
    "fill": lambda: thumbnail(200, height=200, crop="centre").jpegsave_buffer(Q=80),
    "thumb": lambda: thumbnail(200, height=100_000).jpegsave_buffer(Q=80),
    "png": lambda: thumbnail(400, height=100_000).pngsave_buffer(),
    "gif": lambda: thumbnail(240, height=100_000, option_string="n=-1").gifsave_buffer(),
}


def peak():
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])


before = peak()
best = float("inf")
for _ in range(int(count)):
    start = time.process_time()
    result = CASES[name]()
    best = min(best, (time.process_time() - start) * 1000)
open(target, "wb").write(result)
print(json.dumps({"ms": best, "mb": (peak() - before) / 1024}))
