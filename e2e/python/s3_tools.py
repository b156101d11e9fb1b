"""Command-line clients of S3 and mounts, run as their users run them."""

import os
import pathlib
import subprocess
import sys

from harness import KEY_ID, SECRET

# What people and their programs call files; no control characters, which XML 1.0 can't say and
# clients that ask for no encoding of listings can't read.
ODD_NAMES = [
    "plain", "with space", " leading", "trailing ", "plus+plus", "+", "percent%41%2F", "%zz", "hash#tag", "#",
    "trailing.", "trailing..", "...", "..a", "中文", "emoji-😀", "caf\u00e9", "cafe\u0301", "quote'\"&<>",
    "question?mark", "?acl", "semi;colon,comma", "~!@$^*()[]{}|`=:", "back\\slash", "-dash", "--delete", "$HOME",
    "null", "a&b=c", "x" * 200,
]
# Not for clients that write such names to disk in another way.
ODD_WHITE = ["tab\tand", "line\nfeed"]


def plant(root, files, names):
    """A tree of so many files with odd names in directories with odd names."""
    made = 0
    for turn in range(files):
        for name in names:
            directory = root / (names[turn] if turn < len(names) else f"{turn}") / "in"
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(f"{made} {name}".encode() * (made % 7))
            # Long ago: tools compare with the whole second in which the store got it.
            os.utime(directory / name, (1_700_000_000, 1_700_000_000))
            made += 1
            if made == files:
                return


def contents(root):
    """Every file below a directory with its bytes."""
    return {
        os.path.join(path, name)[len(str(root)):]: pathlib.Path(path, name).read_bytes()
        for path, _, names in os.walk(root) for name in names}


class Tools:
    """The clients with their settings in a directory of their own and nobody else's environment."""

    def __init__(self, store, scratch):
        self.scratch = scratch
        address = f"127.0.0.1:{store.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": store.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }
        self.rclone_settings = scratch / "rclone.conf"
        self.rclone_settings.write_text(
            f"[o]\ntype = s3\nprovider = Other\naccess_key_id = {KEY_ID}\nsecret_access_key = {SECRET}\n"
            f"endpoint = {store.endpoint}\nregion = us-east-1\n")
        self.s3cmd_settings = scratch / "s3cfg"
        self.s3cmd_settings.write_text(
            f"[default]\naccess_key = {KEY_ID}\nsecret_key = {SECRET}\nhost_base = {address}\n"
            f"host_bucket = {address}\nuse_https = False\nbucket_location = us-east-1\nmax_retries = 0\n")
        self.password = scratch / "s3fs-password"
        self.password.write_text(f"{KEY_ID}:{SECRET}\n")
        self.password.chmod(0o600)

    def run(self, *command, check=True, data=None):
        done = subprocess.run(
            [str(word) for word in command], env=self.environment, cwd=self.scratch, input=data,
            capture_output=True, timeout=120, check=False)
        said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{said}"
        return done.stdout if check else (done.returncode, said)

    def beside(self, name):
        """A script installed beside the interpreter that runs the tests."""
        return sys.executable, pathlib.Path(sys.executable).parent / name

    def aws(self, *words, **named):
        return self.run(*self.beside("aws"), *words, **named)

    def s3cmd(self, *words, **named):
        return self.run(*self.beside("s3cmd"), "--config", self.s3cmd_settings, "--no-progress", *words, **named)

    def rclone(self, *words, **named):
        return self.run(
            "rclone", "--config", self.rclone_settings, "--no-unicode-normalization", "--retries", "1",
            "--low-level-retries", "1", "--transfers", "16", "--checkers", "16", *words, **named)
