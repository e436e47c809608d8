#!/usr/bin/env python3
"""Opens idle long polls and says what they cost: HOST PORT METRICS_PORT PID COUNT."""

import asyncio
import sys
import time

HOST, PORT, METRICS, PID, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])


async def ask(port, path, source=None):
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=source)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    return reader, writer


async def whole(port, path):
    reader, writer = await ask(port, path)
    text = (await reader.read()).decode()
    writer.close()
    return text


def memory():
    with open(f"/proc/{PID}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def processor():
    with open(f"/proc/{PID}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def main():
    manifest = await whole(PORT, "/feeds/domains/manifest")
    serial = next(line.split()[1] for line in manifest.split("\r\n\r\n", 1)[1].splitlines() if line.startswith("serial "))
    before = memory()
    polls = []
    for start in range(0, COUNT, 500):
        # A source address has some 28,000 ports: several addresses of loopback are enough.
        of = [ask(PORT, f"/feeds/domains/manifest?after={serial}&wait=300", (f"127.0.0.{2 + start // 5000}", 0)) for _ in range(min(500, COUNT - start))]
        polls += await asyncio.gather(*of)
    waiting = 0
    for _ in range(100):
        figures = await whole(METRICS, "/metrics")
        waiting = next(int(line.split()[1]) for line in figures.splitlines() if line.startswith("blockfeed_http_long_polls "))
        if waiting >= COUNT:
            break
        await asyncio.sleep(0.2)
    after, used, began = memory(), processor(), time.monotonic()
    await asyncio.sleep(20)
    used = (processor() - used) / (time.monotonic() - began)
    began = time.monotonic()
    await whole(PORT, "/log/checkpoint")
    took = time.monotonic() - began
    answered = sum(reader._buffer != b"" or reader.at_eof() for reader, _ in polls)
    print(
        f"{waiting} long polls wait, {answered} ended early; {(after - before) / 1024:.0f} MiB more resident "
        f"({(after - before) * 1024 / max(waiting, 1):.0f} bytes each), {used * 100:.1f} % of a core while idle, another answer in {took * 1000:.1f} ms"
    )
    for _, writer in polls:
        writer.close()


asyncio.run(main())
