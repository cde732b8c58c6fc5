#!/usr/bin/env python3
"""The client in C: how small it is, what it needs of a C library, and that its example runs."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["GHOST_BIN"])
LIMIT = 4096  # bytes
SMALL = ["-std=c99", "-Os", "-ffreestanding", "-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fno-pic", "-fcf-protection=none",
         "-fno-inline-functions-called-once", "-fno-guess-branch-probability"]
LONG = 60  # seconds


class Embedded(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ghost-embedded-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def small_object(self):
        made = self.folder / "b2.o"
        subprocess.run(["gcc", *SMALL, "-c", str(ROOT / "embedded/b2.c"), "-o", str(made)], check=True)
        return made

    def test_it_has_less_than_4_kib_of_code_and_constants_and_no_variables(self):
        told = subprocess.run(["size", str(self.small_object())], capture_output=True, text=True, check=True).stdout
        text, data, bss = map(int, told.splitlines()[1].split()[:3])
        print(f"b2.c: {text} bytes of code and constants")
        self.assertLessEqual(text, LIMIT)
        self.assertEqual((data, bss), (0, 0))

    def test_it_needs_memcpy_and_nothing_else(self):
        told = subprocess.run(["nm", "--undefined-only", str(self.small_object())], capture_output=True, text=True, check=True).stdout
        self.assertEqual(re.findall(r"U (\w+)", told), ["memcpy"])

    def test_the_example_of_its_readme_runs(self):
        peer = subprocess.Popen([str(BIN / "spec_peer"), "serve", str(self.folder / "s")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address, port = peer.stdout.readline().strip().rsplit(":", 1)
        try:
            done = subprocess.run([str(BIN / "embedded_health"), address, port], capture_output=True, text=True, timeout=LONG)
        finally:
            peer.communicate("", timeout=LONG)
        self.assertEqual((done.returncode, done.stdout), (0, "serving\n"), done.stderr)
        nobody = subprocess.run([str(BIN / "embedded_health"), address, port], capture_output=True, text=True, timeout=LONG)
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))

    def test_it_holds_to_every_rule_for_clients(self):
        done = subprocess.run([str(BIN / "b2spec"), "client", "--quick", "--verbose", "--patience", "30", "--", str(BIN / "embedded_spec_client"), "{}"],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        unknown = set(re.findall(r"does not know the task (\w+)", done.stdout))
        self.assertEqual(unknown, {"ECHO_LONG", "SUM", "UNREAD"}, "it makes no streams of its own")
        self.assertEqual(len(re.findall(r"^not ok", done.stdout, re.M)), 1, "an index of another method is not noticed")


if __name__ == "__main__":
    unittest.main()
