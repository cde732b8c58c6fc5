"""Frames and the few protobuf messages a conformance run needs. Written from docs/spec/b2.md alone, so that it shares no mistake
with what it judges."""
import dataclasses
import struct

from . import zstd

PREFACE = b"b2\r\n"
HEADER = struct.Struct("<IIBBHI")
TYPES = {"HELLO": 1, "HELLO_UPDATE": 2, "CALL": 3, "DATA": 4, "RESP": 5, "CREDIT": 6, "CANCEL": 7, "PING": 8, "PONG": 9, "GOAWAY": 10, "UPGRADE": 11}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
FLAGS = {"END": 1, "MORE": 2, "COMPRESSED": 4, "META": 8}
END, MORE, COMPRESSED, META = FLAGS.values()
COUNTED = ("CALL", "DATA", "RESP")  # whose payload counts against the windows
DEFAULT_LIMITS = {"frame_bytes": 65536, "metadata_bytes": 8192, "streams": 256, "message_bytes": 4 << 20, "connection_window": 65536,
                  "stream_window": 65536}


def type_number(name):
    return TYPES[name] if name in TYPES else int(name, 0)


@dataclasses.dataclass
class Frame:
    type: str  # a name, or "0x4f"
    stream: int = 0
    flags: int = 0
    code: int = 0
    credit: int = 0
    ext: bytes = b""
    payload: bytes = b""
    plain: "zstd.Content | None" = None  # of the last frame of a compressed message: what it was before

    def __str__(self):
        parts = [self.type]
        if self.stream:
            parts.append(f"on stream {self.stream}")
        parts += [name for name, bit in FLAGS.items() if self.flags & bit]
        if self.code:
            parts.append(f"code {self.code}")
        if self.type == "GOAWAY":
            parts.append(repr(self.payload[4:].decode("utf-8", "replace")))
        elif self.type == "RESP" and self.code:
            parts.append(repr(self.payload.decode("utf-8", "replace")))
        elif self.payload:
            parts.append(f"with {len(self.payload)} bytes")
        return " ".join(parts)

    def bytes(self, length=None, ext_units=None):
        """On the wire; `length` and `ext_units` say something else than is true."""
        ext = self.ext + b"\0" * (-len(self.ext) % 4)
        units = len(ext) // 4 if ext_units is None else ext_units
        length = len(self.payload) if length is None else length
        return HEADER.pack(length | type_number(self.type) << 24, self.stream, self.flags, units, self.code, self.credit) + ext + self.payload


class Reader:
    """Cuts a byte stream into frames."""

    def __init__(self):
        self.held = bytearray()

    def push(self, data):
        self.held += data

    def next(self):
        if len(self.held) < HEADER.size:
            return None
        first, stream, flags, units, code, credit = HEADER.unpack_from(self.held)
        length, kind = first & 0xFFFFFF, first >> 24
        begin = HEADER.size + 4 * units
        if len(self.held) < begin + length:
            return None
        frame = Frame(TYPE_NAMES.get(kind, hex(kind)), stream, flags, code, credit, bytes(self.held[HEADER.size:begin]), bytes(self.held[begin:begin + length]))
        del self.held[:begin + length]
        return frame

    def header(self):
        """(type, length, extension units) of what comes next, or None."""
        if len(self.held) < HEADER.size:
            return None
        first, _, _, units, _, _ = HEADER.unpack_from(self.held)
        kind = first >> 24
        return TYPE_NAMES.get(kind, hex(kind)), first & 0xFFFFFF, units


def wrong_with(frame):
    """What a frame breaks of §2 by its form alone, or None."""
    on_connection = frame.stream == 0
    size = len(frame.payload)
    if frame.flags & 0xF0:
        return f"flags {frame.flags:#04x}: the upper four bits MUST be 0"
    if len(frame.ext) > 64:
        return f"{len(frame.ext)} bytes of extensions"
    if frame.code and frame.type not in ("CALL", "RESP", "CANCEL", "GOAWAY"):
        return f"code {frame.code} where it is 0"
    if frame.type in ("CALL", "DATA", "RESP", "CANCEL") and on_connection:
        return "on stream 0"
    if frame.type in ("HELLO", "HELLO_UPDATE", "PING", "PONG", "GOAWAY") and not on_connection:
        return f"on stream {frame.stream}"
    lengths = {"CREDIT": 0 if on_connection else 4, "CANCEL": 0, "PING": 8, "PONG": 8}
    if frame.type in lengths and size != lengths[frame.type]:
        return f"with {size} bytes instead of {lengths[frame.type]}"
    if frame.type == "GOAWAY" and size < 4:
        return f"with {size} bytes, less than 4"
    if frame.type.startswith("0x"):
        return "a type that no version 1 has"
    return None


# ---- protobuf ----

# name -> (field number, kind); a kind that is a message is read and written as a dict, "*" means repeated
SCHEMA = {
    "Hello": {"version": (1, "uint"), "node_id": (2, "bytes"), "name": (3, "text"), "boot_epoch": (4, "fixed64"), "features": (5, "*text"),
              "limits": (6, "Limits"), "keep_alive_ms": (7, "uint"), "services": (8, "*ServiceEntry"), "house": (9, "text"), "house_id": (10, "bytes")},
    "Limits": {name: (number, "uint") for number, name in enumerate(DEFAULT_LIMITS, 1)},
    "ServiceEntry": {"name": (1, "text"), "version": (2, "text"), "descriptor_hash": (3, "bytes"), "first_method": (4, "uint"), "method_count": (5, "uint"),
                     "health": (6, "uint"), "methods": (7, "*Method")},
    "Method": {"name": (1, "text"), "kind": (2, "uint"), "needs": (3, "text"), "idempotent": (4, "uint")},
    "DescribeRequest": {"service": (1, "text"), "descriptors": (2, "uint")},
    "DescribeResponse": {"node_name": (1, "text"), "node_id": (2, "bytes"), "program": (3, "text"), "services": (4, "*ServiceEntry"),
                         "file_descriptor_set": (5, "bytes")},
    "HealthRequest": {"service": (1, "text")},
    "HealthResponse": {"health": (1, "uint"), "detail": (2, "text")},
    "LimitsResponse": {"limits": (1, "Limits"), "connections": (3, "uint"), "unidentified_connections": (4, "uint")},
    "Piece": {"payload": (1, "bytes"), "inside": (2, "Piece")},
    "CountRequest": {"count": (1, "uint"), "size": (2, "uint")},
    "FailRequest": {"status": (1, "uint")},
    "Total": {"messages": (1, "uint"), "bytes": (2, "uint")},
    "Outcome": {"status": (1, "uint"), "messages": (2, "uint"), "bytes": (3, "uint"), "none": (4, "uint"), "can": (5, "text")},
    "Task": {"kind": (1, "uint"), "count": (2, "uint"), "size": (3, "uint"), "timeout_ms": (4, "uint")},
}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(name, fields):
    out = b""
    for key, value in fields.items():
        number, kind = SCHEMA[name][key]
        for each in value if kind[0] == "*" else [value]:
            out += encode_field(number, kind.lstrip("*"), each)
    return out


def encode_field(number, kind, value):
    if kind == "uint":
        return varint(number << 3) + varint(int(value)) if value else b""
    if kind == "fixed64":
        return varint(number << 3 | 1) + struct.pack("<Q", value)
    data = value.encode() if kind == "text" else value if kind == "bytes" else encode(kind, value)
    if kind in ("text", "bytes") and not data:
        return b""
    return varint(number << 3 | 2) + varint(len(data)) + data


class Malformed(ValueError):
    pass


def read_varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("a number that does not end")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields_of(data):
    """(number, wire type, value) of each field."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = read_varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = int.from_bytes(data[at:at + size], "little"), at + size
        elif wire == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise Malformed(f"wire type {wire}")
        if at > len(data) or tag >> 3 == 0:
            raise Malformed("a field that reaches past the end")
        yield tag >> 3, wire, value


def decode(name, data, depth=0):
    """A dict with every field of the schema; unknown ones are skipped."""
    if depth > 100:
        raise Malformed("nested too deep")
    schema = SCHEMA[name]
    by_number = {number: (key, kind) for key, (number, kind) in schema.items()}
    empty = {"uint": 0, "fixed64": 0, "text": "", "bytes": b""}
    out = {key: [] if kind[0] == "*" else empty.get(kind) for key, (_, kind) in schema.items()}
    for number, wire, value in fields_of(data):
        if number not in by_number:
            continue
        key, kind = by_number[number]
        repeated, kind = kind[0] == "*", kind.lstrip("*")
        if wire != {"uint": 0, "fixed64": 1}.get(kind, 2):
            raise Malformed(f"field {key} of wire type {wire}")
        try:
            value = value.decode() if kind == "text" else value if kind in empty else decode(kind, value, depth + 1)
        except UnicodeDecodeError:
            raise Malformed(f"field {key} is no UTF-8") from None
        if repeated:
            out[key].append(value)
        else:
            out[key] = value
    return out


# ---- extensions and metadata ----

EXTENSIONS = {"TIMEOUT": (1, 4), "TRACEPARENT": (2, 25), "IDEMPOTENCY": (3, 16), "PRIORITY": (4, 1), "ENCODING": (5, 1), "EPOCH": (6, 8)}


def extension(name, value):
    number, size = EXTENSIONS[name]
    return bytes([number, size]) + (value.to_bytes(size, "little") if isinstance(value, int) else value)


def read_extensions(data):
    """{name or number: bytes}; raises Malformed."""
    names = {number: (name, size) for name, (number, size) in EXTENSIONS.items()}
    out, at = {}, 0
    while at < len(data):
        number = data[at]
        at += 1
        if number == 0:
            continue
        if at >= len(data) or at + 1 + data[at] > len(data):
            raise Malformed("an extension reaches past the end")
        value = data[at + 1:at + 1 + data[at]]
        at += 1 + len(value)
        name, size = names.get(number, (number, len(value)))
        if len(value) != size:
            raise Malformed(f"extension {name} has {len(value)} bytes")
        out[name] = value
    return out


def metadata(entries):
    body = b"".join(bytes([len(key)]) + key.encode() + struct.pack("<H", len(value)) + value.encode() for key, value in entries.items())
    return struct.pack("<H", len(body)) + body
