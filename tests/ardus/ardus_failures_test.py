#!/usr/bin/env python3
"""What other tools fail at, each with hosts of its own on a switch of its own, some at a time since most of it is waiting: stalled, deaf, unplugged and
aborting machines, damaged datagrams, and a switch that forgets who is in the group. Where no namespaces can be made it says so and ends."""
import concurrent.futures
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import hosts
from hosts import LONG, until

BIN = pathlib.Path(os.environ["GHOST_BIN"])
STALL = 5.0  # seconds
SIDE_BY_SIDE = 8


class Hosted(unittest.TestCase):
    """A sender and receivers, each on a host of its own."""
    receivers = 2
    switch = ()
    mtu = 1500
    ips = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ghost-ardus-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.numbers = range(1, self.receivers + 1)
        made = subprocess.run([str(BIN / "make_house"), str(self.root), "keeper", *(f"r{number}=listen" for number in self.numbers)], capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.hosts = hosts.Hosts(self.receivers + 1, switch=self.switch, mtu=self.mtu, ips=self.ips)
        self.addCleanup(self.hosts.close)
        self.album = self.root / "album"
        self.album.mkdir()

    def content(self, megabytes):
        self.album.joinpath("x").write_bytes(random.Random(self.id()).randbytes(megabytes * 1_000_000))

    def log(self, number):
        log = self.root / f"log{number}"
        return log.read_text() if log.exists() else ""

    def into(self, number):
        return self.root / f"in{number}"

    def serve(self, number, *words):
        with (self.root / f"log{number}").open("a") as log:
            process = self.hosts.start(number, BIN / "ardus", "serve", "--state", self.root / f"r{number}", "--listen", "127.0.0.1:1117", "--listen",
                                       f"{self.hosts.address(number)}:1117", "--iface", "eth0", "--into", self.into(number), *words, stdout=log, stderr=log)
        until(lambda: "ardus: receiving" in self.log(number) or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log(number))
        return process

    def sending(self, *words, json_too=True, receivers=None):
        out, err = (self.root / "sent").open("w+"), (self.root / "said").open("w+")
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        process = self.hosts.start(0, BIN / "ardus", "send", self.album, "--state", self.root / "keeper", "--iface", "eth0", "--receivers", receivers or self.receivers,
                                   *(["--json"] if json_too else []), *words, stdout=out, stderr=err)
        process.out, process.err = out, err
        return process

    def said(self, sender):
        for file in (sender.out, sender.err):
            file.seek(0)
        return sender.out.read(), sender.err.read()

    def ended(self, sender, code):
        try:
            sender.wait(LONG)
        except subprocess.TimeoutExpired:
            sender.kill()
            sender.wait()
        out, err = self.said(sender)
        self.assertEqual(sender.returncode, code, err + out[-2000:] + "".join(self.log(number) for number in self.numbers))
        return json.loads(out.splitlines()[-1])

    def staged(self, number):
        """The share of the content a receiver has noted in its journal: 8 bytes for each chunk of some 64 KiB."""
        journals = self.into(number).glob(".ardus/*/journal")
        return sum(journal.stat().st_size for journal in journals) / 8 * 65536 / (self.album / "x").stat().st_size

    def under_way(self, sender):
        until(lambda: all(self.staged(number) > 0 for number in self.numbers) or sender.poll() is not None)
        self.assertIsNone(sender.poll(), "it was over before anything could go wrong")

    def verified(self, number):
        return "outcome=verified" in self.log(number)

    def assert_received(self, *numbers):
        for number in numbers:
            self.assertEqual((self.into(number) / "album/x").read_bytes(), (self.album / "x").read_bytes(), f"receiver {number}")

    def states(self, summary):
        return {receiver["name"]: receiver["state"] for receiver in summary["receivers"]}


class Failures(Hosted):
    def test_a_receiver_that_is_stopped_for_a_while_holds_up_nobody_and_gets_its_copy(self):
        self.content(16)
        stopped, _ = self.serve(1), self.serve(2)
        sender = self.sending("--rate", "40M")
        self.under_way(sender)
        stopped.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        until(lambda: self.verified(2))
        self.assertIsNone(sender.poll())
        time.sleep(max(0.0, began + STALL - time.monotonic()))
        stopped.send_signal(signal.SIGCONT)
        self.ended(sender, 0)
        self.assert_received(1, 2)

    def test_a_receiver_that_is_stopped_again_and_again_holds_up_nobody(self):
        self.content(16)
        flapping, _ = self.serve(1), self.serve(2)
        sender = self.sending("--rate", "40M")
        self.under_way(sender)
        while not self.verified(2):
            for what in (signal.SIGSTOP, signal.SIGCONT):
                flapping.send_signal(what)
                time.sleep(0.4)
        self.ended(sender, 0)
        self.assert_received(1, 2)

    def test_a_receiver_that_is_deaf_for_a_while_gets_its_copy(self):
        self.content(16)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "40M")
        self.under_way(sender)
        hosts.run("ip", "link", "set", "port1", "down")
        began = time.monotonic()
        until(lambda: self.verified(2))
        time.sleep(max(0.0, began + STALL - time.monotonic()))
        hosts.run("ip", "link", "set", "port1", "up")
        self.ended(sender, 0)
        self.assert_received(1, 2)

    def test_a_sender_that_stalls_goes_on_where_it_was(self):
        self.content(16)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "40M")
        self.under_way(sender)
        sender.send_signal(signal.SIGSTOP)
        time.sleep(STALL)
        sender.send_signal(signal.SIGCONT)
        self.ended(sender, 0)
        self.assert_received(1, 2)

    def test_an_unplugged_receiver_is_told_in_the_table_and_is_no_success(self):
        self.content(16)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "40M", "--patience", "2s", json_too=False)
        self.under_way(sender)
        hosts.run("ip", "link", "set", "port1", "down")
        self.assertEqual(sender.wait(LONG), 3)
        out, err = self.said(sender)
        self.assertIn("1 of 2 receivers hold a verified copy", err)
        self.assertRegex(out, r"(?m)^r1 +\S+ +(failed|silent) .*not heard of for \d+ s")
        self.assertRegex(out, r"(?m)^r2 +\S+ +verified ")
        self.assert_received(2)
        self.assertFalse((self.into(1) / "album").exists())

    def test_a_receiver_that_aborts_is_told_in_the_table_and_is_no_success(self):
        self.content(16)
        self.serve(2)
        with (self.root / "log1").open("w") as log:
            aborting = self.hosts.start(1, BIN / "ardus", "receive", "--state", self.root / "r1", "--iface", "eth0", "--into", self.into(1), stdout=log, stderr=log)
        sender = self.sending("--rate", "40M", "--patience", "2s")
        self.under_way(sender)
        aborting.send_signal(signal.SIGINT)
        summary = self.ended(sender, 3)
        self.assertEqual(self.states(summary)["r2"], "verified")
        self.assertIn(self.states(summary)["r1"], ("failed", "silent"))
        self.assertEqual(aborting.wait(LONG), 130)
        self.assertFalse((self.into(1) / "album").exists())

    def test_a_connection_that_goes_dead_while_it_joins_is_given_up_for_another(self):
        self.content(48)  # whose manifest is small enough to come by the connection
        for number in self.numbers:
            self.serve(number, "--log", "debug")
        # The first connection from the sender brings TLS and a part of the manifest, and then nothing more.
        hosts.run("ip", "netns", "exec", self.hosts.names[1], "nft", "-f", "-", input="""table inet dead {
 set first { type inet_service; size 1; flags dynamic; }
 chain input {
  type filter hook input priority 0;
  ip saddr 10.11.17.1 tcp sport 1117 add @first { tcp dport }
  ip saddr 10.11.17.1 tcp sport 1117 tcp dport @first quota over 8000 bytes drop
 }
}
""")
        self.ended(self.sending(), 0)
        self.assert_received(1, 2)
        self.assertIn("step=stalled", self.log(1), "it ends by that, and not when the connection's own patience of 25 s is over")

    def test_a_receiver_whose_address_changes_gets_its_copy_at_the_next_one(self):
        self.content(24)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "30M")
        self.under_way(sender)
        hosts.run("ip", "-n", self.hosts.names[1], "addr", "del", f"{self.hosts.address(1)}/24", "dev", "eth0")
        hosts.run("ip", "-n", self.hosts.names[1], "addr", "add", f"{self.hosts.address(100)}/24", "dev", "eth0")
        hosts.run("ip", "-n", self.hosts.names[1], "route", "replace", "224.0.0.0/4", "dev", "eth0")
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        self.assertIn(f"was={self.hosts.address(1)} is={self.hosts.address(100)}", self.log(1))
        self.assertEqual(self.states(summary), {"r1": "verified", "r2": "verified"})
        # What is bound to the address it has is told, and the next transfer finds it there.
        (self.album / "x").write_bytes(b"something else")
        self.ended(self.sending(), 0)
        self.assert_received(1, 2)

    def test_a_sender_whose_address_is_gone_says_so(self):
        self.content(24)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "30M")
        self.under_way(sender)
        hosts.run("ip", "-n", self.hosts.names[0], "addr", "del", f"{self.hosts.address(0)}/24", "dev", "eth0")
        summary = self.ended(sender, 1)
        self.assertIn("this machine's address on eth0 was 10.11.17.1", summary["detail"])
        self.assertFalse((self.into(1) / "album").exists())

    def test_damaged_datagrams_are_no_part_of_the_copy(self):
        self.content(6)
        # What is changed behind the checksum's back: a link between two machines of one host is trusted by the kernel.
        hosts.run("ip", "netns", "exec", self.hosts.names[1], "nft", "-f", "-", input="""table inet damage {
 chain input {
  type filter hook input priority 0;
  udp dport { 1834, 1835 } numgen random mod 6 == 0 @th,1024,32 set 0xdeadbeef counter
 }
}
""")
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "60M")
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        told = hosts.run("ip", "netns", "exec", self.hosts.names[1], "nft", "list", "ruleset")
        self.assertGreaterEqual(int(re.search(r"packets (\d+)", told)[1]), 20)
        self.assertGreater(summary["repair_symbols"], 0)


    def heard_from(self, number):
        """(group, source) pairs that this host's sockets hear alone."""
        table = hosts.run("ip", "netns", "exec", self.hosts.names[number], "cat", "/proc/net/mcfilter").splitlines()[1:]
        return {(address_of(fields[2]), address_of(fields[3])) for fields in map(str.split, table) if fields[4] != "0"}

    def test_a_receiver_hears_its_sender_only_and_anybody_where_the_sender_comes_from_another_address(self):
        self.content(4)
        hosts.run("ip", "netns", "exec", self.hosts.names[2], "nft", "-f", "-", input="""
table ip shift {
 chain in {
  type filter hook prerouting priority raw;
  udp dport 1835 ip saddr set 10.11.17.99
 }
}
""")
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "5M")
        until(lambda: {source for _, source in self.heard_from(1)} == {self.hosts.address(0)} or sender.poll() is not None)
        until(lambda: "multicast is not heard, joined again" in self.log(2) or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        self.assertEqual(self.heard_from(2), set(), "it hears anybody by now")
        self.assertEqual({group[:8] for group, _ in self.heard_from(1)}, {"239.255."})
        self.ended(sender, 0)
        self.assert_received(1, 2)


def address_of(hexadecimal):
    return ".".join(str(byte) for byte in int(hexadecimal, 16).to_bytes(4, "big"))


class ForgetfulSwitch(Hosted):
    """Snooping and a querier of IGMPv2, as Linux bridges have it, and one that forgets members after three seconds."""
    receivers = 3
    switch = ("mcast_snooping", "1", "mcast_querier", "1", "mcast_igmp_version", "2", "mcast_query_response_interval", "20", "mcast_query_interval", "12500",
              "mcast_startup_query_interval", "12500", "mcast_membership_interval", "300")

    def test_who_is_cut_off_from_the_group_joins_again_is_served_alone_and_says_so(self):
        self.content(20)
        sender = self.sending("--rate", "16M")
        for number in self.numbers:
            self.serve(number)
        self.ended(sender, 0)
        self.assert_received(*self.numbers)
        self.assertIn("multicast is not heard, joined again", "".join(self.log(number) for number in self.numbers))


def names_of(kind):
    return [f"{kind.__name__}.{name}" for name in vars(kind) if name.startswith("test_")]


def run_side_by_side(file, *kinds):
    """The exit code of them all."""
    names = sys.argv[1:] or [name for kind in kinds for name in names_of(kind)]

    def one(name):
        began = time.monotonic()
        done = subprocess.run([sys.executable, file, name], capture_output=True, text=True,
                              env={key: value for key, value in os.environ.items() if key != hosts.ENTERED} | {"GHOST_ONE_FAILURE": "1"})
        return done, time.monotonic() - began

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for name, (done, seconds) in zip(names, pool.map(one, names)):
            failed += done.returncode != 0
            print(f"{name}: {f'ok, {seconds:.1f} s' if done.returncode == 0 else done.stdout + done.stderr}", flush=True)
    print(f"{len(names)} tests, {failed} failed")
    return 1 if failed else 0


def main(file, *kinds):
    if "GHOST_ONE_FAILURE" in os.environ:
        if not hosts.enter_own_namespaces():
            sys.exit("namespaces can't be made here any more")
        unittest.main()
    elif not hosts.can_enter():
        print("skipped: network namespaces can't be made here, or ip, unshare or nft is missing")
    else:
        sys.exit(run_side_by_side(file, *kinds))


if __name__ == "__main__":
    main(__file__, ForgetfulSwitch, Failures)
