"""A small implementation of b2 that can be told to break one rule: what b2spec itself is tried on. Its client and its server:
reference_client.py, reference_server.py."""
import random
import socket
import struct
import threading
import time

from kit import wire, zstd
from kit.transport import Closed, WebSocket
from kit.wire import COMPRESSED, MORE, Frame, Malformed
from kit.world import CORE, DRILL, entry
from reference_calls import Callee, Ends, Refusal

CREDIT_LIMIT = 0x7FFFFFFF
CORE_FIRST, DRILL_FIRST = 3, 20


class Shared:
    """What the connections of one process have in common."""

    def __init__(self, broken=None, scale=1.0):
        self.broken, self.scale = broken, scale
        self.epoch = random.getrandbits(48) + 1
        self.tally = 0
        self.silent = 0
        self.told_to_end = 0  # how often
        self.keys = {}  # what came of calls with a key
        self.lock = threading.Lock()


class Connection(Callee):
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
        self.drained, self.grace_until = 0, None
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
        until += [self.grace_until] if self.grace_until else []
        return min(max(0.0005, min(until) - now), 10 if self.dials else 0.02)  # a server may be told to end

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
        if self.grace_until and now >= self.grace_until and not self.breaks("waits-for-ever"):
            raise Ends(14, "the grace is over")
        if self.peer is not None and self.drained < self.shared.told_to_end:
            self.drain()
        for call in list(self.calls.values()):
            if call.deadline and now >= call.deadline and not self.breaks("no-deadlines"):
                call.deadline = None
                self.pass_deadline(call)

    def drain(self):
        """This process was told to end."""
        self.drained += 1
        if self.drained > 1:
            if not self.breaks("told-once"):
                raise Ends(14, "told a second time")
            return
        if self.breaks("drains-at-once"):
            raise Ends(14, "ending")
        last = 0 if self.breaks("goaway-of-nothing") else self.last_theirs
        self.send(Frame("GOAWAY", payload=last.to_bytes(4, "little") + b"ending"))
        self.leaving = not self.breaks("drain-lingers")
        self.grace_until = time.monotonic() + self.span(5)
        for call in list(self.calls.values()):
            if call.method in ("Count", "Chat") and not self.breaks("drain-keeps-streams"):
                self.answer(call, 14, b"ending")
        if self.leaving and not self.calls:
            raise Closed("nothing is open")

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
                 "features": ["keys", "zstd"], "limits": self.limits, "keep_alive_ms": 1000, "services": self.served}
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
        reason = kind == "RESP" and code
        if (self.agreed_zstd() or self.breaks("compresses-uninvited")) and (not reason or self.breaks("compresses-reasons")):
            small = zstd.frame(payload, tells_size=not self.breaks("tells-no-size"))
            pays = len(small) <= len(payload) * 7 // 8 and len(payload) // 256 <= len(small)
            if payload and (pays or self.breaks("compresses-uninvited") or reason):
                payload, flags = small, flags | COMPRESSED
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
        if size < min(left, 1024) and size == self.may_send:
            return False  # a crumb of the connection's window
        last = size == left
        kind = item["type"] if last or item["type"] == "CALL" else "DATA"
        if kind == "CALL" and item.get("sent"):
            kind = "DATA"
        part = item["payload"][item["at"]:item["at"] + size]
        code = item["code"] if kind in ("CALL", "RESP") else 1 if self.breaks("code-on-data") and kind == "DATA" else 0
        flags = item["flags"] if last else MORE | item["flags"] & (0 if self.breaks("marks-the-last-part") else COMPRESSED)
        self.send(Frame(kind, call.stream, flags, code, ext=b"" if item.get("sent") else item["ext"], payload=part))
        item["at"] += size
        item["sent"] = True
        self.may_send -= size
        if call.stream in self.send_on:
            self.send_on[call.stream] -= size
        if last and item["type"] == "RESP":
            self.forget(call)
        return True

    def agreed_zstd(self):
        return "zstd" in (self.peer or {}).get("features", [])

    def plain(self, call, message, is_compressed):
        """A message as it was before it was compressed; raises Refusal."""
        call.sticks = is_compressed or getattr(call, "sticks", False)
        if not (call.sticks if self.breaks("compression-sticks") else is_compressed) or self.breaks("compressed-is-plain"):
            return message
        try:
            size = zstd.head_of(message)[0] if self.breaks("takes-any-end") else zstd.content_size(message)
            if size > self.limits["message_bytes"] and not self.breaks("bombs"):
                raise Refusal(8, "a message too long")
            if size // 256 > len(message) and not self.breaks("any-ratio"):
                raise Refusal(8, "too much for so little")
            out = zstd.simple_content(message) if self.breaks("takes-any-end") else zstd.content(message).data
        except (zstd.NoFrame, IndexError, struct.error) as error:
            if self.breaks("damage-is-nothing"):
                return b""
            raise Refusal(3, str(error)) from None
        if self.breaks("windows-count-plain") and call.stream in self.receive_on:
            self.receive_on[call.stream] -= len(out)
            if self.receive_on[call.stream] < 0:
                raise Ends(8, "the stream's window")
        return out

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

    # ---- calls that go out ----

    def on_answer(self, call, frame):
        raise Ends(3, "this side makes no calls")

    def end_mine(self, call, status):
        pass


def linger(stream):
    """Lets the other side read what was said last, before unread bytes make the system reset the connection."""
    try:
        (stream.stream if isinstance(stream, WebSocket) else stream).sock.shutdown(socket.SHUT_WR)
        for _ in range(1000):
            if not stream.receive(2):
                break
    except (OSError, Closed):
        pass
