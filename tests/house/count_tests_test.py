"""tools/count_tests: the one line a person and a machine read after ./check."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

COUNT_TESTS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "count_tests"


class CountTestsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, *cases):
        (self.folder / name).write_text(f'<testsuite name="x">{"".join(cases)}</testsuite>')

    def count(self, *options):
        done = subprocess.run([sys.executable, COUNT_TESTS, *options, self.folder], capture_output=True, text=True)
        return done.stdout.strip(), done.returncode

    def count_of(self, option, name):
        done = subprocess.run([sys.executable, COUNT_TESTS, option, self.folder / name], capture_output=True, text=True)
        return done.stdout.strip(), done.returncode

    def test_a_program_without_cases_is_one_test(self):
        self.write("dev.xml", '<testcase name="layers" status="run"><system-out/></testcase>')
        self.assertEqual(self.count(), ("1 passed, 0 failed", 0))

    def test_the_cases_of_a_google_test_program_count_one_by_one(self):
        self.write("dev.xml", '<testcase name="a" status="run"><system-out>[  PASSED  ] 12 tests.</system-out></testcase>')
        self.write("asan.xml", '<testcase name="a" status="run"><system-out>[  PASSED  ] 1 test.</system-out></testcase>')
        self.assertEqual(self.count(), ("13 passed, 0 failed", 0))

    def test_failed_cases_fail_the_whole(self):
        self.write("dev.xml", '<testcase name="a" status="fail"><failure message=""/><system-out>[  PASSED  ] 3 tests.\n'
                   "[  FAILED  ] 2 tests, listed below:\n</system-out></testcase>")
        self.assertEqual(self.count(), ("failed: dev: a\n3 passed, 2 failed", 1))

    def test_a_program_that_crashed_is_one_failure(self):
        self.write("dev.xml", '<testcase name="a" status="fail"><failure message="SEGFAULT"/><system-out/></testcase>')
        self.assertEqual(self.count(), ("failed: dev: a\n0 passed, 1 failed", 1))

    def test_a_broken_step_counts(self):
        self.write("dev.xml", '<testcase name="a" status="run"/>')
        self.assertEqual(self.count("--broken", "1"), ("1 passed, 1 failed", 1))

    def test_a_file_that_ends_early_is_a_failure(self):
        (self.folder / "dev.xml").write_text("<testsuite><testcase")
        self.assertEqual(self.count(), ("0 passed, 1 failed", 1))

    def test_what_a_failed_test_wrote_is_shown_wherever_it_stands(self):
        told = "\n".join(["far above", *(f"line {i}" for i in range(59)), "FAIL: the reason"])
        self.write("dev.xml", f'<testcase name="bad" status="fail"><failure message=""/><system-out>{told}</system-out></testcase>',
                   '<testcase name="good" status="run"><system-out>all well</system-out></testcase>')
        done = subprocess.run([sys.executable, COUNT_TESTS, "--show", self.folder / "dev.xml"], capture_output=True, text=True, check=True)
        self.assertIn("bad failed", done.stdout)
        self.assertIn("FAIL: the reason", done.stdout)
        self.assertNotIn("far above", done.stdout)
        self.assertNotIn("good", done.stdout)

    def test_a_failure_s_own_words_are_shown_where_there_is_no_output(self):
        self.write("console.xml", '<testcase name="a page"><failure>no such button</failure></testcase>')
        self.assertEqual(self.count_of("--show", "console.xml"), ("a page failed; the last of what it wrote:\n    no such button", 0))

    def test_nothing_is_shown_of_a_file_without_a_failure(self):
        self.write("dev.xml", '<testcase name="a" status="run"/>')
        self.assertEqual(self.count_of("--show", "dev.xml"), ("", 1))
        self.assertEqual(self.count_of("--show", "missing.xml"), ("", 1))

    def test_no_test_at_all_is_not_a_pass(self):
        self.assertEqual(self.count(), ("0 passed, 0 failed", 1))

    def test_what_did_not_run_is_not_counted(self):
        self.write("dev.xml", '<testcase name="a" status="notrun"><skipped message=""/></testcase>',
                   '<testcase name="b" status="run"/>')
        self.assertEqual(self.count(), ("1 passed, 0 failed", 0))


if __name__ == "__main__":
    unittest.main()
