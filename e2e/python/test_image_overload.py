"""More pictures at a time than there is memory for: what does not fit is refused, the rest goes on.

Nothing here asks how long it takes; `cargo xtask bench image` does.
"""

import concurrent.futures
import io
import socket
import threading

import oss2
import pytest
from conftest import oss2_bucket
from harness import Osier, Raw
from PIL import Image

MEGABYTE = 1 << 20
CLIENTS = 64
# Budgets that a few pictures of 12 megapixels fill: one is 48 MB of pixels.
SETTINGS = """
[image]
threads = 2
memory_bytes = 268435456
source_bytes = 33554432
cache_bytes = 8388608
queue_max = 8
queue_wait_ms = 3000
variants_max = 0
"""
BUDGET = (256 + 32 + 8) * MEGABYTE
CACHED = "image/resize,w_120"


def twelve_megapixels():
    """A progressive photograph's size and effort without its megabytes in this repository."""
    noise = Image.effect_noise((500, 375), 60).resize((4000, 3000), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    Image.merge("RGB", (noise, noise.rotate(180), noise)).save(out, "JPEG", quality=85, progressive=True)
    return out.getvalue()


def drawn(width, height):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def small():
    """A server with little memory for pictures, and a bucket that everybody may read."""
    with Osier(settings=SETTINGS) as server:
        bucket = oss2_bucket(server, "pictures")
        bucket.create_bucket("public-read")
        source = twelve_megapixels()
        for copy in range(4):
            bucket.put_object(f"{copy}.jpg", source)
        bucket.put_object("broken.jpg", source[: len(source) // 2])
        yield server
    assert server.process.returncode == 0, server.log()


def fetch(server, key, process):
    return Raw(server.port).exchange("GET", f"/pictures/{key}?x-oss-process={process}", {})


def peak_bytes(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def test_s36_sixty_four_clients_stay_within_the_memory_of_pictures(small):
    cached = fetch(small, "0.jpg", CACHED)
    assert cached.status == 200
    before = small.rss_bytes()
    over = threading.Event()
    hits = []

    def read_what_is_cached():
        while not over.is_set():
            hits.append(fetch(small, "0.jpg", CACHED))

    def ask(client):
        # Every pixel is decoded, and each request is a job of its own.
        process = f"image/bright,{client - CLIENTS // 2}/resize,m_fixed,w_{3000 + client},h_3000"
        return fetch(small, f"{client % 4}.jpg", process)

    reader = threading.Thread(target=read_what_is_cached)
    reader.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(ask, range(CLIENTS)))
    finally:
        over.set()
        reader.join()
    refused = [answer for answer in answers if answer.status != 200]
    assert 0 < len(refused) < CLIENTS, [answer.status for answer in answers]
    for answer in refused:
        assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
        assert int(answer.header("retry-after")) > 0
        assert "pictures" in answer.element("Message")
    # Whatever is kept is given, before, during and after.
    assert hits and {(hit.status, hit.body) for hit in hits} == {(200, cached.body)}
    grown = peak_bytes(small) - before
    assert grown <= BUDGET * 1.15, f"{grown // MEGABYTE} MB more than before"
    # Nothing is left of the load: the next one is served.
    assert fetch(small, "1.jpg", "image/bright,3/resize,w_99").status == 200


# Minutes of work for one thread.
ENDLESS = "image/" + "/".join(["blur,r_50,s_50"] * 20)


def test_a_job_ends_when_its_client_leaves():
    settings = "[image]\nthreads = 1\nqueue_max = 4\nqueue_wait_ms = 3000\njob_ms = 600000\nvariants_max = 0\n"
    with Osier(settings=settings) as server:
        bucket = oss2_bucket(server, "pictures")
        bucket.create_bucket("public-read")
        bucket.put_object("large.jpg", twelve_megapixels())
        bucket.put_object("small.png", drawn(60, 40))
        leaving = socket.create_connection(("127.0.0.1", server.port))
        head = f"GET /pictures/large.jpg?x-oss-process={ENDLESS} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        leaving.sendall(head.encode())
        # Whoever comes before it has the thread is served; then it is taken for longer than
        # anybody waits.
        statuses = (fetch(server, "small.png", f"image/resize,w_{width}").status for width in range(1, 60))
        assert 503 in statuses
        leaving.close()
        assert fetch(server, "small.png", "image/resize,m_fixed,w_9,h_9").status == 200


def test_a_picture_has_so_much_time():
    with Osier(settings="[image]\njob_ms = 300\n") as server:
        bucket = oss2_bucket(server, "pictures")
        bucket.create_bucket("public-read")
        bucket.put_object("large.jpg", twelve_megapixels())
        answer = fetch(server, "large.jpg", ENDLESS)
        assert (answer.status, answer.code) == (400, "ImageTooLarge"), answer
        assert "too long" in answer.element("Message")


@pytest.mark.parametrize(("open_to", "anonymous", "signed"), [
    ("readers", (200, 200), (200, 200)),
    ("signed", (403, 200), (200, 200)),
    ("styles", (403, 200), (403, 200)),
    ("nobody", (403, 403), (403, 403)),
])
def test_who_may_ask_for_pictures(open_to, anonymous, signed):
    """The two numbers are those of an invented size and of a style."""
    with Osier(settings=f'[image]\nopen_to = "{open_to}"\n') as server:
        bucket = oss2_bucket(server, "pictures")
        bucket.create_bucket("public-read")
        bucket.put_object("small.png", drawn(60, 40))
        raw = Raw(server.port)
        style = b"<Style><Content>image/resize,w_20</Content></Style>"
        assert raw.send("PUT", "pictures", query=[("style", None), ("styleName", "tiny")], body=style).status == 200
        asked = ["image/resize,w_30", "style/tiny"]
        assert tuple(fetch(server, "small.png", process).status for process in asked) == anonymous

        def by_owner(process):
            try:
                return bucket.get_object("small.png", process=process).status
            except oss2.exceptions.OssError as refused:
                assert refused.code == "AccessDenied"
                return refused.status

        assert tuple(by_owner(process) for process in asked) == signed
        # Whole objects are another matter.
        assert bucket.get_object("small.png").read() == drawn(60, 40)


def test_strangers_invent_so_many_sizes_of_an_object_and_styles_are_not_counted():
    with Osier(settings="[image]\nvariants_max = 3\n") as server:
        bucket = oss2_bucket(server, "pictures")
        bucket.create_bucket("public-read")
        bucket.put_object("small.png", drawn(60, 40))
        style = b"<Style><Content>image/resize,w_20</Content></Style>"
        raw = Raw(server.port)
        assert raw.send("PUT", "pictures", query=[("style", None), ("styleName", "tiny")], body=style).status == 200
        statuses = [fetch(server, "small.png", f"image/resize,w_{width}").status for width in range(1, 6)]
        assert statuses == [200, 200, 200, 403, 403]
        assert fetch(server, "small.png", "image/resize,w_4").code == "AccessDenied"
        assert fetch(server, "small.png", "style/tiny").status == 200
        # Another spelling of one that was given is no new one; the owner may have any.
        assert fetch(server, "small.png", "image/resize,limit_1,w_3").status == 200
        assert bucket.get_object("small.png", process="image/resize,w_5").status == 200
