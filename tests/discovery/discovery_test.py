#!/usr/bin/env python3
"""Discovery as a user meets it: three machines, namespaces on one switch, find each other, and b2 doctor finds what is broken. Without the
right to make namespaces it says so and ends. The tests mostly wait: each goes on in namespaces of its own, beside the others; one that is
named on the command line goes on alone."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "ardus"))
import hosts  # noqa: E402
from hosts import LONG, until  # noqa: E402

BIN = pathlib.Path(os.environ["GHOST_BIN"])


class Discovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        made = subprocess.run([BIN / "make_house", cls.folder, "one", "two=listen", "three=listen", "outside="], capture_output=True, text=True, check=True)
        cls.words = dict(line.split() for line in made.stdout.splitlines())
        cls.hosts = hosts.Hosts(3)

    @classmethod
    def tearDownClass(cls):
        cls.hosts.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def setUp(self):
        self.running = []

    def tearDown(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        for number in range(3):
            self.on(number, "nft", "flush", "ruleset")

    def serve(self, number, name, *more, listen=("0.0.0.0:2203", "[::]:2203")):
        """A daemon of its own on that host, which announces itself."""
        words = [BIN / "portlight", "serve", "--state", self.folder / name, "--log", "info", *more]
        for at in listen:
            words += ["--listen", at]
        with open(self.folder / f"{name}.log", "w") as log:
            process = self.hosts.start(number, *words, stdout=subprocess.DEVNULL, stderr=log)
        self.running.append(process)
        until(lambda: (self.folder / name / "portlight.sock").exists() or process.poll() is not None)
        return process

    def hold(self, number, how="pass"):
        """A process that has UDP 2203 of that host, until it is told to end."""
        text = f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); {how}; s.bind(('0.0.0.0', 2203)); print(flush=True); input()"
        process = self.hosts.start(number, sys.executable, "-c", text, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        return process

    def on(self, number, *words, text=None):
        return subprocess.run(["ip", "netns", "exec", self.hosts.names[number], *map(str, words)], capture_output=True, text=True, input=text)

    def found(self, number, name):
        """What the daemon of that node has found, by node words."""
        answer = self.on(number, BIN / "b2", "call", "--state", self.folder / name, "--at", f"unix:{self.folder / name}/portlight.sock", "b2.v1.Discovery/Found", "{}")
        return {node["nodeWords"]: node for node in json.loads(answer.stdout).get("nodes", [])} if answer.returncode == 0 else {}

    def proven(self, number, name):
        return {words for words, node in self.found(number, name).items() if node["state"] == "FOUND_STATE_PROVEN"}

    def logged(self, name, what):
        """When that line was written, in seconds."""
        line = next(line for line in (self.folder / f"{name}.log").read_text().splitlines() if what in line)
        return datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp()

    def doctor(self, number, name):
        answer = self.on(number, BIN / "b2", "doctor", "--state", self.folder / name, "--json")
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        return answer.returncode, lines[:-1], lines[-1]

    def test_three_machines_find_prove_and_lose_each_other(self):
        self.serve(0, "one")
        self.serve(1, "two")
        until(lambda: self.proven(0, "one") == {self.words["two"]} and self.proven(1, "two") == {self.words["one"]})
        third = self.serve(2, "three")
        until(lambda: self.words["three"] in self.proven(0, "one"))
        took = self.logged("one", f"node found name=three node={self.words['three']}") - self.logged("three", "b2: listening")
        print(f"a new node was proven {took:.3f} s after it began to listen", flush=True)
        self.assertLess(took, 15, "by its first beacons, not by luck; 1 s on a machine that is not busy")
        until(lambda: len(self.proven(2, "three")) == 2 and len(self.proven(1, "two")) == 2)
        node = self.found(0, "one")[self.words["three"]]
        self.assertEqual(node["name"], "three")
        self.assertIn("10.11.17.3:2203", node["addresses"])
        until(lambda: any(address.startswith("[fe80:") for address in self.found(0, "one")[self.words["three"]]["addresses"]))
        self.assertIn("portlight.v1.Ports", [service["name"] for service in node["services"]])

        # A command without a host, a member's and a stranger's.
        lines = [json.loads(line) for line in self.on(0, BIN / "b2", "ls", "--state", self.folder / "one", "--wait", "1.5", "--json").stdout.splitlines()]
        listed = {line["words"]: line for line in lines if line["event"] == "node"}
        self.assertEqual(set(listed), {self.words[name] for name in ("one", "two", "three")})
        self.assertEqual({line["state"] for line in listed.values()}, {"proven"})
        stranger = self.on(1, BIN / "b2", "ls", "--state", self.folder / "outside", "--wait", "1.5")
        self.assertEqual(stranger.returncode, 0, stranger.stderr)
        self.assertIn(self.words["three"], stranger.stdout)
        self.assertIn("not proven", stranger.stdout)
        self.assertNotIn("portlight.v1", stranger.stdout)

        # One says goodbye.
        third.send_signal(signal.SIGTERM)
        third.wait(LONG)
        began = time.monotonic()
        until(lambda: self.words["three"] not in self.found(0, "one"))
        self.assertLess(time.monotonic() - began, 12, "sooner than its beacons' hold would end")

    def test_an_interface_that_comes_later_is_joined(self):
        self.on(1, "ip", "link", "set", "eth0", "down")
        self.serve(0, "one")
        self.serve(1, "two")
        time.sleep(1)
        self.assertEqual(self.proven(0, "one"), set())
        self.on(1, "ip", "link", "set", "eth0", "up")
        self.on(1, "ip", "route", "replace", "224.0.0.0/4", "dev", "eth0")
        until(lambda: self.words["two"] in self.proven(0, "one") and self.words["one"] in self.proven(1, "two"))

    def test_seeds_find_where_multicast_does_not_pass(self):
        deaf = 'table inet deaf { chain input { type filter hook input priority 0; udp dport 2203 drop; }; }'
        for number in range(3):
            self.assertEqual(self.on(number, "nft", "-f", "-", text=deaf).returncode, 0)
        self.serve(0, "one", listen=("0.0.0.0:2203",))
        self.serve(1, "two", "--seeds", "10.11.17.1:2203", listen=("0.0.0.0:2203",))
        until(lambda: self.words["one"] in self.proven(1, "two") and self.words["two"] in self.proven(0, "one"))
        # The third has the same seed, and learns of the second from it.
        self.serve(2, "three", "--seeds", "10.11.17.1:2203", listen=("0.0.0.0:2203",))
        until(lambda: self.proven(2, "three") == {self.words["one"], self.words["two"]})

    def test_nothing_is_sent_by_a_node_on_loopback(self):
        count = 'table inet seen { chain output { type filter hook output priority 0; udp dport 2203 counter; }; }'
        self.assertEqual(self.on(0, "nft", "-f", "-", text=count).returncode, 0)
        self.serve(0, "one", listen=("127.0.0.1:2203",))
        time.sleep(1)
        self.assertIn("packets 0", self.on(0, "nft", "list", "ruleset").stdout)

    def test_the_doctor_says_what_passes_and_what_does_not(self):
        self.serve(0, "one")
        self.serve(1, "two")
        until(lambda: self.words["two"] in self.proven(0, "one"))

        def healthy():
            code, findings, summary = self.doctor(2, "three")
            passes = [line for line in findings if "multicast passes: 2 nodes answered" in line["what"]]
            return (code, summary["verdict"], sorted(line["about"] for line in passes)) == (0, "well", ["eth0, IPv4", "eth0, IPv6"])
        until(healthy)

        # A rule of this machine's own keeps everything out.
        rule = 'table inet filter { chain input { type filter hook input priority 0; udp dport { 53, 2200-2210 } drop; }; }'
        self.assertEqual(self.on(2, "nft", "-f", "-", text=rule).returncode, 0)
        code, findings, summary = self.doctor(2, "three")
        self.assertEqual((code, summary["verdict"], summary["wrong"]), (1, "wrong", 2), findings)
        told = next(line for line in findings if line["about"] == "eth0, IPv4")
        self.assertIn("did not come back", told["what"])
        self.assertIn("inet filter input", told["remedy"])
        self.on(2, "nft", "flush", "ruleset")

    def test_the_doctor_tells_a_switch_and_another_program_from_a_rule(self):
        self.serve(0, "one")
        self.serve(1, "two")
        until(lambda: self.words["two"] in self.proven(0, "one"))

        # The switch keeps the group back, but lets single addresses through.
        hosts.run("ip", "link", "set", "port2", "type", "bridge_slave", "mcast_flood", "off")
        try:
            code, findings, summary = self.doctor(2, "three")
            self.assertEqual(code, 1, findings)
            told = next(line for line in findings if line["about"] == "eth0, IPv4")
            self.assertIn("to this machine alone", told["what"])
            self.assertIn("querier", told["remedy"])
        finally:
            hosts.run("ip", "link", "set", "port2", "type", "bridge_slave", "mcast_flood", "on")

        # Where a node of another user's has the port, as one that takes calls in datagrams does, what can't be seen is no fault.
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if shutil.which("setpriv") and self.on(0, *other, BIN / "b2", "--version").returncode == 0:
            calls = self.hold(0, "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)")
            with tempfile.TemporaryDirectory() as nobodys:
                os.chmod(nobodys, 0o777)
                seen = self.on(0, *other, BIN / "b2", "doctor", "--state", nobodys)
            self.assertEqual(seen.returncode, 0, seen.stdout + seen.stderr)
            self.assertIn("a node of this machine", seen.stdout)
            calls.communicate("\n")

        # Somebody else has the port.
        taker = self.hold(2)
        code, findings, summary = self.doctor(2, "three")
        self.assertEqual(code, 1)
        self.assertIn(f"pid {taker.pid}", next(line for line in findings if line["about"] == "UDP 2203")["what"])
        taker.communicate("\n")


def side_by_side():
    """Each test as a process; gives how many failed."""
    words = [[sys.executable, __file__, f"Discovery.{name}"] for name in unittest.defaultTestLoader.getTestCaseNames(Discovery)]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for each in words]
    failed = 0
    for each, process in zip(words, running):
        said, _ = process.communicate()
        print(f"{each[-1]}: {'ok' if process.returncode == 0 else 'FAILED'}\n{said}", flush=True)
        failed += process.returncode != 0
    return failed


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(min(side_by_side(), 1))
    if not hosts.enter_own_namespaces():
        print("skipped: no network namespaces can be made here")
        sys.exit(0)
    unittest.main()
