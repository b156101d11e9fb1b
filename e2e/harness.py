"""Starts and stops the real program, and speaks raw HTTP to it.

Nothing here knows what osier should answer: that is the tests' business.
"""

import atexit
import base64
import contextlib
import hashlib
import hmac
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from email.utils import formatdate

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY_ID = "LTAI5tEndToEndKeyId"
SECRET = "end-to-end-secret-0123456789ab"
REGION = "cn-hangzhou"
# A suffix of our own under which buckets are virtual hosts.
SUFFIX = "store.example.com"


def binary():
    """The program under test."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    path = pathlib.Path(os.environ.get("OSIER_BIN", f"{target}/release/osier"))
    if not path.exists():
        raise SystemExit(f"{path} is not there; build it: cargo build --release --bin osier")
    return str(path)


def free_port():
    """A port that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Osier:
    """One running server with a data directory of its own, or a given one."""

    def __init__(self, data=None, settings="", listen=None, environment=None, ready_seconds=30, seed=""):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="osier-e2e-"))
        # At the very end, because tests look into data and logs of servers that have stopped.
        atexit.register(shutil.rmtree, self.scratch, ignore_errors=True)
        self.data = pathlib.Path(data) if data else self.scratch / "data"
        self.log_path = self.scratch / "log"
        self.port = free_port()
        self.console_port = free_port()
        self.listen = listen or "127.0.0.1"
        self.settings = settings
        self.seed = seed
        self.environment = environment or {}
        self.ready_seconds = ready_seconds
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def arguments(self):
        shown = f"[{self.listen}]" if ":" in self.listen else self.listen
        arguments = [
            binary(), "serve",
            "--data", str(self.data),
            "--listen", f"{shown}:{self.port}",
            "--console-listen", f"127.0.0.1:{self.console_port}",
        ]
        if self.settings:
            path = self.scratch / "osier.toml"
            path.write_text(self.settings)
            arguments += ["--config", str(path)]
        if self.seed:
            path = self.scratch / "accounts.toml"
            path.write_text(self.seed)
            arguments += ["--seed", str(path)]
        return arguments

    def start(self):
        """Starts it and waits until it answers."""
        environment = dict(
            os.environ,
            OSIER_ROOT_ACCESS_KEY_ID=KEY_ID,
            OSIER_ROOT_ACCESS_KEY_SECRET=SECRET,
            RUST_BACKTRACE="1",
            **self.environment,
        )
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + self.ready_seconds
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"osier ended with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                # Connections are taken before anybody answers them.
                console = http.client.HTTPConnection("127.0.0.1", self.console_port, timeout=self.ready_seconds)
                with contextlib.closing(console):
                    console.request("GET", "/ready")
                    if console.getresponse().status == 200:
                        return self
            if time.monotonic() > deadline:
                raise RuntimeError(f"osier does not listen:\n{self.log()}")
            time.sleep(0.01)

    def stop(self):
        """Asks it to end; answers the exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"osier does not stop when asked to:\n{self.log()}") from None
        return self.process.returncode if self.process else None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def command(self, *arguments, timeout=120):
        """Runs another command of the program on this data directory."""
        return subprocess.run(
            [binary(), *arguments, "--data", str(self.data)],
            capture_output=True, text=True, timeout=timeout, check=False)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Answer:
    """A response read to its end."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:600]!r}"

    def header(self, name):
        return self.headers.get(name.lower())

    def element(self, name):
        """The text of the first element of this name in an XML body."""
        import xml.etree.ElementTree as ElementTree
        found = ElementTree.fromstring(self.body).find(f".//{name}")
        return None if found is None else (found.text or "")

    @property
    def code(self):
        return self.element("Code")


SIGNED_V1 = {
    "acl", "append", "bucketInfo", "cors", "delete", "lifecycle", "live", "location", "objectMeta",
    "partNumber", "policy", "position", "processConfiguration", "requestPayment", "seal", "stat", "symlink", "tagging",
    "uploadId", "uploads", "versionId", "versioning", "versions", "continuation-token", "comp",
    "website", "referer", "logging", "encryption", "replication", "restore", "worm", "style", "styleName",
    "x-oss-process",
    "response-content-type", "response-content-language", "response-expires",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
}


def sign_v1(method, bucket, key, query, headers, secret=SECRET):
    """The V1 signature of a request given by its decoded parts."""
    lower = {name.lower(): value for name, value in headers.items()}
    oss = "".join(f"{name}:{lower[name].strip()}\n" for name in sorted(lower) if name.startswith("x-oss-"))
    resource = "/" if bucket is None else f"/{bucket}/{key or ''}"
    signed = sorted((name, value) for name, value in query if name in SIGNED_V1)
    if signed:
        resource += "?" + "&".join(name if value in (None, "") else f"{name}={value}" for name, value in signed)
    date = lower.get("x-oss-date", lower.get("date", ""))
    text = "\n".join([method, lower.get("content-md5", ""), lower.get("content-type", ""), date, oss + resource])
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


class Raw:
    """HTTP requests written by hand, signed V1 unless told otherwise."""

    def __init__(self, port, address="127.0.0.1", host=None):
        self.port = port
        self.address = address
        self.host = host or f"{address}:{port}"

    def send(self, method, bucket=None, key=None, query=(), headers=None, body=b"", sign=True,
             target=None, timeout=30, key_id=KEY_ID, secret=SECRET):
        headers = dict(headers or {})
        if not any(name.lower() in ("date", "x-oss-date") for name in headers):
            headers["Date"] = formatdate(usegmt=True)
        query = list(query.items()) if isinstance(query, dict) else list(query)
        if sign:
            signature = sign_v1(method, bucket, key, query, headers, secret)
            headers["Authorization"] = f"OSS {key_id}:{signature}"
        if target is None:
            target = "/" if bucket is None else f"/{bucket}/" + urllib.parse.quote(key or "", safe="-_.~/")
            if query:
                target += "?" + "&".join(
                    quote(name) if value is None else f"{quote(name)}={quote(value)}" for name, value in query)
        return self.exchange(method, target, headers, body, timeout)

    def exchange(self, method, target, headers, body=b"", timeout=30):
        """Sends exactly this and reads the answer."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            names = {name.lower() for name in headers}
            if "host" not in names:
                connection.putheader("Host", self.host)
            for name, value in headers.items():
                connection.putheader(name, value.encode() if isinstance(value, str) else value)
            sized = names & {"content-length", "transfer-encoding"}
            if not sized and (body or method in ("PUT", "POST")):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body if body else None)
            response = connection.getresponse()
            answered = {}
            for name, value in response.getheaders():
                answered[name.lower()] = value
            return Answer(response.status, answered, response.read())
        finally:
            connection.close()


def wire(port, data, timeout=10, address="127.0.0.1", shut=False):
    """Sends bytes and reads until the server closes or the time is over."""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        if shut:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(OSError):
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        return received
