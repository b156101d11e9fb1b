"""Every route of the S3 dialect, as docs/compat.md lists them, against those who may not."""

import http.client
import pathlib
import re

import pytest

from access import KEYS, Accounts
from s3_clients import client
from s3_signing import Signer

BUCKET, KEY = "private-media", "kept.txt"
ROW = re.compile(r"\| (\w+) \| `(\w+) (/|bucket|key)(?:\?([^` ]*))?(?: \+ ([a-z-]+))?` \| (.*) \|")
# A form and a preflight are not signed as requests are: they have tests of their own.
UNSIGNED = {"PostObject", "Preflight"}
ACL = {"x-amz-acl": "public-read"}
HEADERS = {
    "PutBucketAcl": ACL,
    "PutObjectAcl": ACL,
    "GetObjectAttributes": {"x-amz-object-attributes": "ETag"},
}
LOCK = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
RETENTION = "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2040-01-01T00:00:00Z</RetainUntilDate></Retention>"
DOCUMENTS = {
    "DeleteObjects": f"<Delete><Object><Key>{KEY}</Key></Object></Delete>",
    "PutBucketVersioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "PutBucketTagging": TAGS,
    "PutObjectTagging": TAGS,
    "PutBucketCors": "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>"
                     "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
    "PutBucketEncryption": "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                           "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                           "</ServerSideEncryptionConfiguration>",
    "PutObjectLockConfiguration": LOCK,
    "PutBucketPolicy": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
                       f'"Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}',
    "PutPublicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAcls>false</BlockPublicAcls>"
                            "</PublicAccessBlockConfiguration>",
    "PutBucketRequestPayment": "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    "PutBucketAccelerateConfiguration": "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>",
    "PutBucketLifecycleConfiguration": (
        "<LifecycleConfiguration><Rule><Status>Enabled</Status><Prefix/><Expiration><Days>1</Days></Expiration></Rule>"
        "</LifecycleConfiguration>"),
    "PutBucketWebsite": "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
    "PutBucketLogging": "<BucketLoggingStatus/>",
    "PutBucketNotificationConfiguration": "<NotificationConfiguration/>",
    "PutBucketOwnershipControls": (
        "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"),
    "CompleteMultipartUpload": "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
                               "</CompleteMultipartUpload>",
    "PutObjectLegalHold": "<LegalHold><Status>ON</Status></LegalHold>",
    "PutObjectRetention": RETENTION,
}


def routes():
    page = (pathlib.Path(__file__).parents[2] / "docs/compat.md").read_text()
    page = page.split("# What works of the S3 API")[1].split("\n## Control APIs")[0]
    found = [ROW.fullmatch(line).groups() for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(found) > 100
    return [route for route in found if route[0] not in UNSIGNED]


@pytest.fixture(scope="module")
def store():
    with Accounts() as running:
        owner = client(running, key_id=KEYS["owner"][0], secret=KEYS["owner"][1])
        owner.create_bucket(Bucket=BUCKET)
        owner.put_object(Bucket=BUCKET, Key=KEY, Body=b"kept")
        yield running


def ask(store, route, signer):
    """Status and body of the route's request; without a signer nobody signs it."""
    name, method, scope, query, header, _ = route
    path = {"/": "/", "bucket": f"/{BUCKET}", "key": f"/{BUCKET}/{KEY}"}[scope]
    pairs = [tuple((part + "=").split("=")[:2]) for part in (query or "").split("&") if part]
    if ("uploadId", "") in pairs:
        pairs = [("uploadId", "0" * 32)] + ([("partNumber", "1")] if method == "PUT" else [])
    headers = dict(HEADERS.get(name, {}))
    if header:
        headers[header] = f"/{BUCKET}/source.txt"
    body = DOCUMENTS.get(name, "").encode()
    host = f"127.0.0.1:{store.port}"
    if signer:
        headers = signer.headers(method, path, host, pairs, headers)
    else:
        headers = {"Host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", **headers}
    target = path + ("?" + "&".join(f"{part}={value}" for part, value in pairs) if pairs else "")
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=10)
    connection.request(method, target, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def code(text):
    found = re.search(r"<Code>(\w+)</Code>", text)
    return found.group(1) if found else None


@pytest.mark.parametrize("who", ["anonymous", "bad-signature", "other", "nobody"])
def test_s03_every_route_refuses(store, who):
    signer = {
        "anonymous": None,
        "bad-signature": Signer(KEYS["owner"][0], "not-the-secret"),
    }.get(who) or (Signer(*KEYS[who]) if who in KEYS else None)
    unclear = []
    for route in routes():
        name, method, _, _, _, support = route
        status, text = ask(store, route, signer)
        wanted = "SignatureDoesNotMatch" if who == "bad-signature" else "AccessDenied"
        refused = status == 403 and (method == "HEAD" or code(text) == wanted)
        if name == "DeleteObjects" and status == 200:
            refused = "<Error>" in text and code(text) == wanted and "<Deleted>" not in text
        absent = support == "NotImplemented" and (status, code(text)) == (501, "NotImplemented")
        # Names are not secret, and everybody may list what is theirs: nothing.
        taken = name == "CreateBucket" and code(text) == "BucketAlreadyExists"
        own = name == "ListBuckets" and who == "other" and status == 200 and BUCKET not in text
        if not (refused or absent and who != "bad-signature" or taken or own):
            unclear.append(f"{name}: {status} {text[:200]}")
    assert not unclear, "\n".join(unclear)
    owner = client(store, key_id=KEYS["owner"][0], secret=KEYS["owner"][1])
    assert owner.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"kept"
    assert "Status" not in owner.get_bucket_versioning(Bucket=BUCKET)
