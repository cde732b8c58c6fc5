"""How a run comes by its connections: it dials a server, or listens for a client."""
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from .peer import Fail, Peer
from .transport import Address, Refused, accept, accept_websocket, dial_websocket

KINDS = {"unary": 0, "server": 1, "client": 2, "both": 3}
DRILL = [("Echo", "unary"), ("Count", "server"), ("Sum", "client"), ("Chat", "both"), ("Hold", "unary"), ("HoldStream", "client"), ("Fail", "unary"),
         ("Tally", "unary"), ("Guarded", "unary"), ("Next", "unary")]
CORE = [("Describe", "unary"), ("Health", "unary"), ("Stats", "unary"), ("Limits", "unary")]


def entry(name, first, methods):
    told = [{"name": each, "kind": KINDS[kind], "needs": "public"} for each, kind in methods]
    return {"name": name, "version": "1", "first_method": first, "method_count": len(told), "health": 2, "methods": told}


class World:
    """@param patience  seconds to wait for what must come; @param scale  of the times that cases tell"""

    def __init__(self, profile, patience=5.0, scale=1.0):
        self.profile, self.patience, self.scale = profile, patience, scale
        self.epoch = int.from_bytes(os.urandom(6), "little") + 1

    def hello(self, case, services):
        told = case.get("hello", {})
        return {"version": 1, "name": "b2spec", "boot_epoch": self.epoch, "keep_alive_ms": 1000, "services": services, **told}


class Started:
    """A server as a process of its own. @param command  {} in its words is an empty folder; the first line it says is its address"""

    def __init__(self, command, patience):
        self.folder = tempfile.mkdtemp(prefix="b2spec-")
        try:
            self.process = subprocess.Popen([word.replace("{}", self.folder) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError:
            self.close()
            raise
        self.address = self.first_line(time.monotonic() + max(60, patience))
        if not self.address:
            self.close()
            raise Refused(f"{command[0]} ended, or said no address on its standard output")

    def first_line(self, until):
        said = b""
        while not said.endswith(b"\n") and select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            one = self.process.stdout.read(1)
            if not one:
                break
            said += one
        return said.decode().strip()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def ended(self, patience):
        """Its exit status, or None when it goes on."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        process = getattr(self, "process", None)
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class ServerWorld(World):
    """Dials; with profile "ws" by WebSocket. @param fresh  starts a server of its own for a case that ends it: what gives a Started"""

    def __init__(self, profile, address, token=None, fresh=None, **times):
        super().__init__(profile, **times)
        self.address, self.token, self.fresh = Address(address), token, fresh

    def of_its_own(self):
        """(the server, a world around it) for one case."""
        server = self.fresh()
        return server, ServerWorld(self.profile, server.address, self.token, patience=self.patience, scale=self.scale)

    @property
    def kind(self):
        return "ws" if self.profile == "ws" else self.address.kind

    def plain_stream(self):
        return self.address.connect(self.patience)

    def tls_stream(self, alpn):
        return self.address.connect(self.patience, alpn)

    def websocket(self, protocols, headers, host=None):
        stream = self.address.connect(self.patience, ["http/1.1"] if self.address.tls else None)
        at = "localhost" if self.address.path is not None else f"{self.address.host}:{self.address.port}"
        try:
            return dial_websocket(stream, host or at, "/b2", protocols, headers, self.patience)
        except BaseException:
            stream.close()
            raise

    def peer(self, case, cut=None):
        if self.profile == "ws":
            stream = self.websocket(["b2.1"] + ([f"b2.bearer.{self.token}"] if self.token else []), {})
            stream.cut = cut
        else:
            stream = self.plain_stream()
        return Peer(stream, True, self.hello(case, []), self.patience)

    def open(self):
        """Raises Refused when there is nobody."""
        self.plain_stream().close()

    def close(self):
        pass


class ClientWorld(World):
    """Listens, by WebSocket when `by_websocket`; starts `command`, whose word {} is the address, when there is one."""

    def __init__(self, address, by_websocket=False, command=(), arrival=60.0, **times):
        super().__init__("client", **times)
        self.arrival = max(arrival, 2 * self.patience)  # seconds a client may take to connect, and to end
        self.listener, self.where = Address(address).listen()
        self.by_websocket, self.command = by_websocket, list(command)
        self.process = None

    @property
    def kind(self):
        return "ws" if self.by_websocket else "unix" if self.where.startswith("unix:") else "tcp"

    def open(self):
        if self.command:
            at = f"ws://{self.where}/b2" if self.by_websocket else self.where
            self.process = subprocess.Popen([word.replace("{}", at) for word in self.command])

    def peer(self, case, cut=None):
        stream = self.await_client()
        if self.by_websocket:
            stream = accept_websocket(stream, self.patience)
            stream.cut = cut
        services = [entry("b2.v1.Core", 11, CORE), entry("b2.spec.v1.Drill", 37, DRILL)]
        return Peer(stream, False, self.hello(case, services), self.patience)

    def await_client(self):
        until = time.monotonic() + self.arrival
        while time.monotonic() < until:
            stream = accept(self.listener, 0.1)
            if stream is not None and stream.is_open():
                return stream
            if stream is not None:
                stream.close()  # given up while nobody took it
                continue
            if self.process is not None and self.process.poll() is not None:
                raise Refused(f"no client connected: it ended with status {self.process.returncode}")
        raise Refused("no client connected")

    def dismiss(self):
        """Tells the client that all was tried; gives its exit status where it was started here."""
        from .steps import Steps
        until = time.monotonic() + self.arrival
        while True:
            try:
                Steps(self, {"steps": [{"task": {"kind": "DONE"}}, {"ends": "any", "strict": False}]}).run()
                break
            except (Fail, Refused) as error:  # of a connection that is over: the client comes again
                if time.monotonic() > until or (self.process is not None and self.process.poll() is not None):
                    raise Refused(f"the client did not take its leave: {error}") from None
        if self.process is None:
            return 0
        try:
            return self.process.wait(self.arrival)
        except subprocess.TimeoutExpired:
            raise Refused(f"the client did not end within {self.arrival:.0f} s after it was told that all was tried") from None

    def close(self):
        self.listener.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
