"""One b2 connection as b2spec holds it: says what a case tells it to, also what breaks the rules, and holds the other side to
those of the rules that show in every frame."""
import collections
import time

from . import wire, zstd
from .transport import Closed
from .wire import Frame


class Fail(Exception):
    """The implementation under test broke a rule."""


class Silence(Exception):
    """Nothing came in time."""


class Peer:
    """@param dials  this side opened the connection; @param hello  fields of our HELLO"""

    def __init__(self, stream, dials, hello, patience):
        self.stream, self.dials, self.hello, self.patience = stream, dials, hello, patience
        self.reader = wire.Reader()
        self.preface = b""
        self.theirs = None  # their HELLO, as a dict
        self.goaway = None
        self.closed = None  # why
        self.was_reset = False  # while we sent: the other side's last words may be lost
        self.auto_credit = True
        self.answers_ping = True
        self.hello_extra = b""  # after what `hello` says
        self.trace = collections.deque(maxlen=12)
        limits = {**wire.DEFAULT_LIMITS, **{key: value for key, value in hello.get("limits", {}).items() if value}}
        self.limits = limits
        self.may_receive = limits["connection_window"]
        self.may_receive_on = {}
        self.may_send = 0
        self.may_send_on = {}
        self.under_way = {}  # by stream: the compressed parts of a message that came so far, None of one that is plain
        self.last_stream = 0  # that we opened
        self.last_theirs = 0

    # ---- sending ----

    def send(self, frame, **lies):
        self.trace.append(f"-> {frame}")
        if frame.type in wire.COUNTED:
            self.may_send -= len(frame.payload)
            if frame.type == "CALL":
                self.may_send_on[frame.stream] = self.their_limits()["stream_window"]
                self.may_receive_on[frame.stream] = self.limits["stream_window"]
                self.last_stream = max(self.last_stream, frame.stream)
            if frame.stream in self.may_send_on:
                self.may_send_on[frame.stream] -= len(frame.payload)
        if frame.type == "CREDIT" and frame.stream in self.may_receive_on and len(frame.payload) == 4:
            self.may_receive_on[frame.stream] += int.from_bytes(frame.payload, "little")
        self.may_receive += frame.credit
        self.send_bytes(frame.bytes(**lies))

    def send_bytes(self, data):
        try:
            self.stream.send(data)
        except Closed as error:
            self.drain_after_reset()
            self.closed = self.closed or str(error)
            self.was_reset = True

    def look(self):
        """Reads what has come, without waiting: who floods must not let a last word be lost to a full buffer."""
        try:
            while self.closed is None and (data := self.stream.receive(0)):
                self.reader.push(data)
        except Closed as error:
            self.closed = str(error)

    def drain_after_reset(self):
        """What the other side said before it closed is still to be read, if the system kept it."""
        try:
            while data := self.stream.receive(0.05):
                self.reader.push(data)
        except Closed:
            pass

    def say_hello(self):
        self.trace.append("-> preface, HELLO")
        payload = wire.encode("Hello", self.hello) + self.hello_extra
        self.send_bytes(wire.PREFACE + Frame("HELLO", payload=payload).bytes())

    def their_limits(self):
        told = (self.theirs or {}).get("limits") or {}
        return {key: told.get(key) or value for key, value in wire.DEFAULT_LIMITS.items()}

    def new_stream(self):
        first = 1 if self.dials else 2
        return self.last_stream + 2 if self.last_stream else first

    def give_credit(self, stream, size):
        open_still = stream in self.may_receive_on
        self.send(Frame("CREDIT", stream if open_still else 0, credit=size, payload=size.to_bytes(4, "little") if open_still else b""))

    # ---- receiving ----

    def fill(self, deadline):
        """Reads more; False when the deadline has passed."""
        if self.closed is not None:
            raise Closed(self.closed)
        left = deadline - time.monotonic()
        try:
            data = self.stream.receive(max(left, 0.001))
        except Closed as error:
            self.closed = str(error)
            raise
        self.reader.push(data)
        return bool(data) or left > 0

    def read_preface(self, patience=None):
        deadline = time.monotonic() + (patience or self.patience)
        while len(self.reader.held) < 4:
            if not self.fill(deadline):
                raise Silence("nothing was said")
        said = bytes(self.reader.held[:4])
        if said != wire.PREFACE:
            self.read_line(deadline)
            raise Fail(f"the first bytes are {bytes(self.reader.held[:80])!r} instead of the preface")
        del self.reader.held[:4]
        self.preface = said

    def read_line(self, deadline):
        """Everything until the connection ends."""
        try:
            while self.fill(deadline):
                pass
        except Closed:
            pass
        return bytes(self.reader.held)

    def read_hello(self, patience=None):
        if not self.preface:
            self.read_preface(patience)
        frame = self.next(patience)
        if frame.type == "GOAWAY":
            raise Fail(f"it goes no further: {frame}")
        if frame.type != "HELLO":
            raise Fail(f"its first frame is {frame}, not HELLO")
        try:
            self.theirs = wire.decode("Hello", frame.payload)
        except wire.Malformed as error:
            raise Fail(f"its HELLO is malformed: {error}") from None
        limits = self.their_limits()
        self.may_send += limits["connection_window"]
        for stream in self.may_send_on:
            self.may_send_on[stream] += limits["stream_window"] - wire.DEFAULT_LIMITS["stream_window"]
        return frame

    def next(self, patience=None):
        """The next frame, judged by what every frame must be; Silence when none comes, Closed when none can."""
        if not self.preface:
            self.read_preface(patience)
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            head = self.reader.header()
            if head and head[1] > (65536 if head[0] in ("HELLO", "HELLO_UPDATE") else self.limits["frame_bytes"]):
                raise Fail(f"it sent {head[0]} of {head[1]} bytes; our HELLO says at most {self.limits['frame_bytes']}, and HELLO is at most 65536")
            frame = self.reader.next()
            if frame is not None:
                break
            if not self.fill(deadline):
                raise Silence("nothing came")
        self.trace.append(f"<- {frame}")
        self.judge(frame)
        return frame

    def judge(self, frame):
        wrong = wire.wrong_with(frame)
        if wrong:
            raise Fail(f"it sent {frame}: {wrong}")
        self.may_send += frame.credit
        if self.may_send > 0x7FFFFFFF:
            raise Fail("it gave connection credit beyond 2^31 - 1")
        if frame.type == "GOAWAY":
            self.goaway = frame
        elif frame.type == "CREDIT" and frame.stream in self.may_send_on:
            self.may_send_on[frame.stream] += int.from_bytes(frame.payload, "little")
        elif frame.type == "PING" and self.answers_ping:
            self.send(Frame("PONG", payload=frame.payload))
        elif frame.type in wire.COUNTED:
            self.judge_counted(frame)

    def judge_counted(self, frame):
        mine = frame.stream % 2 == (1 if self.dials else 0)
        size = len(frame.payload)
        if frame.type == "CALL":
            if mine:
                raise Fail(f"it opened stream {frame.stream}, whose parity is ours")
            if frame.stream <= self.last_theirs:
                raise Fail(f"it opened stream {frame.stream} after {self.last_theirs}")
            self.last_theirs = frame.stream
            self.may_receive_on[frame.stream] = self.limits["stream_window"]
            self.may_send_on[frame.stream] = self.their_limits()["stream_window"]
            try:
                wire.read_extensions(frame.ext)
            except wire.Malformed as error:
                raise Fail(f"its CALL: {error}") from None
        elif mine and frame.stream > self.last_stream:
            raise Fail(f"it sent {frame}, which was never opened")
        self.may_receive -= size
        if self.may_receive < 0:
            raise Fail(f"it sent {-self.may_receive} bytes more than the connection's window allows")
        if frame.stream in self.may_receive_on:
            self.may_receive_on[frame.stream] -= size
            if self.may_receive_on[frame.stream] < 0:
                raise Fail(f"it sent {-self.may_receive_on[frame.stream]} bytes more than the window of stream {frame.stream} allows")
        self.judge_compression(frame)
        if frame.type == "RESP":
            self.judge_resp(frame)
        if size and self.auto_credit:
            self.give_credit(frame.stream, size)

    def agreed(self, feature):
        return feature in self.hello.get("features", []) and feature in (self.theirs or {}).get("features", [])

    def judge_compression(self, frame):
        """Compressed messages are, in every frame, and each is one frame of zstd that tells what it stands for."""
        is_compressed = bool(frame.flags & wire.COMPRESSED)
        if is_compressed and not self.agreed("zstd"):
            raise Fail(f"it sent {frame}, and compression was not agreed on")
        reason = frame.type == "RESP" and frame.code
        if is_compressed and reason:
            raise Fail(f"it sent {frame}: the reason of a failure is plain")
        part = frame.payload
        if frame.flags & wire.META and frame.type != "DATA":
            part = part[2 + int.from_bytes(part[:2], "little"):]
        if reason:
            self.under_way.pop(frame.stream, None)
            return
        if frame.stream in self.under_way and (self.under_way[frame.stream] is not None) != is_compressed:
            raise Fail(f"it sent {frame}, and another part of the same message was {'plain' if is_compressed else 'compressed'}")
        whole = ((self.under_way.pop(frame.stream, None) or b"") + part) if is_compressed else None
        if frame.flags & wire.MORE:
            self.under_way[frame.stream] = whole
        else:
            self.under_way.pop(frame.stream, None)
            frame.plain = self.judge_zstd(whole) if is_compressed else None

    def judge_zstd(self, whole):
        try:
            told = zstd.content(whole)
        except zstd.NoFrame as error:
            raise Fail(f"it sent a compressed message of {len(whole)} bytes that is not one whole frame of zstd that tells its size: {error}") from None
        if told.size // 256 > len(whole):
            raise Fail(f"it sent {told.size} bytes compressed into {len(whole)}, which is more than 256 for one")
        return told

    def judge_resp(self, frame):
        self.may_receive_on.pop(frame.stream, None)
        if frame.code:
            if len(frame.payload) > 8192:
                raise Fail(f"a reason of {len(frame.payload)} bytes; 8,192 are the most")
            try:
                frame.payload.decode()
            except UnicodeDecodeError:
                raise Fail("a reason that is no UTF-8") from None
        elif frame.flags & wire.END and frame.payload:
            raise Fail("RESP with END, which says that there is no last message, and a payload")

    def close(self):
        self.stream.close()
