#!/usr/bin/env python3
"""The main job as a user runs it: a disc image in, verified copies out, every port accounted for.

As root the whole runs in a network namespace of its own, with three receivers in namespaces that lose 2 % of packets; otherwise on
loopback, where the registered ports must be free."""
import hashlib
import json
import math
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 120  # seconds; waits end as soon as what they wait for is there
SECTOR = 2352
ROOT = os.geteuid() == 0
NAMESPACE = f"ghost-e2e-{os.getpid()}"
PREFIX = []

# What a careless hand may write on a disc, and what it is.
TRACKS = [
    ("SONATE, KLAVIER, NR. 14, CIS-MOLL, OP. 27 NR. 2: 1. ADAGIO SOSTENUTO", "op:27/2", 1, "C# minor"),
    ("2. Allegretto", "op:27/2", 2, None),
    ("3. Presto agitato", "op:27/2", 3, None),
    ("Mozart - Pno Son. in C, K.545 - 1st mvt. Allegro", "k:545", 1, "C major"),
    ("K545: II. Andante", "k:545", 2, None),
    ("K545: III. Rondo", "k:545", 3, None),
    ("F\u00fcr Elise (WoO 59)", "woo:59", None, None),
]


def setUpModule():
    if not ROOT:
        return
    for words in (["ip", "netns", "add", NAMESPACE], ["ip", "-n", NAMESPACE, "link", "set", "lo", "up"]):
        subprocess.run(words, check=True)
    PREFIX.extend(["ip", "netns", "exec", NAMESPACE])


def tearDownModule():
    if ROOT:
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)


def run(*words, **options):
    return subprocess.run([*PREFIX, str(BIN / words[0]), *map(str, words[1:])], capture_output=True, text=True, timeout=LONG, **options)


def until(what, why="waited in vain"):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError(why() if callable(why) else why)


def samples(track, seconds):
    """Stereo sound that no codec makes small: a tone and noise."""
    noise = random.Random(track)
    step = 2 * math.pi * (220 + 40 * track) / 44100
    out = bytearray()
    for n in range(int(seconds * 75) * 588):
        tone = int(9000 * math.sin(step * n))
        out += struct.pack("<hh", tone + noise.randrange(-6000, 6000), tone + noise.randrange(-6000, 6000))
    return bytes(out)


def make_disc(folder, seconds, text=True):
    """A CUE and its BIN; gives the sheet's path and each track's samples."""
    tracks = [samples(n, seconds) for n in range(len(TRACKS))]
    (folder / "disc.bin").write_bytes(b"".join(tracks))
    lines = ["CATALOG 4006381333931"]
    if text:
        lines += ['PERFORMER "Ghostlight Players"', 'TITLE "KLAVIERWERKE"']
    lines.append('FILE "disc.bin" BINARY')
    at = 0
    for number, (title, *_) in enumerate(TRACKS, 1):
        lines.append(f"  TRACK {number:02} AUDIO")
        if text:
            lines.append(f'    TITLE "{title}"')
        lines.append(f"    INDEX 01 {at // 4500:02}:{at // 75 % 60:02}:{at % 75:02}")
        at += len(tracks[number - 1]) // SECTOR
    cue = folder / "disc.cue"
    cue.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return cue, tracks


def decoded(flac):
    return subprocess.run(["flac", "--decode", "--stdout", "--silent", "--force-raw-format", "--endian=little", "--sign=signed", str(flac)],
                          check=True, capture_output=True).stdout


def tags(flac):
    text = subprocess.run(["metaflac", "--no-utf8-convert", "--export-tags-to=-", str(flac)], check=True, capture_output=True).stdout.decode()
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name.upper(), []).append(value)
    return found


def hashes(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


class Up:
    """A host with three receivers, on the registered ports."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ghost-e2e-")
        self.path = pathlib.Path(self.folder.name)
        self.state = self.path / "state"
        self.log = self.path / "log"
        ready = self.path / "ready"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*PREFIX, str(BIN / "ghostlight"), "up", "--state", str(self.state), "--receivers", "3", "--loss", "2%",
                                             "--ready-file", str(ready)], stdout=log, stderr=subprocess.STDOUT)
        try:
            until(lambda: ready.exists() or self.process.poll() is not None)
            if not ready.exists():
                raise AssertionError(self.log.read_text())
            until(lambda: self.status()["code"] == 0, self.log.read_text)
        except BaseException:
            self.stop()
            raise

    def status(self):
        return json.loads(run("ghostlight", "status", "--json", "--state", self.state).stdout)

    def child(self, name):
        return next(child for child in self.status()["children"] if child["name"] == name)

    def start(self, *words):
        answer = run("ghostlight", "start", *words, "--state", self.state, "--json")
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        return answer, lines[-1] if lines else None

    def copies(self):
        """What each receiver holds, by path below the album's folder."""
        found = []
        for n in (1, 2, 3):
            received = self.state / "stage" / "hosts" / str(n) / "received"
            albums = [path for path in received.iterdir() if path.is_dir() and not path.name.startswith(".")]
            found.append({name: digest for album in albums for name, digest in hashes(album).items()})
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONG)
        log = self.log.read_text(errors="replace")
        self.folder.cleanup()
        return log


class MainJob(unittest.TestCase):
    def setUp(self):
        self.up = Up()
        self.addCleanup(self.up.stop)

    def check_copies(self, into):
        album = hashes(pathlib.Path(into))
        self.assertTrue(album)
        for copy in self.up.copies():
            self.assertEqual(copy, album)

    def test_a_disc_comes_out_described_distributed_and_accounted_for(self):
        cue, tracks = make_disc(self.up.path, 3)
        answer, summary = self.up.start(cue)
        self.assertEqual(answer.returncode, 0, f"{answer.stderr}\n{self.up.log.read_text()[-3000:]}")
        self.assertEqual([step["state"] for step in summary["steps"]], ["done"] * 5)

        self.assertEqual(len(summary["tracks"]), len(TRACKS))
        for track, made, (title, catalogue, movement, key) in zip(summary["tracks"], tracks, TRACKS):
            with self.subTest(title):
                self.assertEqual(decoded(track["file"]), made)
                self.assertTrue(track["verified"])
                self.assertEqual(track["title_before"], title)
                self.assertIn(catalogue, track["catalogue"])
                self.assertEqual(track["movement_no"] or None, movement)
                if key:
                    self.assertEqual(track["key"], key)
                written = tags(track["file"])
                self.assertEqual(written["COMPOSER"], ["Wolfgang Amadeus Mozart" if catalogue.startswith("k:") else "Ludwig van Beethoven"])
                self.assertIn("WORK", written)
                if movement:
                    self.assertEqual(written["MOVEMENT"], [str(movement)])

        self.check_copies(summary["into"])
        self.assertEqual([receiver["state"] for receiver in summary["receivers"]], ["verified"] * 3)
        self.assertEqual(len({receiver["receipt"] for receiver in summary["receivers"]}), 3)
        for protocol, port in (("tcp", 1117), ("udp", 1117), ("udp", 1834), ("udp", 1835), ("tcp", 2114), ("udp", 2114), ("tcp", 2203), ("tcp", 3643)):
            found = [one for one in summary["ports"] if one["ours"] and one["port"] == port and one["protocol"] == protocol]
            self.assertTrue(found, f"{port}/{protocol}")
            for one in found:
                self.assertEqual(one["status"], "confirmed", one)
        ledger = [json.loads(line) for line in (self.up.state / "stage" / "ledger.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in ledger if line["event"] == "done"], ["grab", "describe", "distribute", "verify", "account"])

    def test_a_disc_without_text_takes_its_titles_from_a_file(self):
        cue, _ = make_disc(self.up.path, 1, text=False)
        titles = self.up.path / "titles.txt"
        titles.write_text("".join(title + "\n" for title, *_ in TRACKS), encoding="utf-8")
        answer, summary = self.up.start(cue, "--titles", titles)
        self.assertEqual(answer.returncode, 0, f"{answer.stderr}\n{self.up.log.read_text()[-3000:]}")
        self.assertEqual([track["title_before"] for track in summary["tracks"]], [title for title, *_ in TRACKS])
        self.assertIn("woo:59", summary["tracks"][6]["catalogue"])
        self.check_copies(summary["into"])

    def test_a_folder_of_files_is_described_and_distributed(self):
        album = self.up.path / "Klavierwerke"
        album.mkdir()
        for number, (title, *_) in enumerate(TRACKS, 1):
            subprocess.run(["flac", "--silent", "--force-raw-format", "--endian=little", "--sign=signed", "--channels=2", "--bps=16", "--sample-rate=44100",
                            "-T", f"TITLE={title}", "-T", f"TRACKNUMBER={number}", "-o", str(album / f"{number:02}.flac"), "-"], input=samples(number, 1), check=True)
        before = hashes(album)
        answer, summary = self.up.start(album)
        self.assertEqual(answer.returncode, 0, f"{answer.stderr}\n{self.up.log.read_text()[-3000:]}")
        self.assertEqual(summary["title"], "Klavierwerke")
        self.assertEqual([track["title_before"] for track in summary["tracks"]], [title for title, *_ in TRACKS])
        self.assertEqual([track["seconds"] for track in summary["tracks"]], [1.0] * len(TRACKS))
        self.assertEqual([track["movement_no"] or None for track in summary["tracks"]], [movement for _, _, movement, _ in TRACKS])
        self.check_copies(summary["into"])
        self.assertEqual(hashes(album), before)

    def test_a_receiver_and_the_sender_killed_in_mid_transfer_end_with_all_copies_verified(self):
        cue, _ = make_disc(self.up.path, 6)
        process = subprocess.Popen([*PREFIX, str(BIN / "ghostlight"), "start", str(cue), "--rate", "4M", "--json", "--state", str(self.up.state)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch = subprocess.Popen([*PREFIX, str(BIN / "b2"), "call", "--state", str(self.up.state), "ghostlight.v1.Stage/Watch", "{}"], stdout=subprocess.PIPE, text=True)
        share = 0.0
        for line in watch.stdout:
            transfer = json.loads(line).get("transfer") or {}
            if transfer.get("phase") == "streaming" and (share := float(transfer.get("share", 0))) > 0.1:
                break
        watch.kill()
        watch.communicate()
        self.assertLess(share, 0.9, "the transfer was over before anything could be killed")
        receiver, sender = self.up.child("receiver-1")["pid"], self.up.child("ardus")["pid"]
        os.kill(receiver, signal.SIGKILL)
        time.sleep(0.5)
        os.kill(sender, signal.SIGKILL)
        out, err = process.communicate(timeout=LONG)
        self.assertEqual(process.returncode, 1, out)
        self.assertIn("distribute", err)
        until(lambda: self.up.status()["code"] == 0, self.up.log.read_text)

        answer, summary = self.up.start("--resume")
        self.assertEqual(answer.returncode, 0, f"{answer.stderr}\n{self.up.log.read_text()[-3000:]}")
        self.assertEqual([receiver["state"] for receiver in summary["receivers"]], ["verified"] * 3)
        self.check_copies(summary["into"])

    @unittest.skipUnless(ROOT, "receivers are in namespaces only as root")
    def test_what_a_killed_host_left_is_taken_over_by_the_next(self):
        def namespaces():
            return {name for name in os.listdir("/run/netns") if name.startswith("gl-stage")}

        before = namespaces()
        self.assertGreaterEqual(len(before), 3)
        # Receivers take their time to end; meanwhile a namespace lives on without its name, and so does what is in it.
        receiver = self.up.child("receiver-1")["pid"]
        lasting = subprocess.Popen(["nsenter", "--target", str(receiver), "--net", "sleep", str(LONG)])
        self.addCleanup(lasting.wait)
        self.addCleanup(lasting.kill)
        until(lambda: os.readlink(f"/proc/{lasting.pid}/ns/net") == os.readlink(f"/proc/{receiver}/ns/net"))
        self.up.process.kill()
        self.up.process.wait(LONG)
        self.assertEqual(namespaces(), before)
        other = Up()
        during = namespaces()
        log = other.stop()
        self.assertEqual(during, before, log)
        self.assertEqual(len(namespaces()), len(before) - 3)

    def test_a_broken_disc_is_told_and_leaves_nothing(self):
        cue, _ = make_disc(self.up.path, 1)
        whole = (self.up.path / "disc.bin").read_bytes()
        (self.up.path / "disc.bin").write_bytes(whole[:len(whole) // 2])
        answer, summary = self.up.start(cue, "--into", self.up.path / "album")
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(summary["steps"][0]["state"], "failed")
        self.assertIn("disc.bin", summary["message"])
        album = self.up.path / "album"
        self.assertEqual([path for path in album.rglob("*") if path.is_file()] if album.exists() else [], [])
        (self.up.path / "disc.bin").write_bytes(whole)
        answer, summary = self.up.start("--resume")
        self.assertEqual(answer.returncode, 0, answer.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
