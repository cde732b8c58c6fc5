#!/usr/bin/env python3
"""IPv6 and source-specific groups: hosts that have IPv6 alone, link-local addresses alone, or both IPs. Each test has hosts of its own on a switch of its own. Where no
namespaces can be made it says so and ends."""
import ipaddress
import re
import subprocess
import sys
import time

import ardus_failures_test as failures
import hosts
from ardus_failures_test import BIN, until


def in_words(hexadecimal):
    """fe80…0001, as /proc has it, as people write it."""
    return str(ipaddress.ip_address(bytes.fromhex(hexadecimal)))


class Six(failures.Hosted):
    receivers = 3
    house = "."

    def serve(self, number, *words):
        with (self.root / f"log{number}").open("a") as log:
            process = self.hosts.start(number, BIN / "ardus", "serve", "--state", self.root / self.house / f"r{number}", "--listen", "127.0.0.1:1117", "--iface", "eth0", "--into", self.into(number), *words,
                                       stdout=log, stderr=log)
        until(lambda: "ardus: receiving" in self.log(number) or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log(number))
        return process

    def rules(self, number, *rules, chain="input"):
        """Rules of this host's firewall, each with a counter."""
        lines = "\n".join(f"  {rule.replace('drop', 'counter drop') if 'drop' in rule else rule + ' counter'}" for rule in rules)
        table = f"t{abs(hash(rules))}"
        hosts.run("ip", "netns", "exec", self.hosts.names[number], "nft", "-f", "-", input=f"table inet {table} {{\n chain {chain} {{\n  type filter hook {chain} priority 0;\n{lines}\n }}\n}}\n")
        return table

    def counted(self, number, table):
        """Packets that met each of the table's rules."""
        return [int(count) for count in re.findall(r"counter packets (\d+)", hosts.run("ip", "netns", "exec", self.hosts.names[number], "nft", "list", "table", "inet", table))]

    def lose(self, percent):
        for number in range(self.receivers + 1):
            # Neighbours are looked for a few times only, and whoever is not found is gone for a second: that is not what is tried here.
            self.rules(number, f"meta l4proto {{ tcp, udp }} numgen random mod 100 < {percent} drop")

    def group_members(self, number, file="mcfilter6"):
        """(group, source) that this host's sockets hear alone."""
        table = hosts.run("ip", "netns", "exec", self.hosts.names[number], "cat", f"/proc/net/{file}").splitlines()[1:]
        text = in_words if file == "mcfilter6" else failures.address_of
        return {(text(fields[2]), text(fields[3])) for fields in map(str.split, table) if fields[4].lstrip("0x") != "0" and int(fields[4], 16) != 0}

    def groups(self, number):
        told = hosts.run("ip", "-n", self.hosts.names[number], "maddress", "show", "dev", "eth0")
        return set(re.findall(r"inet6? +(\S+)", told))

    def watch_joining(self, number):
        """By which of the sender's addresses this host joins: told by joined_by()."""
        return self.rules(number, "ip daddr 10.11.17.1 tcp dport 1117", "ip6 daddr 2001:db8:1117::1 tcp dport 1117", "ip6 daddr fe80::1117:1 tcp dport 1117", chain="output")

    def joined_by(self, number, table):
        return {way for way, count in zip(("4", "6", "link"), self.counted(number, table)) if count > 0}


class LinkLocal(Six):
    """Hosts that have nothing but an address of their link."""

    @staticmethod
    def ips(number):
        return ("link",)

    def test_three_receivers_get_their_copies_through_loss(self):
        self.content(12)
        for number in range(800):  # a manifest that is worth a stream of its own
            (self.album / f"small{number}").write_bytes(b"%d" % number)
        self.lose(2)
        for number in self.numbers:
            self.serve(number)
        sender = self.sending("--rate", "60M")
        until(lambda: {source for group, source in self.group_members(1) if group.startswith("ff15::9835:")} == {self.hosts.address_of_link(0)} or sender.poll() is not None)
        summary = self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        for number in self.numbers:
            self.assertEqual((self.into(number) / "album/small7").read_bytes(), b"7")
            self.assertNotIn("the manifest does not come by multicast", self.log(number))
        self.assertLess(summary["wire_bytes"], 2 * 12_000_000, "by multicast, and not to each alone")
        self.assertGreater(summary["repair_symbols"], 0)

    def test_whoever_comes_late_gets_all_of_it(self):
        self.content(12)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "20M", "--wait", "1s")
        until(lambda: self.staged(1) > 0.2 or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        self.serve(3)
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)

    def test_what_this_machine_listens_on_is_told_and_is_what_the_kernel_has(self):
        self.serve(1)
        told = subprocess.run(["ip", "netns", "exec", "host1", str(BIN / "ardus"), "status", "--json", "--state", self.root / "r1"], capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        sockets = {(socket["transport"], socket["address"]) for socket in failures.json.loads(told.stdout.splitlines()[0])["sockets"]}
        self.assertEqual(sockets, {("tcp", "127.0.0.1:1117"), ("tcp", "[fe80::1117:2%eth0]:1834"), ("udp", "[ff15::1117]:1117"), ("udp", "[fe80::1117:2%eth0]:1834"), ("udp", "[::]:1835")})
        kernel = hosts.run("ip", "netns", "exec", "host1", "ss", "-Hlnut")
        for port in (1117, 1834, 1835):
            self.assertRegex(kernel, rf":{port}\s")


class Sixes(Six):
    """Hosts without IPv4, whose addresses reach beyond the link."""

    @staticmethod
    def ips(number):
        return ("6", "link")

    def test_who_has_no_multicast_gets_its_copy_by_unicast(self):
        self.content(8)
        deaf = self.rules(3, "udp dport 1835 drop")
        alone = self.rules(3, "ip6 daddr 2001:db8:1117::4 udp dport 1834")
        joining = self.watch_joining(1)
        for number in self.numbers:
            self.serve(number)
        self.ended(self.sending("--rate", "40M"), 0)
        self.assert_received(1, 2, 3)
        self.assertIn("multicast is not heard", self.log(3))
        self.assertIn("group=ff15::9835:", self.log(3))
        self.assertGreater(self.counted(3, deaf)[0], 10)
        self.assertGreater(self.counted(3, alone)[0], 10)  # runs, of which each is many datagrams
        self.assertEqual(self.joined_by(1, joining), {"6"})

    def test_who_gets_no_datagrams_at_all_gets_its_copy_from_receivers_that_are_done(self):
        self.content(8)
        self.rules(3, "udp dport { 1834, 1835 } drop")
        handed = self.rules(3, "ip6 saddr { 2001:db8:1117::2, 2001:db8:1117::3 } tcp sport 1834")
        for number in self.numbers:
            self.serve(number)
        self.ended(self.sending("--rate", "40M"), 0)
        self.assert_received(1, 2, 3)
        self.assertGreater(self.counted(3, handed)[0], 0)


class OnlyTheSenderIsOfTheLink(Six):
    """What has no route to an address beyond the link is answered from one of the link."""
    receivers = 1

    @staticmethod
    def ips(number):
        return ("link",) if number == 0 else ("6", "link", "4")

    def test_a_receiver_with_other_addresses_too_is_reached(self):
        self.content(4)
        self.rules(1, "udp dport 1835 numgen random mod 100 < 5 drop")
        joining = self.watch_joining(1)
        self.serve(1)
        self.ended(self.sending("--rate", "40M"), 0)
        self.assert_received(1)
        self.assertEqual(self.joined_by(1, joining), {"link"})


class Mixed(Six):
    """A sender and a receiver with both IPs, a receiver with an address of the link alone, and one with IPv4 alone."""

    @staticmethod
    def ips(number):
        return {2: ("link",), 3: ("4",)}.get(number, ("4", "6", "link"))

    def sent_to_groups(self):
        """Data that leaves the sender, by IPv4 and by IPv6."""
        return self.rules(0, "ip daddr 224.0.0.0/4 udp dport 1835", "ip6 daddr ff00::/8 udp dport 1835", chain="output")

    def test_each_is_reached_by_what_it_has_and_ipv4_is_preferred(self):
        self.content(6)
        joining = self.watch_joining(1)
        self.serve(1), self.serve(3)
        sent = self.sent_to_groups()
        self.ended(self.sending("--rate", "40M", "--receivers", "2"), 0)
        self.assertEqual(self.joined_by(1, joining), {"4"})
        four, six = self.counted(0, sent)
        self.assertGreater(four, 6_000_000 // 1408 // 16)  # packets as nftables sees them, which may be runs
        self.assertEqual(six, 0, "nobody needs it twice")
        self.assert_received(1, 3)

    def test_who_has_an_address_of_the_link_alone_is_no_stranger(self):
        self.content(6)
        joining = {number: self.watch_joining(number) for number in self.numbers}
        for number in self.numbers:
            self.serve(number)
        sent = self.sent_to_groups()
        self.ended(self.sending("--rate", "40M"), 0)
        self.assert_received(1, 2, 3)
        self.assertEqual([self.joined_by(number, joining[number]) for number in self.numbers], [{"4"}, {"link"}, {"4"}])
        self.assertTrue(all(self.counted(0, sent)))

    def test_by_ipv6_alone_where_that_is_asked_for(self):
        self.content(4)
        joining = {number: self.watch_joining(number) for number in self.numbers}
        self.serve(1), self.serve(2)
        sent = self.sent_to_groups()
        self.ended(self.sending("--rate", "40M", "--ip", "6", "--receivers", "2"), 0)
        self.assertEqual(self.counted(0, sent)[0], 0)
        self.assertEqual([self.joined_by(number, joining[number]) for number in (1, 2)], [{"6"}, {"link"}])
        self.assert_received(1, 2)

    def test_what_ipv4_does_not_bring_is_taken_by_ipv6(self):
        self.content(4)
        self.rules(1, "ip daddr 239.255.11.17 drop")
        joining = self.watch_joining(1)
        self.serve(1)
        self.ended(self.sending("--rate", "40M", "--receivers", "1"), 0)
        self.assertLessEqual(self.joined_by(1, joining), {"6", "link"})
        self.assert_received(1)

    def test_a_sender_that_lets_in_ipv4_alone_is_joined_by_ipv4_when_that_is_heard(self):
        self.content(4)
        self.rules(0, "ip6 daddr ::/0 tcp dport 1117 drop")
        deaf = self.rules(1, "ip daddr 239.255.11.17 drop")
        joining = self.watch_joining(1)
        self.serve(1, "--log", "debug")
        sender = self.sending("--rate", "40M", "--receivers", "1")
        until(lambda: "not connected" in self.log(1) or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        hosts.run("ip", "netns", "exec", "host1", "nft", "delete", "table", "inet", deaf)
        self.ended(sender, 0)
        self.assertIn("4", self.joined_by(1, joining))
        self.assertIn("is announced at another address", self.log(1))
        self.assert_received(1)

    def both_under_way(self, *words):
        """A session that receivers 1 and 3 have joined by IPv4, and 2 by IPv6."""
        for number in self.numbers:
            self.serve(number)
        self.sent = self.sent_to_groups()
        sender = self.sending(*words)
        self.under_way(sender)
        self.assertTrue(all(self.counted(0, self.sent)))
        return sender

    def assert_only_ipv4_goes_on(self, sender):
        """Nothing more goes by IPv6 while as much as makes no doubt goes by IPv4."""
        def stands_still():
            four, six = self.counted(0, self.sent)
            until(lambda: self.counted(0, self.sent)[0] > four + 100 or sender.poll() is not None)
            return self.counted(0, self.sent)[1] == six or sender.poll() is not None
        until(stands_still)
        self.assertIsNone(sender.poll(), "it was over before that")

    def test_who_joined_by_ipv6_and_has_gone_does_not_cost_the_link_the_whole_twice(self):
        self.content(24)
        sender = self.both_under_way("--rate", "16M", "--patience", "12s")
        self.hosts.processes[1].kill()
        self.assert_only_ipv4_goes_on(sender)
        summary = self.ended(sender, 3)
        self.assert_received(1, 3)
        self.assertEqual({name: state for name, state in self.states(summary).items() if name != "r2"}, {"r1": "verified", "r3": "verified"})

    def test_a_sender_whose_address_of_ipv6_is_gone_goes_on_by_ipv4(self):
        self.content(24)
        sender = self.both_under_way("--rate", "30M", "--patience", "10s")
        hosts.run("ip", "-n", "host0", "addr", "del", f"{self.hosts.address_of_link(0)}/64", "dev", "eth0")
        summary = self.ended(sender, 3)
        self.assert_received(1, 3)
        self.assertEqual({name: state for name, state in self.states(summary).items() if name != "r2"}, {"r1": "verified", "r3": "verified"})

    def test_the_rate_is_that_of_both_ips_together_also_when_one_comes_late(self):
        self.content(16)
        self.serve(1), self.serve(3)
        sent = self.sent_to_groups()
        sender = self.sending("--rate", "12M", receivers=2)
        until(lambda: (self.staged(1) > 0 and self.staged(3) > 0) or sender.poll() is not None)
        self.assertEqual(self.counted(0, sent)[1], 0)
        self.serve(2)
        until(lambda: self.counted(0, sent)[1] > 20 or sender.poll() is not None)
        began, (before, _) = time.monotonic(), self.hosts.sent(0)
        until(lambda: self.hosts.sent(0)[0] > before + 6_000_000 or sender.poll() is not None)
        rate = (self.hosts.sent(0)[0] - before) * 8 / (time.monotonic() - began)
        self.assertIsNone(sender.poll())
        self.assertLess(rate, 1.3 * 12e6)
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)

    def test_an_ip_that_comes_later_is_used_from_then_on(self):
        self.content(2)
        hosts.run("ip", "-n", "host1", "addr", "flush", "dev", "eth0")
        hosts.run("ip", "-n", "host1", "addr", "add", f"{self.hosts.address(1)}/24", "dev", "eth0")
        hosts.run("ip", "-n", "host1", "route", "replace", "224.0.0.0/4", "dev", "eth0")
        self.serve(1)
        self.assertNotIn("fe80", self.log(1))
        hosts.run("ip", "-n", "host1", "addr", "add", "fe80::1117:2/64", "dev", "eth0", "nodad")
        until(lambda: "address=fe80::1117:2" in self.log(1))
        self.ended(self.sending("--rate", "40M", "--ip", "6", "--receivers", "1"), 0)
        self.assert_received(1)


class SourceSpecific(Six):
    receivers = 2

    @staticmethod
    def ips(number):
        return ("4", "6", "link")

    def send_specifically(self, ip, groups, source, file):
        self.content(6)
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "15M", "--ssm", "--ip", ip)
        until(lambda: {source for group, source in self.group_members(1, file) if group.startswith(groups)} == {source} or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        summary = self.ended(sender, 0)
        self.assert_received(1, 2)
        self.assertLess(summary["wire_bytes"], 1.5 * 6_000_000, "by multicast")

    def test_a_group_of_ipv4_is_joined_for_the_sender_alone(self):
        self.send_specifically("4", "232.255.", self.hosts.address(0), "mcfilter")

    def test_a_group_of_ipv6_is_joined_for_the_sender_alone(self):
        self.send_specifically("6", "ff35::9835:", self.hosts.address6(0), "mcfilter6")

    def test_who_does_not_hear_the_sender_there_is_served_alone_and_hears_nobody_else(self):
        self.content(4)
        hosts.run("ip", "netns", "exec", self.hosts.names[2], "nft", "-f", "-", input="table ip shift {\n chain in {\n  type filter hook prerouting priority raw;\n  udp dport 1835 ip saddr set 10.11.17.99\n }\n}\n")
        self.serve(1), self.serve(2)
        sender = self.sending("--rate", "5M", "--ssm")
        until(lambda: "multicast is not heard, joined again" in self.log(2) or sender.poll() is not None)
        self.assertIsNone(sender.poll())
        until(lambda: any(group.startswith("232.255.") for group, _ in self.group_members(2, "mcfilter")) or sender.poll() is not None)
        self.assertIsNone(sender.poll(), "for the sender alone, still")
        self.ended(sender, 0)
        self.assert_received(1, 2)


class AcrossSites(Six):
    """The sender is beyond a link that carries no multicast to here, and has an address of that link alone."""
    house = "house"

    @staticmethod
    def ips(number):
        return ("6", "link")

    def setUp(self):
        super().setUp()
        made = subprocess.run([str(BIN / "make_house"), str(self.root / "house"), "keeper", "relay=listen", *(f"r{number}=listen" for number in self.numbers)], capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        hosts.run("ip", "netns", "add", "far")
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", "far"], capture_output=True)
        hosts.run("ip", "link", "add", "eth0", "netns", "far", "type", "veth", "peer", "name", "wan", "netns", "host0")
        for name, link, number in (("far", "eth0", 1), ("host0", "wan", 2)):
            hosts.run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv6.conf.{link}.accept_dad=0", f"net.ipv6.conf.{link}.addr_gen_mode=1")
            hosts.run("ip", "-n", name, "link", "set", link, "up")
            hosts.run("ip", "-n", name, "addr", "add", f"fe80::99:{number}/64", "dev", link, "nodad")
        hosts.run("ip", "-n", "far", "link", "set", "lo", "up")
        self.hosts.names.append("far")

    def test_a_relay_joins_a_sender_of_its_link_and_hands_it_on_here(self):
        self.content(6)
        with (self.root / "log0").open("a") as log:
            self.hosts.start(0, BIN / "ardus", "relay", "--state", self.root / "house/relay", "--listen", "127.0.0.1:1117", "--iface", "eth0", "--from", "[fe80::99:1%wan]", "--cache", self.root / "cache",
                             stdout=log, stderr=log)
        for number in self.numbers:
            self.serve(number)
        out, err = (self.root / "sent").open("w+"), (self.root / "said").open("w+")
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        sender = self.hosts.start(len(self.hosts.names) - 1, BIN / "ardus", "send", self.album, "--state", self.root / "house/keeper", "--iface", "eth0", "--receivers", 3, "--json", stdout=out, stderr=err)
        sender.out, sender.err = out, err
        summary = self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertEqual({name: state for name, state in self.states(summary).items() if name != "relay"}, {"r1": "verified", "r2": "verified", "r3": "verified"})
        self.assertLess(summary["wire_bytes"], 1.2 * 6_000_000)


if __name__ == "__main__":
    failures.main(__file__, LinkLocal, Sixes, OnlyTheSenderIsOfTheLink, Mixed, SourceSpecific, AcrossSites)
