"""RAM by its own SDKs: every operation, its errors, and its effect on the next request."""

import json

import oss2
import pytest
from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkram.request.v20150501.CreatePolicyRequest import CreatePolicyRequest
from aliyunsdkram.request.v20150501.CreateUserRequest import CreateUserRequest
from aliyunsdkram.request.v20150501.DeletePolicyRequest import DeletePolicyRequest
from aliyunsdkram.request.v20150501.DeleteUserRequest import DeleteUserRequest
from aliyunsdkram.request.v20150501.ListUsersRequest import ListUsersRequest
from control import (
    ROOT, bucket_of, document, forbidden, new_user, ram, refused, statement, sts, trust, unique)
from harness import Osier

READ = document(statement("Allow", "oss:GetObject", "*"))
OTHER = ("LTAI5tOtherAccount", "another-accounts-secret-0123")
OTHER_ACCOUNT = "1000000000000042"


@pytest.fixture
def root(osier):
    return ram(osier)


# --- users --------------------------------------------------------------------------------


def test_the_life_of_a_user(root):
    name = unique("user")
    made = root.CreateUser(
        user_name=name, display_name="App & Co. <媒体>", comments="x+y/中*~ \"q\"", email="a@example.com",
        mobile_phone="86-18600008888").user
    assert made.user_name == name
    assert made.display_name == "App & Co. <媒体>"
    assert made.comments == "x+y/中*~ \"q\""
    assert made.email == "a@example.com"
    assert made.mobile_phone == "86-18600008888"
    assert made.user_id.isdigit()
    assert made.create_date.endswith("Z") and len(made.create_date) == 20
    found = root.GetUser(user_name=name).user
    assert (found.user_id, found.create_date) == (made.user_id, made.create_date)
    renamed = root.UpdateUser(
        user_name=name, new_user_name=f"{name}-b", new_display_name="B", new_comments="", new_email="b@example.com",
        new_mobile_phone="").user
    assert (renamed.user_name, renamed.user_id, renamed.comments) == (f"{name}-b", made.user_id, "")
    refused(root.GetUser, "EntityNotExist.User", 404, user_name=name)
    root.DeleteUser(user_name=f"{name}-b")
    refused(root.DeleteUser, "EntityNotExist.User", 404, user_name=f"{name}-b")


def test_users_that_can_not_be(root):
    name = unique("user")
    root.CreateUser(user_name=name)
    refused(root.CreateUser, "EntityAlreadyExists.User", 409, user_name=name)
    refused(root.CreateUser, "MissingUserName", 400)
    refused(root.CreateUser, "MissingUserName", 400, user_name="")
    refused(root.CreateUser, "InvalidParameter.UserName", 400, user_name="a b")
    refused(root.CreateUser, "InvalidParameter.Email", 400, user_name=unique("u"), email="nowhere")
    refused(root.UpdateUser, "EntityNotExist.User", 404, user_name="nobody", new_comments="x")


def test_pages_of_users(root):
    prefix = unique("page")
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        root.CreateUser(user_name=name)
    found, marker, pages = [], None, 0
    while True:
        page = root.ListUsers(marker=marker, max_items=2)
        pages += 1
        found += [user.user_name for user in page.users.user]
        if not page.is_truncated:
            break
        assert len(page.users.user) == 2
        marker = page.marker
    assert [name for name in found if name.startswith(prefix)] == names
    assert len(found) == len(set(found)) and pages >= 3
    refused(root.ListUsers, "InvalidParameter.MaxItems", 400, max_items=1001)
    refused(root.ListUsers, "InvalidParameter.MaxItems", 400, max_items=-1)


# --- access keys --------------------------------------------------------------------------


def test_keys_take_effect_on_the_next_request(osier, root, name):
    user, key = new_user(osier, "AliyunOSSFullAccess")
    bucket = bucket_of(osier, name, key)
    bucket.put_object("a", b"a")
    listed = root.ListAccessKeys(user_name=user).access_keys.access_key
    assert [(it.access_key_id, it.status) for it in listed] == [(key[0], "Active")]
    used = root.GetAccessKeyLastUsed(user_name=user, user_access_key_id=key[0])
    assert used.access_key_last_used.last_used_date.endswith("Z")

    root.UpdateAccessKey(user_name=user, user_access_key_id=key[0], status="Inactive")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a")
    assert caught.value.code == "InvalidAccessKeyId"
    refused(sts(osier, key).GetCallerIdentity, "InvalidAccessKeyId.Inactive")
    root.UpdateAccessKey(user_name=user, user_access_key_id=key[0], status="Active")
    assert bucket.get_object("a").read() == b"a"

    root.DeleteAccessKey(user_name=user, user_access_key_id=key[0])
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a")
    assert caught.value.code == "InvalidAccessKeyId"
    refused(sts(osier, key).GetCallerIdentity, "InvalidAccessKeyId.NotFound", 404)


def test_keys_that_can_not_be(osier, root):
    user, key = new_user(osier)
    second = root.CreateAccessKey(user_name=user).access_key
    assert second.access_key_id.startswith("LTAI5t") and len(second.access_key_id) == 24
    assert len(second.access_key_secret) == 30 and second.status == "Active"
    refused(root.CreateAccessKey, "LimitExceeded.User.AccessKey", 409, user_name=user)
    refused(root.CreateAccessKey, "EntityNotExist.User", 404, user_name="nobody")
    refused(root.DeleteUser, "DeleteConflict.User.AccessKey", 409, user_name=user)
    refused(root.UpdateAccessKey, "InvalidParameter.Status", 400,
            user_name=user, user_access_key_id=key[0], status="Off")
    for call in (root.DeleteAccessKey, root.GetAccessKeyLastUsed):
        refused(call, "EntityNotExist.User.AccessKey", 404, user_name=user, user_access_key_id="LTAI5tNone")
    never = root.GetAccessKeyLastUsed(user_name=user, user_access_key_id=second.access_key_id)
    assert not never.access_key_last_used.last_used_date


def test_who_names_nobody_means_themselves(osier):
    own = document(statement("Allow", "ram:*AccessKey*", "acs:ram:*:*:user/self-*"))
    user, key = new_user(osier, own, prefix="self")
    client = ram(osier, key)
    listed = client.ListAccessKeys().access_keys.access_key
    assert [it.access_key_id for it in listed] == [key[0]]
    second = client.CreateAccessKey().access_key
    assert len(ram(osier).ListAccessKeys(user_name=user).access_keys.access_key) == 2
    client.DeleteAccessKey(user_access_key_id=second.access_key_id)
    # An account means its own keys.
    own = ram(osier).ListAccessKeys().access_keys.access_key
    assert ROOT[0] in [it.access_key_id for it in own]


# --- policies -----------------------------------------------------------------------------


def test_the_life_of_a_policy(root):
    name = unique("Policy")
    made = root.CreatePolicy(
        policy_name=name, policy_document=READ, description="reads", tag=[
            root.models.CreatePolicyRequestTag(key="team", value="媒体")]).policy
    assert (made.policy_name, made.policy_type, made.default_version, made.description) == (
        name, "Custom", "v1", "reads")
    detail = root.GetPolicy(policy_name=name, policy_type="Custom")
    assert json.loads(detail.default_policy_version.policy_document) == json.loads(READ)
    assert json.loads(detail.policy.policy_document) == json.loads(READ)
    assert (detail.policy.attachment_count, detail.default_policy_version.is_default_version) == (0, True)
    tag = root.models.ListPoliciesRequestTag(key="team", value="媒体")
    listed = root.ListPolicies(policy_type="Custom", tag=[tag], max_items=1000).policies.policy
    mine = [it for it in listed if it.policy_name == name]
    assert [(it.tags.tag[0].tag_key, it.tags.tag[0].tag_value) for it in mine] == [("team", "媒体")]
    refused(root.CreatePolicy, "EntityAlreadyExists.Policy", 409, policy_name=name, policy_document=READ)
    root.DeletePolicy(policy_name=name)
    refused(root.GetPolicy, "EntityNotExist.Policy", 404, policy_name=name, policy_type="Custom")


def test_shipped_policies(root):
    listed = root.ListPolicies(policy_type="System", max_items=1000).policies.policy
    names = {it.policy_name for it in listed}
    assert {"AdministratorAccess", "AliyunOSSFullAccess", "AliyunOSSReadOnlyAccess",
            "AliyunSTSAssumeRoleAccess", "AliyunRAMFullAccess", "AliyunCDNFullAccess",
            "AliyunCDNReadOnlyAccess"} <= names
    detail = root.GetPolicy(policy_name="AliyunOSSFullAccess", policy_type="System")
    assert "oss:*" in detail.default_policy_version.policy_document
    refused(root.DeletePolicy, "EntityNotExist.Policy", 404, policy_name="AliyunOSSFullAccess")


def test_a_malformed_document_is_refused_with_its_path(root):
    bad = document({"Effect": "Perhaps", "Action": "oss:*", "Resource": "*"})
    for text, path in [(bad, "Statement[0].Effect"), ("{", ""), ('{"Version":"2","Statement":[]}', "Version")]:
        error = refused(root.CreatePolicy, "MalformedPolicyDocument", 400,
                        policy_name=unique("Policy"), policy_document=text)
        assert path in error.message


def test_versions_of_a_policy(osier, root, name):
    bucket_of(osier, name).put_object("a", b"a")
    policy = unique("Policy")
    root.CreatePolicy(policy_name=policy, policy_document=READ)
    user, key = new_user(osier)
    root.AttachPolicyToUser(policy_type="Custom", policy_name=policy, user_name=user)
    mine = bucket_of(osier, name, key)
    assert mine.get_object("a").read() == b"a"
    # A version that is not the default changes nothing.
    second = root.CreatePolicyVersion(
        policy_name=policy, policy_document=document(statement("Allow", "oss:PutObject", "*"))).policy_version
    assert (second.version_id, second.is_default_version) == ("v2", False)
    mine.get_object("a")
    forbidden(mine.put_object, "b", b"b")
    root.SetDefaultPolicyVersion(policy_name=policy, version_id="v2")
    forbidden(mine.get_object, "a")
    mine.put_object("b", b"b")
    listed = root.ListPolicyVersions(policy_name=policy, policy_type="Custom").policy_versions.policy_version
    assert {it.version_id: it.is_default_version for it in listed} == {"v1": False, "v2": True}
    first = root.GetPolicyVersion(policy_name=policy, policy_type="Custom", version_id="v1").policy_version
    assert json.loads(first.policy_document) == json.loads(READ)
    refused(root.DeletePolicyVersion, "DeleteConflict.Policy.DefaultVersion", 409, policy_name=policy, version_id="v2")
    root.DeletePolicyVersion(policy_name=policy, version_id="v1")
    refused(root.GetPolicyVersion, "EntityNotExist.Policy.Version", 404,
            policy_name=policy, policy_type="Custom", version_id="v1")
    third = root.CreatePolicyVersion(policy_name=policy, policy_document=READ, set_as_default=True).policy_version
    assert third.is_default_version is True
    mine.get_object("a")
    for _ in range(3):
        root.CreatePolicyVersion(policy_name=policy, policy_document=READ)
    refused(root.CreatePolicyVersion, "LimitExceeded.Policy.Version", 409, policy_name=policy, policy_document=READ)
    rotated = root.CreatePolicyVersion(
        policy_name=policy, policy_document=READ,
        rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded").policy_version
    assert rotated.version_id == "v7"


# --- attachments --------------------------------------------------------------------------


def test_attached_and_detached_from_a_user(osier, root, name):
    bucket_of(osier, name).put_object("a", b"a")
    user, key = new_user(osier)
    mine = bucket_of(osier, name, key)
    forbidden(mine.get_object, "a")
    which = dict(policy_type="System", policy_name="AliyunOSSReadOnlyAccess")
    root.AttachPolicyToUser(user_name=user, **which)
    assert mine.get_object("a").read() == b"a"
    forbidden(mine.put_object, "a", b"b")
    listed = root.ListPoliciesForUser(user_name=user).policies.policy
    assert [(it.policy_name, it.policy_type) for it in listed] == [("AliyunOSSReadOnlyAccess", "System")]
    assert listed[0].attach_date.endswith("Z")
    refused(root.AttachPolicyToUser, "EntityAlreadyExists.User.Policy", 409, user_name=user, **which)
    root.DetachPolicyFromUser(user_name=user, **which)
    forbidden(mine.get_object, "a")
    refused(root.DetachPolicyFromUser, "EntityNotExist.User.Policy", 404, user_name=user, **which)
    refused(root.AttachPolicyToUser, "EntityNotExist.Policy", 404,
            user_name=user, policy_type="Custom", policy_name="None")
    refused(root.AttachPolicyToUser, "InvalidParameter.ResourceGroupId", 400,
            user_name=user, resource_group_id="rg-1", **which)


def test_attached_through_a_group(osier, root, name):
    bucket_of(osier, name).put_object("a", b"a")
    user, key = new_user(osier)
    group = unique("group")
    root.CreateGroup(group_name=group)
    mine = bucket_of(osier, name, key)
    which = dict(policy_type="System", policy_name="AliyunOSSReadOnlyAccess", group_name=group)
    root.AttachPolicyToGroup(**which)
    forbidden(mine.get_object, "a")
    root.AddUserToGroup(user_name=user, group_name=group)
    mine.get_object("a")
    listed = root.ListPoliciesForGroup(group_name=group).policies.policy
    assert [it.policy_name for it in listed] == ["AliyunOSSReadOnlyAccess"]
    root.RemoveUserFromGroup(user_name=user, group_name=group)
    forbidden(mine.get_object, "a")
    root.AddUserToGroup(user_name=user, group_name=group)
    mine.get_object("a")
    root.DetachPolicyFromGroup(**which)
    forbidden(mine.get_object, "a")


def test_who_has_a_policy(osier, root):
    policy = unique("Policy")
    root.CreatePolicy(policy_name=policy, policy_document=READ)
    user, _ = new_user(osier)
    group, role = unique("group"), unique("role")
    root.CreateGroup(group_name=group)
    root.CreateRole(role_name=role, assume_role_policy_document=trust("acs:ram::1:root"))
    which = dict(policy_type="Custom", policy_name=policy)
    root.AttachPolicyToUser(user_name=user, **which)
    root.AttachPolicyToGroup(group_name=group, **which)
    root.AttachPolicyToRole(role_name=role, **which)
    entities = root.ListEntitiesForPolicy(**which)
    assert [it.user_name for it in entities.users.user] == [user]
    assert [it.group_name for it in entities.groups.group] == [group]
    assert [it.role_name for it in entities.roles.role] == [role]
    assert root.GetPolicy(**which).policy.attachment_count == 3
    assert [it.policy_name for it in root.ListPoliciesForRole(role_name=role).policies.policy] == [policy]
    root.DetachPolicyFromRole(role_name=role, **which)
    refused(root.DeletePolicy, "DeleteConflict.Policy.User", 409, policy_name=policy)
    root.DetachPolicyFromUser(user_name=user, **which)
    root.DetachPolicyFromGroup(group_name=group, **which)
    root.CreatePolicyVersion(policy_name=policy, policy_document=READ)
    refused(root.DeletePolicy, "DeleteConflict.Policy.Version", 409, policy_name=policy)
    root.DeletePolicy(policy_name=policy, cascading_delete=True)
    refused(root.GetPolicy, "EntityNotExist.Policy", 404, **which)


# --- groups and roles ---------------------------------------------------------------------


def test_the_life_of_a_group(osier, root):
    group = unique("group")
    made = root.CreateGroup(group_name=group, comments="of the app").group
    assert (made.group_name, made.comments) == (group, "of the app")
    assert root.GetGroup(group_name=group).group.group_id == made.group_id
    refused(root.CreateGroup, "EntityAlreadyExists.Group", 409, group_name=group)
    assert group in [it.group_name for it in root.ListGroups(max_items=1000).groups.group]
    user, _ = new_user(osier)
    root.AddUserToGroup(user_name=user, group_name=group)
    refused(root.AddUserToGroup, "EntityAlreadyExists.User.Group", 409, user_name=user, group_name=group)
    members = root.ListUsersForGroup(group_name=group)
    assert ([it.user_name for it in members.users.user], members.is_truncated) == ([user], False)
    assert members.users.user[0].join_date.endswith("Z")
    groups = root.ListGroupsForUser(user_name=user).groups.group
    assert [(it.group_name, it.group_id) for it in groups] == [(group, made.group_id)]
    renamed = root.UpdateGroup(group_name=group, new_group_name=f"{group}-b", new_comments="all").group
    assert (renamed.group_name, renamed.comments, renamed.group_id) == (f"{group}-b", "all", made.group_id)
    refused(root.DeleteGroup, "DeleteConflict.Group.User", 409, group_name=f"{group}-b")
    root.RemoveUserFromGroup(user_name=user, group_name=f"{group}-b")
    root.DeleteGroup(group_name=f"{group}-b")
    refused(root.GetGroup, "EntityNotExist.Group", 404, group_name=f"{group}-b")


def test_the_life_of_a_role(root):
    role = unique("role")
    made = root.CreateRole(
        role_name=role, assume_role_policy_document=trust("acs:ram::1:root"), description="uploads",
        max_session_duration=7200, allow_console_login=False,
        tag=[root.models.CreateRoleRequestTag(key="team", value="media")]).role
    assert made.arn.startswith("acs:ram::") and made.arn.endswith(f":role/{role}")
    assert (made.description, made.max_session_duration, made.allow_console_login) == ("uploads", 7200, False)
    found = root.GetRole(role_name=role).role
    assert json.loads(found.assume_role_policy_document)["Statement"][0]["Action"] == "sts:AssumeRole"
    tag = root.models.ListRolesRequestTag(key="team")
    listed = [it for it in root.ListRoles(max_items=1000, tag=[tag]).roles.role if it.role_name == role]
    assert [(it.role_id, it.tags.tag[0].tag_value) for it in listed] == [(made.role_id, "media")]
    changed = root.UpdateRole(
        role_name=role, new_description="other", new_max_session_duration=3600,
        new_assume_role_policy_document=trust("acs:ram::2:root")).role
    assert (changed.description, changed.max_session_duration) == ("other", 3600)
    assert "acs:ram::2:root" in changed.assume_role_policy_document
    refused(root.CreateRole, "EntityAlreadyExists.Role", 409,
            role_name=role, assume_role_policy_document=trust("acs:ram::1:root"))
    refused(root.CreateRole, "InvalidParameter.MaxSessionDuration", 400, role_name=unique("role"),
            assume_role_policy_document=trust("acs:ram::1:root"), max_session_duration=60)
    refused(root.CreateRole, "MalformedPolicyDocument", 400, role_name=unique("role"), assume_role_policy_document=READ)
    root.AttachPolicyToRole(policy_type="System", policy_name="AliyunOSSReadOnlyAccess", role_name=role)
    refused(root.DeleteRole, "DeleteConflict.Role.Policy", 409, role_name=role)
    root.DetachPolicyFromRole(policy_type="System", policy_name="AliyunOSSReadOnlyAccess", role_name=role)
    root.DeleteRole(role_name=role)
    refused(root.GetRole, "EntityNotExist.Role", 404, role_name=role)


# --- who may ------------------------------------------------------------------------------


def test_s15_users_may_what_their_policies_say(osier):
    name = unique("scoped")
    _, key = new_user(osier, document(statement("Allow", ["ram:CreateUser", "ram:GetUser"], "*")))
    client = ram(osier, key)
    client.CreateUser(user_name=name)
    client.GetUser(user_name=name)
    error = refused(client.DeleteUser, "NoPermission", 403, user_name=name)
    assert "ram:DeleteUser" in error.message and f"user/{name}" in error.message
    detail = error.access_denied_detail
    assert (detail["AuthAction"], detail["NoPermissionType"]) == ("ram:DeleteUser", "ImplicitDeny")
    assert (detail["AuthPrincipalType"], detail["PolicyType"]) == ("SubUser", "AccountLevelIdentityBasedPolicy")
    # Not even by a policy of their own making.
    refused(client.AttachPolicyToUser, "NoPermission", 403,
            policy_type="System", policy_name="AdministratorAccess", user_name=name)
    denied = document(
        statement("Allow", "ram:*", "*"), statement("Deny", "ram:DeleteUser", "acs:ram:*:*:user/scoped-*"))
    _, key = new_user(osier, denied)
    error = refused(ram(osier, key).DeleteUser, "NoPermission", 403, user_name=name)
    assert error.access_denied_detail["NoPermissionType"] == "ExplicitDeny"


def test_s17_who_may_not_ask_does_not_learn_what_is_there(osier):
    there, _ = new_user(osier)
    _, key = new_user(osier, "AliyunOSSFullAccess")
    client = ram(osier, key)

    def told(call, **fields):
        error = refused(call, "NoPermission", 403, **fields)
        return error.message.split(" request id:")[0]
    assert told(client.GetUser, user_name=there) == told(client.GetUser, user_name="x" * len(there)).replace(
        "x" * len(there), there)
    for fields in (dict(user_name=there), dict(user_name="nobody")):
        told(client.DeleteUser, **fields)
        told(client.CreateAccessKey, **fields)
        told(client.ListPoliciesForUser, **fields)


# --- the older SDK ------------------------------------------------------------------------


def acs_client(osier, key=ROOT):
    client = AcsClient(*key, "cn-hangzhou", auto_retry=False)
    client.add_endpoint("cn-hangzhou", "Ram", f"127.0.0.1:{osier.port}")
    return client


def common(osier, action, method="POST", **parameters):
    request = CommonRequest()
    request.set_domain(f"127.0.0.1:{osier.port}")
    request.set_protocol_type("http")
    request.set_version("2015-05-01")
    request.set_action_name(action)
    request.set_method(method)
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return request


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_core_common_requests(osier, method):
    client = acs_client(osier)
    name = unique("user")
    made = client.do_action_with_exception(
        common(osier, "CreateUser", method=method, UserName=name, Comments="a b+c/中*~"))
    assert json.loads(made)["User"]["Comments"] == "a b+c/中*~"
    found = client.do_action_with_exception(common(osier, "GetUser", method=method, UserName=name))
    assert json.loads(found)["User"]["UserName"] == name
    with pytest.raises(ServerException) as caught:
        client.do_action_with_exception(common(osier, "GetUser", method=method, UserName="nobody"))
    assert (caught.value.get_error_code(), caught.value.get_http_status()) == ("EntityNotExist.User", 404)
    assert len(caught.value.get_request_id()) == 36


def test_core_parameters_in_a_form(osier):
    request = common(osier, "CreateUser")
    name = unique("user")
    request.add_body_params("UserName", name)
    request.add_body_params("DisplayName", "a b+c/中*~")
    made = acs_client(osier).do_action_with_exception(request)
    assert json.loads(made)["User"]["DisplayName"] == "a b+c/中*~"


def test_core_requests_of_ram(osier):
    client = acs_client(osier)
    name = unique("user")

    def answer(request, **parameters):
        request.set_protocol_type("http")
        request.set_endpoint(f"127.0.0.1:{osier.port}")
        for parameter, value in parameters.items():
            getattr(request, f"set_{parameter}")(value)
        return json.loads(client.do_action_with_exception(request))
    made = answer(CreateUserRequest(), UserName=name, DisplayName="<&>")
    assert made["User"]["DisplayName"] == "<&>"
    assert name in [it["UserName"] for it in answer(ListUsersRequest(), MaxItems=1000)["Users"]["User"]]
    assert len(answer(ListUsersRequest(), MaxItems=1)["Users"]["User"]) == 1
    policy = unique("Policy")
    made = answer(CreatePolicyRequest(), PolicyName=policy, PolicyDocument=READ, Tag=[{"Key": "team", "Value": "a"}])
    assert made["Policy"]["PolicyName"] == policy
    answer(DeletePolicyRequest(), PolicyName=policy)
    answer(DeleteUserRequest(), UserName=name)
    with pytest.raises(ServerException) as caught:
        answer(DeleteUserRequest(), UserName=name)
    assert caught.value.get_error_code() == "EntityNotExist.User"


def test_core_with_a_wrong_secret(osier):
    client = acs_client(osier, (ROOT[0], "wrong-secret-0123456789"))
    with pytest.raises((ClientException, ServerException)) as caught:
        client.do_action_with_exception(common(osier, "ListUsers"))
    # It compares its string to sign with the server's: they agree, so the secret is to blame.
    assert caught.value.get_error_code() in ("InvalidAccessKeySecret", "SignatureDoesNotMatch"), caught.value


# --- two accounts, and a restart ----------------------------------------------------------


SEED = f"""
[[account]]
id = "{OTHER_ACCOUNT}"
display_name = "other"

[[account.key]]
id = "{OTHER[0]}"
secret = "{OTHER[1]}"
"""


@pytest.fixture
def seeded(tmp_path):
    """A server of its own with a second account."""
    seed = tmp_path / "accounts.toml"
    seed.write_text(SEED)
    with Osier(settings=f'[identity]\nseed = "{seed}"\n') as server:
        yield server


def test_accounts_do_not_see_each_other(seeded):
    one, other = ram(seeded), ram(seeded, OTHER)
    one.CreateUser(user_name="same-name")
    refused(other.GetUser, "EntityNotExist.User", 404, user_name="same-name")
    other.CreateUser(user_name="same-name")
    other.DeleteUser(user_name="same-name")
    one.GetUser(user_name="same-name")
    assert other.ListUsers().users.user == []
    assert sts(seeded, OTHER).GetCallerIdentity().account_id == OTHER_ACCOUNT


def test_a_restart_keeps_everything(seeded):
    root = ram(seeded)
    policy, role, group = "Kept", "kept-role", "kept-group"
    root.CreatePolicy(policy_name=policy, policy_document=READ)
    root.CreatePolicyVersion(policy_name=policy, policy_document=READ, set_as_default=True)
    user, key = new_user(seeded, "AliyunSTSAssumeRoleAccess")
    root.CreateGroup(group_name=group)
    root.AddUserToGroup(user_name=user, group_name=group)
    root.AttachPolicyToGroup(policy_type="Custom", policy_name=policy, group_name=group)
    account = sts(seeded).GetCallerIdentity().account_id
    arn = root.CreateRole(role_name=role, assume_role_policy_document=trust(f"acs:ram::{account}:root")).role.arn
    taken = sts(seeded, key).AssumeRole(role_arn=arn, role_session_name="before").credentials
    off = root.CreateAccessKey(user_name=user).access_key
    root.UpdateAccessKey(user_name=user, user_access_key_id=off.access_key_id, status="Inactive")
    root.CreateUser(user_name="deleted")
    root.DeleteUser(user_name="deleted")

    def told():
        return [
            root.ListUsers().to_map()["Users"], root.ListRoles().to_map()["Roles"],
            root.ListGroups().to_map()["Groups"], root.ListPolicies(policy_type="Custom").to_map()["Policies"],
            root.ListPolicyVersions(policy_name=policy, policy_type="Custom").to_map()["PolicyVersions"],
            root.ListAccessKeys(user_name=user).to_map()["AccessKeys"],
            root.ListPoliciesForGroup(group_name=group).to_map()["Policies"],
            root.ListGroupsForUser(user_name=user).to_map()["Groups"]]
    before = told()
    seeded.kill()
    seeded.start()
    assert told() == before
    token = dict(key=(taken.access_key_id, taken.access_key_secret), token=taken.security_token)
    assert sts(seeded, **token).GetCallerIdentity().identity_type == "AssumedRoleUser"
    refused(sts(seeded, (off.access_key_id, off.access_key_secret)).GetCallerIdentity, "InvalidAccessKeyId.Inactive")
