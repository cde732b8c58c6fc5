"""WebSocket and TLS by themselves."""
from . import wire
from .peer import Fail, Silence
from .transport import Closed, HttpAnswer, Refused
from .wire import Frame
from .written import payload_of


class Web:
    """A part of Steps."""

    def do_websocket(self, step):
        """An upgrade with other headers; `status` is HTTP's."""
        told = step["websocket"]
        try:
            ws = self.world.websocket(told.get("protocols", ["b2.1"]), told.get("headers", {}), told.get("host"))
        except HttpAnswer as answer:
            if answer.status not in told["status"]:
                raise Fail(f"HTTP status {told['status']} was due, {answer.status} came") from None
            return
        except (Refused, Closed) as error:
            if "refused" in told["status"]:
                return
            raise Fail(str(error)) from None
        ws.close()
        if 101 not in told["status"]:
            raise Fail(f"the upgrade was taken, where {told['status']} was due")

    def do_ws_message(self, step):
        """A WebSocket frame as it is: {"opcode": 1, "payload": …, "final": true}."""
        told = step["ws_message"]
        ws = self.peer.stream
        ws.stream.send(ws.message(told["opcode"], payload_of(told.get("payload")), told.get("final", True)))

    def do_ws_close(self, step):
        try:
            while True:
                self.peer.next()
        except Silence:
            raise Fail("it did not close the connection") from None
        except Closed:
            pass
        if self.peer.stream.close_code != step["ws_close"]:
            raise Fail(f"WebSocket close {step['ws_close']} was due, {self.peer.stream.close_code} came")

    def do_ws_pong(self, step):
        self.do_alive({})
        if self.peer.stream.last_pong != payload_of(step["ws_pong"]):
            raise Fail("a WebSocket ping was not answered by its pong")

    def do_tls(self, step):
        """A TLS handshake that offers `alpn`: it succeeds with what was agreed on, or fails."""
        told = step["tls"]
        try:
            stream = self.world.tls_stream(told["alpn"])
        except Refused as error:
            if told["fails"]:
                return
            raise Fail(f"the handshake failed: {error}") from None
        try:
            # By TLS 1.3 a client may hear of a refusal only when it reads.
            stream.send(wire.PREFACE + Frame("HELLO", payload=wire.encode("Hello", {"version": 1})).bytes())
            said = stream.receive(self.world.patience)
            if told["fails"]:
                raise Fail(f"the handshake was to fail, and it said {said[:40]!r}")
        except Closed:
            if not told["fails"]:
                raise Fail("it closed after the handshake") from None
        finally:
            stream.close()
