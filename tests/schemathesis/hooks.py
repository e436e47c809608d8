"""What schemathesis does to requests before it sends them: now and then it puts a thing that there is
in the place of a made one, and for an officer it signs each request (design: the API's own description)."""

import base64
import hashlib
import itertools
import json
import os
import time

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

COUNT = itertools.count()
# By the name of a parameter, or by path and name, values that exist.
KNOWN = json.loads(os.environ["BLOCKFEED_KNOWN"])


def put_known(path, parameters):
    for name in parameters or {}:
        known = KNOWN.get(f"{path} {name}", KNOWN.get(name))
        value = json.dumps(parameters[name], sort_keys=True, default=str)
        # Three of four, always the same ones.
        pick = hashlib.sha256(value.encode()).digest()
        if known and pick[0] % 4:
            parameters[name] = known[pick[1] % len(known)]


@schemathesis.hook
def before_call(_context, case, _kwargs):
    put_known(case.operation.path, case.path_parameters)
    put_known(case.operation.path, case.query)
    # One key for all would have all but the first refused.
    if "Idempotency-Key" in (case.headers or {}) and next(COUNT) % 4:
        case.headers["Idempotency-Key"] = f"key-{os.getpid()}-{next(COUNT)}"


class Officer(requests.auth.AuthBase):
    def __init__(self, said):
        self.origin, self.id, self.key = said["origin"], said["officer"], said["key"]
        self.secret = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(said["secret"]))

    def __call__(self, request):
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        now = int(time.time())
        fields = ["blockfeed/request/v2", self.origin, request.method, request.path_url, str(now)]
        message = "\n".join([*fields, hashlib.sha256(body).hexdigest(), ""])
        signature = base64.b64encode(self.secret.sign(message.encode())).decode()
        request.headers["Authorization"] = f"Blockfeed {self.id} {self.key} {now} {signature}"
        return request


if "BLOCKFEED_OFFICER" in os.environ:
    schemathesis.auth.set_from_requests(Officer(json.loads(os.environ["BLOCKFEED_OFFICER"])))


@schemathesis.hook
def after_call(_context, case, response):
    with open(os.environ["BLOCKFEED_SEEN"], "a") as seen:
        seen.write(f"{case.method} {case.operation.path} {response.status_code}\n")
