#!/usr/bin/env python3
"""ARDUS against Debian's uftp and udpcast, and against a TCP copy for each receiver (netcat, tar for folders; clear, and through openssl's
AES-128-CTR): one sender and several receivers, network namespaces on one bridge, which loses packets or not.

    apt install uftp udpcast netcat-openbsd nftables
    cmake --preset release && cmake --build --preset release --target ardus_app
    cmake --preset dev && cmake --build --preset dev --target make_house
    bench/ardus/run.py                  # --json for a line a cell; needs root, or the right to make namespaces
    bench/ardus/run.py --rivals nc nc-aes --receivers 1 --loss 0    # only with what its programs are for

All run by turns with the same content, on a memory file system (--folder DIR: elsewhere), receivers started before. A run is timed from the
start of the sending command to its end; then the copies are compared. CPU is user and system time of the processes; the kernel charges
delivery to receivers mostly to the sender. Wire: bytes that left the sender's interface, Ethernet headers included, over file bytes.
Figures are medians over the rounds."""
import argparse
import contextlib
import filecmp
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

from measured import add_programs, hosts

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of user and system time, of all threads, and of children that were waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICK


def tree_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [each for child in children for each in tree_of(int(child))]


def kill_tree(process):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for pid in tree_of(process.pid):
            os.kill(pid, signal.SIGKILL)


class Rival:
    """How one program is run. Receivers write into `into(number)`. `called`: by --rivals."""
    files_too = True

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.folder / self.name.replace(" ", "-")

    def into(self, number):
        return self.folder / f"in{number}"

    def received(self, number, content):
        return self.into(number) / content.name


class Ardus(Rival):
    name = "ardus"
    rate = []

    def start(self, number, content):
        state = self.bench.states / f"r{number}"
        log = (self.folder / f"log{number}").open("w")
        process = self.bench.hosts.start(number, self.bench.ardus, "serve", "--state", state, "--listen", "127.0.0.1:1117", "--listen",
                                         f"{self.bench.hosts.address(number)}:1117", "--iface", "eth0", "--into", self.into(number), stdout=log, stderr=log)
        while "receiving" not in (self.folder / f"log{number}").read_text():
            time.sleep(0.01)
        return process

    def send(self, content, receivers):
        return [self.bench.ardus, "send", content, "--state", self.bench.states / "keeper", "--iface", "eth0", "--receivers", receivers, "--json", *self.rate]


class FastArdus(Ardus):
    name = "ardus --rate max"
    called = "ardus-max"
    rate = ["--rate", "max"]


class JumboArdus(Ardus):
    name = "ardus --layout jumbo"
    rate = ["--layout", "jumbo"]


class FastJumboArdus(Ardus):
    name = "the same --rate max"
    rate = ["--layout", "jumbo", "--rate", "max"]


class Uftp(Rival):
    name = called = "uftp"

    def start(self, number, content):
        self.into(number).mkdir(parents=True, exist_ok=True)
        process = self.bench.hosts.start(number, "uftpd", "-d", "-I", "eth0", "-D", self.into(number), "-U", f"0x0000000{number}",
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        return process

    def send(self, content, receivers):
        ids = ",".join(f"0x0000000{number}" for number in range(1, receivers + 1))
        return ["uftp", "-q", "-R", "-1", "-I", "eth0", "-H", ids, content]


class Udpcast(Rival):
    name = called = "udpcast"
    files_too = False

    def received(self, number, content):
        return self.into(number) / "file"

    def start(self, number, content):
        self.into(number).mkdir(parents=True, exist_ok=True)
        process = self.bench.hosts.start(number, "udp-receiver", "--file", self.received(number, content), "--interface", "eth0", "--nokbd",
                                         "--no-progress", "--mcast-rdv-address", "239.1.1.1", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        return process

    def send(self, content, receivers):
        return ["udp-sender", "--file", content, "--interface", "eth0", "--min-receivers", receivers, "--nokbd", "--full-duplex", "--no-progress",
                "--mcast-rdv-address", "239.1.1.1"]


class Tcp(Rival):
    """A copy to each receiver at once. Nothing is hashed, nobody is known."""
    name = called = "nc"
    encrypt = decrypt = ""

    def start(self, number, content):
        into = self.into(number)
        into.mkdir(parents=True, exist_ok=True)
        put = f"tar -x -C '{into}'" if content.is_dir() else f"cat >'{self.received(number, content)}'"
        process = self.bench.hosts.start(number, "sh", "-c", f"nc -l 9000 {self.decrypt} | {put}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        return process

    def send(self, content, receivers):
        get = f"tar -c -C '{content.parent}' '{content.name}'" if content.is_dir() else f"cat '{content}'"
        copies = " ".join(f"{get} {self.encrypt} | nc -N {self.bench.hosts.address(number)} 9000 &" for number in range(1, receivers + 1))
        return ["sh", "-c", copies + " wait"]


class EncryptedTcp(Tcp):
    name = "nc, AES-128-CTR"
    called = "nc-aes"
    encrypt = f"| openssl enc -aes-128-ctr -K {17:032x} -iv {18:032x}"
    decrypt = encrypt.replace("enc ", "enc -d ")


RIVALS = {kind.called: kind for kind in (FastArdus, Uftp, Udpcast, Tcp, EncryptedTcp)}


def same(one, other):
    if one.is_file():
        return other.is_file() and filecmp.cmp(one, other, shallow=False)
    return all(same(path, other / path.name) for path in one.iterdir())


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.ardus = arguments.ardus.resolve()
        self.folder = arguments.folder or pathlib.Path("/run/bench")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.states = self.folder / "states"
        receivers = max(arguments.receivers)
        subprocess.run([str(arguments.make_house.resolve()), str(self.states), "keeper", *(f"r{number}=listen" for number in range(1, receivers + 1))],
                       check=True, stdout=subprocess.DEVNULL)
        self.hosts = None

    def contents(self):
        dice = random.Random(17)
        if self.arguments.megabytes:
            file = self.folder / "image"
            with file.open("wb") as out:
                for _ in range(self.arguments.megabytes):
                    out.write(dice.randbytes(1_000_000))
            yield "file", file, self.arguments.megabytes * 1_000_000
        if self.arguments.files:
            folder = self.folder / "small"
            folder.mkdir()
            for number in range(self.arguments.files):
                (folder / f"{number:05}").write_bytes(dice.randbytes(4096))
            yield "files", folder, self.arguments.files * 4096

    def once(self, rival, content, size, receivers):
        """One transfer, or why there was none."""
        shutil.rmtree(rival.folder, ignore_errors=True)
        rival.folder.mkdir()
        running = [rival.start(number, content) for number in range(1, receivers + 1)]
        trees = [tree_of(process.pid) for process in running]
        before = [sum(map(cpu_of, tree)) for tree in trees]
        bytes_before, _ = self.hosts.sent(0)
        began = time.monotonic()
        sender = self.hosts.start(0, *rival.send(content, receivers), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        result = {"seconds": None, "sender_cpu": None, "receiver_cpu": None}
        end = began + self.arguments.limit
        while time.monotonic() < end and result["seconds"] is None:
            done, status, usage = os.wait4(sender.pid, os.WNOHANG)
            if done:
                sender.returncode = os.waitstatus_to_exitcode(status)
                result = {"seconds": time.monotonic() - began, "exit": sender.returncode, "sender_cpu": usage.ru_utime + usage.ru_stime}
            else:
                time.sleep(0.002)
        if result["seconds"] is None:
            kill_tree(sender)
            result["why"] = f"none in {self.arguments.limit} s"
        else:
            time.sleep(0.3)  # udp-receiver ends by itself, a moment later
            after = []
            for process, tree, was in zip(running, trees, before):
                done, _, usage = os.wait4(process.pid, os.WNOHANG)
                if done:
                    process.returncode = 0
                after.append(usage.ru_utime + usage.ru_stime if done else sum(map(cpu_of, tree)) - was)
            result["receiver_cpu"] = sum(after) / receivers
            wrong = [number for number in range(1, receivers + 1) if not same(content, rival.received(number, content))]
            if wrong:
                result["why"] = f"{len(wrong)} of {receivers} copies wrong or missing, exit {result['exit']}"
            elif result["exit"] != 0:
                result["why"] = f"exit {result['exit']}"
        result["wire"] = (self.hosts.sent(0)[0] - bytes_before) / size
        for process in running:
            if process.returncode is None:
                kill_tree(process)
                process.wait()
        self.hosts.processes.clear()
        shutil.rmtree(rival.folder, ignore_errors=True)
        return result

    def run(self):
        kinds = [Ardus, *(kind for called, kind in RIVALS.items() if called in self.arguments.rivals)]
        if self.arguments.mtu >= 8920:
            kinds += [JumboArdus, *([FastJumboArdus] if FastArdus in kinds else [])]
        rivals = [kind(self) for kind in kinds]
        for name, content, size in self.contents():
            for loss in self.arguments.loss:
                for receivers in self.arguments.receivers:
                    self.hosts = hosts.Hosts(receivers + 1, loss, mtu=self.arguments.mtu)
                    try:
                        taking_part = [rival for rival in rivals if name == "file" or rival.files_too]
                        rounds = {rival: [] for rival in taking_part}
                        for _ in range(self.arguments.rounds):
                            for rival in taking_part:
                                rounds[rival].append(self.once(rival, content, size, receivers))
                        yield from self.cells(rounds, name, size, loss, receivers)
                    finally:
                        self.hosts.close()

    @staticmethod
    def cells(rounds, name, size, loss, receivers):
        reference = None
        for rival, results in rounds.items():
            good = [result for result in results if "why" not in result]
            cell = {"v": 1, "event": "cell", "what": name, "bytes": size, "loss": loss, "receivers": receivers, "program": rival.name, "rounds": len(results),
                    "failed": [result["why"] for result in results if "why" in result]}
            if good:
                for key in ("seconds", "wire", "sender_cpu", "receiver_cpu"):
                    cell[key] = statistics.median(result[key] for result in good)
                cell["mbit"] = size * 8 / 1e6 / cell["seconds"]
                cell["sender_cpu_per_gb"] = cell["sender_cpu"] / size * 1e9
                cell["receiver_cpu_per_gb"] = cell["receiver_cpu"] / size * 1e9
                reference = reference or cell["mbit"]
                cell["of_ardus"] = cell["mbit"] / reference
            yield cell


def row(cell):
    start = f"{cell['what']:5} {cell['receivers']:3} {cell['loss'] * 100:4.1f} %  {cell['program']:23}"
    failed = f"  {'; '.join(cell['failed'])}" if cell["failed"] else ""
    if "mbit" not in cell:
        return start + failed
    return start + (f"{cell['seconds']:7.2f} s {cell['mbit']:7.0f} Mbit/s  x{cell['of_ardus']:4.2f}  wire {cell['wire']:.3f}  "
                    f"CPU s/GB {cell['sender_cpu_per_gb']:5.2f} + {cell['receiver_cpu_per_gb']:5.2f}") + failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_programs(parser)
    parser.add_argument("--receivers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--loss", type=float, nargs="+", default=[0, 0.01])
    parser.add_argument("--megabytes", type=int, default=256, help="of one file; 0: none is sent")
    parser.add_argument("--files", type=int, default=0, metavar="N", help="also send so many files of 4 KiB")
    parser.add_argument("--mtu", type=int, default=1500, help="of every interface; from 8920 on ardus is also told to take the jumbo layout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=40, help="seconds until a transfer counts as hung")
    parser.add_argument("--folder", type=pathlib.Path, help="for content and copies, instead of memory")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--rivals", nargs="+", metavar="NAME", choices=RIVALS, default=list(RIVALS), help=f"run by turns with ardus, instead of all: {', '.join(RIVALS)}")
    who.add_argument("--only-ardus", dest="rivals", action="store_const", const=[FastArdus.called], help="without other programs: the same as --rivals ardus-max")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not hosts.enter_own_namespaces():
        sys.exit("network namespaces can't be made here, or ip, unshare or nft is missing")
    if not arguments.json:
        print("what  receivers, loss, program        wall, goodput, ratio to ardus, wire bytes a byte, CPU of sender + each receiver")
    cells = []
    for cell in Bench(arguments).run():
        cells.append(cell)
        print(json.dumps(cell) if arguments.json else row(cell), flush=True)
    if arguments.json:
        print(json.dumps({"v": 1, "event": "summary", "cells": len(cells), "failed": sum(len(cell["failed"]) for cell in cells)}))


if __name__ == "__main__":
    main()
