"""The steps a case is made of (docs/spec/conformance/README.md): what to send, what must come."""
import os
import time

from . import wire
from .peer import Fail, Peer, Silence
from .transport import Closed, HttpAnswer, Refused, dial_websocket
from .wire import Frame

BACKGROUND = ("CREDIT", "PING", "HELLO_UPDATE")  # come at any time and mean nothing to a case that does not ask for them
QUIET = 0.15  # seconds in which nothing must come
TASKS = {"DONE": 0, "ECHO": 1, "COUNT": 2, "HOLD": 3, "CANCEL": 4, "SUM": 5, "UNREAD": 6, "ECHO_LONG": 7}
PATHS = {"Core": "b2.v1.Core", "Drill": "b2.spec.v1.Drill"}


class Skip(Exception):
    """The case cannot be tried on this implementation, or from here."""


class BadCase(Exception):
    """The case's own text is wrong."""


def payload_of(told):
    """Hexadecimal, or {"text": …}, {"x": N}, or {"message": NAME, field: value, …}; {"piece": N} is a Piece of N bytes."""
    if told is None:
        return b""
    if isinstance(told, str):
        return bytes.fromhex(told)
    if "text" in told:
        return told["text"].encode()
    if "x" in told:
        return b"x" * told["x"]
    if "piece" in told:
        return wire.encode("Piece", {"payload": b"x" * told["piece"]})
    if "nested" in told:
        out = b""
        for _ in range(told["nested"]):
            out = wire.encode_field(2, "bytes", out) or b"\x12\x00"
        return out
    if "long_metadata" in told:
        return wire.metadata({"k": "x" * (told["long_metadata"] - 4)})
    if "metadata" in told:
        return wire.metadata(told["metadata"]) + payload_of(told.get("then"))
    if "message" in told:
        return wire.encode(told["message"], {key: value for key, value in told.items() if key != "message"})
    raise BadCase(f"no payload is written {told}")


def flags_of(told):
    if isinstance(told, int):
        return told
    return sum(wire.FLAGS[name] for name in (told or "").split("|") if name)


class Steps:
    """Carries out the steps of one case on one connection at a time.
    @param world  how to connect: connect(), accept(), hello(case), scale, …"""

    def __init__(self, world, case):
        self.world, self.case = world, case
        self.streams = {}
        self.peer = None
        self.past = []  # peers before this one

    # ---- connection ----

    def begin(self):
        begin = self.case.get("begin", "hello")
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

    def stream(self, told):
        if told is None:
            return 0
        if isinstance(told, int):
            return told
        if told not in self.streams:
            raise BadCase(f"no stream is called {told}")
        return self.streams[told]

    # ---- sending ----

    def do_send(self, step):
        kind = step["send"]
        named = step.get("stream")
        if kind == "CALL" and (named is None or isinstance(named, str)):
            self.streams[named or "call"] = self.peer.new_stream()
            named = named or "call"
        if isinstance(step.get("payload"), dict) and "u32_of" in step["payload"]:
            step = {**step, "payload": self.stream(step["payload"]["u32_of"]).to_bytes(4, "little").hex()}
        code = self.index(step["method"]) if "method" in step else step.get("code", 0)
        ext = bytes.fromhex(step.get("ext_hex", "")) + b"".join(self.extension(name, value) for name, value in step.get("ext", {}).items())
        credit = step.get("credit", 0)
        frame = Frame(kind, self.stream(named), flags_of(step.get("flags")), code, credit, ext, payload_of(step.get("payload")))
        lies = {key: step[key] for key in ("length", "ext_units") if key in step}
        for number in range(step.get("times", 1)):
            self.peer.send(frame, **lies)
            if number % 32 == 31:
                self.peer.look()
            if self.peer.closed is not None:
                break

    def extension(self, name, value):
        if name == "EPOCH" and isinstance(value, str):
            told = self.peer.theirs["boot_epoch"]
            value = told if value == "theirs" else told ^ 1
        if name == "IDEMPOTENCY" and value == "random":
            value = self.streams.setdefault("key", os.urandom(16))
        return wire.extension(name, bytes.fromhex(value) if isinstance(value, str) else value)

    def do_raw(self, step):
        """Bytes as they are; of several pieces each is sent by itself."""
        for part in [step["raw"]] if isinstance(step["raw"], str) else step["raw"]:
            self.peer.send_bytes(bytes.fromhex(part))
            if part is not step["raw"]:
                time.sleep(0.005)  # so that they are not read as one

    def do_repeat(self, step):
        for number in range(step["repeat"]):
            if number % 32 == 31:
                self.peer.look()
            if self.peer.closed is not None:
                return
            self.steps(step["steps"])

    def do_upload(self, step):
        """A message on an open stream in parts of at most `part` bytes, as far as the windows allow; waits for credit."""
        stream, data = self.stream(step["upload"]), payload_of(step["payload"])
        at, part = 0, min(step.get("part", 16384), self.peer.their_limits()["frame_bytes"])
        last = flags_of(step.get("flags", "END"))
        while at < len(data):
            window = min(self.peer.may_send, self.peer.may_send_on[stream], part, len(data) - at)
            if window <= 0:
                try:
                    self.keep(self.peer.next())
                except Silence:
                    raise Fail(f"it gave no credit after {at} of {len(data)} bytes, on a message that must not stall") from None
                continue
            flags = wire.MORE if at + window < len(data) else last
            self.peer.send(Frame("DATA", stream, flags, payload=data[at:at + window]))
            at += window

    def keep(self, frame):
        if frame.type in BACKGROUND:
            return
        if frame.type == "GOAWAY":
            raise Fail(f"it ended the connection: {frame}")
        self.kept.append(frame)

    # ---- receiving ----

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
        began = time.monotonic()
        earliest, latest = (each * self.world.scale / 1000 for each in step.get("within_ms", [0, 0]))
        frame = self.await_frame(kind, max(latest, self.peer.patience) if latest else None, (kind,))
        if frame.type != kind:
            raise Fail(f"{kind} was due, {frame} came")
        if time.monotonic() - began < earliest * 0.9:
            raise Fail(f"{frame} came too early")
        named = step.get("stream")
        if kind == "CALL" and isinstance(named, str):
            self.streams[named] = frame.stream
        elif named is not None and frame.stream != self.stream(named):
            raise Fail(f"{kind} was due on stream {self.stream(named)}, {frame} came")
        self.compare(frame, step)

    def compare(self, frame, step):
        if "status" in step:
            wanted = step["status"] if isinstance(step["status"], list) else [step["status"]]
            if frame.code not in wanted:
                raise Fail(f"status {' or '.join(map(str, wanted))} was due, {frame} came")
        if "method" in step and frame.code != self.index(step["method"]):
            raise Fail(f"{step['method']} was due, which has index {self.index(step['method'])}; {frame} came")
        if "payload" in step and frame.payload != payload_of(step["payload"]):
            raise Fail(f"another payload was due: {frame.payload[:64].hex()} came")
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
            part += len(frame.payload)
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

    def do_gather(self, step):
        """Exactly `bytes` of payload on a stream whose window is closed then, and not one more."""
        stream, due, came = self.stream(step["gather"]), step["bytes"], 0
        while came < due:
            frame = self.await_frame(f"the rest of {due} bytes on stream {stream}")
            if frame.stream != stream or frame.type not in ("DATA", "RESP"):
                raise Fail(f"DATA on stream {stream} was due, {frame} came")
            self.note(frame)
            came += len(frame.payload)
        if came > due and not step.get("at_least"):
            raise Fail(f"{came} bytes came on stream {stream}, {due} were allowed")
        if not step.get("at_least"):
            self.do_quiet({"quiet": True})

    def note(self, frame):
        """Counts what has come on a stream: bytes, messages."""
        heard = self.heard.setdefault(frame.stream, {"bytes": 0, "messages": 0, "open": False})
        heard["bytes"] += len(frame.payload)
        if frame.flags & wire.MORE:
            heard["open"] = True
        elif frame.payload or heard["open"] or not frame.flags & wire.END:
            heard["messages"] += 1 if frame.type != "CALL" or frame.flags & wire.END else 0
            heard["open"] = False

    def do_whole_stream(self, step):
        """All that the caller sends on a stream, until END; with `opens` from its CALL on. `credit` is given whenever it stalls."""
        frame = None
        if "opens" in step:
            frame = self.await_frame("the CALL")
            if frame.type != "CALL" or frame.code != self.index(step["opens"]):
                raise Fail(f"the call of {step['opens']} was due, {frame} came")
            self.streams[step["whole_stream"]] = frame.stream
            self.note(frame)
        stream = self.stream(step["whole_stream"])
        while frame is None or not frame.flags & wire.END:
            try:
                frame = self.next(QUIET if "credit" in step else None)
            except Silence:
                if "credit" not in step or self.heard[stream]["bytes"] >= step["bytes"]:
                    raise Fail(f"the end of stream {stream} did not come") from None
                self.peer.give_credit(stream, step["credit"])
                continue
            if frame.type in BACKGROUND:
                frame = None
                continue
            if frame.stream != stream or frame.type != "DATA":
                raise Fail(f"DATA on stream {stream} was due, {frame} came")
            self.note(frame)
        for key in ("bytes", "messages"):
            if key in step and self.heard[stream][key] != step[key]:
                raise Fail(f"{step[key]} {key} were due on stream {stream}, {self.heard[stream][key]} came")

    def do_await_credit(self, step):
        """Until so many bytes may be sent, on the connection and the stream where one is named."""
        deadline = time.monotonic() + self.peer.patience
        stream = self.stream(step.get("stream"))
        while min(self.peer.may_send, self.peer.may_send_on.get(stream, 1 << 31)) < step["await_credit"]:
            try:
                self.keep(self.peer.next(max(deadline - time.monotonic(), 0)))
            except Silence:
                raise Fail(f"credit did not come: {self.peer.may_send} bytes are left on the connection" +
                           (f", {self.peer.may_send_on[stream]} on stream {stream}" if stream else "")) from None

    def do_overflow(self, step):
        """Messages on a stream until its window is passed, while the connection's is kept."""
        stream = self.stream(step["overflow"])
        while self.peer.may_send_on[stream] >= 0:
            room = self.peer.may_send_on[stream]
            size = min(1000, room - 4) if room > 40 else 60
            self.do_await_credit({"await_credit": size + 4})
            if self.peer.closed is not None:
                return
            self.peer.send(Frame("DATA", stream, payload=wire.encode("Piece", {"payload": b"x" * size})))

    def do_nothing_said(self, step):
        try:
            data = self.peer.stream.receive(QUIET)
        except Closed as error:
            raise Fail(f"it closed the connection ({error})") from None
        if data:
            raise Fail(f"nothing was due before our HELLO, {data[:40].hex()} came")

    def do_fill_streams(self, step):
        """Calls, the last of them "hold", until as many are open as the other side's HELLO allows."""
        for _ in range(self.peer.their_limits()["streams"]):
            self.do_send({"send": "CALL", "stream": "hold", "method": step["fill_streams"], "flags": "END"})
        self.do_alive({})

    def do_too_long_message(self, step):
        """A request beyond the other side's longest message: status 8, at the latest when it has all of it."""
        self.do_send({"send": "CALL", "stream": "long", "method": step["too_long_message"], "flags": "MORE", "payload": "0a8080800a"})
        limit, at = self.peer.their_limits()["message_bytes"], 5
        while at <= limit + 70000:
            size = min(self.peer.their_limits()["frame_bytes"], 32768)
            try:
                while min(self.peer.may_send, self.peer.may_send_on[self.streams["long"]]) < size:
                    frame = self.peer.next()
                    if frame.type == "RESP":
                        return self.compare(frame, {"status": 8})
                    self.keep(frame)
            except Silence:
                raise Fail(f"it gave no credit after {at} bytes, nor refused") from None
            self.peer.send(Frame("DATA", self.streams["long"], wire.MORE, payload=b"x" * size))
            at += size
        self.do_answer({"answer": "long", "status": 8})

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

    def do_turns(self, step):
        """DATA of two streams that both wait comes by turns, at most 16 KiB a frame, until `frames` have come."""
        wanted = [self.stream(each) for each in step["turns"]]
        seen = []
        while len(seen) < step["frames"]:
            frame = self.await_frame("DATA")
            if frame.type not in ("DATA", "RESP") or frame.stream not in wanted:
                raise Fail(f"DATA was due, {frame} came")
            if len(frame.payload) > 16384:
                raise Fail(f"a frame of {len(frame.payload)} bytes while two streams have data waiting; 16 KiB are the most")
            seen.append(frame.stream)
        run = max(sum(1 for other in seen[at:at + 3] if other == each) for at, each in enumerate(seen))
        if run > 2:
            raise Fail(f"one stream was served three times in a row while another waited: {seen}")

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
        began = time.monotonic()
        deadline = began + max(latest, self.peer.patience)
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
        if latest and time.monotonic() - began < earliest * 0.9:
            raise Fail(f"it closed after {time.monotonic() - began:.2f} s, earlier than it may")
        if told is not None and "any" not in wanted and told.code not in wanted:
            raise Fail(f"GOAWAY with status {' or '.join(map(str, wanted))} was due, {told} came")
        if told is None and self.peer.dials and "any" not in wanted and not step.get("silent") and not self.peer.was_reset:
            raise Fail("it closed without GOAWAY, which names the reason")

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
        began = time.monotonic()
        self.peer.read_line(began + max(latest, self.peer.patience))
        if self.peer.closed is None:
            raise Fail("it did not close the connection")
        if time.monotonic() - began < earliest * 0.9:
            raise Fail(f"it closed after {time.monotonic() - began:.2f} s, earlier than it may")

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

    # ---- others ----

    def do_wait(self, step):
        time.sleep(step["wait"] / 1000 * self.world.scale)

    def do_again(self, step):
        """Another connection, on which the steps go on; `same` names fields of HELLO that must not have changed."""
        before = self.peer
        self.past.append(before)
        self.peer, self.kept = None, []
        self.begin()
        for name in step.get("same", []):
            if before.theirs[name] != self.peer.theirs[name]:
                raise Fail(f"{name} was {before.theirs[name]}, and is {self.peer.theirs[name]} on another connection")

    def do_close(self, step):
        self.peer.close()
        self.peer.closed = "by us"

    def do_call(self, step):
        """{"call": METHOD, "payload": …, "status": 0, …}: a whole unary or server-streaming call."""
        sends = {key: value for key, value in step.items() if key in ("payload", "ext", "stream", "ext_hex")}
        self.do_send({"send": "CALL", "method": step["call"], "flags": step.get("flags", "END"), **sends})
        self.do_answer({"answer": step.get("stream", "call"), **{key: value for key, value in step.items() if key in ("status", "messages", "bytes", "total", "payload_not_empty")}})

    def do_silent_crowd(self, step):
        """So many connections that say nothing: some of the later ones are closed at once, with a line."""
        others = []
        try:
            for _ in range(step["silent_crowd"]):
                others.append(self.world.plain_stream())
            deadline = time.monotonic() + self.world.patience
            for each in reversed(others):
                try:
                    if each.receive(max(0.01, min(0.2, deadline - time.monotonic()))).startswith(b"b2: "):
                        return
                except Closed:
                    continue
            raise Fail(f"none of {len(others)} connections that said nothing was closed with a line")
        finally:
            for each in others:
                each.close()

    def do_websocket(self, step):
        """An upgrade with other headers; `status` is HTTP's."""
        told = step["websocket"]
        try:
            ws = self.world.websocket(told.get("protocols", ["b2.1"]), told.get("headers", {}), told.get("host"))
        except HttpAnswer as answer:
            if answer.status not in told["status"]:
                raise Fail(f"HTTP status {told['status']} was due, {answer.status} came") from None
            return
        except (Refused, Closed) as error:
            if "refused" in told["status"]:
                return
            raise Fail(str(error)) from None
        ws.close()
        if 101 not in told["status"]:
            raise Fail(f"the upgrade was taken, where {told['status']} was due")

    def do_ws_message(self, step):
        """A WebSocket frame as it is: {"opcode": 1, "payload": …, "final": true}."""
        told = step["ws_message"]
        ws = self.peer.stream
        ws.stream.send(ws.message(told["opcode"], payload_of(told.get("payload")), told.get("final", True)))

    def do_ws_close(self, step):
        try:
            while True:
                self.peer.next()
        except Silence:
            raise Fail("it did not close the connection") from None
        except Closed:
            pass
        if self.peer.stream.close_code != step["ws_close"]:
            raise Fail(f"WebSocket close {step['ws_close']} was due, {self.peer.stream.close_code} came")

    def do_ws_pong(self, step):
        self.do_alive({})
        if self.peer.stream.last_pong != payload_of(step["ws_pong"]):
            raise Fail("a WebSocket ping was not answered by its pong")

    def do_tls(self, step):
        """A TLS handshake that offers `alpn`: it succeeds with what was agreed on, or fails."""
        told = step["tls"]
        try:
            stream = self.world.tls_stream(told["alpn"])
        except Refused as error:
            if told["fails"]:
                return
            raise Fail(f"the handshake failed: {error}") from None
        try:
            # By TLS 1.3 a client may hear of a refusal only when it reads.
            stream.send(wire.PREFACE + Frame("HELLO", payload=wire.encode("Hello", {"version": 1})).bytes())
            said = stream.receive(self.world.patience)
            if told["fails"]:
                raise Fail(f"the handshake was to fail, and it said {said[:40]!r}")
        except Closed:
            if not told["fails"]:
                raise Fail("it closed after the handshake") from None
        finally:
            stream.close()

    # ---- clients ----

    def do_task(self, step):
        """Answers the client's Next by a task, whose call must follow."""
        told = step["task"]
        self.peer.send(Frame("RESP", self.next_call, payload=wire.encode("Task", {**told, "kind": TASKS[told["kind"]]})))

    def do_outcome(self, step):
        """The client's next call of Next, with what came of its task."""
        self.judge_outcome(self.hear_next(), step["outcome"])

    def do_reconnects(self, step):
        """The client connects anew and tells what came of the task it was at."""
        self.past.append(self.peer)
        self.peer, self.kept = None, []
        self.begin()
        outcome = self.hear_next()
        if step["reconnects"]:
            self.judge_outcome(outcome, step["reconnects"])

    def hear_next(self):
        frame = self.await_frame("the call of Drill/Next")
        if frame.type != "CALL" or frame.code != self.index("Drill/Next"):
            raise Fail(f"the call of Drill/Next, index {self.index('Drill/Next')}, was due, {frame} came")
        self.next_call = frame.stream
        try:
            at = int.from_bytes(frame.payload[:2], "little") + 2 if frame.flags & wire.META else 0
            outcome = wire.decode("Outcome", frame.payload[at:])
        except wire.Malformed as error:
            raise Fail(f"Outcome is malformed: {error}") from None
        self.can = outcome["can"].split()
        return outcome

    def judge_outcome(self, outcome, wanted):
        for key, value in wanted.items():
            if outcome[key] not in (value if isinstance(value, list) else [value]):
                raise Fail(f"of its task the client tells {key} {outcome[key]}; {value} was due")

    # ---- a case ----

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
        try:
            try:
                self.begin()
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
