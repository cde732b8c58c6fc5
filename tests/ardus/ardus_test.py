#!/usr/bin/env python3
"""ARDUS as a user runs it: a sender and receivers, each a process, on the registered ports of a network namespace of the test's own.
Without the right to make one it runs on loopback, if nobody else holds the ports there; else it says so and ends."""
import concurrent.futures
import contextlib
import filecmp
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 60  # seconds; waits end as soon as what they wait for is there
OWN_NAMESPACE = "GHOST_ARDUS_NAMESPACE"
SIDE_BY_SIDE = 3


def enter_namespace(case):
    """Runs each test of this file where the ports and mounts are its own, some at a time: most of it is waiting."""
    if OWN_NAMESPACE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    for command in (["unshare", "--net", "--mount"], ["unshare", "--map-root-user", "--net", "--mount"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            sys.exit(run_side_by_side(command, case))
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"):
        for kind, port in ((socket.SOCK_STREAM, 1117), (socket.SOCK_DGRAM, 1834)):
            with contextlib.closing(socket.socket(socket.AF_INET, kind)) as probe:
                try:
                    probe.bind((host, port))
                except OSError as why:
                    print(f"skipped: no network namespace can be made here, and {host}:{port} is not free ({why})")
                    sys.exit(0)


def run_side_by_side(command, case):
    """The exit code of them all."""
    names = sys.argv[1:] or [f"{case.__name__}.{name}" for name in unittest.TestLoader().getTestCaseNames(case)]

    def one(name):
        return subprocess.run([*command, sys.executable, sys.argv[0], name], env={**os.environ, OWN_NAMESPACE: "1"}, capture_output=True, text=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for name, done in zip(names, pool.map(one, names)):
            failed += done.returncode != 0
            print(f"{name}: {'ok' if done.returncode == 0 else done.stdout + done.stderr}", flush=True)
    print(f"{len(names)} tests, {failed} failed")
    return 1 if failed else 0


def until(what):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def same_tree(one, other):
    compared = filecmp.dircmp(one, other, ignore=[])
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    for name in compared.common_files:
        if (one / name).read_bytes() != (other / name).read_bytes():
            return False
    return all(same_tree(one / name, other / name) for name in compared.common_dirs)


class Machines(unittest.TestCase):
    """A keeper of a house who may send, and receivers."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ghost-ardus-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.processes = []
        self.addCleanup(self.stop_all)
        subprocess.run([str(BIN / "make_house"), str(self.root), "keeper", "r1=listen", "r2=listen", "r3=listen", "mute=describe", "stranger="],
                       check=True, capture_output=True)
        self.album = self.root / "album"
        self.album.mkdir()

    def stop_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def start(self, *words, **options):
        process = subprocess.Popen([str(BIN / "ardus"), *map(str, words)], text=True, **options)
        self.processes.append(process)
        return process

    def into(self, number):
        return self.root / f"in{number}"

    def log(self, number):
        path = self.root / f"log{number}"
        return path.read_text() if path.exists() else ""

    def serve(self, number, name=None, **options):
        """A receiver on 127.0.0.(number + 1)."""
        with (self.root / f"log{number}").open("a") as log:
            before = log.tell()
            process = self.start("serve", "--state", self.root / (name or f"r{number}"), "--listen", f"127.0.0.{number + 1}:1117", "--iface", "lo",
                                 "--into", self.into(number), stdout=log, stderr=log, **options)
        until(lambda: "ardus: receiving" in self.log(number)[before:] or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log(number))
        return process

    def sending(self, *words, state="keeper"):
        return self.start("send", "--state", self.root / state, "--iface", "lo", "--json", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ended(self, process):
        """The exit code, the summary, and what was said to the person."""
        out, err = process.communicate(timeout=LONG)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertTrue(lines, err)
        return process.returncode, lines[-1], err

    def send(self, *words, **options):
        return self.ended(self.sending(*words, **options))

    def staged(self, number):
        """Bytes of chunks that a receiver has noted in its journal."""
        return sum(journal.stat().st_size for journal in self.into(number).glob(".ardus/*/journal"))

    def assert_received(self, *numbers):
        for number in numbers:
            self.assertTrue(same_tree(self.album, self.into(number) / "album"), self.log(number))
            self.assertEqual([path.name for path in (self.into(number) / ".ardus").iterdir()], ["received"])


class Transfers(Machines):
    # --- what it is for

    def test_three_receivers_get_verified_copies_by_one_sending(self):
        (self.album / "disc 1").mkdir()
        (self.album / "disc 1/01.flac").write_bytes(noise(3_000_000, 1))
        (self.album / "disc 1/02.flac").write_bytes(noise(200_000, 2))
        (self.album / "empty").write_bytes(b"")
        (self.album / "first").symlink_to("disc 1/01.flac")
        for number in (1, 2, 3):
            self.serve(number)
        code, summary, err = self.send(self.album, "--receivers", "3")
        self.assertEqual(code, 0, err)
        self.assert_received(1, 2, 3)
        self.assertEqual(summary["state"], "done")
        self.assertEqual(summary["bytes"], 3_200_000)
        self.assertEqual(sorted(receiver["name"] for receiver in summary["receivers"]), ["r1", "r2", "r3"])
        for receiver in summary["receivers"]:
            self.assertEqual(receiver["state"], "verified")
            self.assertEqual(len(bytes.fromhex(receiver["receipt"])), 177)
        self.assertLess(summary["wire_bytes"], 3 * summary["bytes"], "no more than a copy for each of them would")
        verified = subprocess.run([str(BIN / "ardus"), "verify", str(self.into(1)), "--json"], capture_output=True, text=True, timeout=LONG)
        self.assertEqual((verified.returncode, json.loads(verified.stdout)["files"]), (0, 3))
        (self.into(1) / "album/empty").write_bytes(b"not any more")
        verified = subprocess.run([str(BIN / "ardus"), "verify", str(self.into(1))], capture_output=True, text=True, timeout=LONG)
        self.assertEqual(verified.returncode, 1)
        self.assertIn("different  album/empty", verified.stdout)

    def test_a_daemon_sends_on_request_and_tells_its_sockets(self):
        (self.album / "x").write_bytes(noise(500_000, 3))
        with (self.root / "log0").open("w") as log:
            self.start("serve", "--state", self.root / "keeper", stdout=log, stderr=log)
        until(lambda: (self.root / "keeper/ardus.sock").exists())
        self.serve(1)
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        status = subprocess.run([str(BIN / "ardus"), "status", "--state", str(self.root / "r1"), "--json"], capture_output=True, text=True, timeout=LONG)
        told = json.loads(status.stdout)
        self.assertEqual({(socket["transport"], socket["address"]) for socket in told["sockets"]},
                         {("tcp", "127.0.0.2:1117"), ("tcp", "127.0.0.2:1834"), ("udp", "239.255.11.17:1117"), ("udp", "127.0.0.2:1834"), ("udp", "0.0.0.0:1835")})
        self.assertEqual(told["receiving_into"], str(self.into(1)))
        self.assertEqual(told["transfers"][0]["state"], "done")

    def test_receive_once_ends_with_the_transfer(self):
        (self.album / "x").write_bytes(noise(500_000, 4))
        receiver = self.start("receive", "--once", "--state", self.root / "r1", "--iface", "lo", "--into", self.into(1), "--json",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Both would take 127.0.0.1: the sender's daemon has its own address.
        with (self.root / "log0").open("w") as log:
            self.start("serve", "--state", self.root / "keeper", "--listen", "127.0.0.4:1117", stdout=log, stderr=log)
        until(lambda: (self.root / "keeper/ardus.sock").exists())
        code, _, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        code, summary, err = self.ended(receiver)
        self.assertEqual((code, summary["sender"]), (0, "keeper"), err)
        self.assertTrue(same_tree(self.album, self.into(1) / "album"))

    def test_only_what_changed_is_sent_again(self):
        (self.album / "x").write_bytes(noise(4_000_000, 5))
        self.serve(1)
        self.assertEqual(self.send(self.album, "--receivers", "1")[0], 0)
        text = bytearray((self.album / "x").read_bytes())
        text[2_000_000:2_000_000] = b"a few bytes more"
        (self.album / "x").write_bytes(text)
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        self.assertLess(summary["bytes_needed"], 600_000)
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual((code, summary["bytes_needed"]), (0, 0), err)

    # --- what goes wrong on the way

    def test_a_killed_receiver_goes_on_from_its_journal(self):
        (self.album / "x").write_bytes(noise(24_000_000, 6))
        receivers = [self.serve(number) for number in (1, 2, 3)]
        sender = self.sending(self.album, "--receivers", "3", "--rate", "60M")
        until(lambda: self.staged(2) > 0 or sender.poll() is not None)
        receivers[1].send_signal(signal.SIGKILL)
        receivers[1].wait()
        self.assertFalse((self.into(2) / "album").exists())
        self.serve(2)
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err)
        self.assert_received(1, 2, 3)
        joined = [line for line in self.log(2).splitlines() if "ardus: joined" in line]
        self.assertIn("bytes_here=0 ", joined[0])
        self.assertNotIn("bytes_here=0 ", joined[1])

    def test_a_killed_sender_started_again_sends_only_the_rest(self):
        (self.album / "x").write_bytes(noise(40_000_000, 7))
        for number in (1, 2):
            self.serve(number)
        (self.into(1) / "album").mkdir(parents=True)
        (self.into(1) / "album/x").write_bytes(b"the old good file")
        # A window of 5.8 MB is whole after 0.6 s and soon noted; the rest takes 3.5 s more.
        sender = self.sending(self.album, "--receivers", "2", "--rate", "80M")
        until(lambda: (self.staged(1) > 0 and self.staged(2) > 0) or sender.poll() is not None)
        self.assertIsNone(sender.poll(), "it was over before it could be killed")
        sender.kill()
        sender.wait()
        self.assertEqual((self.into(1) / "album/x").read_bytes(), b"the old good file")
        code, summary, err = self.send(self.album, "--receivers", "2")
        self.assertEqual(code, 0, err)
        self.assert_received(1, 2)
        self.assertLess(summary["bytes_needed"], 40_000_000)

    def test_a_receiver_that_never_comes_back_is_told_and_stalls_nobody(self):
        (self.album / "x").write_bytes(noise(10_000_000, 8))
        receivers = [self.serve(number) for number in (1, 2)]
        sender = self.sending(self.album, "--receivers", "2", "--rate", "40M", "--patience", "1s")
        while "streaming" not in sender.stdout.readline():
            self.assertIsNone(sender.poll())
        receivers[1].kill()
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 3, err)
        states = {receiver["name"]: receiver for receiver in summary["receivers"]}
        self.assertEqual(states["r1"]["state"], "verified")
        self.assertNotEqual(states["r2"]["state"], "verified")
        self.assertIn("not heard of", states["r2"]["detail"])
        self.assert_received(1)

    def test_late_joiners_get_what_was_sent_and_what_nobody_else_needed(self):
        (self.album / "a").write_bytes(noise(3_000_000, 9))
        (self.album / "b").write_bytes(noise(15_000_000, 10))
        (self.into(1) / "album").mkdir(parents=True)
        shutil.copy(self.album / "a", self.into(1) / "album/a")
        self.serve(1)
        sender = self.sending(self.album, "--receivers", "2", "--wait", "300ms", "--rate", "60M")
        until(lambda: self.staged(1) > 0 or sender.poll() is not None)
        self.serve(2)
        code, summary, err = self.ended(sender)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(summary["receivers"]), 2)
        self.assert_received(1, 2)

    def test_nobody_there_is_no_success(self):
        (self.album / "x").write_bytes(b"x")
        code, summary, err = self.send(self.album, "--wait", "200ms")
        self.assertEqual(code, 3)
        self.assertIn("no receiver joined", summary["detail"])
        self.serve(1)
        code, summary, err = self.send(self.album, "--receivers", "2", "--wait", "500ms", "--patience", "1s")
        self.assertEqual((code, summary["state"]), (3, "partly"))
        self.assertIn("1 of 2", summary["detail"])

    def test_ctrl_c_cancels(self):
        (self.album / "x").write_bytes(b"x")
        sender = self.sending(self.album, "--receivers", "1")
        self.assertIn("scanning", sender.stdout.readline())
        sender.send_signal(signal.SIGINT)
        self.assertEqual(sender.wait(LONG), 130)

    def test_a_file_that_is_not_there_and_a_command_that_is_none(self):
        code, summary, err = self.send(self.root / "nothing")
        self.assertEqual(code, 1)
        self.assertIn("nothing", err)
        for words in (["send"], ["send", "x", "--rate", "fast"], ["receive"], ["send", "x", "--receivers", "0"]):
            self.assertEqual(subprocess.run([str(BIN / "ardus"), *words], capture_output=True, timeout=LONG).returncode, 2, words)

    def test_a_busy_port_is_told_with_who_holds_it(self):
        self.serve(1)
        for words in (("--listen", "127.0.0.2:1117"), ("--listen", "127.0.0.2:2117")):
            second = self.start("serve", "--state", self.root / "r2", *words, "--iface", "lo", "--into", self.into(2), stderr=subprocess.PIPE)
            _, err = second.communicate(timeout=LONG)
            self.assertEqual(second.returncode, 1, err)
            port = 1117 if words[1].endswith(":1117") else 1834  # where the second's own 1117 is elsewhere, that of its reports is busy
            self.assertRegex(err, rf"127.0.0.2:{port}: address already in use: port {port} is held by ardus \(pid \d+\)")
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", 1834))
            (self.album / "x").write_bytes(b"x")
            code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 1)
        self.assertRegex(err, rf"port 1834 is held by python3\S* \(pid {os.getpid()}\)")

    # --- trust

    def test_who_is_in_no_house_is_told_how_to_join(self):
        told = self.start("receive", "--state", self.root / "stranger", "--iface", "lo", "--into", self.into(1), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = told.communicate(timeout=LONG)
        self.assertEqual(told.returncode, 4)
        self.assertIn("ghostlight house join", err)
        (self.album / "x").write_bytes(b"x")
        code, summary, err = self.send(self.album, state="stranger")
        self.assertEqual(code, 4)
        self.assertIn("house", err)

    def test_without_the_role_nothing_is_sent_or_received(self):
        (self.album / "x").write_bytes(b"x")
        self.serve(1, name="mute")
        self.serve(2)
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(2)
        self.assertFalse((self.into(1) / "album").exists())
        until(lambda: "role" in self.log(1))
        self.assertIn("listen", self.log(1))
        code, summary, err = self.send(self.album, state="r3")
        self.assertEqual(code, 4)
        self.assertIn("house invite --roles send", err)

    # --- disks

    def test_a_full_target_is_told_before_a_byte_is_written(self):
        (self.album / "x").write_bytes(noise(3_000_000, 11))
        self.serve(1, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)))
        self.serve(2)
        code, summary, err = self.send(self.album, "--receivers", "2")
        self.assertEqual(code, 3, err)
        states = {receiver["name"]: receiver for receiver in summary["receivers"]}
        self.assertEqual(states["r2"]["state"], "verified")
        self.assertEqual(states["r1"]["state"], "failed")
        self.assertIn("ulimit -f", states["r1"]["detail"])
        self.assertFalse((self.into(1) / "album").exists())

    @unittest.skipUnless(OWN_NAMESPACE in os.environ, "mounts need a namespace")
    def test_small_and_read_only_disks_are_told(self):
        (self.album / "x").write_bytes(noise(3_000_000, 12))
        for number, options in ((1, "size=1m"), (2, "size=9m")):
            self.into(number).mkdir()
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.into(number))], capture_output=True, text=True)
            self.assertEqual(mounted.returncode, 0, mounted.stderr)
            self.addCleanup(subprocess.run, ["umount", "-l", str(self.into(number))])
            self.serve(number)
        self.serve(3)
        subprocess.run(["mount", "-o", "remount,ro", str(self.into(2))], check=True)
        code, summary, err = self.send(self.album, "--receivers", "3")
        self.assertEqual(code, 3, err)
        states = {receiver["name"]: receiver for receiver in summary["receivers"]}
        self.assertIn("are needed and", states["r1"]["detail"])
        self.assertIn("ead-only", states["r2"]["detail"])
        self.assertEqual(states["r3"]["state"], "verified")

    def test_two_sends_cannot_write_outside_the_target(self):
        outside = self.root / "outside"
        outside.mkdir()
        (self.album / "way out").symlink_to(outside)
        self.serve(1)
        self.assertEqual(self.send(self.album, "--receivers", "1")[0], 0)
        self.assertTrue((self.into(1) / "album/way out").is_symlink())
        (self.album / "way out").unlink()
        (self.album / "way out").mkdir()
        (self.album / "way out/owned").write_bytes(b"written outside")
        code, summary, err = self.send(self.album, "--receivers", "1", "--wait", "3s")
        self.assertEqual(code, 3, err)
        self.assertIn("symbolic link", summary["receivers"][0]["detail"])
        self.assertEqual(list(outside.iterdir()), [])


if __name__ == "__main__":
    enter_namespace(Transfers)
    unittest.main()
