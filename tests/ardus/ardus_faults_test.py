#!/usr/bin/env python3
"""What may happen to machines in the middle of a transfer, and what strangers may announce: docs/ardus-faults.md says which case is tried where.
Without the right to make a network namespace it runs on loopback, as ardus_test.py does."""
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import ardus_test
from ardus_test import BIN, LONG, noise, until

GROUP = ("239.255.11.17", 1117)


class Faults(ardus_test.Machines):
    def under_way(self, sender, *numbers):
        until(lambda: all(self.staged(number) > 0 for number in numbers) or sender.poll() is not None)
        self.assertIsNone(sender.poll(), "it was over before anything could go wrong")

    def states(self, summary):
        return {receiver["name"]: receiver["state"] for receiver in summary["receivers"]}

    # --- clocks

    def stepped(self, name, seconds):
        """The environment of a program whose wall clock steps when the file of this name is there."""
        return {"env": {**os.environ, "LD_PRELOAD": str(BIN / "stepped_clock.so"), "STEP_FILE": str(self.root / name), "STEP_SECONDS": str(seconds),
                        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}}

    def test_clocks_that_step_in_mid_transfer_change_nothing_but_the_time_that_is_told(self):
        (self.album / "x").write_bytes(noise(14_000_000, 1))
        day = 24 * 3600
        self.serve(1, **self.stepped("receiver", -day)), self.serve(2)
        sender = self.start("send", "--state", self.root / "keeper", "--iface", "lo", "--json", self.album, "--receivers", "2", "--rate", "20M",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.stepped("sender", day))
        self.under_way(sender, 1, 2)
        (self.root / "receiver").touch(), (self.root / "sender").touch()
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err)
        self.assert_received(1, 2)
        told = {receiver["name"]: struct.unpack_from("<Q", bytes.fromhex(receiver["receipt"]), 96)[0] / 1000 - time.time() for receiver in summary["receivers"]}
        self.assertLess(abs(told["r1"] + day), day / 4)
        self.assertLess(abs(told["r2"]), day / 4)

    def test_a_sender_that_is_started_again_with_an_earlier_clock_is_believed(self):
        (self.album / "x").write_bytes(noise(14_000_000, 2))
        (self.root / "early").touch()
        self.serve(1)
        sender = self.start("send", "--state", self.root / "keeper", "--iface", "lo", "--json", self.album, "--receivers", "1", "--rate", "30M",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.stepped("early", 24 * 3600))
        self.under_way(sender, 1)
        sender.kill()
        sender.wait()
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        self.assertLess(summary["bytes_needed"], 14_000_000)

    # --- disks

    def test_a_disk_that_fails_in_mid_transfer_is_told_and_what_came_is_kept(self):
        (self.album / "x").write_bytes(noise(14_000_000, 3))
        failing = self.serve(1)
        self.serve(2)
        (self.into(1) / "album").mkdir(parents=True)
        (self.into(1) / "album/x").write_bytes(b"the old good file")
        sender = self.sending(self.album, "--receivers", "2", "--rate", "30M")
        self.under_way(sender, 1, 2)
        resource.prlimit(failing.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 3, err)
        self.assertEqual(self.states(summary), {"r1": "failed", "r2": "verified"}, err)
        self.assertIn("ulimit -f", {receiver["name"]: receiver["detail"] for receiver in summary["receivers"]}["r1"])
        self.assertIsNone(failing.poll(), "the program goes on")
        self.assertEqual((self.into(1) / "album/x").read_bytes(), b"the old good file")
        failing.terminate()
        failing.wait(LONG)
        self.serve(1)
        code, summary, err = self.send(self.album, "--receivers", "2")
        self.assertEqual(code, 0, err)
        self.assertLess(summary["bytes_needed"], 14_000_000)
        self.assert_received(1, 2)

    def test_a_source_that_is_gone_in_mid_transfer_ends_it_with_the_reason(self):
        (self.album / "x").write_bytes(noise(24_000_000, 4))
        self.serve(1)
        sender = self.sending(self.album, "--receivers", "1", "--rate", "40M")
        self.under_way(sender, 1)
        os.truncate(self.album / "x", 1000)
        code, summary, err = self.ended(sender)
        self.assertEqual((code, summary["state"]), (1, "failed"), err)
        self.assertIn("album/x", summary["detail"])
        self.assertFalse((self.into(1) / "album").exists())

    # --- who is believed

    def announcement(self, who, session, sequence=1, milliseconds=None, host="127.0.0.11", port=1117, content="00" * 32):
        done = subprocess.run([str(BIN / "announce"), str(self.root / who), *map(str, (session, sequence, milliseconds or int(time.time() * 1000), host, port, content))],
                              check=True, capture_output=True, text=True)
        return bytes.fromhex(done.stdout)

    def forge(self, host, *announcements):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind((host, 0))
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            for one in announcements:
                out.sendto(one, GROUP)

    @unittest.skipUnless(ardus_test.OWN_NAMESPACE in os.environ, "loopback is the system's")
    def test_an_announcement_that_nobody_stands_behind_does_not_end_what_waits_for_one_transfer(self):
        (self.album / "x").write_bytes(noise(1_000_000, 8))
        clock = self.stepped("a minute later", 61)
        clock["env"]["STEP_ALL"] = "1"
        with (self.root / "told").open("w") as told:
            receiver = self.start("receive", "--state", self.root / "r1", "--iface", "lo", "--into", self.into(1), "--once", "--wait", "10m", "--json", "--on-received",
                                  f"echo $ARDUS_STATE >>{self.root / 'hooked'}", stdout=told, stderr=told, **clock)
        said = (self.root / "told").read_text
        announcement = self.announcement("keeper", 77)
        until(lambda: self.forge("127.0.0.11", announcement) or '"session":77' in said())
        (self.root / "a minute later").touch()
        until(lambda: "waiting for another" in said() or receiver.poll() is not None)
        self.assertIn("the sender was not heard of for 60 s", said())
        self.assertIsNone(receiver.poll(), said())
        # Both would take 127.0.0.1: the sender's daemon has its own address.
        with (self.root / "log0").open("w") as log:
            self.start("serve", "--state", self.root / "keeper", "--listen", "127.0.0.4:1117", stdout=log, stderr=log)
        until(lambda: (self.root / "keeper/ardus.sock").exists())
        code, _, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assertEqual(receiver.wait(LONG), 0, said())
        self.assert_received(1)
        self.assertEqual((self.root / "hooked").read_text(), "done\n", "a stranger runs no hook")

    def test_one_that_waits_for_a_transfer_ends_when_its_time_is_over(self):
        waited = subprocess.run([str(BIN / "ardus"), "receive", "--state", str(self.root / "r1"), "--iface", "lo", "--into", str(self.into(1)), "--once", "--wait", "300ms", "--json"],
                                capture_output=True, text=True, timeout=LONG)
        self.assertEqual(waited.returncode, 1, waited.stderr)
        self.assertIn("no sender that may send began a transfer within 300ms", waited.stdout + waited.stderr)

    @unittest.skipUnless(ardus_test.OWN_NAMESPACE in os.environ, "loopback is the system's")
    def test_its_time_is_over_also_where_a_member_that_may_not_send_has_announced(self):
        self.serve(2)
        announcement = self.announcement("r2", 78, host="127.0.0.3")
        with (self.root / "told").open("w") as told:
            receiver = self.start("receive", "--state", self.root / "r1", "--iface", "lo", "--into", self.into(1), "--once", "--wait", "15s", "--json", stdout=told, stderr=told)
        said = (self.root / "told").read_text
        until(lambda: self.forge("127.0.0.3", announcement) or "may not send" in said() or receiver.poll() is not None)
        self.assertEqual(receiver.wait(LONG), 1, said())
        self.assertIn("no sender that may send began a transfer within 15s; the last one announced: r2", said())

    def next_announcement(self, receiver, session=None):
        while True:
            told = receiver.recv(2000)
            if len(told) > 136 and told[0] == 0x18 and (session is None or told[4:8] == session):
                return told

    @unittest.skipUnless(ardus_test.OWN_NAMESPACE in os.environ, "loopback is the system's")
    def test_forged_announcements_change_nothing_and_are_told_once(self):
        (self.album / "x").write_bytes(noise(14_000_000, 5))
        self.serve(1)
        # Of a stranger's key, where nobody answers: many, so that they fill all places there are.
        strangers = [self.announcement("stranger", number, content=f"{number:02x}" * 32) for number in range(1, 41)]
        unsigned = strangers[0][:-64] + bytes(64)
        elsewhere = self.announcement("stranger", 50, host="127.0.0.13")
        for _ in range(3):
            self.forge("127.0.0.11", *strangers)
            self.forge("127.0.0.12", unsigned, unsigned[:-1], strangers[0][:150], b"", bytes(1000))
            self.forge("127.0.0.14", elsewhere)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
            heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            heard.bind(GROUP)
            heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP[0]) + socket.inet_aton("127.0.0.1"))
            heard.settimeout(LONG)
            until(lambda: "nobody signed" in self.log(1))
            sender = self.sending(self.album, "--receivers", "1", "--rate", "15M")
            while len(told := self.next_announcement(heard)) and told[24:56] == strangers[0][24:56]:
                pass
            session, content = struct.unpack_from("<I", told, 4)[0], told[56:88].hex()
            # The number of the sender's session, by a stranger; an old announcement of the same content, by the sender itself; and the newest twice.
            another = self.announcement("stranger", session, 1_000_000, content=content)
            old = self.announcement("keeper", session ^ 1, 5, int(time.time() * 1000) - 3_600_000, host="127.0.0.1", content=content)
            self.under_way(sender, 1)
            while sender.poll() is None:
                self.forge("127.0.0.11", another, *strangers[::7])
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:  # by the sender's address: whoever can take it
                    again.bind(("127.0.0.1", 0))
                    again.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
                    again.sendto(old, GROUP), again.sendto(told, GROUP)
                time.sleep(0.05)
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err)
        self.assertEqual(summary["session"], session)
        self.assert_received(1)
        log = self.log(1)
        self.assertNotIn("the sender was started again", log)
        self.assertEqual((log.count("nobody signed"), log.count("came from elsewhere")), (1, 1), log)
        self.assertLess(log.count("session announced"), 60, "a stranger writes no log")
        self.assertLessEqual(log.count("outcome=\"no member of the house answers"), 20, log)

    def test_a_sender_of_another_house_is_refused_and_told_once(self):
        (self.album / "x").write_bytes(b"x")
        subprocess.run([str(BIN / "make_house"), str(self.root / "other"), "boss"], check=True, capture_output=True)
        with (self.root / "log0").open("w") as log:
            self.start("serve", "--state", self.root / "other/boss", "--listen", "127.0.0.4:1117", stdout=log, stderr=log)
        until(lambda: (self.root / "other/boss/ardus.sock").exists())
        self.serve(1)
        for _ in range(2):
            code, summary, err = self.send(self.album, "--wait", "2s", state="other/boss")
            self.assertEqual(code, 3, err)
            self.assertIn("no receiver joined", summary["detail"])
        self.assertEqual(self.log(1).count("transfer ended"), 1, self.log(1))
        self.assertFalse((self.into(1) / "album").exists())
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(1)

    def test_who_is_revoked_in_mid_transfer_gets_no_more_and_the_others_finish(self):
        (self.album / "x").write_bytes(noise(22_000_000, 6))
        for number in (1, 2):
            self.serve(number)
        sender = self.sending(self.album, "--receivers", "2", "--rate", "12M")  # 15 s; the list of the revoked is looked at every 2 s
        self.under_way(sender, 1, 2)
        subprocess.run([str(BIN / "make_house"), "--revoke", str(self.root / "keeper"), "r1"], check=True)
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 3, err)
        told = {receiver["name"]: receiver for receiver in summary["receivers"]}
        self.assertEqual((told["r1"]["state"], told["r2"]["state"]), ("failed", "verified"), summary)
        self.assertIn("taken it out", told["r1"]["detail"])
        self.assertFalse(told["r1"].get("receipt"))
        self.assert_received(2)
        self.assertFalse((self.into(1) / "album").exists())
        self.assertLess(self.staged(1), 8 * int(re.search(r"chunks_missing=(\d+)", self.log(1))[1]))
        code, summary, err = self.send(self.album, "--wait", "3s")
        self.assertEqual((code, self.states(summary)), (0, {"r2": "verified"}), err)

    def test_who_is_revoked_before_it_begins_is_not_waited_for(self):
        (self.album / "x").write_bytes(noise(1_000_000, 12))
        for number in (1, 2):
            self.serve(number)
        sender = self.sending(self.album, "--receivers", "3", "--patience", "1s")
        until(lambda: "2 of 3 joined" in sender.stdout.readline())
        subprocess.run([str(BIN / "make_house"), "--revoke", str(self.root / "keeper"), "r1"], check=True)
        until(lambda: "1 of 3 joined" in sender.stdout.readline())
        self.serve(3)
        code, summary, err = self.ended(sender)
        self.assertEqual((code, self.states(summary)), (3, {"r1": "failed", "r2": "verified", "r3": "verified"}), err)
        self.assertIn("taken it out", {receiver["name"]: receiver["detail"] for receiver in summary["receivers"]}["r1"])

    # --- killed at random

    def test_five_kills_at_random_end_with_whole_copies_everywhere(self):
        (self.album / "x").write_bytes(noise(12_000_000, 7))
        for number in range(60):
            (self.album / f"small {number}").write_bytes(noise(3_000, 100 + number))
        for number in (1, 2):
            (self.into(number) / "album").mkdir(parents=True)
            (self.into(number) / "album/x").write_bytes(b"the old good file")
        chance = random.Random(8)
        receivers = {number: self.serve(number) for number in (1, 2)}
        begin = lambda: self.sending(self.album, "--receivers", "2", "--rate", "30M")  # noqa: E731
        sender = begin()
        whole = (self.album / "x").read_bytes()
        for _ in range(5):
            time.sleep(chance.uniform(0.2, 1.0))
            victim = chance.choice(("sender", 1, 2))
            if sender.poll() is not None:
                self.assertEqual(sender.returncode, 0)
                sender = begin()
            if victim == "sender":
                sender.kill()
                sender.wait()
                sender = begin()
            else:
                receivers[victim].kill()
                receivers[victim].wait()
                receivers[victim] = self.serve(victim)
            for number in (1, 2):
                self.assertIn((self.into(number) / "album/x").read_bytes(), (whole, b"the old good file"), "a part under its final name")
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err + self.log(1) + self.log(2))
        self.assert_received(1, 2)

    # --- who is waited for

    def test_a_list_is_begun_with_all_of_it_and_who_is_not_there_is_named(self):
        (self.album / "x").write_bytes(noise(1_000_000, 9))
        machines = self.root / "machines.txt"
        machines.write_text("# the house\nr1\n\nr2  \n")
        self.serve(1)
        sender = self.sending(self.album, "--list", machines)
        told = until(lambda: (line := sender.stdout.readline()) and "1 joined" in line and line)
        self.assertNotIn("streaming", told)
        self.serve(2), self.serve(3)
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err)
        self.assertLessEqual({"r1": "verified", "r2": "verified"}.items(), self.states(summary).items())
        machines.write_text("r1\nmissing\n")
        code, summary, err = self.send(self.album, "--list", machines, "--wait", "500ms", "--patience", "1s")
        self.assertEqual((code, self.states(summary)["r1"], self.states(summary)["missing"]), (3, "verified", "expected"), err)
        self.assertIn("it has not joined", {receiver["name"]: receiver["detail"] for receiver in summary["receivers"]}["missing"])

    def test_it_begins_with_enough_receivers_at_once_and_without_a_number_when_the_wait_is_over(self):
        (self.album / "x").write_bytes(noise(1_000_000, 10))
        self.serve(1), self.serve(2)
        code, summary, err = self.send(self.album, "--receivers", "2", "--wait", "60s")
        self.assertEqual((code, self.states(summary)), (0, {"r1": "verified", "r2": "verified"}), err)
        self.assertLess(summary["seconds"], 55, "the wait is the longest it waits, not how long")
        (self.album / "x").write_bytes(noise(1_000_000, 11))
        code, summary, err = self.send(self.album, "--wait", "2s")
        self.assertEqual((code, set(self.states(summary).values())), (0, {"verified"}), err)
        self.assertGreaterEqual(summary["seconds"], 2)
        self.assert_received(*(int(name[1]) for name in self.states(summary)))


if __name__ == "__main__":
    ardus_test.SIDE_BY_SIDE = 6
    ardus_test.enter_namespace(Faults)
    unittest.main()
