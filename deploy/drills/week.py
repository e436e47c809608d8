#!/usr/bin/env python3
# A week in less than an hour: decisions by four hands, compactions, rotations of the log and feed key and of a token,
# restarts by signal and by SIGKILL, a mirror that is lost and comes back, a backup a day, agents of three ages.
# The hands take back their oldest decision as soon as a day's worth stands, so that from the second day on the set in
# force is as long as it was, and what grows is what grows with the log.
#
#   BLOCKFEED=target/release/blockfeed deploy/drills/week.py [DECISIONS, 10000 by default] [SECONDS A DAY AT LEAST, 185]
#
# Prints a line a day: memory of authority and mirror (anonymous pages: what a process holds itself), disk of database,
# published files and mirror, the size of the log at which the zones' base stands, the slowest start. Compactions lie 180
# seconds apart at least, hence the least length of a day. Ends with 1 where an agent isn't well, a token works that
# shouldn't or the other way round, the base never moved, anything acknowledged is lost, or the audit doesn't pass.
import os, queue, signal, sys, tempfile, threading, time, urllib.error, urllib.request
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import *

decisions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
least = float(sys.argv[2]) if len(sys.argv) > 2 else 185
work = os.environ.get("WORK") or tempfile.mkdtemp(prefix="blockfeed-week-")
data, log, keys, mirrored = (f"{work}/{name}" for name in ("data", "log", "keys", "mirror"))
port, mirror_port = free_port(), free_port()
url, mirror_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{mirror_port}"
running, events, failures, slowest = [], [], [], 0.0

def event(text):
    events.append(text)

class Numbers:
    """Ids are allotted by one hand."""
    def __init__(self, first):
        self.next, self.lock = first, threading.Lock()
    def take(self):
        with self.lock:
            self.next += 1
            return self.next - 1

def hand(desk, numbers, orders, done):
    """Lists, and takes back its oldest once it has enough; tries again what a restart broke off."""
    mine = []
    while (n := orders.get()) is not None:
        desk.number = numbers.take() - 1
        takes_back = len(mine) >= decisions / 28
        made = desk.revocation(mine[0]) if takes_back else desk.listing([f"d{n:05}x{i}.example" for i in range(1 + n % 20)])
        began = time.monotonic()
        while True:
            try:
                desk.submit(*made)
                break
            except Exception as error:
                if time.monotonic() - began > 300:
                    failures.append(f"decision {made[0]['id']}: {error}")
                    break
                time.sleep(0.3)
        mine.pop(0) if takes_back else mine.append(made[0]["id"])
        done.append(n)

def start_mirror():
    process = start(log, "mirror", "--source", url, "--to", mirrored, "--trust-on-first-use", "--listen",
                    f"127.0.0.1:{mirror_port}", "--set", "mirror.poll_seconds=5")
    running.append(process)
    return process

def agent(name):
    """One round of an agent that asks the mirror first, then the authority."""
    report = blockfeed("agent", "once", "--trust-on-first-use", "--state", f"{work}/{name}", "--output",
                       f"domains:txt:{work}/{name}.txt", "--source", mirror_url, "--source", url, check=False)
    feed = report.get("feeds", {}).get("domains", {})
    if not feed.get("current"):
        failures.append(f"agent {name}: {str(report)[:600]}")
    return feed

def trust(version, *change):
    """A new trust document: drafted, signed by two root keys, submitted."""
    draft = f"{work}/trust-{version}.json"
    blockfeed("trust", "draft", "--server", url, "--out", draft, *change)
    for root in "ab":
        blockfeed("trust", "sign", draft, "--root", root, "--key-file", f"{keys}/root-{root}.pem")
    blockfeed("trust", "submit", draft, "--server", url)

def rotate(which, version):
    """Names a new online key, signs with it from the next start on, and takes the old one out."""
    made = blockfeed("officer", "new", "--officer", "o-0001", "--unit", "moit", "--role", "propose",
                     "--out", f"{work}/{which}-new.pem")
    public = find(made, "public")["public"]
    old = blockfeed("trust", "show", "--server", url)
    old = find(old, which)[which][0]["public"]
    trust(version, f"--{which}-key", public)
    os.replace(f"{work}/{which}-new.pem", f"{data}/keys/{which}.pem")
    restart(signal.SIGTERM)
    trust(version + 1, "--remove-online-key", old)
    event(f"{which} key rotated")

def subscriber(*arguments):
    return blockfeed("subscriber", *arguments, "--server", url, "--officer", "o-0017", "--key-file", f"{keys}/o-0017.pem")

def token():
    made = subscriber("token", "isp-one")
    return find(made, "id")["id"], made["secret"]

def opens(secret):
    """Whether a token is taken."""
    ask = urllib.request.Request(f"{url}/api/v1/standing", headers={"Authorization": f"Bearer {secret}"})
    try:
        return urllib.request.urlopen(ask, timeout=30).status == 200
    except urllib.error.HTTPError as error:
        return error.code not in (401, 403) and error

def rotate_token(old):
    """A second token, then the first one's end: what the subscriber uses is taken all the while."""
    new = token()
    both = [opens(secret) for _, secret in (old, new)]
    subscriber("revoke", "isp-one", old[0])
    seen = both + [opens(secret) for _, secret in (old, new)]
    event("token rotated")
    if seen != [True, True, False, True]:
        failures.append(f"token: old and new before, old and new after the old one's end: {seen}")
    return new

def restart(how):
    global authority, slowest
    stop(authority, how)
    authority, seconds = serve(data, port, log)
    running.append(authority)
    slowest = max(slowest, seconds)
    event(how.name)

def compact():
    """Asks for a compaction, and again until the last one is long enough ago. One made by itself is none the less one."""
    began, before = time.monotonic(), base()
    while base() == before:
        said = blockfeed("compact", "--server", url, "--officer", "o-0007", "--key-file", f"{keys}/o-0007.pem", check=False)
        if "committed" in said:
            return event("compacted")
        if time.monotonic() - began > least:
            return event("not compacted")
        time.sleep(2)
    event("compacted by itself")

def published(source):
    """The manifest's serial and its state leaf."""
    text = urllib.request.urlopen(f"{source}/feeds/domains/manifest", timeout=30).read().decode()
    fields = dict(line.split(" ", 1) for line in text.split("\n") if " " in line)
    return int(fields["serial"]), json.loads(base64.b64decode(fields["state"]))

def base():
    return published(url)[1]["base"]

def mirrored_all():
    """Waits until the mirror shows what the authority does; gives the seconds."""
    began = time.monotonic()
    while published(mirror_url)[0] < published(url)[0]:
        if time.monotonic() - began > 300:
            failures.append("the mirror doesn't come to the authority's serial")
            break
        time.sleep(0.2)
    return time.monotonic() - began

def anonymous(process):
    """MiB that a process holds itself: no file's pages."""
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))

try:
    init(data)
    shutil.copytree(f"{data}/keys", keys)
    authority, _ = serve(data, port, log)
    running.append(authority)
    first = Desk(url, keys)
    first.learn()
    mirror = start_mirror()
    subscriber("add", "isp-one", "--feed", "domains")
    secret, bases = token(), {base()}
    numbers, orders, done = Numbers(first.number + 1), queue.Queue(maxsize=8), []
    hands = []
    for _ in range(4):
        desk = Desk(url, keys)
        desk.template = first.template
        hands.append(threading.Thread(target=hand, args=(desk, numbers, orders, done), daemon=True))
        hands[-1].start()
    print(f"{'day':3} {'decisions':>9} {'a second':>8} {'authority':>10} {'mirror':>8} {'db':>8} {'public':>8} {'mirror':>8} "
          f"{'entries':>8} {'base':>6} {'start':>6}  what happened", flush=True)
    began_all = time.monotonic()
    for day in range(1, 8):
        began, before = time.monotonic(), len(done)
        share = range((day - 1) * decisions // 7, day * decisions // 7)
        for n in share:
            orders.put(n)
            if n == share[len(share) // 3]:
                if day == 2:
                    stop(mirror, signal.SIGKILL)
                    event("mirror lost")
                if day == 3:
                    mirror = start_mirror()
                    event("mirror back")
                if day in (4, 6):
                    restart(signal.SIGKILL)
            if n == share[len(share) // 2] and day != 2:
                agent("daily")
            if n % max(1, decisions // 60) == 0:
                agent("often")
        while len(done) < share[-1] + 1:
            time.sleep(0.05)
        rate = (len(done) - before) / (time.monotonic() - began)
        if day == 3:
            rotate("log", 2)
        if day == 5:
            rotate("feed", 4)
        if day in (2, 6):
            secret = rotate_token(secret)
        restart(signal.SIGTERM)
        time.sleep(max(0, least - (time.monotonic() - began)))
        compact()
        bases.add(base())
        backup = f"{work}/backup-{day}.tar.zst"
        blockfeed("backup", "--data", data, "--to", backup)
        if mirror.poll() is None:
            mirrored_all()
        feed = agent("often")
        print(f"{day:3} {len(done):9} {rate:8.1f} {anonymous(authority):6.0f} MiB "
              f"{anonymous(mirror) if mirror.poll() is None else 0:4.0f} MiB {disk(data + '/db'):4.0f} MiB "
              f"{disk(data + '/public'):4.0f} MiB {disk(mirrored):4.0f} MiB {feed.get('entries', 0):8} {max(bases):6} "
              f"{slowest:4.1f} s  {'; '.join(events)}", flush=True)
        slowest = 0.0
        events.clear()
    for _ in hands:
        orders.put(None)
    mirrored_all()
    reports = [agent(name) for name in ("often", "daily", "new")]
    # Lines that begin with # say when the list was signed, which a heartbeat between two agents changes.
    texts = {tuple(line for line in open(f"{work}/{name}.txt") if line[0] != "#") for name in ("often", "daily", "new")}
    print(f"agents of three ages: {[r.get('entries') for r in reports]} entries, {'the same file' if len(texts) == 1 else 'DIFFERENT FILES'}")
    audit = blockfeed("audit", url)
    report = audit.get("report", {})
    print(f"audit {'passes' if audit['holds'] else audit}: {report.get('size')} leaves, decisions {report.get('decisions')}, "
          f"trust version {report.get('trust_version')}; mirror: {'passes' if blockfeed('audit', mirror_url)['holds'] else 'FAILS'}")
    made = sum(report["decisions"].values()) - 1
    print(f"{made} decisions in {time.monotonic() - began_all:.0f} s; {len(done) - made} of {len(done)} acknowledged are missing")
    print(f"the base stood at {sorted(bases)}")
    if failures or len(bases) < 3 or made != len(done) or len(texts) != 1 or not audit["holds"]:
        print(*failures, sep="\n")
        sys.exit(1)
finally:
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
    if not os.environ.get("KEEP") and not os.environ.get("WORK"):
        shutil.rmtree(work, ignore_errors=True)
