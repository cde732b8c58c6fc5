#!/usr/bin/env python3
"""ARDUS between hosts that lose packets: a sender and three receivers, each a network namespace on one bridge that drops 2 % of whatever
arrives, control connections included. Where no namespaces can be made it says so and ends. GHOST_ALBUM_BYTES makes the album larger."""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import hosts
from hosts import LONG, until

BIN = pathlib.Path(os.environ["GHOST_BIN"])
SIZE = int(os.environ.get("GHOST_ALBUM_BYTES", "20000000"))
LOSS = 0.02


class LossyLinks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ghost-ardus-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        made = subprocess.run([str(BIN / "make_house"), str(self.root), "keeper", "r1=listen", "r2=listen", "r3=listen"], capture_output=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.hosts = hosts.Hosts(4, LOSS)
        self.addCleanup(self.hosts.close)
        self.album = self.root / "album"
        self.album.mkdir()
        dice = random.Random(self.id())
        for track in range(1, 10):
            (self.album / f"{track:02} - a track.flac").write_bytes(dice.randbytes(SIZE // 9))

    def log(self, number):
        return (self.root / f"log{number}").read_text()

    def serve(self, number):
        with (self.root / f"log{number}").open("a") as log:
            before = log.tell()
            address = hosts.Hosts.address(number)
            process = self.hosts.start(number, BIN / "ardus", "serve", "--state", self.root / f"r{number}", "--listen", "127.0.0.1:1117", "--listen",
                                       f"{address}:1117", "--iface", "eth0", "--into", self.root / f"in{number}", stdout=log, stderr=log)
        until(lambda: "ardus: receiving" in self.log(number)[before:] or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log(number))
        return process

    def sending(self, *words):
        out = (self.root / "sent").open("w+")
        err = (self.root / "said").open("w+")
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        process = self.hosts.start(0, BIN / "ardus", "send", self.album, "--state", self.root / "keeper", "--iface", "eth0", "--json", "--receivers", "3",
                                   *words, stdout=out, stderr=err)
        process.out, process.err = out, err
        return process

    def ended(self, sender):
        try:
            sender.wait(LONG)
        except subprocess.TimeoutExpired:
            sender.kill()
        sender.out.seek(0)
        sender.err.seek(0)
        lines = sender.out.read().splitlines()
        logs = "".join(self.log(number) for number in (1, 2, 3))
        self.assertEqual(sender.returncode, 0, sender.err.read() + "\n".join(lines[-2:]) + "\n" + logs)
        return json.loads(lines[-1])

    def received(self, number):
        """The share of the album a receiver has noted in its journal: 8 bytes for each chunk of some 64 KiB."""
        return sum(journal.stat().st_size for journal in (self.root / f"in{number}").glob(".ardus/*/journal")) / 8 * 65536 / SIZE

    def assert_received(self, summary):
        self.assertEqual([receiver["state"] for receiver in summary["receivers"]], ["verified"] * 3)
        for number in (1, 2, 3):
            for track in self.album.iterdir():
                self.assertEqual(track.read_bytes(), (self.root / f"in{number}/album" / track.name).read_bytes())
            self.assertEqual([path.name for path in (self.root / f"in{number}/.ardus").iterdir()], ["received"])
            self.assertNotRegex(self.log(number), re.compile("level=error|AddressSanitizer"))

    def kill(self, process):
        """`ip netns exec` became the program itself."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def test_all_get_verified_copies_at_the_rate_that_is_found(self):
        for number in (1, 2, 3):
            self.serve(number)
        summary = self.ended(self.sending())
        self.assert_received(summary)  # what it costs is a matter of the machine here: src/ardus/simulation_test.cc
        if "GHOST_ALBUM_BYTES" in os.environ:
            print({key: summary[key] for key in ("bytes", "wire_bytes", "seconds", "repair_symbols")}, file=sys.stderr)

    def test_a_killed_receiver_and_then_a_killed_sender_end_with_all_copies_verified(self):
        receivers = {number: self.serve(number) for number in (1, 2, 3)}
        rate = f"{SIZE // 1_000_000}M"  # 8 s for all of it: both are killed before half of that is over
        sender = self.sending("--rate", rate)
        until(lambda: self.received(2) > 0.2 or sender.poll() is not None)
        self.kill(receivers[2])
        self.serve(2)
        until(lambda: self.log(2).count("ardus: joined") == 2 and min(map(self.received, (1, 2, 3))) > 0.2 or sender.poll() is not None)
        self.assertIsNone(sender.poll(), "the sender ended before it could be killed")
        self.kill(sender)
        summary = self.ended(self.sending())
        self.assert_received(summary)
        self.assertLess(summary["bytes_needed"], summary["bytes"], self.log(1) + self.log(2) + self.log(3))


if __name__ == "__main__":
    if not hosts.enter_own_namespaces():
        print("skipped: no network namespaces can be made here, or ip, unshare or nft is missing")
        sys.exit(0)
    unittest.main()
