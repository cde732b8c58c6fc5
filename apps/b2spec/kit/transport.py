"""Byte streams to whoever is tested: TCP, TLS, Unix sockets, WebSocket; from either end."""
import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import time


class Closed(Exception):
    """The other side has closed; `why` is what it said last."""


class Refused(Exception):
    """No connection came about."""


class Stream:
    """A connected socket, read with a deadline."""

    def __init__(self, sock):
        self.sock = sock
        sock.setblocking(True)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data, patience=30):
        """Raises Closed when the other side has gone."""
        self.sock.settimeout(patience)
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise Closed("it does not read what is sent") from None
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, patience):
        """What has come within `patience` seconds, at least a byte; b"" when nothing has. Raises Closed."""
        self.sock.settimeout(max(patience, 0.000001))
        try:
            data = self.sock.recv(262144)
        except (TimeoutError, ssl.SSLWantReadError):
            return b""
        except OSError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("end of stream")
        return data

    def is_open(self):
        """Whether the other side has neither closed nor said that it sends no more; what it sent before may still be unread."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        return not poll.poll(0)

    def close(self):
        self.sock.close()


# ---- WebSocket (RFC 6455) ----

WS_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUED, TEXT, BINARY, CLOSE, WS_PING, WS_PONG = 0, 1, 2, 8, 9, 10


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + WS_KEY).encode()).digest()).decode()


class WebSocket:
    """A byte stream in binary messages."""

    def __init__(self, stream, dials, held=b""):
        self.stream = stream
        self.dials = dials  # the dialer masks
        self.held = bytearray(held)
        self.cut = None  # at most so many bytes a message
        self.close_code = None
        self.last_pong = None
        self.in_message = False
        self.text_is_bytes = self.whole_messages_only = False  # what a broken implementation does

    def send(self, data, patience=30):
        size = self.cut or max(len(data), 1)
        out = b"".join(self.message(BINARY, data[at:at + size]) for at in range(0, len(data), size))
        self.stream.send(out, patience)

    def message(self, opcode, data, final=True):
        head = bytes([opcode | (0x80 if final else 0)])
        mask = 0x80 if self.dials else 0
        if len(data) < 126:
            head += bytes([mask | len(data)])
        elif len(data) < 65536:
            head += bytes([mask | 126]) + struct.pack(">H", len(data))
        else:
            head += bytes([mask | 127]) + struct.pack(">Q", len(data))
        if not self.dials:
            return head + data
        key = os.urandom(4)
        return head + key + masked(data, key)

    def receive(self, patience):
        deadline = time.monotonic() + patience
        while True:
            took = self.take()
            if took is not None:
                return took
            data = self.stream.receive(deadline - time.monotonic())
            if not data:
                return b""
            self.held += data

    def take(self):
        """The bytes of the next data frame, or None until more have come."""
        held = self.held
        if len(held) < 2:
            return None
        size, at = held[1] & 0x7F, 2
        if size > 125:
            at = 4 if size == 126 else 10
            if len(held) < at:
                return None
            size = int.from_bytes(held[2:at], "big")
        key = b""
        if held[1] & 0x80:
            key, at = bytes(held[at:at + 4]), at + 4
        if len(held) < at + size:
            return None
        opcode, final, is_masked = held[0] & 0x0F, held[0] & 0x80, bool(held[1] & 0x80)
        data = bytes(held[at:at + size])
        del held[:at + size]
        if is_masked == self.dials:
            raise Closed("the masking of a WebSocket frame is wrong")
        if key:
            data = masked(data, key)
        if opcode == CLOSE:
            self.close_code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
            try:
                self.stream.send(self.message(CLOSE, data[:2]), 1)
            except Closed:
                pass
            raise Closed(f"WebSocket close {self.close_code}")
        if opcode == WS_PING:
            self.stream.send(self.message(WS_PONG, data))
            return self.take()
        if opcode == WS_PONG:
            self.last_pong = data
            return self.take()
        if opcode == TEXT and self.text_is_bytes:
            return None
        if opcode == TEXT or (opcode == CONTINUED) != self.in_message or (self.whole_messages_only and not final):
            self.stream.send(self.message(CLOSE, struct.pack(">H", 1003 if opcode == TEXT else 1002)))
            raise Closed(f"a WebSocket frame of opcode {opcode}, where b2 has binary messages")
        self.in_message = not final
        return data or self.take()

    def close(self):
        self.stream.close()


def masked(data, key):
    if not data:
        return b""
    long_key = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(long_key, "big")).to_bytes(len(data), "big")


def read_http_head(stream, patience):
    """(first line, headers in lower case, bytes after them)."""
    data = b""
    deadline = time.monotonic() + patience
    while b"\r\n\r\n" not in data:
        more = stream.receive(deadline - time.monotonic())
        if not more:
            raise Refused(f"no answer to the HTTP request within {patience} s")
        data += more
        if len(data) > 65536:
            raise Refused("HTTP headers of more than 64 KiB")
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return first, headers, rest


class HttpAnswer(Exception):
    """An upgrade was answered by something else than 101."""

    def __init__(self, status):
        super().__init__(f"HTTP {status}")
        self.status = status


def dial_websocket(stream, host, path, protocols, headers, patience):
    key = base64.b64encode(os.urandom(16)).decode()
    told = {"Host": host, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    if protocols:
        told["Sec-WebSocket-Protocol"] = ", ".join(protocols)
    told.update(headers)
    text = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
    stream.send(text.encode("latin-1"))
    first, answer, rest = read_http_head(stream, patience)
    status = int((first.split(" ") + ["0", "0"])[1])
    if status != 101:
        raise HttpAnswer(status)
    if answer.get("sec-websocket-accept") != accept_key(key):
        raise Refused("Sec-WebSocket-Accept is wrong")
    if answer.get("sec-websocket-protocol") != "b2.1":
        raise Refused(f"the subprotocol selected is {answer.get('sec-websocket-protocol')!r}, not 'b2.1'")
    return WebSocket(stream, True, rest)


def accept_websocket(stream, patience):
    first, headers, rest = read_http_head(stream, patience)
    offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
    if "sec-websocket-key" not in headers or "b2.1" not in offered:
        raise Refused(f"no WebSocket upgrade that offers b2.1: {first}")
    stream.send(("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: b2.1\r\n"
                 f"Sec-WebSocket-Accept: {accept_key(headers['sec-websocket-key'])}\r\n\r\n").encode())
    return WebSocket(stream, False, rest)


# ---- addresses ----

class Address:
    """"HOST:PORT", "[::1]:PORT", "unix:PATH" or "tls:HOST:PORT"."""

    def __init__(self, text):
        self.text = text
        self.tls = text.startswith("tls:")
        text = text.removeprefix("tls:")
        self.path = text.removeprefix("unix:") if text.startswith("unix:") else None
        if self.path is None:
            host, _, port = text.rpartition(":")
            if not host or not port.isdigit() or int(port) > 65535:
                raise ValueError(f"'{text}' is no address: HOST:PORT, tls:HOST:PORT or unix:PATH")
            self.host, self.port = host.strip("[]"), int(port)

    @property
    def kind(self):
        return "unix" if self.path is not None else "tls" if self.tls else "tcp"

    def connect(self, patience, alpn=None):
        """@param alpn  protocols to offer by TLS instead of b2/1; [] for none"""
        try:
            if self.path is not None:
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(patience)
                sock.connect(self.path)
            else:
                sock = socket.create_connection((self.host, self.port), patience)
                if self.tls or alpn is not None:
                    sock = with_tls(sock, ["b2/1"] if alpn is None else alpn)
        except OSError as error:
            raise Refused(f"{self.text}: {error}") from None
        return Stream(sock)

    def listen(self):
        if self.path is not None:
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(self.path)
            sock.listen(16)
            return sock, "unix:" + self.path
        sock = socket.create_server((self.host, self.port))
        return sock, "%s:%d" % sock.getsockname()[:2]


def with_tls(sock, alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what is tested is the protocol, not who speaks it
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(sock)


def accept(listener, patience):
    """The next connection, or None."""
    if not select.select([listener], [], [], patience)[0]:
        return None
    sock, _ = listener.accept()
    return Stream(sock)
