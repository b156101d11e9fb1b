"""Hotlink protection by the SDKs and curl: for requests that anybody could send, and for no other."""

import subprocess
import xml.etree.ElementTree as ElementTree

import alibabacloud_oss_v2 as v2
import oss2
import pytest
from oss2.models import BucketReferer

from conftest import oss2_bucket, v2_client
from harness import SUFFIX


@pytest.fixture
def page(osier, name):
    """A public bucket with one picture."""
    bucket = oss2_bucket(osier, name)
    bucket.put_bucket_acl("public-read")
    bucket.put_object("cat.jpg", b"cat")
    return bucket


def fetch(url, referer=None):
    """Status and finer code that curl gets."""
    options = ["-e", referer] if referer is not None else []
    done = subprocess.run(
        ["curl", "-s", "-i", *options, "--resolve", f"*:{url.split(':')[2].split('/')[0]}:127.0.0.1", url],
        capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, ElementTree.fromstring(body).findtext("EC") if status >= 400 else None


def put(client, name, **settings):
    lists = {}
    if "allowed" in settings:
        lists["referer_list"] = v2.RefererList(referers=settings.pop("allowed"))
    if "denied" in settings:
        lists["referer_blacklist"] = v2.RefererBlacklist(referers=settings.pop("denied"))
    client.put_bucket_referer(v2.PutBucketRefererRequest(
        bucket=name, referer_configuration=v2.RefererConfiguration(**settings, **lists)))


def test_round_trip_by_oss2(page):
    assert page.get_bucket_referer().allow_empty_referer is True
    page.put_bucket_referer(BucketReferer(False, ["http://a.example", "https://*.b.example"]))
    kept = page.get_bucket_referer()
    assert (kept.allow_empty_referer, kept.referers) == (False, ["http://a.example", "https://*.b.example"])
    # This is how the SDK takes it away.
    page.put_bucket_referer(BucketReferer(True, []))
    assert page.get_bucket_referer().referers == []


def test_round_trip_by_v2(osier, page, name):
    client = v2_client(osier)
    put(client, name, allow_empty_referer=False, allow_truncate_query_string=False, truncate_path=True,
        allowed=["http://a.example"], denied=["http://b.example"])
    kept = client.get_bucket_referer(v2.GetBucketRefererRequest(bucket=name)).referer_configuration
    assert (kept.allow_empty_referer, kept.allow_truncate_query_string, kept.truncate_path) == (False, False, True)
    assert kept.referer_list.referers == ["http://a.example"]
    assert kept.referer_blacklist.referers == ["http://b.example"]


def test_lists_with_their_finer_codes(osier, page, name):
    client = v2_client(osier)
    url = f"{osier.endpoint}/{name}/cat.jpg"
    put(client, name, allow_empty_referer=False,
        allowed=["https://www.example.com/*", "https://*.example.org/*"], denied=["https://bad.example.org/*"])
    for referer, expected in [
        (None, (403, "0003-00000501")),
        ("https://www.example.com/page", (200, None)),
        ("https://www.example.com/page?q=1", (200, None)),
        ("https://a.example.org/", (200, None)),
        ("https://bad.example.org/", (403, "0003-00000502")),
        ("http://www.example.com/page", (403, "0003-00000503")),
        ("https://evil.test/https://www.example.com/", (403, "0003-00000503")),
    ]:
        assert fetch(url, referer) == expected, referer
    put(client, name, allow_empty_referer=True, allowed=["https://www.example.com/*"])
    assert fetch(url) == (200, None)
    put(client, name, allow_empty_referer=True, denied=["https://bad.example.org/*"])
    assert fetch(url, "https://anybody.test/") == (200, None)


def test_by_every_address(osier, page, name):
    page.put_bucket_referer(BucketReferer(False, ["https://www.example.com/*"]))
    for host in (f"{name}.{SUFFIX}:{osier.port}", f"{name}.oss-cn-hangzhou.aliyuncs.com:{osier.port}"):
        assert fetch(f"http://{host}/cat.jpg")[0] == 403, host
        assert fetch(f"http://{host}/cat.jpg", "https://www.example.com/")[0] == 200, host


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_signed_urls_count_and_signed_headers_do_not(osier, page, name, signature):
    signing = oss2_bucket(osier, name, signature)
    signing.put_bucket_referer(BucketReferer(False, ["https://www.example.com/*"]))
    url = signing.sign_url("GET", "cat.jpg", 60)
    assert fetch(url) == (403, "0003-00000501")
    assert fetch(url, "https://www.example.com/") == (200, None)
    assert signing.get_object("cat.jpg").read() == b"cat"
    assert signing.get_object("cat.jpg", headers={"Referer": "https://evil.test/"}).read() == b"cat"


def test_writes_by_anybody_count_too(osier, page, name):
    page.put_bucket_acl("public-read-write")
    page.put_bucket_referer(BucketReferer(False, ["https://www.example.com/*"]))
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), osier.endpoint, name)
    with pytest.raises(oss2.exceptions.AccessDenied):
        anonymous.put_object("k", b"")
    with pytest.raises(oss2.exceptions.AccessDenied):
        anonymous.list_objects()
    anonymous.put_object("k", b"", headers={"Referer": "https://www.example.com/form"})


def test_a_change_acts_at_once(osier, page, name):
    url = f"{osier.endpoint}/{name}/cat.jpg"
    for _ in range(20):
        page.put_bucket_referer(BucketReferer(False, []))
        assert fetch(url)[0] == 403
        page.put_bucket_referer(BucketReferer(True, []))
        assert fetch(url)[0] == 200
