"""What the measurements of this folder share: the programs they run, and the network namespaces of the tests."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/ardus"))
import hosts  # noqa: E402, F401


def add_programs(parser):
    parser.add_argument("--ardus", type=pathlib.Path, default=ROOT / "build/release/bin/ardus")
    parser.add_argument("--make-house", type=pathlib.Path, default=ROOT / "build/dev/bin/make_house", help="makes nodes that trust each other")
