#!/usr/bin/env python3
"""b2spec itself: every rule it quotes stands in the specification, an implementation that keeps them all passes, and for each case one
that breaks the rule is caught."""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "apps/b2spec/b2spec"
sys.path[:0] = [str(ROOT / "apps/b2spec"), str(ROOT / "tests/b2spec")]
sys.dont_write_bytecode = True
warnings.simplefilter("ignore", ResourceWarning)  # of connections whose threads are on their way out

from reference import Shared  # noqa: E402
from reference_client import run_client  # noqa: E402
from reference_server import Server  # noqa: E402
from kit import cases as book  # noqa: E402
from kit.transport import Address, Closed, Refused  # noqa: E402
from kit.world import ClientWorld, ServerWorld  # noqa: E402

CASES = book.load(ROOT / "docs/spec/conformance")
SCALE = 0.02  # of 5, 10, 15 seconds
KINDS = {"server": ("tcp", "unix", "tls"), "ws": ("ws",), "client": ("tcp", "ws")}
FOLDER = tempfile.TemporaryDirectory(prefix="b2spec-")


def certificate():
    files = [f"{FOLDER.name}/certificate.pem", f"{FOLDER.name}/key.pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=reference", "-days", "2", "-out", files[0], "-keyout", files[1]],
                   check=True, capture_output=True)
    return files


CERTIFICATE = certificate()


def kind_for(case, profile):
    return next((kind for kind in KINDS[profile] if kind in case.told.get("over", [kind])), None)


def try_server(case, profile, kind, broken, patience):
    scale = SCALE if case.slow else 1
    def fresh():
        server = Server(FOLDER.name, Shared(broken, scale), CERTIFICATE)
        server.address = {"unix": "unix:" + server.path, "tls": "tls:" + server.address}.get(kind, server.address)
        return server

    server = fresh()
    try:
        return book.run(case, ServerWorld(profile, server.address, fresh=fresh, patience=patience, scale=scale))
    finally:
        server.close()


def try_client(case, kind, broken, patience):
    world = ClientWorld("127.0.0.1:0", kind == "ws", arrival=min(patience * 3, 20), patience=patience)

    def client():
        try:
            run_client(Address(world.where), Shared(broken), kind == "ws")
        except (Refused, Closed, OSError):
            pass  # the case is over

    thread = threading.Thread(target=client, daemon=True)
    thread.start()
    try:
        return book.run(case, world)
    finally:
        world.close()


def attempt(case, profile, kind, broken, patience):
    if profile == "client":
        return try_client(case, kind, broken, patience)
    return try_server(case, profile, kind, broken, patience)


def attempts(plan, patience):
    """[(case, profile, kind, broken)] side by side; pairs of what was tried and its outcome."""
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        return list(zip(plan, pool.map(lambda each: attempt(*each, patience), plan)))


def plain(text):
    return re.sub(r"\s+", " ", text)


class Cases(unittest.TestCase):
    def test_each_quotes_a_rule_that_stands_in_the_specification(self):
        text = plain((ROOT / "docs/spec/b2.md").read_text())
        missing = [f"{case.id}: {case.rule}" for case in CASES if plain(case.rule) not in text]
        self.assertEqual(missing, [])

    def test_names_are_used_once(self):
        names = [case.id for case in CASES]
        self.assertEqual(len(names), len(set(names)))

    def test_an_implementation_that_keeps_the_rules_passes(self):
        plan = [(case, profile, kind_for(case, profile), None) for case in CASES for profile in case.told["profiles"]]
        failed = [f"{profile} {case.id} at {outcome.step}: {outcome.why}\n    " + "\n    ".join(outcome.trace)
                  for (case, profile, _, _), outcome in attempts(plan, 20) if outcome.verdict != "passed"]
        self.assertEqual(failed, [], "\n".join(failed))

    def test_each_catches_an_implementation_that_breaks_its_rule(self):
        plan = [(case, profile, kind_for(case, profile), case.told["caught_by"]) for case in CASES for profile in case.told["profiles"]]
        missed = [f"{profile} {case.id}: {case.told['caught_by']} {outcome.verdict}" for (case, profile, _, _), outcome in attempts(plan, 0.3)
                  if outcome.verdict not in ("failed", "remark")]
        self.assertEqual(missed, [], "\n".join(missed))


class Program(unittest.TestCase):
    def run_it(self, *words, **options):
        return subprocess.run([sys.executable, str(PROGRAM), *words], capture_output=True, text=True, timeout=120, **options)

    def setUp(self):
        self.server = Server(FOLDER.name, Shared())
        self.addCleanup(self.server.close)

    def test_a_server_that_passes_is_told_in_tap(self):
        done = self.run_it("server", self.server.address, "--case", "hello/*")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^TAP version 14\n1\.\.\d+\nok 1 - hello/fields\n")
        self.assertRegex(done.stdout, r"# \d+ passed, 0 failed, 0 remark, 0 skipped in [\d.]+ s\n$")

    def test_a_rule_that_is_broken_is_told_with_its_words(self):
        self.server.shared.broken = "another-pong"
        done = self.run_it("server", self.server.address, "--case", "connection/ping", "--verbose")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not ok 1 - connection/ping", done.stdout)
        self.assertIn("is answered at once by PONG with the same payload", done.stdout)
        self.assertIn("<- PONG with 8 bytes", done.stdout)

    def test_json_is_a_line_a_case_and_a_summary(self):
        done = self.run_it("server", "unix:" + self.server.path, "--case", "rights/*", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["event"] for event in events], ["case"] * (len(events) - 1) + ["summary"])
        self.assertEqual({event["v"] for event in events}, {1})
        self.assertEqual(events[-1]["failed"], 0, done.stdout)

    def test_list_names_every_case_of_the_profile(self):
        done = self.run_it("client", "--list")
        self.assertEqual(sum(1 for line in done.stdout.splitlines() if not line.startswith(" ")), sum("client" in case.told["profiles"] for case in CASES))

    def test_a_server_that_is_started_is_started_anew_for_each_case_that_ends_it(self):
        done = self.run_it("server", "--case", "drain/*", "--case", "hello/fields", "--quick", "--", sys.executable, str(ROOT / "tests/b2spec/reference_server.py"), "{}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("SKIP", done.stdout)
        told = self.run_it("server", self.server.address, "--case", "drain/*", "--case", "hello/fields")
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertEqual(set(re.findall(r"# SKIP (.*)", told.stdout)), {"it ends the server, which b2spec has not started: say -- COMMAND"})

    def test_a_server_that_does_not_start_is_told(self):
        done = self.run_it("server", "--", "false")
        self.assertEqual((done.returncode, done.stderr), (1, "b2spec: false ended, or said no address on its standard output\n"))

    def test_nobody_there_is_told(self):
        done = self.run_it("server", "127.0.0.1:1")
        self.assertEqual((done.returncode, "127.0.0.1:1" in done.stderr), (1, True))

    def test_a_command_line_that_is_none_is_told(self):
        for words in (["serve", "x"], ["server"], ["server", self.server.address, "--", "true"], ["server", "nowhere"], ["server", self.server.address, "--case", "no/such"], ["client", "x"], ["server", "--cases", "/nowhere", "--list"]):
            done = self.run_it(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr.startswith("b2spec: "), done.stderr)

    def test_a_client_that_never_comes_is_told(self):
        done = self.run_it("client", "--patience", "1", "--case", "connection/ping", "--", "true")
        self.assertEqual(done.returncode, 1)

    def test_a_token_may_begin_as_an_option_does(self):
        done = self.run_it("ws", self.server.address, "--token", "-x", "--case", "websocket/*", "--list")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_help_has_examples(self):
        done = self.run_it("--help")
        self.assertIn("Examples:", done.stdout)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
