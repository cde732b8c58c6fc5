"""What a client under test is told, and tells."""
from . import wire
from .peer import Fail
from .wire import Frame
from .written import TASKS


class Clients:
    """A part of Steps."""

    def do_task(self, step):
        """Answers the client's Next by a task, whose call must follow."""
        told = step["task"]
        self.peer.send(Frame("RESP", self.next_call, payload=wire.encode("Task", {**told, "kind": TASKS[told["kind"]]})))

    def do_outcome(self, step):
        """The client's next call of Next, with what came of its task."""
        self.judge_outcome(self.hear_next(step.get("may_come", ())), step["outcome"])

    def do_reconnects(self, step):
        """The client connects anew and tells what came of the task it was at."""
        self.past.append(self.peer)
        self.peer, self.kept = None, []
        self.begin()
        outcome = self.hear_next()
        if step["reconnects"]:
            self.judge_outcome(outcome, step["reconnects"])

    def hear_next(self, may_come=()):
        frame = self.await_frame("the call of Drill/Next")
        while frame.type in may_come:
            frame = self.await_frame("the call of Drill/Next")
        if frame.type != "CALL" or frame.code != self.index("Drill/Next"):
            raise Fail(f"the call of Drill/Next, index {self.index('Drill/Next')}, was due, {frame} came")
        self.next_call = frame.stream
        try:
            at = int.from_bytes(frame.payload[:2], "little") + 2 if frame.flags & wire.META else 0
            outcome = wire.decode("Outcome", frame.plain.data if frame.plain else frame.payload[at:])
        except wire.Malformed as error:
            raise Fail(f"Outcome is malformed: {error}") from None
        self.can = outcome["can"].split()
        return outcome

    def judge_outcome(self, outcome, wanted):
        for key, value in wanted.items():
            if outcome[key] not in (value if isinstance(value, list) else [value]):
                raise Fail(f"of its task the client tells {key} {outcome[key]}; {value} was due")
