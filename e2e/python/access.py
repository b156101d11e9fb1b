"""Two accounts with users, and clients for each of them."""

import json

import alibabacloud_oss_v2 as v2
import oss2

from harness import REGION, Osier

OWNER = "1000000000000007"
OTHER = "1000000000000008"
# Name: (access key id, secret).
KEYS = {
    "owner": ("LTAI5tOwner", "owner-secret-0123456789abcdefgh"),
    "app": ("LTAI5tApp", "app-secret-0123456789abcdefghij"),
    "reader": ("LTAI5tReader", "reader-secret-0123456789abcdef"),
    "nobody": ("LTAI5tNobody", "nobody-secret-0123456789abcdef"),
    "other": ("LTAI5tOther", "other-secret-0123456789abcdefgh"),
}

# What the tutorial's application gets, and what it gets when the bucket itself is forgotten.
APP_ACTIONS = ["oss:PutObject", "oss:GetObject", "oss:DeleteObject", "oss:ListObjects"]

SEED = f"""
[[account]]
id = "{OWNER}"
display_name = "shop"
[[account.key]]
id = "{KEYS['owner'][0]}"
secret = "{KEYS['owner'][1]}"

[[account.policy]]
name = "App"
document = '''{{"Version":"1","Statement":[{{"Sid":"AppData","Effect":"Allow","Action":{json.dumps(APP_ACTIONS)},"Resource":["acs:oss:*:*:myapp-prod-media","acs:oss:*:*:myapp-prod-media/*"]}}]}}'''
[[account.policy]]
name = "Forgetful"
document = '''{{"Version":"1","Statement":[{{"Sid":"AppData","Effect":"Allow","Action":{json.dumps(APP_ACTIONS)},"Resource":["acs:oss:*:*:myapp-prod-media/*"]}}]}}'''

[[account.user]]
name = "app"
policies = ["App"]
[[account.user.key]]
id = "{KEYS['app'][0]}"
secret = "{KEYS['app'][1]}"

[[account.user]]
name = "reader"
policies = ["Forgetful"]
[[account.user.key]]
id = "{KEYS['reader'][0]}"
secret = "{KEYS['reader'][1]}"

[[account.user]]
name = "nobody"
[[account.user.key]]
id = "{KEYS['nobody'][0]}"
secret = "{KEYS['nobody'][1]}"

[[account]]
id = "{OTHER}"
display_name = "partner"
[[account.key]]
id = "{KEYS['other'][0]}"
secret = "{KEYS['other'][1]}"
"""


class Accounts(Osier):
    """A server with the accounts above."""

    def __init__(self, settings=""):
        super().__init__()
        seed = self.scratch / "accounts.toml"
        seed.write_text(SEED)
        seed.chmod(0o600)
        self.settings = f'[identity]\nseed = "{seed}"\n{settings}'

    def oss2(self, who, bucket, signature="v4", **options):
        auth = oss2.AnonymousAuth() if who is None else {
            "v1": oss2.Auth, "v2": oss2.AuthV2, "v4": oss2.AuthV4}[signature](*KEYS[who])
        return oss2.Bucket(auth, self.endpoint, bucket, region=REGION, **options)

    def service(self, who):
        return oss2.Service(oss2.AuthV4(*KEYS[who]), self.endpoint, region=REGION)

    def v2(self, who, signature="v4"):
        config = v2.config.load_default()
        config.credentials_provider = (
            v2.credentials.AnonymousCredentialsProvider() if who is None
            else v2.credentials.StaticCredentialsProvider(*KEYS[who]))
        config.region = REGION
        config.endpoint = self.endpoint
        config.signature_version = signature
        config.retry_max_attempts = 1
        return v2.Client(config)


def statement(effect, actions, resources, principal="*", **conditions):
    """One statement of a bucket policy; conditions as Operator={key: [values]}."""
    made = {
        "Effect": effect,
        "Principal": principal if isinstance(principal, list) else [principal],
        "Action": actions if isinstance(actions, list) else [actions],
        "Resource": resources if isinstance(resources, list) else [resources],
    }
    if conditions:
        made["Condition"] = conditions
    return made


def document(*statements):
    return json.dumps({"Version": "1", "Statement": list(statements)})
