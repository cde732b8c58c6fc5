#!/usr/bin/env python3
"""How large a session's datagrams are: standard, unless asked for; with auto jumbo where they reach everybody, standard where they do not, and TCP for who comes too
late to be asked. Each test has hosts of its own on a switch of its own, with an MTU of 9,000. Where no namespaces can be made it says so and ends."""
import re
import signal

import ardus_failures_test as failures
import hosts
from ardus_failures_test import until

STANDARD, JUMBO = 1456, 8880  # of a datagram, by UDP's header


class Layout(failures.Hosted):
    mtu = 9000

    def setUp(self):
        super().setUp()
        # What leaves is cut up before it does, so that its datagrams can be counted one by one.
        hosts.run("ip", "-n", self.hosts.names[0], "link", "set", "eth0", "gso_max_segs", 1)

    def in_host(self, number, *words, **options):
        return hosts.run("ip", "netns", "exec", self.hosts.names[number], *words, **options)

    def count(self, number):
        """From now on, what of the group comes to it."""
        self.in_host(number, "nft", "-f", "-", input=f"""table inet seen {{
 chain input {{
  type filter hook input priority 0;
  udp dport 1835 udp length {STANDARD} counter
  udp dport 1835 udp length {JUMBO} counter
 }}
}}
""")

    def counted(self, number):
        """(standard, jumbo) datagrams of the group that came to it."""
        rules = self.in_host(number, "nft", "list", "table", "inet", "seen")
        return tuple(int(re.search(rf"udp length {size} counter packets (\d+)", rules)[1]) for size in (STANDARD, JUMBO))

    def narrow(self, number):
        hosts.run("ip", "-n", self.hosts.names[number], "link", "set", "eth0", "mtu", 1500)

    def part(self, number):
        """It is on another switch, behind a link that carries 1,500 bytes."""
        hosts.run("ip", "link", "add", "far", "type", "bridge", "mcast_snooping", "0")
        self.addCleanup(failures.subprocess.run, ["ip", "link", "delete", "far"], capture_output=True)
        hosts.run("ip", "link", "set", "far", "up")
        hosts.run("ip", "link", "add", "middle", "mtu", 1500, "type", "veth", "peer", "name", "centre", "mtu", 1500)
        self.addCleanup(failures.subprocess.run, ["ip", "link", "delete", "middle"], capture_output=True)
        hosts.run("ip", "link", "set", "middle", "master", "switch", "up")
        hosts.run("ip", "link", "set", "centre", "master", "far", "up")
        hosts.run("ip", "link", "set", f"port{number}", "nomaster")
        hosts.run("ip", "link", "set", f"port{number}", "master", "far")

    def detail(self, summary, name):
        return next(receiver["detail"] for receiver in summary["receivers"] if receiver["name"] == name)

    def test_where_all_take_it_the_transfer_is_jumbo(self):
        self.content(12)
        for number in self.numbers:
            self.serve(number)
            self.count(number)
        summary = self.ended(self.sending("--layout", "auto", "--rate", "60M"), 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")
        for number in self.numbers:
            standard, jumbo = self.counted(number)
            self.assertEqual(standard, 0)
            self.assertGreaterEqual(jumbo, 12_000_000 // 8832)
        self.assertEqual(summary["source_packets"], -(-12_000_000 // 8832))

    def test_one_with_an_mtu_of_1500_makes_it_standard(self):
        self.content(12)
        self.narrow(2)
        for number in self.numbers:
            self.serve(number)
        self.count(1)
        summary = self.ended(self.sending("--layout", "auto", "--rate", "60M"), 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "standard")
        standard, jumbo = self.counted(1)
        self.assertLess(jumbo, 100, "TRIALs, before the other had joined")
        self.assertGreaterEqual(standard, 12_000_000 // 1408)

    def test_whoever_asks_for_nothing_gets_the_standard_layout(self):
        self.content(12)
        for number in self.numbers:
            self.serve(number)
        self.count(2)
        summary = self.ended(self.sending("--rate", "60M"), 0)
        self.assert_received(1, 2)
        self.assertEqual((summary["layout"], self.counted(2)[1]), ("standard", 0))

    def held_up(self):
        """A jumbo session in mid-stream that does not end: its one receiver is stopped. Gives that and the sender."""
        self.content(16)
        first = self.serve(1)
        sender = self.sending("--layout", "auto", "--rate", "40M", receivers=1)
        until(lambda: self.staged(1) > 0 or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        first.send_signal(signal.SIGSTOP)
        return first, sender

    def test_a_late_one_with_an_mtu_of_1500_gets_it_by_tcp_and_is_told(self):
        first, sender = self.held_up()
        self.narrow(2)
        self.serve(2)
        until(lambda: self.verified(2), lambda: self.log(2))
        self.assertIn("it comes by TCP", self.log(2))
        first.send_signal(signal.SIGCONT)
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")
        self.assertRegex(self.detail(summary, "r2"), "by TCP: its interface takes datagrams of 1452 bytes at most")

    def test_a_late_one_that_takes_it_hears_the_group(self):
        first, sender = self.held_up()
        self.serve(2)
        until(lambda: self.verified(2), lambda: self.log(2))
        first.send_signal(signal.SIGCONT)
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")
        self.assertNotIn("by TCP", self.log(2))

    def test_a_link_between_switches_that_drops_jumbo_frames_makes_it_standard(self):
        self.content(12)
        self.part(2)
        for number in self.numbers:
            self.serve(number)
        summary = self.ended(self.sending("--layout", "auto", "--rate", "60M"), 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "standard")

    def test_whoever_insists_on_jumbo_sends_by_tcp_past_such_a_link(self):
        self.content(12)
        self.part(2)
        for number in self.numbers:
            self.serve(number)
        self.count(1)
        summary = self.ended(self.sending("--layout", "jumbo", "--rate", "60M"), 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")
        self.assertEqual(self.counted(1)[0], 0)
        self.assertIn("it comes by TCP", self.log(2))
        self.assertRegex(self.detail(summary, "r2"), "by TCP: the session's datagrams of 8872 bytes do not come through")

    def test_one_whose_way_comes_to_take_less_gets_the_rest_by_tcp(self):
        self.content(16)
        first = self.serve(1)
        self.serve(2)
        sender = self.sending("--layout", "auto", "--rate", "40M")
        self.under_way(sender)
        first.send_signal(signal.SIGSTOP)  # else it may be done before the sender is sure, and the other takes the rest from it
        self.in_host(2, "nft", "-f", "-", input="""table inet narrow {
 chain input {
  type filter hook input priority 0;
  meta l4proto udp meta length > 1500 drop
 }
}
""")
        until(lambda: self.verified(2), lambda: self.log(2))
        first.send_signal(signal.SIGCONT)
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")
        self.assertIn("it comes by TCP", self.log(2))
        self.assertNotIn("by TCP", self.log(1))

    def test_a_lossy_network_of_jumbo_frames_brings_every_byte(self):
        self.content(16)
        for number in self.numbers:
            self.in_host(number, "nft", "-f", "-", input="""table inet loss {
 chain input {
  type filter hook input priority 0;
  meta l4proto udp numgen random mod 100 < 5 drop
 }
}
""")
            self.serve(number)
        summary = self.ended(self.sending("--layout", "auto", "--rate", "100M"), 0)
        self.assert_received(1, 2)
        self.assertEqual(summary["layout"], "jumbo")

    def test_jumbo_by_an_interface_that_does_not_carry_it_is_refused(self):
        self.content(1)
        self.narrow(0)
        sender = self.sending("--layout", "jumbo")
        sender.wait(hosts.LONG)
        self.assertNotIn(sender.returncode, (0, 3))
        self.assertIn("needs an MTU of 8920", "".join(self.said(sender)))


if __name__ == "__main__":
    failures.main(__file__, Layout)
