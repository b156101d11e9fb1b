"""Every answer's headers and every error's shape, by hand-written requests."""

import base64
import re
import xml.etree.ElementTree as ElementTree
from email.utils import formatdate, parsedate_to_datetime

import pytest

from harness import KEY_ID, Raw, sign_v1


def check_common(answer):
    """What reference section 3.1 promises of every answer."""
    assert parsedate_to_datetime(answer.header("date"))
    assert re.fullmatch(r"[0-9A-F]{24}", answer.header("x-oss-request-id")), answer
    assert answer.header("x-oss-server-time").isdigit()
    assert answer.header("server") == "AliyunOSS"


def check_error(answer, status, code):
    check_common(answer)
    assert answer.status == status, answer
    assert answer.header("x-oss-ec")
    assert answer.header("content-type") == "application/xml"
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "Error", "no namespace"
    assert root.findtext("Code") == code, answer
    assert root.findtext("Message")
    assert root.findtext("RequestId") == answer.header("x-oss-request-id")
    assert root.findtext("HostId")
    assert root.findtext("EC") == answer.header("x-oss-ec")
    return root


def test_every_success_has_the_common_headers(raw, name):
    for answer in [
        raw.send("GET"), raw.send("GET", query={"regions": None}), raw.send("GET", name),
        raw.send("PUT", name, "k", body=b"v"), raw.send("GET", name, "k"), raw.send("HEAD", name, "k"),
        raw.send("GET", name, query={"acl": None}), raw.send("DELETE", name, "k"), raw.send("HEAD", name),
    ]:
        assert answer.status in (200, 204), answer
        check_common(answer)
    ids = {raw.send("GET").header("x-oss-request-id") for _ in range(50)}
    assert len(ids) == 50


ERRORS = [
    ("GET", "no-such-bucket-here", None, {}, 404, "NoSuchBucket"),
    ("GET", "*", "nothing", {}, 404, "NoSuchKey"),
    ("PUT", "*", "k", {"acl": None}, 400, "MissingArgument"),
    ("GET", "*", "k", {"uploadId": "x"}, 404, "NoSuchUpload"),
    ("GET", "*", None, {"max-keys": "x"}, 400, "InvalidArgument"),
    ("GET", "*", None, {"max-keys": "1001"}, 400, "InvalidArgument"),
    ("GET", "*", None, {"encoding-type": "base64"}, 400, "InvalidArgument"),
    ("GET", "*", None, {"cors": None}, 404, "NoSuchCORSConfiguration"),
    ("GET", "*", None, {"lifecycle": None}, 404, "NoSuchLifecycle"),
    ("PATCH", "*", "k", {}, 405, "MethodNotAllowed"),
    ("POST", "*", "k", {}, 400, None),
    ("PUT", "*", None, {"versioning": None}, 400, "MalformedXML"),
    ("POST", "*", None, {"delete": None}, 400, None),
]


@pytest.mark.parametrize("method,bucket,key,query,status,code", ERRORS, ids=lambda v: str(v)[:24])
def test_errors(raw, name, method, bucket, key, query, status, code):
    answer = raw.send(method, name if bucket == "*" else bucket, key, query=query)
    if code is None:
        code = answer.code
        assert answer.status in (400, 405)
        status = answer.status
    check_error(answer, status, code)


def test_errors_of_head_are_in_a_header(raw, name):
    for bucket, code in [(name, "NoSuchKey"), ("no-such-bucket-here", "NoSuchBucket")]:
        answer = raw.send("HEAD", bucket, "nothing")
        check_common(answer)
        assert answer.status == 404 and answer.body == b""
        root = ElementTree.fromstring(base64.b64decode(answer.header("x-oss-err")))
        assert root.findtext("Code") == code
        assert root.findtext("EC") == answer.header("x-oss-ec")
        assert root.findtext("RequestId") == answer.header("x-oss-request-id")


def test_conditions_name_themselves(raw, name):
    raw.send("PUT", name, "k", body=b"v")
    root = check_error(
        raw.send("GET", name, "k", headers={"If-Match": '"0"'}), 412, "PreconditionFailed")
    assert root.findtext("Condition") == "If-Match"
    etag = raw.send("HEAD", name, "k").header("etag")
    answer = raw.send("GET", name, "k", headers={"If-None-Match": etag})
    assert answer.status == 304 and answer.body == b"" and answer.header("etag") == etag
    check_common(answer)


def test_a_wrong_signature_shows_what_was_signed(raw, name):
    root = check_error(raw.send("GET", name, "k", secret="wrong"), 403, "SignatureDoesNotMatch")
    assert root.findtext("OSSAccessKeyId") == KEY_ID
    assert root.findtext("SignatureProvided")
    signed = root.findtext("StringToSign")
    assert signed.endswith(f"/{name}/k")
    assert bytes.fromhex(root.findtext("StringToSignBytes").replace(" ", "")) == signed.encode()


@pytest.mark.parametrize("authorization,status", [
    ("OSS nobody:c2lnbmF0dXJl", 403), ("OSS", 403), ("OSS :", 403), ("Bearer token", 403), ("", 403),
    ("OSS4-HMAC-SHA256 Credential=x", 403), ("OSS4-HMAC-SHA256 ", 403), ("OSS2 AccessKeyId:a", 403),
    ("OSS4-HMAC-SHA256 Credential=a/20261122/r/oss/aliyun_v4_request,Signature=zz", 403),
    ("\u00e9\u00e9\u00e9", 403), ("OSS " + "x" * 5000, 403),
])
def test_broken_authorization(raw, name, authorization, status):
    answer = raw.send("GET", name, "k", sign=False, headers={"Authorization": authorization})
    assert answer.status in (400, status), answer
    check_error(answer, answer.status, answer.code)


def test_clock_window(raw, name):
    import time
    for offset, good in [(0, True), (-14 * 60, True), (14 * 60, True), (-16 * 60, False), (16 * 60, False)]:
        answer = raw.send("GET", name, headers={"Date": formatdate(time.time() + offset, usegmt=True)})
        if good:
            assert answer.status == 200, offset
        else:
            root = check_error(answer, 403, "RequestTimeTooSkewed")
            assert root.findtext("ServerTime") and root.findtext("RequestTime")
            assert root.findtext("MaxAllowedSkewMilliseconds") == "900000"
    for date in ["", "yesterday", "Sun, 99 Nov 2026 03:04:05 GMT"]:
        assert raw.send("GET", name, headers={"Date": date}).status in (400, 403)


def test_only_the_right_secret_opens_any_method(raw, name):
    """Requests that would all succeed, were they signed by the owner."""
    raw.send("PUT", name, "k", body=b"v")
    tags = b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    for method, query, headers, body in [
        ("GET", {}, {}, b""), ("HEAD", {}, {}, b""), ("PUT", {}, {}, b"changed"),
        ("POST", {"append": None, "position": "0"}, {}, b"x"), ("POST", {"uploads": None}, {}, b""),
        ("PUT", {"tagging": None}, {}, tags), ("GET", {"tagging": None}, {}, b""),
        ("PUT", {"acl": None}, {"x-oss-object-acl": "public-read"}, b""), ("GET", {"acl": None}, {}, b""),
        ("PUT", {"symlink": None}, {"x-oss-symlink-target": "k"}, b""),
        ("PUT", {}, {"x-oss-copy-source": f"/{name}/k"}, b""), ("DELETE", {}, {}, b""),
    ]:
        for options in [{"secret": "wrong"}, {"key_id": "nobody"}, {"sign": False}]:
            answer = raw.send(method, name, "k", query=query, headers=headers, body=body, **options)
            assert answer.status == 403, (method, query, options, answer)
    delete = b"<Delete><Object><Key>k</Key></Object></Delete>"
    for options in [{"secret": "wrong"}, {"key_id": "nobody"}, {"sign": False}]:
        assert raw.send("POST", name, query={"delete": None}, body=delete, **options).status == 403, options
    assert raw.send("GET", name, "k").body == b"v"


def test_documents_with_and_without_declaration(raw, name):
    for document in [
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        '<?xml version="1.0" encoding="UTF-8"?>\n<VersioningConfiguration>\n  <Status>Enabled</Status>\n'
        "</VersioningConfiguration>\n",
        '<VersioningConfiguration xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com"><Status>Enabled</Status>'
        "<Unknown/></VersioningConfiguration>",
        "\ufeff<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ]:
        answer = raw.send("PUT", name, query={"versioning": None}, body=document.encode())
        assert answer.status == 200, (document, answer)


def test_expect_continue(osier, name):
    import socket
    body = b"x" * 100_000
    for signed, status in [(True, b"200"), (False, b"403")]:
        date = formatdate(usegmt=True)
        lines = [f"PUT /{name}/k HTTP/1.1", f"Host: 127.0.0.1:{osier.port}", f"Date: {date}",
                 f"Content-Length: {len(body)}", "Expect: 100-continue"]
        if signed:
            lines.append(f"Authorization: OSS {KEY_ID}:{sign_v1('PUT', name, 'k', [], {'Date': date})}")
        with socket.create_connection(("127.0.0.1", osier.port), timeout=10) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            first = connection.recv(4096)
            if signed:
                assert first.startswith(b"HTTP/1.1 100"), first
                connection.sendall(body)
                first = connection.recv(4096)
            assert first.split(b" ")[1] == status, first


def test_keep_alive_and_pipelining(osier, name):
    import socket
    date = formatdate(usegmt=True)
    signature = sign_v1("GET", name, None, [("acl", "")], {"Date": date})
    request = (f"GET /{name}/?acl HTTP/1.1\r\nHost: 127.0.0.1\r\nDate: {date}\r\n"
               f"Authorization: OSS {KEY_ID}:{signature}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", osier.port), timeout=10) as connection:
        connection.sendall(request * 5)
        received = b""
        while received.count(b"</AccessControlPolicy>") < 5:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
    assert received.count(b"HTTP/1.1 200") == 5


def test_chunked_body_by_hand(osier, name, raw):
    from harness import wire
    date = formatdate(usegmt=True)
    signature = sign_v1("PUT", name, "k", [], {"Date": date})
    head = (f"PUT /{name}/k HTTP/1.1\r\nHost: h\r\nDate: {date}\r\nAuthorization: OSS {KEY_ID}:{signature}\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    answer = wire(osier.port, head + b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n")
    assert b" 200 " in answer.split(b"\r\n")[0], answer
    assert raw.send("GET", name, "k").body == b"abcdefgh"


def test_put_without_length_is_411(osier, name):
    from harness import wire
    date = formatdate(usegmt=True)
    signature = sign_v1("PUT", name, "k", [], {"Date": date})
    answer = wire(osier.port, (f"PUT /{name}/k HTTP/1.1\r\nHost: h\r\nDate: {date}\r\nConnection: close\r\n"
                               f"Authorization: OSS {KEY_ID}:{signature}\r\n\r\n").encode())
    assert b" 411 " in answer.split(b"\r\n")[0] and b"MissingContentLength" in answer


def test_console_listener_shows_no_objects(osier, name, raw):
    raw.send("PUT", name, "k", body=b"secret-body")
    other = Raw(osier.console_port)
    answer = other.send("GET", name, "k")
    assert b"secret-body" not in answer.body
