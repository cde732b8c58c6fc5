#!/usr/bin/env python3
"""packaging/wireshark/b2.lua, on captures made of docs/spec/vectors."""
import json
import pathlib
import random
import subprocess
import tempfile
import unittest

from captures import Capture

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCHANGES = json.loads((ROOT / "docs/spec/vectors/exchanges.json").read_text())
LONG = 240  # seconds


def tshark(path, *words):
    # -n: no names are looked up; -C: no profile of whoever runs this
    done = subprocess.run(["tshark", "-n", "-X", f"lua_script:{ROOT}/packaging/wireshark/b2.lua", "-r", str(path), *words], capture_output=True, text=True, errors="replace", timeout=LONG)
    if done.returncode != 0 or "Lua" in done.stderr or "Lua Error" in done.stdout:
        raise AssertionError(done.stdout[-2000:] + done.stderr)
    return done.stdout


def fields(path, *names, only="b2"):
    """Of each packet that fits, the values of each field, as lists."""
    words = [word for name in names for word in ("-e", name)]
    lines = tshark(path, "-Y", only, "-T", "fields", "-E", "separator=\t", "-E", "aggregator=;", *words).splitlines()
    return [[value.split(";") if value else [] for value in line.split("\t")] for line in lines]


class Wireshark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ghost-wireshark-")
        cls.whole = pathlib.Path(cls.folder.name) / "exchanges.pcap"
        capture = Capture(cls.whole)
        for number, exchange in enumerate(EXCHANGES):
            early = b""  # the preface goes with what follows it, as implementations send it
            for step in exchange["steps"]:
                if step.get("what") == "preface" and number % 2 == 0:
                    early = bytes.fromhex(step["hex"])
                elif "from" in step:
                    capture.tcp(2203, 40000 + number, step["from"] == "acceptor", early + bytes.fromhex(step["hex"]))
                    early = b""
        capture.close()
        names = ("type", "stream", "length", "method", "method.index", "call_in", "answer_in", "status", "hello.version", "hello.name", "hello.service", "hello.method",
                 "hello.limit", "ext.timeout", "metadata", "goaway.last", "reason", "broken")
        cls.packets = [dict(zip(names, row)) for row in fields(cls.whole, *("b2." + name for name in names))]  # tshark takes its time to start
        cls.frames = [step for exchange in EXCHANGES for step in exchange["steps"] if "from" in step]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_every_frame_is_shown_as_what_it_is(self):
        types = {"HELLO": 1, "HELLO_UPDATE": 2, "CALL": 3, "DATA": 4, "RESP": 5, "CREDIT": 6, "CANCEL": 7, "PING": 8, "PONG": 9, "GOAWAY": 10, "UPGRADE": 11}
        seen = [(int(kind, 16), int(stream), int(size)) for packet in self.packets for kind, stream, size in zip(packet["type"], packet["stream"], packet["length"])]
        due = []
        for step in self.frames:
            data = bytes.fromhex(step["hex"])
            whole = len(data) >= 16 and len(data) == 16 + 4 * data[9] + int.from_bytes(data[:3], "little")
            if step["what"] not in ("preface", "rest") and whole:
                due.append((data[3], int.from_bytes(data[4:8], "little"), int.from_bytes(data[:3], "little")))
                name = step["what"].split(" ")[0]
                self.assertEqual(types.get(name, data[3]), data[3])
        self.assertEqual(seen, due)

    def test_answers_are_shown_with_their_method_and_their_call(self):
        answers = [packet for packet in self.packets if packet["type"] == ["0x05"] and packet["status"] == ["0"]]
        self.assertGreater(len(answers), 5)
        for packet in answers:
            self.assertTrue(packet["method"] and packet["method"][0].startswith("test.v1."), packet)
            self.assertEqual(len(packet["call_in"]), 1)
        self.assertTrue(any(packet["answer_in"] for packet in self.packets if packet["type"] == ["0x03"]))

    def test_hello_extensions_and_metadata_are_read(self):
        acceptors = [packet for packet in self.packets if packet["hello.name"] == ["acceptor"]]
        self.assertTrue(acceptors)
        first = acceptors[0]
        self.assertTrue(first["hello.version"] == ["1"] and first["hello.service"] and first["hello.method"] and len(first["hello.limit"]) >= 5, first)
        self.assertTrue(any(packet["ext.timeout"] for packet in self.packets))
        self.assertTrue(any(": " in packet["metadata"][0] for packet in self.packets if packet["metadata"]))

    def test_what_breaks_the_rules_is_pointed_out(self):
        self.assertTrue(any(packet["broken"] for packet in self.packets))
        self.assertTrue(any(packet["goaway.last"] and packet["reason"] for packet in self.packets))

    def test_frames_cut_into_segments_at_any_place_and_on_any_port(self):
        cut = pathlib.Path(self.folder.name) / "cut.pcap"
        capture = Capture(cut)
        exchange = max(EXCHANGES, key=lambda each: sum(step.get("what", "").startswith("CALL") for step in each["steps"]))
        rng = random.Random(7)
        count = 0
        for step in exchange["steps"]:
            if "from" not in step:
                continue
            data = bytes.fromhex(step["hex"])
            count += step["what"] not in ("preface", "rest")
            while data:
                size = rng.randint(1, 40)
                if step["what"] == "preface":
                    size = 4
                capture.tcp(5005, 41000, step["from"] == "acceptor", data[:size])
                data = data[size:]
        capture.close()
        self.assertEqual(sum(len(row[0]) for row in fields(cut, "b2.type")), count)

    def test_a_refusal_in_a_line_is_shown(self):
        path = pathlib.Path(self.folder.name) / "line.pcap"
        capture = Capture(path)
        capture.tcp(2203, 42000, False, b"\0\1\2\3")
        capture.tcp(2203, 42000, True, b"b2: these first bytes are no protocol served here\r\n")
        capture.close()
        self.assertIn("no protocol", fields(path, "b2.line", only="b2.line")[0][0][0])

    def test_datagrams_are_read(self):
        path = pathlib.Path(self.folder.name) / "datagrams.pcap"
        told = json.loads((ROOT / "docs/spec/vectors/datagrams.json").read_text())["datagrams"]
        told = [each for each in told if each["hex"].startswith("62327531") and "error" not in each]
        capture = Capture(path)
        rng = random.Random(3)
        for each in told:
            capture.udp(2203, 40000, each["kind"] != 1, bytes.fromhex(each["hex"]))
        for each in told * 20:
            data = bytearray(bytes.fromhex(each["hex"]))
            for _ in range(3):
                data[rng.randrange(6, len(data))] = rng.randrange(256)
            capture.udp(6000, 41000, False, bytes(data[:rng.randrange(6, len(data) + 1)]))
        capture.close()
        rows = fields(path, "b2.udp.kind", "b2.udp.form", "b2.udp.sequence", "b2.udp.cookie", only=f"frame.number <= {len(told)}")
        self.assertEqual([(int(kind[0]), int(form[0])) for kind, form, _, _ in rows], [(each["kind"], each["form"]) for each in told])
        for (_, _, numbers, cookie), each in zip(rows, told):
            if each["form"] == 0:
                self.assertEqual([int(number) for number in numbers], [record["sequence"] for record in each["records"]], each["name"])
                self.assertEqual(cookie, [each["cookie"]])
        self.assertEqual(len(fields(path, "b2.udp.kind", only="b2")), 21 * len(told))

    def test_beacons_are_read(self):
        path = pathlib.Path(self.folder.name) / "beacons.pcap"
        told = json.loads((ROOT / "docs/spec/vectors/beacons.json").read_text())["datagrams"]
        good = [each["fields"] | {"hex": each["hex"]} for each in told if "fields" in each]
        capture = Capture(path)
        for each in [*good, *(each for each in told if "error" in each)]:
            capture.udp(2203, 2203, True, bytes.fromhex(each["hex"]))
        capture.close()
        names = ("kind", "port", "node", "epoch", "services", "hold", "flags.alone", "flags.copied")
        rows = fields(path, *("b2.beacon." + name for name in names), only=f"frame.number <= {len(good)}")
        kinds = {"beacon": 1, "query": 2, "bye": 3}
        seen = [(int(kind[0]), int(port[0]), node[0], int(epoch[0], 16), int(services[0], 16), int(alone[0]) | int(copied[0]) << 1)
                for kind, port, node, epoch, services, _, alone, copied in rows]
        due = [(kinds[each["kind"]], each["port"], each["node"], int(each["epoch"], 16), int(each["services"], 16), each["flags"]) for each in good]
        self.assertEqual(seen, due)
        self.assertTrue(fields(path, "b2.beacon.kind", only="b2.broken"))

    def test_damaged_frames_raise_no_error_in_the_script(self):
        path = pathlib.Path(self.folder.name) / "damaged.pcap"
        capture = Capture(path)
        rng = random.Random(11)
        for number, step in enumerate(self.frames * 3):
            data = bytearray(bytes.fromhex(step["hex"]))
            for _ in range(3):
                data[rng.randrange(len(data))] = rng.randrange(256)
            capture.tcp(2203, 43000 + number, bool(number % 2), bytes(data))
        capture.close()
        text = tshark(path, "-V")
        self.assertIn("b2 Runtime Protocol", text)


if __name__ == "__main__":
    unittest.main()
