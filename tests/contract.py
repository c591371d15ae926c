"""Runs Schemathesis over every operation of a demo server's document; see contract.toml."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def sign_in(ready):
    request = urllib.request.Request(
        f"{ready['base_url']}/api/v1/{ready['tenant']}/auth/login",
        data=json.dumps({"email": ready["email"], "password": ready["password"]}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["access_token"]


def main():
    ready = json.loads(pathlib.Path(sys.argv[1]).read_text())
    program, examples = pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    ready["access_token"] = sign_in(ready)
    environment = os.environ | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCHEMATHESIS_HOOKS": str(HERE / "support" / "contract_hooks.py"),
        "VIVERO_READY": json.dumps(ready),
        "VIVERO_ACCESS_TOKEN": ready["access_token"],
        "VIVERO_PLATFORM_KEY": ready["platform_key"],
        "VIVERO_TENANT": ready["tenant"],
    }
    command = [
        program,
        "--config-file", HERE / "contract.toml",
        "run", f"{ready['base_url']}/openapi.json",
        "--max-examples", examples,
        "--seed", "20260301",
        "--suppress-health-check", "all",
        *sys.argv[4:],
    ]
    # In a folder of its own, since Schemathesis would remember the last run.
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(subprocess.run(command, cwd=folder, env=environment, check=False).returncode)


main()
