"""What a step hears, and compares."""
import os
import time

from . import wire
from .peer import Fail, Silence
from .transport import Closed, Refused
from .wire import Frame
from .written import ANSWER, BACKGROUND, QUIET, flags_of, payload_of


class Receiving:
    """A part of Steps."""

    def next(self, patience=None):
        if self.kept:
            return self.kept.pop(0)
        return self.peer.next(patience)

    def await_frame(self, what, patience=None, wanted=()):
        deadline = time.monotonic() + (self.peer.patience if patience is None else patience)
        while True:
            try:
                frame = self.next(max(deadline - time.monotonic(), 0))
            except Silence:
                raise Fail(f"{what} did not come") from None
            except Closed as error:
                raise Fail(f"it closed the connection ({error}) where {what} was due") from None
            if frame.type not in BACKGROUND or frame.type in wanted:
                return frame

    def do_expect(self, step):
        kind = step["expect"]
        earliest, latest = (each * self.world.scale / 1000 for each in step.get("within_ms", [0, 0]))
        frame = self.await_frame(kind, max(latest, self.peer.patience) if latest else None, (kind,))
        if frame.type != kind:
            raise Fail(f"{kind} was due, {frame} came")
        self.not_before(earliest, str(frame))
        self.since = time.monotonic()
        named = step.get("stream")
        if kind == "CALL" and isinstance(named, str):
            self.streams[named] = frame.stream
        elif named is not None and frame.stream != self.stream(named):
            raise Fail(f"{kind} was due on stream {self.stream(named)}, {frame} came")
        self.compare(frame, step)

    def not_before(self, earliest, what):
        """Counted from when this side last began to say or heard something, so that a busy machine makes it longer, not shorter."""
        came = time.monotonic() - self.since
        if came < earliest * (0.9 if self.world.scale == 1 else 0.5):
            raise Fail(f"{what} came after {came:.3f} s, earlier than it may")

    def compare(self, frame, step):
        if "status" in step:
            wanted = step["status"] if isinstance(step["status"], list) else [step["status"]]
            if frame.code not in wanted:
                raise Fail(f"status {' or '.join(map(str, wanted))} was due, {frame} came")
        if "method" in step and frame.code != self.index(step["method"]):
            raise Fail(f"{step['method']} was due, which has index {self.index(step['method'])}; {frame} came")
        came = frame.payload if frame.plain is None else frame.plain.data
        if "payload" in step and came is not None and came != payload_of(step["payload"]):
            raise Fail(f"another payload was due: {came[:64].hex()} came")
        if "payload_not_empty" in step and not frame.payload:
            raise Fail(f"{frame} says nothing to a person")
        if "flags" in step and frame.flags != flags_of(step["flags"]):
            raise Fail(f"flags {step['flags'] or 'none'} were due, {frame} came")
        if "timeout_at_most" in step:
            told = wire.read_extensions(frame.ext).get("TIMEOUT")
            if told is None or int.from_bytes(told, "little") > step["timeout_at_most"]:
                raise Fail(f"TIMEOUT of at most {step['timeout_at_most']} ms was due; the extensions are {frame.ext.hex() or 'none'}")

    def do_answer(self, step):
        """The whole answer to a call of ours: its messages put together, its status."""
        stream = self.stream(step["answer"])
        messages, part, under_way, total = 0, 0, False, 0
        while True:
            frame = self.await_frame(f"the answer on stream {stream}")
            if frame.stream != stream or frame.type not in ("DATA", "RESP"):
                if frame.stream in self.streams.values() and frame.type in ("DATA", "RESP"):
                    self.kept_back.append(frame)
                    continue
                raise Fail(f"an answer on stream {stream} was due, {frame} came")
            if frame.type == "RESP" and frame.code:
                break
            part += len(frame.payload) if not frame.flags & wire.COMPRESSED else frame.plain.size if frame.plain else 0
            under_way = True
            if frame.type == "RESP" or not frame.flags & wire.MORE:
                if frame.type == "DATA" or not frame.flags & wire.END:
                    messages, total, under_way, part = messages + 1, total + part, False, 0
            if frame.type == "RESP":
                if under_way and part:
                    raise Fail("the answer ends within a message")
                break
        self.kept = self.kept_back + self.kept
        self.kept_back = []
        self.compare(frame, {key: value for key, value in step.items() if key in ("status", "payload_not_empty")} | {"status": step.get("status", 0)})
        if "messages" in step and messages != step["messages"]:
            raise Fail(f"{step['messages']} messages were due on stream {stream}, {messages} came")
        if "bytes" in step and total != step["bytes"]:
            raise Fail(f"{step['bytes']} bytes were due on stream {stream}, {total} came")
        if "total" in step:
            told = wire.decode("Total", frame.payload)
            if [told["messages"], told["bytes"]] != step["total"]:
                raise Fail(f"{step['total']} messages and bytes were due, {told} was told")

        if "remember" in step:
            self.remembered[step["remember"]] = frame.payload
        if "same_as" in step and frame.payload != self.remembered[step["same_as"]]:
            raise Fail(f"the same answer was due as to the first call, {self.remembered[step['same_as']].hex()}; {frame.payload.hex()} came: it was done again")
        if "other_than" in step and frame.payload == self.remembered[step["other_than"]]:
            raise Fail(f"an answer of its own was due, {frame.payload.hex()} came again")

    def do_call(self, step):
        """{"call": METHOD, "payload": …, "status": 0, …}: a whole unary or server-streaming call."""
        sends = {key: value for key, value in step.items() if key in ("payload", "ext", "stream", "ext_hex")}
        self.do_send({"send": "CALL", "method": step["call"], "flags": step.get("flags", "END"), **sends})
        self.do_answer({"answer": step.get("stream", "call"), **{key: value for key, value in step.items() if key in ANSWER}})

    def do_quiet(self, step):
        came = []
        if self.kept:
            raise Fail(f"nothing was due, {self.kept[0]} came")
        until = time.monotonic() + (QUIET if step["quiet"] is True else step["quiet"] / 1000 * self.world.scale)
        while (left := until - time.monotonic()) > 0:
            try:
                frame = self.peer.next(left)
            except Silence:
                break
            except Closed as error:
                if step.get("or_ends"):
                    break
                raise Fail(f"it closed the connection ({error}) where nothing was due") from None
            if frame.type in step.get("but", []) or (frame.type == "GOAWAY" and step.get("or_ends")):
                came.append(frame)
            elif frame.type not in BACKGROUND:
                raise Fail(f"nothing was due, {frame} came")
        self.kept += came

    def do_alive(self, step):
        """The connection goes on: a PING is answered by its PONG."""
        number = os.urandom(8)
        self.peer.send(Frame("PING", payload=number, credit=0))
        frame = self.await_frame("PONG")
        if frame.type != "PONG" or frame.payload != number:
            raise Fail(f"PONG with the 8 bytes of the PING was due, {frame} came")

    def do_ends(self, step):
        """The connection is ended: by GOAWAY with that status and a close; who was asked to connect may also just close."""
        wanted = step["ends"] if isinstance(step["ends"], list) else [step["ends"]]
        earliest, latest = (each * self.world.scale / 1000 for each in step.get("within_ms", [0, 0]))
        deadline = time.monotonic() + max(latest, self.peer.patience)
        told = None
        try:
            while True:
                frame = self.next(max(deadline - time.monotonic(), 0))
                if frame.type == "GOAWAY":
                    told = frame
                elif frame.type not in BACKGROUND and step.get("strict", True) and frame.type != "PONG" and frame.type not in step.get("may_come", []):
                    raise Fail(f"the connection had to end, {frame} came")
        except Silence:
            raise Fail("it did not close the connection" + (f" after {told}" if told else ", nor say GOAWAY")) from None
        except Closed:
            pass
        self.not_before(earliest, "the end of the connection")
        if "before_ms" in step and time.monotonic() - self.since > step["before_ms"] / 1000:
            raise Fail(f"the end of the connection came {time.monotonic() - self.since:.3f} s later, not at once")
        if told is not None and "any" not in wanted and told.code not in wanted:
            raise Fail(f"GOAWAY with status {' or '.join(map(str, wanted))} was due, {told} came")
        if told is None and self.peer.dials and "any" not in wanted and not step.get("silent") and not self.peer.was_reset:
            raise Fail("it closed without GOAWAY, which names the reason")

    def do_exits(self, step):
        """The server that was told to end has ended, with that status."""
        status = self.server.ended(self.peer.patience)
        if status is None:
            raise Fail("it did not end")
        if status != step["exits"]:
            raise Fail(f"it ended with status {status} instead of {step['exits']}")

    def do_goes(self, step):
        """GOAWAY that names the last stream that is handled, one of ours, or 0."""
        frame = self.await_frame("GOAWAY")
        last = self.stream(step["goes"])
        if frame.type != "GOAWAY" or frame.code:
            raise Fail(f"GOAWAY with status 0 was due, {frame} came")
        if int.from_bytes(frame.payload[:4], "little") != last:
            raise Fail(f"GOAWAY names {int.from_bytes(frame.payload[:4], 'little')} as the last stream that is handled; it is {last}")
        self.since = time.monotonic()

    def do_refuses(self, step):
        """A call beyond GOAWAY's last stream is answered by 14 or not at all; what ends other streams is kept."""
        stream, others = self.stream(step["refuses"]), []
        until = time.monotonic() + QUIET
        while (left := until - time.monotonic()) > 0:
            try:
                frame = self.next(left)
            except Silence:
                break
            if frame.stream == stream and (frame.type != "RESP" or frame.code != 14):
                raise Fail(f"status 14 or nothing was due, {frame} came")
            if frame.type not in BACKGROUND and frame.stream != stream:
                others.append(frame)
        self.kept = others + self.kept

    def do_takes_nobody(self, step):
        """It does not listen any more."""
        try:
            self.world.plain_stream().close()
        except Refused:
            return
        raise Fail("it still takes connections")

    def do_line(self, step):
        """Who speaks something else is told so in a line, and the connection is closed."""
        self.peer.read_line(time.monotonic() + self.peer.patience)
        said = bytes(self.peer.reader.held)
        if self.peer.closed is None:
            raise Fail("it did not close the connection")
        if not said.startswith(b"b2: ") or b"\n" not in said:
            raise Fail(f"a line that begins with 'b2: ' was due, {said[:80]!r} came")

    def do_hangs_up(self, step):
        """It closes, with a last line or without, after so many milliseconds."""
        earliest, latest = (each * self.world.scale / 1000 for each in step["hangs_up"])
        self.peer.read_line(time.monotonic() + max(latest, self.peer.patience))
        if self.peer.closed is None:
            raise Fail("it did not close the connection")
        self.not_before(earliest, "the end of the connection")

    def do_nothing_said(self, step):
        try:
            data = self.peer.stream.receive(QUIET)
        except Closed as error:
            raise Fail(f"it closed the connection ({error})") from None
        if data:
            raise Fail(f"nothing was due before our HELLO, {data[:40].hex()} came")

    def do_hello(self, step):
        """"say": ours. "read": theirs. "fields": what theirs tells must be in order."""
        if step["hello"] == "say":
            return self.peer.say_hello()
        hello = self.peer.theirs or (self.peer.read_hello() and self.peer.theirs)
        if step["hello"] == "fields":
            self.judge_hello(hello)

    def judge_hello(self, hello):
        if hello["version"] != 1:
            raise Fail(f"version {hello['version']} instead of 1")
        if len(hello["node_id"]) not in (0, 32):
            raise Fail(f"a node id of {len(hello['node_id'])} bytes")
        if self.peer.dials and not hello["boot_epoch"]:
            raise Fail("no boot epoch")
        taken = {}
        for entry in hello["services"]:
            if entry["method_count"] != len(entry["methods"]):
                raise Fail(f"{entry['name']} has {entry['method_count']} methods and names {len(entry['methods'])}")
            for number in range(entry["first_method"], entry["first_method"] + entry["method_count"]):
                if taken.setdefault(number, entry["name"]) != entry["name"]:
                    raise Fail(f"index {number} belongs to {taken[number]} and {entry['name']}")
        if self.peer.dials and "b2.v1.Core" not in taken.values():
            raise Fail("b2.v1.Core is not served")
        for name in ("frame_bytes", "connection_window", "stream_window"):
            if self.peer.their_limits()[name] < 4096:
                raise Fail(f"{name} of {self.peer.their_limits()[name]}, which no peer can use")

    def do_limits_agree(self, step):
        """Core/Limits tells what HELLO told."""
        self.do_send({"send": "CALL", "stream": "limits", "method": "Core/Limits", "flags": "END"})
        frame = self.await_frame("RESP")
        told = wire.decode("LimitsResponse", frame.payload)["limits"] or {}
        for key in ("frame_bytes", "streams", "message_bytes"):
            if told.get(key) != self.peer.their_limits()[key]:
                raise Fail(f"HELLO tells {key} {self.peer.their_limits()[key]}, Limits {told.get(key)}")

    def do_describes(self, step):
        """Which services Describe names to this caller."""
        self.do_send({"send": "CALL", "stream": "describe", "method": "Core/Describe", "flags": "END"})
        frame = self.await_frame("RESP")
        names = [entry["name"] for entry in wire.decode("DescribeResponse", frame.payload)["services"]]
        for name in step["describes"]["has"]:
            if name not in names:
                raise Fail(f"{name} is not described: {names}")
        for name in step["describes"]["not"]:
            if name in names:
                raise Fail(f"{name} is described to a caller that may use none of its methods")
