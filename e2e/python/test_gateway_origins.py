"""Sites that sign requests anew, by requests and oss2, with the store itself as the origin."""

import concurrent.futures
import datetime
import http.server
import json
import threading
import time

import boto3
import botocore
import oss2
import pytest
import requests

from access import KEYS, OWNER, Accounts
from conftest import KEY_ID, REGION, SECRET, new_name
from gateway import Edge
from harness import Osier, free_port

BUCKET = new_name("private")
KEY = "dir/ä b+c%.txt"
QUOTED = "/dir/%C3%A4%20b+c%25.txt"


class Metadata(http.server.ThreadingHTTPServer):
    """The metadata service of an instance with one role."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), MetadataHandler)
        self.lifetime = datetime.timedelta(hours=6)
        self.keys_given = 0
        self.gate = threading.Event()
        self.gate.set()


class MetadataHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        assert self.path == "/latest/api/token" and self.headers["X-aliyun-ecs-metadata-token-ttl-seconds"]
        self.say("session")

    def do_GET(self):
        roles = "/latest/meta-data/ram/security-credentials/"
        if self.headers["X-aliyun-ecs-metadata-token"] != "session":
            self.send_error(403)
        elif self.path == roles:
            self.say("edge-role")
        elif self.path == roles + "edge-role":
            self.server.gate.wait(20)
            self.server.keys_given += 1
            until = datetime.datetime.now(datetime.timezone.utc) + self.server.lifetime
            self.say(json.dumps({
                "AccessKeyId": KEY_ID, "AccessKeySecret": SECRET, "Code": "Success",
                "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ")}))
        else:
            self.send_error(404)


@pytest.fixture(scope="module")
def metadata():
    server = Metadata()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def edge(metadata):
    port = free_port()
    server = Osier(environment={"EDGE_ACCESS_KEY_ID": KEY_ID, "EDGE_ACCESS_KEY_SECRET": SECRET})
    key_file = server.scratch / "key"
    key_file.write_text(f"[Credentials]\naccessKeyID = {KEY_ID}\naccessKeySecret = wrong-secret\n")
    fixed = f'credentials = {{ access_key_id = "{KEY_ID}", access_key_secret = "{SECRET}" }}'

    def site(name, more, credentials=fixed):
        return f"""
[[site]]
hosts = ["{name}.example.com"]
origin = "oss://{BUCKET}@localhost:{server.port}?region={REGION}"
auth = "resign"
{credentials}
{more}
"""
    server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
{site("v4", "")}
{site("v1", 'signature = "v1"')}
{site("s3", "").replace("oss://", "s3://").replace("?region=", "?region=eu-west-")}
{site("prefix", 'strip_prefix = "/media"' + chr(10) + 'add_prefix = "/dir"')}
{site("written", 'methods = ["GET", "HEAD", "PUT"]')}
{site("environment", "", 'credentials = { environment = "EDGE" }')}
{site("file", "", f'credentials = {{ file = "{key_file}" }}')}
{site("instance", "", f'credentials = {{ metadata = "http://127.0.0.1:{metadata.server_address[1]}" }}')}
{site("keyless", "", f'credentials = {{ metadata = "http://127.0.0.1:{free_port()}" }}')}
"""
    with server:
        store = oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), server.endpoint, BUCKET, region=REGION)
        store.create_bucket()
        store.put_object(KEY, b"private content")
        edge = Edge(server, port)
        edge.store, edge.key_file = store, key_file
        yield edge
        assert "wrong-secret" not in server.log() and SECRET not in server.log()
    assert server.process.returncode == 0, server.log()


def through(edge, site, path=QUOTED, method="GET", **more):
    return edge.request(method, path, host=f"{site}.example.com", **more)


@pytest.mark.parametrize("site", ["v4", "v1", "s3", "environment", "instance"])
def test_a_private_object_is_signed_for_and_kept(edge, site):
    assert requests.get(f"{edge.server.endpoint}/{BUCKET}{QUOTED}", timeout=20).status_code == 403
    first, second = through(edge, site), through(edge, site)
    assert (first.status_code, first.content) == (200, b"private content"), first.text
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
    assert second.content == b"private content"
    part = through(edge, site, headers={"Range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, b"private")
    assert through(edge, site, method="HEAD").headers["Content-Length"] == "15"


@pytest.mark.parametrize("site", ["v4", "v1", "s3"])
def test_parameters_are_signed_as_they_are_sent(edge, site):
    for query in ["?v=1", "?a=b+c&d=%2B&e", "?x-oss-process=image%2Finfo"]:
        answer = through(edge, site, QUOTED + query)
        if "process" in query and site == "s3":
            continue
        if "process" in query:
            # It is no picture; that is what the store says, and not that the signature is wrong.
            assert answer.status_code == 400 and "Signature" not in answer.text
        else:
            assert (answer.status_code, answer.content) == (200, b"private content"), answer.text


def test_prefixes_are_signed_as_the_origin_sees_them(edge):
    assert through(edge, "prefix", QUOTED.replace("/dir", "/media")).content == b"private content"


def test_what_a_client_signed_is_of_no_account(edge):
    answer = through(edge, "v4", QUOTED + "?OSSAccessKeyId=k&Expires=1&Signature=s", headers={
        "Authorization": "OSS nobody:nothing", "x-oss-security-token": "t"})
    assert (answer.status_code, answer.content) == (200, b"private content")


@pytest.mark.parametrize("method, target, status, code", [
    ("GET", "/", 403, "OnlyObjects"),
    ("GET", "/?acl", 403, "OnlyObjects"),
    ("GET", QUOTED + "?acl", 403, "OnlyObjects"),
    ("GET", QUOTED + "?versionId=x", 403, "OnlyObjects"),
    ("GET", QUOTED + "?response-content-type=text/html", 403, "OnlyObjects"),
    ("GET", "/?list-type=2&prefix=", 403, "OnlyObjects"),
    ("PUT", "/new", 405, "MethodNotAllowed"),
    ("DELETE", QUOTED, 405, "MethodNotAllowed"),
    ("POST", "/?delete", 405, "MethodNotAllowed"),
])
def test_edge_strangers_get_objects_and_nothing_else(edge, method, target, status, code):
    answer = through(edge, "v4", target, method)
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True), answer.text


def test_strangers_write_where_the_site_says_so_and_never_by_copying(edge):
    assert through(edge, "written", "/upload", "PUT", data=b"uploaded", headers={"x-oss-meta-a": "1"}).status_code == 200
    stored = edge.store.get_object("upload")
    assert stored.read() == b"uploaded" and stored.headers["x-oss-meta-a"] == "1"
    copied = through(edge, "written", "/copy", "PUT", headers={"x-oss-copy-source": f"/{BUCKET}{QUOTED}"})
    assert copied.status_code == 200
    assert edge.store.get_object("copy").read() == b""


def test_a_file_with_the_key_is_read_again_when_it_changes(edge):
    assert through(edge, "file").status_code == 403
    edge.key_file.write_text(f"[Credentials]\naccessKeyID = {KEY_ID}\naccessKeySecret = {SECRET}\n")
    deadline = time.monotonic() + 30
    while (answer := through(edge, "file")).status_code != 200:
        assert answer.status_code == 403 and time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.content == b"private content"


def test_a_temporary_key_is_fetched_once_for_all(edge, metadata):
    before = metadata.keys_given
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: through(edge, "instance", f"{QUOTED}?n={n}").status_code, range(40)))
    assert answers == [200] * 40
    # One of the tests before may have been the first to need it.
    assert metadata.keys_given - before + before <= 1


def test_without_a_key_the_origin_is_not_asked(edge):
    answer = through(edge, "keyless")
    assert answer.status_code == 502 and "<Code>OriginCredentialsUnavailable</Code>" in answer.text


MEDIA = "myapp-prod-media"


@pytest.fixture(scope="module")
def verified():
    """A site whose visitors' signatures are checked; `app` may use the bucket, `nobody` may not."""
    port = free_port()
    server = Accounts()
    server.settings += f"""
[gateway]
listen = ["127.0.0.1:{port}"]
[[site]]
hosts = ["*.sdk.example.com"]
origin = "oss://{MEDIA}@localhost:{server.port}?region={REGION}"
auth = "verify+resign"
account = "{OWNER}"
credentials = {{ access_key_id = "{KEYS['owner'][0]}", access_key_secret = "{KEYS['owner'][1]}" }}
"""
    with server:
        server.oss2("owner", MEDIA).create_bucket()
        server.oss2("owner", MEDIA).put_object("a.txt", b"for the app")
        edge = Edge(server, port)
        edge.name = f"a.sdk.example.com:{port}"
        yield edge
    assert server.process.returncode == 0, server.log()




def sdk(edge, who, signature="v4", secret=None):
    key_id, right = KEYS[who]
    auth = {"v1": oss2.Auth, "v4": oss2.AuthV4}[signature](key_id, secret or right)
    return oss2.Bucket(auth, f"http://{edge.name}", MEDIA, is_cname=True, region=REGION)


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_sdk_traffic_is_answered_from_the_cache(verified, signature):
    key = f"sdk-{signature}.txt"
    sdk(verified, "app", signature).put_object(key, b"for the app")
    first, second = (sdk(verified, "app", signature).get_object(key) for _ in range(2))
    assert first.read() == second.read() == b"for the app"
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")


def test_edge_what_is_kept_is_never_for_someone_who_may_not_read_it(verified):
    assert sdk(verified, "app").get_object("a.txt").read() == b"for the app"
    assert sdk(verified, "app").get_object("a.txt").headers["X-Cache"] == "HIT"
    for who, secret, code in [
            ("nobody", None, "AccessDenied"), ("other", None, "AccessDenied"),
            ("app", "wrong-secret", "SignatureDoesNotMatch")]:
        with pytest.raises(oss2.exceptions.ServerError) as refused:
            sdk(verified, who, secret=secret).get_object("a.txt")
        assert (refused.value.status, refused.value.code) == (403, code)
    anonymous = verified.get("/a.txt", host=verified.name)
    assert anonymous.status_code == 403 and "X-Cache" not in anonymous.headers


def boto(edge, who, secret=None):
    key_id, right = KEYS[who]
    return boto3.client(
        "s3", endpoint_url=f"http://sdk.example.com:{edge.port}", aws_access_key_id=key_id,
        aws_secret_access_key=secret or right, region_name="us-east-1",
        config=botocore.config.Config(s3={"addressing_style": "virtual"}, retries={"max_attempts": 1}))


def test_readers_by_s3_share_what_is_kept_and_are_checked_too(verified):
    assert sdk(verified, "app").get_object("a.txt").read() == b"for the app"
    read = boto(verified, "app").get_object(Bucket=MEDIA, Key="a.txt")
    assert read["Body"].read() == b"for the app"
    for who, secret, expected in [("nobody", None, "AccessDenied"), ("app", "wrong", "SignatureDoesNotMatch")]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            boto(verified, who, secret).get_object(Bucket=MEDIA, Key="a.txt")
        assert refused.value.response["Error"]["Code"] == expected
    url = boto(verified, "app").generate_presigned_url("get_object", {"Bucket": MEDIA, "Key": "a.txt"})
    assert requests.get(url, timeout=20).content == b"for the app"


def test_presigned_urls_are_checked_and_share_what_is_kept(verified):
    url = sdk(verified, "app").sign_url("GET", "a.txt", 60, slash_safe=True)
    target = url.split(verified.name, 1)[1]
    for expected in ["HIT", "HIT"]:
        answer = verified.get(target, host=verified.name)
        assert (answer.status_code, answer.content, answer.headers["X-Cache"]) == (200, b"for the app", expected)
    changed = verified.get(target.replace("a.txt", "b.txt"), host=verified.name)
    assert changed.status_code == 403
    denied = sdk(verified, "nobody").sign_url("GET", "a.txt", 60, slash_safe=True).split(verified.name, 1)[1]
    assert verified.get(denied, host=verified.name).status_code == 403


def test_uploads_in_parts_pass_a_site_that_verifies(verified):
    bucket = sdk(verified, "app")
    upload = bucket.init_multipart_upload("parts").upload_id
    parts = [oss2.models.PartInfo(n, bucket.upload_part("parts", upload, n, bytes([n]) * 200_000).etag) for n in (1, 2)]
    bucket.complete_multipart_upload("parts", upload, parts)
    assert bucket.get_object("parts").read() == b"\1" * 200_000 + b"\2" * 200_000
    with pytest.raises(oss2.exceptions.AccessDenied):
        sdk(verified, "nobody").init_multipart_upload("parts")
    with pytest.raises(oss2.exceptions.AccessDenied):
        sdk(verified, "nobody").put_object("a.txt", b"changed")
    assert bucket.get_object("a.txt").read() == b"for the app"


def test_an_overwrite_is_seen_at_once(verified):
    bucket = sdk(verified, "app")
    bucket.put_object("over", b"old")
    assert bucket.get_object("over").read() == bucket.get_object("over").read() == b"old"
    bucket.put_object("over", b"new")
    assert bucket.get_object("over").read() == b"new"
