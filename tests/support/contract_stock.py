"""What a contract run needs to be let in and to find something: records, people, sign-ins, tenants.

Everything is made through the API itself, when it is needed.
"""

import itertools
import json
import urllib.error
import urllib.request

PASSWORD = "contract of plants {}"
# The statuses on the way from `registered` to one from which each can be reached.
WAY_TO = {
    "registered": ["on_hold"],
    "processing": [],
    "ready": ["processing"],
    "completed": ["processing", "ready"],
    "archived": ["destroyed"],
    "on_hold": [],
    "destroyed": [],
}
COLLECTIONS = ["entities", "locations", "files", "roles", "users"]


class Stock:
    def __init__(self, ready):
        self.server = ready["base_url"]
        self.tenant = ready["tenant"]
        self.admin = {"email": ready["email"], "password": ready["password"]}
        self.token = ready["access_token"]
        self.platform_key = ready["platform_key"]
        self.numbers = itertools.count(1)
        self.own_id = self.call("GET", "me")["user"]["id"]
        self.role_id = self.record("roles")["id"]
        self.site_id = self.record("locations", kind="site")["id"]
        self.lot_id = self.record("entities")["id"]
        self._guest = self._spare = self._refresh = self._operation = self._run = None

    # Asking

    def request(self, method, path, body=None, token=None):
        """Body and headers of the answer; raises HTTPError if it is no success."""
        headers = {"authorization": f"Bearer {token or self.token}"}
        if body is not None:
            headers["content-type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            content = response.read()
            return json.loads(content) if content else None, response.headers

    def call(self, method, path, body=None, token=None):
        return self.request(method, f"/api/v1/{self.tenant}/{path}", body, token)[0]

    def platform(self, method, path, body=None):
        return self.request(method, f"/api/v1/platform/{path}", body, self.platform_key)[0]

    # Records

    def record(self, collection, **fields):
        """A new one that nothing else uses."""
        name = f"contract-{next(self.numbers)}"
        if collection == "files":
            return self.upload(f"{name}.txt")
        new = {
            "entities": {"code": name, "name": name, "type": "cutting", "quantity": 500},
            "locations": {"code": name, "name": name, "kind": "bed"},
            "roles": {"name": name, "grants": ["entity.read"]},
            "users": {"email": f"{name}@contract.example", "name": name},
        }[collection]
        new |= fields
        if collection == "locations" and new["kind"] != "site":
            new["parent_id"] = self.site_id
        made = self.call("POST", collection, new)
        return made.get("user", made)

    def upload(self, name):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/octet-stream"}
        url = f"{self.server}/api/v1/{self.tenant}/files?name={name}"
        request = urllib.request.Request(url, b"as the contract wants", headers, method="POST")
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def deleted(self, collection):
        record = self.record(collection)
        self.call("DELETE", f"{collection}/{record['id']}")
        return record

    def lot_before(self, status):
        """A lot that can go to `status`."""
        lot = self.record("entities")
        for step in WAY_TO[status]:
            step = {"status": step, "reason": "on the way"}
            self.call("POST", f"entities/{lot['id']}/transitions", step)
        return lot

    def find(self, collection, record_id):
        """The record and its version in quotes, or two Nones."""
        try:
            path = f"/api/v1/{self.tenant}/{collection}/{record_id}"
            record, headers = self.request("GET", path)
            return record, headers["etag"]
        except urllib.error.HTTPError:
            return None, None

    def cursor(self, collection, sort):
        path = f"{collection}?limit=1" + (f"&sort={sort}" if sort else "")
        return self.call("GET", path).get("next_cursor")

    def head(self):
        """The last position of the tenant's history."""
        return self.call("GET", "audit?limit=1")["items"][0]["position"]

    # People and sign-ins

    def invited(self):
        """A person and the token of their invitation."""
        email = f"guest-{next(self.numbers)}@contract.example"
        made = self.call("POST", "users", {"email": email, "name": "Guest", "roles": [self.role_id]})
        return made["user"], made["invitation"]["token"]

    def guest(self):
        """A person who has just signed in for the first time, with password and tokens."""
        user, token = self.invited()
        password = PASSWORD.format(next(self.numbers))
        accepted = {"token": token, "password": password}
        return user, password, self.call("POST", "auth/invitations", accepted)

    def sign_in(self):
        """Tokens of a sign-in of its own, of a person nobody else is."""
        if self._guest is None:
            user, password, _ = self.guest()
            self._guest = {"email": user["email"], "password": password}
        return self.call("POST", "auth/login", self._guest)

    def session_id(self, tokens):
        return self.call("GET", "me", token=tokens["access_token"])["session_id"]

    def refresh_token(self):
        if self._refresh is None:
            self._refresh = self.sign_in()["refresh_token"]
        return self._refresh

    def refreshed(self, tokens):
        """Takes note of the successor: the predecessor must not be used any more."""
        self._refresh = tokens["refresh_token"]

    # Tenants

    def spare(self, state=None):
        """The slug of a tenant that may be suspended, in the wanted state."""
        if self._spare is None:
            new = {
                "organization": "Spare", "slug": "contract-spare",
                "email": "spare@contract.example", "password": PASSWORD.format(0),
            }
            self._spare = self.platform("POST", "tenants", new)["slug"]
        if state is not None:
            step = {"active": "resume", "suspended": "suspend"}[state]
            self.platform("POST", f"tenants/{self._spare}/{step}")
        return self._spare

    def run(self):
        """The id of a run of migrations."""
        if self._run is None:
            self._run = self.platform("POST", "migrations", {"operator": "contract"})["id"]
        return self._run

    def operation(self):
        """The id of an operation on a tenant."""
        if self._operation is None:
            new = {"kind": "clone", "source": self.spare()}
            self._operation = self.platform("POST", "tenants/contract-copy/operations", new)["id"]
        return self._operation
