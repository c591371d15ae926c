"""Schemathesis hooks: positive cases get ids, versions, cursors and tokens that exist.

Schemathesis draws what the document can say: types, ranges, patterns. What it cannot say, which lot there
is, at which version, who may sign in, comes from here. Each case is changed just before it is sent and
judged by Schemathesis anew, so that what is no positive case any more does not count as one. One in four of
the fuzzing phase, and every negative case, is sent as it was drawn.
"""

import json
import os
import pathlib
import sys
from collections import Counter

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from contract_stock import COLLECTIONS, Stock  # noqa: E402

STOCK = Stock(json.loads(os.environ["VIVERO_READY"]))
SEEN = set()
CALLS = Counter()


# The coverage phase writes headers of letters and digits only, unless a format says how.
schemathesis.openapi.format("etag", st.integers(1, 9).map('"{}"'.format))


# Content is text, as the names say that `before_call` gives.
schemathesis.openapi.media_type("application/octet-stream", st.integers(1, 9).map(lambda n: b"a line\n" * n))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "If-Match":
                    parameter["schema"]["format"] = "etag"
            for response in operation["responses"].values():
                events = response.get("content", {}).get("text/event-stream")
                if events is not None:
                    # In the words of OpenAPI 3.1, which Schemathesis knows and a document of 3.0 has not.
                    data = events["schema"]["properties"]["data"]
                    data["contentMediaType"] = data.pop("x-content-media-type")
                    data["contentSchema"] = data.pop("x-content-schema")


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw["operationId"]
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    protect(operation, case, positive)
    if not positive:
        return
    CALLS[operation] += 1
    phase = case.meta.phase.name
    if phase == TestPhase.FUZZING and CALLS[operation] % 4 == 0:
        return
    record = None
    collection = next((c for c in COLLECTIONS if f"/{c}/" in case.path), None)
    # In the stateful phase the path comes from earlier answers.
    if phase != TestPhase.STATEFUL:
        fill_path(operation, case, collection)
    if collection is not None:
        record = fill_version(operation, case, collection)
    if isinstance(case.body, dict):
        fill_body(operation, case.body, record or {})
    fill_parameters(operation, case)
    if operation == "file_create":
        # A document cannot ask for a name and content of one kind.
        case.query["name"] = f"contract-{next(STOCK.numbers)}.txt"


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.definition.raw["operationId"] == "auth_refresh" and response.status_code == 200:
        STOCK.refreshed(response.json())


def protect(operation, case, positive):
    """Keeps a case of any kind from ending the run's own sign-in, person or tenant."""
    path = case.path_parameters
    if operation in ("user_update", "user_delete") and path.get("id") == STOCK.own_id:
        path["id"] = STOCK.record("users")["id"]
    if operation == "platform_tenant_suspend" and path.get("slug") == STOCK.tenant:
        path["slug"] = STOCK.spare()
    if operation == "platform_operation_start" and path.get("slug") in (STOCK.tenant, STOCK.spare()):
        path["slug"] = f"nobody-{next(STOCK.numbers)}"
    if case.headers.get("Authorization") != f"Bearer {STOCK.token}":
        return
    if operation == "me_password":
        # Wrong guesses slow down further ones, so each has a person of its own.
        _, password, tokens = STOCK.guest()
        if positive:
            case.body["old_password"] = password
    elif operation in ("auth_logout", "me_session_end"):
        tokens = STOCK.sign_in()
        if positive and operation == "me_session_end":
            # In turn this sign-in and another one of the same person.
            ended = tokens if CALLS[operation] % 2 else STOCK.sign_in()
            path["id"] = STOCK.session_id(ended)
    else:
        return
    case.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def fill_path(operation, case, collection):
    """Names a tenant or a record that is there."""
    path = case.path_parameters
    if "slug" in path:
        state = {"platform_tenant_suspend": "active", "platform_tenant_resume": "suspended"}
        path["slug"] = STOCK.spare(state.get(operation))
        if operation == "platform_operation_start":
            # A copy each time: a tenant has one operation at a time.
            path["slug"] = f"copy-{next(STOCK.numbers)}"
    if "operation" in path:
        path["operation"] = STOCK.operation()
    if "server" in path:
        # The one there is.
        path["server"] = "main"
    if "run" in path:
        path["run"] = STOCK.run()
    # Reading finds enough among the ids that Schemathesis knows from answers.
    if collection is None or case.method == "GET":
        return
    status = case.body.get("status") if isinstance(case.body, dict) else None
    if operation.endswith("_recover"):
        record = STOCK.deleted(collection)
    elif operation == "entity_transition" and status:
        record = STOCK.lot_before(status)
    elif operation == "user_update" and status in ("active", "disabled"):
        record = STOCK.guest()[0]
    else:
        record = STOCK.record(collection)
    path["id"] = record["id"]


def fill_version(operation, case, collection):
    """Gives the version the record is at; returns the record, if it is there."""
    headers = case.headers
    known = "If-None-Match" in headers and CALLS[operation] % 2
    if not known and "If-Match" not in headers and not isinstance(case.body, dict):
        return None
    record, version = STOCK.find(collection, case.path_parameters["id"])
    if version and "If-Match" in headers:
        headers["If-Match"] = version
    if version and known:
        headers["If-None-Match"] = version
    return record


def fill_parameters(operation, case):
    headers, query = case.headers, case.query
    key = headers.get("Idempotency-Key")
    if key is not None and is_repeated("any", key):
        headers["Idempotency-Key"] = f"key-{next(STOCK.numbers)}"
    if "cursor" in query:
        cursor = STOCK.cursor(case.path.rpartition("/")[2], query.get("sort"))
        if cursor:
            query["cursor"] = cursor
        else:
            del query["cursor"]
    if operation == "file_create" and "entity_id" in query:
        query["entity_id"] = STOCK.lot_id
    if operation == "event_stream":
        for place, name in ((query, "after"), (headers, "Last-Event-ID")):
            if str(place.get(name, "")).isdigit():
                place[name] = str(int(place[name]) % (STOCK.head() + 1))


def fill_migration(body):
    """Names tenants that are there, and percentages that ascend."""
    if "tenants" in body:
        body["tenants"] = [STOCK.tenant]
    if not set(str(body.get("canary", "1"))) <= set("0123456789%"):
        body["canary"] = STOCK.tenant
    if "waves" in body:
        body["waves"] = sorted(set(body["waves"]))
    # Blanks are no name.
    if "operator" in body and not body["operator"].strip():
        body["operator"] = "contract"


def fill_body(operation, body, record):
    if operation == "auth_login":
        body.update(STOCK.admin)
    elif operation == "auth_refresh":
        body["refresh_token"] = STOCK.refresh_token()
    elif operation == "auth_accept_invitation":
        body["token"] = STOCK.invited()[1]
    elif operation == "entity_transition":
        fill_transition(body, record)
    elif operation == "platform_operation_start":
        body.clear()
        body.update(kind="clone", source=STOCK.spare())
    elif operation == "platform_migration_start":
        fill_migration(body)
    for name in ("password", "new_password"):
        if operation != "auth_login" and len(set(body.get(name, "abc"))) < 3:
            body[name] = ("plants" + body[name])[: len(body[name])]
    kind = "tenant" if "slug" in body else operation.split("_")[0]
    for name in ("code", "email", "slug", *(["name"] if operation.startswith("role_") else [])):
        if name in body and operation != "auth_login" and is_repeated(f"{kind} {name}", body[name]):
            body[name] = f"again-{next(STOCK.numbers)}" + ("@contract.example" if name == "email" else "")
    if operation in ("trial_create", "platform_tenant_create"):
        letters = [c for c in body["organization"] if c.isascii() and c.isalnum()]
        if len(letters) < 3:
            body.setdefault("slug", f"again-{next(STOCK.numbers)}")
    if operation == "file_update" and "name" in body:
        body["name"] = f"contract-{next(STOCK.numbers)}.txt"
    if body.get("entity_id"):
        body["entity_id"] = STOCK.lot_id
    if body.get("location_id"):
        body["location_id"] = STOCK.site_id
    if operation in ("location_create", "location_update"):
        kind = body.get("kind", record.get("kind"))
        if kind == "site":
            body.pop("parent_id", None)
        elif operation == "location_create" or "parent_id" in body:
            body["parent_id"] = STOCK.site_id
    for name, there in (("locations", STOCK.site_id), ("roles", STOCK.role_id)):
        if name in body:
            body[name] = [there for _ in body[name]]
    started, ready = body.get("started_on"), body.get("ready_on")
    if started and ready and ready < started:
        body["started_on"], body["ready_on"] = ready, started


def fill_transition(body, record):
    if not body.keys() & {"status", "stage", "quantity_change"}:
        body["quantity_change"] = 1
    change, quantity = body.get("quantity_change", 0), record.get("quantity", 0)
    if not 0 <= quantity + change <= 1_000_000_000:
        body["quantity_change"] = -quantity if change < 0 else 1_000_000_000 - quantity
    body.setdefault("reason", "as the contract wants")


def is_repeated(field, value):
    """Whether the field, which must be unique, has had the value before."""
    value = (field, str(value).strip().lower())
    if value in SEEN:
        return True
    SEEN.add(value)
    return False
