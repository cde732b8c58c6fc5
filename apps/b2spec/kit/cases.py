"""The cases: docs/spec/conformance/*.json."""
import dataclasses
import json
import pathlib

from .peer import Fail
from .steps import Steps
from .transport import HttpAnswer, Refused
from .written import BadCase, Skip

PROFILES = ("server", "ws", "client")
KEYS = {"name", "rule", "profiles", "steps", "variants", "begin", "hello", "hello_extra", "credit", "cut", "deaf", "over", "feature", "task", "seconds", "alone", "level",
        "drains", "caught_by"}


@dataclasses.dataclass
class Case:
    id: str
    section: str
    told: dict

    @property
    def rule(self):
        return self.told["rule"]

    @property
    def slow(self):
        return self.told.get("seconds", 0) > 1

    @property
    def should(self):
        """What the specification recommends: one that does not hold is told, and fails nothing."""
        return self.told.get("level") == "should"

    def fits(self, world):
        return world.profile in self.told["profiles"] and world.kind in self.told.get("over", [world.kind])

    def variants(self):
        return [{**self.told, "steps": steps} for steps in self.told["variants"]] if "variants" in self.told else [self.told]


def load(folder):
    """Every case, in the order of the files. Raises BadCase, which names the file."""
    cases = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        try:
            file = json.loads(path.read_text())
            for told in file["cases"]:
                cases.append(Case(f"{path.stem.split('-', 1)[-1]}/{told['name']}", file["section"], checked(told)))
        except (ValueError, KeyError, BadCase) as error:
            raise BadCase(f"{path}: {error}") from None
    if not cases:
        raise BadCase(f"{folder}: no cases")
    return cases


def checked(told):
    unknown = set(told) - KEYS
    missing = {"name", "rule", "profiles", "caught_by"} - set(told)
    if unknown or missing or ("steps" in told) == ("variants" in told):
        raise BadCase(f"case {told.get('name')}: unknown {sorted(unknown)}, missing {sorted(missing)}, or not one of steps and variants")
    if not set(told["profiles"]) <= set(PROFILES):
        raise BadCase(f"case {told['name']}: profiles {told['profiles']}")
    return told


@dataclasses.dataclass
class Outcome:
    case: Case
    verdict: str  # "passed", "failed", "remark" (of a recommendation), "skipped"
    why: str = ""
    step: str = ""
    trace: list = dataclasses.field(default_factory=list)


def run(case, world):
    """Tries one case."""
    steps = None
    try:
        for told in case.variants():
            steps = Steps(world, told)
            steps.run()
        return Outcome(case, "passed")
    except Skip as skip:
        return Outcome(case, "skipped", str(skip))
    except (Fail, Refused, HttpAnswer) as error:
        step = getattr(error, "step", "begin")
        if "variants" in case.told:
            step = f"variant {case.variants().index(told) + 1}, {step}"
        trace = list(steps.peer.trace) if steps and steps.peer else []
        return Outcome(case, "remark" if case.should else "failed", str(error), step, trace)
