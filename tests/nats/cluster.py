"""A cluster of three NATS servers, and nodes of one house around it. For tests: on free ports of loopback, or on the hosts of hosts.py."""
import contextlib
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 60  # seconds; waits end as soon as what they wait for is there


def until(what, why="waited in vain", patience=LONG):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.01)
    raise AssertionError(why() if callable(why) else why)


OWN_PORTS = None  # where the network is the test's own: none of these is taken, nor becomes a connection's own end before its server listens


def have_own_network():
    global OWN_PORTS
    OWN_PORTS = itertools.count(20_000)


def free_port():
    if OWN_PORTS is not None:
        return next(OWN_PORTS)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def within(namespace, words):
    return ["ip", "netns", "exec", namespace, *words] if namespace else words


class Servers:
    """Three servers, each with routes to the others."""

    def __init__(self, folder, hosts=None, wait=True):
        """@param hosts  for each server its network namespace and its address; @param wait  until all have routes to each other"""
        self.folder = folder
        self.hosts = hosts or [("", "127.0.0.1")] * 3
        self.ports = [(4222, 6222) if namespace else (free_port(), free_port()) for namespace, _ in self.hosts]
        self.processes = [None] * 3
        for number in range(3):
            self.start(number)
        for number in range(3 if wait else 0):
            until(lambda number=number: (self.folder / f"server{number}.log").read_text().count("Route connection created") >= 2)

    def url(self, number):
        return f"nats://{self.hosts[number][1]}:{self.ports[number][0]}"

    def start(self, number):
        routes = ",".join(f"nats://{self.hosts[other][1]}:{self.ports[other][1]}" for other in range(3) if other != number)
        namespace, address = self.hosts[number]
        with open(self.folder / f"server{number}.log", "a") as log:
            self.processes[number] = subprocess.Popen(
                within(namespace, ["nats-server", "-a", address, "-p", str(self.ports[number][0]), "--cluster_name", "test", "--no_advertise",
                                   "--cluster", f"nats://{address}:{self.ports[number][1]}", "--routes", routes, "--connect_retries", "1000"]),
                stdout=log, stderr=subprocess.STDOUT)

    def kill(self, number):
        self.processes[number].kill()
        self.processes[number].wait(LONG)

    def said(self):
        """The ends of their logs, for people."""
        return "\n".join(f"server {number}: " + (self.folder / f"server{number}.log").read_text()[-1500:] for number in range(3))

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(LONG)


class Node:
    """A node of the house, and what it said so far."""

    def __init__(self, state, words, namespace="", wait=True):
        """@param words  options and URLs; @param wait  until it is ready"""
        self.name, self.state, self.words, self.namespace = state.name, state, words, namespace
        self.log = state.parent / f"{state.name}.log"
        self.start(wait)

    def start(self, wait=True):
        self.events, self.lock = [], threading.Lock()
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(within(self.namespace, [str(BIN / "nats_node"), str(self.state), *self.words]), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if wait:
            self.ready()

    def ready(self):
        self.wait(lambda events: any(event["event"] == "ready" for event in events))

    def read(self):
        for line in self.process.stdout:
            with self.lock:
                self.events.append({**json.loads(line), "at": time.monotonic()})

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def wait(self, what, patience=LONG):
        def look():
            with self.lock:
                return what(self.events)
        return until(look, lambda: f"{self.name}: {self.events[-5:]}\n{self.log.read_text()[-2000:]}", patience)

    def of(self, kind, ident=None):
        with self.lock:
            return [event for event in self.events if event["event"] == kind and (ident is None or event["id"] == ident)]

    def sub(self, ident, pattern, group=""):
        """Gives the acknowledgement."""
        self.tell("sub", ident, pattern, group)
        return self.wait(lambda events: next((event for event in events if event["event"] in ("ack", "ended") and event["id"] == ident), None))

    def pub(self, subject, count=1, size=0):
        before = len(self.of("published"))
        self.tell("pub", subject, count, size)
        self.wait(lambda events: sum(event["event"] == "published" for event in events) > before)

    def got(self, ident):
        return len(self.of("message", ident))

    def lost(self, ident):
        return sum(event["count"] for event in self.of("dropped", ident))

    def uncounted(self, ident):
        return any(event["uncounted"] for event in self.of("dropped", ident))

    def bridge(self):
        before = len(self.of("bridge"))
        self.tell("list")
        self.wait(lambda events: sum(event["event"] == "bridge" for event in events) > before)
        return self.of("bridge")[-1]

    def knows(self, others, servers=None):
        until(lambda: len(self.bridge()["alive"]) == others,
              lambda: f"{self.name}: {self.bridge()}\n{self.log.read_text()[-2000:]}" + ("\n" + servers.said() if servers else ""))

    def server(self):
        return self.bridge()["server"]

    def kill(self):
        self.process.kill()
        self.process.wait(LONG)
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        try:
            ended = self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            ended = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        assert ended == 0, f"{self.name} ended with {ended}\n{self.log.read_text()[-2000:]}"


def stop_all(nodes, stop_servers):
    """All of them, also when one did not end well, which is told then."""
    with contextlib.ExitStack() as stack:
        stack.callback(stop_servers)
        for node in nodes:
            stack.callback(node.stop)


def make_house(folder, names):
    subprocess.run([str(BIN / "make_house"), str(folder), names[0], *[name + "=listen,send" for name in names[1:]]], check=True, capture_output=True)
