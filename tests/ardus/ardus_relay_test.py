#!/usr/bin/env python3
"""Two sites and a router between them that forwards no multicast: the sender there, a relay and three receivers here. Where no namespaces can be made
it says so and ends."""
import subprocess
import sys
import time

import ardus_failures_test as failures
import hosts
from ardus_failures_test import BIN, until


class Relayed(failures.Hosted):
    """Host 0 is the relay here; the sender is `far`."""
    receivers = 3
    rate = None  # of the link between the sites

    def setUp(self):
        super().setUp()
        made = subprocess.run([str(BIN / "make_house"), str(self.root / "house"), "keeper", "relay=listen", *(f"r{number}=listen" for number in self.numbers)], capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        for name in ("far", "router"):
            hosts.run("ip", "netns", "add", name)
            self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], capture_output=True)
        hosts.run("ip", "link", "add", "eth0", "netns", "far", "type", "veth", "peer", "name", "left", "netns", "router")
        hosts.run("ip", "link", "add", "wan", "netns", "host0", "type", "veth", "peer", "name", "right", "netns", "router")
        for name, link, address in (("far", "eth0", "10.1.0.1"), ("router", "left", "10.1.0.254"), ("router", "right", "10.2.0.254"), ("host0", "wan", "10.2.0.1")):
            hosts.run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", link)
            hosts.run("ip", "-n", name, "link", "set", link, "up")
        hosts.run("ip", "-n", "far", "link", "set", "lo", "up")
        hosts.run("ip", "netns", "exec", "router", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        hosts.run("ip", "-n", "far", "route", "add", "default", "via", "10.1.0.254")
        hosts.run("ip", "-n", "host0", "route", "add", "10.1.0.0/24", "via", "10.2.0.254")
        if self.rate:
            hosts.run("tc", "-n", "router", "qdisc", "add", "dev", "right", "root", "tbf", "rate", self.rate, "burst", "64kb", "latency", "100ms")
        self.hosts.names.append("far")
        until(self.sites_see_each_other, 400)

    @staticmethod
    def sites_see_each_other():
        """A link takes some time to come up on a busy machine."""
        tried = subprocess.run(["ip", "netns", "exec", "host0", sys.executable, "-c", "import socket; socket.create_connection(('10.1.0.1', 99), 0.5)"], capture_output=True, text=True)
        return "refused" in tried.stderr

    def serve(self, number, *words):
        with (self.root / f"log{number}").open("a") as log:
            process = self.hosts.start(number, BIN / "ardus", "serve", "--state", self.root / f"house/r{number}", "--listen", "127.0.0.1:1117", "--listen",
                                       f"{self.hosts.address(number)}:1117", "--iface", "eth0", "--into", self.into(number), *words, stdout=log, stderr=log)
        until(lambda: "ardus: receiving" in self.log(number) or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log(number))
        return process

    def relay(self, *words):
        with (self.root / "log0").open("a") as log:
            return self.hosts.start(0, BIN / "ardus", "relay", "--state", self.root / "house/relay", "--listen", f"{self.hosts.address(0)}:1117", "--iface", "eth0",
                                    "--from", "10.1.0.1", "--cache", self.root / "cache", *words, stdout=log, stderr=log)

    def sending(self, *words, receivers=3):
        out, err = (self.root / "sent").open("w+"), (self.root / "said").open("w+")
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        process = self.hosts.start(len(self.hosts.names) - 1, BIN / "ardus", "send", self.album, "--state", self.root / "house/keeper", "--iface", "eth0", "--receivers", receivers, "--json",
                                   *words, stdout=out, stderr=err)
        process.out, process.err = out, err
        return process

    @staticmethod
    def chunks_at(folder, under=""):
        """That stand in its journal."""
        return sum(file.stat().st_size for file in folder.glob(under + ".ardus/*/journal")) // 8

    @staticmethod
    def came_over():
        """Bytes that went into this site."""
        return failures.json.loads(hosts.run("ip", "-n", "router", "-s", "-j", "link", "show", "right"))[0]["stats64"]["tx"]["bytes"]


class Relay(Relayed):
    def test_three_receivers_behind_a_relay_cost_the_link_one_copy_and_what_changed_later_only_that(self):
        self.content(8)
        self.relay()
        self.serve(1, "--accept-from", "keeper"), self.serve(2), self.serve(3)
        summary = self.ended(self.sending(), 0)
        self.assert_received(1, 2, 3)
        self.assertEqual({name: state for name, state in self.states(summary).items() if name != "relay"}, {"r1": "verified", "r2": "verified", "r3": "verified"})
        self.assertTrue(all(receiver["receipt"] for receiver in summary["receivers"]))
        first = self.came_over()
        self.assertLess(first, 2.5 * 8_000_000)  # 1.01 on a quiet machine; three copies would be 3
        self.assertLessEqual(summary["wire_bytes"], 1.1 * 8_000_000)  # whatever TCP had to send again
        with (self.album / "x").open("r+b") as file:
            file.seek(3_000_000)
            file.write(b"changed")
        self.ended(self.sending(), 0)
        self.assert_received(1, 2, 3)
        self.assertLess(self.came_over() - first, 4_000_000)

    def test_whoever_takes_from_another_sender_only_takes_nothing_from_its_relay(self):
        self.content(1)
        self.relay()
        self.serve(1, "--accept-from", "somebody"), self.serve(2), self.serve(3)
        summary = self.ended(self.sending(), 3)
        self.assertEqual((self.states(summary)["r1"], self.states(summary)["r2"], self.states(summary)["r3"]), ("failed", "verified", "verified"))
        self.assertFalse((self.into(1) / "album").exists())

    def test_what_finds_no_room_in_the_cache_is_told(self):
        self.content(2)
        self.relay("--cache-size", "1M")
        until(lambda: "ardus: relaying" in self.log(0))
        sender = self.sending()
        until(lambda: "--cache-size gives it more" in self.log(0))
        sender.send_signal(failures.signal.SIGINT)
        self.assertEqual(sender.wait(failures.LONG), 130)


    def test_what_was_relayed_longest_ago_makes_room_and_is_fetched_again(self):
        self.relay("--cache-size", "5M")
        for number in self.numbers:
            self.serve(number)
        came = []
        for size, seed in ((2, "one"), (2, "two"), (2, "three"), (2, "one")):
            (self.album / "x").write_bytes(failures.random.Random(seed).randbytes(size * 1_000_000))
            for number in self.numbers:  # so that the receivers need all of it, too
                subprocess.run(["rm", "-rf", str(self.into(number) / "album"), str(self.into(number) / ".ardus/received")], check=True)
            before = self.came_over()
            self.ended(self.sending(), 0)
            came.append(self.came_over() - before)
            self.assert_received(1, 2, 3)
            self.assertLessEqual(sum(file.stat().st_size for file in (self.root / "cache").rglob("x")), 5_000_000)
        self.assertGreater(came[3], 1_900_000, "its place was given to others")

    def test_a_rate_holds_for_what_is_fetched_and_for_what_is_sent(self):
        self.content(2)
        self.relay("--rate", "10M")
        for number in self.numbers:
            self.serve(number)
        summary = self.ended(self.sending(), 0)
        self.assert_received(1, 2, 3)
        self.assertGreater(summary["seconds"], 1.5)  # 2 MB at 10 Mbit/s: 1.6 s
        # What it is told is content, and the link carries no faster than that.
        self.assertGreater(self.came_over(), 2_000_000)


    def test_what_comes_slowly_is_handed_on_while_it_comes(self):
        self.content(6)
        self.relay("--rate", "4M")  # its receivers are there before the first block is
        for number in self.numbers:
            self.serve(number)
        sender = self.sending()
        is_whole = lambda: list((self.root / "cache").glob("*/album/x"))
        until(lambda: all(self.chunks_at(self.into(number)) >= 8 for number in self.numbers) or is_whole() or sender.poll() is not None)
        self.assertEqual(is_whole(), [])
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)


class KilledRelay(Relayed):
    rate = "10mbit"

    def test_what_has_come_is_handed_on_at_once_and_a_relay_that_is_killed_goes_on_where_it_was(self):
        self.content(8)
        relay = self.relay()
        for number in self.numbers:
            self.serve(number)
        sender = self.sending()
        until(lambda: self.chunks_at(self.root / "cache", "*/") >= 40 or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        # Nothing more comes, and the relay's receivers get what has.
        sender.send_signal(failures.signal.SIGSTOP)
        until(lambda: all(self.chunks_at(self.into(number)) >= 8 for number in self.numbers))
        self.assertEqual(list((self.root / "cache").glob("*/album/x")), [], "it is not whole")
        sender.send_signal(failures.signal.SIGCONT)
        relay.kill()
        relay.wait()
        self.relay()
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertLess(self.came_over(), 2.5 * 8_000_000)

    def test_who_joins_late_behind_a_relay_gets_what_nobody_else_needed_when_it_has_come(self):
        self.content(5)
        self.relay()
        for number in (1, 2):  # which lack the beginning only
            (self.into(number) / "album").mkdir(parents=True)
            (self.into(number) / "album/x").write_bytes((self.album / "x").read_bytes()[3_000_000:])
            self.serve(number)
        sender = self.sending(receivers=2)
        until(lambda: self.chunks_at(self.root / "cache", "*/") >= 4 or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        sender.send_signal(failures.signal.SIGSTOP)
        self.serve(3)
        until(lambda: list(self.into(3).glob(".ardus/*/journal")))
        sender.send_signal(failures.signal.SIGCONT)
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)

    def test_a_relay_whose_address_changes_begins_a_session_at_the_next_one(self):
        self.content(8)
        self.relay()
        for number in self.numbers:
            self.serve(number)
        sender = self.sending()
        until(lambda: self.chunks_at(self.into(1)) >= 8 or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        self.change_address()
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertLess(self.came_over(), 2.5 * 8_000_000)

    def test_a_relay_whose_address_changes_when_it_has_everything_waits_for_its_receivers_to_come_back(self):
        self.content(5)
        self.relay("--rate", "10M")
        receivers = [self.serve(number) for number in self.numbers]
        sender = self.sending()
        until(lambda: all(self.chunks_at(self.into(number)) >= 4 for number in self.numbers) or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        for receiver in receivers:
            receiver.send_signal(failures.signal.SIGSTOP)
        until(lambda: list((self.root / "cache").glob("*/album/x")))
        self.change_address()
        until(lambda: "receivers can't answer" in self.log(0))
        time.sleep(4)  # longer than a sender waits where nobody is under way
        for receiver in receivers:
            receiver.send_signal(failures.signal.SIGCONT)
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)

    def change_address(self):
        hosts.run("ip", "-n", "host0", "addr", "del", f"{self.hosts.address(0)}/24", "dev", "eth0")
        hosts.run("ip", "-n", "host0", "addr", "add", f"{self.hosts.address(100)}/24", "dev", "eth0")
        hosts.run("ip", "-n", "host0", "route", "replace", "224.0.0.0/4", "dev", "eth0")


if __name__ == "__main__":
    failures.main(__file__, Relay, KilledRelay)
