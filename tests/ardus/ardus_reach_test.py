#!/usr/bin/env python3
"""Whom multicast does not reach: served alone, by receivers that are done, from the web. Each test has hosts of its own on a switch of its own. Where no
namespaces can be made it says so and ends."""
import pathlib
import subprocess
import sys

import ardus_failures_test as failures
import hosts
from ardus_failures_test import BIN, until

WEB = 8080


class Reach(failures.Hosted):
    receivers = 3

    def deafen(self, number, share=100):
        """What of multicast data does not come through to it, in per cent."""
        match = "udp dport 1835" if share == 100 else f"udp dport 1835 numgen random mod 100 < {share}"
        self.drop(number, match)

    def drop(self, number, match):
        hosts.run("ip", "netns", "exec", self.hosts.names[number], "nft", "-f", "-", input=f"""table inet deaf_{abs(hash(match))} {{
 chain input {{
  type filter hook input priority 0;
  {match} drop
 }}
}}
""")

    def web_server(self):
        """A publication of the album, on the sender's host; answers where it writes what it was asked for."""
        pub = self.root / "pub"
        done = subprocess.run([str(BIN / "ardus"), "publish", "--state", self.root / "keeper", "--to", pub, self.album], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        asked = self.root / "web.log"
        with asked.open("w") as log:
            server = self.hosts.start(0, sys.executable, "-u", "-m", "http.server", WEB, "--bind", self.hosts.address(0), "--directory", pub, stdout=log, stderr=log)
        until(lambda: "Serving" in asked.read_text() or server.poll() is not None)
        self.assertIsNone(server.poll())
        return asked, f"http://{self.hosts.address(0)}:{WEB}/album.ardus"

    def test_who_has_no_multicast_gets_its_copy_alone_or_from_a_receiver_that_is_done(self):
        self.content(8)
        for number in self.numbers:
            self.serve(number)
        self.deafen(3)
        sender = self.sending("--rate", "40M")
        summary = self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertIn("multicast is not heard", self.log(3))
        self.assertEqual(self.states(summary), {"r1": "verified", "r2": "verified", "r3": "verified"})

    def test_whose_way_loses_much_is_left_to_the_sender(self):
        """TCP, by which receivers that are done hand on, carries there a small part of what REPAIR does."""
        self.content(8)
        for number in self.numbers:
            self.serve(number)
        self.drop(3, "ip saddr 10.11.17.0/24 numgen random mod 100 < 35")
        sender = self.sending("--rate", "40M")
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertNotIn("hands its copy on", self.log(1) + self.log(2))

    def test_who_has_no_multicast_takes_it_from_the_web_while_the_others_hear_it(self):
        self.content(12)
        asked, url = self.web_server()
        self.deafen(3)
        self.serve(1), self.serve(2), self.serve(3, "--mirror", url)
        sender = self.sending("--rate", "20M")
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertRegex(asked.read_text(), "GET /chunks/")

    def test_who_loses_much_takes_it_from_the_group_and_from_the_web(self):
        self.content(12)
        asked, url = self.web_server()
        self.deafen(3, 20)
        self.serve(1), self.serve(2), self.serve(3, "--mirror", url)
        sender = self.sending("--rate", "30M")
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertRegex(asked.read_text(), "GET /chunks/")

    def test_a_mirror_that_answers_rubbish_costs_nothing_but_time(self):
        self.content(6)
        _, url = self.web_server()
        for chunk in (self.root / "pub/chunks").glob("*/*"):
            chunk.write_bytes(b"rubbish" + chunk.read_bytes()[7:])
        self.deafen(3)
        self.serve(1), self.serve(2), self.serve(3, "--mirror", url)
        sender = self.sending("--rate", "30M")
        self.ended(sender, 0)
        self.assert_received(1, 2, 3)
        self.assertIn("its bytes are others than the manifest says", self.log(3))


if __name__ == "__main__":
    failures.main(__file__, Reach)
