#!/usr/bin/env python3
"""What `ardus publish` writes, handed out by a web server nobody trusts, and what receivers make of it: alone, and by turns with multicast."""
import json
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import ardus_test
from ardus_test import BIN, LONG, noise, until

HTTP, HTTPS = 8080, 8443  # of this test's own network namespace


class Publications(ardus_test.Machines):
    def setUp(self):
        super().setUp()
        self.pub = self.root / "pub"

    def web_server(self, rate=""):
        """nginx over self.pub, without and with TLS; where there is none, Python's own server, without."""
        if not shutil.which("nginx"):
            server = subprocess.Popen([sys.executable, "-m", "http.server", str(HTTP), "--bind", "127.0.0.1", "--directory", str(self.pub)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=web",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.root / "web.key", "-out", self.root / "web.pem"], check=True, capture_output=True)
            config = self.root / "nginx.conf"
            config.write_text(f"""daemon off; master_process off; pid {self.root}/nginx.pid; error_log {self.root}/nginx.log;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {self.root}/b; proxy_temp_path {self.root}/p; fastcgi_temp_path {self.root}/f; uwsgi_temp_path {self.root}/u; scgi_temp_path {self.root}/s;
 server {{ listen 127.0.0.1:{HTTP}; listen 127.0.0.1:{HTTPS} ssl http2; ssl_certificate {self.root}/web.pem; ssl_certificate_key {self.root}/web.key; root {self.pub}; {rate} }} }}
""")
            server = subprocess.Popen(["nginx", "-c", config, "-p", self.root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        ardus_test.until(lambda: self.answers() or server.poll() is not None)
        self.assertIsNone(server.poll())
        return server

    @staticmethod
    def answers():
        try:
            ardus_test.socket.create_connection(("127.0.0.1", HTTP), 1).close()
            return True
        except OSError:
            return False

    def publish(self, *words, state="keeper"):
        done = subprocess.run([str(BIN / "ardus"), "publish", "--state", self.root / state, "--to", self.pub, "--json", *map(str, words)], capture_output=True, text=True, timeout=LONG)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def fetching(self, number, *words, url=f"http://127.0.0.1:{HTTP}/album.ardus", state=None):
        return self.start("receive", "--state", self.root / (state or f"r{number}"), "--into", self.into(number), "--from", url, "--json", *words,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def fetch(self, number, *words, **options):
        return self.ended(self.fetching(number, *words, **options))

    def make_album(self):
        for number in range(30):
            (self.album / f"{number:02}").write_bytes(noise(number * 5_000, number))
        (self.album / "large").write_bytes(noise(3_000_000, 99))
        (self.album / "link").symlink_to("large")

    # --- what it is for

    def test_a_publication_is_fetched_from_a_web_server(self):
        self.make_album()
        first = self.publish(self.album)
        self.assertEqual(first["file"], str(self.pub / "album.ardus"))
        self.web_server()
        code, summary, err = self.fetch(1)
        self.assertEqual((code, summary["state"], summary["sender"]), (0, "done", "keeper"), err)
        self.assert_received(1)
        verified = subprocess.run([BIN / "ardus", "verify", self.into(1), "--metadata", "--json"], capture_output=True, text=True)
        self.assertEqual((verified.returncode, json.loads(verified.stdout)["kept"][0]["receipt"]), (0, "right"))
        # Another version: what is new is written once and fetched once; what was there costs nothing.
        (self.album / "large").rename(self.album / "moved")
        (self.album / "new").write_bytes(noise(50_000, 7))
        second = self.publish(self.album, "--prune")
        self.assertEqual((second["bytes_written"], second["chunks_there"]), (50_000, first["chunks_written"]))
        code, summary, err = self.fetch(1)
        self.assertEqual(code, 0, err)
        self.assertEqual((self.into(1) / "album/moved").read_bytes(), (self.album / "moved").read_bytes())
        self.assertLess(summary["fallback_bytes"], 60_000)
        (self.album / "moved").unlink()
        self.assertGreater(self.publish(self.album, "--prune")["chunks_removed"], 10)
        self.assertEqual(self.fetch(2)[0], 0)

    @unittest.skipUnless(shutil.which("nginx"), "no nginx here")
    def test_tls_is_checked_and_the_server_still_not_trusted(self):
        self.make_album()
        self.publish(self.album)
        self.web_server()
        url = f"https://127.0.0.1:{HTTPS}/album.ardus"
        code, summary, err = self.fetch(1, url=url)
        self.assertEqual(code, 4, err)
        self.assertIn("certificate", err)
        code, summary, err = self.fetch(1, "--ca", self.root / "web.pem", url=url)
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        # The server hands out other bytes, or a publication of its own.
        old = (self.into(1) / "album/large").read_bytes()
        (self.album / "large").write_bytes(noise(3_000_000, 100))
        self.publish(self.album)
        for chunk in self.pub.glob("chunks/*/*"):
            chunk.write_bytes(b"x" * chunk.stat().st_size)
        code, summary, err = self.fetch(1)
        self.assertEqual((code, summary["state"]), (1, "failed"))
        self.assertIn("is not what the manifest says", err)
        self.assertEqual((self.into(1) / "album/large").read_bytes(), old)
        text = bytearray((self.pub / "album.ardus").read_bytes())
        text[-200] ^= 1
        (self.pub / "album.ardus").write_bytes(text)
        self.assertIn(self.fetch(1)[0], (1, 4))

    def test_only_who_may_send_is_believed(self):
        self.make_album()
        self.pub.mkdir()
        self.web_server()
        self.publish(self.album, state="mute")
        code, summary, err = self.fetch(1)
        self.assertEqual(code, 4, err)
        self.assertIn("may not send in the house", err)
        told = self.publish(self.album, state="stranger")
        code, summary, err = self.fetch(1)
        self.assertEqual(code, 4, err)
        self.assertFalse((self.into(1) / "album").exists())
        code, summary, err = self.fetch(1, "--publisher", told["publisher"], state="stranger2")
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        code, summary, err = self.fetch(2, "--publisher", "lusab-babad-gutih-tugad")
        self.assertEqual(code, 4, err)
        self.assertEqual(self.fetch(2, url=f"http://127.0.0.1:{HTTP}/nothing.ardus")[0], 1)
        self.assertEqual(self.fetching(2, url="file:///etc/passwd").wait(LONG), 2)

    def test_machines_on_mixed_old_versions_share_what_is_new(self):
        """By multicast: 1 % was changed in three steps, files grew and were renamed on the way, and each receiver is another step behind."""
        tree = {f"{number:02}": bytearray(noise(1_000_000, 300 + number)) for number in range(32)}

        def write(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, text in tree.items():
                (folder / name).write_bytes(text)

        for step in (1, 2, 3):
            write(self.into(step) / "album")
            name = f"{step * 7:02}"
            tree[name][300_000:400_000] = noise(106_000, 400 + step)  # 0.33 % of it all, 6 kB longer than before
            tree[f"renamed in step {step}"] = tree.pop(f"{step * 7 + 1:02}")
        write(self.album)
        for number in (1, 2, 3):
            self.serve(number)
        code, summary, err = self.send(self.album, "--receivers", "3")
        self.assertEqual(code, 0, err)
        for number in (1, 2, 3):
            for name, text in tree.items():
                self.assertEqual((self.into(number) / "album" / name).read_bytes(), bytes(text))
        print(f"needed {summary['bytes_needed'] / summary['bytes']:.4f}, on the wire {summary['wire_bytes'] / summary['bytes']:.4f} of the bytes", file=sys.stderr)
        self.assertLess(summary["bytes_needed"], 0.03 * summary["bytes"])
        self.assertLess(summary["wire_bytes"], 0.25 * summary["bytes"])

    # --- by turns with multicast, and after a kill

    def test_multicast_sends_only_what_the_web_did_not_bring_and_the_other_way_round(self):
        (self.album / "x").write_bytes(noise(12_000_000, 6))
        self.publish(self.album)
        gone = sorted(self.pub.glob("chunks/*/*"))[::2]
        for chunk in gone:
            chunk.rename(chunk.with_suffix(".away"))
        self.web_server()
        code, summary, err = self.fetch(1)
        self.assertEqual((code, summary["state"]), (1, "failed"))
        self.assertIn("404", err)
        web_bytes = summary["fallback_bytes"]
        self.assertGreater(web_bytes, 1_000_000)
        receiver = self.serve(1)
        code, summary, err = self.send(self.album, "--receivers", "1")
        self.assertEqual(code, 0, err)
        self.assert_received(1)
        self.assertLessEqual(summary["bytes_needed"], 12_000_000 - web_bytes + 262_144)
        # A receiver that multicast lost gets the rest from the web.
        for chunk in self.pub.glob("chunks/*/*.away"):
            chunk.rename(chunk.with_suffix(""))
        receiver.kill()
        receiver.wait()
        second = self.serve(2)
        sender = self.sending(self.album, "--receivers", "1", "--rate", "40M", "--patience", "1s")
        until(lambda: self.staged(2) > 0 or sender.poll() is not None)
        second.kill()
        second.wait()
        sender.kill()
        sender.wait()
        code, summary, err = self.fetch(2)
        self.assertEqual(code, 0, err)
        self.assert_received(2)
        self.assertLess(summary["fallback_bytes"], 12_000_000)

    def test_killed_again_and_again_it_ends_whole(self):
        self.make_album()
        self.publish(self.album)
        (self.into(1) / "album").mkdir(parents=True)
        (self.into(1) / "album/large").write_bytes(b"the old good file")
        self.web_server()
        dice = random.Random(8)
        for _ in range(6):
            process = self.fetching(1)
            time.sleep(dice.uniform(0, 0.25))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertIn((self.into(1) / "album/large").read_bytes(), (b"the old good file", (self.album / "large").read_bytes()))
        code, summary, err = self.fetch(1)
        self.assertEqual(code, 0, err)
        self.assert_received(1)

    def test_a_killed_publisher_leaves_what_can_be_fetched(self):
        self.make_album()
        self.publish(self.album)
        self.web_server()
        dice = random.Random(9)
        for version in range(5):
            (self.album / "large").write_bytes(noise(3_000_000, 200 + version))
            process = self.start("publish", self.album, "--to", self.pub, "--state", self.root / "keeper", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(0, 0.15))
            process.kill()
            process.wait()
        code, summary, err = self.fetch(1)
        self.assertEqual(code, 0, err)
        self.publish(self.album)
        self.assertEqual(self.fetch(1)[0], 0)
        self.assert_received(1)


if __name__ == "__main__":
    ardus_test.enter_namespace(Publications)
    unittest.main()
