"""Clients of the S3 API, set up for the program under test."""

import boto3
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError

from harness import KEY_ID, SECRET


def client(store, signed=True, key_id=KEY_ID, secret=SECRET, **config):
    """boto3 with its defaults: checksums on requests and answers where they are supported."""
    style = config.pop("addressing_style", "path")
    version = config.pop("signature_version", "s3v4" if signed else UNSIGNED)
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name=config.pop("region_name", "us-east-1"),
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            signature_version=version,
            s3={"addressing_style": style},
            retries={"total_max_attempts": 1},
            **config,
        ),
    )


def refusal(call, *arguments, **named):
    """Status and code with which a call is refused."""
    try:
        call(*arguments, **named)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    raise AssertionError("not refused")
