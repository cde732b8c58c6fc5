"""Who may do what at a running host: another user of the machine, a member with a role, one with another, one that was taken out."""
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["GHOST_BIN"])
RIGHTS = """
[[rights]]
match = "portlight.v1.Ports/*"
allow = ["role:grab"]

[[rights]]
match = "b2.v1.Host/List"
allow = ["admin"]

[[rights]]
topic = "archive.>"
publish = ["role:grab"]
"""


class Host(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="ghost-trust-"))
        cls.directory.chmod(0o755)
        cls.state, cls.config = cls.directory / "keeper", cls.directory / "ghostlight.toml"
        cls.config.write_text(RIGHTS)
        cls.log_file = open(cls.directory / "log", "w")
        cls.run_ok("ghostlight", "house", "create", "Archive", "--state", cls.state, "--name", "keeper")
        cls.host = subprocess.Popen([BIN / "ghostlight", "up", "--state", cls.state, "--config", cls.config, "--listen", "127.0.0.1:0", "--free-ports",
                                     "--ready-file", cls.directory / "ready"], stdout=subprocess.DEVNULL, stderr=cls.log_file)
        cls.until(lambda: (cls.directory / "ready").exists() and (cls.directory / "ready").read_text().endswith("\n"))
        url = (cls.directory / "ready").read_text().strip()
        cls.port, cls.token = re.search(r":(\d+)/#t=(.*)", url).groups()
        cls.until(lambda: cls.tool("b2", "call", "--state", cls.state, "portlight.v1.Ports/List", "{}").returncode == 0)

    @classmethod
    def tearDownClass(cls):
        cls.host.terminate()
        cls.host.wait(30)
        cls.log_file.close()
        shutil.rmtree(cls.directory)

    @staticmethod
    def until(done, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.1)

    @staticmethod
    def tool(program, *arguments, **more):
        return subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True, timeout=120, **more)

    @classmethod
    def run_ok(cls, program, *arguments, **more):
        done = cls.tool(program, *arguments, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self):
        return (self.directory / "log").read_text()

    def refused(self):
        stats = json.loads(self.run_ok("b2", "call", "--state", self.state, "b2.v1.Core/Stats", "{}"))
        return sum(int(one["count"]) for one in stats.get("refusedFor", []) if one["reason"] == "call_right")

    def join(self, name, roles):
        invited = json.loads(self.run_ok("ghostlight", "house", "invite", "--state", self.state, "--roles", roles, "--json"))
        (self.directory / "code").write_text(invited["code"])
        self.run_ok("ghostlight", "house", "join", "--state", self.directory / name, "--name", name, "--at", f"127.0.0.1:{self.port}",
                    "--code-file", self.directory / "code")
        return self.directory / name

    def call(self, state, method, request="{}"):
        return self.tool("b2", "call", "--at", f"tls:127.0.0.1:{self.port}", "--state", state, method, request)


class StrangersTest(Host):
    """Other users of the machine."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0 or not shutil.which("runuser"):
            raise unittest.SkipTest("another user's processes can be started by root only")
        super().setUpClass()
        shutil.copy(BIN / "b2", cls.directory / "b2")

    def as_nobody(self, *arguments):
        return subprocess.run(["runuser", "-u", "nobody", "--", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "XDG_RUNTIME_DIR": "/nonexistent"}, cwd="/")

    def b2(self, *arguments):
        return self.as_nobody(self.directory / "b2", *arguments)

    def test_loopback_gives_them_health_and_what_is_public_and_no_more(self):
        at = f"127.0.0.1:{self.port}"
        self.assertEqual(self.b2("call", "--at", at, "b2.v1.Core/Health", "{}").returncode, 0)
        for method, request in (("b2.v1.Host/List", "{}"), ("b2.v1.Host/Restart", '{"name":"portlight"}'), ("b2.v1.Core/Stats", "{}"), ("b2.v1.Topics/Publish", '{"subject":"a"}')):
            before = self.refused()
            done = self.b2("call", "--at", at, method, request)
            self.assertEqual(done.returncode, 4, method + done.stderr)
            self.assertIn("loopback TCP without a token, which any user of the machine could make", done.stderr)
            self.assertGreater(self.refused(), before, method)

    def test_the_unix_socket_knows_them_by_their_user_id(self):
        socket = self.state / "b2.sock"
        shut = self.b2("call", "--at", f"unix:{socket}", "b2.v1.Host/List", "{}")
        self.assertNotEqual(shut.returncode, 0, "the folder is its owner's")
        mode = self.state.stat().st_mode & 0o777, socket.stat().st_mode & 0o777
        try:
            self.state.chmod(0o711)
            socket.chmod(0o666)
            done = self.b2("call", "--at", f"unix:{socket}", "b2.v1.Host/List", "{}")
        finally:
            self.state.chmod(mode[0])
            socket.chmod(mode[1])
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("runs as user id 65534", done.stderr)

    def test_http_asks_them_for_the_token(self):
        for header, told in (((), "the request bears no token"), (("-H", "authorization: Bearer wrong"), "token")):
            done = self.as_nobody("curl", "-s", "-w", "\n%{http_code}", "-H", "content-type: application/json", *header, "-d", "{}",
                                  f"http://127.0.0.1:{self.port}/b2.v1.Host/List")
            body, status = done.stdout.rsplit("\n", 1)
            self.assertEqual(status, "401", done.stdout)
            self.assertIn(told, body)
        self.assertEqual(self.as_nobody("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{self.port}/metrics").stdout, "401")

    def test_the_secrets_are_out_of_their_reach(self):
        for name in ("node.key", "house/house.key", "console.url", "revocations", "membership.pem"):
            self.assertNotEqual(self.as_nobody("cat", self.state / name).returncode, 0, name)
        ready = self.directory / "ready"
        self.assertEqual(ready.stat().st_mode & 0o777, 0o600, "it tells the token")

    def test_whoever_keeps_trying_gets_a_few_lines_in_the_log_and_is_counted_each_time(self):
        self.until(lambda: "b2: a caller was refused" in self.log() or self.b2("call", "--at", f"127.0.0.1:{self.port}", "b2.v1.Core/Stats", "{}") is None)
        before = self.refused()
        for _ in range(12):
            self.b2("call", "--at", f"127.0.0.1:{self.port}", "b2.v1.Core/Stats", "{}")
        self.assertGreaterEqual(self.refused(), before + 12)
        lines = [line for line in self.log().splitlines() if "b2: a caller was refused peer=127.0.0.1:" in line]
        self.assertIn(len(lines), range(1, 8), "\n".join(lines))
        self.assertIn("warning", lines[0])
        self.assertIn("needs a member of the house", lines[0])


class MembersTest(Host):
    """Rights by the configuration."""

    def test_a_row_narrows_what_members_may_call_and_describe_tells_it(self):
        grabber, sender = self.join("grabber", "grab"), self.join("sender", "send")
        self.assertEqual(self.call(grabber, "portlight.v1.Ports/List").returncode, 0)
        done = self.call(sender, "portlight.v1.Ports/List")
        self.assertEqual(done.returncode, 4)
        self.assertIn("portlight.v1.Ports/List needs the role 'grab'", done.stderr)
        self.assertEqual(self.call(sender, "b2.v1.Host/List").returncode, 4)
        self.assertEqual(self.call(sender, "b2.v1.Core/Stats").returncode, 0, "no row fits it")
        told = self.run_ok("b2", "describe", "--state", self.state, "b2.v1.Host")
        self.assertRegex(told, r"//   List +admin\n")
        self.assertRegex(self.log(), r"warning b2: a caller was refused peer=127.0.0.1:\d+ node=\S+ why=.*needs the role 'grab'")

    def test_a_row_narrows_what_members_may_publish(self):
        grabber, sender = self.join("grabber2", "grab"), self.join("sender2", "send")
        message = '{"subject":"archive.disc","data":"aGk="}'
        self.assertEqual(self.call(grabber, "b2.v1.Topics/Publish", message).returncode, 0)
        before = self.refused()
        done = self.call(sender, "b2.v1.Topics/Publish", message)
        self.assertEqual(done.returncode, 4)
        self.assertIn("publishing under 'archive.disc' needs the role 'grab'", done.stderr)
        self.assertEqual(self.refused(), before + 1)

    def test_config_shows_the_rows_and_tells_a_mistake_with_its_line(self):
        shown = self.run_ok("ghostlight", "config", "--config", self.config)
        self.assertIn(f"[[rights]]  # {self.config}:2\n", shown)
        self.assertIn('allow = ["role:grab"]', shown)
        wrong = self.directory / "wrong.toml"
        wrong.write_text('[b2]\nname = "x"\n\n[[rights]]\nmatch = "b2.v1.Host/*"\nallow = ["public"]\n')
        for arguments in (("config", "--config", wrong), ("up", "--state", self.directory / "other", "--config", wrong)):
            done = self.tool("ghostlight", *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"{wrong}:4: [[rights]] allow: the table of rights never opens anything to strangers", done.stderr)

    def test_a_node_that_was_taken_out_is_refused_and_told_so_and_comes_back(self):
        studio = self.join("studio", "admin")
        self.assertEqual(self.call(studio, "b2.v1.Host/List").returncode, 0)
        self.assertIn("is out of house 'Archive'", self.run_ok("ghostlight", "house", "revoke", "studio", "--state", self.state))
        self.assertRegex(self.run_ok("ghostlight", "house", "list", "--state", self.state), r"studio .* out since ")
        self.until(lambda: self.call(studio, "b2.v1.Host/List").returncode == 4)
        self.assertIn("was taken out of house 'Archive'", self.call(studio, "b2.v1.Host/List").stderr)
        self.assertEqual(self.tool("ghostlight", "house", "renew", "--state", studio).returncode, 4)
        self.run_ok("ghostlight", "house", "revoke", "--undo", "studio", "--state", self.state)
        self.until(lambda: self.call(studio, "b2.v1.Host/List").returncode == 0)
        self.assertRegex(self.run_ok("ghostlight", "house", "renew", "--state", studio), "until 20")


del Host

if __name__ == "__main__":
    unittest.main(verbosity=2)
