# Two officers at a running authority, for the drills: decisions at the speed that the authority takes them.
# Needs Python's `cryptography` (Debian: python3-cryptography). Two officers of the drill's own sign here; those of
# `init --demo-officers` work by the command line.
import base64, hashlib, http.client, json, os, random, shutil, signal, subprocess, sys, time
from urllib.parse import urlsplit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PASSPHRASE = os.environ.setdefault("BLOCKFEED_PASSPHRASE", "a passphrase of the drill")
PROGRAM = os.environ.get("BLOCKFEED", "target/debug/blockfeed")
WORDS = ["--category", "counterfeit", "--head", "counterfeit", "--goods", "cosmetics", "--method", "fake_brand_site",
         "--not-after", "+180d", "--basis-authority", "moit.e-commerce", "--basis-number", "12/QĐ-TMĐT",
         "--reasons", "A drill"]


def blockfeed(*arguments, check=True):
    """Runs the command and gives its JSON."""
    run = subprocess.run([PROGRAM, *arguments, "--json"], capture_output=True, text=True)
    if check and run.returncode:
        sys.exit(f"blockfeed {' '.join(arguments)}: {run.stderr}{run.stdout}")
    return json.loads(run.stdout) if run.stdout.strip().startswith(("{", "[")) else {"error": run.stderr}


def start(log, *arguments):
    """Starts the command in the background; gives the process and its first line."""
    out = open(log, "ab")
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=out)
    return process


def serve(data, port, log):
    """Serves a data directory, and waits until it is ready. Gives the process and the seconds that it took."""
    began = time.monotonic()
    process = start(log, "serve", "--config", f"{data}/blockfeed.toml", "--listen", f"127.0.0.1:{port}",
                    "--metrics", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--set", "serve.address_rate=0")
    if not process.stdout.readline().startswith(b"serving"):
        sys.exit(f"the authority doesn't serve; see {log}")
    return process, time.monotonic() - began


def stop(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait()


def rss(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def disk(path):
    total = 0
    for folder, _, files in os.walk(path):
        for file in files:
            try:
                total += os.lstat(os.path.join(folder, file)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total / 2**20


KEYS = {"o-9001": Ed25519PrivateKey.generate(), "o-9002": Ed25519PrivateKey.generate()}


def init(data):
    """Begins a log with the drill's officers beside the demonstration's."""
    public = lambda key: base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    officer = lambda key, role: {"unit": "moit", "roles": [role], "keys": {"k1": {"alg": "ed25519", "public": public(key)}}}
    officers = {name: officer(key, role) for (name, key), role in zip(KEYS.items(), ("propose", "approve"))}
    with open(f"{data}-officers.json", "w") as file:
        json.dump(officers, file)
    return blockfeed("init", "--origin", "drill.example/1", "--demo-officers", "--officers", f"{data}-officers.json",
                     "--data", data)


class Missing(RuntimeError):
    pass


class Conflict(RuntimeError):
    pass


class Desk:
    """o-9001 proposes, o-9002 approves; signatures are made here."""

    def __init__(self, url, keys):
        self.at, self.url = urlsplit(url), url
        self.files = keys
        self.template, self.http = None, None

    def by_command(self, *arguments, second="o-0042"):
        """A decision by the command line, which gives the form of the others."""
        made = blockfeed("propose", *arguments, *WORDS, "--server", self.url, "--officer", "o-0017",
                         "--key-file", f"{self.files}/o-0017.pem")
        blockfeed("approve", made["id"], "--yes", "--expect", made["body_sha256"], "--server", self.url,
                  "--officer", second, "--key-file", f"{self.files}/{second}.pem")
        self.number = int(made["id"].split("-")[1])
        return made["id"]

    def learn(self):
        made = blockfeed("show", self.by_command("first.example"), "--server", self.url)
        self.template = find(made, "submit_by")

    def ask(self, method, path, body=None, kind=None):
        for again in (True, False):
            try:
                if self.http is None:
                    self.http = http.client.HTTPConnection(self.at.netloc, timeout=60)
                self.http.request(method, path, body, {"Content-Type": kind} if kind else {})
                answer = self.http.getresponse()
                text = answer.read()
                if answer.status >= 300:
                    raise {404: Missing, 409: Conflict}.get(answer.status, RuntimeError)(f"{method} {path}: {answer.status} {text[:400]}")
                return json.loads(text)
            except (OSError, http.client.HTTPException):
                self.http = None
                if not again:
                    raise

    def list(self, names):
        """Lists names by two signatures. Gives the id when it is durable and published."""
        return self.submit(*self.listing(names))

    def revoke(self, decision):
        return self.submit(*self.revocation(decision))

    def listing(self, names):
        """A decision that lists names, and its parts; it has the next number."""
        part = "".join(f"domain:{n} +\n" for n in sorted(names)).encode()
        return self.decision({"parts": [reference(part) | {"count": len(names)}]}, [part], ())

    def revocation(self, decision):
        drop = ("category", "head", "goods", "method", "measures", "not_after", "bulk", "guard", "parts")
        return self.decision({"action": "revoke", "targets": [{"decision": decision}]}, [], drop)

    def decision(self, fields, parts, drop):
        text = b"A drill"
        self.number += 1
        fields |= {"id": f"{self.template['id'].split('-')[0]}-{self.number:06}", "submit_by": int(time.time()) + 86_400,
                   "reasons": reference(text)}
        return {k: v for k, v in (self.template | fields).items() if k not in drop}, parts + [text]

    def submit(self, body, parts):
        """Proposes and approves. May be tried again, the same to the byte: what was done before stands."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        form = [("body", canonical), ("approval", self.approval(body, canonical, "o-9001", "propose"))]
        edge = "drill" + hashlib.sha256(canonical).hexdigest()
        fields = form + [("part", part) for part in parts]
        upload = b"".join(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
                          for name, value in fields) + f"--{edge}--\r\n".encode()
        try:
            self.ask("POST", "/api/v1/proposals", upload, f"multipart/form-data; boundary={edge}")
            second = self.approval(body, canonical, "o-9002", "approve")
            done = self.ask("POST", f"/api/v1/proposals/{body['id']}/approvals", second, "application/json")
            assert done["status"] == "committed", done
        except Conflict:
            # Proposed, or in the log, already.
            if not self.stands(body["id"]):
                second = self.approval(body, canonical, "o-9002", "approve")
                self.ask("POST", f"/api/v1/proposals/{body['id']}/approvals", second, "application/json")
        return body["id"]

    def stands(self, decision):
        """Whether the log has a decision."""
        try:
            return bool(self.ask("GET", f"/api/v1/decisions/{decision}"))
        except Missing:
            return False

    def approval(self, body, canonical, officer, role):
        digest = hashlib.sha256(canonical).hexdigest()
        message = f"blockfeed/approval/v1\n{body['origin']}\n{body['id']}\n{role}\n{officer}\nk1\n{digest}\n"
        sig = base64.b64encode(KEYS[officer].sign(message.encode())).decode()
        return json.dumps({"officer": officer, "key": "k1", "role": role, "alg": "ed25519", "sig": sig}).encode()


def reference(part):
    return {"sha256": hashlib.sha256(part).hexdigest(), "length": len(part)}


def find(document, key):
    """The first object in a document that has this key."""
    if isinstance(document, dict):
        if key in document:
            return document
        document = list(document.values())
    for below in document if isinstance(document, list) else []:
        found = find(below, key)
        if found:
            return found
    return None


def free_port():
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
