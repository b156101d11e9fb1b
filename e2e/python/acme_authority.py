"""An authority that speaks ACME (RFC 8555) over TLS and validates `http-01` and `tls-alpn-01` for real.

It verifies every signature, gives each nonce once, walks orders through their states and issues
certificates by an authority of its own.
"""

import base64
import datetime
import hashlib
import http.client
import http.server
import json
import secrets
import socket
import ssl
import threading

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

NOW = datetime.timezone.utc


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tobase64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(jwk):
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, sort_keys=True, separators=(",", ":"))
    return tobase64(hashlib.sha256(text.encode()).digest())


class Problem(Exception):
    def __init__(self, kind, status=400):
        super().__init__(kind)
        self.kind, self.status = kind, status


class Authority(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, chain, key, http_port, tls_port=None):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.context = context
        self.http_port, self.tls_port = http_port, tls_port
        self.challenges = ["http-01"]
        self.lock = threading.RLock()
        self.nonces, self.accounts, self.orders, self.log = set(), {}, {}, []
        # What it is to do wrong, and for how long its certificates are good.
        self.bad_nonces, self.lifetime, self.refuses = 0, datetime.timedelta(days=90), False
        self.processing_polls = 1
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        today = datetime.datetime.now(NOW)
        self.root = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.root_key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(True, None), True).sign(self.root_key, hashes.SHA256()))

    def finish_request(self, request, client_address):
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.RequestHandlerClass(secured, client_address, self)

    @property
    def url(self):
        return f"https://localhost:{self.server_address[1]}"

    @property
    def directory(self):
        return f"{self.url}/directory"

    def root_pem(self):
        return self.root.public_bytes(serialization.Encoding.PEM)

    def count(self, what):
        with self.lock:
            return sum(1 for entry in self.log if entry == what)

    def nonce(self):
        with self.lock:
            self.nonces.add(nonce := secrets.token_urlsafe(12))
            return nonce

    def authenticated(self, path, body):
        """The account (or the key of a new one) and the payload of a signed request."""
        message = json.loads(body)
        protected = json.loads(unbase64(message["protected"]))
        assert set(message) == {"protected", "payload", "signature"} and protected["alg"] == "ES256"
        if protected["url"] != self.url + path:
            raise Problem("unauthorized", 401)
        with self.lock:
            if self.bad_nonces:
                self.bad_nonces -= 1
                self.nonces.discard(protected["nonce"])
                raise Problem("badNonce")
            if protected["nonce"] not in self.nonces:
                raise Problem("badNonce")
            self.nonces.remove(protected["nonce"])
            if "jwk" in protected:
                assert path == "/new-account" and "kid" not in protected
                account, jwk = None, protected["jwk"]
            else:
                account = protected["kid"]
                if account not in self.accounts:
                    raise Problem("accountDoesNotExist")
                jwk = self.accounts[account]
        key = ec.EllipticCurvePublicNumbers(
            int.from_bytes(unbase64(jwk["x"]), "big"), int.from_bytes(unbase64(jwk["y"]), "big"),
            ec.SECP256R1()).public_key()
        raw = unbase64(message["signature"])
        signature = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.verify(
                signature, f"{message['protected']}.{message['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Problem("malformed") from None
        return account, jwk, json.loads(unbase64(message["payload"]) or b"null")

    def validate(self, order, kind):
        expected = f"{order['token']}.{thumbprint(self.accounts[order['account']])}".encode()
        proven = {"http-01": self.proven_by_http, "tls-alpn-01": self.proven_by_handshake}[kind](order, expected)
        with self.lock:
            self.log.append("validated")
            order["status"] = "ready" if proven and not self.refuses else "invalid"

    def proven_by_handshake(self, order, expected):
        """Makes a handshake for nothing but the proof, as RFC 8737, section 3 says."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        try:
            with socket.create_connection(("127.0.0.1", self.tls_port), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname=order["host"]) as secured:
                    if secured.selected_alpn_protocol() != "acme-tls/1":
                        return False
                    shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))
                    # Nothing is served there.
                    assert secured.recv(1) == b""
        except OSError:
            return False
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        proof = shown.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
        # An OCTET STRING of 32 bytes in DER.
        digest = b"\x04\x20" + hashlib.sha256(expected).digest()
        shown.verify_directly_issued_by(shown)
        return (list(names) == [x509.DNSName(order["host"])] and proof.critical and proof.value.value == digest)

    def proven_by_http(self, order, expected):
        """Asks the host for its proof, as RFC 8555, section 8.3 says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request(
                "GET", f"/.well-known/acme-challenge/{order['token']}", headers={"Host": order["host"]})
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            said, answer = b"", None
        finally:
            connection.close()
        return answer is not None and answer.status == 200 and said.strip() == expected

    def issue(self, order, csr):
        request = x509.load_der_x509_csr(csr)
        assert request.is_signature_valid
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [order["host"]]
        now = datetime.datetime.now(NOW)
        certificate = (
            x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.root.subject)
            .public_key(request.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(seconds=1)).not_valid_after(now + self.lifetime)
            .add_extension(names, True).sign(self.root_key, hashes.SHA256()))
        order["chain"] = certificate.public_bytes(serialization.Encoding.PEM) + self.root_pem()
        self.log.append("issued")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, document=None, headers=None, kind="application/json"):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Replay-Nonce", self.server.nonce())
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        assert self.path == "/new-nonce"
        self.say(200, b"")

    def do_GET(self):
        assert self.path == "/directory"
        url = self.server.url
        self.say(200, {
            "newNonce": f"{url}/new-nonce", "newAccount": f"{url}/new-account", "newOrder": f"{url}/new-order",
            "revokeCert": f"{url}/revoke", "keyChange": f"{url}/key-change"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            assert self.headers["Content-Type"] == "application/jose+json"
            account, jwk, payload = self.server.authenticated(self.path, body)
            self.answer(account, jwk, payload)
        except Problem as problem:
            self.server.log.append(problem.kind)
            self.say(problem.status, {"type": f"urn:ietf:params:acme:error:{problem.kind}", "detail": problem.kind},
                     kind="application/problem+json")

    def answer(self, account, jwk, payload):
        server = self.server
        what, _, number = self.path.strip("/").partition("/")
        if what == "new-account":
            if not payload.get("termsOfServiceAgreed"):
                raise Problem("userActionRequired", 403)
            url = f"{server.url}/account/{len(server.accounts) + 1}"
            with server.lock:
                server.accounts[url] = jwk
                server.log.append("account")
            return self.say(201, {"status": "valid", "contact": payload.get("contact", [])}, {"Location": url})
        if what == "new-order":
            [identifier] = payload["identifiers"]
            with server.lock:
                number = str(len(server.orders) + 1)
                server.orders[number] = {
                    "host": identifier["value"], "token": secrets.token_urlsafe(24), "status": "pending",
                    "account": account, "polls": 0}
                server.log.append("order")
            return self.say(201, self.order(number), {"Location": f"{server.url}/order/{number}"})
        order = server.orders[number]
        if order["account"] != account:
            raise Problem("unauthorized", 403)
        if what == "order":
            if order["status"] == "processing":
                order["polls"] += 1
                if order["polls"] > server.processing_polls:
                    order["status"] = "valid"
            return self.say(200, self.order(number))
        if what == "authorization":
            status = {"pending": "pending", "invalid": "invalid"}.get(order["status"], "valid")
            return self.say(200, {
                "identifier": {"type": "dns", "value": order["host"]}, "status": status, "challenges": [
                    {"type": "dns-01", "url": f"{server.url}/other/{number}", "status": "pending", "token": "x"},
                    *(self.challenge(number, kind) for kind in server.challenges)]})
        if what in ("challenge-http-01", "challenge-tls-alpn-01"):
            if payload != {}:
                raise Problem("malformed")
            kind = what.removeprefix("challenge-")
            threading.Thread(target=server.validate, args=(order, kind)).start()
            return self.say(200, self.challenge(number, kind))
        if what == "finalize":
            if order["status"] != "ready":
                raise Problem("orderNotReady", 403)
            server.issue(order, unbase64(payload["csr"]))
            order["status"] = "processing"
            return self.say(200, self.order(number))
        assert what == "certificate" and order["status"] == "valid"
        return self.say(200, order["chain"], kind="application/pem-certificate-chain")

    def challenge(self, number, kind):
        order = self.server.orders[number]
        return {"type": kind, "url": f"{self.server.url}/challenge-{kind}/{number}", "status": "pending",
                "token": order["token"]}

    def order(self, number):
        order, url = self.server.orders[number], self.server.url
        shown = {
            "status": order["status"], "identifiers": [{"type": "dns", "value": order["host"]}],
            "authorizations": [f"{url}/authorization/{number}"], "finalize": f"{url}/finalize/{number}"}
        if order["status"] == "valid":
            shown["certificate"] = f"{url}/certificate/{number}"
        return shown
