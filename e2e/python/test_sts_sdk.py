"""STS by its own SDKs: the chain of the tutorial, what tokens may and when they die, and
requests that nobody should get through with."""

import http.client
import json
import urllib.parse

import oss2
import pytest
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest
from control import (
    ROOT, bucket_of, document, forbidden, new_user, ram, refused, rpc_parameters, rpc_signed, statement, sts, trust,
    unique)
from harness import SECRET
from test_ram_sdk import acs_client

STS, RAM, CDN = "2015-04-01", "2015-05-01", "2018-05-10"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def account(osier):
    return sts(osier).GetCallerIdentity().account_id


@pytest.fixture
def role(osier, account):
    """The ARN of a role that may do everything to objects and trusts its account."""
    name = unique("role")
    made = ram(osier).CreateRole(role_name=name, assume_role_policy_document=trust(f"acs:ram::{account}:root")).role
    ram(osier).AttachPolicyToRole(policy_type="System", policy_name="AliyunOSSFullAccess", role_name=name)
    return made.arn


def taken(osier, key, role, session="user-12345-upload", **fields):
    """Key and token of an assumed role."""
    credentials = sts(osier, key).AssumeRole(role_arn=role, role_session_name=session, **fields).credentials
    return (credentials.access_key_id, credentials.access_key_secret), credentials.security_token


# --- the tutorial -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "sts.cn-beijing.aliyuncs.com"])
@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_the_chain_of_the_tutorial(osier, account, name, host, signature):
    """Create a user, a policy, attach it, a key; a role; a token for one prefix; use it."""
    root = ram(osier)
    user, policy, upload = unique("app-oss-user"), unique("AppOSSReadWrite"), unique("oss-upload-role")
    root.CreateUser(user_name=user)
    root.CreatePolicy(policy_name=policy, policy_document=document(
        statement("Allow", ["oss:PutObject", "oss:GetObject", "oss:DeleteObject", "oss:ListObjects"],
                  [f"acs:oss:*:*:{name}", f"acs:oss:*:*:{name}/*"])))
    root.AttachPolicyToUser(policy_name=policy, policy_type="Custom", user_name=user)
    made = root.CreateAccessKey(user_name=user).access_key
    key = (made.access_key_id, made.access_key_secret)
    mine = bucket_of(osier, name, key, signature=signature)
    mine.put_object("uploads/user-12345/mine.txt", b"mine")
    assert [it.key for it in mine.list_objects_v2().object_list] == ["uploads/user-12345/mine.txt"]
    forbidden(mine.get_bucket_info)
    refused(sts(osier, key, host=host).AssumeRole, "NoPermission", 403,
            role_arn=f"acs:ram::{account}:role/{upload}", role_session_name="user-12345-upload")

    root.AttachPolicyToUser(policy_name="AliyunSTSAssumeRoleAccess", policy_type="System", user_name=user)
    arn = root.CreateRole(
        role_name=upload, assume_role_policy_document=trust(f"acs:ram::{account}:root")).role.arn
    root.AttachPolicyToRole(policy_name="AliyunOSSFullAccess", policy_type="System", role_name=upload)
    answer = sts(osier, key, host=host).AssumeRole(
        role_arn=arn, role_session_name="user-12345-upload", duration_seconds=900,
        policy=document(statement("Allow", ["oss:PutObject"], [f"acs:oss:*:*:{name}/uploads/user-12345/*"])))
    assert answer.assumed_role_user.arn.endswith(f"role/{upload}/user-12345-upload")
    assert answer.assumed_role_user.assumed_role_id.endswith(":user-12345-upload")
    credentials = answer.credentials
    assert credentials.access_key_id.startswith("STS.")
    assert credentials.expiration.endswith("Z") and len(credentials.expiration) == 20

    scoped = bucket_of(osier, name, (credentials.access_key_id, credentials.access_key_secret),
                       credentials.security_token, signature)
    scoped.put_object("uploads/user-12345/a.txt", b"a")
    forbidden(scoped.put_object, "uploads/user-123456/a.txt", b"a")
    forbidden(scoped.put_object, "uploads/a.txt", b"a")
    forbidden(scoped.get_object, "uploads/user-12345/a.txt")
    forbidden(scoped.delete_object, "uploads/user-12345/a.txt")
    forbidden(scoped.list_objects)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket_of(osier, name, (credentials.access_key_id, credentials.access_key_secret)).get_object("a")
    assert caught.value.status == 403, "the key means nothing without its token"
    # A whole upload in parts.
    upload_id = scoped.init_multipart_upload("uploads/user-12345/big").upload_id
    part = scoped.upload_part("uploads/user-12345/big", upload_id, 1, b"x" * 102400)
    scoped.complete_multipart_upload(
        "uploads/user-12345/big", upload_id, [oss2.models.PartInfo(1, part.etag)])
    assert mine.get_object("uploads/user-12345/big").read() == b"x" * 102400


def test_everybody_may_ask_who_they_are(osier, account, role):
    told = sts(osier).GetCallerIdentity()
    assert (told.identity_type, told.arn, told.user_id) == ("Account", f"acs:ram::{account}:root", account)
    user, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    told = sts(osier, key).GetCallerIdentity()
    assert (told.account_id, told.identity_type) == (account, "RAMUser")
    assert (told.arn, told.principal_id) == (f"acs:ram::{account}:user/{user}", told.user_id)
    key, token = taken(osier, key, role, "session")
    told = sts(osier, key, token).GetCallerIdentity()
    assert told.identity_type == "AssumedRoleUser"
    name = role.rsplit("/", 1)[1]
    assert told.arn == f"acs:ram::{account}:assumed-role/{name}/session"
    assert told.principal_id == f"{told.role_id}:session"


# --- what tokens may ----------------------------------------------------------------------


def test_s14_a_session_never_may_more_than_its_role(osier, account, name):
    bucket_of(osier, name).put_object("a", b"a")
    narrow = unique("role")
    arn = ram(osier).CreateRole(
        role_name=narrow, assume_role_policy_document=trust(f"acs:ram::{account}:root")).role.arn
    ram(osier).AttachPolicyToRole(policy_type="System", policy_name="AliyunOSSReadOnlyAccess", role_name=narrow)
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess", "AdministratorAccess")
    everything = document(statement("Allow", "*", "*"))
    for policy in (None, everything):
        session = bucket_of(osier, name, *taken(osier, key, arn, policy=policy))
        session.get_object("a")
        forbidden(session.put_object, "b", b"b")
    nothing = document(statement("Allow", "oss:PutObject", "*"))
    session = bucket_of(osier, name, *taken(osier, key, arn, policy=nothing))
    forbidden(session.get_object, "a")
    forbidden(session.put_object, "b", b"b")
    # Nor does a session make keys that outlive it.
    key, token = taken(osier, key, arn)
    refused(ram(osier, key, token).CreateAccessKey, "NoPermission", 403, user_name="nobody")


def test_policies_of_the_role_take_effect_on_the_next_request(osier, role, name):
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    session = bucket_of(osier, name, *taken(osier, key, role))
    session.put_object("a", b"a")
    which = dict(policy_type="System", policy_name="AliyunOSSFullAccess", role_name=role.rsplit("/", 1)[1])
    ram(osier).DetachPolicyFromRole(**which)
    forbidden(session.get_object, "a")
    ram(osier).AttachPolicyToRole(**which)
    session.get_object("a")


@pytest.mark.parametrize("what", ["role", "user"])
def test_s45_tokens_die_with_their_role_and_their_user(osier, role, name, what):
    user, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    temporary, token = taken(osier, key, role)
    session = bucket_of(osier, name, temporary, token)
    session.put_object("a", b"a")
    root = ram(osier)
    if what == "role":
        of_role = role.rsplit("/", 1)[1]
        root.DetachPolicyFromRole(policy_type="System", policy_name="AliyunOSSFullAccess", role_name=of_role)
        root.DeleteRole(role_name=of_role)
        # One of the same name is another.
        account = role.split(":")[3]
        root.CreateRole(role_name=of_role, assume_role_policy_document=trust(f"acs:ram::{account}:root"))
        root.AttachPolicyToRole(policy_type="System", policy_name="AliyunOSSFullAccess", role_name=of_role)
    else:
        root.DeleteAccessKey(user_name=user, user_access_key_id=key[0])
        root.DetachPolicyFromUser(
            policy_type="System", policy_name="AliyunSTSAssumeRoleAccess", user_name=user)
        root.DeleteUser(user_name=user)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        session.get_object("a")
    assert (caught.value.status, caught.value.code) == (403, "InvalidSecurityToken")
    refused(sts(osier, temporary, token).GetCallerIdentity, "InvalidSecurityToken.Malformed")


def test_s16_only_tokens_of_this_server(osier, role):
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    one, token = taken(osier, key, role)
    other, _ = taken(osier, key, role)
    refused(sts(osier, other, token).GetCallerIdentity, "InvalidSecurityToken.MismatchWithAccessKey")
    for changed in (token[:-4], token[4:], token[:40] + ("A" if token[40] != "A" else "B") + token[41:], "TOK"):
        refused(sts(osier, one, changed).GetCallerIdentity, "InvalidSecurityToken.Malformed")
    refused(sts(osier, one).GetCallerIdentity, "InvalidAccessKeyId.NotFound")
    refused(sts(osier, key, token).GetCallerIdentity, "InvalidSecurityToken.MismatchWithAccessKey")


# --- errors of AssumeRole -----------------------------------------------------------------


def test_parameters_of_assume_role(osier, role):
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    assume = sts(osier, key).AssumeRole
    good = dict(role_arn=role, role_session_name="session")
    assume(**good)
    for code, changed in [
            ("InvalidParameter.DurationSeconds", dict(duration_seconds=899)),
            ("InvalidParameter.DurationSeconds", dict(duration_seconds=3601)),
            ("InvalidParameter.RoleSessionName", dict(role_session_name="a b")),
            ("InvalidParameter.RoleSessionName", dict(role_session_name="a")),
            ("InvalidParameter.RoleArn", dict(role_arn="oss-upload-role")),
            ("InvalidParameter.PolicyGrammar", dict(policy="{}")),
            ("InvalidParameter.PolicyGrammar", dict(policy=document(statement("Perhaps", "oss:*", "*")))),
            ("InvalidParameter.PolicySize", dict(policy=" " * 2049)),
            ("MissingRoleArn", dict(role_arn=None)),
            ("MissingRoleSessionName", dict(role_session_name=None))]:
        refused(assume, code, 400, **{**good, **changed})


def test_s17_that_a_role_exists_is_told_to_those_who_may_assume_it(osier, account, role):
    there, absent = role, f"acs:ram::{account}:role/" + "x" * len(role.rsplit("/", 1)[1])
    _, stranger = new_user(osier, "AliyunOSSFullAccess")

    def told(arn):
        error = refused(sts(osier, stranger).AssumeRole, "NoPermission", 403, role_arn=arn, role_session_name="se")
        message = error.message.split(" request id:")[0]
        return message.replace(arn.rsplit("/", 1)[1], "ROLE"), error.access_denied_detail
    assert told(there) == told(absent)
    _, trusted = new_user(osier, "AliyunSTSAssumeRoleAccess")
    refused(sts(osier, trusted).AssumeRole, "EntityNotExist.Role", 404, role_arn=absent, role_session_name="se")


def test_both_sides_must_agree(osier, account):
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    closed = ram(osier).CreateRole(
        role_name=unique("role"), assume_role_policy_document=trust("acs:ram::1999999999999999:root")).role.arn
    error = refused(sts(osier, key).AssumeRole, "NoPermission", 403, role_arn=closed, role_session_name="se")
    assert error.access_denied_detail["PolicyType"] == "AssumeRolePolicy"
    open_to_root = ram(osier).CreateRole(
        role_name=unique("role"), assume_role_policy_document=trust(f"acs:ram::{account}:root")).role.arn
    refused(sts(osier).AssumeRole, "NoPermission", 403, role_arn=open_to_root, role_session_name="se")


# --- the older SDK ------------------------------------------------------------------------


def test_core_assumes_a_role(osier, role, name):
    _, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    client = acs_client(osier, key)
    request = AssumeRoleRequest()
    request.set_protocol_type("http")
    request.set_endpoint(f"127.0.0.1:{osier.port}")
    request.set_RoleArn(role)
    request.set_RoleSessionName("core")
    request.set_DurationSeconds(900)
    request.set_Policy(document(statement("Allow", "oss:PutObject", f"acs:oss:*:*:{name}/a b+c/*")))
    credentials = json.loads(client.do_action_with_exception(request))["Credentials"]
    temporary = (credentials["AccessKeyId"], credentials["AccessKeySecret"])
    session = bucket_of(osier, name, temporary, credentials["SecurityToken"])
    session.put_object("a b+c/1", b"1")
    forbidden(session.put_object, "a b/1", b"1")
    told = sts(osier, temporary, credentials["SecurityToken"]).GetCallerIdentity()
    assert told.identity_type == "AssumedRoleUser"
    request = GetCallerIdentityRequest()
    request.set_protocol_type("http")
    request.set_endpoint(f"127.0.0.1:{osier.port}")
    assert json.loads(client.do_action_with_exception(request))["IdentityType"] == "RAMUser"


# --- requests by hand ---------------------------------------------------------------------


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()

    @property
    def code(self):
        return json.loads(self.text)["Code"]


def by_hand(osier, method, parameters, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", osier.port, timeout=30)
    try:
        target = "/?" + urllib.parse.urlencode(parameters) if parameters else "/"
        connection.request(method, target, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def in_a_form(osier, parameters):
    return by_hand(osier, "POST", {}, urllib.parse.urlencode(parameters), {"Content-Type": FORM})


def test_get_post_query_and_form(osier):
    for method in ("GET", "POST"):
        answer = by_hand(osier, method, rpc_signed(method, rpc_parameters("ListUsers", RAM, MaxItems="1")))
        assert answer.status == 200, answer.text
        assert answer.headers["content-type"] == "application/json;charset=utf-8"
        assert answer.headers["x-acs-request-id"] == json.loads(answer.text)["RequestId"]
        assert answer.headers["cache-control"] == "no-store"
    assert in_a_form(osier, rpc_signed("POST", rpc_parameters("ListUsers", RAM))).status == 200
    query, form = rpc_parameters("GetUser", RAM), {"UserName": "nobody", "Format": "XML"}
    del query["Format"]
    signed = rpc_signed("POST", {**query, **form})
    query["Signature"] = signed["Signature"]
    answer = by_hand(osier, "POST", query, urllib.parse.urlencode(form), {"Content-Type": FORM})
    assert answer.status == 404 and "<Code>EntityNotExist.User</Code>" in answer.text
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"


def test_s45_a_request_is_accepted_once_and_near_its_time(osier):
    signed = rpc_signed("GET", rpc_parameters("GetCallerIdentity", STS))
    assert by_hand(osier, "GET", signed).status == 200
    answer = by_hand(osier, "GET", signed)
    assert (answer.status, answer.code) == (400, "SignatureNonceUsed")
    # Not with another method either (S02).
    answer = by_hand(osier, "POST", signed)
    assert answer.code == "SignatureDoesNotMatch"
    for minutes in (-16, 16):
        late = rpc_signed("GET", rpc_parameters("GetCallerIdentity", STS, minutes=minutes))
        assert by_hand(osier, "GET", late).code == "InvalidTimeStamp.Expired"
    for minutes in (-14, 14):
        near = rpc_signed("GET", rpc_parameters("GetCallerIdentity", STS, minutes=minutes))
        assert by_hand(osier, "GET", near).status == 200


def test_s02_nothing_without_a_right_signature(osier):
    parameters = rpc_parameters("CreateUser", RAM, UserName=unique("hacker"))
    for changed, code in [
            (rpc_signed("POST", parameters, "wrong-secret-01234567"), "SignatureDoesNotMatch"),
            ({**rpc_signed("POST", parameters), "UserName": "other"}, "SignatureDoesNotMatch"),
            (rpc_signed("POST", {**parameters, "AccessKeyId": "LTAI5tNobody"}), "InvalidAccessKeyId.NotFound"),
            (parameters, "MissingSignature"),
            ({"Action": "CreateUser", "Version": RAM, "Format": "JSON", "UserName": "x"}, "MissingAccessKeyId")]:
        answer = by_hand(osier, "POST", changed)
        assert (answer.code, answer.status // 100) == (code, 4), answer.text
        assert in_a_form(osier, changed).code == code
        assert SECRET not in answer.text
    headers = {"x-acs-action": "ListUsers", "x-acs-version": RAM}
    assert by_hand(osier, "POST", {}, headers=headers).code == "MissingAccessKeyId"


def test_actions_that_are_not_there(osier):
    for action, version, code, status in [
            ("CreateLoginProfile", RAM, "InvalidAction.NotFound", 404),
            ("ListUsers", STS, "InvalidAction.NotFound", 404),
            ("DescribeDomainRealTimeBpsData", CDN, "InvalidAction.NotFound", 404),
            ("ListUsers", "2014-05-26", "InvalidVersion", 400)]:
        answer = by_hand(osier, "GET", rpc_signed("GET", rpc_parameters(action, version)))
        assert (answer.code, answer.status) == (code, status), answer.text


def test_s36_too_much(osier):
    many = {f"P{number}": "x" for number in range(600)}
    answer = in_a_form(osier, rpc_signed("POST", rpc_parameters("ListUsers", RAM, **many)))
    assert (answer.code, answer.status) == ("InvalidParameter.Parameters", 400)
    large = rpc_signed("POST", rpc_parameters("ListUsers", RAM))
    answer = by_hand(osier, "POST", large, b"x" * (300 * 1024), {"Content-Type": FORM})
    assert (answer.code, answer.status) == ("InvalidParameter.Body", 400)
    twice = urllib.parse.urlencode(large) + "&MaxItems=1&MaxItems=2"
    answer = by_hand(osier, "POST", {}, twice, {"Content-Type": FORM})
    assert answer.code == "InvalidParameter"


def test_requests_of_the_store_stay_the_stores(osier, name, raw):
    bucket = bucket_of(osier, name)
    for key in ("Action=ListUsers&Version=2015-05-01", "?Action=ListUsers", "x-acs-action"):
        bucket.put_object(key, b"mine", headers={"x-acs-action": "ListUsers", "x-acs-version": RAM})
        assert bucket.get_object(key).read() == b"mine"
    signed = raw.send("GET", query={"Action": "ListUsers", "Version": RAM})
    assert signed.status == 200 and b"<ListAllMyBucketsResult>" in signed.body
    bucket.put_bucket_acl("public-read")
    listed = raw.exchange(
        "GET", "/?prefix=x", {"Host": f"{name}.oss-cn-hangzhou.aliyuncs.com", "x-acs-action": "ListUsers"})
    assert listed.status == 200 and b"<ListBucketResult>" in listed.body
    # A form of the store, and something that is neither.
    answer = raw.exchange("POST", "/", {"Host": f"{name}.oss-cn-hangzhou.aliyuncs.com", "Content-Type": FORM}, b"a=b")
    assert answer.header("x-oss-request-id") and answer.status // 100 == 4


def test_s19_secrets_are_told_once_and_logged_never(osier, role):
    user, key = new_user(osier, "AliyunSTSAssumeRoleAccess")
    temporary, token = taken(osier, key, role)
    refused(sts(osier, (key[0], "wrong-secret-01234567")).GetCallerIdentity, "SignatureDoesNotMatch")
    error = refused(sts(osier, (temporary[0], "wrong-secret-01234567"), token).GetCallerIdentity, "SignatureDoesNotMatch")
    for secret in (key[1], temporary[1], token):
        assert secret not in osier.log()
        assert secret not in str(error)
    assert key[1] not in str(ram(osier).ListAccessKeys(user_name=user).to_map())
    assert ROOT[1] not in osier.log()
