"""The planner against the oracle, by worked examples of the documentation and by chance."""

import json
import os
import pathlib
import random
import subprocess

import oracle

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One seed for all, so that a failure can be looked at again.
SEED = 20261126
CASES = 20_000


def planner():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = target / "release" / "osier-image-plan"
    assert path.exists(), f"{path} is not there; build it: cargo build --release -p osier-image"
    return path


def planned(questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([planner()], input=lines, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def text_of(chain):
    return "image/" + "/".join(",".join([action, *items]) for action, items in chain)


def expected(source, chain):
    try:
        width, height = oracle.result(source, chain)
    except oracle.Refused as refused:
        return {"ec": refused.ec}
    return {"width": width, "height": height}


def told(answer):
    if "error" in answer:
        return {"ec": answer["ec"]}
    return {"width": answer["width"], "height": answer["height"]}


# Source, actions, result: printed in the documentation or computed there by hand.
WORKED = [
    ((200, 100), "resize,m_lfit,w_150,h_80", (150, 75)),
    ((200, 100), "resize,m_mfit,w_150,h_80", (160, 80)),
    ((200, 100), "resize,m_fill,w_150,h_80", (150, 80)),
    ((200, 100), "resize,m_pad,w_150,h_80", (150, 80)),
    ((200, 100), "resize,m_fixed,w_150,h_80", (150, 80)),
    ((3072, 2048), "resize,w_800", (800, 533)),
    ((3072, 2048), "resize,m_fill,w_200,h_200", (200, 200)),
    ((400, 300), "resize,h_100,m_lfit", (133, 100)),
    ((400, 300), "resize,l_100", (100, 75)),
    ((400, 300), "resize,s_100", (133, 100)),
    ((400, 300), "resize,w_500", (400, 300)),
    ((400, 300), "resize,w_500,limit_0", (500, 375)),
    ((400, 300), "resize,p_50", (200, 150)),
    ((400, 300), "crop,w_100,h_100,x_10,y_10,g_se", (90, 90)),
    ((400, 300), "crop,x_10,y_10", (390, 290)),
    ((400, 300), "indexcrop,x_100,i_0", (100, 300)),
    ((400, 300), "indexcrop,y_100,i_10", (400, 300)),
    ((400, 300), "circle,r_100", (200, 200)),
    ((400, 300), "circle,r_1000", (300, 300)),
    ((400, 300), "rounded-corners,r_30", (400, 300)),
    ((400, 300), "rotate,90", (300, 400)),
    ((400, 300), "resize,w_100/rotate,90", (75, 100)),
]


def read(text):
    return [(action.split(",")[0], action.split(",")[1:]) for action in text.split("/")]


def test_worked_examples():
    questions = []
    for (width, height), text, size in WORKED:
        source = {"format": "png", "width": width, "height": height}
        assert oracle.result(source, read(text)) == size, text
        questions.append({**source, "process": "image/" + text})
    for (_, text, size), answer in zip(WORKED, planned(questions), strict=True):
        assert told(answer) == {"width": size[0], "height": size[1]}, text


def some_side(chance):
    return chance.choice([1, 2, 3, chance.randint(1, 300), chance.randint(1, 5000), chance.randint(1, 16384)])


def some_action(chance):
    name = chance.choice(["resize"] * 5 + ["crop", "crop", "indexcrop", "circle", "rounded-corners", "rotate",
                                           "auto-orient", "format", "quality", "interlace", "bright"])
    if name == "resize":
        items = [f"{side}_{some_side(chance)}" for side in "whls" if chance.random() < 0.4]
        if not items or chance.random() < 0.1:
            items.append(f"p_{chance.randint(1, 1000)}")
        if chance.random() < 0.7:
            items.append("m_" + chance.choice(["lfit", "mfit", "fill", "pad", "fixed"]))
        if chance.random() < 0.4:
            items.append(f"limit_{chance.randint(0, 1)}")
        chance.shuffle(items)
    elif name == "crop":
        items = [f"{side}_{chance.choice([0, some_side(chance)])}" for side in "wh" if chance.random() < 0.7]
        items += [f"{axis}_{chance.choice([0, chance.randint(0, 200), some_side(chance)])}"
                  for axis in "xy" if chance.random() < 0.5]
        if chance.random() < 0.6:
            items.append("g_" + chance.choice(["nw", "north", "ne", "west", "center", "east", "sw", "south", "se"]))
        if chance.random() < 0.1:
            items.append(f"p_{chance.randint(1, 200)}")
        if not items:
            items = ["x_0"]
    elif name == "indexcrop":
        items = [f"{chance.choice('xy')}_{some_side(chance)}", f"i_{chance.randint(0, 12)}"]
    elif name in ("circle", "rounded-corners"):
        items = [f"r_{chance.randint(1, 4096)}"]
    elif name == "rotate":
        items = [str(chance.choice([0, 90, 180, 270, 360, chance.randint(0, 360)]))]
    elif name == "format":
        items = [chance.choice(["jpg", "png", "webp", "bmp", "gif", "tiff"])]
    elif name == "quality":
        items = [f"{chance.choice('qQ')}_{chance.randint(1, 100)}"]
    elif name == "bright":
        items = [str(chance.randint(-100, 100))]
    else:
        items = [str(chance.randint(0, 1))]
    return name, items


def test_chains_by_chance():
    chance = random.Random(SEED)
    cases = []
    for _ in range(CASES):
        source = {
            "format": chance.choice(["jpg", "png", "webp", "bmp", "gif", "tiff"]),
            "width": min(some_side(chance) * chance.choice([1, 1, 1, 3]), 40000),
            "height": some_side(chance),
            "orientation": chance.randint(1, 8),
        }
        if source["format"] == "gif":
            source["frames"] = chance.choice([1, 3])
        cases.append((source, [some_action(chance) for _ in range(chance.randint(1, 5))]))
    answers = planned([{**source, "process": text_of(chain)} for source, chain in cases])
    wrong = [
        (source, text_of(chain), told(answer), expected(source, chain))
        for (source, chain), answer in zip(cases, answers, strict=True)
        if told(answer) != expected(source, chain)
    ]
    assert not wrong, f"{len(wrong)} of {CASES}: {wrong[:5]}"
    sizes = sum("error" not in answer for answer in answers)
    assert CASES // 3 < sizes < CASES, "chance makes too few results, or no error at all"
