#!/usr/bin/env python3
"""Topics of three nodes over three NATS servers: the ready barrier, groups, and what is told when servers die, hang or are cut off."""
import contextlib
import pathlib
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "ardus"))
import hosts
from cluster import Node, Servers, make_house, until

NAMES = ["alpha", "beta", "gamma"]
INSIDE = False  # in network namespaces of its own
CUT = "table inet cut {\n chain input { type filter hook input priority 0; iifname \"eth0\" drop; }\n}\n"


@contextlib.contextmanager
def house(on=None):
    """Three servers, and three nodes each of which prefers one of them."""
    with tempfile.TemporaryDirectory(prefix="ghost-nats-") as name:
        folder = pathlib.Path(name)
        make_house(folder, NAMES)
        places = [(on.names[number], on.address(number)) for number in range(3)] if on else None
        servers = Servers(folder, places)
        nodes = []
        try:
            for number, node in enumerate(NAMES):
                urls = [servers.url((number + i) % 3) for i in range(3)]
                nodes.append(Node(folder / node, urls, on.names[number] if on else ""))
            for node in nodes:
                node.knows(2)
            yield servers, nodes
        finally:
            for node in nodes:
                node.stop()
            servers.stop()


class Publishing:
    """Publishes under one subject, 10 messages every 10 ms, until it is told to end."""

    def __init__(self, node, subject):
        self.node, self.subject, self.count, self.ending = node, subject, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        while not self.ending.wait(0.01):
            self.node.tell("pub", self.subject, 10)
            self.count += 10

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


class Bridge(unittest.TestCase):
    def accounted(self, reader, ident, published):
        """Whatever was published came, or was told as dropped; and what came came once, in order."""
        until(lambda: reader.got(ident) + reader.lost(ident) == published,
              lambda: f"{reader.name}: {reader.got(ident)} came and {reader.lost(ident)} are told as dropped of {published}\n{reader.log.read_text()[-3000:]}")
        numbers = {}
        for event in reader.of("message", ident):
            numbers.setdefault(event["subject"], []).append(event["data"])
        for subject, came in numbers.items():
            self.assertEqual(came, sorted(set(came)), subject)
        return f"{reader.got(ident)} of {published} came, {reader.lost(ident)} told as dropped"

    def test_on_one_machine(self):
        with house() as (servers, nodes):
            with self.subTest("the first message after the acknowledgement always comes"):
                self.first_messages(nodes)
            with self.subTest("each message goes to one member of a group, wherever it is"):
                self.groups(nodes)
            with self.subTest("a server is killed"):
                self.server_dies(servers, nodes)
            with self.subTest("a server hangs"):
                self.server_hangs(servers, nodes)
            with self.subTest("a node is killed"):
                self.node_dies(nodes)

    def first_messages(self, nodes):
        for turn in range(200):
            reader, writer = nodes[turn % 3], nodes[(turn + 1 + turn // 3 % 2) % 3]
            ack = reader.sub(f"s{turn}", f"first.{turn}")
            writer.tell("pub", f"first.{turn}", 1)
            self.assertEqual(ack["unconfirmed"], [], turn)
            until(lambda: reader.got(f"s{turn}") == 1, lambda: f"turn {turn}: {reader.name} misses what {writer.name} published", 20)
            reader.tell("unsub", f"s{turn}")
        print("first messages lost: 0 of 200", file=sys.stderr)

    def groups(self, nodes):
        for node in nodes:
            node.sub("member", "jobs.>", "workers")
            node.sub("reader", "jobs.>")
        for node in nodes:
            node.tell("pub", f"jobs.{node.name}", 200)
        until(lambda: sum(node.got("member") for node in nodes) >= 600, lambda: str([node.got("member") for node in nodes]))
        for node in nodes:
            until(lambda: node.got("reader") == 600)
            self.assertGreater(node.got("member"), 100)
        self.assertEqual(sum(node.got("member") for node in nodes), 600)
        self.assertEqual(len({(event["subject"], event["data"]) for node in nodes for event in node.of("message", "member")}), 600)
        for node in nodes:
            self.assertEqual(node.lost("member") + node.lost("reader"), 0)
            node.tell("unsub", "member")
            node.tell("unsub", "reader")

    def server_dies(self, servers, nodes):
        alpha, beta, gamma = nodes
        beta.sub("dies", "dies.*")
        gamma.sub("dies", "dies.*")
        with Publishing(alpha, "dies.a") as published:
            for number in (0, 1):  # the publisher's, then a reader's
                time.sleep(0.3)
                servers.kill(number)
                time.sleep(1)
                servers.start(number)
                time.sleep(0.5)
        for reader in (beta, gamma):
            print(f"server killed: {reader.name}:", self.accounted(reader, "dies", published.count), file=sys.stderr)

    def server_hangs(self, servers, nodes):
        alpha, beta, gamma = nodes
        beta.sub("hangs", "hangs.*")
        gamma.sub("hangs", "hangs.*")
        with Publishing(alpha, "hangs.a") as published:
            time.sleep(0.3)
            hung = next(number for number in range(3) if alpha.server() == servers.url(number))
            servers.processes[hung].send_signal(signal.SIGSTOP)
            time.sleep(5)
            servers.processes[hung].send_signal(signal.SIGCONT)
            time.sleep(0.5)
        for reader in (beta, gamma):
            print(f"server stopped for 5 s: {reader.name}:", self.accounted(reader, "hangs", published.count), file=sys.stderr)

    def node_dies(self, nodes):
        alpha, beta, gamma = nodes
        beta.sub("ends", "ends.*")
        with Publishing(alpha, "ends.a"):
            time.sleep(0.2)
        alpha.kill()
        alpha.start()
        alpha.knows(2)
        until(lambda: beta.uncounted("ends"), "a node that was killed may have lost anything: nobody was told so")
        before = beta.got("ends") + beta.lost("ends")
        alpha.pub("ends.a", 50)
        until(lambda: beta.got("ends") + beta.lost("ends") == before + 50, lambda: f"{before} {beta.got('ends')} {beta.lost('ends')}")

    def test_a_partition(self):
        if not INSIDE:
            raise unittest.SkipTest("no network namespaces can be made here")
        on = hosts.Hosts(3)
        try:
            with house(on) as (_, nodes):
                alpha, beta, gamma = nodes
                alpha.sub("cut", "cut.*")
                beta.sub("cut", "cut.*")
                with Publishing(alpha, "cut.a") as inside, Publishing(gamma, "cut.b") as outside:
                    time.sleep(0.3)
                    hosts.run("ip", "netns", "exec", on.names[0], "nft", "-f", "-", input=CUT)
                    time.sleep(8)
                    hosts.run("ip", "netns", "exec", on.names[0], "nft", "delete", "table", "inet", "cut")
                    time.sleep(1)
                print("cut off for 8 s: alpha:", self.accounted(alpha, "cut", inside.count + outside.count), file=sys.stderr)
                print("cut off for 8 s: beta:", self.accounted(beta, "cut", inside.count + outside.count), file=sys.stderr)
        finally:
            on.close()


if __name__ == "__main__":
    INSIDE = hosts.enter_own_namespaces()
    if INSIDE:
        hosts.run("ip", "link", "set", "lo", "up")
    unittest.main(verbosity=1)
