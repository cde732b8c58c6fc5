"""Windows, turns, and limits that take many frames to reach."""
import select
import time

from . import wire
from .peer import Fail, Silence
from .transport import Closed
from .wire import Frame
from .written import BACKGROUND, QUIET


class Flow:
    """A part of Steps."""

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
        heard = self.heard.setdefault(frame.stream, {"bytes": 0, "plain": 0, "messages": 0, "open": False})
        heard["bytes"] += len(frame.payload)
        heard["plain"] += len(frame.payload) if not frame.flags & wire.COMPRESSED else frame.plain.size if frame.plain else 0
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
        for key in ("bytes", "messages", "plain"):
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

    def do_silent_crowd(self, step):
        """So many connections that say nothing: some of the later ones are closed at once, with a line."""
        others = []
        try:
            for _ in range(step["silent_crowd"]):
                others.append(self.world.plain_stream())
            deadline, quiet = time.monotonic() + self.world.patience, {each.sock: each for each in others}
            while (left := deadline - time.monotonic()) > 0 and quiet:
                for sock in select.select(list(quiet), [], [], left)[0]:
                    try:
                        if quiet.pop(sock).receive(0).startswith(b"b2: "):
                            return
                    except Closed:
                        continue
            raise Fail(f"none of {len(others)} connections that said nothing was closed with a line")
        finally:
            for each in others:
                each.close()
