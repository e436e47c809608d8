"""What schemathesis does to requests before it sends them: now and then it puts a thing that there is
in the place of a made one, and for an officer it signs each request (design: the API's own description)."""

import base64
import hashlib
import json
import os
import time

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# By the name of a parameter, values that exist.
KNOWN = json.loads(os.environ["BLOCKFEED_KNOWN"])


def some_known(_context, parameters):
    for name in parameters or {}:
        value = json.dumps(parameters[name], sort_keys=True, default=str)
        # Half of them, always the same ones.
        pick = hashlib.sha256(value.encode()).digest()
        if name in KNOWN and pick[0] % 2:
            parameters[name] = KNOWN[name][pick[1] % len(KNOWN[name])]
    return parameters


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return some_known(context, path_parameters)


@schemathesis.hook
def map_query(context, query):
    return some_known(context, query)


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
