"""The reference implementation as a client: it does as Drill/Next says."""
import time

from kit import wire
from kit.transport import Closed, dial_websocket
from kit.wire import END, META, MORE, Frame, Malformed
from kit.world import DRILL
from reference import Connection
from reference_calls import Call, Refusal


class ClientConnection(Connection):
    """Does as Drill/Next says. `outcome` is kept from one connection to the next; `done` tells that all was tried."""

    def __init__(self, stream, shared, outcome):
        super().__init__(stream, True, shared)
        self.outcome, self.done = outcome, False
        self.task = None

    def run(self):
        super().run()
        lost = [call for call in self.calls.values() if call.mine and call.method not in ("Next",)]
        if lost and self.outcome["status"] is None:
            self.outcome["status"] = 14 if self.breaks("lost-is-unavailable") else 2

    def on_peer(self):
        self.ask()

    def open_call(self, method, payload, timeout_ms=0, streams=False):
        self.last_mine = self.last_mine + 2 if self.last_mine else 1
        call = self.calls[self.last_mine] = Call(self.last_mine, method, True)
        self.send_on[call.stream] = self.peer_limit("stream_window")
        self.receive_on[call.stream] = self.limits["stream_window"]
        if f"b2.spec.v1.Drill/{method}" not in self.methods:
            raise Closed("no such method")
        index = [name for name, _ in DRILL].index(method) if self.breaks("guesses-indexes") and method != "Next" else self.methods[f"b2.spec.v1.Drill/{method}"]
        if timeout_ms:
            call.deadline = time.monotonic() + timeout_ms / 1000
        self.queue(call, "CALL", payload, 0 if streams else END, index, wire.extension("TIMEOUT", timeout_ms) if timeout_ms else b"")
        return call

    def ask(self):
        told = {key: value for key, value in self.outcome.items() if value}
        self.open_call("Next", wire.encode("Outcome", {**told, "can": "1 2 3 4 5 6 7"}))

    def report(self, status):
        self.outcome["status"] = status
        if self.leaving:
            raise Closed("the server goes away")
        self.ask()

    def end_mine(self, call, status):
        self.forget(call)
        if call.method == "Next":
            raise Closed("no task")
        if self.breaks("all-failures-are-unknown") and status:
            status = 2
        self.report(status)

    def forget(self, call):
        leaving, self.leaving = self.leaving, False
        super().forget(call)
        self.leaving = leaving

    def on_answer(self, call, frame):
        payload = frame.payload
        if frame.type == "RESP" and frame.code:
            if self.breaks("parts-of-failures") and call.parts:
                self.note(b"")
            return self.end_mine(call, frame.code if frame.code <= 16 or self.breaks("any-status") else 2)
        if frame.flags & META and not self.breaks("metadata-is-message"):
            payload = payload[2 + int.from_bytes(payload[:2], "little"):]
        if self.breaks("extensions-are-message"):
            payload = frame.ext + payload
        more = frame.type == "DATA" and frame.flags & MORE and not self.breaks("first-part-is-all")
        in_parts = call.assembling or more
        call.parts += payload
        call.assembling = bool(more)
        if not call.unread or in_parts:
            self.give_credit(call.stream, len(frame.payload))
        if frame.flags & wire.COMPRESSED:
            try:
                self.judge_compressed(frame.flags)
                call.parts = call.parts if more else self.plain(call, call.parts, True)
            except Refusal as refusal:
                if frame.type == "DATA":
                    self.send(Frame("CANCEL", call.stream, code=1))
                return self.end_mine(call, refusal.status)
        elif not more and frame.payload and self.breaks("compression-sticks"):
            try:
                call.parts = self.plain(call, call.parts, False)
            except Refusal as refusal:
                return self.end_mine(call, refusal.status)
        if more:
            return
        if frame.type == "DATA" or not frame.flags & END or self.breaks("resp-is-a-message"):
            message, call.parts = call.parts, b""
            if self.on_message_of(call, message):
                return
        if frame.type == "RESP":
            self.end_mine(call, 0)

    def on_message_of(self, call, message):
        """True when the call was Next, which is over then."""
        if call.method != "Next":
            try:
                self.note(wire.decode("Piece", message)["payload"] if call.method != "Sum" else b"")
            except Malformed:
                self.note(b"")
            return False
        self.forget(call)
        self.carry_out(wire.decode("Task", message))
        return True

    def note(self, payload):
        self.outcome["messages"] += 1
        self.outcome["bytes"] += len(payload)

    def carry_out(self, task):
        self.outcome.update(status=None, messages=0, bytes=0, none=False)
        kind, count = task["kind"], task["count"]
        piece = wire.encode("Piece", {"payload": b"x" * task["size"]})
        if kind == 0:
            self.done = True
            raise Closed("all was tried")
        if kind in (1, 7):
            self.open_call("Echo", piece, task["timeout_ms"])
        elif kind in (2, 6):
            self.open_call("Count", wire.encode("CountRequest", {"count": count, "size": task["size"]})).unread = kind == 6
        elif kind == 3:
            self.open_call("Hold", b"", task["timeout_ms"])
        elif kind == 4:
            call = self.open_call("Hold", b"")
            self.pump()
            if not self.breaks("cancels-quietly"):
                self.send(Frame("CANCEL", call.stream, code=1))
            self.end_mine(call, 1)
        elif kind == 5:
            call = self.open_call("Sum", b"", streams=True)
            for _ in range(count - (1 if self.breaks("one-message-short") else 0)):
                self.queue(call, "DATA", piece)
            self.queue(call, "DATA", b"", END)

    def send_part(self, call, item):
        if call.stream not in self.calls and not self.breaks("sends-on"):
            item["at"], item["sent"] = len(item["payload"]), True
            return True
        if call.stream not in self.calls:
            self.send_on[call.stream] = 1 << 20
        return super().send_part(call, item)



def run_client(address, shared, websocket=False):
    """Connects to `b2spec client` until all was tried."""
    outcome = {"none": True, "status": 0, "messages": 0, "bytes": 0}
    for _ in range(10_000):
        stream = address.connect(5)
        if websocket:
            stream = dial_websocket(stream, address.text, "/b2", ["b2.1"], {}, 5)
            stream.text_is_bytes = shared.broken == "text-is-bytes"
        connection = ClientConnection(stream, shared, outcome)
        connection.run()
        if connection.done:
            return 0
        if outcome["status"] is None:
            outcome["status"] = 2
    return 1
