"""A small implementation of b2, server and client, that can be told to break one rule: what b2spec itself is tried on."""
import os
import random
import socket
import ssl
import threading
import time

from kit import wire
from kit.transport import Closed, Stream, WebSocket, accept_key, dial_websocket, read_http_head
from kit.wire import COMPRESSED, END, META, MORE, Frame, Malformed
from kit.world import CORE, DRILL, KINDS, entry

CREDIT_LIMIT = 0x7FFFFFFF
CORE_FIRST, DRILL_FIRST = 3, 20
NEEDS = {"Stats": "", "Guarded": "admin"}
TOKEN = "reference-token"


class Ends(Exception):
    """The connection ends, with a status."""

    def __init__(self, status, why="a broken rule"):
        super().__init__(why)
        self.status = status


class Refusal(Exception):
    def __init__(self, status, why="refused"):
        super().__init__(why)
        self.status = status


class Call:
    def __init__(self, stream, method, mine):
        self.stream, self.method, self.mine = stream, method, mine
        self.parts, self.assembling = b"", False
        self.request_done = mine
        self.answered = False
        self.deadline = None
        self.out = []
        self.total = [0, 0]
        self.held = []
        self.unread = False


class Shared:
    """What the connections of one process have in common."""

    def __init__(self, broken=None, scale=1.0):
        self.broken, self.scale = broken, scale
        self.epoch = random.getrandbits(48) + 1
        self.tally = 0
        self.silent = 0
        self.lock = threading.Lock()


class Connection:
    """One connection, from its first byte to its last. @param owner  who is at the other end may do everything"""

    def __init__(self, stream, dials, shared, owner=False):
        self.stream, self.dials, self.shared, self.owner = stream, dials, shared, owner
        self.held = bytearray()
        self.preface_read = self.preface_said = False
        self.peer = None
        self.limits = dict(wire.DEFAULT_LIMITS)
        self.calls = {}
        self.last_mine = self.last_theirs = 0
        self.may_send, self.may_receive = 0, self.limits["connection_window"]
        self.send_on, self.receive_on = {}, {}
        self.tokens, self.tokens_at = 1000.0, time.monotonic()
        self.slots = 0
        self.leaving = False
        self.indexes = {}
        self.methods = {}
        self.begun = self.heard = time.monotonic()
        self.pinged = None
        self.waiting = []
        self.served = [] if dials else self.my_services()

    def breaks(self, rule):
        return self.shared.broken == rule

    # ---- life ----

    def run(self):
        """Until the connection is over."""
        try:
            self.open()
            while True:
                data = self.stream.receive(self.patience())
                if data:
                    self.heard, self.pinged = time.monotonic(), None
                    self.feed(data)
                self.on_time()
                self.pump()
        except Ends as end:
            self.say_goaway(end)
        except Closed:
            pass
        finally:
            self.stream.close()

    def open(self):
        if self.dials and not self.breaks("shy-dialer"):
            self.say_hello()

    def say_goaway(self, end):
        payload = self.last_theirs.to_bytes(4, "little") + str(end).encode()
        try:
            self.stream.send((b"" if self.preface_said else wire.PREFACE) + Frame("GOAWAY", code=end.status, payload=payload).bytes(), 1)
        except Closed:
            pass
        linger(self.stream)

    def span(self, seconds):
        return seconds * self.shared.scale

    def patience(self):
        now, until = time.monotonic(), []
        if self.peer is None:
            until.append(self.begun + self.span(10 if self.preface_read else 5))
        else:
            until.append(self.pinged + self.span(10) if self.pinged else self.heard + self.span(15))
        until += [call.deadline for call in self.calls.values() if call.deadline]
        return max(0.0005, min(until) - now)

    def on_time(self):
        now = time.monotonic()
        if self.breaks("waits-for-ever"):
            time.sleep(0.001)
        elif self.peer is None and now >= self.begun + self.span(10 if self.preface_read else 5):
            raise Closed("silence")
        elif self.peer is not None and self.pinged and now >= self.pinged + self.span(10):
            raise Ends(4, "no answer to PING")
        elif self.peer is not None and not self.pinged and now >= self.heard + self.span(15):
            self.pinged = now
            self.send(Frame("PING", payload=b"12345678"))
        for call in list(self.calls.values()):
            if call.deadline and now >= call.deadline and not self.breaks("no-deadlines"):
                call.deadline = None
                self.pass_deadline(call)

    def pass_deadline(self, call):
        if call.mine:
            self.send(Frame("CANCEL", call.stream, code=4))
            self.end_mine(call, 4)
        else:
            self.answer(call, 4, b"the deadline has passed")

    # ---- sending ----

    def send(self, frame):
        self.stream.send(frame.bytes())

    def my_services(self):
        told = [] if self.breaks("no-core") else [entry("b2.v1.Core", CORE_FIRST, CORE)]
        return told + [entry("b2.spec.v1.Drill", DRILL_FIRST, DRILL[:-1])]

    def say_hello(self):
        self.preface_said = True
        epoch = random.getrandbits(48) + 1 if self.breaks("epoch-of-the-moment") else self.shared.epoch
        hello = {"version": 2 if self.breaks("speaks-version-2") else 1, "node_id": bytes(range(32)), "name": "reference", "boot_epoch": epoch,
                 "limits": self.limits, "keep_alive_ms": 1000, "services": self.served}
        self.stream.send(wire.PREFACE + Frame("HELLO", payload=wire.encode("Hello", hello)).bytes())

    def give_credit(self, stream, size):
        """Both credits of a payload that was used or kept; of the connection alone for stream 0."""
        to_stream = 0 if self.breaks("gives-no-stream-credit") or stream not in self.receive_on else size
        if to_stream:
            self.receive_on[stream] += to_stream
            self.send(Frame("CREDIT", stream, payload=to_stream.to_bytes(4, "little")))

    def give_connection_credit(self, size):
        if size and not self.breaks("gives-no-connection-credit"):
            self.may_receive += size
            self.send(Frame("CREDIT", credit=size))

    def queue(self, call, kind, payload=b"", flags=0, code=0, ext=b"", whole=False):
        call.out.append({"type": kind, "payload": payload, "flags": flags, "code": code, "ext": ext, "at": 0})
        if call not in self.waiting:
            self.waiting.append(call)

    def pump(self):
        """Sends what the windows let through, one frame of each stream in turn."""
        stalled = 0
        while self.waiting and stalled < len(self.waiting):
            call = self.waiting.pop(0)
            if not call.out:
                continue
            item = call.out[0]
            if self.send_part(call, item):
                stalled = 0
                if item["at"] == len(item["payload"]) and item.get("sent"):
                    call.out.pop(0)
            else:
                stalled += 1
            if call.out:
                self.waiting.insert(0 if self.breaks("no-turns") and not stalled else len(self.waiting), call)

    def send_part(self, call, item):
        left = len(item["payload"]) - item["at"]
        room = min(self.may_send if not self.breaks("heeds-no-connection-window") else left, self.send_on.get(call.stream, 0) if not self.breaks("heeds-no-stream-window") else left)
        size = min(left, room, left if self.breaks("heeds-no-frame-limit") else self.peer_limit("frame_bytes"))
        if self.waiting and not self.breaks("no-turns"):
            size = min(size, 16384)
        if left and size <= 0:
            return False
        last = size == left
        kind = item["type"] if last or item["type"] == "CALL" else "DATA"
        if kind == "CALL" and item.get("sent"):
            kind = "DATA"
        part = item["payload"][item["at"]:item["at"] + size]
        code = item["code"] if kind in ("CALL", "RESP") else 1 if self.breaks("code-on-data") and kind == "DATA" else 0
        self.send(Frame(kind, call.stream, item["flags"] if last else MORE, code, ext=b"" if item.get("sent") else item["ext"], payload=part))
        item["at"] += size
        item["sent"] = True
        self.may_send -= size
        if call.stream in self.send_on:
            self.send_on[call.stream] -= size
        if last and item["type"] == "RESP":
            self.forget(call)
        return True

    def peer_limit(self, name):
        default = 4096 if self.breaks("other-defaults") else wire.DEFAULT_LIMITS[name]
        return ((self.peer.get("limits") or {}).get(name)) or default

    def forget(self, call):
        if self.calls.pop(call.stream, None) is not None:
            self.receive_on.pop(call.stream, None)
            self.send_on.pop(call.stream, None)
            if not call.mine:
                self.slots -= 1
        if self.leaving and not self.calls:
            raise Closed("all is done after GOAWAY")

    # ---- receiving ----

    def feed(self, data):
        self.held += data
        if not self.preface_read:
            if len(self.held) < 4:
                if self.breaks("needs-whole-preface") or self.breaks("a-frame-a-message"):
                    raise Ends(3)
                return
            if bytes(self.held[:4]) != wire.PREFACE and not self.breaks("takes-any-preface"):
                raise Ends(3, "no preface")
            del self.held[:4]
            self.preface_read = True
            if self.breaks("hasty-hello") and not self.dials:
                self.say_hello()
        while len(self.held) >= 16:
            frame = self.take()
            if frame is None:
                break
            self.on_frame(frame)
            if self.breaks("one-frame-a-read"):
                self.held.clear()
        if self.held and (self.breaks("needs-whole-frames") or self.breaks("a-frame-a-message")):
            raise Ends(3, "half a frame")

    def take(self):
        first, stream, flags, units, code, credit = wire.HEADER.unpack_from(self.held)
        length, number = first & 0xFFFFFF, first >> 24
        if length > self.limits["frame_bytes"] and not self.breaks("frames-of-any-length"):
            raise Ends(8, "a frame too long")
        if units > (15 if self.breaks("sixteen-units-are-too-many") else 16) and not self.breaks("extensions-of-any-length"):
            raise Ends(8, "extensions too long")
        kind = wire.TYPE_NAMES.get(number, hex(number))
        if self.peer is None and kind not in ("HELLO", "GOAWAY") and not self.breaks("speaks-before-hello"):
            raise Ends(3, "HELLO comes first")
        begin = 16 + 4 * units
        if len(self.held) < begin + length:
            return None
        frame = Frame(kind, stream, flags, code, credit, bytes(self.held[16:begin]), bytes(self.held[begin:begin + length]))
        del self.held[:begin + length]
        return frame

    def on_frame(self, frame):
        kind = frame.type
        if kind.startswith("0x"):
            if (number := int(kind, 16)) & 0x80 and not self.breaks("skips-critical-types"):
                raise Ends(12, f"type {number}")
            if self.breaks("dies-of-unknown-types"):
                raise Ends(3)
        else:
            self.check_form(frame)
        if not (kind.startswith("0x") and self.breaks("no-credit-of-unknown-types")):
            self.grow(frame.credit)
        if kind.startswith("0x"):
            return
        getattr(self, "on_" + kind.lower())(frame)

    def check_form(self, frame):
        wrong = wire.wrong_with(Frame(frame.type, frame.stream, 0, 0, 0, b"", frame.payload))
        if not wrong:
            return
        about_stream = "stream" in wrong
        if not self.breaks("streams-do-not-matter" if about_stream else "lengths-do-not-matter"):
            raise Ends(3, wrong)
        frame.type = "UPGRADE"  # what is broken takes it for nothing

    def grow(self, credit):
        self.may_send += credit
        if self.may_send > CREDIT_LIMIT and not self.breaks("windows-of-any-size"):
            raise Ends(3, "too much credit")

    def spend(self):
        """A token for what costs the sender nothing."""
        now = time.monotonic()
        self.tokens = min(100 if self.breaks("strict-rates") else 1000, self.tokens + 33 * (now - self.tokens_at))
        self.tokens_at = now
        self.tokens -= 1
        if self.tokens < 0 and not self.breaks("no-rates"):
            raise Ends(8, "too fast")

    def on_hello(self, frame):
        if self.peer is not None:
            if self.breaks("takes-many-hellos"):
                return
            raise Ends(3, "a second HELLO")
        try:
            hello = wire.decode("Hello", frame.payload)
            if len(hello["node_id"]) not in (0, 32):
                raise Malformed("node id")
            if self.breaks("knows-every-field") and any(number > 10 for number, _, _ in wire.fields_of(frame.payload)):
                raise Malformed("unknown field")
        except Malformed as error:
            if not self.breaks("reads-no-hello"):
                raise Ends(3, str(error)) from None
            hello = wire.decode("Hello", frame.payload[:-1] if self.dials else b"\x08\x01")
        if hello["version"] != 1 and not self.breaks("any-version"):
            raise Ends(12, "version")
        self.peer = hello
        if not self.breaks("any-limits") and min(self.peer_limit(name) for name in ("frame_bytes", "connection_window", "stream_window")) < 4096:
            raise Ends(3, "limits")
        self.may_send += self.peer_limit("connection_window")
        if not self.preface_said:
            self.say_hello()
        self.learn(hello["services"])
        with self.shared.lock:
            self.shared.silent -= 0 if self.dials else 1
        self.on_peer()

    def on_peer(self):
        pass

    def learn(self, services):
        for told in services:
            for path in [path for path in self.methods if path.split("/")[0] == told["name"]]:
                del self.methods[path]
            for number, method in enumerate(told["methods"]):
                index, path = told["first_method"] + number, f"{told['name']}/{method['name']}"
                if self.indexes.setdefault(index, path) != path and not self.breaks("forgets-indexes"):
                    raise Ends(3, "an index of another method")
                self.methods[path] = index

    def on_hello_update(self, frame):
        if self.breaks("dies-of-updates"):
            raise Ends(3)
        try:
            self.learn(wire.decode("Hello", frame.payload)["services"])
        except Malformed as error:
            raise Ends(3, str(error)) from None

    def on_upgrade(self, frame):
        if self.breaks("dies-of-upgrade"):
            raise Ends(3)

    def on_ping(self, frame):
        self.spend()
        if self.breaks("control-waits") and self.waiting:
            return
        payload = b"somewhat" if self.breaks("another-pong") else frame.payload
        self.send(Frame("PONG", flags=frame.flags & 0xF0 if self.breaks("echoes-flags") else 0, payload=payload))

    def on_pong(self, frame):
        if self.breaks("dies-of-pong"):
            raise Ends(3)

    def on_goaway(self, frame):
        if frame.code and not self.breaks("goaway-is-nothing"):
            raise Closed("GOAWAY")
        if self.breaks("goaway-is-the-end"):
            raise Closed("GOAWAY")
        if not frame.code:
            self.leaving = True
            for call in list(self.calls.values()):
                if call.mine and call.stream > int.from_bytes(frame.payload[:4], "little"):
                    self.end_mine(call, 14)
            if self.leaving and not self.calls:
                raise Closed("GOAWAY")

    def is_mine(self, stream):
        return stream % 2 == (1 if self.dials else 0)

    def opened(self, stream):
        return stream <= (self.last_mine if self.is_mine(stream) else self.last_theirs) or self.breaks("numbers-never-opened")

    def on_credit(self, frame):
        if frame.stream == 0:
            return
        if not self.opened(frame.stream):
            raise Ends(3, "never opened")
        if frame.stream in self.send_on:
            self.send_on[frame.stream] += int.from_bytes(frame.payload, "little")
            if self.send_on[frame.stream] > CREDIT_LIMIT and not self.breaks("windows-of-any-size"):
                raise Ends(3, "too much credit")
        elif self.breaks("dies-of-late-frames"):
            raise Ends(3)

    def take_window(self, frame):
        size = len(frame.payload)
        self.may_receive -= size
        if self.may_receive < 0 and not self.breaks("windows-unguarded"):
            raise Ends(8, "the connection's window")
        if frame.type == "CALL" or frame.stream in self.calls or not self.breaks("no-credit-for-skipped"):
            self.give_connection_credit(size)
        if frame.stream in self.receive_on:
            self.receive_on[frame.stream] -= size
            if self.receive_on[frame.stream] < 0 and not self.breaks("windows-unguarded"):
                raise Ends(8, "the stream's window")

    # ---- calls that come in ----

    def on_call(self, frame):
        stream = frame.stream
        if (self.is_mine(stream) or stream <= self.last_theirs) and not self.breaks("any-number"):
            raise Ends(3, "a wrong number")
        if self.breaks("counts-by-two") and stream > self.last_theirs + 2:
            raise Ends(3)
        self.take_window(frame)
        self.last_theirs = max(stream, self.last_theirs)
        if self.breaks("dies-of-calls"):
            raise Ends(3)
        extensions = self.extensions(frame.ext)
        try:
            name, payload = self.judge(frame, extensions)
        except Refusal as refusal:
            self.spend()
            why = b"" if self.breaks("says-not-why") else str(refusal).encode()
            self.send(Frame("RESP", stream, code=refusal.status, payload=why[:max(0, self.may_send)]))
            self.may_send -= min(len(why), max(0, self.may_send))
            return
        call = self.calls[stream] = Call(stream, name, False)
        self.slots += 1
        self.send_on[stream] = self.peer_limit("stream_window")
        self.receive_on[stream] = self.limits["stream_window"] - len(frame.payload)
        if "TIMEOUT" in extensions:
            call.deadline = time.monotonic() + int.from_bytes(extensions["TIMEOUT"], "little") / 1000
        if self.takes_stream(name):
            self.give_credit(stream, len(frame.payload))
            if frame.flags & END and not self.breaks("no-end-on-call"):
                self.on_end(call)
            return
        self.on_part(call, frame.flags, payload)

    def extensions(self, ext):
        out, at = {}, 0
        names = {number: (name, size) for name, (number, size) in wire.EXTENSIONS.items()}
        while at < len(ext):
            number = ext[at]
            if number == 0 and not self.breaks("padding-is-an-extension"):
                at += 1
                continue
            if at + 1 >= len(ext) or at + 2 + ext[at + 1] > len(ext):
                if self.breaks("extensions-end-anywhere"):
                    return out
                raise Ends(3, "an extension past the end")
            value = ext[at + 2:at + 2 + ext[at + 1]]
            at += 2 + len(value)
            name, size = names.get(number, (number, len(value)))
            if len(value) != size and not self.breaks("extensions-of-other-lengths"):
                raise Ends(3, "an extension of another length")
            out[name] = value
        return out

    def judge(self, frame, extensions):
        """The method's name and its message; raises Refusal."""
        unknown = [number for number in extensions if isinstance(number, int)]
        if any(number & 0x80 for number in unknown) and not self.breaks("skips-critical-extensions"):
            raise Refusal(12, "an extension")
        if unknown and self.breaks("refuses-unknown-extensions"):
            raise Refusal(12)
        if frame.flags & COMPRESSED and not self.breaks("takes-compressed"):
            raise Refusal(12, "compression")
        if "EPOCH" in extensions and int.from_bytes(extensions["EPOCH"], "little") != self.shared.epoch and not self.breaks("any-epoch"):
            raise Refusal(2, "another life")
        if extensions.get("TIMEOUT") == b"\0\0\0\0" and not self.breaks("timeout-0-is-none"):
            raise Refusal(4, "too late")
        if self.slots >= self.limits["streams"] and not self.breaks("streams-without-end"):
            raise Refusal(8, "streams")
        payload = self.strip_metadata(frame) if frame.flags & META else frame.payload
        name = self.method_at(frame.code)
        if name is None:
            raise Refusal(5 if self.breaks("unknown-index-is-not-found") else 12, "no such index")
        if self.takes_stream(name):
            if (payload or frame.flags & MORE) and not self.breaks("message-in-call") and not self.breaks("metadata-is-message"):
                raise Refusal(3, "a message in CALL")
            if payload and self.breaks("metadata-is-message"):
                raise Refusal(3)
        elif not frame.flags & (END | MORE) and not self.breaks("needs-no-end"):
            raise Refusal(12, "END is missing")
        if self.breaks("nobody-is-welcome") and not self.owner:
            raise Refusal(16)
        if name in NEEDS and (not self.owner or self.breaks("nobody-is-owner")) and not self.breaks("everyone-is-owner"):
            raise Refusal(16, f"{name} needs {NEEDS[name] or 'a member'}; you are a stranger")
        return name, payload

    def strip_metadata(self, frame):
        payload = frame.payload
        if self.breaks("metadata-is-message"):
            return payload
        size = int.from_bytes(payload[:2], "little")
        if size > 8192 and not self.breaks("metadata-of-any-length"):
            raise Refusal(8, "metadata")
        entries = payload[2:2 + size]
        if not self.breaks("metadata-unread"):
            if len(payload) < 2 + size:
                raise Refusal(3, "metadata")
            while entries:
                key, rest = entries[1:1 + entries[0]], entries[1 + entries[0]:]
                value = int.from_bytes(rest[:2], "little")
                if not key or len(rest) < 2 + value or not all(chr(c) in "abcdefghijklmnopqrstuvwxyz0123456789-_." for c in key):
                    raise Refusal(3, "metadata")
                entries = rest[2 + value:]
        return payload[2 + size:]

    def method_at(self, index):
        for told in self.served:
            if told["first_method"] <= index < told["first_method"] + told["method_count"]:
                return told["methods"][index - told["first_method"]]["name"]
        return None

    def takes_stream(self, name):
        return dict(CORE + DRILL).get(name) in ("client", "both")

    def on_data(self, frame):
        self.on_payload(frame)

    def on_resp(self, frame):
        if not self.is_mine(frame.stream) and not self.breaks("resp-of-the-caller") and self.opened(frame.stream):
            raise Ends(3, "RESP of the caller")
        self.on_payload(frame)

    def on_payload(self, frame):
        call = self.calls.get(frame.stream)
        if not self.opened(frame.stream):
            raise Ends(3, "never opened")
        if frame.type == "DATA" and not frame.payload and not frame.flags & END:
            self.spend()
        if call is not None and not call.mine and call.request_done and not self.breaks("data-after-end"):
            raise Ends(3, "DATA after END")
        self.take_window(frame)
        if call is None:
            if self.breaks("dies-of-late-frames"):
                raise Ends(3)
            return
        if call.mine:
            return self.on_answer(call, frame)
        if call.answered:
            return
        if self.takes_stream(call.method):
            return self.on_message_part(call, frame.flags, frame.payload)
        self.on_part(call, frame.flags, frame.payload)

    def on_part(self, call, flags, payload):
        """A part of one request."""
        self.keep(call, payload, call.assembling or flags & MORE)
        if len(call.parts) > self.limits["message_bytes"] and not self.breaks("messages-of-any-length"):
            return self.answer(call, 8, b"a message too long")
        if flags & MORE and not self.breaks("first-part-is-all"):
            call.assembling = True
            return
        if not flags & END and not self.breaks("needs-no-end") and not self.breaks("first-part-is-all"):
            return self.answer(call, 12, b"END is missing")
        call.request_done = True
        self.handle(call, call.parts)

    def keep(self, call, payload, in_parts):
        if self.breaks("one-assembly"):
            one = self.shared.__dict__.setdefault("assembly", [b""])
            one[0] += payload
            call.parts = one[0]
        else:
            call.parts += payload
        if in_parts:
            self.give_credit(call.stream, len(payload))

    def on_message_part(self, call, flags, payload):
        more = flags & MORE and not self.breaks("first-part-is-all")
        in_parts = call.assembling or more
        call.parts += payload
        if call.method != "HoldStream" or in_parts:
            self.give_credit(call.stream, len(payload))
        call.assembling = bool(more)
        if more:
            return
        message, call.parts = call.parts, b""
        last = flags & END
        if not last or message or in_parts:
            if not (last and self.breaks("end-is-no-message")):
                self.on_message(call, message)
        if last and not call.answered:
            self.on_end(call)

    def on_message(self, call, message):
        try:
            piece = wire.decode("Piece", message)
        except Malformed as error:
            return self.answer(call, 3, str(error).encode())
        call.total = [call.total[0] + 1, call.total[1] + len(piece["payload"])]
        if call.method == "Chat":
            if self.breaks("answers-at-the-end"):
                call.held.append(message)
            else:
                self.queue(call, "DATA", message)

    def on_end(self, call):
        call.request_done = True
        if call.method == "Sum":
            messages = call.total[0] - (1 if self.breaks("one-message-short") else 0)
            self.answer(call, 0, wire.encode("Total", {"messages": max(0, messages), "bytes": call.total[1]}))
        elif call.method == "Chat":
            for message in call.held:
                self.queue(call, "DATA", message)
            self.answer(call, 0, None)

    def handle(self, call, request):
        kinds = {"Echo": "Piece", "Guarded": "Piece", "Hold": "Piece", "Tally": "Piece", "Count": "CountRequest", "Fail": "FailRequest", "Describe": "DescribeRequest",
                 "Health": "HealthRequest"}
        try:
            told = wire.decode(kinds[call.method], request) if call.method in kinds else {}
            if depth(told) > 32 and not self.breaks("nests-for-ever"):
                raise Malformed("nested too deep")
        except Malformed as error:
            if not self.breaks("reads-any-request"):
                return self.answer(call, 3, str(error).encode())
            told = {}
        getattr(self, "call_" + call.method.lower())(call, told, request)

    def call_echo(self, call, told, request):
        self.answer(call, 0, request[:-1] + b"?" if self.breaks("spoils-answers") and request else request)

    call_guarded = call_echo

    def call_hold(self, call, told, request):
        pass

    def call_tally(self, call, told, request):
        self.shared.tally += 1
        self.answer(call, 0, wire.encode("Total", {"messages": self.shared.tally}))

    def call_count(self, call, told, request):
        piece = wire.encode("Piece", {"payload": b"x" * told["size"]})
        for _ in range(told["count"] - (1 if self.breaks("one-message-short") else 0)):
            self.queue(call, "DATA", piece)
        self.answer(call, 0, None)

    def call_fail(self, call, told, request):
        self.answer(call, told["status"], b"" if self.breaks("says-not-why") else b"asked to fail")

    def call_health(self, call, told, request):
        self.answer(call, 0, wire.encode("HealthResponse", {"health": 2}))

    def call_stats(self, call, told, request):
        self.answer(call, 0, b"")

    def call_limits(self, call, told, request):
        limits = {**self.limits, "streams": 7} if self.breaks("other-limits") else self.limits
        self.answer(call, 0, wire.encode("LimitsResponse", {"limits": limits, "connections": 100}))

    def call_describe(self, call, told, request):
        services = self.served + ([entry("b2.v1.Topics", 90, [])] if self.owner or self.breaks("describes-everything") else [])
        self.answer(call, 0, wire.encode("DescribeResponse", {"node_name": "reference", "services": services}))

    def answer(self, call, status, payload):
        """@param payload  None: no last message"""
        if call.answered:
            return
        call.answered = True
        call.deadline = None
        if status:
            call.out.clear()
        empty = payload is None or (not payload and call.method in ("Count", "Chat"))
        self.queue(call, "RESP", payload or b"", END if empty and not status else 0, status)

    def on_cancel(self, frame):
        self.spend()
        if not self.opened(frame.stream):
            raise Ends(3, "never opened")
        if self.is_mine(frame.stream) and not self.breaks("cancel-of-the-callee"):
            raise Ends(3, "CANCEL of the callee")
        call = self.calls.get(frame.stream)
        if call is None:
            if self.breaks("dies-of-late-frames"):
                raise Ends(3)
        elif self.breaks("answers-cancelled"):
            self.answer(call, 1, b"cancelled")
        elif not call.mine:
            call.out.clear()
            if not self.breaks("cancel-keeps-slots"):
                self.forget(call)

    # ---- calls that go out ----

    def on_answer(self, call, frame):
        raise Ends(3, "this side makes no calls")

    def end_mine(self, call, status):
        pass


def depth(told):
    return 1 + max((depth(value) for value in told.values() if isinstance(value, dict)), default=-1) if told else 0


def linger(stream):
    """Lets the other side read what was said last, before unread bytes make the system reset the connection."""
    try:
        (stream.stream if isinstance(stream, WebSocket) else stream).sock.shutdown(socket.SHUT_WR)
        for _ in range(1000):
            if not stream.receive(2):
                break
    except (OSError, Closed):
        pass


# ---- a client ----

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


# ---- a server ----

class Server:
    """Listens on loopback and a Unix socket, each connection on a thread. @param tls  (certificate file, key file)"""

    def __init__(self, folder, shared, tls=None):
        self.shared, self.tls = shared, tls
        self.path = os.path.join(folder, f"reference-{id(self)}.sock")
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(self.path)
        unix.listen(256)
        tcp = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % tcp.getsockname()[1]
        self.listeners = [tcp, unix]
        for listener in self.listeners:
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock, listener.family == socket.AF_UNIX), daemon=True).start()

    def close(self):
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        os.unlink(self.path)

    def serve(self, sock, owner):
        shared = self.shared
        with shared.lock:
            shared.silent += 1
            crowded = shared.silent > 256 and shared.broken != "any-crowd"
        try:
            stream = Stream(sock)
            if crowded:
                return self.turn_away(stream, "too many connections")
            self.begin(stream, owner)
        except (Closed, OSError, ValueError):
            pass
        finally:
            with shared.lock:
                shared.silent = max(0, shared.silent - 1)
            sock.close()

    def turn_away(self, stream, why):
        if self.shared.broken != "silent-to-strangers":
            stream.send(f"b2: {why}\r\n".encode())
        linger(stream)

    def begin(self, stream, owner):
        first, alpn = b"", None
        until = time.monotonic() + 5 * self.shared.scale
        while len(first) < 4 and wire.PREFACE.startswith(first):
            if (left := until - time.monotonic()) <= 0 and self.shared.broken != "waits-for-ever":
                return self.turn_away(stream, "nothing was said")
            first += stream.receive(max(left, 0.05)) if first or alpn or self.tls is None else self.peek(stream, left)
            if first[:1] == b"\x16" and self.tls and not alpn:
                stream, alpn = self.secure(stream)
                first = b""
            if self.shared.broken == "needs-whole-preface" and 0 < len(first) < 4:
                return
        if not wire.PREFACE.startswith(first[:4]):
            if first[:4] in (b"GET ", b"POST") and (alpn != "b2/1" or self.shared.broken == "any-alpn"):
                return self.upgrade(stream, first)
            return self.turn_away(stream, "these first bytes are no protocol served here")
        self.speak(stream, first, owner)

    def peek(self, stream, left):
        stream.sock.settimeout(max(left, 0.05))
        try:
            first = stream.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return b""
        return b"\x16" if first == b"\x16" else stream.receive(1)

    def secure(self, stream):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.tls)
        context.set_alpn_protocols(["b2/1", "http/1.1"])
        stream.sock.settimeout(5)
        secured = context.wrap_socket(stream.sock, server_side=True)
        if secured.selected_alpn_protocol() is None and self.shared.broken != "any-alpn":
            raise Closed("no ALPN")
        return Stream(secured), secured.selected_alpn_protocol() or "none"

    def speak(self, stream, first, owner):
        connection = Connection(stream, False, self.shared, owner)
        if first:
            held = stream.receive

            def once(patience, pending=[first]):
                return pending.pop() if pending else held(patience)
            stream.receive = once
        connection.run()

    def upgrade(self, stream, first):
        held = [first]
        receive = stream.receive
        stream.receive = lambda patience: held.pop() if held else receive(patience)
        _, headers, rest = read_http_head(stream, 5)
        broken = self.shared.broken
        offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
        tokens = [each.removeprefix("b2.bearer.") for each in offered if each.startswith("b2.bearer.")]
        host = headers.get("host", "")
        status = 0
        if not host.startswith(("127.0.0.1", "localhost")) and broken != "any-host":
            status = 421
        elif headers.get("origin", "http://" + host) != "http://" + host and broken != "any-origin":
            status = 403
        elif tokens and tokens != [TOKEN] and broken != "any-token":
            status = 401
        elif "b2.1" not in offered and broken != "any-subprotocol":
            status = 400
        if status:
            stream.send(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        stream.send(("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: b2.1\r\n"
                     f"Sec-WebSocket-Accept: {accept_key(headers.get('sec-websocket-key', ''))}\r\n\r\n").encode())
        ws = WebSocket(stream, False, rest)
        ws.text_is_bytes = broken == "text-is-bytes"
        ws.whole_messages_only = broken == "whole-messages-only"
        self.speak(ws, b"", bool(tokens))
