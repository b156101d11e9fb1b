"""The CDN API by its own SDK: domains that are served at once, refreshed and prefetched."""

import pytest

# Fixtures are among these.
from cdn import FRESH, client, configs, edge, function, origin, set_functions, source, sources  # noqa: F401
from control import refused, unique
from gateway import says


@pytest.fixture
def domain(client, origin):
    """A domain in front of the origin."""
    name = f"{unique('d')}.example.com"
    client.AddCdnDomain(
        domain_name=name, cdn_type="web", sources=sources(source("127.0.0.1", origin.port)), scope="overseas")
    yield name
    client.DeleteCdnDomain(domain_name=name)


def test_a_domain_is_served_when_the_call_returns(edge, client, origin, domain):
    origin.answers["/a"] = says(FRESH, b"first")
    answer = edge.get("/a", host=domain)
    assert (answer.status_code, answer.content) == (200, b"first")
    assert answer.headers["X-Cache"].startswith("MISS")
    again = edge.get("/a", host=domain)
    assert again.headers["X-Cache"].startswith("HIT")
    assert "Age" in again.headers and "Via" in again.headers
    assert origin.count("/a") == 1


def test_a_refresh_is_done_when_the_call_returns(edge, client, origin, domain):
    for path in ("/r/a", "/r/b", "/other"):
        origin.answers[path] = says(FRESH, b"first")
        edge.get(path, host=domain)
        origin.answers[path] = says(FRESH, b"second")
        assert edge.get(path, host=domain).content == b"first"
    task = client.RefreshObjectCaches(object_path=f"https://{domain}/r/a", object_type="File").refresh_task_id
    assert edge.get("/r/a", host=domain).content == b"second"
    assert edge.get("/r/b", host=domain).content == b"first"
    client.RefreshObjectCaches(object_path=f"http://{domain}/r/", object_type="Directory")
    assert edge.get("/r/b", host=domain).content == b"second"
    assert edge.get("/other", host=domain).content == b"first"
    told = client.DescribeRefreshTaskById(task_id=task)
    assert [(it.task_id, it.status, it.process, it.object_type) for it in told.tasks] == [
        (task, "Complete", "100%", "file")]
    listed = client.DescribeRefreshTasks(domain_name=domain)
    assert listed.total_count == 2
    assert {it.object_path for it in listed.tasks.cdntask} == {f"https://{domain}/r/a", f"http://{domain}/r/"}


def test_queries_and_patterns(edge, client, origin, domain):
    origin.answers["/q"] = says(FRESH, b"first")
    for target in ("/q", "/q?a=1", "/q?a=2", "/q.png"):
        origin.answers["/q.png"] = says(FRESH, b"first")
        edge.get(target, host=domain)
    for path in ("/q", "/q.png"):
        origin.answers[path] = says(FRESH, b"second")
    client.RefreshObjectCaches(object_path=f"http://{domain}/q?a=1", object_type="File")
    assert edge.get("/q?a=1", host=domain).content == b"second"
    assert edge.get("/q?a=2", host=domain).content == b"first"
    client.RefreshObjectCaches(object_path=f"http://{domain}/q?x=y", object_type="IgnoreParams")
    assert edge.get("/q?a=2", host=domain).content == b"second"
    assert edge.get("/q.png", host=domain).content == b"first"
    client.RefreshObjectCaches(object_path=rf"http://{domain}/.*\.png$", object_type="Regex")
    assert edge.get("/q.png", host=domain).content == b"second"


@pytest.mark.parametrize("kind, path", [
    ("File", "/s-t/%E4%BD%A0"), ("File", "/s%2dt/\u4f60"), ("Directory", "/%73-t/"), ("Regex", "/s-t/\u4f60$"),
    ("Regex", "/s-t/%E4%BD%A0$"), ("IgnoreParams", "/s-t/%e4%bd%a0?x=1"),
])
def test_a_refresh_reaches_every_spelling(edge, client, origin, domain, kind, path):
    targets = ["/s-t/%E4%BD%A0", "/s%2Dt/%e4%bd%a0"]
    for target in targets:
        origin.answers[target] = says(FRESH, b"first")
        edge.get(target, host=domain)
        origin.answers[target] = says(FRESH, b"second")
        assert edge.get(target, host=domain).content == b"first"
    client.RefreshObjectCaches(object_path=f"http://{domain}{path}", object_type=kind)
    for target in targets:
        assert edge.get(target, host=domain).content == b"second", target


def test_tags(edge, client, origin, domain):
    origin.answers["/t"] = says({**FRESH, "Cache-Tag": "spring"}, b"first")
    edge.get("/t", host=domain)
    origin.answers["/t"] = says({**FRESH, "Cache-Tag": "spring"}, b"second")
    assert edge.get("/t", host=domain).content == b"first"
    client.RefreshObjectCacheByCacheTag(domain_name=domain, cache_tag="spring,summer")
    assert edge.get("/t", host=domain).content == b"second"


def test_what_is_pushed_is_there(edge, client, origin, domain):
    origin.answers["/p"] = says(FRESH, b"x" * 1000)
    task = client.PushObjectCache(object_path=f"http://{domain}/p\nhttp://{domain}/missing").push_task_id
    first = edge.get("/p", host=domain)
    assert first.headers["X-Cache"].startswith("HIT"), first.headers
    assert origin.count("/p") == 1
    ids = task.split(",")
    told = client.DescribeRefreshTasks(domain_name=domain, object_type="preload")
    states = {it.task_id: it.status for it in told.tasks.cdntask}
    assert states == {ids[0]: "Complete", ids[1]: "Failed"}


def test_domains_are_described(client, domain, origin):
    detail = client.DescribeCdnDomainDetail(domain_name=domain).get_domain_detail_model
    assert (detail.domain_name, detail.domain_status, detail.cdn_type, detail.scope) == (
        domain, "online", "web", "overseas")
    assert detail.cname.startswith(domain)
    model = detail.source_models.source_model[0]
    assert (model.content, model.port, model.type, model.priority, model.weight, model.enabled) == (
        "127.0.0.1", origin.port, "ipaddr", "20", "10", "online")
    page = client.DescribeUserDomains(domain_name=domain, domain_search_type="full_match")
    assert (page.total_count, page.page_number, page.page_size) == (1, 1, 20)
    data = page.domains.page_data[0]
    assert (data.domain_name, data.coverage, data.ssl_protocol) == (domain, "overseas", "off")
    assert data.sources.source[0].port == origin.port
    assert client.DescribeUserDomains(domain_name="no-such-domain").total_count == 0


def test_a_domain_can_be_changed_stopped_and_deleted(edge, client, origin):
    name = f"{unique('life')}.example.com"
    add = dict(domain_name=name, cdn_type="web", sources=sources(source("127.0.0.1", 1)))
    client.AddCdnDomain(**add)
    refused(client.AddCdnDomain, "DomainAlreadyExist", 400, **add)
    assert edge.get("/life", host=name).status_code == 502
    client.ModifyCdnDomain(domain_name=name, sources=sources(source("127.0.0.1", origin.port)))
    origin.answers["/life"] = says({}, b"alive")
    assert edge.get("/life", host=name).content == b"alive"
    client.StopCdnDomain(domain_name=name)
    assert edge.get("/life", host=name).status_code == 404
    refused(client.RefreshObjectCaches, "InvalidDomain.Offline", 404, object_path=f"http://{name}/life")
    client.StartCdnDomain(domain_name=name)
    assert edge.get("/life", host=name).content == b"alive"
    client.DeleteCdnDomain(domain_name=name)
    assert edge.get("/life", host=name).status_code == 404
    for call in (client.DescribeCdnDomainDetail, client.DeleteCdnDomain, client.StopCdnDomain):
        refused(call, "InvalidDomain.NotFound", 404, domain_name=name)
    refused(client.RefreshObjectCaches, "InvalidDomain.NotFound", 404, object_path=f"http://{name}/life")


def test_functions_have_numbers(client, domain):
    [first] = set_functions(client, domain, function("filetype_based_ttl_set", ttl="60", file_type="txt"))
    [second] = set_functions(client, domain, function("filetype_based_ttl_set", ttl="90", file_type="jpg"))
    assert first != second
    assert [it[2] for it in configs(client, domain)] == [str(first), str(second)]
    [same] = set_functions(
        client, domain, function("filetype_based_ttl_set", config_id=first, ttl="61", file_type="txt", weight="9"))
    assert same == first
    assert configs(client, domain, config_id=str(first)) == [
        ("filetype_based_ttl_set", {"ttl": "61", "file_type": "txt", "weight": "9"}, str(first))]
    client.DeleteSpecificConfig(domain_name=domain, config_id=str(first))
    assert [it[2] for it in configs(client, domain)] == [str(second)]
    refused(client.DeleteSpecificConfig, "InvalidConfigId.NotFound", 404, domain_name=domain, config_id=str(first))
    # A function that can be set once is set anew.
    [host] = set_functions(client, domain, function("set_req_host_header", domain_name="a.example.com"))
    [again] = set_functions(client, domain, function("set_req_host_header", domain_name="b.example.com"))
    assert host == again
    client.BatchDeleteCdnDomainConfig(
        domain_names=domain, function_names="set_req_host_header,filetype_based_ttl_set")
    assert configs(client, domain) == []
    both = set_functions(
        client, domain, function("path_based_ttl_set", ttl="1", path="/x"), function("gzip", enable="off"))
    assert [it[0] for it in configs(client, domain)] == ["path_based_ttl_set", "gzip"]
    assert configs(client, domain, function_names="gzip") == [("gzip", {"enable": "off"}, str(both[1]))]


def test_quotas_count_down(client, domain):
    before = client.DescribeRefreshQuota()
    client.RefreshObjectCaches(object_path=f"http://{domain}/1\r\nhttp://{domain}/2")
    client.RefreshObjectCaches(object_path=f"http://{domain}/d/", object_type="Directory")
    after = client.DescribeRefreshQuota()
    assert int(before.url_remain) - int(after.url_remain) == 2
    assert int(before.dir_remain) - int(after.dir_remain) == 1
    assert int(after.url_quota) >= int(after.url_remain)
    many = "\n".join(f"http://{domain}/{n}" for n in range(1001))
    refused(client.RefreshObjectCaches, "SingleRequest.OverLimit", 400, object_path=many)


def test_what_is_wrong_is_refused_with_the_apis_words(client, domain):
    one = sources(source("a.example.com", kind="domain"))
    for fields, code in [
        (dict(domain_name="x", cdn_type="web", sources=one), "InvalidDomainName.Malformed"),
        (dict(domain_name="x.example.com", cdn_type="tv", sources=one), "InvalidCdnType.Malformed"),
        (dict(domain_name="x.example.com", cdn_type="web", sources="[]"), "InvalidSources.Malformed"),
        (dict(domain_name="x.example.com", cdn_type="web"), "MissingSources"),
        (dict(domain_name="x.example.com", cdn_type="web", sources=one, scope="moon"), "InvalidScope.Malformed"),
    ]:
        refused(client.AddCdnDomain, code, 400, **fields)
    refused(client.BatchSetCdnDomainConfig, "InvalidFunctions.ValueNotSupported", 400,
            domain_names=domain, functions='[{"functionName":"edge_function","functionArgs":[]}]')
    refused(client.BatchSetCdnDomainConfig, "InvalidFunctions.Malformed", 400,
            domain_names=domain, functions='[{"functionName":"gzip","functionArgs":[]}]')
    refused(client.RefreshObjectCaches, "InvalidObjectType.Malformed", 400,
            object_path=f"http://{domain}/a", object_type="Planet")
    refused(client.RefreshObjectCaches, "InvalidObjectPath.Malformed", 400,
            object_path=f"http://{domain}/a", object_type="Directory")
    # What is not there says so.
    refused(client.DescribeDomainBpsData, "InvalidAction.NotFound", 404, domain_name=domain)
