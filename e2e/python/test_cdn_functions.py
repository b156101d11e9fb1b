"""Functions set by the CDN API act on the next request; those that would do nothing are refused."""

import hashlib
import json
import time
import zlib

import pytest

# Fixtures are among these.
from cdn import FRESH, client, configs, edge, function, origin, set_functions, source, sources  # noqa: F401
from control import refused, unique
from gateway import says

@pytest.fixture
def domain(client, origin):
    name = f"{unique('f')}.example.com"
    client.AddCdnDomain(domain_name=name, cdn_type="web", sources=sources(source("127.0.0.1", origin.port)))
    yield name
    client.DeleteCdnDomain(domain_name=name)


def path(request):
    return f"/{request.node.name}"


def is_refused(client, domain, code, it):
    refused(client.BatchSetCdnDomainConfig, code, 400, domain_names=domain, functions=json.dumps([it]))


def test_referers(request, edge, client, origin, domain):
    at = path(request)
    origin.answers[at] = says(FRESH, b"page")

    def get(referer=None):
        return edge.get(at, host=domain, headers={"Referer": referer} if referer else {}).status_code

    assert get() == 200
    set_functions(client, domain, function(
        "referer_white_list_set", refer_domain_allow_list="good.example.com,*.fine.org", allow_empty="off"))
    assert [get(), get("https://good.example.com/x"), get("http://sub.good.example.com/"), get("http://a.fine.org/")
            ] == [403, 200, 200, 200]
    assert [get("http://evil.com/"), get("http://good.example.com.evil.com/")] == [403, 403]
    # Lists exclude each other.
    is_refused(client, domain, "ConfigurationConflicts",
               function("referer_black_list_set", refer_domain_deny_list="evil.com"))
    client.BatchDeleteCdnDomainConfig(domain_names=domain, function_names="referer_white_list_set")
    assert get() == 200
    set_functions(client, domain, function(
        "referer_black_list_set", refer_domain_deny_list="evil.com", allow_empty="on"))
    assert [get(), get("http://good.example.com/"), get("http://www.evil.com/")] == [200, 200, 403]


def test_addresses_and_agents(request, edge, client, origin, domain):
    at = path(request)
    origin.answers[at] = says(FRESH, b"page")
    set_functions(client, domain, function("ip_black_list_set", ip_list="10.0.0.0/8,127.0.0.1"))
    assert edge.get(at, host=domain).status_code == 403
    client.BatchDeleteCdnDomainConfig(domain_names=domain, function_names="ip_black_list_set")
    set_functions(client, domain, function("ip_allow_list_set", ip_list="10.0.0.0/8"))
    assert edge.get(at, host=domain).status_code == 403
    set_functions(client, domain, function("ip_allow_list_set", ip_list="127.0.0.0/8"))
    assert edge.get(at, host=domain).status_code == 200
    is_refused(client, domain, "InvalidParameter", function("ip_allow_list_set", ip_list="300.1.1.1"))
    set_functions(client, domain, function("ali_ua", ua="*curl*|*bot*", type="black"))
    assert edge.get(at, host=domain, headers={"User-Agent": "curl/8"}).status_code == 403
    assert edge.get(at, host=domain, headers={"User-Agent": "Mozilla"}).status_code == 200


@pytest.mark.parametrize("kind", ["type_a", "type_b", "type_c"])
def test_urls_prove_a_key(request, edge, client, origin, domain, kind):
    at = f"/{kind}.txt"
    origin.answers[at] = says(FRESH, b"page")
    keys = {"auth_key1": "firstkey1234567890", "auth_key2": "secondkey123456789"}
    set_functions(client, domain, function("aliauth", auth_type=kind, ali_auth_delta="600", **keys))
    assert edge.get(at, host=domain).status_code == 403
    now = int(time.time())

    def signed(key, seconds):
        if kind == "type_a":
            digest = hashlib.md5(f"{at}-{seconds}-0-0-{key}".encode()).hexdigest()
            return f"{at}?auth_key={seconds}-0-0-{digest}"
        if kind == "type_b":
            stamp = time.strftime("%Y%m%d%H%M", time.gmtime(seconds + 8 * 3600))
            digest = hashlib.md5(f"{key}{stamp}{at}".encode()).hexdigest()
            return f"/{stamp}/{digest}{at}"
        stamp = f"{seconds:x}"
        digest = hashlib.md5(f"{key}{at}{stamp}".encode()).hexdigest()
        return f"/{digest}/{stamp}{at}"

    for key in keys.values():
        assert edge.get(signed(key, now), host=domain).content == b"page"
    assert edge.get(signed("anotherkey12345678", now), host=domain).status_code == 403
    assert edge.get(signed(keys["auth_key1"], now - 3600), host=domain).status_code == 403
    # Proofs are not part of the name under which an answer is kept.
    assert origin.count(at) == 1
    set_functions(client, domain, function("aliauth", auth_type="no_auth", auth_key1="firstkey1234567890"))
    assert edge.get(at, host=domain).status_code == 200


def test_headers_of_answers(request, edge, client, origin, domain):
    at = path(request)
    origin.answers[at] = says({**FRESH, "Server": "secret/1", "X-Old": "a"}, b"page")
    edge.get(at, host=domain)
    set_functions(
        client, domain,
        function("set_resp_header", key="Access-Control-Allow-Origin", value="*"),
        function("set_resp_header", key="X-Old", value="b", header_operation_type="add", duplicate="on"),
        function("set_resp_header", key="Server", value="null"),
        function("set_resp_header", key="X-New", value="n", header_operation_type="modify"))
    answer = edge.get(at, host=domain)
    assert answer.headers["X-Cache"].startswith("HIT")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Old"] == "a, b"
    assert answer.headers["X-New"] == "n"
    assert "Server" not in answer.headers
    is_refused(client, domain, "InvalidFunctions.Malformed",
               function("set_resp_header", key="X", value="y", header_operation_type="rewrite", header_source="a"))


def test_headers_to_the_origin(request, edge, client, origin, domain):
    at = path(request)
    origin.answers[at] = says({}, b"page")
    set_functions(
        client, domain,
        function("set_req_host_header", domain_name="inside.example.com"),
        function("set_req_header", key="X-Secret", value="s"),
        function("origin_request_header", header_operation_type="delete", header_name="X-Trace"),
        function("origin_request_header", header_operation_type="add", header_name="X-More", header_value="m"))
    edge.get(at, host=domain, headers={"X-Trace": "1"})
    seen = origin.last(at)["headers"]
    assert (seen["Host"], seen["X-Secret"], seen["X-More"]) == ("inside.example.com", "s", "m")
    assert "X-Trace" not in seen
    client.SetReqHeaderConfig(domain_name=domain, key="X-Other", value="o")
    edge.get(at, host=domain)
    assert origin.last(at)["headers"]["X-Other"] == "o"


def test_lifetimes(edge, client, origin, domain):
    """What the origin says nothing about is kept by rules; what it forbids is not."""
    plain = {"Content-Type": "text/plain"}
    for at in ("/ttl/a.txt", "/ttl/b.jpg", "/dir/x", "/none"):
        origin.answers[at] = says(plain, b"page")
    origin.answers["/ttl/never.txt"] = says({**plain, "Cache-Control": "no-store"}, b"page")
    set_functions(
        client, domain,
        function("filetype_based_ttl_set", ttl="2592000", file_type="txt,jpg", weight="99"),
        function("path_based_ttl_set", ttl="100", path="/dir/", weight="50"))
    for at in ("/ttl/a.txt", "/ttl/b.jpg", "/dir/x", "/none", "/ttl/never.txt"):
        for _ in range(2):
            edge.get(at, host=domain)
    counts = [origin.count(at) for at in ("/ttl/a.txt", "/ttl/b.jpg", "/dir/x", "/none", "/ttl/never.txt")]
    assert counts == [1, 1, 1, 2, 2]
    set_functions(client, domain, function(
        "filetype_based_ttl_set", ttl="60", file_type="txt", weight="99", swift_no_cache_low="on"))
    is_refused(client, domain, "InvalidFunctions.Malformed",
               function("filetype_based_ttl_set", ttl="60", file_type="txt", swift_follow_cachetime="on"))


def test_parameters_that_count(request, edge, client, origin, domain):
    at = path(request)
    origin.answers[at] = says(FRESH, b"page")
    set_functions(client, domain, function(
        "set_hashkey_args", hashkey_args="v", disable="on", keep_oss_args="on"))
    for query in ("?v=1&utm=a", "?utm=b&v=1", "?v=1"):
        edge.get(at + query, host=domain)
    assert origin.count(f"{at}?v=1&utm=a") == 1 and origin.count(f"{at}?v=1") == 0
    # The origin gets no more than what counts.
    set_functions(client, domain, function(
        "set_hashkey_args", hashkey_args="", disable="on", keep_oss_args="off"))
    edge.get(f"{at}?a=1", host=domain)
    edge.get(f"{at}?a=2", host=domain)
    assert origin.count(at) == 1
    client.BatchDeleteCdnDomainConfig(domain_names=domain, function_names="set_hashkey_args")
    set_functions(client, domain, function("ali_remove_args", ali_remove_args="utm sid", keep_oss_args="off"))
    for query in ("?x=1&utm=a", "?sid=4&x=1"):
        edge.get(at + query, host=domain)
    assert origin.count(f"{at}?x=1") == 1


def test_error_pages(request, edge, client, origin, domain):
    origin.answers["/gone.html"] = says({"Content-Type": "text/html"}, b"nothing here")
    set_functions(
        client, domain,
        function("error_page", error_code="404", rewrite_page="/gone.html"),
        function("error_page", error_code="403", rewrite_page="http://www.example.com/403.html"))
    missing = edge.get(f"{path(request)}/missing", host=domain)
    assert (missing.status_code, missing.content) == (404, b"nothing here")
    origin.answers["/closed"] = says({}, b"", 403)
    closed = edge.get("/closed", host=domain)
    assert (closed.status_code, closed.headers["Location"]) == (302, "http://www.example.com/403.html")


def test_rewrites(edge, client, origin, domain):
    origin.answers["/new/12/a"] = says({}, b"moved")
    origin.answers["/apps/one/x"] = says({}, b"inside")
    set_functions(
        client, domain,
        function("host_redirect", regex="^/old/(.*)-([0-9]+)$", replacement="/new/$2/$1", flag="break"),
        function("host_redirect", regex="^/go/(.*)", replacement="https://other.example.com/$1", flag="redirect"),
        function("back_to_origin_url_rewrite", source_url="^/one/(.*)", target_url="/apps/one/$1", flag="break"))
    assert edge.get("/old/a-12", host=domain).content == b"moved"
    there = edge.get("/go/there?x=1", host=domain)
    assert (there.status_code, there.headers["Location"]) == (302, "https://other.example.com/there?x=1")
    assert edge.get("/one/x", host=domain).content == b"inside"
    is_refused(client, domain, "InvalidParameter", function("host_redirect", regex="(", replacement="/x"))


def test_text_is_compressed(request, edge, client, origin, domain):
    at = path(request)
    text = b"the same words again and again " * 1000
    origin.answers[at] = says({**FRESH, "ETag": '"t"'}, text)
    plain = edge.get(at, host=domain, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    set_functions(client, domain, function("gzip", enable="on"))
    for _ in range(2):
        answer = edge.get(at, host=domain, headers={"Accept-Encoding": "gzip"}, stream=True)
        packed = answer.raw.read(decode_content=False)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["ETag"] == 'W/"t"'
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert len(packed) < len(text) // 10
        assert zlib.decompress(packed, 31) == text
    whole = edge.get(at, host=domain, headers={"Accept-Encoding": "identity"})
    assert whole.content == text and "Content-Encoding" not in whole.headers
    part = edge.get(at, host=domain, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, text[:10])


def test_plain_http_is_sent_to_https(request, edge, client, domain):
    set_functions(client, domain, function("https_force", enable="on"))
    answer = edge.get("/x?y=1", host=domain)
    assert answer.status_code == 301
    assert answer.headers["Location"].startswith(f"https://{domain}")
    set_functions(client, domain, function("https_force", enable="on", https_rewrite="308"))
    assert edge.get("/x", host=domain).status_code == 308
    is_refused(client, domain, "ConfigurationConflicts", function("http_force", enable="on"))
    set_functions(client, domain, function("https_force", enable="off"))
    assert edge.get("/x", host=domain).status_code == 404


def test_several_domains_or_none(client, domain, origin):
    """A request that names several domains changes all of them, or none."""
    both = f"{domain},no-such.example.com"
    refused(client.BatchSetCdnDomainConfig, "InvalidDomain.NotFound", 404, domain_names=both,
            functions=json.dumps([function("gzip", enable="on")]))
    refused(client.BatchSetCdnDomainConfig, "InvalidFunctions.Malformed", 400, domain_names=domain,
            functions=json.dumps([function("gzip", enable="on"), function("gzip", enable="maybe")]))
    assert configs(client, domain) == []


@pytest.mark.parametrize("name, arguments", [
    ("brotli", {"enable": "on"}),
    ("video_seek", {"enable": "on"}),
    ("range", {"enable": "off"}),
    ("https_option", {"http2": "off"}),
    ("https_option", {"ocsp_stapling": "on"}),
    ("forward_scheme", {"enable": "on", "scheme_origin": "follow"}),
    ("edge_function", {"rule": "x"}),
    ("condition", {"rule": "x"}),
    ("limit_rate", {"ali_limit_rate": "1m"}),
    ("ipv6", {"switch": "on", "region": "*"}),
    ("set_resp_header", {"key": "Content-Length", "value": "1"}),
    ("gzip", {"enable": "on", "unknown": "1"}),
])
def test_nothing_is_taken_and_ignored(client, domain, name, arguments):
    with pytest.raises(Exception) as caught:
        set_functions(client, domain, function(name, **arguments))
    assert caught.value.code.startswith(("InvalidFunctions.", "InvalidParameter")), caught.value
    assert configs(client, domain) == []
