#!/usr/bin/env python3
"""portlight as a user runs it: a zoo of servers, hidden listeners in namespaces of their own, deleted programs, other users."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402

BIN = pathlib.Path(os.environ["GHOST_BIN"])
LONG = 60
ROOT = os.geteuid() == 0

# Listens on a free port, prints it, and stays until stdin ends. What stands for MORE is done between.
LISTEN = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def check(result):
    if result != 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
MORE
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""
PLAIN = 'listener = socket.create_server(("127.0.0.1", 0))'


class Listening:
    """A process that runs LISTEN with some lines of its own."""

    def __init__(self, more=PLAIN, before=(), **options):
        self.process = subprocess.Popen([*before, sys.executable, "-c", LISTEN.replace("MORE", more)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise AssertionError("it could not listen")
        self.port = int(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(LONG)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class PortlightTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.state = tempfile.TemporaryDirectory(prefix="ghost-portlight-")

    @classmethod
    def tearDownClass(cls):
        cls.state.cleanup()

    def run_it(self, *words, **options):
        return subprocess.run([str(BIN / "portlight"), *words, "--state", self.state.name], capture_output=True, text=True, timeout=LONG, **options)

    def listeners(self, *words, **options):
        done = self.run_it(*words, "--json", **options)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertTrue(lines, done.stderr)
        self.assertEqual(lines[-1]["event"], "summary")
        self.assertEqual(lines[-1]["code"], done.returncode)
        return lines[:-1], lines[-1]

    def only(self, port, *words):
        found, _ = self.listeners(str(port), *words)
        self.assertEqual(len(found), 1, found)
        return found[0]


class Listing(PortlightTest):
    def test_a_listener_has_its_owner_and_every_field(self):
        with Listening() as one:
            found = self.only(one.port)
            self.assertEqual(set(found), {"v", "event", "proto", "address", "port", "netns", "registry", "identity", "owner", "exposure", "novelty", "verdict", "why"})
            self.assertEqual((found["proto"], found["address"], found["netns"], found["exposure"]), ("tcp", "127.0.0.1", "", "loopback"))
            self.assertEqual(found["owner"]["pid"], one.process.pid)
            self.assertIn(str(one.port), found["why"])

    def test_without_identification_nothing_is_asked(self):
        found = self.listeners("--level", "off")[0]
        self.assertTrue(all(one["identity"]["status"] == "not_probed" for one in found))

    def test_wrong_ports_and_names_are_told_as_such(self):
        for word, told in [("70000", "1 to 65535"), ("0", "1 to 65535"), ("9-3", "ends before it begins"), ("foo-bar-baz", "no registered name"), ("identfy", "did you mean: portlight identify?")]:
            answer = self.run_it(word)
            self.assertEqual(answer.returncode, 2, answer)
            self.assertIn(told, answer.stderr)
        for words in [("why", "70000"), ("why", "nobody-has-this"), ("identify", "70000"), ("identify", "here:there"), ("registry", "show", "70000"), ("registry", "show", "nobody-has-this")]:
            with self.subTest(words=words):
                self.assertEqual(self.run_it(*words).returncode, 2)

    def test_a_port_nobody_listens_on_is_a_negative_answer(self):
        with Listening() as one:
            port = one.port
        answer = self.run_it(str(port))
        self.assertIn(answer.returncode, (1, 3))
        self.assertIn("nothing that I can see listens there", answer.stderr)


class Registry(PortlightTest):
    def test_why_2256_quotes_its_row(self):
        text = self.run_it("why", "2256", "--level", "off").stdout
        self.assertIn("Port 2256 is registered with IANA:", text)
        self.assertIn('pcc-mfp, "PCC MFP", tcp,udp; assignee Kunihiko Morota; registered 2005-08', text)

    def test_history_search_and_diff(self):
        self.assertIn("2114/tcp: ariascribe, formerly newheights", self.run_it("registry", "history", "2114").stdout)
        self.assertIn("ariascribe", self.run_it("registry", "search", "classical music").stdout)
        self.assertIn("newheights", self.run_it("registry", "diff").stdout)
        rows = [json.loads(line) for line in self.run_it("registry", "show", "1115-1117", "--json").stdout.splitlines()]
        self.assertEqual({row["name"] for row in rows[:-1]}, {"ardus-trns", "ardus-cntl", "ardus-mtrns"})
        self.assertIn("1491", self.run_it("registry", "show", "1491").stdout)
        self.assertEqual(self.run_it("registry", "show", "3546").stdout, "3546 is unassigned\n")

    def test_a_newer_file_is_taken_and_a_broken_one_is_not(self):
        heading = ("Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference,Service Code,"
                   "Unauthorized Use Reported,Assignment Notes\n")
        with tempfile.TemporaryDirectory() as folder:
            file, state = pathlib.Path(folder) / "new.csv", folder + "/state"

            def portlight(*words):
                return subprocess.run([str(BIN / "portlight"), *words, "--state", state], capture_output=True, text=True, timeout=LONG)

            file.write_text(heading + "x,99999,tcp,,,,,,,,,\n")
            broken = portlight("registry", "update", str(file))
            self.assertEqual(broken.returncode, 1)
            self.assertIn(f"{file}: line 2: '99999' is no port number", broken.stderr)
            self.assertFalse((pathlib.Path(state) / "portlight" / "registry.tsv").exists())
            file.write_text(heading + "b2-next,2203,tcp,b2 at last,[Some_Body],,2027-01-01,,,,,\n")
            self.assertEqual(portlight("registry", "update", str(file)).returncode, 0)
            self.assertIn("2203/tcp: b2-next, formerly b2-runtime", portlight("registry", "history", "2203").stdout)
            (pathlib.Path(state) / "portlight" / "registry.tsv").write_text("rubbish\n")
            hurt = portlight("registry", "show", "2203")
            self.assertEqual(hurt.returncode, 2)
            self.assertIn("delete the file", hurt.stderr)


class Identification(PortlightTest):
    def test_the_zoo_is_named_right(self):
        with tempfile.TemporaryDirectory() as folder:
            keeper = subprocess.Popen([sys.executable, zoo.__file__, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                cages = []
                for line in keeper.stdout:
                    if line == "ready\n":
                        break
                    transport, port, name = line.split(maxsplit=2)
                    cages.append((transport, int(port), name.strip()))
                found = {(one["proto"], one["port"]): one["identity"] for one in self.listeners(*(str(port) for _, port, _ in cages), "--level", "all")[0]}
                wrong = []
                for transport, port, name in cages:
                    row = zoo.TCP.get(name, (None, "https", "zoo", "2.0") if name == "https" else (None, name, "", ""))
                    identity = found[transport, port]
                    if (identity["protocol"], identity["product"], identity["version"]) != row[1:]:
                        wrong.append((name, row[1:], identity))
                self.assertGreaterEqual(len(cages), 24)
                self.assertLessEqual(len(wrong), 0.05 * len(cages), wrong)
                self.assertIsNone(keeper.poll())
            finally:
                keeper.stdin.close()
                keeper.stdout.close()
                keeper.wait(LONG)

    def test_another_host_is_asked_only_at_a_level_that_is_named(self):
        answer = self.run_it("identify", "192.0.2.1:80")
        self.assertEqual(answer.returncode, 4)
        self.assertIn("name a level", answer.stderr)

    def test_a_silent_listener_is_not_waited_for_long(self):
        with Listening() as one:
            identity = self.only(one.port, "--level", "safe")["identity"]
            self.assertEqual(identity["status"], "silent")
            self.assertEqual(self.run_it("identify", str(one.port)).returncode, 1)


@unittest.skipUnless(ROOT, "namespaces, memfd owners and other users need root")
class Hidden(PortlightTest):
    def test_in_a_namespace_that_has_a_name(self):
        name = f"ghost-{os.getpid()}"
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest(made.stderr)
        try:
            with Listening('listener = socket.create_server(("0.0.0.0", 0))', before=["ip", "netns", "exec", name]) as one:
                found = self.only(one.port)
                self.assertEqual(found["netns"], name)
                self.assertEqual(found["owner"]["pid"], one.process.pid)
                self.assertEqual(self.listeners("--here", str(one.port))[0], [])
        finally:
            subprocess.run(["ip", "netns", "del", name], check=True)

    def test_in_a_namespace_without_process_and_mount(self):
        more = """home = os.open("/proc/self/ns/net", os.O_RDONLY)
check(libc.unshare(0x40000000))
listener = socket.socket()
listener.bind(("0.0.0.0", 0)); listener.listen()
check(libc.setns(home, 0x40000000)); os.close(home)"""
        with Listening(more) as one:
            found = self.only(one.port)
            self.assertRegex(found["netns"], r"^net:\[\d+\]$")
            self.assertEqual(found["owner"]["pid"], one.process.pid)

    def test_in_flight_between_processes_is_never_called_fine(self):
        more = """listener = socket.create_server(("127.0.0.1", 0))
left, right = socket.socketpair()
socket.send_fds(left, [b"x"], [listener.fileno()])
class Gone:
    name = listener.getsockname()
    def getsockname(self): return self.name
listener.close(); listener = Gone()"""
        with Listening(more) as one:
            found = self.only(one.port, "--level", "off")
            self.assertIn(found["owner"]["status"], ("no_descriptor", "not_visible"))
            self.assertIn(found["verdict"], ("warn", "unknown"))

    def test_a_deleted_program_warns_and_one_from_memory_alarms(self):
        python = pathlib.Path(sys.executable).resolve()
        script = LISTEN.replace("MORE", PLAIN)
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "copy"
            shutil.copy(python, copy)
            environment = {**os.environ, "PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
            with subprocess.Popen([str(copy), "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
                port = int(process.stdout.readline())
                copy.unlink()
                found = self.only(port, "--level", "off")
                self.assertEqual((found["owner"]["status"], found["verdict"]), ("deleted", "warn"))
                process.stdin.close()
            memory = os.memfd_create("ghost")
            os.write(memory, python.read_bytes())
            with subprocess.Popen([f"/proc/self/fd/{memory}", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[memory], env=environment) as process:
                found = self.only(int(process.stdout.readline()), "--level", "off")
                self.assertEqual((found["owner"]["status"], found["verdict"]), ("deleted", "alert"))
                self.assertIn("memory", found["why"])
                process.stdin.close()
            os.close(memory)

    def test_what_another_user_cannot_see_is_said_and_never_ok(self):
        with Listening() as one, tempfile.TemporaryDirectory() as state:
            os.chmod(state, 0o777)
            shutil.copy(BIN / "portlight", state)
            done = subprocess.run([state + "/portlight", str(one.port), "--json", "--level", "off", "--state", state], capture_output=True, text=True, timeout=LONG, user=65534, group=65534, extra_groups=[])
            found, summary = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual((found["owner"]["status"], found["owner"]["user"], found["verdict"]), ("not_visible", "root", "unknown"))
            self.assertTrue(any("need root" in one for one in summary["unseen"]))

    @unittest.skipUnless(pathlib.Path("/usr/bin/python3").exists() and pathlib.Path("/var/lib/dpkg/info").exists(), "no Debian package to verify")
    def test_a_program_of_a_package_is_verified(self):
        with subprocess.Popen(["/usr/bin/python3", "-c", LISTEN.replace("MORE", PLAIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            owner = self.only(int(process.stdout.readline()), "--level", "off")["owner"]
            self.assertEqual(owner["status"], "package_verified")
            self.assertRegex(owner["package"], "^python3")
            process.stdin.close()


if __name__ == "__main__":
    unittest.main(verbosity=1)
