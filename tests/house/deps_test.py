"""packaging/deps.txt against what needs it: cmake/deps.cmake, and the shared libraries the built programs load."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALL_DEPS = ROOT / "tools" / "install_deps"

# What cmake/deps.cmake finds, and the Debian package that brings it.
PACKAGE_OF = {
    "Threads": "g++",
    "OpenSSL": "libssl-dev",
    "tl-expected": "libexpected-dev",
    "fmt": "libfmt-dev",
    "spdlog": "libspdlog-dev",
    "tomlplusplus": "libtomlplusplus-dev",
    "nlohmann_json": "nlohmann-json3-dev",
    "CLI11": "libcli11-dev",
    "Protobuf": "libprotobuf-dev",
    "PkgConfig": "pkgconf",
    "ZLIB": "zlib1g-dev",
    "GTest": "libgtest-dev",
    "curl": "libcurl4-openssl-dev",
    "qrencode": "libqrencode-dev",
    "http_parser": "libhttp-parser-dev",
    "wslay": "libwslay-dev",
    "expat": "libexpat1-dev",
    "flac": "libflac-dev",
    "fluidsynth": "libfluidsynth-dev",
    "isal": "libisal-dev",
    "IPSec_MB": "libipsec-mb-dev",
    "lame": "libmp3lame-dev",
    "lzma": "liblzma-dev",
    "nats": "libnats-dev",
    "opusenc": "libopusenc-dev",
    "png": "libpng-dev",
    "postgres": "libpq-dev",
    "serd": "libserd-dev",
    "sndfile": "libsndfile1-dev",
    "sqlite": "libsqlite3-dev",
    "taglib": "libtag1-dev",
    "utf8proc": "libutf8proc-dev",
    "zstd": "libzstd-dev",
}


def listed(*sections, **environment):
    done = subprocess.run([INSTALL_DEPS, "--list", *sections], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})
    return done.stdout.split()


class DepsTest(unittest.TestCase):
    def test_everything_cmake_finds_is_a_listed_package(self):
        text = re.sub(r"#.*", "", (ROOT / "cmake" / "deps.cmake").read_text())
        found = re.findall(r"find_package\(\s*(\S+?)[\s)]", text)
        found += re.findall(r"pkg_check_modules\(\s*(\S+)", text)
        found += re.findall(r"find_library\(\s*\S+\s+(?:NAMES\s+)?(\S+?)[\s)]", text)
        self.assertGreater(len(found), 10)
        packages = listed("build", "test", GHOST_ARCHITECTURE="amd64")
        for name in found:
            self.assertIn(name, PACKAGE_OF, f"cmake/deps.cmake finds {name}: add its package to packaging/deps.txt and here")
            self.assertIn(PACKAGE_OF[name], packages)

    def test_nothing_that_only_tests_or_benches_need_is_installed_by_start(self):
        start = set(listed("run", "build"))
        self.assertEqual(start & set(listed("test")), set())
        self.assertEqual(start & set(listed("bench")), set())
        for rival in ("libgrpc++-dev", "libzmq3-dev", "libcapnp-dev", "nats-server"):
            self.assertNotIn(rival, start)

    def test_no_package_is_listed_twice(self):
        packages = re.findall(r"^[a-z0-9][a-z0-9.+-]+", (ROOT / "packaging" / "deps.txt").read_text(), re.M)
        self.assertEqual(sorted(packages), sorted(set(packages)))

    def test_the_libraries_a_program_loads_are_run_packages(self):
        programs = [path for path in pathlib.Path(os.environ.get("GHOST_BIN", "/nonexistent")).glob("*")
                    if path.name in ("ghostlight", "b2", "ardus", "ariascribe", "audiojuggler", "portlight")]
        packages = set(listed("run")) | {"libc6", "libgcc-s1"}
        loaders = {}
        for program in programs:
            needed = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
            for library in re.findall(r"\(NEEDED\).*\[(.+)\]", needed):
                if not re.match(r"lib(asan|ubsan|tsan)", library):
                    loaders.setdefault(library, program.name)
        owners = {}
        # One query: each reads the lists of all packages.
        found = subprocess.run(["dpkg-query", "-S", *(f"*/{library}" for library in loaders)], capture_output=True, text=True).stdout if loaders else ""
        for package, path in re.findall(r"(?m)^([^:\s]+)(?::\w+)?: (.+)$", found):
            owners.setdefault(pathlib.PurePath(path).name, set()).add(package)
        for library, program in loaders.items():
            self.assertTrue(owners.get(library, set()) & packages, f"{program} loads {library} of {owners.get(library) or 'no package'}")


class InstallDepsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.deps = pathlib.Path(folder.name) / "deps.txt"

    def run_with(self, text, *arguments):
        self.deps.write_text(text)
        return subprocess.run([INSTALL_DEPS, *arguments], capture_output=True, text=True,
                              env={**os.environ, "GHOST_DEPS": str(self.deps)})

    def test_a_command_that_is_there_makes_its_package_needless(self):
        done = self.run_with("[run]\nno-such-a unless-command:bash\nno-such-b unless-command:no-such-command # why\n",
                             "--list", "run")
        self.assertEqual(done.stdout.split(), ["no-such-b"])

    def test_a_package_of_another_architecture_is_left_out(self):
        text = "[run]\nno-such-a only-arch:amd64\nno-such-b only-arch:arm64 # why\n"
        self.deps.write_text(text)
        done = subprocess.run([INSTALL_DEPS, "--list", "run"], capture_output=True, text=True, check=True,
                              env={**os.environ, "GHOST_DEPS": str(self.deps), "GHOST_ARCHITECTURE": "arm64"})
        self.assertEqual(done.stdout.split(), ["no-such-b"])

    def test_a_missing_package_is_named_by_check(self):
        done = self.run_with("[run]\nbash\nno-such-package-here\n", "--check", "run")
        self.assertEqual((done.returncode, done.stdout.split()), (1, ["no-such-package-here"]))

    def test_nothing_to_do_is_said(self):
        done = self.run_with("[run]\nbash\n[build]\n", "run")
        self.assertEqual(done.returncode, 0)
        self.assertIn("every package of run is installed", done.stdout)

    def test_an_unknown_section_is_a_usage_error(self):
        done = self.run_with("[run]\nbash\n", "rum")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no section [rum]", done.stderr)


if __name__ == "__main__":
    unittest.main()
