"""Hosts on one switch: network namespaces whose links meet in a bridge, which may lose packets. For tests and benchmarks; needs the right
to make namespaces, and gives them all back at the end."""
import contextlib
import os
import shutil
import subprocess
import sys
import time

ENTERED = "GHOST_HOSTS_ENTERED"
LONG = 120  # seconds; waits end as soon as what they wait for is there


def until(what, why="waited in vain", seconds=LONG):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.02)
    raise AssertionError(why() if callable(why) else why)


def enter_own_namespaces():
    """Runs this program again in a network and a mount namespace of its own, so that nothing of the system's is touched. True when it is
    there; False when no namespaces can be made here."""
    if ENTERED in os.environ:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        return True
    if command := can_enter():
        os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**os.environ, ENTERED: "1"})
    return False


def can_enter():
    """The command that makes such namespaces here; None when they can't be made."""
    for command in (["unshare", "--net", "--mount"], ["unshare", "--map-root-user", "--net", "--mount"]):
        tried = "mount -t tmpfs tmpfs /run && ip netns add try && ip netns exec try true && nft list ruleset"
        if shutil.which("unshare") and subprocess.run([*command, "sh", "-c", tried], capture_output=True).returncode == 0:
            return command
    return None


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


class Hosts:
    """Host 0 … count−1 with the addresses 10.11.17.1 … on `eth0`. With `ips`, those a host has: "4", "6" (2001:db8:1117::1 …) and "link" (fe80::1117:1 …)."""

    def __init__(self, count, loss=0.0, switch=(), mtu=1500, ips=None):
        self.names = [f"host{number}" for number in range(count)]
        self.processes = []
        run("ip", "link", "add", "switch", "type", "bridge", *(switch or ("mcast_snooping", "0")))
        run("ip", "link", "set", "switch", "up")
        for number, name in enumerate(self.names):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"port{number}", "mtu", mtu, "master", "switch", "up")
            run("ip", "-n", name, "link", "set", "eth0", "mtu", mtu)
            has = ("4",) if ips is None else ips(number)
            if ips is not None:  # addresses are there at once, and no others
                off = 0 if set(has) & {"6", "link"} else 1
                run("ip", "netns", "exec", name, "sysctl", "-qw", f"net.ipv6.conf.eth0.disable_ipv6={off}", f"net.ipv6.conf.default.disable_ipv6={off}", "net.ipv6.conf.eth0.addr_gen_mode=1",
                    "net.ipv6.conf.eth0.accept_dad=0", "net.ipv6.conf.eth0.accept_ra=0")
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            if "4" in has:
                run("ip", "-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
                run("ip", "-n", name, "route", "add", "224.0.0.0/4", "dev", "eth0")
            if "6" in has:
                run("ip", "-n", name, "addr", "add", f"{self.address6(number)}/64", "dev", "eth0", "nodad")
            if "link" in has:
                run("ip", "-n", name, "addr", "add", f"{self.address_of_link(number)}/64", "dev", "eth0", "nodad")
            if loss:
                run("ip", "netns", "exec", name, "nft", "-f", "-", input=f"""table inet loss {{
 chain input {{
  type filter hook input priority 0;
  iifname "eth0" numgen random mod 10000 < {round(loss * 10000)} counter drop
 }}
}}
""")

    @staticmethod
    def address(number):
        return f"10.11.17.{number + 1}"

    @staticmethod
    def address6(number):
        return f"2001:db8:1117::{number + 1}"

    @staticmethod
    def address_of_link(number):
        return f"fe80::1117:{number + 1}"

    def start(self, number, *words, **options):
        process = subprocess.Popen(["ip", "netns", "exec", self.names[number], *map(str, words)], text=True, **options)
        self.processes.append(process)
        return process

    def sent(self, number):
        """(bytes, packets) that left this host."""
        with contextlib.suppress(IndexError):
            lines = run("ip", "-n", self.names[number], "-s", "link", "show", "eth0").splitlines()
            row = lines[next(i for i, line in enumerate(lines) if "TX:" in line) + 1].split()
            return int(row[0]), int(row[1])
        return 0, 0

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        for number, name in enumerate(self.names):  # a namespace takes its end of a link away some time later
            subprocess.run(["ip", "link", "delete", f"port{number}"], capture_output=True)
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        subprocess.run(["ip", "link", "delete", "switch"], capture_output=True)
