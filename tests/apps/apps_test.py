#!/usr/bin/env python3
"""The programs as a user runs them: a host and its children, calls, a crash, a busy port, a house. On free ports of loopback."""
import base64
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

BIN = pathlib.Path(os.environ["GHOST_BIN"])
OF_THE_FOUR = ["ardus.v1.Node", "ardus.v1.Peer", "ardus.v1.Session", "ariascribe.v1.Auditor", "ariascribe.v1.Catalogue", "ariascribe.v1.Collection", "ariascribe.v1.Library", "audiojuggler.v1.Devices",
               "audiojuggler.v1.Jobs", "portlight.v1.Ports"]
LONG = 60  # seconds; waits end as soon as what they wait for is there


def run(*words, **options):
    return subprocess.run([str(BIN / words[0]), *words[1:]], capture_output=True, text=True, timeout=LONG, **options)


def until(what):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError("waited in vain")


class Up:
    """A host on free ports, in a state of its own."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="ghost-apps-")
        self.state = pathlib.Path(self.folder.name) / "state"
        self.log = pathlib.Path(self.folder.name) / "log"
        ready = pathlib.Path(self.folder.name) / "ready"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(BIN / "ghostlight"), "up", "--state", str(self.state), "--listen", "127.0.0.1:0", "--free-ports", "--ready-file", str(ready), *options],
                stdout=log, stderr=subprocess.STDOUT)
        until(lambda: ready.exists() or self.process.poll() is not None)
        if not ready.exists():
            raise AssertionError(self.log.read_text())
        self.url = ready.read_text().strip()
        self.address = re.search(r"//([^/]+)/", self.url)[1]
        self.token = self.url.split("#t=")[1]

    def status(self):
        return json.loads(run("ghostlight", "status", "--json", "--state", str(self.state)).stdout)

    def child(self, name):
        return next(child for child in self.status()["children"] if child["name"] == name)

    def until_ready(self):
        return until(lambda: (status := self.status())["code"] == 0 and status)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONG)
        self.folder.cleanup()


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Up()

    @classmethod
    def tearDownClass(cls):
        cls.up.stop()

    def b2(self, *words, at=None):
        return run("b2", words[0], *(["--at", at] if at else ["--state", str(self.up.state)]), *words[1:])

    def test_the_four_answer_core_on_ports_of_their_own(self):
        status = self.up.until_ready()
        self.assertEqual([child["name"] for child in status["children"]], ["ardus", "ariascribe", "audiojuggler", "portlight"])
        for child in status["children"]:
            for address in child["addresses"]:
                answer = self.b2("call", "b2.v1.Core/Health", "{}", at=address)
                self.assertEqual(json.loads(answer.stdout)["health"], "HEALTH_SERVING", answer.stderr)

    def test_ls_describe_and_a_call_by_json(self):
        self.up.until_ready()
        listed = self.b2("ls", "--json").stdout.splitlines()
        names = [line["name"] for line in map(json.loads, listed) if line["event"] == "service"]
        own = ["b2.v1.Core", "b2.v1.Topics", "b2.v1.Datagrams", "b2.v1.Trust", "b2.v1.Host", "ghostlight.v1.Stage"]
        self.assertEqual(sorted(names), sorted(own + OF_THE_FOUR))
        self.assertIn("rpc Watch(.b2.v1.WatchRequest) returns (stream .b2.v1.HostState)", self.b2("describe", "b2.v1.Host").stdout)
        limits = json.loads(self.b2("call", "b2.v1.Core/Limits").stdout)
        self.assertEqual(limits["limits"]["frameBytes"], 65536)
        self.assertEqual(json.loads(self.b2("ping", "--json", "--count", "3").stdout)["count"], 3)

    def test_look_ups_go_by_datagram_and_others_say_what_they_need(self):
        self.up.until_ready()
        at = self.up.address
        self.assertEqual(json.loads(self.b2("ping", "--udp", "--json", "--count", "3", at=at).stdout)["count"], 3)
        health = self.b2("call", "--udp", "b2.v1.Core/Health", at=at)
        self.assertEqual(json.loads(health.stdout)["health"], "HEALTH_SERVING", health.stderr)
        search = self.b2("call", "--udp", "ariascribe.v1.Catalogue/Get", '{"id": "beethoven/op-27-2"}', at=at)
        self.assertIn("Beethoven", search.stdout, search.stderr)
        stats = self.b2("call", "--udp", "b2.v1.Core/Stats", at=at)
        self.assertEqual(stats.returncode, 4)
        self.assertIn("needs keys", stats.stderr)

    def test_a_trace_shows_the_host_and_its_child(self):
        self.up.until_ready()
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        answer = self.b2("trace", "--json", "--traceparent", parent, "ariascribe.v1.Catalogue/Search", '{"text": "BWV 1007"}')
        *hops, summary = [json.loads(line) for line in answer.stdout.splitlines()]
        self.assertEqual((summary["trace"], summary["status"], summary["hops"]), ("4bf92f3577b34da6a3ce929d0e0e4736", "ok", 2), answer)
        self.assertEqual([hop["depth"] for hop in hops], [1, 2])
        self.assertIn("ghostlight", hops[0]["name"])
        self.assertIn("ariascribe", hops[1]["name"])
        self.assertEqual(hops[1]["parent"], hops[0]["span"])
        self.assertLessEqual(hops[0]["took_us"], summary["took_us"])
        shown = self.b2("trace", "ariascribe.v1.Catalogue/Get", '{"id": "no such work"}')
        self.assertEqual((shown.returncode, shown.stdout.count("not_found")), (1, 3), shown)
        failed = self.b2("call", "--traceparent", parent, "ariascribe.v1.Catalogue/Get", '{"id": "no such work"}')
        self.assertEqual(failed.returncode, 1, failed)
        until(lambda: [line for line in self.up.log.read_text().splitlines() if "call failed" in line and parent[3:35] in line])

    def test_a_call_with_a_key_is_answered_again_and_not_done_again(self):
        key = "101112131415161718191a1b1c1d1e1f"
        first, second = [self.b2("call", "--json", "--retry", "--idempotency-key", key, "b2.v1.Topics/Publish", '{"subject": "keyed", "data": "eA=="}') for _ in range(2)]
        self.assertEqual(first.returncode, 0, first)
        self.assertEqual(json.loads(first.stdout)["sequence"], "1")
        self.assertEqual(first.stdout, second.stdout, "published once")
        other = self.b2("call", "--idempotency-key", key, "b2.v1.Topics/Publish", '{"subject": "keyed", "data": "eQ=="}')
        self.assertEqual(other.returncode, 1)
        self.assertIn("used for another call", other.stderr)

    def test_a_stream_is_printed_a_line_a_message(self):
        watch = subprocess.Popen([str(BIN / "b2"), "call", "--state", str(self.up.state), "b2.v1.Host/Watch", '{"intervalMs": 100}'],
                                 stdout=subprocess.PIPE, text=True)
        lines = [json.loads(watch.stdout.readline()) for _ in range(3)]
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(LONG), 130)
        watch.stdout.close()
        self.assertTrue(all(len(line["children"]) == 4 for line in lines))

    def test_wrong_calls_say_what_is_wrong(self):
        for words, told, code in [
            (("call", "b2.v1.Core/Nothing"), "there is no such method", 1),
            (("call", "b2.v1.Core/Health", '{"srvice": 1}'), "srvice", 1),
            (("call", "nonsense"), "SERVICE/METHOD", 2),
            (("call", "--idempotency-key", "12", "b2.v1.Core/Health"), "32 hexadecimal digits", 2),
            (("call", "--traceparent", "00", "b2.v1.Core/Health"), "is no traceparent", 2),
            (("trace", "b2.v1.Topics"), "SERVICE/METHOD", 2),
            (("frobnicate",), "there is no verb 'frobnicate'", 2),
            (("ls", "no where:1"), "no where", 1),
            (("ls", "127.0.0.1:1"), "127.0.0.1:1", 1),
        ]:
            with self.subTest(words=words):
                answer = run("b2", *words) if words[0] in ("ls", "frobnicate") else self.b2(*words)
                self.assertEqual(answer.returncode, code, answer)
                self.assertIn(told, answer.stderr)

    def test_strangers_on_loopback_are_refused_with_the_way_out(self):
        answer = self.b2("call", "b2.v1.Host/List", at=self.up.address)
        self.assertEqual(answer.returncode, 4)
        self.assertIn(f"unix:{self.up.state}/b2.sock", answer.stderr)

    def test_the_console_calls_with_its_token_and_not_without(self):
        def post(token):
            request = urllib.request.Request(f"http://{self.up.address}/b2.v1.Host/List", b"{}", {"content-type": "application/json"})
            if token:
                request.add_header("authorization", "Bearer " + token)
            return json.load(urllib.request.urlopen(request, timeout=LONG))

        self.assertEqual(len(post(self.up.token)["state"]["children"]), 4)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            post(None)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()
        with urllib.request.urlopen(f"http://{self.up.address}/", timeout=LONG) as page:
            self.assertEqual(page.headers["content-encoding"], "gzip")
            self.assertIn("default-src 'self'", page.headers["content-security-policy"])

    def http(self, path, token=None):
        """The status and the text that the host answers to a GET."""
        request = urllib.request.Request(f"http://{self.up.address}{path}", headers={"authorization": "Bearer " + token} if token else {})
        try:
            with urllib.request.urlopen(request, timeout=LONG) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def test_the_catalogue_answers_get_and_post_alike_and_what_writes_is_not_called_by_get(self):
        self.up.until_ready()
        own = next(at for child in self.up.status()["children"] if child["name"] == "ariascribe" for at in child["addresses"] if at.startswith("127."))
        for method, message, told in (("Identify", {"track": {"title": "Für Elise"}}, "Ludwig van Beethoven"), ("Search", {"text": "bee 5 symp", "limit": 1}, "beethoven/op-67"),
                                      ("Get", {"id": "beethoven/op-27-2"}, "Adagio sostenuto")):
            text = json.dumps(message, ensure_ascii=False)
            for at in (own, self.up.address):  # of its own, and by way of the host
                url = f"http://{at}/ariascribe.v1.Catalogue/{method}"
                with urllib.request.urlopen(urllib.request.Request(url, text.encode(), {"content-type": "application/json"}), timeout=LONG) as posted:
                    answer = posted.read().decode()
                self.assertIn(told, answer)
                plain = urllib.parse.urlencode({"connect": "v1", "encoding": "json", "message": text})
                coded = urllib.parse.urlencode({"encoding": "json", "base64": 1, "message": base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")})
                for query in (plain, coded):
                    with urllib.request.urlopen(f"{url}?{query}", timeout=LONG) as got:
                        self.assertEqual((got.read().decode(), got.headers["cache-control"]), (answer, "private, no-cache"))
        for method, message in (("Library/Undo", "%7B%7D"), ("Collection/Commit", "%7B%22proposal%22:%22x%22%7D")):
            self.assertEqual(self.http(f"/ariascribe.v1.{method}?encoding=json&message={message}", self.up.token)[0], 405)
        self.assertEqual(self.http("/b2.v1.Host/List?encoding=json&message=%7B%7D")[0], 401)
        self.assertEqual(self.http("/b2.v1.Host/List?encoding=json&message=%7B%7D", self.up.token)[0], 200)

    def test_a_title_is_explained_and_a_library_looked_through(self):
        told = run("ariascribe", "identify", "Beethoven: Sonata op. 27 - Allegro", "--explain", "--json", "--state", str(self.up.state / "none"))
        answer = json.loads(told.stdout)
        first = answer["considered"][0]
        self.assertEqual((first["id"], first["chosen"], bool(first["fits"])), ("beethoven/op-27", True, True), told)
        self.assertAlmostEqual(answer["none"] + sum(each["probability"] for each in answer["considered"]), 1, delta=0.05)
        self.up.until_ready()
        nothing = self.b2("call", "ariascribe.v1.Auditor/Audit", json.dumps({"paths": [str(self.up.state)]}))
        self.assertEqual(nothing.returncode, 1)
        self.assertIn("there is no file of FLAC", nothing.stderr)

    def test_health_is_for_anyone_and_metrics_are_for_who_may(self):
        self.up.until_ready()
        self.assertEqual(until(lambda: (told := self.http("/healthz"))[0] == 200 and told), (200, "ok\n"))
        self.assertEqual(self.http("/metrics")[0], 401)
        status, text = self.http("/metrics", self.up.token)
        self.assertEqual(status, 200)
        for child in ("ardus", "ariascribe", "audiojuggler", "portlight"):
            self.assertRegex(text, rf'(?m)^b2_child_restarts_total{{child="{child}"}} \d+$')
        self.assertRegex(text, r'(?m)^b2_calls_total{service="b2.v1.Host",method="List",status="ok"} \d+$')
        with socket.socket(socket.AF_UNIX) as owner:
            owner.settimeout(LONG)
            owner.connect(str(self.up.state / "b2.sock"))
            owner.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            self.assertIn(b"\nb2_connections ", owner.makefile("rb").read(), "on the Unix socket this user needs no token")
        if promtool := shutil.which("promtool"):
            linted = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=LONG)
            self.assertEqual((linted.returncode, linted.stdout + linted.stderr), (0, ""))

    def test_top_shows_what_is_called(self):
        self.up.until_ready()
        self.b2("call", "b2.v1.Core/Limits")
        once = self.b2("top", "--once", "--json", "--interval", "0.2")
        self.assertEqual(once.returncode, 0, once.stderr)
        stats, summary = (json.loads(line) for line in once.stdout.splitlines())
        self.assertEqual((stats["event"], summary["event"], summary["code"]), ("stats", "summary", 0))
        asked = next(method for method in stats["methods"] if method["method"] == "Stats" and method["service"] == "b2.v1.Core")
        self.assertGreater(asked["calls_per_second"], 0, "its own questions are counted too")
        self.assertGreater(asked["p50_us"], 0)
        text = self.b2("top", "--once", "--interval", "0.2").stdout
        self.assertRegex(text, r"METHOD +CALLS/S +OPEN +P50 +P99 +FAILED +CALLS")
        self.assertRegex(text, r"(?m)^b2\.v1\.Core/Limits ")
        self.assertEqual(self.b2("top", "--interval", "never").returncode, 2)
        refused = self.b2("top", "--once", at=self.up.address)
        self.assertEqual(refused.returncode, 4, "Stats is not for strangers")
        watching = subprocess.Popen([str(BIN / "b2"), "top", "--state", str(self.up.state), "--json", "--interval", "0.1"], stdout=subprocess.PIPE, text=True)
        lines = [json.loads(watching.stdout.readline()) for _ in range(3)]
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read().splitlines()
        self.assertEqual(watching.wait(LONG), 130)
        watching.stdout.close()
        self.assertTrue(lines[0]["uptime_ms"] < lines[1]["uptime_ms"] < lines[2]["uptime_ms"])
        self.assertEqual(json.loads(rest[-1])["code"], 130)

    def test_a_second_host_on_the_port_or_the_state_names_what_is_in_the_way(self):
        with tempfile.TemporaryDirectory() as folder:
            busy = run("ghostlight", "up", "--state", folder + "/s", "--listen", self.up.address)
            self.assertEqual(busy.returncode, 1)
            self.assertIn(f"listen on {self.up.address}: address already in use", busy.stderr)
            port = self.up.address.rsplit(":", 1)[1]
            self.assertIn(f"port {port} is held by ghostlight (pid {self.up.process.pid})", busy.stderr)
        again = run("ghostlight", "up", "--state", str(self.up.state), "--listen", "127.0.0.1:0")
        self.assertEqual(again.returncode, 1)
        self.assertIn(str(self.up.process.pid), again.stderr)
        self.assertEqual(self.up.until_ready()["code"], 0)

    def test_a_killed_child_is_back_and_the_others_never_left(self):
        before = self.up.until_ready()
        pids = {child["name"]: child["pid"] for child in before["children"]}
        os.kill(pids["ariascribe"], signal.SIGKILL)
        after = until(lambda: (child := self.up.child("ariascribe"))["restarts"] > 0 and child["state"] == "ready" and child)
        self.assertIn("SIGKILL", self.up.log.read_text())  # its last exit, unless the machine was too busy for the start after it, too
        now = {child["name"]: child["pid"] for child in self.up.until_ready()["children"]}
        self.assertNotEqual(now.pop("ariascribe"), pids.pop("ariascribe"))
        self.assertEqual(now, pids)


class Topics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.up = Up()

    @classmethod
    def tearDownClass(cls):
        cls.up.stop()

    def pub(self, *words, **options):
        return run("b2", "pub", "--json", "--state", str(self.up.state), *words, **options)

    def sub(self, *words, at=None):
        """A subscriber that has been acknowledged, and a function that gives its next line."""
        process = subprocess.Popen([str(BIN / "b2"), "sub", "--json", *(["--at", at] if at else ["--state", str(self.up.state)]), *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait, LONG)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        first = json.loads(process.stdout.readline())
        self.assertEqual(first["event"], "subscribed", first)
        return process, lambda: json.loads(process.stdout.readline())

    def test_what_one_process_publishes_another_prints(self):
        subscriber, line = self.sub("studio.*", "stage.>")
        told = json.loads(self.pub("studio.lights", '{"on": true}').stdout)
        self.assertEqual((told["sequence"], told["delivered"]), (1, 1))
        self.pub("elsewhere", "1")
        self.pub("stage.left.door", "--raw", "-", input="any bytes")
        self.assertEqual(line(), {"v": 1, "event": "message", "subject": "studio.lights", "sequence": 1, "data": {"on": True}})
        self.assertEqual(line(), {"v": 1, "event": "message", "subject": "stage.left.door", "sequence": 1, "hex": "any bytes".encode().hex()})
        subscriber.send_signal(signal.SIGINT)
        self.assertEqual(line(), {"v": 1, "event": "summary", "messages": 2, "lost": 0, "code": 130})
        self.assertEqual(subscriber.wait(LONG), 130)

    def test_late_subscribers_get_the_last_message_or_resume_from_a_number(self):
        for number in range(1, 4):
            self.pub("late.score", str(number))
        _, line = self.sub("late.>", "--last")
        self.assertEqual(line()["data"], 3)
        resumed = run("b2", "sub", "--state", str(self.up.state), "late.score", "--from", "2", "--count", "2")
        self.assertEqual(resumed.stdout, "late.score #2  2\nlate.score #3  3\n")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)

    def test_a_group_shares_its_messages(self):
        words = ("work.items", "--queue", "workers", "--policy", "block", "--count", "2")
        workers = [self.sub(*words), self.sub(*words)]
        for number in range(4):
            self.assertEqual(json.loads(self.pub("work.items", str(number)).stdout)["delivered"], 1)
        got = [line()["data"] for _, line in workers for _ in range(2)]
        self.assertEqual(sorted(got), [0, 1, 2, 3])
        for process, _ in workers:
            self.assertEqual(process.wait(LONG), 0)

    def test_a_program_calls_it_by_http_as_json(self):
        _, line = self.sub("by.http")
        request = urllib.request.Request(f"http://{self.up.address}/b2.v1.Topics/Publish", json.dumps({"subject": "by.http", "data": "Nw=="}).encode(),
                                         {"content-type": "application/json", "authorization": "Bearer " + self.up.token})
        with urllib.request.urlopen(request, timeout=LONG) as answer:
            self.assertEqual(json.load(answer)["delivered"], 1)
        self.assertEqual(line()["data"], 7)

    def test_wrong_subjects_and_strangers_are_told_why(self):
        for words, told, code in [
            (("pub", "a..b", "1"), "empty token", 1),
            (("pub", "a.*", "1"), "has a wildcard", 1),
            (("pub", "a", "{on}"), "--raw", 2),
            (("sub", "a.>.b"), "has '>' before its end", 1),
            (("sub", "a", "--from", "x"), "--from x", 2),
            (("sub", "a", "--from", "1", "--queue", "g"), "not to a group", 1),
            (("sub", "a", "--policy", "lossy"), "drop-oldest", 2),
        ]:
            with self.subTest(words=words):
                answer = run("b2", words[0], "--state", str(self.up.state), *words[1:])
                self.assertEqual(answer.returncode, code, answer)
                self.assertIn(told, answer.stderr)
        for words in (("pub", "a"), ("sub", "a")):
            stranger = run("b2", words[0], "--at", self.up.address, *words[1:])
            self.assertEqual(stranger.returncode, 4, stranger)
            self.assertIn("b2.sock", stranger.stderr)

    def test_a_host_that_stops_tells_its_subscribers(self):
        up = Up()
        subscriber = subprocess.Popen([str(BIN / "b2"), "sub", "--state", str(up.state), ">"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(subscriber.stderr.readline(), "subscribed\n")
        up.stop()
        _, told = subscriber.communicate(timeout=LONG)
        self.assertEqual(subscriber.returncode, 1)
        self.assertIn("is shutting down", told)


class Installed(unittest.TestCase):
    def test_a_program_brings_its_man_page(self):
        for name in ("ghostlight", "b2", "ardus", "ariascribe", "audiojuggler", "portlight"):
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="ghost-apps-") as prefix:
                made = subprocess.run(["cmake", "--install", str(BIN.parent), "--prefix", prefix, "--component", name], capture_output=True, text=True, timeout=LONG)
                self.assertEqual(made.returncode, 0, made.stderr)
                page = gzip.decompress((pathlib.Path(prefix) / f"share/man/man1/{name}.1.gz").read_bytes()).decode()
                self.assertRegex(page, rf'(?m)^\.TH "?{name}"? "?1"?')
                verbs = re.findall(r"(?m)^## (.+?)(?: \[.*)?$", run(name, "__man").stdout)
                self.assertGreater(len(verbs), 3)
                for verb in verbs:
                    self.assertIn(verb, page.replace("\\-", "-"))
                self.assertTrue((pathlib.Path(prefix) / "bin" / name).exists())


class Endings(unittest.TestCase):
    def test_stop_leaves_no_process_and_no_socket(self):
        up = Up()
        pids = [child["pid"] for child in up.until_ready()["children"]]
        self.assertEqual(run("ghostlight", "stop", "--state", str(up.state)).returncode, 0)
        self.assertEqual(up.process.wait(LONG), 0)
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())
        self.assertEqual(list(up.state.glob("*.sock")), [])
        gone = run("ghostlight", "status", "--state", str(up.state))
        self.assertEqual(gone.returncode, 1)
        self.assertIn("'ghostlight up' starts it", gone.stderr)
        up.stop()

    def test_another_process_takes_over_by_one_command(self):
        up = Up()
        before = up.until_ready()
        watch = subprocess.Popen([str(BIN / "b2"), "call", "--state", str(up.state), "b2.v1.Host/Watch", "{}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch.stdout.readline()
        upgraded = run("ghostlight", "upgrade", "--json", "--state", str(up.state))
        self.assertEqual(upgraded.returncode, 0, upgraded.stderr + up.log.read_text())
        pid = json.loads(upgraded.stdout)["pid"]
        self.assertNotEqual(pid, up.process.pid)
        self.assertEqual((up.state / "up.lock").read_text(), f"{pid}\n")
        after = up.status()
        self.assertEqual(after["code"], 0, after)
        self.assertEqual((after["console"], after["addresses"]), (before["console"], before["addresses"]))
        pids = lambda status: {child["pid"] for child in status["children"]}
        self.assertFalse(pids(before) & pids(after))
        self.assertIn("another process of the host serves", watch.communicate(timeout=LONG)[1])
        request = urllib.request.Request(f"http://{up.address}/b2.v1.Host/List", b"{}", {"content-type": "application/json", "authorization": f"Bearer {up.token}"})
        with urllib.request.urlopen(request, timeout=LONG) as answer:
            self.assertEqual(len(json.load(answer)["state"]["children"]), 4)
        for name in ("ardus", "ariascribe", "audiojuggler", "portlight"):
            self.assertEqual(run("b2", "call", "--at", f"unix:{up.state}/{name}.sock", "b2.v1.Core/Health").returncode, 0, name)
        # What it was started by sees one run, to its end; nothing of either is left.
        until(lambda: not any(pathlib.Path(f"/proc/{child}").exists() for child in pids(before)))
        self.assertIsNone(up.process.poll())
        self.assertEqual(run("ghostlight", "stop", "--state", str(up.state)).returncode, 0)
        self.assertEqual(up.process.wait(LONG), 0)
        for gone in pids(after) | {pid}:
            self.assertFalse(pathlib.Path(f"/proc/{gone}").exists())
        self.assertEqual([*up.state.glob("*.sock"), *up.state.glob("*.relieved"), *up.state.glob("console.url")], [])
        up.stop()

    def test_a_host_killed_without_a_word_takes_its_children_along(self):
        up = Up()
        pids = [child["pid"] for child in up.until_ready()["children"]]
        up.process.kill()
        up.process.wait(LONG)
        until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids))
        up.stop()

    def test_a_wrong_configuration_is_named_by_its_line(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "ghostlight.toml"
            file.write_text('[b2]\nlistn = ["127.0.0.1:0"]\n')
            answer = run("ghostlight", "up", "--state", folder + "/s", "--config", str(file))
            self.assertNotEqual(answer.returncode, 0)
            self.assertIn(f"{file}:2", answer.stderr)
            self.assertIn("listen", answer.stderr)

    def test_off_loopback_nothing_is_served_without_a_house(self):
        with tempfile.TemporaryDirectory() as folder:
            answer = run("ghostlight", "up", "--state", folder + "/s", "--listen", "0.0.0.0:0")
            self.assertEqual(answer.returncode, 4)
            self.assertIn("ghostlight house create", answer.stderr)


class House(unittest.TestCase):
    def test_a_machine_joins_by_a_code_and_gets_what_its_role_allows(self):
        with tempfile.TemporaryDirectory() as folder:
            second, code_file = folder + "/second", folder + "/code"
            up = Up()
            try:
                made = run("ghostlight", "house", "create", "Radio Archive", "--state", str(up.state))
                self.assertEqual(made.returncode, 0, made.stderr)
                until(lambda: "b2.v1.House" in run("b2", "ls", "--wait", "0", "--state", str(up.state)).stdout)
                at = "tls:" + up.address

                stranger = run("b2", "call", "--at", at, "--state", second, "b2.v1.Host/List")
                self.assertEqual(stranger.returncode, 4)
                self.assertIn("is not in house 'Radio Archive'", stranger.stderr)
                self.assertIn("ghostlight house join", stranger.stderr)

                invited = run("ghostlight", "house", "invite", "--json", "--state", str(up.state))
                code = json.loads(invited.stdout)["code"]
                pathlib.Path(code_file).write_text(code)
                joined = run("ghostlight", "house", "join", "--at", up.address, "--code-file", code_file, "--state", second, "--name", "second")
                self.assertEqual(joined.returncode, 0, joined.stderr)
                self.assertIn("Radio Archive", joined.stdout)

                member = run("b2", "call", "--at", at, "--state", second, "b2.v1.Host/List", "--json")
                self.assertEqual(member.returncode, 0, member.stderr)
                listener = run("b2", "call", "--at", at, "--state", second, "b2.v1.Host/Restart", '{"name": "ardus"}')
                self.assertEqual(listener.returncode, 4)
                self.assertIn("needs the role 'admin'", listener.stderr)

                free = run("b2", "pub", "--at", at, "--state", second, "studio.lights", "1")
                self.assertEqual(free.returncode, 0, free.stderr)
                kept = run("b2", "pub", "--at", at, "--state", second, "ardus.session", "1")
                self.assertEqual(kept.returncode, 4)
                self.assertIn("publishing under 'ardus.session' needs the role 'send'", kept.stderr)
                hidden = run("b2", "sub", "--at", at, "--state", second, "admin.>")
                self.assertEqual(hidden.returncode, 4)
                self.assertIn("subscribing to 'admin.>' needs the role 'admin'", hidden.stderr)

                used = run("ghostlight", "house", "join", "--at", up.address, "--code-file", code_file, "--state", folder + "/third")
                self.assertEqual(used.returncode, 1)
                self.assertIn("used already", used.stderr)
                members = run("ghostlight", "house", "list", "--json", "--state", str(up.state)).stdout.splitlines()
                self.assertEqual([json.loads(line)["name"] for line in members][1:], ["second"])
                self.assertEqual(os.stat(second + "/node.key").st_mode & 0o777, 0o600)
            finally:
                up.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1)
