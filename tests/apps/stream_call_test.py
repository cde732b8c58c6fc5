#!/usr/bin/env python3
"""`b2 call` of methods that take a stream: lines of standard input there, lines of standard output back."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 60  # seconds


class StreamCalls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ghost-flow-")
        cls.server = subprocess.Popen([str(BIN / "flow_server"), cls.folder.name + "/server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.address = cls.server.stdout.readline().strip()
        if not cls.address:
            raise RuntimeError(f"flow_server ended with status {cls.server.wait(LONG)} before its address; what it said of that stands above")

    @classmethod
    def tearDownClass(cls):
        cls.server.communicate("", timeout=LONG)
        cls.folder.cleanup()

    def words(self, *words):
        return [str(BIN / "b2"), "call", "--state", self.folder.name + "/caller", self.address, *words]

    def call(self, *words, **options):
        return subprocess.run(self.words(*words), capture_output=True, text=True, timeout=LONG, **options)

    def test_each_line_is_a_message_and_the_end_of_input_that_of_the_stream(self):
        answer = self.call("b2.test.v1.Flow/Gather", input='{"name": "a"}\n\n{"name": "b"}\n{"name": "c"}')
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual([each["name"] for each in json.loads(answer.stdout)["more"]], ["a", "b", "c"])

    def test_a_file_of_many_lines_goes_through(self):
        path = pathlib.Path(self.folder.name) / "lines"
        path.write_text("".join(json.dumps({"name": f"{i:06}" + "x" * 100}) + "\n" for i in range(20_000)))
        with path.open() as lines:
            answer = self.call("--json", "b2.test.v1.Flow/Gather", "-", stdin=lines)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        names = [each["name"] for each in json.loads(answer.stdout)["more"]]
        self.assertEqual([int(name[:6]) for name in names], list(range(20_000)))

    def test_no_line_is_no_message(self):
        answer = self.call("--json", "b2.test.v1.Flow/Gather", stdin=subprocess.DEVNULL)
        self.assertEqual(json.loads(answer.stdout)["more"], [], answer.stderr)

    def test_a_message_that_is_told_is_the_only_one(self):
        answer = self.call("--json", "b2.test.v1.Flow/Gather", '{"name": "a"}')
        self.assertEqual([each["name"] for each in json.loads(answer.stdout)["more"]], ["a"], answer.stderr)

    def test_streams_of_both_sides_go_on_together(self):
        chat = subprocess.Popen(self.words("b2.test.v1.Flow/Chat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("ping", "pong"):
            chat.stdin.write(json.dumps({"name": name}) + "\n")
            chat.stdin.flush()
            self.assertEqual(json.loads(chat.stdout.readline())["name"], name, "it comes back while the input is open")
        rest, _ = chat.communicate(timeout=LONG)
        self.assertEqual((rest, chat.returncode), ("", 0))

    def test_an_early_answer_ends_the_call_while_the_input_is_open(self):
        gather = subprocess.Popen(self.words("b2.test.v1.Flow/Gather", "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        gather.stdin.write('{"name": "enough"}\n')
        gather.stdin.flush()
        self.assertEqual(gather.wait(LONG), 0)
        self.assertEqual([each["name"] for each in json.loads(gather.stdout.read())["more"]], ["enough"])
        gather.stdin.close()
        gather.stdout.close()

    def test_a_line_that_is_no_message_is_named(self):
        answer = self.call("b2.test.v1.Flow/Gather", input='{"name": "a"}\n{"nom": "b"}\n')
        self.assertEqual(answer.returncode, 1)
        self.assertIn("standard input, line 2: ", answer.stderr)
        self.assertIn("nom", answer.stderr)

    def test_a_deadline_ends_it(self):
        gather = subprocess.Popen(self.words("b2.test.v1.Flow/Gather", "--timeout", "0.3"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(gather.wait(LONG), 1)
        self.assertIn("deadline", gather.stderr.read())
        gather.stdin.close()
        gather.stderr.close()


if __name__ == "__main__":
    unittest.main()
