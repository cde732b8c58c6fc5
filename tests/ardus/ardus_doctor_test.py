#!/usr/bin/env python3
"""`ardus doctor` on machines, namespaces on one switch, that are set up well and in the ways they are set up badly. Without the right to make
namespaces it says so and ends."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import hosts
from hosts import until

BIN = pathlib.Path(os.environ["GHOST_BIN"])


class Machines(unittest.TestCase):
    ips = ("4",)

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        subprocess.run([BIN / "make_house", cls.folder, "one", "two=listen", "outside="], capture_output=True, check=True)
        cls.hosts = hosts.Hosts(2, ips=lambda number: cls.ips)

    @classmethod
    def tearDownClass(cls):
        cls.hosts.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def tearDown(self):
        self.on("nft", "flush", "ruleset")

    def on(self, *words, text=None, host=1):
        return subprocess.run(["ip", "netns", "exec", self.hosts.names[host], *map(str, words)], capture_output=True, text=True, input=text)

    def ip(self, *words):
        hosts.run("ip", "-n", self.hosts.names[1], *words)

    def doctor(self, *words, state="two", wait="100ms"):
        """(exit code, what is wrong, everything) of host 1; about -> text. Buffers, neighbours and clock are the test machine's, not the test's."""
        answer = self.on(BIN / "ardus", "doctor", "--state", self.folder / state, "--json", "--wait", wait, *words)
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        self.assertTrue(lines, answer.stderr)
        self.assertEqual(lines[-1]["event"], "summary")
        findings = [line for line in lines[:-1] if line["about"] not in ("buffers", "clock", "neighbours")]
        wrong = {}
        for line in findings:
            if line["verdict"] == "wrong":
                wrong[line["about"]] = wrong.get(line["about"], "") + f"{line['what']} | {line['remedy']}\n"
        self.assertTrue(all(line["remedy"] for line in lines[:-1] if line["verdict"] != "well"))
        self.assertEqual(answer.returncode, 1 if lines[-1]["wrong"] else 0)
        said = {}
        for line in findings:
            said[line["about"]] = said.get(line["about"], "") + line["what"] + "\n"
        return wrong, said

    def serve(self, host, name, *words):
        log = open(self.folder / f"{name}.log", "w")
        self.addCleanup(log.close)
        process = self.hosts.start(host, BIN / "ardus", *words, "--state", self.folder / name, stdout=subprocess.DEVNULL, stderr=log)

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)
        return process


class Doctor(Machines):
    def test_nothing_is_wrong_where_nothing_is(self):
        wrong, said = self.doctor()
        self.assertEqual(wrong, {})
        self.assertIn("carries multicast", said["eth0"])
        self.assertIn("came back", said["239.255.11.17:1117"])
        self.assertIn("came back", said["239.255.127.255:1835"])
        self.assertIn("UDP_GRO", said["offloads"])

    def test_an_interface_without_multicast_down_or_with_a_small_mtu(self):
        self.ip("link", "set", "eth0", "multicast", "off")
        try:
            wrong, _ = self.doctor("--iface", "eth0")
            self.assertIn("flag MULTICAST", wrong["eth0"])
            self.assertIn("ip link set eth0 multicast on", wrong["eth0"])
        finally:
            self.ip("link", "set", "eth0", "multicast", "on")
        self.ip("link", "set", "eth0", "mtu", "1400")
        try:
            self.assertIn("1476", self.doctor()[1]["eth0"])
        finally:
            self.ip("link", "set", "eth0", "mtu", "1500")
        self.ip("link", "add", "down0", "type", "veth", "peer", "name", "down1")
        self.assertIn("is down", self.doctor("--iface", "down0")[0]["down0"])
        self.ip("link", "delete", "down0")
        wrong, _ = self.doctor("--iface", "eth9")
        self.assertIn("there are lo, eth0", wrong["eth9"])

    def test_rules_that_drop_are_named(self):
        def ruleset(*rules, hook="input", policy="accept"):
            self.on("nft", "flush", "ruleset")
            text = "\n".join(["table inet filter {", "chain one {", f"type filter hook {hook} priority 0; policy {policy};", *rules, "}", "}", ""])
            done = self.on("nft", "-f", "-", text=text)
            self.assertEqual(done.returncode, 0, done.stderr)

        ruleset("udp dport { 53, 1830-1840 } drop")
        wrong, _ = self.doctor()
        self.assertIn("inet filter one, rule", wrong["239.255.127.255:1835"])
        self.assertIn("drops UDP port 1834", wrong["UDP 1834"])
        self.assertNotIn("UDP 1117", wrong)
        ruleset("ip daddr 239.255.0.0/16 drop")
        wrong, _ = self.doctor()
        self.assertEqual(set(wrong), {"239.255.11.17:1117", "239.255.127.255:1835", "UDP 1117", "UDP 1835"})
        ruleset("meta pkttype multicast drop")
        self.assertIn("UDP 1835", self.doctor()[0])
        ruleset("udp dport 1835 drop", hook="output")
        wrong, _ = self.doctor()
        self.assertEqual(set(wrong), {"239.255.127.255:1835", "UDP 1835"})
        ruleset("tcp dport 22 accept", "ct state established accept", policy="drop")
        wrong, _ = self.doctor()
        self.assertIn("its policy is drop", wrong["TCP 1117"])
        ruleset("tcp dport { 22, 1117, 1834 } accept", "udp dport { 1117, 1834, 1835 } accept", policy="drop")
        self.assertEqual(self.doctor()[0], {})

    def test_a_bridge_that_snoops_and_asks_nobody(self):
        self.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "1", "mcast_querier", "0")
        self.ip("link", "add", "a0", "type", "veth", "peer", "name", "a1")
        self.ip("link", "set", "a0", "master", "br0", "up")
        for words in (["link", "set", "a1", "up"], ["link", "set", "br0", "up"], ["address", "add", "10.9.0.1/24", "dev", "br0"]):
            self.ip(*words)
        try:
            until(lambda: "LOWER_UP" in hosts.run("ip", "-n", self.hosts.names[1], "link", "show", "br0"))
            wrong, _ = until(lambda: (seen := self.doctor("--iface", "br0")) and "has no carrier" not in str(seen) and seen)
            self.assertIn("mcast_querier 1", wrong["br0"])
            self.ip("link", "set", "br0", "type", "bridge", "mcast_querier", "1", "mcast_igmp_version", "2")
            wrong, said = self.doctor("--iface", "br0")
            self.assertEqual(wrong, {})
            self.assertIn("IGMPv2", said["br0"])
        finally:
            self.ip("link", "delete", "br0")
            self.ip("link", "delete", "a0")

    def test_without_a_route_only_loopback_would_be_used(self):
        self.ip("route", "delete", "224.0.0.0/4", "dev", "eth0")
        try:
            wrong, _ = self.doctor()
            self.assertIn("there is no route", wrong["lo"])
            self.assertIn("--iface IF, one of eth0", wrong["lo"])
        finally:
            self.ip("route", "add", "224.0.0.0/4", "dev", "eth0")

    def test_a_port_that_somebody_else_has(self):
        for port in (1834, 1835):
            text = f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', {port})); print(flush=True); input()"
            process = self.hosts.start(1, sys.executable, "-c", text, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            process.stdout.readline()
            wrong, _ = self.doctor()
            self.assertIn(f"pid {process.pid}", wrong[f"UDP {port}"])
            process.communicate("\n")

    def test_a_session_announced_on_another_interface_and_another_machine_by_address(self):
        hosts.run("ip", "link", "add", "eth1", "netns", self.hosts.names[0], "type", "veth", "peer", "name", "eth1", "netns", self.hosts.names[1])
        for name, address in zip(self.hosts.names, ("10.8.0.1/24", "10.8.0.2/24")):
            hosts.run("ip", "-n", name, "address", "add", address, "dev", "eth1")
            hosts.run("ip", "-n", name, "link", "set", "eth1", "up")
        content = self.folder / "album"
        content.write_bytes(b"music")
        self.serve(0, "one", "send", content, "--iface", "eth1", "--receivers", "1", "--wait", "60s")
        wrong = until(lambda: (seen := self.doctor("--iface", "eth0", wait="1500ms")[0]).get("announced") and seen)
        self.assertIn("'album' by 10.8.0.1 is announced on eth1, and not on eth0", wrong["announced"])
        self.assertIn("--iface eth1", wrong["announced"])
        wrong, said = self.doctor("--iface", "eth0", "--to", "10.8.0.1")
        self.assertIn("say --iface eth1", wrong["10.8.0.1"])
        wrong, said = until(lambda: (seen := self.doctor("--iface", "eth1", "--to", "10.8.0.1")) and not seen[0] and seen)
        self.assertIn("takes no data at present", str(said))
        _, said = self.doctor("--iface", "eth1", "--to", "10.8.0.1", state="outside")
        self.assertIn("does not know this machine", said["10.8.0.1"])
        wrong, _ = self.doctor("--iface", "eth0", "--to", "10.11.17.1")
        self.assertIn("does not answer on TCP 1117", wrong["10.11.17.1"])

    def test_what_is_no_address_is_a_wrong_use(self):
        self.assertEqual(self.on(BIN / "ardus", "doctor", "--to", "album").returncode, 2)


class DoctorOfTheLink(Machines):
    """Where there is IPv6 alone."""
    ips = ("link",)

    def test_nothing_is_wrong_where_nothing_is(self):
        wrong, said = self.doctor()
        self.assertEqual(wrong, {})
        self.assertIn("fe80::1117:2: sessions go by IPv6", said["eth0"])
        self.assertIn("came back", said["[ff15::1117]:1117"])
        self.assertIn("came back", said["[ff15::9835:3fff]:1835"])
        self.assertFalse([about for about in said if about.startswith("239.")], said)
        self.assertIn("UDP_SEGMENT", said["offloads"])

    def test_what_drops_its_groups_is_told(self):
        self.on("nft", "-f", "-", text="table inet filter {\n chain one {\n  type filter hook input priority 0;\n  ip6 daddr ff15::/16 udp dport 1835 drop\n }\n}\n")
        wrong, _ = self.doctor()
        self.assertIn("ip6 daddr ff15::/16", wrong["[ff15::9835:3fff]:1835"])
        self.assertNotIn("[ff15::1117]:1117", wrong)

    def test_what_knows_no_sources_is_noted(self):
        self.on("sysctl", "-qw", "net.ipv6.conf.eth0.force_mld_version=1")
        try:
            self.assertIn("speak MLDv1", self.doctor()[1]["eth0"])
        finally:
            self.on("sysctl", "-qw", "net.ipv6.conf.eth0.force_mld_version=0")

    def test_a_session_and_another_machine(self):
        content = self.folder / "album"
        content.write_bytes(b"music")
        self.serve(0, "one", "send", content, "--iface", "eth0", "--receivers", "1", "--wait", "60s")
        until(lambda: "'album' by fe80::1117:1 is announced on eth0" in self.doctor(wait="1500ms")[1].get("announced", ""))
        wrong, said = until(lambda: (seen := self.doctor("--to", "fe80::1117:1%eth0")) and not seen[0] and seen)
        self.assertIn("answers on TCP 1117", said["fe80::1117:1%eth0"])
        self.assertIn("does not answer on TCP 1117", self.doctor("--to", "fe80::1117:9%eth0")[0]["fe80::1117:9%eth0"])


class DoctorOfBoth(Machines):
    ips = ("4", "6", "link")

    def test_each_ip_is_tried(self):
        wrong, said = self.doctor()
        self.assertEqual(wrong, {})
        self.assertIn("10.11.17.2 and 2001:db8:1117::2", said["eth0"])
        for group in ("239.255.11.17:1117", "239.255.127.255:1835", "[ff15::1117]:1117", "[ff15::9835:3fff]:1835"):
            self.assertIn("came back", said[group])

    def test_one_without_any_address_says_so(self):
        self.ip("link", "add", "bare0", "type", "veth", "peer", "name", "bare1")
        try:
            self.on("sysctl", "-qw", "net.ipv6.conf.bare0.disable_ipv6=1")
            for name in ("bare0", "bare1"):
                self.ip("link", "set", name, "up")
            wrong, _ = until(lambda: (seen := self.doctor("--iface", "bare0")) and "has no carrier" not in str(seen) and seen)
            self.assertIn("has no IP address", wrong["bare0"])
        finally:
            self.ip("link", "delete", "bare0")


if __name__ == "__main__":
    if not hosts.enter_own_namespaces():
        print("skipped: no network namespaces can be made here")
        sys.exit(0)
    unittest.main()
