"""Runs Schemathesis against a demo server: once as the tenant's Admin, once as the installation's operator.

Signing out, ending sign-ins and the event stream are left out of the Admin's run: the first two would end
the run's own sign-in, the third never ends. The first two have runs of their own with tokens of their
own; the stream is held against the document by the tests of the client.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
    ]
)


def sign_in(ready):
    request = urllib.request.Request(
        f"{ready['base_url']}/api/v1/{ready['tenant']}/auth/login",
        data=json.dumps({"email": ready["email"], "password": ready["password"]}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["access_token"]


def run(program, ready, name, token, examples, *choice):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "schemathesis.toml"
        config.write_text(f'[parameters]\n"path.tenant" = "{ready["tenant"]}"\n')
        command = [
            program,
            "--config-file", str(config),
            "run", f"{ready['base_url']}/openapi.json",
            "--header", f"Authorization: Bearer {token}",
            "--checks", CHECKS,
            "--max-examples", examples,
            "--seed", "20260301",
            "--request-timeout", "20",
            "--suppress-health-check", "all",
            "--continue-on-failure",
            *choice,
        ]
        print(f"-- {name}", flush=True)
        return subprocess.run(command, cwd=folder, check=False).returncode


def main():
    ready = json.loads(pathlib.Path(sys.argv[1]).read_text())
    program, examples = str(pathlib.Path(sys.argv[2]).resolve()), sys.argv[3]
    tenant = ["--exclude-path-regex", "^/api/v1/platform|^/metrics", "--exclude-operation-id", "event_stream",
              "--exclude-operation-id", "auth_logout", "--exclude-operation-id", "me_session_end"]
    failed = run(program, ready, "as Admin", sign_in(ready), examples, *tenant)
    for last in ["me_session_end", "auth_logout"]:
        failed |= run(program, ready, last, sign_in(ready), "5", "--include-operation-id", last)
    # Last: it may well suspend the tenant of the others.
    failed |= run(program, ready, "as operator", ready["platform_key"], examples,
                  "--include-path-regex", "^/api/v1/platform|^/metrics")
    sys.exit(1 if failed else 0)


main()
