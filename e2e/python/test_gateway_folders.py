"""Folders of buckets as pages, by requests, curl and Chromium, with the store as the origin."""

import html.parser
import subprocess
import urllib.parse

import oss2
import pytest

from conftest import KEY_ID, REGION, SECRET, new_name
from gateway import Edge
from harness import Osier, free_port

PRIVATE, SHOWN, EMPTY = new_name("private"), new_name("shown"), new_name("empty")
HOSTILE = ["<script>alert(1).txt", "\"onmouseover='x'.txt", "a&b;c.txt", "50% +#?.txt", "javascript:alert(1)", "‮gpj.exe"]


class Links(html.parser.HTMLParser):
    """The links of a page, and every tag in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.tags, self.text = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def edge():
    port = free_port()
    server = Osier()
    keys = f'auth = "resign"\ncredentials = {{ access_key_id = "{KEY_ID}", access_key_secret = "{SECRET}" }}'
    oss = f"@localhost:{server.port}?region={REGION}"

    def site(name, origin, more):
        return f'[[site]]\nhosts = ["{name}.example.com"]\norigin = "{origin}"\nautoindex = "html"\n{more}\n'
    server.settings = f"""
[gateway]
listen = ["127.0.0.1:{port}"]
{site("oss", f"oss://{PRIVATE}{oss}", keys + chr(10) + "append_slash = true")}
{site("s3", f"s3://{PRIVATE}{oss}", keys)}
{site("own", f"self://{PRIVATE}", keys)}
{site("stranger", f"self://{PRIVATE}", "")}
{site("public", f"oss://{SHOWN}{oss}", "")}
{site("publicown", f"self://{SHOWN}", "")}
{site("empty", f"self://{EMPTY}", keys)}
{site("index", f"oss://{PRIVATE}{oss}", keys + chr(10) + 'index = "index.html"' + chr(10) + "append_slash = true")}
{site("below", f"oss://{PRIVATE}{oss}", keys + chr(10) + 'path = "/media"' + chr(10) + 'strip_prefix = "/media"' + chr(10) + 'add_prefix = "/long"')}
{site("denied", f"oss://{PRIVATE}{oss}", keys + chr(10) + 'ip = { deny = ["127.0.0.0/8"] }')}
{site("json", f"oss://{PRIVATE}{oss}", keys).replace('"html"', '"json"')}
{site("off", f"oss://{PRIVATE}{oss}", keys).replace('autoindex = "html"', "")}
"""
    with server:
        for name, acl in [(PRIVATE, "private"), (SHOWN, "public-read"), (EMPTY, "private")]:
            bucket = oss2.Bucket(oss2.AuthV4(KEY_ID, SECRET), server.endpoint, name, region=REGION)
            bucket.create_bucket(acl)
            if name == PRIVATE:
                for key in ["top.txt", "docs/a.txt", "docs/ä b.txt", "docs/sub/c.txt", "site/index.html", "marker/"]:
                    bucket.put_object(key, key.encode())
                for key in HOSTILE:
                    bucket.put_object(f"hostile/{key}", b"x")
                bucket.put_object("hostile/<b>/x", b"x")
                for number in range(1003):
                    bucket.put_object(f"long/{number:04}.txt", b"")
            elif name == SHOWN:
                bucket.put_object("docs/a.txt", b"a")
        yield Edge(server, port)
    assert server.process.returncode == 0, server.log()


def page(edge, host, path, **more):
    answer = edge.get(path, host=f"{host}.example.com", **more)
    assert answer.status_code == 200, answer.text
    return answer, Links(answer.text)


@pytest.mark.parametrize("host", ["oss", "s3", "own"])
def test_a_folder_of_a_private_bucket_is_a_page(edge, host):
    answer, links = page(edge, host, "/docs/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert links.links == ["../", "./sub/", "./a.txt", "./%C3%A4%20b.txt"]
    assert "no-cache" in answer.headers["Cache-Control"]
    for link in links.links[2:]:
        found = edge.get(urllib.parse.urljoin("/docs/", link), host=f"{host}.example.com")
        assert found.status_code == 200
    _, top = page(edge, host, "/")
    assert "../" not in top.links and "./docs/" in top.links and "./top.txt" in top.links
    assert edge.get("/docs/a.txt", host=f"{host}.example.com").text == "docs/a.txt"
    head = edge.request("HEAD", "/docs/", host=f"{host}.example.com")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(answer.content)))


def test_nothing_is_not_found_and_a_marker_or_a_bucket_is_something(edge):
    assert edge.get("/none/", host="oss.example.com").status_code == 404
    assert "NoSuchFolder" in edge.get("/none/", host="oss.example.com").text
    assert page(edge, "oss", "/marker/")[1].links == ["../"]
    assert page(edge, "empty", "/")[1].links == []
    assert edge.get("/docs/", host="off.example.com").status_code in (403, 404)


def test_programs_get_json_as_from_nginx(edge):
    for host, headers in [("oss", {"Accept": "application/json"}), ("json", {})]:
        answer = edge.get("/docs/", host=f"{host}.example.com", headers=headers)
        assert answer.headers["Content-Type"] == "application/json"
        rows = answer.json()
        assert [(row["name"], row["type"], row.get("size")) for row in rows] == [
            ("sub", "directory", None), ("a.txt", "file", 10), ("ä b.txt", "file", 13)]
        assert rows[1]["mtime"].endswith(" GMT")


def test_a_long_folder_is_cut_and_every_name_is_on_one_page(edge):
    names, at = [], "/long/"
    pages = 0
    while at:
        _, links = page(edge, "oss", at)
        names += [link for link in links.links if link.endswith(".txt")]
        following = [link for link in links.links if "after=" in link]
        at = urllib.parse.urljoin(at, following[0]) if following else None
        pages += 1
    assert pages == 2
    assert names == [f"./{number:04}.txt" for number in range(1003)]
    first = edge.get("/long/", host="json.example.com")
    assert len(first.json()) == 1000 and 'rel="next"' in first.headers["Link"]
    assert edge.get("/long/?after=" + "x" * 5000, host="oss.example.com").status_code == 200
    wrong = edge.get("/long/?after=%22%3E%3Cscript%3E", host="oss.example.com")
    assert "<script" not in wrong.text


@pytest.mark.parametrize("host", ["oss", "s3", "own"])
def test_edge_names_in_folders_are_never_markup(edge, host):
    answer, links = page(edge, host, "/hostile/")
    assert links.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "table", "thead", "tbody", "tr", "th", "td", "a", "p"}
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "‮" not in answer.text
    files = [link for link in links.links if not link.endswith("/")]
    assert sorted(urllib.parse.unquote(link[2:]) for link in files) == sorted(HOSTILE)
    for link in files:
        assert edge.get(urllib.parse.urljoin("/hostile/", link), host=f"{host}.example.com").text == "x"
    _, inside = page(edge, host, "/hostile/%3Cb%3E/")
    assert "<b>" in "".join(inside.text)


def test_an_index_comes_first_and_a_missing_slash_is_added(edge):
    assert edge.get("/site/", host="index.example.com").text == "site/index.html"
    assert "./a.txt" in page(edge, "index", "/docs/")[1].links
    for host in ["index", "oss"]:
        for path in ["/docs", "/site"]:
            answer = edge.get(path + "?a=1", host=f"{host}.example.com")
            assert (answer.status_code, answer.headers["Location"]) == (302, f"{path}/?a=1")
    assert edge.get("/doc", host="oss.example.com").status_code == 404
    assert edge.get("/top.txt", host="oss.example.com").text == "top.txt"


def test_prefixes_are_those_of_the_site(edge):
    _, links = page(edge, "below", "/media/")
    assert "../" not in links.links and links.links[0] == "./0000.txt"
    assert edge.get("/docs/", host="below.example.com").status_code == 404
    assert edge.get("/media/../docs/", host="below.example.com").status_code in (400, 404)


def test_access_rules_hold_for_lists(edge):
    assert "AddressDenied" in edge.get("/docs/", host="denied.example.com").text
    assert edge.request("POST", "/docs/", host="oss.example.com").status_code == 405
    # Who may not list the bucket sees no list through the site either.
    answer = edge.get("/docs/", host="stranger.example.com")
    assert (answer.status_code, "ListDenied" in answer.text) == (403, True)
    for host in ["public", "publicown"]:
        assert page(edge, host, "/docs/")[1].links == ["../", "./a.txt"]


def test_the_buckets_own_lists_still_work_through_a_site(edge):
    plain = edge.get("/?prefix=docs/&delimiter=/", host="public.example.com")
    assert "ListBucketResult" in plain.text
    signed = edge.get("/?list-type=2", host="oss.example.com")
    assert (signed.status_code, "OnlyObjects" in signed.text) == (403, True)


def test_a_browser_shows_it(edge, tmp_path):
    shot = tmp_path / "folder.png"
    subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--host-resolver-rules=MAP oss.example.com 127.0.0.1:{edge.port}", f"--screenshot={shot}",
         "--window-size=900,500", "http://oss.example.com/hostile/"], check=True, capture_output=True, timeout=120)
    assert shot.stat().st_size > 5000
    dump = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--host-resolver-rules=MAP oss.example.com 127.0.0.1:{edge.port}", "--dump-dom",
         "http://oss.example.com/hostile/"], check=True, capture_output=True, timeout=120, text=True).stdout
    assert "<script" not in dump and "&lt;script&gt;alert(1)" in dump
