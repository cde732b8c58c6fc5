"""What the reference implementation does with calls that come in."""
import time

from kit import wire
from kit.wire import COMPRESSED, END, META, MORE, Frame, Malformed
from kit.world import CORE, DRILL, entry

NEEDS = {"Stats": "", "Guarded": "admin"}


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
        self.key = None


class Kept:
    """A call with a key: its digest, and its end, (status, payload), once there is one."""

    def __init__(self, digest):
        self.digest, self.end = digest, None


def depth(told):
    return 1 + max((depth(value) for value in told.values() if isinstance(value, dict)), default=-1) if told else 0


class Callee:
    """A part of Connection."""

    def on_call(self, frame):
        stream = frame.stream
        if (self.is_mine(stream) or stream <= self.last_theirs) and not self.breaks("any-number"):
            raise Ends(3, "a wrong number")
        if self.breaks("counts-by-two") and stream > self.last_theirs + 2:
            raise Ends(3)
        self.take_window(frame)
        self.last_theirs = max(stream, self.last_theirs)
        if self.drained and not self.breaks("drain-takes-calls"):
            return self.send(Frame("RESP", stream, code=14))
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
        if "IDEMPOTENCY" in extensions and not self.breaks("keys-are-nothing") and self.know_key(call, extensions["IDEMPOTENCY"], frame):
            return
        if self.takes_stream(name):
            self.give_credit(stream, len(frame.payload))
            if frame.flags & END and not self.breaks("no-end-on-call"):
                self.on_end(call)
            return
        self.on_part(call, frame.flags, payload)

    def know_key(self, call, key, frame):
        """True when the call was made before, or refused for its key."""
        if dict(CORE + DRILL)[call.method] != "unary":
            if not self.breaks("keys-on-streams"):
                self.answer(call, 12, b"a key on a stream")
            return not self.breaks("keys-on-streams")
        keys = self.__dict__.setdefault("own_keys", {}) if self.breaks("keys-of-a-connection") else self.shared.keys
        known = keys.get(key)
        if known is None:
            call.key = keys[key] = Kept((call.method, frame.payload))
            return False
        if known.digest != (call.method, frame.payload) and not self.breaks("any-digest"):
            self.answer(call, 9, b"another request under this key")
        else:
            self.answer(call, *known.end)  # it has one: no call with a key takes time here
        return True

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
        if frame.flags & COMPRESSED:
            self.judge_compressed(frame.flags, extensions.get("ENCODING", b"\1"))
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

    def judge_compressed(self, flags, encoding=b"\1"):
        if not self.agreed_zstd() and not self.breaks("takes-compressed"):
            raise Refusal(12, "compression was not agreed on")
        if encoding != b"\1" and not self.breaks("any-encoding"):
            raise Refusal(12, "encoding")
        if flags & MORE and self.breaks("compressed-in-one-frame"):
            raise Refusal(12)

    def strip_metadata(self, frame):
        payload = frame.payload
        if self.breaks("metadata-is-message") or (frame.flags & COMPRESSED and self.breaks("metadata-is-compressed")):
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
        if flags & COMPRESSED and call.parts:
            try:
                self.judge_compressed(flags)
            except Refusal as refusal:
                return self.answer(call, refusal.status, str(refusal).encode())
        self.keep(call, payload, call.assembling or flags & MORE)
        if len(call.parts) > self.limits["message_bytes"] and not self.breaks("messages-of-any-length"):
            return self.answer(call, 8, b"a message too long")
        if flags & MORE and not self.breaks("first-part-is-all"):
            call.assembling = True
            return
        if not flags & END and not self.breaks("needs-no-end") and not self.breaks("first-part-is-all"):
            return self.answer(call, 12, b"END is missing")
        call.request_done = True
        try:
            self.handle(call, self.plain(call, call.parts, flags & COMPRESSED))
        except Refusal as refusal:
            self.answer(call, refusal.status, str(refusal).encode())

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
        try:
            if flags & COMPRESSED:
                self.judge_compressed(flags)
            message = self.plain(call, message, flags & COMPRESSED)
        except Refusal as refusal:
            return self.answer(call, refusal.status, str(refusal).encode())
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
        if call.key:
            call.key.end = (status, payload)
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
