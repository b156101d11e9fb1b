"""What the gateway keeps: slices, disk, purges and the rules that make a shared cache safe."""

import concurrent.futures
import http.client
import json
import re
import socket
import threading

import pytest
import requests

from harness import Osier, free_port
from test_gateway import Edge, Origin, says

MIB = 1 << 20
GIB = 1 << 30
PAGE = 4096


def pattern(start, end, seed=0):
    """Bytes of an object of any size: each page says where it lies, and in which version."""
    first, last = start // PAGE, (end + PAGE - 1) // PAGE
    pages = b"".join((page << 8 | seed).to_bytes(8, "big") * (PAGE // 8) for page in range(first, last))
    return pages[start - first * PAGE:end - first * PAGE]


class Large:
    """A large object at the origin, which counts the bytes it sends."""

    def __init__(self, size, etag='"v0"', seed=0, ranges=True, headers=None):
        self.size, self.etag, self.seed, self.ranges = size, etag, seed, ranges
        self.headers = headers or {}
        self.sent = 0
        self.ranges_asked = []

    def __call__(self, seen):
        headers = {"Cache-Control": "max-age=600", "Accept-Ranges": "bytes" if self.ranges else "none", **self.headers}
        if self.etag:
            headers["ETag"] = self.etag
        asked = seen["headers"]
        if asked.get("If-Match") not in (None, self.etag):
            return 412, {}, b""
        if self.etag and asked.get("If-None-Match") == self.etag:
            return 304, headers, b""
        self.ranges_asked.append(asked.get("Range"))
        start, end, status = 0, self.size, 200
        if self.ranges and asked.get("Range"):
            first, last = re.fullmatch(r"bytes=(\d*)-(\d*)", asked["Range"]).groups()
            start = int(first) if first else self.size - int(last)
            end = min(int(last) + 1, self.size) if first and last else self.size
            status = 206
            if start >= self.size:
                return 416, {"Content-Range": f"bytes */{self.size}"}, b""
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{self.size}"
        self.sent += end - start
        return status, headers, pattern(start, end, self.seed)


@pytest.fixture(scope="module")
def origin():
    server = Origin()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


MEMORY = 64 * MIB
DISK = 64 * MIB


def server_of(origin, gateway="", **more):
    port = free_port()
    server = Osier(**more)
    server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
memory_bytes_max = {MEMORY}
disk_bytes_max = {DISK}
{gateway}
[[site]]
hosts = ["plain.example.com"]
origin = "http://127.0.0.1:{origin.port}"
stale_if_error_s = 60
[[site]]
hosts = ["other.example.com"]
origin = "http://127.0.0.1:{origin.port}"
[[site]]
hosts = ["rules.example.com"]
origin = "http://127.0.0.1:{origin.port}"
query_without = ["utm_source"]
[[site.ttl]]
extensions = ["jpg", "css"]
seconds = 600
weight = 10
[[site.ttl]]
directory = "/never/"
seconds = 0
weight = 20
[[site.ttl]]
path = "/forced.css"
seconds = 600
weight = 30
over_no_cache = true
[[site]]
hosts = ["bare.example.com"]
origin = "http://127.0.0.1:{origin.port}"
query = "none"
"""
    return server, Edge(server, port)


@pytest.fixture(scope="module")
def edge(origin):
    server, edge = server_of(origin)
    with server:
        yield edge
    assert server.process.returncode == 0, server.log()


@pytest.fixture
def path(request):
    return "/" + re.sub(r"\W", "-", request.node.name)


def get_range(edge, path, start, end, **more):
    return edge.get(path, headers={"Range": f"bytes={start}-{end - 1}", **more.pop("headers", {})}, **more)


def cached(edge, path, **more):
    return edge.get(path, **more).headers["X-Cache"]


def cache(edge, *arguments):
    done = edge.server.command("cache", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stats(edge):
    return json.loads(cache(edge, "stats", "--output-format", "json"))


# Slices.


def test_s_range_amplification_a_small_range_of_a_cold_large_object_costs_one_slice(edge, origin, path):
    large = origin.answers[path] = Large(10 * GIB)
    at = 5 * GIB + 123_456
    part = get_range(edge, path, at, at + 1024)
    assert (part.status_code, part.content) == (206, pattern(at, at + 1024))
    assert part.headers["Content-Range"] == f"bytes {at}-{at + 1023}/{10 * GIB}"
    assert large.sent <= MIB
    again = get_range(edge, path, at + 2000, at + 3000)
    assert (again.content, again.headers["X-Cache"]) == (pattern(at + 2000, at + 3000), "HIT")
    assert len(large.ranges_asked) == 1
    tail = edge.get(path, headers={"Range": "bytes=-100"})
    assert (tail.status_code, tail.content) == (206, pattern(10 * GIB - 100, 10 * GIB))
    assert large.sent <= 2 * MIB


def test_s_range_amplification_many_ranges_are_asked_of_nobody(edge, origin, path):
    large = origin.answers[path] = Large(3 * MIB)
    many = "bytes=" + ",".join(f"{at}-{at}" for at in range(64))
    answer = edge.get(path, headers={"Range": many})
    assert (answer.status_code, len(answer.content)) == (200, 3 * MIB)
    assert large.ranges_asked == [None] and large.sent == 3 * MIB


def test_ranges_over_slices(edge, origin, path):
    size = 5 * MIB + 1000
    large = origin.answers[path] = Large(size)
    for start, end in [(MIB - 10, MIB + 10), (0, 10), (3 * MIB + 5, size), (0, size), (2 * MIB, 2 * MIB + 1)]:
        part = get_range(edge, path, start, end)
        assert part.status_code == 206
        assert part.content == pattern(start, end), (start, end)
    # Each byte came once.
    assert large.sent == size
    assert edge.get(path).content == pattern(0, size)
    assert get_range(edge, path, size, size + 1).status_code == 416
    head = edge.request("HEAD", path)
    assert head.headers["Content-Length"] == str(size) and head.headers["X-Cache"] == "HIT"
    assert edge.get(path, headers={"If-None-Match": '"v0"'}).status_code == 304
    assert large.sent == size


def test_a_whole_large_object_is_kept_in_slices_as_it_passes(edge, origin, path):
    size = 4 * MIB + 77
    large = origin.answers[path] = Large(size)
    first = edge.get(path)
    assert (first.content, first.headers["X-Cache"]) == (pattern(0, size), "MISS")
    again = edge.get(path)
    assert (again.content, again.headers["X-Cache"]) == (pattern(0, size), "HIT")
    assert get_range(edge, path, 2 * MIB, 2 * MIB + 9).content == pattern(2 * MIB, 2 * MIB + 9)
    assert large.sent == size


def test_many_at_once_cost_the_origin_one_large_object(edge, origin, path):
    size = 6 * MIB
    large = origin.answers[path] = Large(size)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: edge.get(path).content, range(32)))
    assert all(content == pattern(0, size) for content in answers)
    assert large.sent == size and large.ranges_asked == [None]


def test_a_changed_object_is_never_mixed(edge, origin, path):
    size = 6 * MIB
    origin.answers[path] = Large(size, '"old"', seed=1)
    assert get_range(edge, path, 0, 10).content == pattern(0, 10, 1)
    origin.answers[path] = Large(size, '"new"', seed=2)
    # Slice 0 is known, the others are of another state: the answer breaks off.
    with pytest.raises(requests.RequestException):
        edge.get(path)
    assert edge.get(path).content == pattern(0, size, 2)
    assert get_range(edge, path, 0, 10).content == pattern(0, 10, 2)


def test_without_a_strong_etag_ranges_pass_as_they_are(edge, origin, path):
    for etag in [None, 'W/"weak"']:
        large = origin.answers[path] = Large(3 * MIB, etag)
        part = get_range(edge, path, MIB - 5, MIB + 5)
        assert (part.status_code, part.content) == (206, pattern(MIB - 5, MIB + 5))
        assert large.ranges_asked[-1] == f"bytes={MIB - 5}-{MIB + 4}"


def test_an_origin_without_ranges_answers_with_everything(edge, origin, path):
    large = origin.answers[path] = Large(3 * MIB, ranges=False)
    answer = get_range(edge, path, 5, 10)
    assert (answer.status_code, answer.content) == (200, pattern(0, 3 * MIB))
    small = origin.answers[path + "-small"] = Large(1000, ranges=False)
    part = get_range(edge, path + "-small", 5, 10)
    assert (part.status_code, part.content) == (206, pattern(5, 10))
    assert (large.sent, small.sent) == (3 * MIB, 1000)


def test_a_small_object_is_kept_whole_by_its_first_range(edge, origin, path):
    large = origin.answers[path] = Large(2000)
    assert get_range(edge, path, 500, 600).content == pattern(500, 600)
    assert (edge.get(path).content, cached(edge, path)) == (pattern(0, 2000), "HIT")
    assert large.sent == 2000


# Stale answers.


def test_a_stale_answer_is_given_while_the_origin_is_asked(edge, origin, path):
    asked, go_on = threading.Event(), threading.Event()
    fresh = {"Cache-Control": "max-age=0, stale-while-revalidate=60", "ETag": '"1"'}
    origin.answers[path] = says(fresh, b"old")
    assert edge.get(path).content == b"old"

    def slow(seen):
        asked.set()
        go_on.wait(30)
        return 200, {"Cache-Control": "max-age=60", "ETag": '"2"'}, b"new"

    origin.answers[path] = slow
    stale = edge.get(path)
    assert (stale.content, stale.headers["X-Cache"]) == (b"old", "STALE")
    assert asked.wait(30)
    # The origin still thinks, and nobody waits for it.
    assert edge.get(path).content == b"old"
    assert origin.count(path) == 2
    go_on.set()
    # This one does not want a stale answer: it waits for the one under way.
    assert edge.get(path, headers={"Cache-Control": "min-fresh=5"}).content == b"new"
    assert origin.count(path) == 2


# Purges.


def test_purges_act_before_they_return(edge, origin, path):
    tagged = {"Cache-Control": "max-age=600", "Cache-Tag": "red, blue", "Surrogate-Key": "k1 k2"}
    for name in ["a.jpg", "b.jpg", "dir/c.jpg", "dir/deep/d.png"]:
        origin.answers[f"{path}/{name}"] = says(tagged)
    base = f"http://plain.example.com{path}"
    targets = ["a.jpg", "a.jpg?w=1", "b.jpg", "dir/c.jpg", "dir/deep/d.png"]

    def purged(*arguments):
        for target in targets:
            edge.get(f"{path}/{target}")
            edge.get(f"{path}/{target}", host="other.example.com")
        cache(edge, "purge", *arguments)
        gone = [target for target in targets if cached(edge, f"{path}/{target}") == "MISS"]
        others = [target for target in targets if cached(edge, f"{path}/{target}", host="other.example.com") == "MISS"]
        return gone, others

    assert purged(f"{base}/a.jpg") == (["a.jpg", "a.jpg?w=1"], [])
    assert purged(f"{base}/a.jpg?w=1") == (["a.jpg?w=1"], [])
    assert purged("--directory", f"{base}/dir/") == (["dir/c.jpg", "dir/deep/d.png"], [])
    assert purged("--regex", rf"^{path}/.*\.jpg$", "--host", "plain.example.com") == (["a.jpg", "b.jpg", "dir/c.jpg"], [])
    assert purged("--tag", "blue") == (targets, targets)
    assert purged("--tag", "k2") == (targets, targets)
    assert purged("--tag", "green") == ([], [])
    assert purged("--site", "plain.example.com") == (targets, [])
    assert purged("--all") == (targets, targets)
    answer = edge.get(f"{path}/a.jpg")
    assert not {"cache-tag", "surrogate-key"} & {name.lower() for name in answer.headers}


SPELT = ["a-b/\u597d.jpg", "a%2Db/%E5%A5%BD.jpg", "%61-b/%e5%a5%bd%2ejpg"]


@pytest.mark.parametrize("arguments", [
    *(["{base}/" + spelt] for spelt in SPELT),
    *(["--directory", "{base}/" + spelt.split("/")[0] + "/"] for spelt in SPELT),
    *(["--regex", "^{path}/" + spelt, "--host", "plain.example.com"] for spelt in SPELT[:2]),
])
def test_a_purge_reaches_every_spelling(edge, origin, path, arguments):
    """And the origin sees each as it was sent."""
    for target in SPELT + ["a-b%2F%E5%A5%BD.jpg"]:
        sent = target.encode().decode("latin-1")
        origin.answers[f"{path}/{sent}"] = says({"Cache-Control": "max-age=600"}, target.encode())

    def asked(target):
        # As bytes: no client spells it for us.
        with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as client:
            client.sendall(f"GET {path}/{target} HTTP/1.1\r\nHost: plain.example.com\r\nConnection: close\r\n\r\n".encode())
            response = http.client.HTTPResponse(client)
            response.begin()
            assert response.read() == target.encode()
            return response.headers["X-Cache"]

    assert [asked(target) for target in SPELT] == ["MISS"] * 3, "names are exact"
    assert asked("a-b%2F%E5%A5%BD.jpg") == "MISS"
    assert [asked(target) for target in SPELT] == ["HIT"] * 3
    base = f"http://plain.example.com{path}"
    cache(edge, "purge", *(argument.format(base=base, path=path) for argument in arguments))
    assert [asked(target) for target in SPELT] == ["MISS"] * 3
    is_pattern = "--regex" in arguments
    assert is_pattern or asked("a-b%2F%E5%A5%BD.jpg") == "HIT"


def test_a_purge_that_makes_no_sense_is_refused(edge):
    for wrong in [["nonsense"], ["http://nobody.example.com/"], ["--regex", "(", "--host", "plain.example.com"]]:
        refused = edge.server.command("cache", "purge", *wrong)
        assert refused.returncode == 1 and refused.stderr, wrong


def test_slices_are_purged_with_their_object(edge, origin, path):
    size = 3 * MIB
    origin.answers[path] = Large(size, '"same"', seed=1)
    assert edge.get(path).content == pattern(0, size, 1)
    # The same ETag for other bytes, as a broken origin has it.
    origin.answers[path] = Large(size, '"same"', seed=2)
    cache(edge, "purge", f"http://plain.example.com{path}")
    assert edge.get(path).content == pattern(0, size, 2)
    assert edge.get(path).content == pattern(0, size, 2)


def test_prefetch(edge, origin, path):
    size = 3 * MIB + 5
    large = origin.answers[path] = Large(size)
    assert cache(edge, "prefetch", f"http://plain.example.com{path}") == f"200 http://plain.example.com{path}\n"
    answer = edge.get(path)
    assert (answer.content, answer.headers["X-Cache"]) == (pattern(0, size), "HIT")
    assert large.sent == size


# Disk.


def test_what_is_on_disk_outlives_a_kill_and_what_was_purged_does_not(origin, path):
    size = 3 * MIB + 5
    names = [f"{path}/{index}" for index in range(20)]
    for name in names:
        origin.answers[name] = says({"Cache-Control": "max-age=600", "ETag": '"s"', "Cache-Tag": name[-1]}, name.encode())
    origin.answers[f"{path}/large"] = Large(size)
    server, edge = server_of(origin)
    with server:
        urls = [f"http://plain.example.com{name}" for name in [*names, f"{path}/large"]]
        cache(edge, "prefetch", *urls)
        assert stats(edge)["disk_entries"] == 20 + 1 + 4
        cache(edge, "purge", urls[3], urls[4])
        cache(edge, "purge", "--tag", "7")
        server.kill()
        server.start()
        before = {name: origin.count(name) for name in names}
        for index, name in enumerate(names):
            answer = edge.get(name)
            assert answer.content == name.encode()
            purged = index in (3, 4, 7, 17)
            assert answer.headers["X-Cache"] == ("MISS" if purged else "HIT"), index
            assert origin.count(name) - before[name] == purged
        asked = len(origin.answers[f"{path}/large"].ranges_asked)
        assert edge.get(f"{path}/large").content == pattern(0, size)
        assert len(origin.answers[f"{path}/large"].ranges_asked) == asked
        assert stats(edge)["disk_damaged"] == 0
        # A second kill: what was fetched anew after the purge is asked for again, and on disk.
        assert cached(edge, names[3]) == "HIT"
        stats(edge)
        server.kill()
        server.start()
        assert cached(edge, names[3]) == "HIT"


def test_a_damaged_byte_on_disk_is_never_sent(origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=600"}, b"x" * 10_000)
    server, edge = server_of(origin)
    with server:
        cache(edge, "prefetch", f"http://plain.example.com{path}")
        stats(edge)
        server.kill()
        segments = sorted((server.data / "edge-cache").glob("*.segment"))
        content = bytearray(segments[-1].read_bytes())
        place = content.index(b"x" * 10_000) + 5_000
        content[place] = ord("y")
        segments[-1].write_bytes(content)
        server.start()
        answer = edge.get(path)
        assert (answer.content, answer.headers["X-Cache"]) == (b"x" * 10_000, "MISS")


def test_memory_and_disk_keep_their_bounds(origin, path):
    server, edge = server_of(origin)
    with server:
        for index in range(60):
            name = f"{path}/{index}"
            origin.answers[name] = Large(3 * MIB)
            # The second request is what brings it to disk.
            assert len(edge.get(name).content) == len(edge.get(name).content) == 3 * MIB
        told = stats(edge)
        assert 0 < told["memory_bytes"] <= MEMORY
        files = sum(file.stat().st_size for file in (server.data / "edge-cache").iterdir())
        assert DISK // 2 < told["disk_bytes"] <= files <= DISK
        assert told["disk_evicted"] > 0 and told["memory_evicted"] > 0


def test_what_is_asked_for_once_stays_in_memory(origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=600"})
    server, edge = server_of(origin)
    with server:
        edge.get(path)
        assert stats(edge)["disk_entries"] == 0
        edge.get(path)
        assert stats(edge)["disk_entries"] == 1


# Names and lifetimes.


def test_queries_count_as_the_site_says(edge, origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=600"})
    assert cached(edge, f"{path}?a=1&utm_source=x", host="rules.example.com") == "MISS"
    assert cached(edge, f"{path}?utm_source=y&a=1", host="rules.example.com") == "HIT"
    assert cached(edge, f"{path}?a=2", host="rules.example.com") == "MISS"
    assert cached(edge, f"{path}?a=1", host="bare.example.com") == "MISS"
    assert cached(edge, f"{path}?a=2", host="bare.example.com") == "HIT"


def test_lifetimes_have_the_precedence_of_alibaba_cloud(edge, origin, path):
    def lifetime(target, headers):
        origin.answers[target] = says(headers)
        edge.get(target, host="rules.example.com")
        answer = edge.get(target, host="rules.example.com")
        found = re.search(r"hit; ttl=(\d+)", answer.headers["Cache-Status"])
        return int(found.group(1)) if found and answer.headers["X-Cache"] == "HIT" else None

    assert 590 <= lifetime("/a.jpg", {"Cache-Control": "max-age=9"}) <= 600
    assert lifetime("/b.jpg", {"Cache-Control": "no-store"}) is None
    assert lifetime("/c.jpg", {"Cache-Control": "no-cache", "ETag": '"c"'}) is None
    assert lifetime("/never/d.jpg", {"Cache-Control": "max-age=9"}) is None
    assert 590 <= lifetime("/forced.css", {"Cache-Control": "no-store"}) <= 600
    assert lifetime(f"{path}/plain", {"Cache-Control": "max-age=300"}) > 290


# Safety.


def test_s_cache_deception_an_extension_makes_nothing_public(edge, origin):
    private = [
        ("/account/x.css", {"Cache-Control": "private"}, b"mine"),
        ("/account/y.css", {"Set-Cookie": "session=1"}, b"mine"),
        ("/account/z.css", {"Content-Type": "text/html"}, b"<html>mine"),
        ("/account%2fw.css", {}, b"mine"),
        ("/account;v.css", {}, b"mine"),
        ("/account%00u.css", {}, b"mine"),
    ]
    for target, headers, content in private:
        origin.answers[target] = says(headers, content)
        assert cached(edge, target, host="rules.example.com") == "MISS", target
        assert cached(edge, target, host="rules.example.com") == "MISS", target
    origin.answers["/static/ok.css"] = says({"Content-Type": "text/css"})
    edge.get("/static/ok.css", host="rules.example.com")
    assert cached(edge, "/static/ok.css", host="rules.example.com") == "HIT"


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "X-Host", "X-HTTP-Method-Override"])
def test_s_cache_poisoning_headers_outside_the_name_choose_nothing(edge, origin, path, name):
    def reflecting(seen):
        return 200, {"Cache-Control": "max-age=600"}, seen["headers"].get(name, "clean").encode()
    origin.answers[path] = reflecting
    assert edge.get(path, headers={name: "evil.example.com"}).text == "clean"
    assert edge.get(path).text == "clean"


@pytest.mark.parametrize("status", [400, 403, 413, 414, 431, 500, 502])
def test_s_cache_poisoning_errors_that_a_client_can_cause_are_not_kept(edge, origin, path, status):
    def picky(seen):
        if "X-Bad" in seen["headers"]:
            return status, {"Cache-Control": "max-age=600"}, b"refused"
        return 200, {"Cache-Control": "max-age=600"}, b"content"
    origin.answers[path] = picky
    assert edge.get(path, headers={"X-Bad": "1"}).status_code == status
    assert (edge.get(path).status_code, cached(edge, path)) == (200, "HIT")


def test_s_cache_poisoning_the_host_is_the_site_and_not_the_header(edge, origin, path):
    origin.answers[path] = lambda seen: (200, {"Cache-Control": "max-age=600"}, seen["headers"]["Host"].encode())
    first = edge.get(path, host="PLAIN.example.com:8080")
    assert first.text == f"127.0.0.1:{origin.port}"
    assert cached(edge, path, host="plain.example.com.") == "HIT"
    assert cached(edge, path, host="other.example.com") == "MISS"


# Logs and metrics.


PRODUCTION = re.compile(
    r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET (\S+) HTTP/1\.1" 200 7 "-" "a b" "192\.0\.2\.7" '
    r'rt=\d+\.\d{3} uct="-" uht="([\d.]+|-)" urt="([\d.]+|-)"')


def test_the_access_log_is_the_templates(origin, path, tmp_path):
    origin.answers[path] = says({"Cache-Control": "max-age=600"})
    for name, more in [("production", ""), ("json", 'access_log_format = "json"')]:
        file = tmp_path / name
        server, edge = server_of(origin, gateway=f'access_log = "{file}"\n{more}')
        with server:
            for _ in range(2):
                edge.get(f"{path}?secret=1", headers={"User-Agent": "a b", "X-Forwarded-For": "192.0.2.7"})
            edge.get("/health", host="nobody.example.com")
        lines = file.read_text().splitlines()
        assert "secret" not in file.read_text() and len(lines) == 2
        if name == "json":
            read = [json.loads(line) for line in lines]
            assert [line["cache"] for line in read] == ["MISS", "HIT"]
            assert [line["bytes"] for line in read] == [7, 7]
            assert read[0]["upstream"] == f"127.0.0.1:{origin.port}" and read[1]["upstream"] is None
        else:
            found = [PRODUCTION.fullmatch(line) for line in lines]
            assert all(found) and found[0].group(1) == path
            assert found[0].group(2) != "-" and found[1].group(2) == "-"


def test_metrics_count_what_the_cache_did(origin, path):
    origin.answers[path] = says({"Cache-Control": "max-age=600"})
    server, edge = server_of(origin)
    with server:
        for _ in range(3):
            edge.get(path)
        edge.get(path + "-none")
        text = requests.get(f"http://127.0.0.1:{server.console_port}/metrics", timeout=30).text
        for line in [
            'osier_edge_requests_total{cache="HIT",status="2xx"} 2',
            'osier_edge_requests_total{cache="MISS",status="2xx"} 1',
            'osier_edge_requests_total{cache="MISS",status="4xx"} 1',
            "osier_edge_memory_entries 1",
        ]:
            assert line in text, line
