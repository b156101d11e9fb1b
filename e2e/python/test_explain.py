"""`osier explain` and `osier access check`: why a request was refused, and who may do what."""

import json
import urllib.parse

import oss2
import pytest

from access import KEYS, OTHER, OWNER, Accounts, document, statement
from harness import Raw

MEDIA = "myapp-prod-media"


@pytest.fixture(scope="module")
def server():
    with Accounts("[http]\nsuffixes = [\"store.example.com\"]\n") as server:
        bucket = server.oss2("owner", MEDIA)
        bucket.create_bucket()
        bucket.put_object("shared/a", b"a")
        yield server


def explain(server, *arguments):
    done = server.command("explain", *arguments, "--output-format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(server, *arguments):
    done = server.command("access", "check", *arguments, "--output-format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(call):
    """The id of the request that is refused."""
    with pytest.raises((oss2.exceptions.AccessDenied, oss2.exceptions.ServerError)) as denied:
        call()
    return denied.value.request_id


def test_the_tutorials_classic_mistake(server):
    """The policy names the objects and forgets the bucket, so listing is refused."""
    reader = server.oss2("reader", MEDIA)
    assert reader.get_object("shared/a").read() == b"a"
    with pytest.raises(oss2.exceptions.AccessDenied) as denied:
        reader.list_objects()
    error = denied.value
    assert error.details["EC"] == "0003-00000202"
    assert f"acs:oss:*:*:{MEDIA}`" in error.details["Message"]
    told = explain(server, error.request_id)
    assert told["verdict"] == "denied" and told["action"] == "oss:ListObjects"
    assert told["missing_resource"] == f"acs:oss:*:*:{MEDIA}"
    assert told["summary"].startswith(f"`acs:oss:*:*:{MEDIA}` is missing in the Resource of statement 0 (\"AppData\")")
    assert told["caller"] == f"acs:ram::{OWNER}:user/reader"
    assert told["request"]["operation"] == "ListObjects" and told["request"]["status"] == 403
    assert told["circumstances"]["acs:SourceIp"] == "127.0.0.1"
    # The whole policy is right, and so is the question beforehand.
    assert explain(server, "--as", "app", "--action", "ListObjects", "--resource", f"oss://{MEDIA}")["verdict"] == "allowed"
    before = explain(server, "--as", "reader", "--action", "oss:ListObjects", "--resource", f"oss://{MEDIA}")
    assert before["missing_resource"] == f"acs:oss:*:*:{MEDIA}"


def test_text_for_people(server):
    request_id = refused(lambda: server.oss2("reader", MEDIA).list_objects())
    done = server.command("explain", request_id)
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"denied: `acs:oss:*:*:{MEDIA}` is missing")
    assert "nearest grant:" in done.stdout and request_id in done.stdout


def test_the_statement_that_denies(server):
    bucket = server.oss2("owner", MEDIA)
    bucket.put_bucket_policy(json.dumps({"Version": "1", "Statement": [
        statement("Allow", "oss:GetObject", f"acs:oss:*:*:{MEDIA}/*", OTHER),
        dict(statement("Deny", "oss:Get*", f"acs:oss:*:*:{MEDIA}/shared/*", [OTHER],
                       NotIpAddress={"acs:SourceIp": ["203.0.113.0/24"]}), Sid="office-only"),
    ]}))
    try:
        request_id = refused(lambda: server.oss2("other", MEDIA).get_object("shared/a"))
        told = explain(server, request_id)
        last = told["layers"][-1]
        assert (last["layer"], last["verdict"]) == ("bucket policy", "denies")
        assert (last["document"], last["statement"], last["sid"]) == (f"bucket policy of {MEDIA}", 1, "office-only")
        assert "`oss:Get*`" in last["matched"] and "203.0.113.0/24" in last["matched"]
        question = ["--as", OTHER, "--action", "GetObject", "--resource", f"oss://{MEDIA}/shared/a", "--context"]
        assert explain(server, *question, "acs:SourceIp=203.0.113.7")["verdict"] == "allowed"
        assert explain(server, *question, "acs:SourceIp=198.51.100.7")["verdict"] == "denied"
    finally:
        bucket.delete_bucket_policy()


def signature_told(server, send):
    answer = send()
    assert answer.status == 403 and answer.code == "SignatureDoesNotMatch", answer
    return explain(server, answer.element("RequestId"))


def clues(told):
    return [finding["clue"] for finding in told["signature"]["findings"]]


def test_signatures(server):
    key_id, secret = KEYS["owner"]
    raw = Raw(server.port)

    def altered(change, **signed):
        """A request that is signed, and then changed by `change`."""
        from email.utils import formatdate

        from harness import sign_v1
        headers = {"Date": formatdate(usegmt=True), "Content-Type": "text/plain"}
        method, target = "PUT", f"/{MEDIA}/shared/b"
        signature = sign_v1(method, MEDIA, "shared/b", [], {**headers, **signed.get("headers", {})}, secret)
        headers["Authorization"] = f"OSS {key_id}:{signature}"
        method, target = change(headers, method, target)
        return lambda: raw.exchange(method, target, headers, b"x")

    def content_type(headers, method, target):
        headers["Content-Type"] = "application/octet-stream"
        return method, target

    def method(headers, method, target):
        return "POST", target + "?append&position=0"

    def acl(headers, method, target):
        headers["x-oss-object-acl"] = "private"
        return method, target

    def bucket(headers, method, target):
        headers["Host"] = f"{MEDIA}.store.example.com"
        return method, target

    told = signature_told(server, altered(content_type))
    assert clues(told) == ["header"]
    assert "text/plain" in told["signature"]["client"]["string_to_sign"]
    assert "application/octet-stream" in told["signature"]["server"]["string_to_sign"]
    assert "header" in clues(signature_told(server, altered(acl)))
    # Path style in the signature, and the bucket in the host and in the path.
    wrong = raw.send("GET", MEDIA, "shared/a", key_id=key_id, secret=secret + "\n")
    told = explain(server, wrong.element("RequestId"))
    assert clues(told) == ["key"] and "line feed" in told["summary"]
    wrong = raw.send("GET", MEDIA, "shared/a", key_id=key_id, secret=KEYS["app"][1])
    told = explain(server, wrong.element("RequestId"))
    assert KEYS["app"][0] in told["summary"]
    wrong = raw.send("GET", MEDIA, "shared/a", key_id=key_id, secret="nobody's secret")
    told = explain(server, wrong.element("RequestId"))
    assert told["signature"]["findings"] == [] and "client" not in told["signature"]
    assert told["signature"]["server"]["string_to_sign"].endswith(f"/{MEDIA}/shared/a")


def test_clocks_and_ended_urls(server):
    key_id, secret = KEYS["owner"]
    raw = Raw(server.port)
    late = raw.send("GET", MEDIA, "shared/a", headers={"Date": "Sun, 22 Nov 2020 03:04:05 GMT"},
                    key_id=key_id, secret=secret)
    assert late.code == "RequestTimeTooSkewed"
    told = explain(server, late.element("RequestId"))
    assert clues(told) == ["clock"] and "behind the server's" in told["summary"]
    url = server.oss2("owner", MEDIA, "v1").sign_url("GET", "shared/a", -100)
    ended = raw.exchange("GET", url[url.index("/", 8):], {})
    told = explain(server, ended.element("RequestId"))
    assert clues(told) == ["clock"] and "was good until" in told["summary"]
    signature = urllib.parse.parse_qs(url.split("?")[1])["Signature"][0]
    assert signature not in json.dumps(told) and "Signature=(hidden)" in told["request"]["target"]


def test_s19_no_secret_is_told(server):
    """Neither secrets of keys nor signatures that would open something."""
    key_id, secret = KEYS["owner"]
    for wrong in (secret + "\n", KEYS["app"][1], "x"):
        answer = Raw(server.port).send("GET", MEDIA, "shared/a", key_id=key_id, secret=wrong)
        for form in ("json", "text"):
            done = server.command("explain", answer.element("RequestId"), "--output-format", form)
            for _, known in KEYS.values():
                assert known not in done.stdout + done.stderr
    log = server.log()
    assert not any(known in log for _, known in KEYS.values())


def test_hotlinks_and_blocks_are_explained_too(server):
    bucket = server.oss2("owner", MEDIA)
    bucket.put_bucket_referer(oss2.models.BucketReferer(False, ["https://www.example.com/*"]))
    try:
        answer = Raw(server.port).send("GET", MEDIA, "shared/a", sign=False)
        told = explain(server, answer.element("RequestId"))
        assert told["request"]["ec"] == "0003-00000501" and "Referer" in told["summary"]
    finally:
        bucket.put_bucket_referer(oss2.models.BucketReferer(True, []))
    answer = Raw(server.port).send("GET", MEDIA, "shared/a", sign=False)
    told = explain(server, answer.element("RequestId"))
    assert told["caller"] == "anonymous" and told["layers"][-1]["layer"] == "bucket ACL"


def test_who_may(server):
    bucket = server.oss2("owner", MEDIA)
    bucket.put_bucket_policy(document(
        statement("Allow", "oss:GetObject", f"acs:oss:*:*:{MEDIA}/shared/*", OTHER,
                  IpAddress={"acs:SourceIp": ["203.0.113.0/24"]})))
    try:
        report = check(server, "--resource", f"oss://{MEDIA}/shared/a")
        may = {action["action"]: [grantee["who"] for grantee in action["allowed"]] for action in report["actions"]}
        root, app, reader = f"acs:ram::{OWNER}:root", f"acs:ram::{OWNER}:user/app", f"acs:ram::{OWNER}:user/reader"
        assert may == {action: [root, app, reader] for action in ("oss:GetObject", "oss:PutObject", "oss:DeleteObject")}
        read = report["actions"][0]
        assert read["action"] == "oss:GetObject"
        assert [grantee["who"] for grantee in read["conditional"]] == [f"acs:ram::{OTHER}:root"]
        inside = check(server, "--resource", f"oss://{MEDIA}/shared/a", "--action", "GetObject",
                       "--context", "acs:SourceIp=203.0.113.9")
        assert f"acs:ram::{OTHER}:root" in [grantee["who"] for grantee in inside["actions"][0]["allowed"]]
        bucket.put_bucket_acl("public-read")
        read = check(server, "--resource", f"oss://{MEDIA}/shared/a", "--action", "oss:GetObject")["actions"][0]
        assert "anonymous" in [grantee["who"] for grantee in read["allowed"]]
        lists = check(server, "--resource", f"oss://{MEDIA}", "--action", "ListObjects")["actions"][0]
        assert "anonymous" in [grantee["who"] for grantee in lists["allowed"]]
    finally:
        bucket.put_bucket_acl("private")
        bucket.delete_bucket_policy()


def test_bad_questions(server):
    for arguments, complaint in [
        (["00000000000000000000000A"], "no refused request"),
        (["--as", "stranger", "--action", "GetObject", "--resource", "oss://b"], "nobody is called `stranger`"),
        (["--as", "app", "--action", "Fly", "--resource", "oss://bkt"], "no action `Fly`"),
        (["--as", "app", "--action", "GetObject", "--resource", "oss://B/k"], "is no resource"),
        (["--as", "app", "--action", "GetObject", "--resource", f"oss://{MEDIA}/k", "--context", "acs:Moon=full"],
         "can't be a circumstance"),
    ]:
        done = server.command("explain", *arguments)
        assert done.returncode == 1 and complaint in done.stderr, (arguments, done.stderr)


def test_without_a_server(tmp_path, server):
    import subprocess

    from harness import binary
    done = subprocess.run([binary(), "explain", "0", "--data", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1 and "only a running one can explain" in done.stderr


def test_nothing_of_it_over_http(server):
    """What a client gets is in its own answer; nobody else's requests are."""
    answer = Raw(server.port).send("GET", MEDIA, "shared/a", sign=False)
    request_id = answer.element("RequestId")
    for target in (f"/explain/{request_id}", f"/?explain={request_id}", f"/{MEDIA}/?explain"):
        told = Raw(server.port).exchange("GET", target, {})
        assert told.status in (403, 404) and request_id not in told.body.decode()
