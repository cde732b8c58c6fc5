"""A case on its connections, step by step (docs/spec/conformance/README.md)."""
import time

from . import wire
from .peer import Fail, Silence
from .steps_client import Clients
from .steps_flow import Flow
from .steps_receive import Receiving
from .steps_send import Sending
from .steps_web import Web
from .transport import Closed
from .written import PATHS, TASKS, BadCase, Skip


class Steps(Sending, Receiving, Flow, Web, Clients):
    """Carries out the steps of one case on one connection at a time.
    @param world  how to connect: connect(), accept(), hello(case), scale, …"""

    def __init__(self, world, case):
        self.world, self.case = world, case
        self.server = None  # of this case alone, where the case ends it
        self.streams = {}
        self.peer = None
        self.past = []  # peers before this one

    def begin(self):
        begin = self.case.get("begin", "hello")
        self.since = time.monotonic()
        if begin == "elsewhere":
            return
        self.peer = self.world.peer(self.case, cut=self.case.get("cut"))
        self.peer.auto_credit = self.case.get("credit", "auto") == "auto"
        self.peer.answers_ping = not self.case.get("deaf", False)
        if self.case.get("level") == "should":
            self.peer.patience = min(self.peer.patience, 1.0)  # who does not follow a recommendation need not be waited for
        self.peer.hello_extra = bytes.fromhex(self.case.get("hello_extra", ""))
        if begin == "hello":
            if self.peer.dials:
                self.peer.say_hello()
            self.peer.read_hello()
            if not self.peer.dials:
                self.peer.say_hello()
        elif begin == "preface":
            self.peer.send_bytes(wire.PREFACE)
        elif begin != "nothing":
            raise BadCase(f"begin: {begin}")

    def index(self, path):
        """The index under which the other side (of a server) or we (of a client) serve a method."""
        service, method = path.split("/")
        entries = (self.peer.theirs if self.peer.dials else self.peer.hello)["services"]
        for entry in entries:
            for number, each in enumerate(entry["methods"]):
                if entry["name"] == PATHS.get(service, service) and each["name"] == method:
                    return entry["first_method"] + number
        if service == "Core":
            raise Fail(f"it does not serve {PATHS[service]}/{method}")
        raise Skip(f"it does not serve {PATHS.get(service, service)}/{method}")

    def do_again(self, step):
        """Another connection, on which the steps go on; `same` names fields of HELLO that must not have changed."""
        before = self.peer
        self.past.append(before)
        self.peer, self.kept = None, []
        self.begin()
        for name in step.get("same", []):
            if before.theirs[name] != self.peer.theirs[name]:
                raise Fail(f"{name} was {before.theirs[name]}, and is {self.peer.theirs[name]} on another connection")

    def steps(self, steps):
        for number, step in enumerate(steps):
            verb = next(iter(step))
            act = getattr(self, "do_" + verb, None)
            if act is None:
                raise BadCase(f"no step is called {verb}")
            try:
                act(step)
            except Silence as error:
                raise Fail(str(error)) from None
            except Closed as error:
                raise Fail(f"it closed the connection ({error})") from None
            except Fail as error:
                if not hasattr(error, "step"):
                    error.step = f"{number + 1}: {verb}"
                raise

    def run(self):
        """Raises Fail or Skip."""
        self.kept, self.kept_back, self.next_call, self.can, self.heard = [], [], 0, [], {}
        self.keys, self.remembered = {}, {}
        if self.case.get("drains") and self.world.profile != "client":
            if self.world.fresh is None:
                raise Skip("it ends the server, which b2spec has not started: say -- COMMAND")
            self.server, self.world = self.world.of_its_own()
        try:
            try:
                self.begin()
                if "feature" in self.case and self.case["feature"] not in self.peer.theirs["features"]:
                    raise Skip(f"it does not announce the feature {self.case['feature']}")
                task = self.case.get("task")
                if self.world.profile == "client" and self.case.get("begin", "hello") == "hello":
                    self.hear_next()
                    if task and str(TASKS[task["kind"]]) not in self.can:
                        raise Skip(f"the client does not know the task {task['kind']}")
                    if task:
                        self.do_task({"task": task})
            except Silence as error:
                raise Fail(str(error)) from None
            except Closed as error:
                raise Fail(f"it closed the connection ({error})") from None
            self.steps(self.case["steps"])
        finally:
            for peer in [*self.past, self.peer]:
                if peer is not None:
                    peer.close()
            if self.server is not None:
                self.server.close()
