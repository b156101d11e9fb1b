"""STS and IAM of AWS over the same identities, by boto3 and awscli: what they answer, what the policies
they make mean to S3 and to OSS alike, and how they refuse."""

import datetime
import http.client
import json
import urllib.parse

import boto3
import oss2
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from control import ram, unique
from harness import KEY_ID, REGION, SECRET
from s3_clients import client, refusal
from s3_tools import Tools


def aws(store, service, key=(KEY_ID, SECRET), token=None, **config):
    return boto3.client(
        service, endpoint_url=store.endpoint, region_name="us-east-1", aws_access_key_id=key[0],
        aws_secret_access_key=key[1], aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, **config))


def s3_of(store, key, token=None):
    return boto3.client(
        "s3", endpoint_url=store.endpoint, region_name="us-east-1", aws_access_key_id=key[0],
        aws_secret_access_key=key[1], aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))


def oss_of(store, bucket, key, token=None):
    auth = oss2.StsAuth(*key, token, auth_version="v4") if token else oss2.AuthV4(*key)
    return oss2.Bucket(auth, store.endpoint, bucket, region=REGION)


def refused(call, **named):
    """Code, status and message of a refusal."""
    with pytest.raises(ClientError) as refusal:
        call(**named)
    answer = refusal.value.response
    assert answer["ResponseMetadata"]["RequestId"], answer
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, *resources, effect="Allow", **conditions):
    said = {"Effect": effect, "Action": actions, "Resource": list(resources)}
    return said | ({"Condition": conditions} if conditions else {})


def trust(principal, **conditions):
    said = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
    return document(said | ({"Condition": conditions} if conditions else {}))


@pytest.fixture
def iam(osier):
    return aws(osier, "iam")


@pytest.fixture
def account(osier):
    return aws(osier, "sts").get_caller_identity()["Account"]


@pytest.fixture
def user(iam):
    """A user with a key, nothing else."""
    user = unique("aws-user")
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    assert made["UserName"] == user and made["Status"] == "Active" and made["CreateDate"].tzinfo
    return user, (made["AccessKeyId"], made["SecretAccessKey"])


# --- who one is ---------------------------------------------------------------------------


def test_callers_are_told_who_they_are(osier, account, user):
    root = aws(osier, "sts").get_caller_identity()
    assert (root["UserId"], root["Arn"]) == (account, f"arn:aws:iam::{account}:root")
    told = aws(osier, "sts", user[1]).get_caller_identity()
    assert told["Account"] == account and told["Arn"] == f"arn:aws:iam::{account}:user/{user[0]}"
    assert aws(osier, "iam").get_user()["User"]["Arn"] == f"arn:aws:iam::{account}:root"
    code, status, said = refused(aws(osier, "iam", user[1]).get_user)
    assert (code, status) == ("AccessDenied", 403)
    assert said == (f"User: arn:aws:iam::{account}:user/{user[0]} is not authorized to perform: iam:GetUser on "
                    f"resource: arn:aws:iam::{account}:user/{user[0]} because no identity-based policy allows the "
                    "iam:GetUser action")


# --- users and keys -----------------------------------------------------------------------


def test_users(osier, iam, account):
    names = sorted(unique("listed") for _ in range(5))
    for each in names:
        made = iam.create_user(UserName=each, Path="/")["User"]
        assert made["Arn"] == f"arn:aws:iam::{account}:user/{each}" and made["Path"] == "/" and made["UserId"]
    assert refused(iam.create_user, UserName=names[0])[:2] == ("EntityAlreadyExists", 409)
    assert refused(iam.create_user, UserName="no/slash")[:2] == ("ValidationError", 400)
    assert refused(iam.create_user, UserName=names[0], Path="/team/")[:2] == ("ValidationError", 400)
    assert refused(iam.create_user, UserName="bounded", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"
                   )[:2] == ("ValidationError", 400)
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    found = [it["UserName"] for page in pages for it in page["Users"]]
    assert [it for it in found if it in names] == names
    first = iam.list_users(MaxItems=1)
    assert first["IsTruncated"] and first["Marker"] and len(first["Users"]) == 1

    iam.update_user(UserName=names[0], NewUserName=names[0] + "=+,.@-_")
    assert iam.get_user(UserName=names[0] + "=+,.@-_")["User"]["UserId"]
    code, status, said = refused(iam.get_user, UserName=names[0])
    assert (code, status) == ("NoSuchEntity", 404) and said == f"The user with name {names[0]} cannot be found."
    # RAM sees the same ones.
    assert ram(osier).GetUser(user_name=names[1]).user.user_name == names[1]
    iam.delete_user(UserName=names[1])
    assert refused(iam.delete_user, UserName=names[1])[:2] == ("NoSuchEntity", 404)


def test_keys(osier, iam, user):
    name, key = user
    s3 = s3_of(osier, key)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    s3.list_buckets()
    used = iam.get_access_key_last_used(AccessKeyId=key[0])
    assert used["UserName"] == name and used["AccessKeyLastUsed"]["LastUsedDate"]
    [shown] = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert (shown["UserName"], shown["AccessKeyId"], shown["Status"]) == (name, key[0], "Active")
    iam.create_access_key(UserName=name)
    assert refused(iam.create_access_key, UserName=name)[:2] == ("LimitExceeded", 409)
    assert len(iam.list_access_keys(UserName=name, MaxItems=1)["AccessKeyMetadata"]) == 1
    pages = iam.get_paginator("list_access_keys").paginate(UserName=name, PaginationConfig={"PageSize": 1})
    assert len([it for page in pages for it in page["AccessKeyMetadata"]]) == 2

    iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Inactive")
    assert refusal(s3.list_buckets) == (403, "InvalidAccessKeyId")
    assert refused(aws(osier, "sts", key).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Active")
    s3.list_buckets()
    assert refused(iam.delete_user, UserName=name)[0] == "DeleteConflict"
    iam.delete_access_key(UserName=name, AccessKeyId=key[0])
    code, status, said = refused(iam.delete_access_key, UserName=name, AccessKeyId=key[0])
    assert (code, status, said) == ("NoSuchEntity", 404, f"The Access Key with id {key[0]} cannot be found.")
    assert refused(iam.get_access_key_last_used, AccessKeyId="AKIANOBODY0000000000")[0] == "NoSuchEntity"


def test_a_user_minds_their_own_keys(osier, iam, account, user):
    name, key = user
    own = f"arn:aws:iam::{account}:user/{name}"
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(
        allow(["iam:*AccessKey*", "iam:GetUser"], own)))
    mine = aws(osier, "iam", key)
    assert mine.get_user()["User"]["Arn"] == own
    made = mine.create_access_key()["AccessKey"]
    assert made["UserName"] == name
    assert {it["AccessKeyId"] for it in mine.list_access_keys()["AccessKeyMetadata"]} == {key[0], made["AccessKeyId"]}
    mine.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert refused(mine.list_users)[:2] == ("AccessDenied", 403)
    assert refused(mine.create_access_key, UserName="somebody")[:2] == ("AccessDenied", 403)


# --- groups -------------------------------------------------------------------------------


def test_groups(osier, iam, account, user, name):
    group = unique("aws-group")
    made = iam.create_group(GroupName=group)["Group"]
    assert made["Arn"] == f"arn:aws:iam::{account}:group/{group}" and made["GroupId"]
    assert refused(iam.create_group, GroupName=group)[0] == "EntityAlreadyExists"
    # Saying it twice is no error.
    for _ in range(2):
        iam.add_user_to_group(GroupName=group, UserName=user[0])
    for _ in range(2):
        iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    told = iam.get_group(GroupName=group)
    assert [it["UserName"] for it in told["Users"]] == [user[0]] and told["Group"]["GroupName"] == group
    assert told["Users"][0]["Arn"].endswith(f":user/{user[0]}") and told["Users"][0]["CreateDate"]
    [of_user] = iam.list_groups_for_user(UserName=user[0])["Groups"]
    assert of_user["GroupName"] == group and of_user["CreateDate"]
    assert group in [it["GroupName"] for page in iam.get_paginator("list_groups").paginate() for it in page["Groups"]]
    [attached] = iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]
    assert attached == {"PolicyName": "AmazonS3FullAccess", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
    s3_of(osier, user[1]).put_object(Bucket=name, Key="by-group", Body=b"x")
    iam.put_group_policy(GroupName=group, PolicyName="no", PolicyDocument=document(
        allow("s3:PutObject", "*", effect="Deny")))
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["no"]
    assert refusal(s3_of(osier, user[1]).put_object, Bucket=name, Key="by-group") == (403, "AccessDenied")

    assert refused(iam.delete_group, GroupName=group)[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName=group, UserName=user[0])
    iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert refused(iam.delete_group, GroupName=group)[0] == "DeleteConflict"
    iam.delete_group_policy(GroupName=group, PolicyName="no")
    iam.update_group(GroupName=group, NewGroupName=group + "2")
    iam.delete_group(GroupName=group + "2")
    assert refused(iam.get_group, GroupName=group)[:2] == ("NoSuchEntity", 404)


# --- policies -----------------------------------------------------------------------------


def test_managed_policies(iam, account, user):
    policy = unique("App_Read.Write")
    first, second = document(allow("s3:GetObject", "arn:aws:s3:::b/*")), document(allow("s3:PutObject", "arn:aws:s3:::b/*"))
    made = iam.create_policy(PolicyName=policy, PolicyDocument=first, Description="reads",
                             Tags=[{"Key": "team", "Value": "web"}])["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{account}:policy/{policy}"
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["IsAttachable"]) == ("v1", 0, True)
    assert refused(iam.create_policy, PolicyName=policy, PolicyDocument=first)[:2] == ("EntityAlreadyExists", 409)
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert told["Description"] == "reads" and told["Tags"] == [{"Key": "team", "Value": "web"}]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(first)
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=second, SetAsDefault=True)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v2", True)
    assert [it["VersionId"] for it in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1", "v2"]
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v1")[0] == "DeleteConflict"

    iam.attach_user_policy(UserName=user[0], PolicyArn=arn)
    iam.attach_user_policy(UserName=user[0], PolicyArn=arn)
    assert iam.list_attached_user_policies(UserName=user[0])["AttachedPolicies"] == [
        {"PolicyName": policy, "PolicyArn": arn}]
    assert [it["UserName"] for it in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == [user[0]]
    local = iam.get_paginator("list_policies").paginate(Scope="Local", OnlyAttached=True)
    assert arn in [it["Arn"] for page in local for it in page["Policies"]]
    shipped = iam.get_paginator("list_policies").paginate(Scope="AWS")
    assert {"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/AmazonS3FullAccess"} <= {
        it["Arn"] for page in shipped for it in page["Policies"]}
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    iam.detach_user_policy(UserName=user[0], PolicyArn=arn)
    code, status, said = refused(iam.detach_user_policy, UserName=user[0], PolicyArn=arn)
    assert (code, status) == ("NoSuchEntity", 404)
    code, _, said = refused(iam.delete_policy, PolicyArn=arn)
    assert code == "DeleteConflict" and "more than one version" in said
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn)[:2] == ("NoSuchEntity", 404)
    assert refused(iam.delete_policy, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")[0] == "ValidationError"


@pytest.mark.parametrize("wrong", [
    "{", "[]", '{"Version":"2012-10-17"}', '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"s3:*","Resource":"*"}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Nothing","Resource":"*"}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}]}'])
def test_malformed_documents(iam, user, wrong):
    asked = {"PolicyName": unique("wrong"), "PolicyDocument": wrong}
    assert refused(iam.create_policy, **asked)[:2] == ("MalformedPolicyDocument", 400)
    assert refused(iam.put_user_policy, UserName=user[0], **asked)[:2] == ("MalformedPolicyDocument", 400)


def test_inline_policies(iam, user):
    name, _ = user
    said = document(allow("s3:ListAllMyBuckets", "*"))
    for each in ["c", "a", "b"]:
        iam.put_user_policy(UserName=name, PolicyName=each, PolicyDocument=said)
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == ["a", "b", "c"]
    pages = iam.get_paginator("list_user_policies").paginate(UserName=name, PaginationConfig={"PageSize": 1})
    assert [it for page in pages for it in page["PolicyNames"]] == ["a", "b", "c"]
    told = iam.get_user_policy(UserName=name, PolicyName="a")
    assert (told["UserName"], told["PolicyName"], told["PolicyDocument"]) == (name, "a", json.loads(said))
    assert refused(iam.get_user_policy, UserName=name, PolicyName="d")[:2] == ("NoSuchEntity", 404)
    assert refused(iam.put_user_policy, UserName="nobody-at-all", PolicyName="a", PolicyDocument=said)[0] == "NoSuchEntity"
    iam.delete_user_policy(UserName=name, PolicyName="a")
    assert refused(iam.delete_user_policy, UserName=name, PolicyName="a")[0] == "NoSuchEntity"
    [key] = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    code, _, message = refused(iam.delete_user, UserName=name)
    assert code == "DeleteConflict" and message == "Cannot delete entity, must delete policies first."


def test_policies_mean_the_same_to_s3_and_oss(osier, iam, user, name):
    user_name, key = user
    s3, oss = s3_of(osier, key), oss_of(osier, name, key)
    client(osier).put_object(Bucket=name, Key="in/a", Body=b"a")
    assert refusal(s3.get_object, Bucket=name, Key="in/a") == (403, "AccessDenied")
    with pytest.raises(oss2.exceptions.AccessDenied):
        oss.get_object("in/a")
    iam.put_user_policy(UserName=user_name, PolicyName="app", PolicyDocument=document(
        allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{name}/in/*"),
        allow("s3:ListBucket", f"arn:aws:s3:::{name}", StringLike={"s3:prefix": ["in/*"]}),
        allow("s3:PutObject", f"arn:aws:s3:::{name}/in/kept*", effect="Deny")))
    assert s3.get_object(Bucket=name, Key="in/a")["Body"].read() == oss.get_object("in/a").read() == b"a"
    s3.put_object(Bucket=name, Key="in/s3", Body=b"s3")
    oss.put_object("in/oss", b"oss")
    for listed in [[it["Key"] for it in s3.list_objects_v2(Bucket=name, Prefix="in/")["Contents"]],
                   [it.key for it in oss.list_objects_v2(prefix="in/").object_list]]:
        assert listed == ["in/a", "in/oss", "in/s3"]
    for call, asked in [(s3.put_object, {"Key": "in/kept1"}), (s3.put_object, {"Key": "out"}),
                        (s3.delete_object, {"Key": "in/a"}), (s3.list_objects_v2, {"Prefix": "out/"})]:
        assert refusal(call, Bucket=name, **asked) == (403, "AccessDenied")
    for call, asked in [(oss.put_object, ("in/kept1", b"")), (oss.put_object, ("out", b"")), (oss.delete_object, ("in/a",))]:
        with pytest.raises(oss2.exceptions.AccessDenied):
            call(*asked)
    with pytest.raises(oss2.exceptions.AccessDenied):
        oss.list_objects_v2(prefix="out/")
    # It holds for the next request.
    iam.delete_user_policy(UserName=user_name, PolicyName="app")
    assert refusal(s3.get_object, Bucket=name, Key="in/a") == (403, "AccessDenied")


# --- roles and temporary keys -------------------------------------------------------------


@pytest.fixture
def role(iam, account):
    role = unique("Aws-Role")
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"),
                           Description="uploads", MaxSessionDuration=7200)["Role"]
    assert made["Arn"] == f"arn:aws:iam::{account}:role/{role}" and made["MaxSessionDuration"] == 7200
    return made


def test_roles(iam, account, role):
    name, said = role["RoleName"], json.loads(trust(f"arn:aws:iam::{account}:root"))
    assert role["AssumeRolePolicyDocument"] == said
    assert refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(said))[0] == "EntityAlreadyExists"
    assert refused(iam.create_role, RoleName="x", AssumeRolePolicyDocument="{}")[0] == "MalformedPolicyDocument"
    iam.update_role(RoleName=name, Description="changed", MaxSessionDuration=3600)
    told = iam.get_role(RoleName=name)["Role"]
    assert (told["Description"], told["MaxSessionDuration"]) == ("changed", 3600)
    assert iam.update_role_description(RoleName=name, Description="again")["Role"]["Description"] == "again"
    other = trust("123456789012")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == json.loads(other)
    roles = [it for page in iam.get_paginator("list_roles").paginate() for it in page["Roles"]]
    assert name in [it["RoleName"] for it in roles]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert [it["PolicyName"] for it in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == ["AmazonS3FullAccess"]
    iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=document(allow("s3:*", "*")))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["more"]
    assert iam.get_role_policy(RoleName=name, PolicyName="more")["PolicyDocument"] == json.loads(document(allow("s3:*", "*")))
    assert refused(iam.delete_role, RoleName=name)[0] == "DeleteConflict"
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert refused(iam.delete_role, RoleName=name)[0] == "DeleteConflict"
    iam.delete_role_policy(RoleName=name, PolicyName="more")
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name)[:2] == ("NoSuchEntity", 404)


def taken(answer):
    credentials = answer["Credentials"]
    return (credentials["AccessKeyId"], credentials["SecretAccessKey"]), credentials["SessionToken"]


def test_assumed_roles_work_with_s3_and_oss(osier, iam, account, user, role, name):
    user_name, key = user
    sts = aws(osier, "sts", key)
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "s-1"}
    code, status, said = refused(sts.assume_role, **asked)
    assert (code, status) == ("AccessDenied", 403) and f"perform: sts:AssumeRole on resource: {role['Arn']}" in said.replace(
        role["RoleName"].lower(), role["RoleName"])
    iam.put_user_policy(UserName=user_name, PolicyName="assume", PolicyDocument=document(
        allow("sts:AssumeRole", role["Arn"])))
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    answer = sts.assume_role(DurationSeconds=900, **asked)
    assert answer["AssumedRoleUser"]["Arn"].lower() == f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/s-1".lower()
    assert answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":s-1")
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=800) < left <= datetime.timedelta(seconds=900)
    temporary, token = taken(answer)
    s3_of(osier, temporary, token).put_object(Bucket=name, Key="by-s3", Body=b"1")
    assert oss_of(osier, name, temporary, token).get_object("by-s3").read() == b"1"
    oss_of(osier, name, temporary, token).put_object("by-oss", b"2")
    assert s3_of(osier, temporary, token).get_object(Bucket=name, Key="by-oss")["Body"].read() == b"2"
    told = aws(osier, "sts", temporary, token).get_caller_identity()
    assert told["Arn"].endswith("/s-1") and ":assumed-role/" in told["Arn"] and told["UserId"].endswith(":s-1")

    narrowed = sts.assume_role(Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{name}/by-s3")), **asked)
    temporary, token = taken(narrowed)
    assert s3_of(osier, temporary, token).get_object(Bucket=name, Key="by-s3")["Body"].read() == b"1"
    assert refusal(s3_of(osier, temporary, token).get_object, Bucket=name, Key="by-oss") == (403, "AccessDenied")
    with pytest.raises(oss2.exceptions.AccessDenied):
        oss_of(osier, name, temporary, token).put_object("by-s3", b"")
    assert refusal(s3_of(osier, temporary).list_buckets) == (403, "InvalidAccessKeyId")
    assert refusal(s3_of(osier, temporary, token[:-8] + "AAAAAAA=").list_buckets) == (400, "InvalidToken")
    assert refused(aws(osier, "sts", temporary, "AAAA").get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_what_assume_role_refuses(osier, iam, account, user, role):
    user_name, key = user
    sts = aws(osier, "sts", key)
    iam.put_user_policy(UserName=user_name, PolicyName="assume", PolicyDocument=document(allow("sts:*", "*")))
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    for more, code in [({"DurationSeconds": 899}, "ValidationError"), ({"DurationSeconds": 7201}, "ValidationError"),
                       ({"RoleSessionName": "a b"}, "ValidationError"), ({"RoleArn": "arn:aws:iam::1:user/none-of-them"}, "ValidationError"),
                       ({"Policy": "{"}, "MalformedPolicyDocument"),
                       ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}]}, "ValidationError"),
                       ({"Tags": [{"Key": "k", "Value": "v"}]}, "ValidationError")]:
        assert refused(sts.assume_role, **(asked | more))[:2] == (code, 400), more
    assert refused(aws(osier, "sts").assume_role, **asked) == ("AccessDenied", 403, "Roles may not be assumed by root accounts.")
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=trust(
        f"arn:aws:iam::{account}:user/{user_name}", StringEquals={"sts:ExternalId": "secret-handshake"}))
    assert refused(sts.assume_role, **asked)[:2] == ("AccessDenied", 403)
    assert refused(sts.assume_role, ExternalId="wrong", **asked)[:2] == ("AccessDenied", 403)
    assert sts.assume_role(ExternalId="secret-handshake", **asked)["Credentials"]["SessionToken"]
    assert refused(sts.get_federation_token, Name="somebody")[:2] == ("NotImplemented", 501)
    assert refused(iam.list_mfa_devices)[:2] == ("NotImplemented", 501)


def test_session_tokens(osier, iam, account, user, name):
    user_name, key = user
    iam.put_user_policy(UserName=user_name, PolicyName="all", PolicyDocument=document(allow("*", "*")))
    sts = aws(osier, "sts", key)
    lasting, second = datetime.timedelta(seconds=900), datetime.timedelta(seconds=1)
    before = datetime.datetime.now(datetime.timezone.utc)
    given = sts.get_session_token(DurationSeconds=900)["Credentials"]
    after = datetime.datetime.now(datetime.timezone.utc)
    # It begins with a whole second.
    assert before - second <= given["Expiration"] - lasting <= after
    temporary, token = (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"]
    s3_of(osier, temporary, token).put_object(Bucket=name, Key="by-session", Body=b"session")
    assert oss_of(osier, name, temporary, token).get_object("by-session").read() == b"session"
    told = aws(osier, "sts", temporary, token).get_caller_identity()
    assert told["Arn"] == f"arn:aws:iam::{account}:user/{user_name}"
    assert refusal(s3_of(osier, temporary).list_buckets) == (403, "InvalidAccessKeyId")
    # It makes no key that lasts longer.
    for call, named in ((aws(osier, "iam", temporary, token).create_access_key, {"UserName": user_name}),
                        (aws(osier, "iam", temporary, token).list_users, {}),
                        (aws(osier, "sts", temporary, token).get_session_token, {})):
        assert refused(call, **named)[:2] == ("AccessDenied", 403)
    for seconds in (899, 129601):
        assert refused(sts.get_session_token, DurationSeconds=seconds)[:2] == ("ValidationError", 400)
    # It is over with the key that asked for it.
    iam.delete_access_key(UserName=user_name, AccessKeyId=key[0])
    assert refusal(s3_of(osier, temporary, token).list_objects_v2, Bucket=name) == (400, "InvalidToken")


@pytest.mark.parametrize("whose", ["user", "account"])
def test_narrowed_keys_as_minio_gives_them(osier, iam, account, user, name, whose):
    user_name, key = user
    iam.put_user_policy(UserName=user_name, PolicyName="s3", PolicyDocument=document(allow("s3:*", "*")))
    sts = aws(osier, "sts", key) if whose == "user" else aws(osier, "sts")
    owner = s3_of(osier, (KEY_ID, SECRET))
    owner.put_object(Bucket=name, Key="in/one", Body=b"in")
    owner.put_object(Bucket=name, Key="out/one", Body=b"out")
    asked = {"RoleArn": "arn:minio:iam:::role/whatever", "RoleSessionName": "front-end"}
    answer = sts.assume_role(Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{name}/in/*")), **asked)
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == "front-end"
    given = answer["Credentials"]
    narrowed = s3_of(osier, (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
    assert narrowed.get_object(Bucket=name, Key="in/one")["Body"].read() == b"in"
    for call, named in ((narrowed.get_object, {"Key": "out/one"}), (narrowed.put_object, {"Key": "in/two"}),
                        (narrowed.delete_object, {"Key": "in/one"}), (narrowed.list_objects_v2, {}),
                        (narrowed.delete_bucket, {}), (narrowed.get_bucket_acl, {})):
        assert refusal(call, Bucket=name, **named) == (403, "AccessDenied"), named
    assert refusal(narrowed.create_bucket, Bucket=f"{name}-n") == (403, "AccessDenied")
    wide = sts.assume_role(**asked)["Credentials"]
    wide = s3_of(osier, (wide["AccessKeyId"], wide["SecretAccessKey"]), wide["SessionToken"])
    assert wide.get_object(Bucket=name, Key="out/one")["Body"].read() == b"out"
    assert refused(sts.assume_role, **(asked | {"Policy": "{"}))[:2] == ("MalformedPolicyDocument", 400)


# --- signatures ---------------------------------------------------------------------------


def send(store, method="POST", target="/", body="Action=GetCallerIdentity&Version=2011-06-15", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)
    connection.request(method, target, body, {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {}))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer


def signed(store, service="sts", body="Action=GetCallerIdentity&Version=2011-06-15", secret=SECRET, region="us-east-1", key=KEY_ID):
    request = AWSRequest("POST", store.endpoint + "/", data=body,
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(Credentials(key, secret), service, region).add_auth(request)
    return dict(request.headers)


def code_of(text):
    return text.split("<Code>")[1].split("</Code>")[0]


def test_the_shape_of_answers(osier):
    status, text, answer = send(osier, headers=signed(osier))
    assert status == 200 and answer.getheader("content-type") == "text/xml"
    assert text.startswith('<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>')
    request_id = answer.getheader("x-amzn-RequestId")
    assert f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>" in text
    status, text, answer = send(osier)
    assert status == 403
    assert text == ('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                    "<Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error>"
                    f"<RequestId>{answer.getheader('x-amzn-RequestId')}</RequestId></ErrorResponse>")


def test_refused_signatures(osier):
    good = signed(osier)
    for headers, code in [
            (signed(osier, secret="not-the-secret-of-this-key"), "SignatureDoesNotMatch"),
            (signed(osier, key="AKIANOBODY0000000000"), "InvalidClientTokenId"),
            (signed(osier, service="iam"), "IncompleteSignature"),
            (good | {"X-Amz-Date": "20200101T000000Z"}, "IncompleteSignature"),
            (good | {"Authorization": good["Authorization"].replace("Signature=", "Signature=0")}, "SignatureDoesNotMatch"),
            (good | {"Authorization": good["Authorization"].split(", Signature")[0]}, "IncompleteSignature"),
            (good | {"X-Amz-Extra": "unsigned"}, "IncompleteSignature")]:
        status, text, _ = send(osier, headers=headers)
        assert (status, code_of(text)) == (403, code), text
        assert SECRET not in text
    # The body is signed whatever the client says of it.
    status, text, _ = send(osier, body="Action=GetCallerIdentity&Version=2011-06-15&x=y", headers=good)
    assert (status, code_of(text)) == (403, "SignatureDoesNotMatch")
    status, text, _ = send(osier, headers=signed(osier, region="eu-central-1"))
    assert status == 200
    for body, expected in [("Action=Nothing&Version=2011-06-15", (501, "NotImplemented")),
                           ("Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole", (400, "ValidationError")),
                           ("Version=2011-06-15", (400, "MissingAction"))]:
        status, text, _ = send(osier, body=body, headers=signed(osier, body=body))
        assert (status, code_of(text)) == expected


def test_old_signatures_are_refused(osier):
    request = AWSRequest("POST", osier.endpoint + "/", data="Action=GetCallerIdentity&Version=2011-06-15",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    auth = SigV4Auth(Credentials(KEY_ID, SECRET), "sts", "us-east-1")
    request.context["timestamp"] = "20200101T000000Z"
    request.headers["X-Amz-Date"] = "20200101T000000Z"
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    auth._inject_signature_to_request(request, auth.signature(to_sign, request))
    status, text, _ = send(osier, headers=dict(request.headers))
    assert (status, code_of(text)) == (403, "SignatureDoesNotMatch") and "Signature expired: 20200101T000000Z" in text


def test_get_and_presigned(osier, account):
    query = urllib.parse.urlencode({"Action": "GetCallerIdentity", "Version": "2011-06-15"})
    url = aws(osier, "sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    target = url[len(osier.endpoint):]
    status, text, _ = send(osier, "GET", target, body=None, headers={})
    assert status == 200 and f"<Account>{account}</Account>" in text
    status, text, _ = send(osier, "GET", target.replace("GetCallerIdentity", "AssumeRole"), body=None)
    assert (status, code_of(text)) == (403, "SignatureDoesNotMatch")
    status, text, _ = send(osier, "GET", f"/?{query}", body=None)
    assert (status, code_of(text)) == (403, "MissingAuthenticationToken")
    request = AWSRequest("GET", f"{osier.endpoint}/?{query}")
    SigV4Auth(Credentials(KEY_ID, SECRET), "sts", "us-east-1").add_auth(request)
    status, text, _ = send(osier, "GET", f"/?{query}", body=None, headers=dict(request.headers))
    assert status == 200


def test_s3_requests_are_left_to_s3(osier, name):
    """A form sent to the store by S3's own signature is none of theirs."""
    status, text, _ = send(osier, headers=signed(osier, service="s3") | {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert code_of(text) not in {"MissingAuthenticationToken", "NotImplemented"} and "ErrorResponse" not in text


# --- awscli -------------------------------------------------------------------------------


def test_awscli(osier, account, name, tmp_path):
    tools = Tools(osier, tmp_path)
    user, policy = unique("cli-user"), unique("cli-policy")
    told = json.loads(tools.aws("sts", "get-caller-identity"))
    assert told["Account"] == account and told["Arn"].endswith(":root")
    tools.aws("iam", "create-user", "--user-name", user)
    (tmp_path / "policy.json").write_text(document(allow("s3:*", f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*")))
    made = json.loads(tools.aws("iam", "create-policy", "--policy-name", policy, "--policy-document", f"file://{tmp_path}/policy.json"))
    tools.aws("iam", "attach-user-policy", "--user-name", user, "--policy-arn", made["Policy"]["Arn"])
    key = json.loads(tools.aws("iam", "create-access-key", "--user-name", user))["AccessKey"]
    tools.environment |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    (tmp_path / "f").write_bytes(b"by awscli")
    tools.aws("s3", "cp", tmp_path / "f", f"s3://{name}/f", "--only-show-errors")
    assert tools.aws("s3", "cp", f"s3://{name}/f", "-") == b"by awscli"
