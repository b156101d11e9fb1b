"""awscli, rclone, s3cmd and an s3fs mount with their default settings, each doing a day's work."""

import json
import os
import pathlib
import secrets
import urllib.error
import urllib.request

import pytest

from s3_clients import client, refusal
from s3_tools import ODD_NAMES, ODD_WHITE, Tools, contents, plant


@pytest.fixture
def tools(osier, tmp_path):
    return Tools(osier, tmp_path)


@pytest.fixture
def s3(osier):
    return client(osier)


@pytest.fixture
def big(tmp_path):
    """A file that every client sends in parts."""
    path = tmp_path / "big"
    path.write_bytes(secrets.token_bytes(1 << 20) * 24)
    return path


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def test_awscli(tools, s3, name, big, tmp_path):
    tree, back = tmp_path / "tree", tmp_path / "back"
    plant(tree, 120, ODD_NAMES + ODD_WHITE)
    tools.aws("s3", "sync", tree, f"s3://{name}/t", "--only-show-errors")
    assert tools.aws("s3", "sync", tree, f"s3://{name}/t") == b""
    tools.aws("s3", "sync", f"s3://{name}/t", back, "--only-show-errors")
    assert contents(back) == contents(tree)
    (tree / "plain" / "in" / "plain").unlink()
    assert tools.aws("s3", "sync", tree, f"s3://{name}/t", "--delete").startswith(b"delete: ")
    tools.aws("s3", "cp", big, f"s3://{name}/big", "--only-show-errors", "--acl", "public-read", "--metadata", "a=b")
    assert s3.head_object(Bucket=name, Key="big")["Metadata"] == {"a": "b"}
    tools.aws("s3", "mv", f"s3://{name}/big", f"s3://{name}/moved", "--only-show-errors")
    assert refusal(s3.head_object, Bucket=name, Key="big")[0] == 404
    url = tools.aws("s3", "presign", f"s3://{name}/moved").decode().strip()
    assert fetch(url) == big.read_bytes()
    assert tools.aws("s3", "cp", f"s3://{name}/moved", "-") == big.read_bytes()
    assert tools.aws("s3", "rm", f"s3://{name}/t", "--recursive").count(b"delete: s3://") == 119
    ended, said = tools.aws("s3api", "get-object", "--bucket", name, "--key", "none", "out", check=False)
    assert ended == 255 and "NoSuchKey" in said


def test_awscli_s3api(tools, name, tmp_path):
    def api(operation, *words):
        told = tools.aws("s3api", operation, "--bucket", name, *words)
        return json.loads(told) if told.strip() else None

    api("put-bucket-versioning", "--versioning-configuration", "Status=Enabled")
    body = tmp_path / "body"
    body.write_bytes(b"first")
    first = api("put-object", "--key", "k", "--body", body, "--checksum-algorithm", "SHA256", "--tagging", "a=b")
    assert first["ChecksumSHA256"]
    body.write_bytes(b"second")
    second = api("put-object", "--key", "k", "--body", body)
    got = api("get-object", "--key", "k", "--version-id", first["VersionId"], "out")
    assert got["TagCount"] == 1 and (tmp_path / "out").read_bytes() == b"first"
    listed = api("list-object-versions")["Versions"]
    assert [one["VersionId"] for one in listed] == [second["VersionId"], first["VersionId"]]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}]}
    api("put-bucket-policy", "--policy", json.dumps(policy))
    assert json.loads(api("get-bucket-policy")["Policy"]) == policy
    assert api("get-bucket-policy-status")["PolicyStatus"]["IsPublic"] is True
    api("put-public-access-block", "--public-access-block-configuration", "BlockPublicPolicy=true")
    assert api("get-public-access-block")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    api("delete-public-access-block")
    assert api("get-object-attributes", "--key", "k", "--object-attributes", "ObjectSize")["ObjectSize"] == 6


def test_rclone_sync_of_two_thousand_files(tools, name, tmp_path):
    tree, back = tmp_path / "tree", tmp_path / "back"
    plant(tree, 2000, ODD_NAMES + ODD_WHITE)
    tools.rclone("sync", tree, f"o:{name}/t")
    _, said = tools.rclone("check", tree, f"o:{name}/t", check=False)
    assert "0 differences found" in said and "2000 matching files" in said, said
    _, said = tools.rclone("sync", "-v", tree, f"o:{name}/t", check=False)
    assert "nothing to transfer" in said, said
    tools.rclone("copy", f"o:{name}/t", back)
    assert contents(back) == contents(tree)
    (tree / "plain" / "in" / "plain").unlink()
    tools.rclone("sync", tree, f"o:{name}/t")
    told = json.loads(tools.rclone("size", "--json", f"o:{name}/t"))
    assert told["count"] == 1999


def test_rclone_parts_copies_and_versions(tools, name, big):
    small_parts = ["--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", "--s3-copy-cutoff", "6M"]
    tools.rclone("copyto", big, f"o:{name}/big", *small_parts)
    _, said = tools.rclone("copyto", "-v", f"o:{name}/big", f"o:{name}/copy", *small_parts, check=False)
    assert "server-side copy" in said, said
    tools.rclone("moveto", f"o:{name}/copy", f"o:{name}/moved", *small_parts)
    assert tools.rclone("cat", f"o:{name}/moved") == big.read_bytes()
    assert tools.rclone("cat", "--offset", "5", "--count", "7", f"o:{name}/moved") == big.read_bytes()[5:12]
    assert sorted(tools.rclone("lsf", f"o:{name}").split()) == [b"big", b"moved"]
    assert fetch(tools.rclone("link", f"o:{name}/big").decode().strip()) == big.read_bytes()
    assert tools.rclone("backend", "versioning", f"o:{name}", "Enabled").strip() == b"Enabled"
    for text in (b"one", b"two"):
        tools.rclone("rcat", f"o:{name}/v", data=text)
    tools.rclone("delete", f"o:{name}", "--include", "/v")
    assert tools.rclone("lsf", f"o:{name}", "--include", "/v*") == b""
    old = tools.rclone("lsf", "--s3-versions", f"o:{name}", "--include", "/v*").decode().split()
    assert len(old) == 2
    assert tools.rclone("backend", "cleanup", f"o:{name}") is not None


def test_s3cmd(tools, osier, s3, name, big, tmp_path):
    tree, back = tmp_path / "tree", tmp_path / "back"
    plant(tree, 60, ODD_NAMES)
    back.mkdir()
    bucket = f"s3://{name}"
    tools.s3cmd("sync", f"{tree}/", f"{bucket}/t/")
    tools.s3cmd("sync", f"{bucket}/t/", f"{back}/")
    assert contents(back) == contents(tree)
    tools.s3cmd("put", "--multipart-chunk-size-mb", "5", big, f"{bucket}/big")
    tools.s3cmd("get", f"{bucket}/big", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == big.read_bytes()
    tools.s3cmd("--continue", "--force", "get", f"{bucket}/big", tmp_path / "got")
    tools.s3cmd("cp", f"{bucket}/big", f"{bucket}/copy")
    tools.s3cmd("mv", f"{bucket}/copy", f"{bucket}/moved")
    tools.s3cmd("modify", "--add-header", "x-amz-meta-a:b", f"{bucket}/moved")
    assert s3.head_object(Bucket=name, Key="moved")["Metadata"]["a"] == "b"
    assert tools.s3cmd("du", bucket).split()[1] == b"62"
    assert fetch(tools.s3cmd("signurl", f"{bucket}/big", "+60").decode().strip()) == big.read_bytes()
    url = f"{osier.endpoint}/{name}/big"
    tools.s3cmd("setacl", "--acl-public", f"{bucket}/big")
    assert fetch(url) == big.read_bytes()
    assert b"*anon*: READ" in tools.s3cmd("info", f"{bucket}/big")
    tools.s3cmd("setacl", "--acl-private", f"{bucket}/big")
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(url)
    assert refused.value.code == 403
    assert tools.s3cmd("--signature-v2", "ls", f"{bucket}/big").endswith(f"{bucket}/big\n".encode())
    assert tools.s3cmd("del", "--recursive", "--force", f"{bucket}/t/").count(b"delete:") == 60


def test_s3cmd_documents(tools, osier, name, tmp_path):
    bucket = f"s3://{name}"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/open/*"}]}
    (tmp_path / "policy").write_text(json.dumps(policy))
    (tmp_path / "cors").write_text(
        "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
        "</CORSRule></CORSConfiguration>")
    tools.s3cmd("put", tmp_path / "cors", f"{bucket}/open/k")
    tools.s3cmd("setpolicy", tmp_path / "policy", bucket)
    tools.s3cmd("setcors", tmp_path / "cors", bucket)
    told = tools.s3cmd("info", bucket).decode()
    assert f"arn:aws:s3:::{name}/open/*" in told and "<AllowedMethod>GET</AllowedMethod>" in told
    request = urllib.request.Request(f"{osier.endpoint}/{name}/open/k", headers={"Origin": "https://a.example"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    tools.s3cmd("delpolicy", bucket)
    tools.s3cmd("delcors", bucket)
    tools.s3cmd("expire", bucket, "--expiry-days", "3", "--expiry-prefix", "tmp/")
    assert b"<Days>3</Days>" in tools.s3cmd("getlifecycle", bucket)
    tools.s3cmd("dellifecycle", bucket)
    tools.s3cmd("settagging", f"{bucket}/open/k", "a=b")
    assert tools.s3cmd("gettagging", f"{bucket}/open/k").split()[-2:] == [b"a:", b"b"]
    tools.s3cmd("setversioning", bucket, "enable")
    assert "none" in [line.split()[-1] for line in tools.s3cmd("info", bucket).decode().splitlines() if "Policy" in line]


def test_s3fs_mount(tools, s3, name, big, tmp_path):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("s3fs can't mount here: there is no /dev/fuse")
    mounted = pathlib.Path(tmp_path / "mounted")
    mounted.mkdir()
    # It returns when the mount is there, and serves it until it is taken away.
    tools.run("s3fs", name, mounted, "-o", f"passwd_file={tools.password}", "-o",
              f"url={tools.environment['AWS_ENDPOINT_URL']}", "-o", "use_path_request_style")
    try:
        inside = mounted / "a" / "b"
        inside.mkdir(parents=True)
        for odd in ODD_NAMES:
            (inside / odd).write_bytes(odd.encode())
        assert sorted(os.listdir(inside)) == sorted(ODD_NAMES)
        assert all((inside / odd).read_bytes() == odd.encode() for odd in ODD_NAMES)
        (mounted / "big").write_bytes(big.read_bytes())
        with open(mounted / "big", "rb") as file:
            file.seek(12345)
            assert file.read(10) == big.read_bytes()[12345:12355]
        (mounted / "big").rename(mounted / "renamed")
        with open(inside / "plain", "ab") as file:
            file.write(b" and more")
        with open(inside / "null", "rb+") as file:
            file.truncate(2)
        os.chmod(inside / "plain", 0o600)
        os.symlink("plain", inside / "link")
        assert (inside / "link").read_bytes() == b"plain and more"
        assert os.stat(inside / "plain").st_mode & 0o777 == 0o600
        (inside / "#").unlink()
    finally:
        tools.run("fusermount", "-u", mounted)
    assert s3.get_object(Bucket=name, Key="renamed")["Body"].read() == big.read_bytes()
    assert s3.get_object(Bucket=name, Key="a/b/plain")["Body"].read() == b"plain and more"
    assert s3.get_object(Bucket=name, Key="a/b/null")["Body"].read() == b"nu"
    assert refusal(s3.head_object, Bucket=name, Key="a/b/#")[0] == 404
