#!/usr/bin/env python3
"""How much longer it takes by way of a relay: 64 MiB to three receivers over a link of 100 Mbit/s, by multicast from a sender on their own switch, whose link
carries so much, and from one behind a router that forwards no multicast, by a relay, whose link to the router carries the same. In turn, in network
namespaces.

    cmake --preset release && cmake --build --preset release --target ardus_app
    cmake --preset dev && cmake --build --preset dev --target make_house
    bench/ardus/relay.py                    # --rounds 3 --mib 64 --link 100; needs root, or the right to make namespaces

Timed from the start of `ardus send`, which waits for three receivers, to its end, when it has a receipt of each."""
import argparse
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import time

from measured import add_programs, hosts


def programs(arguments):
    """One folder with both, as the tests want it."""
    folder = pathlib.Path("/run/bin")
    folder.mkdir()
    (folder / "ardus").symlink_to(arguments.ardus.resolve())
    (folder / "make_house").symlink_to(arguments.make_house.resolve())
    return folder


def measure(site, arguments, relayed):
    for folder in [site.root / "cache", *(site.into(number) for number in site.numbers)]:
        shutil.rmtree(folder, ignore_errors=True)
    link = ["root", "tbf", "rate", f"{arguments.link}mbit", "burst", "64kb", "latency", "50ms"]
    relay = site.relay() if relayed else None
    began = time.monotonic()
    if relayed:
        sender = site.sending()
    else:
        hosts.run("tc", "-n", "host0", "qdisc", "add", "dev", "eth0", *link)
        with (site.root / "sent").open("w") as out:
            sender = site.hosts.start(0, hosts_bin / "ardus", "send", site.album, "--state", site.root / "house/keeper", "--iface", "eth0", "--receivers", 3, "--json",
                                      "--rate", f"{arguments.link * 95 // 100}M", stdout=out, stderr=subprocess.DEVNULL)
    code = sender.wait(hosts.LONG)
    wall = time.monotonic() - began
    if relay:
        relay.terminate()
        relay.wait()
    else:
        hosts.run("tc", "-n", "host0", "qdisc", "delete", "dev", "eth0", "root")
    if code != 0:
        sys.exit(f"it ended with {code}")
    site.assert_received(*site.numbers)
    return wall


def main():
    global hosts_bin
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_programs(parser)
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--link", type=int, default=100, help="Mbit/s")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not hosts.enter_own_namespaces():
        sys.exit("no network namespaces can be made here")
    hosts_bin = programs(arguments)
    os.environ["GHOST_BIN"] = str(hosts_bin)
    import ardus_relay_test

    class Site(ardus_relay_test.Relayed):
        rate = f"{arguments.link}mbit"

        def runTest(self):
            (self.album / "x").write_bytes(random.Random(3).randbytes(arguments.mib << 20))
            for number in self.numbers:
                self.serve(number)
            direct, relayed = [], []
            for turn in range(arguments.rounds):
                direct.append(measure(self, arguments, relayed=False))
                relayed.append(measure(self, arguments, relayed=True))
                print(f"direct {direct[-1]:.2f} s, by the relay {relayed[-1]:.2f} s, load {os.getloadavg()[0]:.1f}", flush=True)
            print(f"medians: {statistics.median(direct):.2f} and {statistics.median(relayed):.2f} s: {statistics.median(relayed) / statistics.median(direct):.2f}")

    result = Site().run()
    for _, why in result.errors + result.failures:
        print(why, file=sys.stderr)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
