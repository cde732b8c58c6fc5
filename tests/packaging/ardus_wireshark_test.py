#!/usr/bin/env python3
"""packaging/wireshark/ardus.lua, on captures made of docs/spec/vectors/ardus.json."""
import json
import pathlib
import random
import subprocess
import tempfile
import unittest

from captures import Capture

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "docs/spec/vectors/ardus.json").read_text())
DATAGRAMS = {one["name"]: bytes.fromhex(one["hex"]) for one in VECTORS["datagrams"]}
FIELDS = ("type", "session", "number", "block", "symbol", "sequence", "runs", "run", "receiver", "phase", "flags.answer_now", "flags.ip4_too", "flags.beyond_too", "control", "data_group", "name", "sender", "digest", "round", "path.limiting", "path.round_trip", "broken")
LONG = 240  # seconds


def show(datagrams, port=1835):
    """Of each datagram, the fields there are, as lists."""
    with tempfile.TemporaryDirectory(prefix="ghost-ardus-wireshark-") as folder:
        path = pathlib.Path(folder) / "datagrams.pcap"
        capture = Capture(path)
        for datagram in datagrams:
            capture.udp(port, 40000, True, datagram)
        capture.close()
        words = [word for name in FIELDS for word in ("-e", "ardus." + name)]
        done = subprocess.run(["tshark", "-n", "-X", f"lua_script:{ROOT}/packaging/wireshark/ardus.lua", "-r", str(path), "-T", "fields", "-E", "separator=\t", "-E", "aggregator=;", *words],
                              capture_output=True, text=True, errors="replace", timeout=LONG)
        if done.returncode != 0 or "Lua" in done.stderr or "Lua Error" in done.stdout:
            raise AssertionError(done.stdout[-2000:] + done.stderr)
        return [{name: value.split(";") if value else [] for name, value in zip(FIELDS, line.split("\t"))} for line in done.stdout.splitlines()]


class ArdusWireshark(unittest.TestCase):
    def test_each_datagram_is_shown_as_what_it_is(self):
        shown = dict(zip(DATAGRAMS, show(DATAGRAMS.values())))
        session = [f"0x{VECTORS['session']['number']:08x}"]
        for name, one in shown.items():
            self.assertEqual((one["session"], one["broken"]), (session, []), name)
        kinds = {name: int(one["type"][0]) for name, one in shown.items()}
        self.assertEqual(kinds, {"data": 1, "parity": 2, "plan": 4, "window end, answer now": 5, "probe, a census": 6, "report": 7, "announcement": 8, "announcement by IPv6, source-specific": 8,
                                 "report that suspects a forger, epoch 2 known": 7, "window end under attack": 5, "digest": 9, "repair": 3, "data of the jumbo layout": 1, "trial, short": 10,
                                 "probe that asks how the paths are": 6, "report that tells how its path is": 7})
        self.assertEqual((shown["digest"]["block"], shown["digest"]["symbol"], len(shown["digest"]["digest"])), (["33"], ["126"], 4))
        self.assertEqual((shown["data"]["number"], shown["data"]["block"], shown["data"]["symbol"]), (["4242"], ["33"], ["127"]))
        self.assertEqual((shown["data of the jumbo layout"]["number"], shown["data of the jumbo layout"]["symbol"], shown["trial, short"]["round"]), (["4242"], ["127"], ["3"]))
        self.assertEqual(shown["parity"]["symbol"], ["128"])
        plan = DATAGRAMS["plan"]
        runs = [(int.from_bytes(plan[at:at + 4], "little"), int.from_bytes(plan[at + 4:at + 6], "little"), int.from_bytes(plan[at + 6:at + 8], "little")) for at in range(48, len(plan) - 64, 8)]
        self.assertEqual(shown["plan"]["run"], [f"blocks {first} + {count}: {symbols} symbols" for first, count, symbols in runs])
        at_once = [shown[name]["flags.answer_now"][0] in ("1", "True") for name in ("plan", "window end, answer now")]  # as tshark's version prints it
        self.assertEqual(at_once, [False, True])
        self.assertTrue(shown["probe, a census"]["run"][0].startswith("receivers "))
        asks = shown["probe that asks how the paths are"]
        self.assertEqual((asks["path.limiting"], asks["path.round_trip"]), (["7"], ["45000"]))
        self.assertEqual((shown["report"]["receiver"], shown["report"]["phase"]), ([str(VECTORS["session"]["receiver"])], ["2"]))
        self.assertEqual(shown["announcement"]["sender"], [VECTORS["key"]["public"]])
        by6 = shown["announcement by IPv6, source-specific"]
        self.assertEqual((by6["data_group"], [flag[0] in ("1", "True") for flag in (by6["flags.ip4_too"], by6["flags.beyond_too"])]), (["ff35::9835:c0d"], [True, True]))
        self.assertEqual(len(shown["announcement"]["control"] + shown["announcement"]["data_group"] + shown["announcement"]["name"]), 3)

    def test_what_is_cut_off_or_scrambled_is_shown_as_void_and_breaks_nothing(self):
        dice = random.Random(1)
        # A REPORT does not say how long it is.
        broken = [datagram[:dice.randrange(8, len(datagram))] for name, datagram in DATAGRAMS.items() if not name.startswith("report") for _ in range(8)]
        for one in show(broken):
            self.assertEqual(len(one["broken"]), 1, one)
        scrambled = []
        for _ in range(300):
            datagram = bytearray(dice.choice(list(DATAGRAMS.values())))
            for _ in range(dice.randrange(1, 20)):
                datagram[dice.randrange(len(datagram))] = dice.randrange(256)
            scrambled.append(bytes(datagram))
        self.assertEqual(len(show(scrambled, 1117)), 300)


if __name__ == "__main__":
    unittest.main()
