"""Clients of the CDN API, and what tests of it have in common."""

import json

import pytest
from alibabacloud_cdn20180510 import models as cdn_models
from alibabacloud_cdn20180510.client import Client as CdnClient

from control import ROOT, Api, config
from gateway import Edge, Origin, running
from harness import Osier, free_port

FRESH = {"Cache-Control": "max-age=3600", "Content-Type": "text/plain"}

ACTIONS = {
    # Names that do not become attributes of the SDK letter by letter.
    "SetCdnDomainSSLCertificate": "set_cdn_domain_sslcertificate",
}


class Cdn(Api):
    """`cdn.AddCdnDomain(domain_name="x")` gives the body of the SDK's answer."""

    def __getattr__(self, action):
        if action in ACTIONS:
            from darabonba.runtime import RuntimeOptions
            call = getattr(self.client, f"{ACTIONS[action]}_with_options")
            request = getattr(self.models, f"{action}Request")
            return lambda **fields: call(request(**fields), RuntimeOptions(autoretry=False)).body
        return super().__getattr__(action)


def cdn(server, key=ROOT, token=None, host=None):
    return Cdn(CdnClient(config(server, key, token, host)), cdn_models)


def source(content, port=80, kind="ipaddr", priority="20", weight="10"):
    return {"content": content, "type": kind, "priority": priority, "port": port, "weight": weight}


def sources(*listed):
    return json.dumps(list(listed))


def function(name, config_id=None, **arguments):
    it = {"functionName": name, "functionArgs": [{"argName": k, "argValue": v} for k, v in arguments.items()]}
    if config_id is not None:
        it["configId"] = config_id
    return it


def set_functions(client, domain, *functions):
    """Sets functions; the numbers of their records."""
    body = client.BatchSetCdnDomainConfig(domain_names=domain, functions=json.dumps(list(functions)))
    return [made.config_id for made in body.domain_config_list.domain_config_model]


def configs(client, domain, **more):
    """What is set: a list of (function, arguments, number)."""
    body = client.DescribeCdnDomainConfigs(domain_name=domain, **more)
    return [
        (it.function_name, {a.arg_name: a.arg_value for a in it.function_args.function_arg}, it.config_id)
        for it in body.domain_configs.domain_config]


@pytest.fixture(scope="module")
def origin():
    with running(Origin()) as server:
        yield server


@pytest.fixture(scope="module")
def edge():
    port = free_port()
    server = Osier(settings=f'[gateway]\nlisten = ["127.0.0.1:{port}"]\n')
    with server:
        yield Edge(server, port)
    assert server.process.returncode == 0, server.log()


@pytest.fixture
def client(edge):
    return cdn(edge.server)
