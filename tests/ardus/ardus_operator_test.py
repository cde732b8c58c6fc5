#!/usr/bin/env python3
"""What an operator sees of ARDUS: hooks, metrics, status, progress."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import unittest

import ardus_test
from ardus_test import BIN, LONG, noise, until

PROBES = pathlib.Path(__file__).resolve().parents[2] / "packaging/nmap"


class Operator(ardus_test.Machines):
    def metrics(self, state):
        """/metrics by the daemon's Unix socket, as {"family{labels}": value}."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(LONG)
            link.connect(str(self.root / state / "ardus.sock"))
            link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
        self.assertTrue(text.startswith("HTTP/1.1 200"), text[:200])
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("ardus_")}

    def test_hooks_are_told_by_the_environment_and_run_nobody_elses_words(self):
        (self.album / "x").write_bytes(noise(100_000, 3))
        told, evil, sent = self.root / "told", self.root / "evil", self.root / "sent"
        name = "$(touch evil)`touch evil`'; touch evil; '"
        with (self.root / "log1").open("w") as log:
            self.start("serve", "--state", self.root / "r1", "--listen", "127.0.0.2:1117", "--iface", "lo", "--into", self.into(1), "--on-received",
                       f'printf "%s|%s|%s" "$ARDUS_EVENT" "$ARDUS_STATE" "$ARDUS_NAME" >{told}.new; echo "$ARDUS_INTO $ARDUS_BYTES" >>{told}.new; mv {told}.new {told}',
                       stdout=log, stderr=log, cwd=self.root)
        until(lambda: "ardus: receiving" in self.log(1))
        code, summary, err = self.send(self.album, "--receivers", "1", "--name", name, "--on-finished", f'echo "$ARDUS_VERIFIED of $ARDUS_RECEIVERS" >{sent}; exit 7')
        self.assertEqual(code, 0, err)  # how a hook ends does not change what was sent
        self.assertEqual(sent.read_text(), "1 of 1\n")
        until(told.exists)
        self.assertEqual(told.read_text(), f"received|done|{name}{self.into(1)} 100000\n")
        self.assertFalse(evil.exists())
        until(lambda: "ardus: hook ended" in self.log(1))

    def test_how_a_hook_ended_is_told_and_one_that_hangs_is_ended(self):
        (self.album / "x").write_bytes(noise(10_000, 3))
        self.serve(1)
        sending = self.sending(self.album, "--receivers", "1", "--on-finished", "sleep 600", "--hook-limit", "200ms")
        out, err = sending.communicate(timeout=LONG)
        self.assertEqual(sending.returncode, 0, err)
        lines = [json.loads(line) for line in out.splitlines()]
        hook = next(line for line in lines if line["event"] == "hook")
        self.assertEqual((hook["hook"], hook["timed_out"]), ("on-finished", True))
        self.assertEqual(lines[-1]["event"], "summary")
        wrong = subprocess.run([str(BIN / "ardus"), "send", str(self.album), "--hook-limit", "soon"], capture_output=True, text=True, timeout=LONG)
        self.assertEqual(wrong.returncode, 2)

    def test_metrics_and_status_follow_a_transfer(self):
        (self.album / "x").write_bytes(noise(3_000_000, 3))
        with (self.root / "log0").open("w") as log:
            self.start("serve", "--state", self.root / "keeper", stdout=log, stderr=log)
        until(lambda: (self.root / "keeper/ardus.sock").exists())
        self.serve(1)
        self.assertEqual(self.metrics("r1")['ardus_transfers_ended_total{direction="in",state="done"}'], 0)
        sending = self.sending(self.album, "--receivers", "1", "--rate", "4M")  # some 6 s

        def status(*words):
            return subprocess.run([str(BIN / "ardus"), "status", "--state", str(self.root / "keeper"), *words], capture_output=True, text=True, timeout=LONG,
                                  env={**os.environ, "COLUMNS": "200"}).stdout
        seen = until(lambda: (text := status()) and "streaming" in text and "Mbit/s" in text and text)
        self.assertIn("0 of 1", seen)
        self.assertIn("album: 1 receiver, ", seen)
        self.assertIn("r1", seen)
        under_way = self.metrics("keeper")
        self.assertEqual(under_way['ardus_transfers{direction="out"}'], 1)
        self.assertGreater(under_way["ardus_sent_packets_total"], 0)
        out, err = sending.communicate(timeout=LONG)
        self.assertEqual(sending.returncode, 0, err)
        progress = [json.loads(line) for line in out.splitlines() if '"progress"' in line]
        self.assertTrue(all(0 <= line["repair_share"] < 1 for line in progress))
        left = [line["eta_seconds"] for line in progress if "eta_seconds" in line]
        self.assertTrue(left, progress)
        streaming = [line for line in progress if line["phase"] == "streaming"]
        self.assertLess(streaming[0]["bytes_done"], 3_000_000)  # what was sent, not what the window holds
        ended = until(lambda: (all_of := self.metrics("keeper"))['ardus_transfers_ended_total{direction="out",state="done"}'] == 1 and all_of)
        self.assertEqual(ended['ardus_transfers{direction="out"}'], 0)
        self.assertEqual(ended['ardus_bytes_total{direction="out"}'], 3_000_000)
        self.assertGreaterEqual(ended["ardus_sent_packets_total"], ended["ardus_source_packets_total"])
        self.assertGreaterEqual(ended["ardus_sent_packets_total"], under_way["ardus_sent_packets_total"])
        self.assertEqual(ended['ardus_receivers_ended_total{receipt="yes"}'], 1)
        received = until(lambda: (all_of := self.metrics("r1"))['ardus_transfers_ended_total{direction="in",state="done"}'] == 1 and all_of)
        self.assertEqual(received['ardus_bytes_total{direction="in"}'], 3_000_000)

    @unittest.skipUnless(shutil.which("nmap"), "nmap is not installed")
    def test_nmap_knows_the_control_port(self):
        self.serve(1)
        done = subprocess.run(["nmap", "-Pn", "-n", "-sT", "-sV", "--versiondb", str(PROBES / "b2-service-probes"), "--script", str(PROBES / "b2-info.nse"), "-p", "1117",
                               "127.0.0.2"], capture_output=True, text=True, timeout=LONG)
        self.assertRegex(done.stdout, r"1117/tcp open +b2-runtime +b2 Runtime Protocol 1 \(node r1\)")
        self.assertIn("ardus.v1.Session", done.stdout)


if __name__ == "__main__":
    ardus_test.enter_namespace(Operator)
    unittest.main()
