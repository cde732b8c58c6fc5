"""The reference implementation as a server: on loopback, by TLS, on a Unix socket, by WebSocket."""
import os
import pathlib
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "apps/b2spec"))
sys.dont_write_bytecode = True

from kit import wire  # noqa: E402
from kit.transport import Closed, Stream, WebSocket, accept_key, read_http_head  # noqa: E402
from reference import Connection, Shared, linger  # noqa: E402

TOKEN = "reference-token"


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
        self.connections = []  # threads
        for listener in self.listeners:
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(sock, listener.family == socket.AF_UNIX), daemon=True)
            self.connections.append(thread)
            thread.start()

    def terminate(self):
        """As SIGTERM."""
        self.shared.told_to_end += 1
        if self.shared.broken != "drain-listens":
            self.stop_listening()

    def ended(self, patience):
        until = time.monotonic() + patience
        while any(thread.is_alive() for thread in self.connections):
            if time.monotonic() > until:
                return None
            time.sleep(0.005)
        return 0

    def close(self):
        self.stop_listening()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def stop_listening(self):
        for listener in self.listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.listeners = []

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


def main(folder):
    """As a program: says its address, and drains when it is told to end."""
    signals = {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before there are threads
    server = Server(folder, Shared())
    print(server.address, flush=True)
    signal.sigwait(signals)
    server.terminate()
    threading.Thread(target=lambda: (signal.sigwait(signals), server.terminate()), daemon=True).start()
    return 0 if server.ended(60) == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
