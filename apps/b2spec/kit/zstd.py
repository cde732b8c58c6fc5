"""As much of zstd (RFC 8878) as a conformance run needs: frames made of plain and repeated bytes, also wrong ones, and a look at those that
come: their form, the content size they tell, and the content where that can be told."""
import ctypes
import ctypes.util
import dataclasses
import struct

MAGIC = 0xFD2FB528
RAW, RLE = 0, 1
LONGEST_BLOCK = 128 * 1024


class NoFrame(ValueError):
    """It is not one whole frame that tells its content size."""


def frame(content, told=None, tells_size=True, dictionary=None):
    """`content` as one frame. @param told  what it tells as its size instead of the truth; @param dictionary  the number of one it needs"""
    size = len(content) if told is None else told
    field, code = (struct.pack("<B", size), 0) if size < 256 else (struct.pack("<H", size - 256), 1) if size < 65792 else (struct.pack("<I", size), 2)
    number = b"" if dictionary is None else struct.pack("<I", dictionary)
    number_code = 3 if number else 0
    if tells_size:
        head = bytes([code << 6 | 0x20 | number_code]) + number + field  # a single segment: no window is told
    else:
        head = bytes([number_code, 0x50]) + number  # a window of 1 MiB
    return struct.pack("<I", MAGIC) + head + blocks_of(content)


def blocks_of(content):
    """Runs of one byte are told by that byte, the rest as it is."""
    out, at = [], 0
    while at < len(content):
        run = run_at(content, at)
        end = run if run - at >= 16 else at + 1
        while run - at < 16 and end < len(content) and end - at < LONGEST_BLOCK and run_at(content, end) - end < 16:
            end += 1
        end = min(end, at + LONGEST_BLOCK)
        kind, body = (RLE, content[at:at + 1]) if run - at >= 16 else (RAW, content[at:end])
        out.append((kind, end - at, body))
        at = end
    out = out or [(RAW, 0, b"")]
    return b"".join(struct.pack("<I", size << 3 | kind << 1 | (number == len(out) - 1))[:3] + body for number, (kind, size, body) in enumerate(out))


def run_at(content, at):
    """Where the run of one byte that begins at `at` ends."""
    size = len(content) - len(content[at:].lstrip(content[at:at + 1]))
    return size


def content_size(data):
    """What one whole frame tells. Raises NoFrame."""
    size, at, check = head_of(data)
    last = False
    while not last:
        if at + 3 > len(data):
            raise NoFrame("it ends before its last block")
        head = int.from_bytes(data[at:at + 3], "little")
        last, kind, length = head & 1, head >> 1 & 3, head >> 3
        if kind == 3:
            raise NoFrame("a block of the reserved kind")
        at += 3 + (1 if kind == RLE else length)
    at += 4 if check else 0
    if at != len(data):
        raise NoFrame(f"a frame of {at} bytes in a message of {len(data)}")
    return size


def head_of(data):
    """(content size, where the blocks begin, whether a checksum ends it)"""
    if len(data) < 6 or int.from_bytes(data[:4], "little") != MAGIC:
        raise NoFrame("no frame of zstd")
    descriptor = data[4]
    single = descriptor >> 5 & 1
    number = (0, 1, 2, 4)[descriptor & 3]
    field = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    at = 5 + (0 if single else 1) + number
    if number and any(data[at - number:at]):
        raise NoFrame("it needs a dictionary")
    if not field:
        raise NoFrame("it does not tell its content size")
    size = int.from_bytes(data[at:at + field], "little") + (256 if field == 2 else 0)
    return size, at + field, descriptor >> 2 & 1


def library():
    name = ctypes.util.find_library("zstd")
    return ctypes.CDLL(name) if name else None


LIBRARY = library()


@dataclasses.dataclass
class Content:
    size: int
    data: bytes | None  # None where it cannot be told for want of a library


def content(data):
    """Raises NoFrame."""
    size = content_size(data)
    simple = simple_content(data)
    if simple is None and LIBRARY is not None:
        out = ctypes.create_string_buffer(max(size, 1))
        LIBRARY.ZSTD_decompress.restype = ctypes.c_size_t
        LIBRARY.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
        came = LIBRARY.ZSTD_decompress(out, size, data, len(data))
        simple = out.raw[:came] if came <= size else b""
    if simple is not None and len(simple) != size:
        raise NoFrame(f"it tells {size} bytes, and holds {len(simple)}")
    return Content(size, simple)


def simple_content(data):
    """The content of a frame of plain and repeated bytes; None of others."""
    _, at, _ = head_of(data)
    out, last = [], False
    while not last:
        head = int.from_bytes(data[at:at + 3], "little")
        last, kind, length = head & 1, head >> 1 & 3, head >> 3
        if kind not in (RAW, RLE):
            return None
        out.append(data[at + 3:at + 4] * length if kind == RLE else data[at + 3:at + 3 + length])
        at += 3 + (1 if kind == RLE else length)
    return b"".join(out)
