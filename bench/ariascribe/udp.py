#!/usr/bin/env python3
"""Look-ups over UDP on loopback, one after the other: how long from a title sent to its answer (docs/spec/ariascribe.md §9), beside a raw echo
of the same datagrams in the same run, by turns.

    cmake --preset release && cmake --build --preset release --target ariascribe_app
    bench/ariascribe/udp.py                  # 20,000 look-ups; --json

Titles are the repertoire's own works as people write them, each asked once in a round. Client and echo are Python: their share is in both."""
import argparse
import json
import multiprocessing
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from library import ROOT, repertoire  # noqa: E402

IDENTIFY = 0xABF4D163


def datagrams(count):
    dice = random.Random(2114)
    works = list(repertoire())
    for number in range(count):
        composer, work, movements = dice.choice(works)
        surname = composer.split()[-1]
        title = f"{surname}: {work}" if dice.random() < 0.5 else work
        if movements and dice.random() < 0.6:
            title += f": {dice.choice(movements)}"
        body = b"".join(struct.pack("<H", len(text)) + text for text in (each.encode() for each in (title, composer if dice.random() < 0.3 else "", "", "")))
        yield (struct.pack("<4sBBHIQ", b"b2u1", 1, 1, 0, IDENTIFY, number) + body).ljust(512, b"\0")


def echo(at):
    while True:
        datagram, peer = at.recvfrom(2048)
        at.sendto(datagram, peer)


def measure(address, calls):
    times, answered = [], 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(address)
        for call in calls:
            began = time.perf_counter_ns()
            client.send(call)
            answer = client.recv(2048)
            times.append((time.perf_counter_ns() - began) / 1000)
            answered += answer[12:20] == call[12:20] and answer[6:8] == b"\0\0"
    times.sort()
    return {"count": len(times), "answered": answered, **{f"p{share}": times[int((len(times) - 1) * share / 100)] for share in (50, 90, 99)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ariascribe", type=pathlib.Path, default=ROOT / "build/release/bin/ariascribe")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    calls = list(datagrams(arguments.count))
    with tempfile.TemporaryDirectory() as state, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echoing:
        echoing.bind(("127.0.0.1", 0))
        echoer = multiprocessing.Process(target=echo, args=(echoing,), daemon=True)
        echoer.start()
        server = subprocess.Popen([arguments.ariascribe, "serve", "--state", state, "--listen", "127.0.0.1:0", "--log", "info"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in server.stdout:
                if found := re.search(r"listening.*127\.0\.0\.1:(\d+)", line):
                    port = int(found[1])
                    break
            else:
                sys.exit("ariascribe serve did not say where it listens")
            threading.Thread(target=server.stdout.read, daemon=True).start()
            measure(("127.0.0.1", port), calls[:500])  # its first pages are read
            for name, address in (("raw echo", echoing.getsockname()), ("ariascribe", ("127.0.0.1", port)), ("raw echo again", echoing.getsockname())):
                row = {"v": 1, "event": "row", "what": name, **measure(address, calls)}
                print(json.dumps(row) if arguments.json else f"{name:16} median {row['p50']:6.0f} us  p90 {row['p90']:6.0f} us  p99 {row['p99']:6.0f} us   {row['answered']} of {row['count']} answered", flush=True)
            if arguments.json:
                print(json.dumps({"v": 1, "event": "summary", "count": arguments.count}))
        finally:
            echoer.terminate()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
