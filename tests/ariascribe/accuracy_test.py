#!/usr/bin/env python3
"""ariascribe stays as right as it was: a floor for each field, on labelled rows in the folder GHOSTLIGHT_EVAL names."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from accuracy import Accuracy  # noqa: E402

PROGRAM = pathlib.Path(os.environ["GHOST_BIN"]) / "ariascribe"
EVAL = os.environ.get("GHOSTLIGHT_EVAL", "")

# F1, a little below what was measured (docs/ariascribe-accuracy.md).
ROWS = {"composer": 0.926, "work": 0.966, "catalogue": 0.95, "key": 0.99, "movement_no": 0.98, "movement": 0.962, "performers": 0.963, "instrument": 0.935, "wholly": 0.795}
ALBUMS = {"composer": 0.985, "work": 0.99, "catalogue": 0.985, "key": 0.99, "movement_no": 0.99, "movement": 0.99, "wholly": 0.965}
DEGRADED = {"composer": 0.985, "work": 0.99, "catalogue": 0.985, "key": 0.99, "movement_no": 0.99, "movement": 0.99, "wholly": 0.965}
APPLIED = {"share": 0.6, "work": 0.9925}


@unittest.skipUnless(EVAL, "skipped: GHOSTLIGHT_EVAL names no folder with labelled rows (ariascribe/dev/), so no accuracy is measured")
class AccuracyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.accuracy = Accuracy(PROGRAM, EVAL)

    def keeps(self, floors, measured):
        table, exact = measured
        for field, floor in floors.items():
            value = exact if field == "wholly" else table[field][2]
            with self.subTest(field=field):
                self.assertGreaterEqual(value, floor)

    def test_fields_of_single_titles(self):
        self.keeps(ROWS, self.accuracy.rows())

    def test_fields_of_albums(self):
        self.keeps(ALBUMS, self.accuracy.albums("title"))

    def test_fields_of_albums_whose_later_tracks_lost_the_works_name(self):
        self.keeps(DEGRADED, self.accuracy.albums("degraded_title"))

    def test_what_would_be_written_without_asking(self):
        bands = self.accuracy.bands()
        rows, work, _ = bands["apply"]
        self.assertGreaterEqual(rows / sum(each[0] for each in bands.values()), APPLIED["share"])
        self.assertGreaterEqual(work / rows, APPLIED["work"])

    def test_surer_answers_are_more_often_right(self):
        for field in ("composer", "work"):
            # A handful of answers is no share.
            bins = [each for each in self.accuracy.reliability(field) if each[2] >= 20]
            surest, unsure = bins[-1], bins[0]
            with self.subTest(field=field):
                self.assertGreater(surest[4], unsure[4])
                self.assertGreater(surest[4], 0.95)


if __name__ == "__main__":
    unittest.main()
