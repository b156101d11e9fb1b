"""What a chain of image actions must come to, written from the documentation alone.

Exact fractions, no pixels. `result` answers width and height, or raises Refused with the
finer error code (None where the documentation names none). Nothing here was taken from the
planner; where the documentation is silent, the decision is the one of docs/adr/0013.
"""

import math
from fractions import Fraction

SIDE_MAX = 16384
PIXELS_MAX = 4096 * 4096


class Refused(Exception):
    """The chain can't be carried out."""

    def __init__(self, ec):
        super().__init__(ec)
        self.ec = ec


def nearest(value):
    """Halves go up, and nothing vanishes."""
    return max(1, math.floor(Fraction(value) + Fraction(1, 2)))


def parameters(items):
    return dict(item.split("_", 1) for item in items)


def resize(size, items, enlarge_forbidden):
    width, height = size
    given = parameters(items)
    mode = given.get("m", "lfit")
    asked = {name: int(given[name]) for name in "whlsp" if name in given}
    target_w, target_h = asked.get("w") or None, asked.get("h") or None
    if ("w" in asked or "h" in asked) and not (target_w or target_h):
        raise Refused("0040-00000321")
    if "w" not in asked and "h" not in asked:
        if "l" in asked or "s" in asked:
            landscape = width >= height
            target_w = asked.get("l") if landscape else asked.get("s")
            target_h = asked.get("s") if landscape else asked.get("l")
        elif "p" in asked:
            share = Fraction(asked["p"], 100)
            scaled = nearest(width * share), nearest(height * share)
            return limited(size, scaled, scaled, given, enlarge_forbidden)
        else:
            raise Refused("0040-00000322")
    if mode in ("fill", "pad", "fixed"):
        # The modes of a fixed size copy the side that is missing.
        target_w, target_h = target_w or target_h, target_h or target_w
    across = Fraction(target_w, width) if target_w else None
    down = Fraction(target_h, height) if target_h else None
    ratios = [ratio for ratio in (across, down) if ratio is not None]
    if mode == "fixed":
        scaled = final = target_w, target_h
    elif mode in ("lfit", "pad"):
        ratio = min(ratios)
        scaled = nearest(width * ratio), nearest(height * ratio)
        final = scaled if mode == "lfit" else (target_w, target_h)
    else:
        ratio = max(ratios)
        scaled = nearest(width * ratio), nearest(height * ratio)
        final = scaled if mode == "mfit" else (target_w, target_h)
    return limited(size, scaled, final, given, enlarge_forbidden)


def limited(size, scaled, final, given, enlarge_forbidden):
    never = given.get("limit", "1") == "1" or enlarge_forbidden
    if never and (scaled[0] > size[0] or scaled[1] > size[1]):
        return size
    for one in (scaled, final):
        if max(one) > SIDE_MAX or one[0] * one[1] > PIXELS_MAX:
            raise Refused("0040-00000007")
    return final


def crop(size, items):
    given = parameters(items)
    gravity = given.get("g", "nw")
    wide = int(given.get("w", 0)) or size[0]
    tall = int(given.get("h", 0)) or size[1]
    wide, tall = min(wide, size[0]), min(tall, size[1])
    left = {"nw": 0, "west": 0, "sw": 0, "north": (size[0] - wide) // 2, "center": (size[0] - wide) // 2,
            "south": (size[0] - wide) // 2}.get(gravity, size[0] - wide) + int(given.get("x", 0))
    top = {"nw": 0, "north": 0, "ne": 0, "west": (size[1] - tall) // 2, "center": (size[1] - tall) // 2,
           "east": (size[1] - tall) // 2}.get(gravity, size[1] - tall) + int(given.get("y", 0))
    if left >= size[0] or top >= size[1]:
        raise Refused(None)
    cut = min(wide, size[0] - left), min(tall, size[1] - top)
    if "p" not in given:
        return cut
    share = Fraction(int(given["p"]), 100)
    final = nearest(cut[0] * share), nearest(cut[1] * share)
    if max(final) > SIDE_MAX or final[0] * final[1] > PIXELS_MAX:
        raise Refused("0040-00000007")
    return final


def indexcrop(size, items):
    given = parameters(items)
    index = int(given.get("i", 0))
    axis = 1 if "y" in given else 0
    length = int(given["y" if axis else "x"])
    slices = math.ceil(Fraction(size[axis], length))
    if index >= slices:
        return size
    own = min(length, size[axis] - index * length)
    return (size[0], own) if axis else (own, size[1])


def circle(size, items):
    # Over half the shorter side, r is (side - 1) / 2 and the result 2r + 1, says the page.
    side = min(2 * int(parameters(items)["r"]), min(size))
    return side, side


def rotate(size, degrees):
    if max(size) > 4096:
        raise Refused(None)
    if degrees % 180 == 0:
        return size
    if degrees % 90 == 0:
        return size[1], size[0]
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    return (math.ceil(size[0] * cosine + size[1] * sine - 1e-6),
            math.ceil(size[0] * sine + size[1] * cosine - 1e-6))


def result(source, chain):
    """The size after `chain`, a list of (action, items), of a source given as a dictionary."""
    size = source["width"], source["height"]
    if max(size) > 30000:
        raise Refused("0040-00000019" if source["format"] == "jpg" else "0040-00000009")
    if size[0] * size[1] * source.get("frames", 1) > 250_000_000:
        raise Refused("0040-00000012")
    orientation = source.get("orientation", 1)
    output = source["format"]
    animated = stays_animated(source, chain)
    for action, items in chain:
        if action == "resize":
            size = resize(size, items, animated)
        elif action == "crop":
            size = crop(size, items)
        elif action == "indexcrop":
            size = indexcrop(size, items)
        elif action == "circle":
            size = circle(size, items)
        elif action == "rotate":
            size = rotate(size, int(items[0]))
        elif action == "auto-orient" and items[0] == "1":
            if orientation in (5, 6, 7, 8):
                size = size[1], size[0]
            orientation = 1
        elif action == "format" and items[0] != "gif":
            output = items[0]
        elif action == "format":
            output = source["format"]
    if output == "webp" and max(size) > 16383:
        raise Refused(None)
    return size


def stays_animated(source, chain):
    """The rules of the page on animated GIF."""
    if source["format"] != "gif" or source.get("frames", 1) == 1:
        return False
    names = [action for action, _ in chain]
    if "quality" in names or "auto-orient" in names:
        return False
    for place, (action, items) in enumerate(chain):
        if action == "format":
            if items[0] != "gif" or any(name not in ("format", "interlace") for name in names[place:]):
                return False
        if action == "resize":
            given = parameters(items)
            if "p" in given and not any(name in given for name in "whls"):
                return False
    return True
