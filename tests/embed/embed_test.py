#!/usr/bin/env python3
"""docs/guide/embed-b2.md as a new user reads it: installs to a prefix of its own, writes the files it shows, builds and runs them, and
compares what comes out. Only the port is another."""
import os
import pathlib
import re
import selectors
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide/embed-b2.md"
BUILD = pathlib.Path(os.environ["GHOST_BUILD"])
LONG = 300  # seconds, on a machine busy with other work
PORT = "7070"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Guide:
    """What the guide shows, by the words before each block."""

    def __init__(self, port):
        text = GUIDE.read_text().replace(PORT, port)
        blocks = list(re.finditer(r"^```(\w+)\n(.*?)^```", text, re.M | re.S))
        self.files = {}
        self.commands = []
        self.console = ""
        for block in blocks:
            name = re.search(r"file `([^`]+)`:\n\n$", text[:block.start()])
            if name:
                self.files[name[1]] = block[2]
            elif block[1] == "sh":
                self.commands.append(block[2])
            elif block[1] == "console":
                self.console += block[2]


class Shell:
    """A bash that is typed to, and whose answers are awaited."""

    def __init__(self, folder, env):
        self.process = subprocess.Popen(["bash"], cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def type(self, line, length):
        """Gives the output up to `length` lines, and what else is there once the command has ended."""
        self.process.stdin.write(f"{line}\necho '= done ='\n".encode())
        self.process.stdin.flush()
        got = ""
        end = time.monotonic() + LONG
        while "= done =\n" not in got or got.count("\n") < length + 1:
            if not self.selector.select(end - time.monotonic()):
                break
            piece = self.process.stdout.read()
            if not piece:
                break
            got += piece.decode()
        return got.replace("= done =\n", "")

    def close(self):
        self.process.stdin.write(b"kill $(jobs -p)\n")
        self.process.stdin.close()
        self.process.wait(LONG)
        self.process.stdout.close()


def matches(expected, got):
    """Whether the output is that of the guide, in which a line … stands for any."""
    pattern = "".join("(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in expected)
    return re.fullmatch(pattern, got) is not None


class EmbedTest(unittest.TestCase):
    def test_what_the_guide_shows_builds_and_does_what_it_says(self):
        with tempfile.TemporaryDirectory(prefix="ghost-embed-") as home:
            self.follow(Guide(free_port()), pathlib.Path(home))

    def follow(self, guide, home):
        self.assertEqual(set(guide.files), {"CMakeLists.txt", "acme/tally/v1/tally.proto", "client.cc", "server.cc"})
        env = {**os.environ, "HOME": str(home), "CMAKE_BUILD_PARALLEL_LEVEL": "2"}
        install = next(line for line in guide.commands[0].splitlines() if line.startswith("cmake --install"))
        self.shell(install.replace("build/release", str(BUILD)), ROOT, env)
        folder = home / "tally"
        for name, text in guide.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.shell(guide.commands[1], folder, env)

        shell = Shell(folder, env)
        try:
            steps = re.split(r"^\$ ", guide.console, flags=re.M)[1:]
            self.assertGreater(len(steps), 5)
            for step in steps:
                command, *expected = step.splitlines()
                with self.subTest(command=command):
                    got = shell.type(command, 0 if "…" in expected else len(expected))
                    self.assertTrue(matches(expected, got), f"$ {command}\n{got}\ninstead of\n" + "\n".join(expected))
        finally:
            shell.close()

    def shell(self, commands, folder, env):
        done = subprocess.run(["bash", "-ec", commands], cwd=folder, env=env, capture_output=True, text=True, timeout=LONG)
        self.assertEqual(done.returncode, 0, f"{commands}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main()
