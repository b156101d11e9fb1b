"""One server for the whole session, one bucket for each test."""

import pathlib
import secrets
import socket
import sys

import alibabacloud_oss_v2 as v2
import oss2
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import KEY_ID, REGION, SECRET, SUFFIX, Osier, Raw  # noqa: E402

# Bound to the domain files.example.net by the settings file.
CNAME_BUCKET = "bound-to-a-domain"

SETTINGS = f"""
[http]
suffixes = ["{SUFFIX}"]
[http.cnames]
"files.example.net" = "{CNAME_BUCKET}"
"""

_resolve = socket.getaddrinfo


def _resolve_here(host, *rest, **named):
    """Names that stand for the store resolve to this machine, as a user's DNS would say."""
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name.lower().endswith((".aliyuncs.com", ".localhost", "localhost", ".example.com", ".example.net")):
        host = "127.0.0.1"
    return _resolve(host, *rest, **named)


socket.getaddrinfo = _resolve_here


@pytest.fixture(scope="session")
def osier():
    server = Osier(settings=SETTINGS)
    with server:
        yield server
    assert server.process.returncode == 0, server.log()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed and "osier" in item.fixturenames:
        server = item.funcargs.get("osier")
        if server is not None:
            lines = server.log().splitlines()[-8:]
            report.sections.append(("end of the server's log", "\n".join(lines)))


@pytest.fixture
def raw(osier):
    return Raw(osier.port)


def new_name(prefix="e2e"):
    return f"{prefix}-{secrets.token_hex(6)}"


def empty_and_delete(endpoint, name):
    """What a careful user's clean-up does: versions, markers, uploads, then the bucket."""
    bucket = oss2.Bucket(oss2.Auth(KEY_ID, SECRET), endpoint, name)
    key_marker = version_marker = ""
    while True:
        page = bucket.list_object_versions(key_marker=key_marker, versionid_marker=version_marker, max_keys=1000)
        for entry in list(page.versions) + list(page.delete_marker):
            bucket.delete_object(entry.key, params={"versionId": entry.versionid})
        if not page.is_truncated:
            break
        key_marker, version_marker = page.next_key_marker, page.next_versionid_marker
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    for _ in oss2.LiveChannelIterator(bucket):
        raise AssertionError("there are no live channels")
    bucket.delete_bucket()


@pytest.fixture
def name(osier, raw):
    """A fresh bucket's name; the bucket is emptied and deleted afterwards."""
    bucket = new_name()
    assert raw.send("PUT", bucket).status == 200
    yield bucket
    if raw.send("GET", bucket, query={"acl": None}).status != 404:
        empty_and_delete(osier.endpoint, bucket)


def endpoint_of(osier, style):
    return {
        "path": osier.endpoint,
        "oss-host": f"http://oss-cn-hangzhou.aliyuncs.com:{osier.port}",
        "internal": f"http://oss-cn-hangzhou-internal.aliyuncs.com:{osier.port}",
        "own-suffix": f"http://{SUFFIX}:{osier.port}",
        "localhost": f"http://localhost:{osier.port}",
    }[style]


def oss2_auth(signature):
    return {"v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[signature](KEY_ID, SECRET)


def oss2_bucket(osier, name, signature="v1", style="path", **options):
    return oss2.Bucket(
        oss2_auth(signature), endpoint_of(osier, style), name, region=REGION, **options)


OSS2_FORMS = [("v1", "path"), ("v4", "path"), ("v1", "oss-host"), ("v4", "own-suffix")]


@pytest.fixture(params=OSS2_FORMS, ids="-".join)
def bucket(request, osier, name):
    """An oss2 bucket, in every way of signing and addressing."""
    return oss2_bucket(osier, name, *request.param)


def v2_client(osier, signature="v4", style="path", **options):
    config = v2.config.load_default()
    config.credentials_provider = v2.credentials.StaticCredentialsProvider(KEY_ID, SECRET)
    config.region = REGION
    config.endpoint = endpoint_of(osier, style)
    config.signature_version = signature
    config.retry_max_attempts = 1
    for option, value in options.items():
        setattr(config, option, value)
    return v2.Client(config)


V2_FORMS = [("v4", "path"), ("v1", "path"), ("v4", "localhost"), ("v1", "oss-host")]


@pytest.fixture(params=V2_FORMS, ids="-".join)
def client(request, osier):
    """An alibabacloud-oss-v2 client, in every way of signing and addressing."""
    return v2_client(osier, *request.param)
