#!/usr/bin/env python3
"""b2spec on our own implementations: the server of src/b2 by TCP, TLS, Unix socket and WebSocket, its client, and the C client of embedded/."""
import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
SERVER = [str(BIN / "spec_peer"), "serve"]
LONG = 300  # seconds


def b2spec(profile, *words):
    """Without the cases that wait for seconds, recommendations included."""
    return subprocess.run([str(BIN / "b2spec"), profile, "--quick", "--strict", "--verbose", "--patience", "30", *words], capture_output=True, text=True, timeout=LONG)


class Implementations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ghost-spec-")
        cls.peer = subprocess.Popen([*SERVER, cls.folder.name + "/s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.tcp, cls.unix, cls.token = (cls.peer.stdout.readline().strip() for _ in range(3))
        if not cls.token:
            raise RuntimeError(f"spec_peer ended with status {cls.peer.wait(LONG)} before it had said its addresses")

    @classmethod
    def tearDownClass(cls):
        cls.peer.communicate("", timeout=LONG)
        cls.folder.cleanup()

    def passes(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("# SKIP", done.stdout)

    def test_the_server_by_tcp(self):
        self.passes(b2spec("server", "--", *SERVER, "{}"))

    def test_the_server_by_tls(self):
        self.passes(b2spec("server", "tls:" + self.tcp, "--case", "transport/*", "--case", "rights/*", "--case", "hello/*"))

    def test_the_server_by_its_unix_socket(self):
        done = b2spec("server", self.unix)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        skipped = [line.split(" # SKIP ")[0].split(" - ")[1] for line in done.stdout.splitlines() if "# SKIP" in line]
        self.assertTrue(skipped and all(name.startswith("drain/") for name in skipped), "its end is tried by TCP, where b2spec starts it")

    def test_the_server_by_websocket(self):
        self.passes(b2spec("ws", "--", *SERVER, "{}"))
        self.passes(b2spec("ws", self.tcp, "--token", self.token, "--case", "rights/*", "--case", "websocket/*"))

    def test_the_client(self):
        self.passes(b2spec("client", "--", str(BIN / "spec_peer"), "connect", "{}"))


if __name__ == "__main__":
    unittest.main()
