#!/usr/bin/env python3
# The database is lost: a backup is taken under load, decisions go on, the authority is killed and its directory
# deleted but for the published files (put them on another disk). Restore takes the backup and, from those files,
# everything that was acknowledged since: loss has to be 0. Beside it the same from a mirror alone, as if the published
# files had gone with the machine: a mirror follows within a second, and what it didn't have yet is lost.
#
#   BLOCKFEED=target/release/blockfeed deploy/drills/restore.py [NAMES, 1000000 by default]
#
# Prints a table; ends with 1 if anything acknowledged is lost or the audit doesn't pass.
import os, signal, sys, tempfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from desk import *

names = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
work = tempfile.mkdtemp(prefix="blockfeed-drill-")
data, log, port = f"{work}/data", f"{work}/log", free_port()
rows = []
def row(what, value):
    rows.append((what, value))
    print(f"{what:58} {value}", flush=True)

running = []
try:
    init(data)
    shutil.copytree(f"{data}/keys", f"{work}/keys")
    authority, _ = serve(data, port, log)
    running.append(authority)
    url = f"http://127.0.0.1:{port}"
    desk = Desk(url, f"{work}/keys")
    desk.learn()
    with open(f"{work}/names", "w") as file:
        file.writelines(f"shop{n:07}.vn{n % 997:03}.example\n" for n in range(names))
    began = time.monotonic()
    desk.by_command("--file", f"{work}/names", "--bulk", second="o-0007")
    row(f"{names} names proposed and approved by the command line", f"{time.monotonic() - began:.1f} s")
    mirror = start(log, "mirror", "--source", url, "--to", f"{work}/mirror", "--trust-on-first-use",
                   "--set", "mirror.poll_seconds=1")
    running.append(mirror)
    began = time.monotonic()
    while not os.path.exists(f"{work}/mirror/feeds/domains/manifest"):
        time.sleep(0.2)
    row("the mirror has verified and copied all of it after", f"{time.monotonic() - began:.1f} s")

    acknowledged, failed, go_on = [], [], threading.Event()
    def load():
        n = 0
        while not go_on.is_set():
            n += 1
            try:
                at = time.monotonic()
                desk.list([f"load{n:06}.example"])
                acknowledged.append((f"load{n:06}.example", time.monotonic() - at))
            except Exception as error:
                # The last one is cut off with the machine: it was never acknowledged.
                failed.append(error)
                return
    loading = threading.Thread(target=load)
    loading.start()
    time.sleep(5)
    if failed:
        sys.exit(f"the load failed: {failed[0]}")
    quiet = [seconds for _, seconds in acknowledged]
    began, before = time.monotonic(), len(acknowledged)
    made = blockfeed("backup", "--data", data, "--to", f"{work}/backup.tar.zst", "--with-keys")
    took = time.monotonic() - began
    during = [seconds for _, seconds in acknowledged[before:]] or [0]
    row("backup under load", f"{took:.1f} s, {made['bytes'] / 2**20:.0f} MiB in {made['files']} files, "
        f"{os.path.getsize(f'{work}/backup.tar.zst') / 2**20:.0f} MiB packed")
    row("  decisions meanwhile; slowest then; slowest before", f"{len(during)}; {max(during):.2f} s; {max(quiet):.2f} s")
    size = lambda folder: int(open(f"{folder}/log/checkpoint").read().split("\n")[1])
    began = time.monotonic()
    while size(f"{work}/mirror") <= made["size"] and time.monotonic() - began < 300:
        time.sleep(0.2)
    row("the mirror was past the backup after", f"{time.monotonic() - began:.1f} s")
    time.sleep(10)
    row("leaves published, and mirrored, at the kill", f"{size(f'{data}/public')}, {size(f'{work}/mirror')}")
    authority.send_signal(signal.SIGKILL)
    authority.wait()
    go_on.set()
    loading.join()
    time.sleep(3)
    stop(mirror)
    shutil.move(f"{data}/public", f"{work}/public")
    shutil.rmtree(data)
    row("killed, its directory deleted; acknowledged under load", f"{len(acknowledged)}")
    refused = blockfeed("restore", f"{work}/backup.tar.zst", "--data", data, "--published", f"{work}/mirror", check=False)
    assert "older than what was published" in refused["error"], refused
    row("the backup alone is refused", "\"" + refused["error"].strip().removeprefix("blockfeed: ")[:60] + "…\"")
    from_mirror = blockfeed("restore", f"{work}/backup.tar.zst", "--data", f"{data}-other", "--tail-from", f"{work}/mirror")
    began = time.monotonic()
    put_back = blockfeed("restore", f"{work}/backup.tar.zst", "--data", data, "--tail-from", f"{work}/public")
    row("restore with the tail from the published files", f"{time.monotonic() - began:.1f} s, size {put_back['backup_size']} to "
        f"{put_back['size']}, {len(put_back['recovered'])} decisions came back")
    authority, seconds = serve(data, port, log)
    running.append(authority)
    short = set(put_back["recovered"]) - set(from_mirror["recovered"])
    row("  from the mirror alone", f"{from_mirror['seconds']:.1f} s, {len(from_mirror['recovered'])} came back; {len(short)} weren't mirrored yet")
    row("it serves again after", f"{seconds:.1f} s")
    http_desk = Desk(url, f"{work}/keys")
    listed = lambda name: http_desk.ask("GET", f"/api/v1/lookup?q={name}")["holds"]
    lost = [name for name, _ in acknowledged if not listed(name)]
    row("acknowledged and lost, with the published files", f"{len(lost)}")
    began = time.monotonic()
    audit = blockfeed("audit", url, "--seen", f"{work}/mirror/log/checkpoint", "--session", put_back["session"])
    row("audit, held against the mirror's checkpoint", f"{'passes' if audit['holds'] else audit}, {time.monotonic() - began:.1f} s")
    if lost or not audit["holds"]:
        sys.exit(1)
finally:
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
    if not os.environ.get("KEEP"):
        shutil.rmtree(work, ignore_errors=True)
