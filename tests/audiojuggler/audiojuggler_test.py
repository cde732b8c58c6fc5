#!/usr/bin/env python3
"""audiojuggler as a user runs it: a grab that is killed again and again, what others' programs say of its files, bad input, and what scripts rely on."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 120
SECTOR = 2352
SHEET = """CATALOG 4012345678901
TITLE "Klavierstücke"
PERFORMER "Ghostlight Players"
FILE "disc.bin" BINARY
  TRACK 01 AUDIO
    TITLE "Präludium"
    ISRC DEABC2600001
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "2. Andante / con moto"
    INDEX 00 00:08:00
    INDEX 01 00:10:00
"""
SECTORS = 1800


def run(*words):
    return subprocess.run([str(BIN / "audiojuggler"), *map(str, words)], capture_output=True, text=True, timeout=LONG)


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


class AudioJugglerTest(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory(prefix="ghost-juggler-")
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)
        noise = random.Random(5)
        self.samples = bytes(noise.getrandbits(4) if i % 2 else 0 for i in range(SECTOR)) * SECTORS
        self.image = self.make("disc", SHEET, self.samples)
        self.out = self.folder / "out"

    def make(self, name, sheet, samples):
        folder = self.folder / name
        folder.mkdir()
        (folder / "disc.cue").write_text(sheet)
        if samples is not None:
            (folder / "disc.bin").write_bytes(samples)
        return folder / "disc.cue"

    def refused(self, part, *words, code=1):
        done = run(*words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")
        again = events(run(*words, "--json"))
        self.assertEqual((again[-1]["v"], again[-1]["event"], again[-1]["code"]), (1, "error", code))
        self.assertIn(part, again[-1]["message"])

    def test_a_grab_and_what_it_leaves(self):
        told = events(run("grab", self.image, "--into", self.out, "--json", "--quiet"))
        self.assertEqual([one["event"] for one in told], ["disc", "track", "track", "summary"])
        self.assertTrue(all(one["v"] == 1 for one in told))
        self.assertEqual((told[-1]["code"], told[-1]["doubts"], told[-1]["sectors_read"]), (0, 0, SECTORS))
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         ["01 - Präludium.flac", "02 - 2. Andante - con moto.flac", "disc.cue", "rip.json", "rip.log"])
        rip = json.loads((self.out / "rip.json").read_text())
        parts = (self.samples[:750 * SECTOR], self.samples[750 * SECTOR:])
        self.assertEqual([track["sha256"] for track in rip["tracks"]], [hashlib.sha256(part).hexdigest() for part in parts])
        if shutil.which("flac"):
            for track, part in zip(rip["tracks"], parts):
                raw = subprocess.run(["flac", "-d", "-c", "-s", "--force-raw-format", "--endian=little", "--sign=signed", self.out / track["file"]], capture_output=True, check=True)
                self.assertTrue(raw.stdout == part, track["file"])
            tags = subprocess.run(["metaflac", "--export-tags-to=-", self.out / "01 - Präludium.flac"], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
            for tag in ("TITLE=Präludium", "ARTIST=Ghostlight Players", "ALBUM=Klavierstücke", "TRACKNUMBER=1", "TRACKTOTAL=2", "ISRC=DEABC2600001", "MCN=4012345678901"):
                self.assertIn(tag + "\n", tags)
        checked = events(run("verify", self.out, "--against", self.image, "--json", "--quiet"))
        self.assertTrue(all(one["sound"] and one["compared"] and one["same"] for one in checked[:-1]))
        self.assertEqual((checked[-1]["event"], checked[-1]["good"], checked[-1]["log_whole"], checked[-1]["code"]), ("summary", 2, True, 0))

    def test_tracks_come_in_the_discs_order_and_files_whole_in_a_pipe(self):
        done = run("grab", self.image, "--into", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "Klavierstücke  2 tracks, 0:24")
        self.assertRegex(lines[1], r"^verified  0:10  CRC [0-9a-f]{8}  AR [0-9a-f]{8}  01 - Präludium\.flac$")
        self.assertRegex(lines[2], r"^verified  0:14  .*  02 - 2\. Andante - con moto\.flac$")
        self.assertIn("2 files, 0:24, no sector in doubt", lines[3])

    def test_a_grab_that_is_killed_leaves_no_half_file_and_goes_on(self):
        killed = 0
        for patience in (0.02, 0.05, 0.08, 0.12, 0.2):
            grab = subprocess.Popen([BIN / "audiojuggler", "grab", self.image, "--into", self.out, "--quiet"], stdout=subprocess.DEVNULL)
            time.sleep(patience)  # wherever it is by then
            grab.send_signal(signal.SIGKILL)
            killed += grab.wait() == -signal.SIGKILL
            if (self.out / "rip.json").exists():
                break
            for file in self.out.glob("*.flac"):
                self.assertEqual(events(run("picture", file, "--peaks", "--json"))[-1]["code"], 0)
        if not (self.out / "rip.json").exists():
            done = run("grab", self.image, "--into", self.out, "--quiet")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(killed, 0)
        self.assertEqual(run("verify", self.out, "--against", self.image).returncode, 0)
        self.assertEqual([path.name for path in self.out.iterdir() if path.name.startswith(".") and path.name != ".grab"], [])

    def test_bad_images_are_refused_with_what_to_do(self):
        broken = self.make("broken", SHEET.replace("TRACK 02", "TRAK 02"), self.samples)
        self.refused("line 9: 'TRAK' is no command of a CUE sheet; is TRACK meant?", "grab", broken, "--into", self.out)
        short = self.make("short", SHEET, self.samples[:700 * SECTOR])
        self.refused("it has 700 sectors, the disc needs 751 of it", "grab", short, "--into", self.out)
        self.refused("Whole tracks: none; cut off: 1; missing: 2", "grab", short, "--into", self.out)
        missing = self.make("missing", SHEET, None)
        self.refused("no such file or directory; disc.cue names it, and it is looked for beside it", "grab", missing, "--into", self.out)
        odd = self.make("odd", SHEET, self.samples + b"odd")
        self.refused("is no whole number of sectors", "grab", odd, "--into", self.out)
        data = self.make("data", SHEET.replace("TRACK 01 AUDIO", "TRACK 01 MODE1/2352").replace("TRACK 02 AUDIO", "TRACK 02 MODE1/2352"), self.samples)
        self.refused("has no audio track", "grab", data, "--into", self.out)
        self.refused("of a BIN, name its CUE sheet", "grab", self.image.with_suffix(".bin"), "--into", self.out)
        self.assertFalse(self.out.exists())

    def test_a_data_track_is_left_out_and_told(self):
        mixed = self.make("mixed", SHEET.replace("TRACK 01 AUDIO", "TRACK 01 MODE1/2352"), self.samples)
        done = run("grab", mixed, "--into", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("track 1 is data and was left out", done.stderr)
        self.assertEqual([path.name for path in self.out.glob("*.flac")], ["02 - 2. Andante - con moto.flac"])

    def test_nothing_is_overwritten(self):
        self.out.mkdir()
        mine = self.out / "01 - Präludium.flac"
        mine.write_text("mine")
        self.refused("is there already and is not overwritten", "grab", self.image, "--into", self.out)
        self.assertEqual((mine.read_text(), len(list(self.out.iterdir()))), ("mine", 1))
        self.refused("create directory /proc/none: no such file or directory; choose a folder", "grab", self.image, "--into", "/proc/none")

    def test_what_is_no_sound_is_not_converted_and_the_rest_is(self):
        self.assertEqual(run("grab", self.image, "--into", self.out, "--quiet").returncode, 0)
        noise = self.folder / "noise.flac"
        noise.write_bytes(b"fLaC" + random.Random(1).randbytes(2000))
        words = ("convert", self.out / "01 - Präludium.flac", noise, "--into", self.folder / "phone")
        for to in ("opus", "mp3", "wav"):
            done = run(*words, "--to", to, "--json", "--quiet")
            self.assertEqual(done.returncode, 3, done.stderr)
            told = {pathlib.Path(one["from"]).name: one["error"] for one in events(done)[:-1]}
            self.assertEqual((told["01 - Präludium.flac"], "is no FLAC file" in told["noise.flac"]), ("", True))
            self.assertEqual((events(done)[-1]["converted"], events(done)[-1]["code"]), (1, 3))
        self.assertEqual(sorted(path.name for path in (self.folder / "phone").iterdir()), ["01 - Präludium.mp3", "01 - Präludium.opus", "01 - Präludium.wav"])
        self.assertEqual((self.folder / "phone" / "01 - Präludium.wav").read_bytes()[44:], self.samples[:750 * SECTOR])

    def test_a_picture_and_its_numbers(self):
        self.assertEqual(run("grab", self.image, "--into", self.out, "--quiet", "--format", "wav").returncode, 0)
        png = self.folder / "wave.png"
        told = events(run("picture", self.out / "01 - Präludium.wav", "--waveform", png, "--peaks", "--json"))
        self.assertEqual([(one["event"], one["code"], one["waveform"], len(one["peaks"])) for one in told], [("summary", 0, str(png), 200)])
        self.assertTrue(png.read_bytes().startswith(b"\x89PNG"))
        self.refused("is there already and is not overwritten", "picture", self.out / "01 - Präludium.wav", "--waveform", png)

    def test_every_verb_has_examples(self):
        for verb in ("disc", "grab", "verify", "convert", "picture", "jobs", "watch", "cancel", "devices", "serve"):
            self.assertIn("\nExamples:\n  audiojuggler " + verb, run(verb, "--help").stdout, verb)
        self.assertEqual(run("grab", self.image).returncode, 2)
        self.assertEqual(run("grub").returncode, 2)


if __name__ == "__main__":
    unittest.main()
