"""The cases of s3s-e2e, which the AWS SDK for Rust runs against any S3 server; `./test install` builds it."""

import json
import os
import pathlib
import subprocess

from harness import KEY_ID, ROOT, SECRET, Osier

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SUITES = TARGET / "s3s" / "bin" / "s3s-e2e"


def test_every_case_passes(tmp_path):
    report = tmp_path / "report.json"
    with Osier() as store:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": store.endpoint}
        # One after the other: cases of one fixture write to the same key.
        run = subprocess.run(
            [SUITES, "--json", report], env=environment, capture_output=True, text=True, timeout=300)
    cases = {
        f"{suite['name']}/{fixture['name']}/{case['name']}": case["passed"]
        for suite in json.loads(report.read_text())["suites"]
        for fixture in suite["fixtures"] for case in fixture["cases"]}
    assert len(cases) == 18
    assert [name for name, passed in cases.items() if not passed] == [], run.stdout + run.stderr
    assert run.returncode == 0, run.stdout + run.stderr
