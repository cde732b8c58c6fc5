#!/usr/bin/env python3
"""The real sender over real sockets to 64 receivers, network namespaces on one bridge: 8 MiB over a link of 20 Mbit/s (tbf at the sender's
interface), without loss and with each receiver losing 5 % of what comes.

    cmake --preset release && cmake --build --preset release --target ardus_app
    cmake --preset dev && cmake --build --preset dev --target make_house
    bench/ardus/sixty_four.py               # --json for a line a run; needs root, or the right to make namespaces

Timed from the start of `ardus send` to its end, when it has a receipt of every receiver; of that, what the sender says of itself, too. Wire: bytes
that left the sender's interface, Ethernet headers included, over file bytes."""
import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from measured import add_programs, hosts

LONG = 600  # seconds


def serve(arguments, them, folder, number):
    log = folder / f"log{number}"
    out = log.open("w")
    # Of all namespaces together the kernel remembers 1,024 neighbours: the receivers need not find each other.
    words = [arguments.ardus, "serve", "--discovery", "off", "--state", folder / "states" / f"r{number}", "--listen", f"{them.address(number)}:1117", "--iface", "eth0",
             "--into", folder / f"in{number}"]
    return log, them.start(number, *words, stdout=out, stderr=out)


def run(arguments, folder, content, loss):
    them = hosts.Hosts(arguments.receivers + 1, loss=loss)
    try:
        limit = f"tc qdisc add dev eth0 root tbf rate {arguments.rate} burst 32kb latency 50ms"
        hosts.run("ip", "netns", "exec", them.names[0], *limit.split())
        served = [serve(arguments, them, folder, number) for number in range(1, arguments.receivers + 1)]
        end = time.monotonic() + LONG
        while not all("receiving" in log.read_text() for log, _ in served):
            if time.monotonic() > end:
                sys.exit("not all receivers began")
            time.sleep(0.2)
        before = them.sent(0)[0]
        began = time.monotonic()
        sender = them.start(0, arguments.ardus, "send", content, "--state", folder / "states" / "keeper", "--iface", "eth0", "--receivers", arguments.receivers,
                            "--json", *(["--rate", arguments.fixed] if arguments.fixed else []), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said, _ = sender.communicate(timeout=LONG)
        wall = time.monotonic() - began
        wire = (them.sent(0)[0] - before) / content.stat().st_size
        lines = [json.loads(line) for line in said.splitlines()]
        last = lines[-1]
        streaming = [line["seconds"] for line in lines if line.get("phase") == "streaming"]
        for _, process in served:
            process.send_signal(signal.SIGTERM)
            process.wait()
        equal = sum((folder / f"in{number}" / content.name).read_bytes() == content.read_bytes() for number in range(1, arguments.receivers + 1))
        return {"loss": loss, "receivers": arguments.receivers, "wall": round(wall, 2), "seconds": last.get("seconds"),
                "from_first_data": round(last["seconds"] - streaming[0], 2) if streaming else None, "wire": round(wire, 4), "code": sender.returncode,
                "verified": sum(r["state"] == "verified" for r in last.get("receivers", [])), "equal": equal, "load": os.getloadavg()[0]}
    finally:
        them.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_programs(parser)
    parser.add_argument("--receivers", type=int, default=64)
    parser.add_argument("--rate", default="20mbit", help="of the sender's link, as tc has it")
    parser.add_argument("--fixed", help="ardus --rate; by default it finds its rate")
    parser.add_argument("--loss", type=float, nargs="*", default=[0.0, 0.05])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.ardus = arguments.ardus.resolve()
    if not hosts.enter_own_namespaces():
        sys.exit("no network namespaces can be made here")
    house = pathlib.Path("/run/sixty-four")
    for loss in arguments.loss:
        folder = house / str(loss)
        folder.mkdir(parents=True)
        members = [f"r{number}=listen" for number in range(1, arguments.receivers + 1)]
        subprocess.run([arguments.make_house.resolve(), folder / "states", "keeper", *members], check=True, stdout=subprocess.DEVNULL)
        content = folder / "image"
        content.write_bytes(random.Random(17).randbytes(8 << 20))
        row = run(arguments, folder, content, loss)
        print(json.dumps(row) if arguments.json else f"{row['receivers']} receivers, {loss * 100:g} % loss: {row['wall']} s ({row['from_first_data']} s from the first data), "
              f"{row['wire']} bytes on the wire per byte, {row['verified']} verified, {row['equal']} equal, load {row['load']:.1f}", flush=True)


if __name__ == "__main__":
    main()
