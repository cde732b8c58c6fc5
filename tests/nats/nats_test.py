#!/usr/bin/env python3
"""Topics and calls of three nodes over three NATS servers: the ready barrier, groups, and what is told, and what is done twice (nothing), when
servers die, hang or are cut off; and by a server that asks for certificates and credentials. The scenarios, each with a house of its own, go on side by side."""
import concurrent.futures
import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "ardus"))
import hosts
from broker_trust import make_authority, make_certificate, make_credentials
from cluster import Node, Servers, free_port, have_own_network, make_house, stop_all, until

NAMES = ["alpha", "beta", "gamma"]
INSIDE = False  # in network namespaces of its own
CUT = "table inet cut {\n chain input { type filter hook input priority 0; iifname \"eth0\" drop; }\n chain output { type filter hook output priority 0; oifname \"eth0\" drop; }\n}\n"


@contextlib.contextmanager
def house(on=None, words=()):
    """Three servers, and three nodes each of which prefers one of them. @param words  options of the nodes"""
    with tempfile.TemporaryDirectory(prefix="ghost-nats-") as name:
        folder = pathlib.Path(name)
        make_house(folder, NAMES)
        places = [(on.names[number], on.address(number)) for number in range(3)] if on else None
        servers = Servers(folder, places)
        nodes = []
        try:
            for number, node in enumerate(NAMES):
                urls = [servers.url((number + i) % 3) for i in range(3)]
                nodes.append(Node(folder / node, [*words, *urls], on.names[number] if on else ""))
            for node in nodes:
                node.knows(2)
            yield servers, nodes
        finally:
            stop_all(nodes, servers.stop)


class Publishing:
    """Publishes under one subject, 10 messages every 30 ms, until it is told to end."""

    def __init__(self, node, subject):
        self.node, self.subject, self.told, self.count, self.ending = node, subject, 0, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        while not self.ending.wait(0.03):
            self.node.tell("pub", self.subject, 10)
            self.told += 1

    def __exit__(self, *_):
        """Then `count` says how many were published: a node that has too much to do refuses some."""
        self.ending.set()
        self.thread.join()
        answers = self.node.wait(lambda events: (all_of := [event for event in events if event["event"] == "published" and event["subject"] == self.subject])
                                 and len(all_of) == self.told and all_of)
        self.count = sum(event["count"] for event in answers)


class Calling:
    """Calls a method that is not idempotent on another node, every 50 ms, until it is told to end."""

    def __init__(self, caller, callee, prefix):
        self.caller, self.callee, self.prefix, self.count, self.ending = caller, callee, prefix, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        while not self.ending.wait(0.05):
            self.caller.tell("call", self.callee.name, "Grind", 4000, f"{self.prefix}{self.count}")
            self.count += 1

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def settle(self, test):
        """Every call has ended, none was carried out twice, and what was said of each is true."""
        def ended():
            return {event["name"]: event["status"] for event in self.caller.of("called") if event["name"].startswith(self.prefix)}
        until(lambda: len(ended()) == self.count, lambda: f"{len(ended())} of {self.count} have ended")
        def executed():
            return [event["name"] for event in self.callee.of("executed") if event["name"].startswith(self.prefix)]
        until(lambda: {name for name, status in ended().items() if status == 0} <= set(executed()), "a call was answered that was not carried out")
        done = executed()
        test.assertEqual(len(done), len(set(done)), "a call was carried out twice")
        for name, status in ended().items():
            if status in (8, 14):  # 8: of the caller's own node, which has too much to do
                test.assertNotIn(name, done, "it was said not to have been made")
            else:
                test.assertIn(status, (0, 2, 4), name)
        statuses = list(ended().values())
        return f"of {self.count} calls {statuses.count(0)} were answered, {statuses.count(8) + statuses.count(14)} not made, {statuses.count(2) + statuses.count(4)} are not known"


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

    def test_scenarios(self):
        scenarios = [self.one_house, self.servers_end, self.begin_together, self.secured] + ([self.partition] if INSIDE else [])
        with concurrent.futures.ThreadPoolExecutor(len(scenarios)) as pool:
            running = {scenario.__name__: pool.submit(scenario) for scenario in scenarios}
        for name, outcome in running.items():
            with self.subTest(name):
                outcome.result()
        if not INSIDE:
            raise unittest.SkipTest("no network namespaces can be made here, so nothing was cut off")

    def one_house(self):
        with house() as (_, nodes):
            self.first_messages(nodes)
            self.groups(nodes)
            self.calls(nodes)
            self.node_dies(nodes)

    def servers_end(self):
        with house(words=["--ping", "300"]) as (servers, nodes):
            self.server_dies(servers, nodes)
            self.server_hangs(servers, nodes)

    def first_messages(self, nodes):
        """The first message after the acknowledgement always comes."""
        def one(turn):
            reader, writer = nodes[turn % 3], nodes[(turn + 1 + turn // 3 % 2) % 3]
            ack = reader.sub(f"s{turn}", f"first.{turn}")
            writer.tell("pub", f"first.{turn}", 1)
            self.assertEqual(ack["unconfirmed"], [], turn)
            until(lambda: reader.got(f"s{turn}") == 1, lambda: f"turn {turn}: {reader.name} misses what {writer.name} published")
            reader.tell("unsub", f"s{turn}")

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for _ in pool.map(one, range(200)):
                pass
        print("first messages lost: 0 of 200", file=sys.stderr)

    def groups(self, nodes):
        """Each message goes to one member of a group, wherever it is."""
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
            self.assertEqual(node.lost("reader"), 0)  # of the member's, what a busy machine takes 5 s to acknowledge is told as dropped, though it came
            node.tell("unsub", "member")
            node.tell("unsub", "reader")

    def called(self, node, name, patience=60):
        return node.wait(lambda events: next((event for event in events if event["event"] == "called" and event["name"] == name), None), patience)

    def calls(self, nodes):
        """A method of another node is called by name."""
        alpha, beta, gamma = nodes
        for number in range(100):
            alpha.tell("call", "beta", "Grind", 20000, f"plain{number}")
        for number in range(100):
            self.assertEqual(self.called(alpha, f"plain{number}")["status"], 0)
        # An answer may be read here before what the callee said of the call.
        done = until(lambda: len(seen := [event for event in beta.of("executed") if event["name"].startswith("plain")]) >= 100 and seen)
        self.assertEqual(sorted(event["name"] for event in done), sorted(f"plain{number}" for number in range(100)))
        self.assertEqual({event["caller"] for event in done}, {"alpha"})
        answered = set()
        for number in range(10):
            alpha.tell("call", "any", "Grind", 20000, f"any{number}")
            answered.add(self.called(alpha, f"any{number}")["why"])
        self.assertEqual(answered, {"beta", "gamma"})

        gamma.tell("call", "beta", "Delete", 20000, "delete")
        refused = self.called(gamma, "delete")
        self.assertEqual(refused["status"], 7)
        self.assertIn("needs the role 'grab'", refused["why"])
        alpha.tell("call", "beta", "Watch", 20000, "watch")
        self.assertEqual(self.called(alpha, "watch")["status"], 12)
        alpha.tell("call", "beta", "Nothing", 20000, "nothing")
        self.assertEqual(self.called(alpha, "nothing")["status"], 5)
        alpha.tell("call", "delta", "Grind", 20000, "delta")
        self.assertEqual(self.called(alpha, "delta")["status"], 14)

        alpha.tell("call", "beta", "Grind", 200, "never")
        self.assertEqual(self.called(alpha, "never")["status"], 4)
        beta.wait(lambda events: any(event["event"] == "cancelled" for event in events))
        alpha.tell("call", "gamma", "Grind", 50000, "never")
        gamma.wait(lambda events: any(event["event"] == "executed" and event["name"] == "never" for event in events))
        alpha.tell("cancel", "never")
        gamma.wait(lambda events: any(event["event"] == "cancelled" for event in events))

    def server_dies(self, servers, nodes):
        alpha, beta, gamma = nodes
        beta.sub("dies", "dies.*")
        gamma.sub("dies", "dies.*")
        with Publishing(alpha, "dies.a") as published, Calling(alpha, beta, "dies") as calling:
            for number in (0, 1):  # the publisher's, then a reader's
                time.sleep(0.3)
                servers.kill(number)
                time.sleep(0.7)
                servers.start(number)
                time.sleep(0.4)
        for reader in (beta, gamma):
            print(f"server killed: {reader.name}:", self.accounted(reader, "dies", published.count), file=sys.stderr)
        print("server killed:", calling.settle(self), file=sys.stderr)

    def server_hangs(self, servers, nodes):
        alpha, beta, gamma = nodes
        beta.sub("hangs", "hangs.*")
        gamma.sub("hangs", "hangs.*")
        with Publishing(alpha, "hangs.a") as published, Calling(alpha, beta, "hangs") as calling:
            time.sleep(0.3)
            hung = next(number for number in range(3) if alpha.server() == servers.url(number))
            servers.processes[hung].send_signal(signal.SIGSTOP)
            time.sleep(2)  # it is given up after 0.9 s
            servers.processes[hung].send_signal(signal.SIGCONT)
            time.sleep(0.5)
        for reader in (beta, gamma):
            print(f"server stopped for 2 s: {reader.name}:", self.accounted(reader, "hangs", published.count), file=sys.stderr)
        print("server stopped for 2 s:", calling.settle(self), file=sys.stderr)

    def node_dies(self, nodes):
        alpha, beta, gamma = nodes
        beta.sub("ends", "ends.*")
        with Publishing(alpha, "ends.a"):
            time.sleep(0.2)
        beta.tell("call", "alpha", "Grind", 50000, "never")
        alpha.wait(lambda events: any(event["event"] == "executed" for event in events))
        alpha.kill()
        began = time.monotonic()
        beta.tell("call", "alpha", "Grind", 50000, "late")
        self.assertEqual(self.called(beta, "late")["status"], 14)
        self.assertLess(time.monotonic() - began, 6, "told by the broker, not by silence")
        alpha.start()
        alpha.knows(2)
        until(lambda: beta.uncounted("ends"), "a node that was killed may have lost anything: nobody was told so")
        lost = self.called(beta, "never")
        self.assertEqual(lost["status"], 2)
        self.assertIn("whether that was done is not known", lost["why"])
        before = beta.got("ends") + beta.lost("ends")
        alpha.pub("ends.a", 50)
        until(lambda: beta.got("ends") + beta.lost("ends") == before + 50, lambda: f"{before} {beta.got('ends')} {beta.lost('ends')}")

    def begin_together(self):
        """Servers, nodes, a subscription and messages all begin at once: what does not come is told."""
        with tempfile.TemporaryDirectory(prefix="ghost-nats-") as name:
            folder = pathlib.Path(name)
            make_house(folder, NAMES)
            servers = Servers(folder, wait=False)
            nodes = [Node(folder / node, [servers.url(number)], wait=False) for number, node in enumerate(NAMES)]
            try:
                alpha, beta, gamma = nodes
                for node in nodes:
                    node.ready()
                gamma.tell("sub", "member", "early.>", "workers")
                beta.tell("sub", "reader", "early.>")
                began = []  # when each message was about to be published
                for _ in range(20):
                    began.append(time.monotonic())
                    alpha.pub("early.a")
                    time.sleep(0.05)
                for node in nodes:
                    node.knows(2, servers)
                for node, ident in ((beta, "reader"), (gamma, "member")):
                    node.wait(lambda events: any(event["event"] == "ack" for event in events))
                began.append(time.monotonic())
                alpha.pub("early.a")
                for node, ident in ((beta, "reader"), (gamma, "member")):
                    until(lambda: self.all_told(node, ident, began), lambda: f"{node.name}: {node.of('message', ident)} came, {node.lost(ident)} are told as dropped\n{node.log.read_text()[-3000:]}")
                    told = ", more may be missing" if node.uncounted(ident) else ""
                    print(f"all began together: {ident}: {node.got(ident)} of 21 came, {node.lost(ident)} told as dropped{told}", file=sys.stderr)
            finally:
                stop_all(nodes, servers.stop)

    @staticmethod
    def all_told(node, ident, began):
        """The last message is there, and whatever was published after the acknowledgement is, too, or is told as missing."""
        came = {event["data"] for event in node.of("message", ident)}
        acked = node.of("ack", ident)[0]["at"]
        missing = [number for number, at in enumerate(began, 1) if at > acked and number not in came]
        return len(began) in came and (node.uncounted(ident) or node.lost(ident) >= len(missing))

    def secured(self):
        """A server that has TLS, wants certificates of its clients and credentials, and takes 64 KiB."""
        with tempfile.TemporaryDirectory(prefix="ghost-nats-") as name:
            folder = pathlib.Path(name)
            for authority in ("brokers", "others"):
                make_authority(folder, authority)
            make_certificate(folder, "server", "brokers", "IP:127.0.0.1")
            make_certificate(folder, "elsewhere", "brokers", "DNS:elsewhere.example")
            make_certificate(folder, "client", "brokers", "DNS:house.example")
            taken = make_credentials(folder)
            servers, at = [], {}
            nodes = []
            try:
                for certificate in ("server", "elsewhere"):
                    at[certificate] = free_port()
                    (folder / f"{certificate}.conf").write_text(
                        f"listen: 127.0.0.1:{at[certificate]}\nmax_payload: 65536\n{taken}"
                        f"tls {{ cert_file: {folder}/{certificate}.pem, key_file: {folder}/{certificate}.key, ca_file: {folder}/brokers.pem, verify: true }}\n")
                    with open(folder / f"{certificate}.log", "w") as log:
                        servers.append(subprocess.Popen(["nats-server", "-c", str(folder / f"{certificate}.conf")], stdout=log, stderr=subprocess.STDOUT))
                    until(lambda: "Server is ready" in (folder / f"{certificate}.log").read_text(), lambda: (folder / f"{certificate}.log").read_text())
                make_house(folder, NAMES)
                shown = {"--ca": "brokers.pem", "--certificate": "client.pem", "--key": "client.key", "--credentials": "user.creds"}

                def node(name, server="server", **other):
                    options = {**shown, **{"--" + key: value for key, value in other.items()}}
                    words = [word for key, value in options.items() if value for word in (key, str(folder / value))]
                    nodes.append(Node(folder / name, ["--listen", "127.0.0.1:0", *words, f"tls://127.0.0.1:{at[server]}"]))
                    return nodes[-1]

                for what, refused in (("a server that another authority knows", lambda: node("gamma", ca="others.pem")),
                                      ("a server of another name", lambda: node("gamma", "elsewhere")),
                                      ("no certificate of its own", lambda: node("gamma", certificate="", key="")),
                                      ("no credentials", lambda: node("gamma", credentials=""))):
                    self.stays_out(what, refused())
                alpha, beta = node("alpha"), node("beta")
                for one in (alpha, beta):
                    one.knows(1)
                self.too_long(alpha, beta)
            finally:
                stop_all(nodes, lambda: [(server.kill(), server.wait()) for server in servers])

    def stays_out(self, what, node):
        problem = until(lambda: (told := node.bridge()["problem"]) != "not connected yet" and told, what)
        self.assertFalse(node.bridge()["connected"], what)
        print(f"{what}: {problem}", file=sys.stderr)
        node.stop()

    def too_long(self, alpha, beta):
        beta.sub("all", "news.*")
        alpha.pub("news.a", 1, 60_000)
        until(lambda: beta.got("all") == 1)
        alpha.pub("news.a", 1, 65_000)
        why = alpha.of("failed")[-1]["why"]
        self.assertIn("64512 at most (max_payload of the broker, less 1024)", why)
        alpha.pub("elsewhere", 1, 65_000)
        self.assertEqual(len(alpha.of("failed")), 1, "nobody else wants it, so its length is no matter")
        alpha.pub("news.a")
        until(lambda: beta.got("all") == 2)
        self.assertEqual((beta.lost("all"), beta.uncounted("all")), (0, False))
        for name, size, answer, said in (("fits", 60_000, 0, ""), ("long", 65_000, 0, "a request of "), ("answer", 0, 65_000, "the answer has ")):
            alpha.tell("call", "beta", "Grind", 20000, name, size, answer)
            told = self.called(alpha, name)
            self.assertEqual(told["status"], 8 if said else 0, told)
            if said:
                self.assertIn(said, told["why"])
                self.assertRegex(told["why"], r"call beta itself, at 127\.0\.0\.1:\d+")
        alpha.tell("call", "beta", "Watch", 20000, "watch")
        told = self.called(alpha, "watch")
        self.assertEqual(told["status"], 12)
        self.assertRegex(told["why"], r"Work/Watch streams, and streams do not go by NATS, .*; call beta itself, at 127\.0\.0\.1:\d+")

    def partition(self):
        on = hosts.Hosts(3)
        try:
            with house(on, ["--silent", "2000"]) as (_, nodes):
                alpha, beta, gamma = nodes
                alpha.sub("cut", "cut.*")
                beta.sub("cut", "cut.*")
                with Publishing(alpha, "cut.a") as inside, Publishing(gamma, "cut.b") as outside, Calling(beta, alpha, "cut") as calling:
                    time.sleep(0.3)
                    hosts.run("ip", "netns", "exec", on.names[0], "nft", "-f", "-", input=CUT)
                    time.sleep(5)  # who is not heard of is away after 2 s
                    hosts.run("ip", "netns", "exec", on.names[0], "nft", "delete", "table", "inet", "cut")
                    time.sleep(0.5)
                print("cut off for 5 s: alpha:", self.accounted(alpha, "cut", inside.count + outside.count), file=sys.stderr)
                print("cut off for 5 s: beta:", self.accounted(beta, "cut", inside.count + outside.count), file=sys.stderr)
                print("cut off for 5 s:", calling.settle(self), file=sys.stderr)
        finally:
            on.close()


if __name__ == "__main__":
    INSIDE = hosts.enter_own_namespaces()
    if INSIDE:
        hosts.run("ip", "link", "set", "lo", "up")
        have_own_network()
    unittest.main(verbosity=1)
