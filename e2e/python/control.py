"""Clients of the control APIs, and what tests of them have in common."""

import base64
import hashlib
import hmac
import json
import secrets
import urllib.parse
from datetime import datetime, timedelta, timezone

import oss2
import pytest
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from harness import KEY_ID, REGION, SECRET

ROOT = (KEY_ID, SECRET)


def config(server, key=ROOT, token=None, host=None):
    """As users point the SDKs at a server of their own."""
    return Config(
        access_key_id=key[0], access_key_secret=key[1], security_token=token,
        endpoint=f"{host or '127.0.0.1'}:{server.port}", protocol="http")


class Api:
    """Calls operations by their names on the wire, by the SDK's own models."""

    def __init__(self, client, models):
        self.client = client
        self.models = models

    def __getattr__(self, action):
        """`ram.CreateUser(user_name="x")` gives the body of the SDK's answer."""
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in action).lstrip("_")
        call = getattr(self.client, f"{snake}_with_options")
        request = getattr(self.models, f"{action}Request", None)

        def perform(**fields):
            runtime = RuntimeOptions(autoretry=False)
            if request is None:
                return call(runtime).body
            return call(request(**fields), runtime).body
        return perform


def ram(server, key=ROOT, token=None, host=None):
    return Api(RamClient(config(server, key, token, host)), ram_models)


def sts(server, key=ROOT, token=None, host=None):
    return Api(StsClient(config(server, key, token, host)), sts_models)


def refused(call, code, http=None, **fields):
    """The exception of a call that must fail with this code."""
    with pytest.raises(AlibabaCloudException) as caught:
        call(**fields)
    error = caught.value
    assert error.code == code, error
    if http is not None:
        assert error.status_code == http, error
    assert len(error.request_id) == 36
    return error


def unique(prefix):
    return f"{prefix}-{secrets.token_hex(5)}"


def document(*statements):
    return json.dumps({"Version": "1", "Statement": list(statements)})


def statement(effect, actions, resources, **rest):
    return {"Effect": effect, "Action": actions, "Resource": resources, **rest}


def trust(*principals):
    return document({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": list(principals)}})


def new_user(server, *policies, prefix="user"):
    """A fresh user with one key and these system policies, or policies of these documents."""
    root = ram(server)
    name = unique(prefix)
    root.CreateUser(user_name=name)
    for policy in policies:
        kind = "System"
        if policy.startswith("{"):
            kind, text, policy = "Custom", policy, unique("Policy")
            root.CreatePolicy(policy_name=policy, policy_document=text)
        root.AttachPolicyToUser(policy_type=kind, policy_name=policy, user_name=name)
    key = root.CreateAccessKey(user_name=name).access_key
    return name, (key.access_key_id, key.access_key_secret)


def bucket_of(server, name, key=ROOT, token=None, signature="v1"):
    """The bucket through oss2, with a permanent key or with a token."""
    if token:
        auth = oss2.StsAuth(*key, token, auth_version=signature)
    else:
        auth = {"v1": oss2.Auth, "v4": oss2.AuthV4}[signature](*key)
    return oss2.Bucket(auth, server.endpoint, name, region=REGION)


def forbidden(call, *arguments):
    """The exception of a call to the store that must be refused."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call(*arguments)
    assert (caught.value.status, caught.value.code) == (403, "AccessDenied"), caught.value
    return caught.value


def rpc_parameters(action, version, key=ROOT, minutes=0, **parameters):
    """All parameters of an RPC request but its signature."""
    now = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    return {
        "Action": action, "Version": version, "Format": "JSON",
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0", "SignatureNonce": secrets.token_hex(12),
        "AccessKeyId": key[0], **parameters}


def rpc_signed(method, parameters, secret=SECRET):
    """The same, signed."""
    def quote(text):
        return urllib.parse.quote(text, safe="-_.~")
    canonical = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(parameters.items()))
    text = f"{method}&%2F&{quote(canonical)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return {**parameters, "Signature": base64.b64encode(digest).decode()}
