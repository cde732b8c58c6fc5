"""What all steps of a case share: names, payloads as cases write them, and what keeps a case from being tried."""
from . import wire, zstd

BACKGROUND = ("CREDIT", "PING", "HELLO_UPDATE")  # come at any time and mean nothing to a case that does not ask for them
QUIET = 0.15  # seconds in which nothing must come
TASKS = {"DONE": 0, "ECHO": 1, "COUNT": 2, "HOLD": 3, "CANCEL": 4, "SUM": 5, "UNREAD": 6, "ECHO_LONG": 7}
PATHS = {"Core": "b2.v1.Core", "Drill": "b2.spec.v1.Drill"}
ANSWER = ("status", "messages", "bytes", "total", "payload_not_empty", "remember", "same_as", "other_than")  # what a whole call is judged by


class Skip(Exception):
    """The case cannot be tried on this implementation, or from here."""


class BadCase(Exception):
    """The case's own text is wrong."""


def payload_of(told):
    """Hexadecimal, or {"text": …}, {"x": N}, or {"message": NAME, field: value, …}; {"piece": N} is a Piece of N bytes; {"zstd": …} compressed."""
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
    if "zstd" in told:
        made = zstd.frame(payload_of(told["zstd"]), told.get("told"), told.get("tells_size", True), told.get("dictionary"))
        return made[:len(made) - told.get("cut", 0)] + bytes.fromhex(told.get("after", ""))
    if "pattern" in told:
        return bytes(number % 251 for number in range(told["pattern"]))
    if "mixed" in told:  # a Piece half of which is hard to compress
        return wire.encode("Piece", {"payload": bytes(number * number // 7 % 251 for number in range(told["mixed"] // 2)) + b"x" * (told["mixed"] - told["mixed"] // 2)})
    if "slice" in told:
        return payload_of(told["of"])[slice(*told["slice"])]
    if "metadata" in told:
        return wire.metadata(told["metadata"]) + payload_of(told.get("then"))
    if "message" in told:
        return wire.encode(told["message"], {key: value for key, value in told.items() if key != "message"})
    raise BadCase(f"no payload is written {told}")


def flags_of(told):
    if isinstance(told, int):
        return told
    return sum(wire.FLAGS[name] for name in (told or "").split("|") if name)
