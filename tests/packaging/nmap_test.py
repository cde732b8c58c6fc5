#!/usr/bin/env python3
"""packaging/nmap on a running node: `nmap -sV` knows it, the script shows its HELLO."""
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 240  # seconds


def nmap(port, *words):
    done = subprocess.run(["nmap", "-Pn", "-n", "-sT", "--versiondb", str(ROOT / "packaging/nmap/b2-service-probes"), "-p", str(port), *words, "127.0.0.1"],
                          capture_output=True, text=True, timeout=LONG)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


def listener(answer):
    """A server that reads a little, answers so and closes; gives its socket."""
    sock = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(LONG)
                try:
                    connection.recv(4096)
                    connection.sendall(answer)
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return sock


class Nmap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ghost-nmap-")
        cls.peer = subprocess.Popen([str(BIN / "spec_peer"), "serve", cls.folder.name + "/s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.port = cls.peer.stdout.readline().strip().rsplit(":", 1)[1]

    @classmethod
    def tearDownClass(cls):
        cls.peer.communicate("", timeout=LONG)
        cls.folder.cleanup()

    def test_the_version_scan_knows_a_node_and_the_script_what_it_serves(self):
        told = nmap(self.port, "-sV", "--script", str(ROOT / "packaging/nmap/b2-info.nse"))
        self.assertRegex(told, r"open +b2-runtime +b2 Runtime Protocol 1 \(node \S+\)")
        self.assertRegex(told, r"\|   name: \S+\n\|   version: 1\n")
        self.assertIn("b2.v1.Core, serving: Describe* Health* Stats Limits*", told)

    def test_a_refusal_is_known_as_one(self):
        with listener(b"b2: off this machine b2 is spoken inside TLS only\r\n") as sock:
            told = nmap(sock.getsockname()[1], "-sV")
            sock.shutdown(socket.SHUT_RDWR)
        self.assertRegex(told, r"b2-runtime +b2 Runtime Protocol \(refused: off this machine b2 is spoken inside TLS only\)")

    def test_something_else_is_not_taken_for_one_and_a_hostile_hello_is_shown_harmlessly(self):
        name = b"a\x1b[2Jb" + b"c" * 300
        hello = b"\x08\x01\x1a" + bytes([len(name) & 0x7F | 0x80, len(name) >> 7]) + name + b"\x42\xff\xff\xff\xff\x0f"
        with listener(b"b2\r\n" + len(hello).to_bytes(3, "little") + b"\x01" + bytes(12) + hello) as sock:
            told = nmap(sock.getsockname()[1], "--script", "+" + str(ROOT / "packaging/nmap/b2-info.nse"))
            sock.shutdown(socket.SHUT_RDWR)
        self.assertIn("name: a?[2Jb", told)
        self.assertNotIn("\x1b", told)
        with listener(b"HTTP/1.0 400 Bad Request\r\n\r\n") as sock:
            told = nmap(sock.getsockname()[1], "-sV")
            sock.shutdown(socket.SHUT_RDWR)
        self.assertNotIn("b2 Runtime", told)


if __name__ == "__main__":
    unittest.main()
