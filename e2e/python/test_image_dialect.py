"""Image processing through the dialect: forms, spellings, caching, permissions, errors.

What pictures look like is judged in e2e/image; here it only matters that they are the ones
asked for.
"""

import base64
import io
import json
import subprocess

import alibabacloud_oss_v2 as v2
import oss2
import pytest
import requests
from conftest import oss2_bucket, v2_client
from PIL import Image

CHAIN = "image/resize,w_800/format,webp/quality,q_80"
MARK = "image/watermark,text_Q2hlbmsgQmxvZw==,type_d3F5LXplbmhlaQ,size_30,color_FFFFFF,t_80,g_se,x_10,y_10"


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def photo(width=1200, height=800, kind="JPEG", **options):
    picture = Image.effect_mandelbrot((width, height), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    out = io.BytesIO()
    picture.save(out, kind, **({"quality": 92} if kind == "JPEG" else {}), **options)
    return out.getvalue()


def opened(body):
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


@pytest.fixture(scope="module")
def source():
    return photo()


@pytest.fixture
def pictures(osier, raw, name, source):
    """A bucket that everybody may read, with one photograph in it."""
    assert raw.send("PUT", name, query={"acl": None}, headers={"x-oss-acl": "public-read"}).status == 200
    assert raw.send("PUT", name, "a.jpg", body=source, headers={"Content-Type": "image/jpeg"}).status == 200
    return name


def fetch(raw, bucket, process, method="GET", key="a.jpg", headers=None):
    return raw.exchange(method, f"/{bucket}/{key}?x-oss-process={process}", headers or {})


# The forms of the tutorial, with what they must come to.
TUTORIAL = [
    ("image/resize,w_800", "JPEG", (800, 533)),
    ("image/resize,m_fill,w_200,h_200", "JPEG", (200, 200)),
    ("image/format,webp", "WEBP", (1200, 800)),
    ("image/quality,q_80", "JPEG", (1200, 800)),
    (CHAIN, "WEBP", (800, 533)),
    (MARK, "JPEG", (1200, 800)),
    ("image/resize,w_800/format,webp", "WEBP", (800, 533)),
    ("image/resize,w_400/format,webp/quality,q_80", "WEBP", (400, 267)),
    ("image/resize,m_fill,w_300,h_200/format,png/quality,q_75", "PNG", (300, 200)),
    ("image/format,webp/quality,q_80", "WEBP", (1200, 800)),
]


@pytest.mark.parametrize(("process", "kind", "size"), TUTORIAL)
def test_the_tutorial_by_curl(osier, pictures, process, kind, size):
    url = f"{osier.endpoint}/{pictures}/a.jpg?x-oss-process={process}"
    got = subprocess.run(["curl", "-sS", "-D", "-", "-o", "-", url], capture_output=True, check=True, timeout=60).stdout
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), got[:500]
    picture = opened(body)
    assert (picture.format, picture.size) == (kind, size)
    said = subprocess.run(["curl", "-sS", "-I", url], capture_output=True, check=True, timeout=60).stdout
    keep = lambda lines: sorted(line for line in lines.split(b"\r\n") if line.lower().startswith(
        (b"content-", b"etag", b"last-modified", b"accept-ranges", b"x-oss-object-type")))
    assert keep(said) == keep(head)
    assert f"Content-Length: {len(body)}".lower().encode() in said.lower()


def test_info_of_the_tutorial(raw, pictures, source):
    answer = fetch(raw, pictures, "image/info")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    told = json.loads(answer.body)
    assert told == {
        "FileSize": {"value": str(len(source))},
        "Format": {"value": "jpg"},
        "FrameCount": {"value": "1"},
        "ImageHeight": {"value": "800"},
        "ImageWidth": {"value": "1200"},
    }


@pytest.mark.parametrize(("process", "kind", "size"), TUTORIAL)
@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_the_tutorial_by_oss2(osier, name, source, process, kind, size, signature):
    bucket = oss2_bucket(osier, name, signature)
    bucket.put_object("a.jpg", source)
    picture = opened(bucket.get_object("a.jpg", process=process).read())
    assert (picture.format, picture.size) == (kind, size)
    answer = requests.get(bucket.sign_url("GET", "a.jpg", 60, params={"x-oss-process": process}), timeout=60)
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).size == size
    tampered = bucket.sign_url("GET", "a.jpg", 60, params={"x-oss-process": process}).replace("image", "imagf")
    assert requests.get(tampered, timeout=60).status_code == 403


def test_files_by_oss2_with_checksums(osier, name, source, tmp_path):
    bucket = oss2_bucket(osier, name)
    bucket.put_object("a.jpg", source)
    bucket.get_object_to_file("a.jpg", str(tmp_path / "small.webp"), process=CHAIN)
    assert opened((tmp_path / "small.webp").read_bytes()).size == (800, 533)


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_the_tutorial_by_the_new_sdk(osier, name, source, signature):
    client = v2_client(osier, signature)
    client.put_object(v2.PutObjectRequest(bucket=name, key="a.jpg", body=source))
    for process, kind, size in TUTORIAL:
        got = client.get_object(v2.GetObjectRequest(bucket=name, key="a.jpg", process=process))
        picture = opened(got.body.read())
        assert (picture.format, picture.size) == (kind, size), process
        url = client.presign(v2.GetObjectRequest(bucket=name, key="a.jpg", process=process)).url
        answer = requests.get(url, timeout=60)
        assert (answer.status_code, opened(answer.content).size) == (200, size), process


def test_results_are_objects_to_clients(raw, pictures):
    whole = fetch(raw, pictures, CHAIN)
    etag = whole.header("etag")
    assert whole.header("content-type") == "image/webp"
    for absent in ["content-md5", "x-oss-hash-crc64ecma"]:
        assert whole.header(absent) is None
    source_etag = raw.send("HEAD", pictures, "a.jpg").header("etag")
    assert etag and etag != source_etag
    part = fetch(raw, pictures, CHAIN, headers={"Range": "bytes=4-11"})
    assert (part.status, part.body) == (206, whole.body[4:12])
    assert part.header("content-range") == f"bytes 4-11/{len(whole.body)}"
    assert fetch(raw, pictures, CHAIN, headers={"If-None-Match": etag}).status == 304
    assert fetch(raw, pictures, CHAIN, headers={"If-Match": '"other"'}).status == 412
    beyond = {"Range": f"bytes={len(whole.body)}-"}
    assert fetch(raw, pictures, CHAIN, headers=beyond).status == 200
    assert fetch(raw, pictures, CHAIN, headers={**beyond, "x-oss-range-behavior": "standard"}).status == 416
    head = fetch(raw, pictures, CHAIN, "HEAD")
    assert (head.status, head.header("etag"), head.header("content-length")) == (200, etag, str(len(whole.body)))


def test_spellings_of_one_request_are_one(raw, pictures):
    tags = {fetch(raw, pictures, text).header("etag") for text in [
        "image/resize,w_100,h_50", "image%2Fresize%2Cw_100%2Ch_50", "image/resize,m_lfit,h_50,w_100,limit_1",
    ]}
    assert len(tags) == 1
    marks = {fetch(raw, pictures, f"image/watermark,text_{text}").header("etag")
             for text in ["fn5-", "fn5%2B", "fn5+", "fn5-%3D".removesuffix("%3D")]}
    assert len(marks) == 1 and None not in marks


def test_results_go_with_their_source(raw, pictures):
    small = fetch(raw, pictures, "image/resize,w_100")
    assert opened(small.body).size == (100, 67)
    assert raw.send("PUT", pictures, "a.jpg", body=photo(400, 400)).status == 200
    again = fetch(raw, pictures, "image/resize,w_100")
    assert opened(again.body).size == (100, 100)
    assert again.header("etag") != small.header("etag")
    assert raw.send("DELETE", pictures, "a.jpg").status == 204
    gone = fetch(raw, pictures, "image/resize,w_100")
    assert (gone.status, gone.code) == (404, "NoSuchKey")


MISTAKES = [
    ("image/resize,w_0,h_0", 400, "InvalidArgument", "0040-00000321"),
    ("image/resize,w_16385", 400, "InvalidArgument", "0040-00000312"),
    ("image/resize", 400, "MissingArgument", "0040-00000322"),
    ("image/slim,1", 400, "InvalidArgument", "0040-00000213"),
    ("image/format,dng", 400, "InvalidArgument", "0040-00000206"),
    ("image/format,", 400, "MissingArgument", "0040-00000207"),
    ("image/rotate,90,200", 400, "InvalidArgument", "0040-00000203"),
    ("image/resize,w_9000,limit_0", 400, "ImageTooLarge", "0040-00000007"),
    ("image/crop,x_5000", 400, "BadRequest", None),
    ("image/resize,w_5/info", 400, "InvalidArgument", None),
    ("image/watermark,text_!", 400, "BadRequest", "0040-00000257"),
    ("image/watermark,image_" + "bm8ucG5n", 400, "WatermarkError", "0040-00000025"),
    ("image/format,heic", 400, "NotImplemented", None),
    ("image/blindwatermark,text_YQ", 400, "NotImplemented", None),
    ("video/snapshot,t_1000,f_jpg", 400, "NotImplemented", None),
    ("doc/preview", 400, "NotImplemented", None),
    ("nothing", 400, "InvalidArgument", None),
    ("style/nothing", 404, "NoSuchStyle", None),
]


@pytest.mark.parametrize(("process", "status", "code", "ec"), MISTAKES)
def test_mistakes_are_told_in_the_dialect(raw, pictures, process, status, code, ec):
    for method in ["GET", "HEAD"]:
        answer = fetch(raw, pictures, process, method)
        assert answer.status == status, answer
        if ec:
            assert answer.header("x-oss-ec") == ec
        if method == "GET":
            assert answer.code == code


def test_what_is_no_picture(raw, pictures):
    for key, body in [("a.pdf", b"%PDF-1.7 nothing"), ("a.mp4", b"\0\0\0\x18ftypisom"), ("empty.jpg", b"")]:
        assert raw.send("PUT", pictures, key, body=body).status == 200
        answer = fetch(raw, pictures, "image/resize,w_100", key=key)
        assert (answer.status, answer.code) == (400, "BadRequest"), (key, answer)
    assert raw.send("PUT", pictures, "large.jpg", body=bytes(21 << 20)).status == 200
    answer = fetch(raw, pictures, "image/resize,w_100", key="large.jpg")
    assert (answer.status, answer.code) == (400, "ImageTooLarge")
    assert fetch(raw, pictures, "image/info", key="none.jpg").code == "NoSuchKey"


def test_permission_is_that_of_the_object(osier, raw, name, source):
    bucket = oss2_bucket(osier, name)
    bucket.put_object("a.jpg", source)
    assert fetch(raw, name, CHAIN).code == "AccessDenied"
    bucket.put_object_acl("a.jpg", "public-read")
    assert fetch(raw, name, CHAIN).status == 200
    # A picture that strangers may not read is not shown to them on another one.
    bucket.put_object("logo.png", photo(60, 40, "PNG"))
    marked = f"image/watermark,image_{encoded('logo.png')}"
    assert fetch(raw, name, marked).code == "AccessDenied"
    assert opened(bucket.get_object("a.jpg", process=marked).read()).size == (1200, 800)
    bucket.put_object_acl("logo.png", "public-read")
    assert fetch(raw, name, marked).status == 200


@pytest.mark.parametrize("place", [
    "http://127.0.0.1:{port}/{bucket}/a.jpg", "http://169.254.169.254/latest/meta-data", "//localhost/a.jpg",
    "file:///etc/passwd", "/etc/passwd", "../{bucket}/a.jpg", "{bucket}/a.jpg",
])
def test_s20_watermark_pictures_are_keys_and_never_addresses(osier, raw, pictures, place):
    key = place.format(port=osier.port, bucket=pictures)
    answer = fetch(raw, pictures, f"image/watermark,image_{encoded(key)}")
    assert answer.status == 400 and answer.code in ("WatermarkError", "InvalidObjectName"), answer


def test_watermark_pictures_are_prepared(osier, raw, pictures):
    red = io.BytesIO()
    Image.new("RGB", (400, 400), (255, 0, 0)).save(red, "PNG")
    assert raw.send("PUT", pictures, "pics/logo.jpg_x-o", body=red.getvalue()).status == 200
    mark = encoded("pics/logo.jpg_x-o?x-oss-process=image/resize,P_10")
    answer = fetch(raw, pictures, f"image/watermark,image_{mark},g_nw,x_0,y_0/format,png")
    picture = opened(answer.body).convert("RGB")
    # A tenth of 1200 x 800 holds 80 x 80.
    assert picture.getpixel((79, 79)) == (255, 0, 0)
    assert picture.getpixel((80, 80)) != (255, 0, 0)


def test_results_are_saved(osier, raw, name, source):
    bucket = oss2_bucket(osier, name)
    bucket.put_object("a.jpg", source)
    saved = bucket.process_object("a.jpg", f"{CHAIN}|sys/saveas,o_{encoded('made/小.webp')},b_{encoded(name)}")
    assert (saved.bucket, saved.object, saved.process_status) == (name, "made/小.webp", "OK")
    got = bucket.get_object("made/小.webp")
    body = got.read()
    assert (got.content_type, len(body)) == ("image/webp", saved.fileSize)
    assert opened(body).size == (800, 533)
    client = v2_client(osier)
    result = client.process_object(v2.ProcessObjectRequest(
        bucket=name, key="a.jpg", process=f"image/resize,w_50|sys/saveas,o_{encoded('b.jpg')}"))
    assert (result.status_code, result.key, result.process_status) == (200, "b.jpg", "OK")
    assert opened(bucket.get_object("b.jpg").read()).size == (50, 33)
    # Not without a signature, not by reading, not without a target, not elsewhere.
    target = f"/{name}/a.jpg?x-oss-process"
    bucket.put_bucket_acl("public-read-write")
    body = f"x-oss-process=image/resize,w_5|sys/saveas,o_{encoded('c.jpg')}".encode()
    assert raw.exchange("POST", target, {}, body).code == "AccessDenied"
    assert fetch(raw, name, f"image/resize,w_5|sys/saveas,o_{encoded('c.jpg')}").code == "InvalidArgument"
    for process, code in [("image/resize,w_5", "MissingArgument"),
                          (f"image/resize,w_5|sys/saveas,o_{encoded('c')},b_{encoded('not-' + name)}", "NoSuchBucket"),
                          (f"video/convert|sys/saveas,o_{encoded('c')}", "NotImplemented")]:
        with pytest.raises(oss2.exceptions.OssError) as refused:
            bucket.process_object("a.jpg", process)
        assert refused.value.code == code, process
    assert not bucket.object_exists("c.jpg")


def test_styles_by_the_new_sdk(osier, raw, pictures):
    client = v2_client(osier)
    put = lambda style, content: client.put_style(v2.PutStyleRequest(
        bucket=pictures, style_name=style, style=v2.StyleContent(content=content)))
    assert client.list_style(v2.ListStyleRequest(bucket=pictures)).style_list.styles in (None, [])
    assert put("small", "image/resize,w_120").status_code == 200
    assert put("Big_1.x", "image/resize,w_1000/format,png").status_code == 200
    style = client.get_style(v2.GetStyleRequest(bucket=pictures, style_name="small")).style
    assert (style.name, style.content, style.category) == ("small", "image/resize,w_120", "image")
    assert style.create_time.endswith("GMT") and style.last_modify_time.endswith("GMT")
    listed = client.list_style(v2.ListStyleRequest(bucket=pictures)).style_list.styles
    assert [one.name for one in listed] == ["Big_1.x", "small"]
    assert opened(fetch(raw, pictures, "style/small").body).size == (120, 80)
    assert opened(fetch(raw, pictures, "style%2FBig_1.x").body).format == "PNG"
    put("small", "image/resize,w_60")
    assert opened(fetch(raw, pictures, "style/small").body).size == (60, 40)
    bucket = oss2_bucket(osier, pictures)
    saved = bucket.process_object("a.jpg", f"style/small|sys/saveas,o_{encoded('s.jpg')}")
    assert saved.process_status == "OK"
    with pytest.raises(v2.exceptions.OperationError) as refused:
        put("bad", "image/slim,1")
    assert refused.value.unwrap().code == "InvalidArgument"
    client.delete_style(v2.DeleteStyleRequest(bucket=pictures, style_name="small"))
    assert fetch(raw, pictures, "style/small").code == "NoSuchStyle"
    for attempt in range(49):
        put(f"n{attempt}", "image/resize,w_9")
    with pytest.raises(v2.exceptions.OperationError):
        put("one-too-many", "image/resize,w_9")
    put("n3", "image/resize,w_8")


CONFIGURATION = """<BucketProcessConfiguration><CompliedHost>Both</CompliedHost>
<SourceFileProtect>{protect}</SourceFileProtect><SourceFileProtectSuffix>jpg,PNG</SourceFileProtectSuffix>
<StyleDelimiters>-,!</StyleDelimiters></BucketProcessConfiguration>"""


def configure(raw, bucket, protect):
    body = CONFIGURATION.format(protect=protect).encode()
    assert raw.send("PUT", bucket, query={"processConfiguration": None}, body=body).status == 200


def test_originals_are_protected(osier, raw, pictures, source):
    fresh = raw.send("GET", pictures, query={"processConfiguration": None})
    assert fresh.element("SourceFileProtect") == "Disabled" and fresh.element("Version") == "2"
    style = b"<Style><Content>image/resize,w_120</Content></Style>"
    assert raw.send("PUT", pictures, query=[("style", None)], body=style).code == "MissingArgument"
    client = v2_client(osier)
    client.put_style(v2.PutStyleRequest(
        bucket=pictures, style_name="small", style=v2.StyleContent(content="image/resize,w_120")))
    configure(raw, pictures, "Enabled")
    kept = raw.send("GET", pictures, query={"processConfiguration": None})
    assert kept.element("SourceFileProtectSuffix") == "jpg,png"
    assert kept.element("StyleDelimiters") == "-,!"
    plain = lambda key, method="GET": raw.exchange(method, f"/{pictures}/{key}", {})
    assert plain("a.jpg").code == "AccessDenied" and plain("a.jpg", "HEAD").status == 403
    assert fetch(raw, pictures, "image/resize,w_50").code == "AccessDenied"
    assert opened(fetch(raw, pictures, "style/small").body).size == (120, 80)
    for key in ["a.jpg!small", "a.jpg-small"]:
        assert opened(plain(key).body).size == (120, 80)
        assert plain(key, "HEAD").header("content-type") == "image/jpeg"
    assert plain("a.jpg_small").code in ("NoSuchKey", "AccessDenied")
    bucket = oss2_bucket(osier, pictures)
    assert bucket.get_object("a.jpg").read() == source
    assert opened(bucket.get_object("a.jpg", process="image/resize,w_50").read()).size == (50, 33)
    bucket.put_object("notes.txt", b"free")
    assert plain("notes.txt").body == b"free"
    # A key that is there is that key.
    bucket.put_object("a.jpg-small", b"an object of its own")
    assert plain("a.jpg-small").body == b"an object of its own"
    configure(raw, pictures, "Disabled")
    assert plain("a.jpg").body == source
    broken = raw.send("PUT", pictures, query={"processConfiguration": None},
                      body=b"<BucketProcessConfiguration><StyleDelimiters>+</StyleDelimiters></BucketProcessConfiguration>")
    assert broken.code == "InvalidArgument"


def test_strangers_get_so_many_variants(raw, pictures):
    codes = [fetch(raw, pictures, f"image/resize,w_{width}", "HEAD").status for width in range(1, 203)]
    assert codes == [200] * 200 + [403] * 2
    assert fetch(raw, pictures, "image/resize,w_7").status == 200
    assert raw.send("PUT", pictures, "b.jpg", body=photo(60, 40)).status == 200
    assert fetch(raw, pictures, "image/resize,w_7", key="b.jpg").status == 200


def test_animations(raw, pictures):
    frames = [Image.new("P", (60, 40), color) for color in (1, 2, 3)]
    out = io.BytesIO()
    for place, frame in enumerate(frames):
        frame.putpalette([value for color in range(256) for value in (color * 40 % 256, color * 80 % 256, color)])
        frame.putpixel((place, place), 9)
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    assert raw.send("PUT", pictures, "m.gif", body=out.getvalue()).status == 200

    def count(process):
        answer = fetch(raw, pictures, process, key="m.gif")
        picture = opened(answer.body)
        return picture.format, getattr(picture, "n_frames", 1), picture.size

    assert count("image/resize,w_30") == ("GIF", 3, (30, 20))
    assert count("image/resize,w_30/format,gif") == ("GIF", 3, (30, 20))
    assert count("image/resize,p_50")[1:] == (1, (30, 20))
    assert count("image/resize,w_30/quality,q_50")[1] == 1
    assert count("image/resize,w_30/format,webp") == ("WEBP", 1, (30, 20))
    assert count("image/resize,w_600,limit_0") == ("GIF", 3, (60, 40))
    assert json.loads(fetch(raw, pictures, "image/info", key="m.gif").body)["FrameCount"] == {"value": "3"}
