"""Bad input over raw sockets: it gets the dialect's own error, stores nothing, and harms nobody else."""

import hashlib
import os
import random
import socket
import threading
import time
from email.utils import formatdate

import pytest

from harness import KEY_ID, Raw, sign_v1, wire


def head(method, target, name, key, extra=(), query=(), signed_headers=None):
    """A signed request head without its closing empty line."""
    date = formatdate(usegmt=True)
    headers = {"Date": date, **(signed_headers or {})}
    signature = sign_v1(method, name, key, list(query), headers)
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: OSS {KEY_ID}:{signature}"]
    lines += [f"{field}: {value}" for field, value in headers.items()] + list(extra)
    return "\r\n".join(lines) + "\r\n"


def alive(raw, name):
    assert raw.send("PUT", name, "alive", body=b"yes").status == 200
    assert raw.send("GET", name, "alive").body == b"yes"


def is_absent(raw, name, key):
    return raw.send("HEAD", name, key).status == 404


MALFORMED = [
    b"", b"<", b"<>", b"not xml", b"<a>", b"<a></b>", b"<a><a>", b"<CreateBucketConfiguration>",
    b"\xff\xfe<\x00a\x00>\x00", b"<a b='1' b='2'/>", b"<a>&undefined;</a>", b"<a>&#0;</a>", b"<a>&#xFFFFFFFF;</a>",
    b"<a>\x00</a>", b"<a>\xff\xff</a>", b"<!DOCTYPE a><a/>", b"<![CDATA[x]]>", b"<a/><a/>", b"<a/>tail",
    b"<Delete></Delete>", b"<Delete><Object/></Delete>", b"<Delete><Object><Key></Key></Object></Delete>",
    b"<Tagging/>", b"<Tagging><TagSet><Tag/></TagSet></Tagging>",
    b"<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>",
    b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>",
    b"<CORSConfiguration><CORSRule></CORSRule></CORSConfiguration>",
    b"<a>" * 20000, b"<a>" * 200 + b"</a>" * 200,
    b"<a " + b" ".join(b"x%d='1'" % number for number in range(5000)) + b"/>",
]
DOCUMENTS = [
    ("PUT", None, {"versioning": None}), ("PUT", None, {"tagging": None}), ("PUT", None, {"cors": None}),
    ("POST", None, {"delete": None}), ("PUT", "k", {"tagging": None}), ("POST", "k", {"uploadId": "u"}),
]
BOMB = (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b"]><Tagging>&j;</Tagging>")
EXTERNAL = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Tagging><TagSet><Tag><Key>&f;</Key><Value>v</Value></Tag></TagSet></Tagging>'


@pytest.mark.parametrize("method,key,query", DOCUMENTS, ids=lambda v: str(v)[:24])
def test_malformed_documents(osier, raw, name, method, key, query):
    raw.send("PUT", name, "k", body=b"v")
    before = osier.rss_bytes()
    for document in MALFORMED + [BOMB, EXTERNAL]:
        answer = raw.send(method, name, key, query=query, body=document)
        assert 400 <= answer.status < 500, (document[:80], answer)
        assert answer.code and b"root:" not in answer.body
    assert osier.rss_bytes() - before < 64 << 20
    alive(raw, name)


def test_empty_tagging_is_no_error_of_ours(raw, name):
    """A document that is well-formed but for another operation is refused too."""
    answer = raw.send("PUT", name, query={"cors": None}, body=b"<Tagging><TagSet/></Tagging>")
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_oversized_documents(osier, raw, name):
    before = osier.rss_bytes()
    for method, key, query in DOCUMENTS:
        body = b"<Tagging>" + b" " * (8 << 20) + b"</Tagging>"
        answer = raw.send(method, name, key, query=query, body=body)
        assert 400 <= answer.status < 500, answer
    assert osier.rss_bytes() - before < 64 << 20


def test_too_many_keys_to_delete(raw, name):
    document = "<Delete>" + "<Object><Key>k</Key></Object>" * 1001 + "</Delete>"
    answer = raw.send("POST", name, query={"delete": None}, body=document.encode())
    assert answer.status == 400


def test_delete_checks_its_digest(raw, name):
    raw.send("PUT", name, "k", body=b"v")
    answer = raw.send(
        "POST", name, query={"delete": None}, headers={"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
        body=b"<Delete><Object><Key>k</Key></Object></Delete>")
    assert (answer.status, answer.code) == (400, "InvalidDigest")
    assert not is_absent(raw, name, "k")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", " ", "99999999999999999999999", "5, 6", "+5"])
def test_wrong_lengths(osier, raw, name, length):
    answer = wire(osier.port, (head("PUT", f"/{name}/k", name, "k", [f"Content-Length: {length}"]) + "\r\nhello").encode(),
                  shut=True)
    assert answer[9:10] == b"4", answer
    assert is_absent(raw, name, "k")
    alive(raw, name)


def test_smuggling_is_refused(osier, raw, name):
    """Two answers to how long the body is."""
    inner = head("PUT", f"/{name}/smuggled", name, "smuggled", ["Content-Length: 1"]) + "\r\nx"
    for extra in [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding : chunked", "Content-Length: 5"], ["Transfer-Encoding:\x0bchunked", "Content-Length: 5"],
    ]:
        request = head("PUT", f"/{name}/k", name, "k", extra) + "\r\n0\r\n\r\n"
        answer = wire(osier.port, (request + inner).encode(), timeout=2)
        first = answer.split(b"\r\n")[0]
        assert first == b"" or first.split(b" ")[1].startswith((b"4", b"5")), (extra, answer)
        assert answer.count(b"HTTP/1.1 200") == 0, (extra, answer)
    assert is_absent(raw, name, "smuggled") and is_absent(raw, name, "k")


def test_truncated_bodies_store_nothing(osier, raw, name):
    raw.send("PUT", name, "old", body=b"old")
    for sent in [0, 1, 4095, 4097, 70_000, 900_000]:
        for key in ["new", "old"]:
            request = head("PUT", f"/{name}/{key}", name, key, ["Content-Length: 1000000"]) + "\r\n"
            wire(osier.port, request.encode() + b"x" * sent, shut=True)
    chunked = head("PUT", f"/{name}/new", name, "new", ["Transfer-Encoding: chunked"]) + "\r\n"
    for tail in [b"", b"5\r\nab", b"5\r\nabcde\r\n", b"5\r\nabcde", b"zz\r\n", b"5\r\nabcdeXX\r\n0\r\n\r\n",
                 b"FFFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"5\r\nabcde\r\n0\r\n"]:
        answer = wire(osier.port, chunked.encode() + tail, shut=True)
        assert b"HTTP/1.1 200" not in answer, (tail, answer)
    upload = raw.send("POST", name, "part", query={"uploads": None}).element("UploadId")
    query = [("partNumber", "1"), ("uploadId", upload)]
    request = head("PUT", f"/{name}/part?partNumber=1&uploadId={upload}", name, "part",
                   ["Content-Length: 1000"], query) + "\r\n"
    wire(osier.port, request.encode() + b"x" * 10, shut=True)
    assert raw.send("GET", name, "part", query={"uploadId": upload}).element("PartNumber") is None
    assert is_absent(raw, name, "new")
    assert raw.send("GET", name, "old").body == b"old"
    assert raw.send("GET", name, query={"stat": None}).element("ObjectCount") == "1"


def test_broken_heads(osier, raw, name):
    for data in [
        b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /b/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /b/%C0%AF HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /b?x=%zz&=&&=&acl&acl HTTP/1.1\r\nHost: a\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"G" * 100000 + b" / HTTP/1.1\r\n\r\n", b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n", os.urandom(4096),
    ]:
        answer = wire(osier.port, data, timeout=3, shut=True)
        assert answer == b"" or answer[9:10] == b"4", (data[:60], answer[:200])
    alive(raw, name)


def test_oversized_heads(osier, raw, name):
    before = osier.rss_bytes()
    for request in [
        "GET /" + "x" * (1 << 20) + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: " + "x" * (1 << 20) + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + "".join(f"X-{n}: y\r\n" for n in range(100_000)) + "\r\n",
        "GET /?" + "&".join(f"k{n}" for n in range(100_000)) + " HTTP/1.1\r\nHost: a\r\n\r\n",
    ]:
        answer = wire(osier.port, request.encode(), timeout=5)
        assert answer == b"" or answer[9:10] == b"4", answer[:200]
    assert osier.rss_bytes() - before < 64 << 20
    alive(raw, name)


@pytest.mark.parametrize("name_and_value", [
    ("If-Modified-Since", "yesterday"), ("Range", "bytes=" + ",".join(["0-0"] * 2000)), ("Content-MD5", "x" * 1000),
    ("x-oss-tagging", "&=&&=%zz"), ("x-oss-copy-source", "no-slash"), ("x-oss-copy-source", "/b/%ff"),
    ("x-oss-storage-class", ""), ("x-oss-forbid-overwrite", "maybe"), ("x-oss-object-acl", "x" * 1000),
    ("x-oss-persistent-headers", "a:b:c,,:"), ("Expect", "200-ok"), ("x-oss-traffic-limit", "-5"),
    ("x-oss-range-behavior", "odd"), ("If-Match", "\"" * 500),
], ids=lambda pair: pair[0])
def test_nonsense_in_headers(raw, name, name_and_value):
    header, value = name_and_value
    raw.send("PUT", name, "k", body=b"v")
    for method in ["GET", "PUT", "HEAD"]:
        answer = raw.send(method, name, "k", headers={header: value}, body=b"v" if method == "PUT" else b"")
        assert answer.status < 500, (method, answer)
    alive(raw, name)


def hostile_keys():
    """Five hundred keys: classics first, then seeded noise."""
    classics = [
        "../../../etc/passwd", "..\\..\\windows", "a/../../b", "%2e%2e%2f", "....//", "con", "nul", "a\x00b"[:1] + "b",
        "<script>alert(1)</script>", "'; drop table objects; --", "${jndi:ldap://x}", "{{7*7}}", "`id`", "$(id)",
        "a\r\nSet-Cookie: x=1", "a\nb", "\u202egnp.exe", "\ufeffbom", "\u200b", "a\u0000b".replace("\u0000", "\x01"),
        "\U0001f4a9" * 200, "a" * 1023, "/".join(["a"] * 500), "-rf", "--help", "~root", ".ssh/authorized_keys",
        "volume/00000001.v", "meta/CURRENT", "LOCK", "#", "?", "?uploads", "&amp;", "]]>", "<!--", "%00", "%", "%%",
        "\x7f", "\x1b[2J", "\udbff".encode("utf-8", "replace").decode(), "İ", "ß", "ﬀ", "Å", "A\u030a",
    ]
    noise = random.Random(20261122)
    alphabet = "ab/.%\\+ &<>'\"?#;:=,~^|{}[]()!@$*`\t\x01\x1f\x7fé中😀\u202e\u0301"
    keys = set(classics)
    while len(keys) < 500:
        key = "".join(noise.choice(alphabet) for _ in range(noise.randint(1, 60)))
        if not key.startswith(("/", "\\")):
            keys.add(key)
    return sorted(keys, key=str.encode)


def test_five_hundred_hostile_keys(osier, raw, name):
    import oss2
    from conftest import oss2_bucket
    keys = hostile_keys()
    for key in keys:
        assert raw.send("PUT", name, key, body=hashlib.sha256(key.encode()).digest()).status == 200, ascii(key)
    for key in keys:
        assert raw.send("GET", name, key).body == hashlib.sha256(key.encode()).digest(), ascii(key)
    listed = [entry.key for entry in oss2.ObjectIterator(oss2_bucket(osier, name), max_keys=97)]
    assert listed == keys
    for root, folders, files in os.walk(osier.data.parent):
        for entry in folders + files:
            assert "passwd" not in entry and "authorized_keys" not in entry and "script" not in entry
    for key in keys:
        assert raw.send("DELETE", name, key).status == 204
    assert raw.send("GET", name, query={"stat": None}).element("ObjectCount") == "0"


def test_slow_clients_do_not_hold_others_up(osier, raw, name):
    """Two hundred stalled heads and bodies; the server goes on and gives the files back."""
    before = osier.open_files()
    stalled = []
    for number in range(200):
        connection = socket.create_connection(("127.0.0.1", osier.port), timeout=5)
        if number % 2:
            connection.sendall(b"PUT /x HTTP/1.1\r\nHost:")
        else:
            connection.sendall((head("PUT", f"/{name}/slow", name, "slow", ["Content-Length: 100000"]) + "\r\nx").encode())
        stalled.append(connection)
    started = time.monotonic()
    alive(raw, name)
    assert time.monotonic() - started < 10, "others wait"
    for connection in stalled:
        connection.close()
    deadline = time.monotonic() + 30
    while osier.open_files() > before + 20:
        assert time.monotonic() < deadline, "files of closed connections stay open"
        time.sleep(0.05)
    assert is_absent(raw, name, "slow")


def test_aborted_downloads(osier, raw, name):
    raw.send("PUT", name, "k", body=b"x" * (8 << 20))
    before = osier.open_files()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", osier.port), timeout=5) as connection:
            connection.sendall((head("GET", f"/{name}/k", name, "k") + "\r\n").encode())
            connection.recv(1000)
    deadline = time.monotonic() + 30
    while osier.open_files() > before + 10:
        assert time.monotonic() < deadline, "files of aborted downloads stay open"
        time.sleep(0.05)
    alive(raw, name)


def test_noise(osier, raw, name):
    """Seeded mutations of good requests, many at once."""
    noise = random.Random(7)
    good = (head("PUT", f"/{name}/noise?tagging", name, "noise", ["Content-Length: 3"], [("tagging", "")])
            + "\r\nabc").encode()

    def mutate(seed):
        own = random.Random(seed)
        for _ in range(60):
            data = bytearray(good)
            for _ in range(own.randint(1, 8)):
                place = own.randrange(len(data))
                action = own.random()
                if action < 0.5:
                    data[place] = own.randrange(256)
                elif action < 0.8:
                    del data[place]
                else:
                    data[place:place] = bytes([own.randrange(256)]) * own.randint(1, 50)
            answer = wire(osier.port, bytes(data), timeout=5, shut=True)
            if answer and answer[9:10] == b"5":
                failures.append((bytes(data), answer[:300]))

    failures = []
    threads = [threading.Thread(target=mutate, args=(noise.random(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    alive(raw, name)


def test_the_server_never_panicked(osier, raw):
    """Last in this file: what all of the above left in the log."""
    assert "panicked" not in osier.log()
