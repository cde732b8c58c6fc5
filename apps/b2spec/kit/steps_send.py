"""What a step says."""
import os
import time

from . import wire
from .peer import Fail, Silence
from .wire import Frame
from .written import BACKGROUND, BadCase, flags_of, payload_of


class Sending:
    """A part of Steps."""

    def stream(self, told):
        if told is None:
            return 0
        if isinstance(told, int):
            return told
        if told not in self.streams:
            raise BadCase(f"no stream is called {told}")
        return self.streams[told]

    def do_send(self, step):
        kind = step["send"]
        self.since = time.monotonic()
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
        if name == "IDEMPOTENCY":
            value = self.keys.setdefault(value, os.urandom(16))
        return wire.extension(name, bytes.fromhex(value) if isinstance(value, str) else value)

    def do_raw(self, step):
        """Bytes as they are; of several pieces each is sent by itself."""
        self.since = time.monotonic()
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

    def do_wait(self, step):
        time.sleep(step["wait"] / 1000 * self.world.scale)

    def do_terminate(self, step):
        """The server is told to end, as by SIGTERM."""
        self.since = time.monotonic()
        self.server.terminate()

    def do_close(self, step):
        self.peer.close()
        self.peer.closed = "by us"
