"""tools/layers on small made-up trees: it must find each kind of wrong arrow, and no others."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

LAYERS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "layers"


class LayersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, *includes, before=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(before + "".join(f"#include {name}\n" for name in includes))

    def layers(self, *options):
        done = subprocess.run([sys.executable, LAYERS, "--root", self.root, *options], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    def assert_odd(self, *starts):
        status, lines = self.layers()
        self.assertEqual(len(lines), len(starts), lines)
        for line, start in zip(lines, starts):
            self.assertTrue(line.startswith(start), line)
        self.assertEqual(status, 1 if starts else 0)

    def test_arrows_that_point_down_are_fine(self):
        self.write("src/base/result.h", "<string>")
        self.write("src/net/reactor.h", '"base/result.h"', "<sys/epoll.h>")
        self.write("src/b2/channel.h", '"base/result.h"')
        self.write("src/b2/server_service.h", '"b2/channel.h"', '"net/reactor.h"')
        self.write("src/b2/server_service_test.cc", '"b2/server_service.h"', '"net/reactor.h"')
        self.write("src/ardus/message.h", '"base/result.h"')
        self.write("src/ardus/api.h", '"b2/channel.h"')
        self.write("src/ardus/receiver_service.cc", '"ardus/message.h"', '"net/reactor.h"', '"b2/channel.h"')
        self.write("src/workflow/job.cc", '"ardus/api.h"', '"b2/channel.h"')
        self.write("apps/ardus/main.cc", '"ardus/receiver_service.h"', '"workflow/job.h"', '"net/reactor.h"')
        self.assert_odd()

    def test_an_arrow_that_points_up_is_told_with_its_line(self):
        self.write("src/base/result.h", "<string>", '"net/reactor.h"')
        self.assert_odd("src/base/result.h:2: base -> net/reactor.h: points up")

    def test_siblings_must_not_include_each_other(self):
        self.write("src/ardus/sender_service.cc", '"portlight/api.h"')
        self.assert_odd("src/ardus/sender_service.cc:1: ardus -> portlight/api.h: siblings")

    def test_a_core_must_not_include_net_nor_b2(self):
        self.write("src/ardus/repair.cc", '"net/reactor.h"', '"b2/channel.h"')
        self.assert_odd("src/ardus/repair.cc:1: ardus -> net/reactor.h: only", "src/ardus/repair.cc:2: ardus -> b2/channel.h: a pure")

    def test_in_b2_only_service_files_include_net(self):
        self.write("src/b2/channel.cc", '"net/reactor.h"')
        self.assert_odd("src/b2/channel.cc:1: b2 -> net/reactor.h: only")

    def test_workflow_knows_systems_by_their_api_only(self):
        self.write("src/workflow/job.cc", '"ardus/sender_service.h"')
        self.assert_odd("src/workflow/job.cc:1: workflow -> ardus/sender_service.h: workflow knows")

    def test_an_app_must_not_reach_into_a_core(self):
        self.write("apps/ardus/main.cc", '"ardus/repair.h"')
        self.assert_odd("apps/ardus/main.cc:1: apps -> ardus/repair.h: an app")

    def test_sockets_are_opened_in_net_and_services_only(self):
        self.write("src/base/file.cc", "<sys/socket.h>", "<sys/stat.h>")
        self.write("src/portlight/source_service.cc", "<sys/socket.h>", "<linux/netlink.h>")
        self.write("apps/b2/bench/raw_echo.cc", "<sys/epoll.h>")
        self.assert_odd("src/base/file.cc:1: <sys/socket.h>")

    def test_a_module_outside_the_drawing_is_told(self):
        self.write("src/helpers/x.cc", '"base/result.h"')
        self.assert_odd("src/helpers/x.cc:1: helpers -> base/result.h: src/helpers is not")

    def test_a_header_must_be_named_from_src(self):
        self.write("src/base/a.cc", '"missing.h"')
        self.assert_odd('src/base/a.cc:1: "missing.h"')

    def test_a_header_named_from_beside_it_is_checked_as_well(self):
        self.write("src/ardus/repair.h")
        self.write("src/portlight/x.cc", '"../ardus/repair.h"')
        self.assert_odd("src/portlight/x.cc:1: portlight -> ../ardus/repair.h: siblings")

    def test_an_include_in_a_comment_is_no_arrow(self):
        self.write("src/base/a.h", before='/*\n#include "net/reactor.h"\n*/\n// #include "b2/x.h"\n')
        self.assert_odd()

    def test_a_tree_without_sources_is_an_error_not_a_pass(self):
        self.assertEqual(self.layers()[0], 2)

    def test_the_drawing_counts_each_arrow(self):
        self.write("src/base/a.h")
        self.write("src/net/b.h", '"base/a.h"')
        self.write("src/net/c.h", '"base/a.h"')
        status, lines = self.layers("--draw")
        self.assertEqual(status, 0)
        self.assertRegex(lines[0], r"net +2 files +──► base \(2\)")


if __name__ == "__main__":
    unittest.main()
