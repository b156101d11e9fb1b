"""Domains of the CDN API and the server they live in: crashes, snapshots, permissions, TLS, own buckets."""

import json
import socket
import ssl

import pytest
from aliyunsdkcdn.request.v20180510 import (
    AddCdnDomainRequest,
    BatchSetCdnDomainConfigRequest,
    DescribeUserDomainsRequest,
    RefreshObjectCachesRequest,
    SetDomainServerCertificateRequest,
)
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient

from cdn import cdn, configs, function, set_functions, source, sources
from control import ROOT, bucket_of, document, new_user, refused, statement, unique
from gateway import Edge, Origin, running, says
from harness import Osier, free_port
from test_tls import certificate

FRESH = {"Cache-Control": "max-age=3600", "Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as server:
        server.answers["/x"] = says(FRESH, b"from the origin")
        yield server


class Served:
    """A server for sites, with and without TLS, and its settings file."""

    def __init__(self, more="", data=None):
        self.port, self.tls = free_port(), free_port()
        self.text = f'[gateway]\nlisten = ["127.0.0.1:{self.port}"]\nlisten_tls = ["127.0.0.1:{self.tls}"]\n{more}'
        self.server = Osier(settings=self.text, data=data)
        self.edge = Edge(self.server, self.port)
        self.file = self.server.scratch / "osier.toml"

    def config(self, *arguments):
        return self.server.command("config", *arguments, timeout=60)

    def certificate_of(self, name):
        """What a handshake for a name is answered with."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.tls), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as encrypted:
                return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True))

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()


@pytest.fixture(scope="module")
def served():
    with Served() as it:
        yield it


def add(client, origin, name=None):
    name = name or f"{unique('s')}.example.com"
    client.AddCdnDomain(domain_name=name, cdn_type="web", sources=sources(source("127.0.0.1", origin.port)))
    return name


def test_what_was_acknowledged_survives_kill_and_restart(origin):
    with Served() as it:
        client = cdn(it.server)
        names = []
        for nth in range(5):
            names.append(add(client, origin, f"k{nth}.example.com"))
            if nth % 2 == 0:
                set_functions(client, names[-1], function("set_resp_header", key="X-Nth", value=str(nth)))
            it.server.kill()
            it.server.start()
            client = cdn(it.server)
            assert client.DescribeUserDomains().total_count == nth + 1
        for nth, name in enumerate(names):
            answer = it.edge.get("/x", host=name)
            assert answer.status_code == 200
            assert answer.headers.get("X-Nth") == (str(nth) if nth % 2 == 0 else None)
        task = client.RefreshObjectCaches(object_path=f"http://{names[0]}/x").refresh_task_id
        client.StopCdnDomain(domain_name=names[1])
        client.DeleteCdnDomain(domain_name=names[2])
        before = [configs(client, name) for name in (names[0], names[4])]
        it.server.stop()
        it.server.start()
        client = cdn(it.server)
        assert [configs(client, name) for name in (names[0], names[4])] == before
        assert client.DescribeRefreshTaskById(task_id=task).tasks[0].status == "Complete"
        assert client.DescribeCdnDomainDetail(domain_name=names[1]).get_domain_detail_model.domain_status == "offline"
        assert it.edge.get("/x", host=names[1]).status_code == 404
        assert it.edge.get("/x", host=names[2]).status_code == 404
        # Numbers are not given twice.
        [new] = set_functions(client, names[3], function("set_resp_header", key="X", value="y"))
        assert str(new) not in {it[2] for it in before[0] + before[1]}


def test_domains_live_beside_sites_of_the_file(origin):
    site = f'[[site]]\nhosts = ["file.example.com"]\norigin = "http://127.0.0.1:{origin.port}"\n'
    with Served(site) as it:
        client = cdn(it.server)
        refused(client.AddCdnDomain, "DomainAlreadyExist", 400, domain_name="file.example.com", cdn_type="web",
                sources=sources(source("127.0.0.1", origin.port)))
        add(client, origin, "api.example.com")
        for host in ("file.example.com", "api.example.com"):
            assert it.edge.get("/x", host=host).status_code == 200
        # The file can't take the host of a domain; nothing changes then.
        it.file.write_text(it.text + site.replace("file.", "api."))
        done = it.config("reload")
        assert done.returncode == 1 and "api.example.com" in done.stderr, done.stderr
        assert it.edge.get("/x", host="file.example.com").status_code == 200
        # A reload keeps the domains.
        it.file.write_text(it.text + site.replace("file.", "other."))
        assert it.config("reload").returncode == 0
        assert it.edge.get("/x", host="other.example.com").status_code == 200
        assert it.edge.get("/x", host="api.example.com").status_code == 200
        # A start with both serves the file's site, and says what became of the domain.
        it.server.stop()
        it.server.settings = it.text + site.replace("file.", "api.")
        it.server.start()
        client = cdn(it.server)
        assert it.edge.get("/x", host="api.example.com").status_code == 200
        detail = client.DescribeCdnDomainDetail(domain_name="api.example.com").get_domain_detail_model
        assert detail.domain_status == "configure_failed"
        # It is in nobody's way.
        add(client, origin, "more.example.com")
        assert it.edge.get("/x", host="more.example.com").status_code == 200


def test_changes_are_snapshots_to_go_back_to(origin):
    with Served() as it:
        client = cdn(it.server)
        name = add(client, origin)
        set_functions(client, name, function(
            "aliauth", auth_type="type_a", auth_key1="averysecretkey12345"))
        assert it.config("list").stdout == "1\n2\n3 *\n"
        assert it.edge.get("/x", host=name).status_code == 403
        shown = it.config("show").stdout
        assert name in shown and "aliauth" in shown and "averysecretkey" not in shown
        assert it.config("rollback").returncode == 0
        assert it.edge.get("/x", host=name).status_code == 200
        assert configs(client, name) == []
        assert it.config("rollback", "1").returncode == 0
        assert it.edge.get("/x", host=name).status_code == 404
        assert client.DescribeUserDomains().total_count == 0
        # What was gone back to is what a crash leaves.
        it.server.kill()
        it.server.start()
        assert cdn(it.server).DescribeUserDomains().total_count == 0


def test_permissions_decide(served, origin):
    name = add(cdn(served.server), origin)
    _, nobody = new_user(served.server)
    _, full = new_user(served.server, "AliyunCDNFullAccess")
    _, reader = new_user(served.server, document(
        statement("Allow", ["cdn:Describe*"], "*"), statement("Allow", "cdn:RefreshObjectCaches", f"acs:cdn:*:*:domain/{name}")))
    error = refused(cdn(served.server, nobody).DescribeUserDomains, "Forbidden.RAM", 403)
    assert "cdn:DescribeUserDomains" in str(error)
    refused(cdn(served.server, nobody).RefreshObjectCaches, "Forbidden.RAM", 403, object_path=f"http://{name}/x")
    assert cdn(served.server, full).DescribeUserDomains(domain_name=name).total_count == 1
    set_functions(cdn(served.server, full), name, function("gzip", enable="off"))
    limited = cdn(served.server, reader)
    assert configs(limited, name)[0][0] == "gzip"
    limited.RefreshObjectCaches(object_path=f"http://{name}/x")
    refused(limited.RefreshObjectCaches, "Forbidden.RAM", 403, object_path="http://another.example.com/x")
    refused(limited.DeleteCdnDomain, "Forbidden.RAM", 403, domain_name=name)
    # Nobody learns what is there who may not ask.
    refused(cdn(served.server, nobody).DescribeCdnDomainDetail, "Forbidden.RAM", 403, domain_name=name)
    refused(cdn(served.server, nobody).DescribeCdnDomainDetail, "Forbidden.RAM", 403, domain_name="none.example.com")


def test_certificates_are_served_at_once(served, origin, tmp_path):
    client = cdn(served.server)
    one, two = add(client, origin), add(client, origin)
    files = {name: certificate(tmp_path, name, name) for name in (one, two)}
    pem = {name: (chain.read_text(), key.read_text()) for name, (chain, key) in files.items()}
    set_certificate = client.SetCdnDomainSSLCertificate
    for name in (one, two):
        set_certificate(
            domain_name=name, sslprotocol="on", cert_type="upload", cert_name="mine",
            sslpub=pem[name][0], sslpri=pem[name][1])
    for name in (one, two):
        assert served.certificate_of(name).split() == pem[name][0].split()
    [info] = client.DescribeDomainCertificateInfo(domain_name=one).cert_infos.cert_info
    assert (info.server_certificate_status, info.cert_name, info.cert_domain_name, info.cert_type) == (
        "on", "mine", one, "upload")
    assert info.server_certificate.split() == pem[one][0].split() and info.cert_expire_time.endswith("Z")
    detail = client.DescribeCdnDomainDetail(domain_name=one).get_domain_detail_model
    assert detail.server_certificate_status == "on"
    assert {it.domain_name for it in client.DescribeCdnHttpsDomainList().cert_infos.cert_info} >= {one, two}
    # A key of another certificate, a certificate for another name, and no certificate.
    for pub, pri in [(pem[one][0], pem[two][1]), pem[two], ("nothing", pem[one][1])]:
        refused(set_certificate, "Certificate.FormatError", 400, domain_name=one, sslprotocol="on", cert_type="upload",
                sslpub=pub, sslpri=pri)
    refused(set_certificate, "MissingSSLPri", 400, domain_name=one, sslprotocol="on", cert_type="upload",
            sslpub=pem[one][0])
    assert served.certificate_of(one).split() == pem[one][0].split()
    set_certificate(domain_name=one, sslprotocol="off")
    with pytest.raises(ssl.SSLError):
        served.certificate_of(one)
    served.server.stop()
    served.server.start()
    assert served.certificate_of(two).split() == pem[two][0].split()
    for line in served.server.log().splitlines():
        assert "PRIVATE KEY" not in line


def test_https_reaches_a_domain(served, origin, tmp_path):
    client = cdn(served.server)
    name = add(client, origin)
    chain, key = certificate(tmp_path, "https", name)
    client.SetCdnDomainSSLCertificate(
        domain_name=name, sslprotocol="on", cert_type="upload", sslpub=chain.read_text(), sslpri=key.read_text())
    context = ssl.create_default_context(cafile=str(chain))

    def get(path):
        with socket.create_connection(("127.0.0.1", served.tls), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname=name) as encrypted:
                encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while chunk := encrypted.recv(65536):
                    answer += chunk
        return answer

    assert b"from the origin" in get("/x")
    set_functions(client, name, function("HSTS", enabled="on", https_hsts_max_age="600",
                                         https_hsts_include_subdomains="on"))
    assert b"max-age=600; includeSubDomains" in get("/x")
    set_functions(client, name, function("http_force", enable="on"))
    answer = get("/x")
    assert answer.startswith(b"HTTP/1.1 301") and f"http://{name}".encode() in answer


def acs(served, key=ROOT):
    client = AcsClient(*key, "cn-hangzhou", auto_retry=False)
    client.add_endpoint("cn-hangzhou", "Cdn", f"127.0.0.1:{served.server.port}")
    return client


def ask(client, request, **fields):
    request.set_protocol_type("http")
    request.set_accept_format("json")
    for name, value in fields.items():
        getattr(request, f"set_{name}")(value)
    return json.loads(client.do_action_with_exception(request))


def test_a_bucket_behind_a_domain_as_the_older_sdk_sets_it_up(served):
    """A private bucket of this server, shown by its domain, with lifetimes, HTTPS and refreshes."""
    name, bucket_name = f"{unique('media')}.example.com", unique("media")
    bucket = bucket_of(served.server, bucket_name)
    bucket.create_bucket("private")
    bucket.put_object("images/test.jpg", b"first", headers={"Content-Type": "image/jpeg"})
    client = acs(served)
    ask(client, AddCdnDomainRequest.AddCdnDomainRequest(), CdnType="web", DomainName=name, Sources=sources(
        source(f"{bucket_name}.oss-cn-beijing.aliyuncs.com", 443, "oss")))
    assert served.edge.get("/images/test.jpg", host=name).status_code == 403
    ask(client, SetDomainServerCertificateRequest.SetDomainServerCertificateRequest(), DomainName=name,
        ServerCertificateStatus="on", CertType="free")
    served.certificate_of(name)
    ask(client, BatchSetCdnDomainConfigRequest.BatchSetCdnDomainConfigRequest(), DomainNames=name,
        Functions=json.dumps([
            function("filetype_based_ttl_set", ttl="2592000", file_type="jpg,jpeg,png,gif,webp,svg,ico", weight="99"),
            function("l2_oss_key", private_oss_auth="on")]))
    first = served.edge.get("/images/test.jpg", host=name)
    assert (first.status_code, first.content) == (200, b"first")
    again = served.edge.get("/images/test.jpg", host=name)
    assert again.headers["X-Cache"].startswith("HIT") and "Age" in again.headers and "Via" in again.headers
    bucket.put_object("images/test.jpg", b"second", headers={"Content-Type": "image/jpeg"})
    told = ask(client, RefreshObjectCachesRequest.RefreshObjectCachesRequest(),
               ObjectPath=f"https://{name}/images/test.jpg", ObjectType="File")
    assert told["RefreshTaskId"].isdigit()
    assert served.edge.get("/images/test.jpg", host=name).content == b"second"
    bucket.put_object("images/test.jpg", b"third", headers={"Content-Type": "image/jpeg"})
    ask(client, RefreshObjectCachesRequest.RefreshObjectCachesRequest(),
        ObjectPath=f"https://{name}/images/", ObjectType="Directory")
    assert served.edge.get("/images/test.jpg", host=name).content == b"third"
    # The bucket itself is as private as it was, and so are its lists.
    assert served.edge.get("/", host=name).status_code == 403
    assert served.edge.get("/?list-type=2", host=name).status_code == 403
    assert served.edge.request("PUT", "/images/test.jpg", host=name, data=b"x").status_code == 405
    listed = ask(client, DescribeUserDomainsRequest.DescribeUserDomainsRequest(), DomainName=name)
    assert listed["Domains"]["PageData"][0]["DomainStatus"] == "online"
    # What was kept for everybody is gone when the bucket is not shown any more.
    ask(client, BatchSetCdnDomainConfigRequest.BatchSetCdnDomainConfigRequest(), DomainNames=name,
        Functions=json.dumps([function("l2_oss_key", private_oss_auth="off")]))
    assert served.edge.get("/images/test.jpg", host=name).status_code == 403
    with pytest.raises(ServerException) as caught:
        ask(acs(served, new_user(served.server)[1]), DescribeUserDomainsRequest.DescribeUserDomainsRequest())
    assert (caught.value.get_error_code(), caught.value.get_http_status()) == ("Forbidden.RAM", 403)
