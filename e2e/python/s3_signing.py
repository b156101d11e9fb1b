"""Signatures of S3, computed by hand: what no client would send can be sent too."""

import base64
import datetime
import hashlib
import hmac
import urllib.parse
import zlib

from harness import KEY_ID, SECRET

REGION = "us-east-1"
EMPTY = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def stamp(shift_seconds=0):
    """The time as signatures write it."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift_seconds)
    return now.strftime("%Y%m%dT%H%M%SZ")


def path_of(bucket, key=None):
    path = "/" if bucket is None else f"/{bucket}"
    return path if key is None else path + "/" + urllib.parse.quote(key, safe="-_.~/")


def query_text(query):
    pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~")) for k, v in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    """One moment, one key, one scope."""

    def __init__(self, key_id=KEY_ID, secret=SECRET, region=REGION, service="s3", date=None, shift_seconds=0):
        self.date = date or stamp(shift_seconds)
        self.key_id = key_id
        self.scope = f"{self.date[:8]}/{region}/{service}/aws4_request"
        key = digest(b"AWS4" + secret.encode(), self.date[:8])
        for part in (region, service, "aws4_request"):
            key = digest(key, part)
        self.key = key

    def signature(self, canonical):
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        return digest(self.key, f"AWS4-HMAC-SHA256\n{self.date}\n{self.scope}\n{hashed}").hex()

    def canonical(self, method, path, query, headers, payload):
        lower = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
        lines = "".join(f"{name}:{value}\n" for name, value in lower)
        names = ";".join(name for name, _ in lower)
        return names, "\n".join([method, path, query_text(query), lines, names, payload])

    def headers(self, method, path, host, query=(), headers=None, payload=UNSIGNED):
        """The headers of a request that is signed in its head."""
        signed = {"Host": host, "x-amz-date": self.date, "x-amz-content-sha256": payload, **(headers or {})}
        names, canonical = self.canonical(method, path, query, signed, payload)
        self.seed = self.signature(canonical)
        signed["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key_id}/{self.scope}, SignedHeaders={names}, Signature={self.seed}")
        return signed

    def url(self, method, path, host, query=(), headers=None, seconds=300):
        """The path and query of a URL that carries its signature."""
        signed = {"Host": host, **(headers or {})}
        names = ";".join(sorted(name.lower() for name in signed))
        query = [
            *query,
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{self.key_id}/{self.scope}"),
            ("X-Amz-Date", self.date),
            ("X-Amz-Expires", str(seconds)),
            ("X-Amz-SignedHeaders", names),
        ]
        _, canonical = self.canonical(method, path, query, signed, UNSIGNED)
        return f"{path}?{query_text(query)}&X-Amz-Signature={self.signature(canonical)}"

    def chunk(self, bytes_):
        """A signed chunk; the chain goes on from the request's signature."""
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope, self.seed, EMPTY,
                          hashlib.sha256(bytes_).hexdigest()])
        self.seed = digest(self.key, text).hex()
        return f"{len(bytes_):x};chunk-signature={self.seed}\r\n".encode() + bytes_ + (b"\r\n" if bytes_ else b"")

    def trailer(self, name, value):
        """A signed trailer."""
        hashed = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", self.date, self.scope, self.seed, hashed])
        return f"{name}:{value}\r\nx-amz-trailer-signature:{digest(self.key, text).hex()}\r\n\r\n".encode()


def plain_chunk(bytes_):
    return f"{len(bytes_):x}\r\n".encode() + bytes_ + (b"\r\n" if bytes_ else b"")


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def sign_v2(method, path, headers, expires=None, secret=SECRET, query=""):
    """The older signature; `path` names the bucket, `query` is what of it is signed."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    amz = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-amz-"))
    date = str(expires) if expires else ("" if "x-amz-date" in lower else lower.get("date", ""))
    text = "\n".join([method, lower.get("content-md5", ""), lower.get("content-type", ""), date, amz + path])
    return base64.b64encode(hmac.new(secret.encode(), (text + query).encode(), hashlib.sha1).digest()).decode()
