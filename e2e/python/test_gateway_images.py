"""Pictures made by the gateway of what a plain origin or a private bucket has."""

import base64
import concurrent.futures
import io
import json

import oss2
import pytest
import requests
from conftest import KEY_ID, SECRET, new_name, oss2_bucket
from gateway import Edge, Origin, running, says
from harness import Osier, free_port
from PIL import Image

CHAIN = "image/resize,w_80/format,webp/quality,q_80"
BUCKET = new_name("edge-images")


def encoded(picture, kind="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(body):
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def drawn(width=160, height=120):
    return Image.effect_mandelbrot((width, height), (-2, -1.5, 1, 1.5), 40).convert("RGB")


def text(words):
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as server:
        yield server


@pytest.fixture(scope="module")
def edge(origin):
    port = free_port()
    server = Osier()
    server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[image]
variants_max = 12
[[site]]
hosts = ["plain.example.com"]
origin = "http://127.0.0.1:{origin.port}"
images = true
[[site]]
hosts = ["prefixed.example.com"]
origin = "http://127.0.0.1:{origin.port}"
strip_prefix = "/media"
add_prefix = "/inside"
images = true
[[site]]
hosts = ["uncached.example.com"]
origin = "http://127.0.0.1:{origin.port}"
cache = "off"
images = true
[[site]]
hosts = ["untouched.example.com"]
origin = "http://127.0.0.1:{origin.port}"
[[site]]
hosts = ["bucket.example.com"]
origin = "oss://{BUCKET}@localhost:{server.port}"
images = true
"""
    with server:
        bucket = oss2_bucket(server, BUCKET)
        bucket.create_bucket("public-read")
        bucket.put_object("photo.jpg", encoded(drawn()), headers={"Cache-Control": "max-age=60"})
        yield Edge(server, port)
    assert server.process.returncode == 0, server.log()


@pytest.fixture
def photo(origin, request):
    """A photograph at the origin, under a path of the test's own."""
    path = "/" + request.node.name.replace("[", "-").replace("]", "") + ".jpg"
    headers = {"Content-Type": "image/jpeg", "ETag": '"original"', "Cache-Control": "max-age=60",
               "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==", "x-oss-hash-crc64ecma": "7", "X-More": "kept"}
    origin.answers[path] = says(headers, encoded(drawn()))
    return path


def test_results_are_made_here_and_kept_like_other_answers(edge, origin, photo):
    first = edge.get(f"{photo}?x-oss-process={CHAIN}")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/webp"), first.text
    assert opened(first.content).size == (80, 60)
    assert first.headers["Content-Length"] == str(len(first.content))
    assert first.headers["X-More"] == "kept" and first.headers["Cache-Control"] == "max-age=60"
    assert first.headers["ETag"] != '"original"'
    for absent in ["Content-MD5", "x-oss-hash-crc64ecma"]:
        assert absent not in first.headers
    # The origin was asked for all of the source and nothing else.
    assert origin.count(photo) == 1 and origin.count(f"{photo}?x-oss-process={CHAIN}") == 0
    again = edge.get(f"{photo}?x-oss-process={CHAIN}")
    assert (again.content, again.headers["X-Cache"]) == (first.content, "HIT")
    assert origin.count(photo) == 1
    head = edge.request("HEAD", f"{photo}?x-oss-process={CHAIN}")
    assert (head.status_code, head.headers["Content-Length"], head.headers["ETag"]) == (
        200, str(len(first.content)), first.headers["ETag"])
    part = edge.get(f"{photo}?x-oss-process={CHAIN}", headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, first.content[4:12])
    same = edge.get(f"{photo}?x-oss-process={CHAIN}", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert origin.count(photo) == 1


def test_each_url_is_an_entry_of_its_own(edge, origin, photo):
    bare = edge.get(photo)
    large = edge.get(f"{photo}?x-oss-process=image/resize,w_80")
    small = edge.get(f"{photo}?x-oss-process=image/resize,w_40")
    assert [opened(answer.content).size for answer in (bare, large, small)] == [(160, 120), (80, 60), (40, 30)]
    for query in ["", "?x-oss-process=image/resize,w_80", "?x-oss-process=image/resize,w_40"]:
        assert edge.get(photo + query).headers["X-Cache"] == "HIT"
    encoded_form = edge.get(f"{photo}?x-oss-process=image%2Fresize%2Cw_40")
    assert encoded_form.content == small.content


def test_head_first(edge, photo):
    head = edge.request("HEAD", f"{photo}?x-oss-process={CHAIN}")
    assert (head.status_code, head.headers["Content-Type"], head.content) == (200, "image/webp", b"")
    got = edge.get(f"{photo}?x-oss-process={CHAIN}")
    assert (len(got.content), got.headers["ETag"]) == (int(head.headers["Content-Length"]), head.headers["ETag"])


def test_other_queries_stay(edge, origin, photo):
    answer = edge.get(f"{photo}?v=7&x-oss-process=image/info&w=%2F")
    assert json.loads(answer.content)["ImageWidth"]["value"] == "160"
    assert origin.count(f"{photo}?v=7&w=%2F") == 1


def test_a_changed_source_is_another_result(edge, origin, photo):
    origin.answers[photo] = says({"ETag": '"one"', "Cache-Control": "max-age=0"}, encoded(drawn()))
    first = edge.get(f"{photo}?x-oss-process=image/resize,w_50")
    # Asked again and found unchanged: no picture is sent.
    same = edge.get(f"{photo}?x-oss-process=image/resize,w_50")
    assert (same.content, same.headers["X-Cache"]) == (first.content, "REVALIDATED")
    origin.answers[photo] = says({"ETag": '"two"', "Cache-Control": "max-age=0"}, encoded(drawn(100, 100)))
    changed = edge.get(f"{photo}?x-oss-process=image/resize,w_50")
    assert opened(changed.content).size == (50, 50)
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_source_without_a_tag_is_told_by_its_bytes(edge, origin, photo):
    origin.answers[photo] = says({}, encoded(drawn()))
    first = edge.get(f"{photo}?x-oss-process=image/resize,w_50", host="uncached.example.com")
    again = edge.get(f"{photo}?x-oss-process=image/resize,w_50", host="uncached.example.com")
    assert first.headers["ETag"] == again.headers["ETag"] and first.content == again.content
    origin.answers[photo] = says({}, encoded(drawn().transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    changed = edge.get(f"{photo}?x-oss-process=image/resize,w_50", host="uncached.example.com")
    assert changed.headers["ETag"] != first.headers["ETag"] and changed.content != first.content


def test_mistakes_are_told_as_the_store_tells_them(edge, origin, photo):
    def told(process, path=photo):
        answer = edge.get(f"{path}?x-oss-process={process}")
        code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
        return answer.status_code, code

    assert told("image/slim,1") == (400, "InvalidArgument")
    assert told("image/resize") == (400, "MissingArgument")
    assert told("image/format,heic") == (400, "NotImplemented")
    assert told("image/crop,x_5000") == (400, "BadRequest")
    assert told(f"image/watermark,image_{text('none.png')}") == (400, "WatermarkError")
    origin.answers["/notes.txt"] = says({"ETag": '"t"'}, b"no picture")
    assert told("image/resize,w_5", "/notes.txt") == (400, "BadRequest")
    origin.answers["/huge.jpg"] = says({"ETag": '"h"'}, bytes((20 << 20) + 1))
    assert told("image/resize,w_5", "/huge.jpg") == (400, "ImageTooLarge")
    missing = edge.get("/nothing.jpg?x-oss-process=image/info")
    assert (missing.status_code, missing.content) == (404, b"none")


def test_what_is_not_for_the_gateway_goes_to_the_origin(edge, origin, photo):
    for host, query, headers in [
        ("untouched.example.com", f"x-oss-process={CHAIN}", {}),
        ("plain.example.com", "x-oss-process=style/small", {}),
        ("plain.example.com", "x-oss-process=video/snapshot,t_1", {}),
        ("plain.example.com", f"x-oss-process={CHAIN}&Signature=s&OSSAccessKeyId=k&Expires=1", {}),
        ("uncached.example.com", f"x-oss-process={CHAIN}&signed", {"Authorization": "OSS k:s"}),
    ]:
        edge.get(f"{photo}?{query}", host=host, headers=headers)
        assert origin.count(f"{photo}?{query}") == 1, query


def test_watermarks_come_from_the_same_site(edge, origin, photo):
    origin.answers["/inside/a b.png"] = says({"ETag": '"m"'}, encoded(Image.new("RGB", (20, 10), (255, 0, 0)), "PNG"))
    origin.answers["/inside/a%20b.png"] = origin.answers["/inside/a b.png"]
    origin.answers["/inside" + photo] = origin.answers[photo]
    origin.answers["/secret.png"] = origin.answers["/inside/a b.png"]
    process = f"image/watermark,image_{text('a b.png')},g_nw,x_0,y_0/format,png"
    answer = edge.get(f"/media{photo}?x-oss-process={process}", host="prefixed.example.com")
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).getpixel((19, 9)) == (255, 0, 0)
    for key in ["../secret.png", "http://127.0.0.1/secret.png", "//secret.png"]:
        refused = edge.get(f"/media{photo}?x-oss-process=image/watermark,image_{text(key)}", host="prefixed.example.com")
        assert refused.status_code == 400 and "WatermarkError" in refused.text, key
    assert origin.count("/secret.png") == 0


def test_equal_requests_at_once_are_one_for_the_origin(edge, origin, photo):
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda _: edge.get(f"{photo}?x-oss-process=image/resize,w_33"), range(16)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert origin.count(photo) == 1


def test_strangers_invent_so_many_sizes(edge, photo):
    statuses = [edge.get(f"{photo}?x-oss-process=image/resize,w_{width}").status_code for width in range(1, 16)]
    assert statuses == [200] * 12 + [403] * 3


def test_pictures_of_a_bucket(edge):
    answer = edge.get(f"/photo.jpg?x-oss-process={CHAIN}", host="bucket.example.com")
    assert opened(answer.content).size == (80, 60)
    assert edge.get(f"/photo.jpg?x-oss-process={CHAIN}", host="bucket.example.com").headers["X-Cache"] == "HIT"
    assert answer.headers["x-oss-object-type"] == "Normal" and "x-oss-hash-crc64ecma" not in answer.headers
    # Signed ones are made by the store, which can say whether they may.
    auth = oss2.Auth(KEY_ID, SECRET)
    bucket = oss2.Bucket(auth, f"http://127.0.0.1:{edge.server.port}", BUCKET)
    url = bucket.sign_url("GET", "photo.jpg", 60, params={"x-oss-process": "image/resize,w_40"})
    through = url.replace(f"127.0.0.1:{edge.server.port}/{BUCKET}", f"127.0.0.1:{edge.port}")
    got = requests.get(through, headers={"Host": "bucket.example.com"}, timeout=60)
    assert opened(got.content).size == (40, 30)
