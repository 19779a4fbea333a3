# SPDX-License-Identifier: GPL-2.0-only
"""How the tests choose, configure and remember kernel trees; no tree and no network is needed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from tests.kernels import packages, trees
from tests.kernels.__main__ import main
from tests.kernels.build import Prepared, find_module
from tests.kernels.cache import appearing, cache_root, locked
from tests.kernels.config import LAB, Setting, built_in, parse_setting, read_fragment, unmet
from tests.kernels.errors import UnavailableError
from tests.kernels.packages import Apt, Candidate, find_mirror
from tests.kernels.trees import NAMES, WANTS, Tree, find_tree, further_names, given_trees

from vfiogen.kernel.release import Release


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VFIOGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VFIOGEN_TREES", raising=False)
    return tmp_path / "cache"


def source_tree(root: Path, release: str) -> Path:
    version, patchlevel, sublevel = release.split(".")
    (root / "include/linux").mkdir(parents=True)
    (root / "include/linux/vfio.h").write_text("")
    text = f"VERSION = {version}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = {sublevel}\n"
    (root / "Makefile").write_text(text)
    return root


# The fragment


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("CONFIG_A=y", Setting("CONFIG_A", "y")),
        ("CONFIG_A=m # from 6.12", Setting("CONFIG_A", "m", since=Release(6, 12))),
        ("CONFIG_A=20 # until 6.12", Setting("CONFIG_A", "20", until=Release(6, 12))),
        ("# CONFIG_A is not set", Setting("CONFIG_A", "n")),
        ("# A remark.", None),
        ("", None),
    ],
)
def test_a_line_of_a_fragment_is_read(line: str, setting: Setting | None) -> None:
    assert parse_setting(line) == setting


@pytest.mark.parametrize("line", ["CONFIG_A", "CONFIG_A = y", "A=y", "CONFIG_A=y from 6.12"])
def test_a_line_that_would_be_ignored_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="fragment"):
        parse_setting(line)


def test_a_setting_holds_for_the_releases_that_know_it() -> None:
    since, until = Setting("A", "y", since=Release(6, 13)), Setting("A", "y", until=Release(6, 12))
    assert [since.known_to(Release(6, minor)) for minor in (12, 13)] == [False, True]
    assert until.known_to(Release(6, 12, 117))
    assert not until.known_to(Release(6, 13))


def test_a_setting_that_did_not_take_effect_is_named(tmp_path: Path) -> None:
    config = tmp_path / ".config"
    config.write_text("CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_E=y\n")
    lines = ["CONFIG_A=y", "CONFIG_B=y", "CONFIG_C=m", "# CONFIG_D is not set", "# CONFIG_E is not set"]
    settings = [setting for setting in map(parse_setting, lines) if setting]
    assert unmet(settings, config) == ["CONFIG_B=y", "CONFIG_C=m", "# CONFIG_E is not set"]


def test_the_fragment_is_well_formed() -> None:
    settings = read_fragment(LAB, Release(7, 3, 4))
    symbols = [setting.symbol for setting in settings]
    assert len(set(symbols)) == len(symbols)
    assert {"CONFIG_VFIO_DEVICE_CDEV", "CONFIG_KASAN", "CONFIG_QAT_VFIO_PCI"} <= set(symbols)
    assert "m" not in {setting.value for setting in built_in(settings)}


# Packages


def test_versions_are_read_with_their_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = (
        " linux-source-7.4 | 7.4~rc3-1~exp1 | http://a.example/debian experimental/main amd64 Packages\n"
        " linux-source-7.4 | 7.4.1-1~exp1 | http://a.example/debian rc-buggy/main amd64 Packages\n"
        " linux-source-7.4 | 7.4~rc3-1 | http://a.example/debian sid/main amd64 Packages\n"
        " linux-source-7.4 | 7.4.2-1 | http://a.example/debian sid/main amd64 Packages\n"
        " linux-source-7.4 | 7.4.2-1 | http://a.example/debian sid/main Sources\n"
    )
    monkeypatch.setattr(packages, "output_of", lambda _command: listing)
    (only,) = Apt().candidates("linux-source-7.4")
    assert only == Candidate("linux-source-7.4", "7.4.2-1", "sid")
    assert only.release == Release(7, 4, 2)


def test_the_mirror_is_read_from_the_machines_own_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = (
        "nodistro main https://other.example/\n"
        "bookworm main http://a.example/debian/\n"
        "bookworm-security main http://s.example/security/\n"
    )
    monkeypatch.setattr(packages, "output_of", lambda _command: listing)
    mirror = find_mirror()
    assert mirror.address("trixie-backports") == "http://a.example/debian/"
    assert mirror.address("trixie-security") == "http://s.example/security/"


def test_a_machine_without_the_archive_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "output_of", lambda _command: "nodistro main https://other.example/\n")
    with pytest.raises(UnavailableError, match="no archive of Debian"):
        find_mirror()


@pytest.mark.parametrize(
    ("suites", "chosen"),
    [
        (["trixie-backports", "sid"], "7.3.4-1~bpo13+1"),
        (["sid"], None),
    ],
)
def test_the_newest_tree_comes_from_backports_first(suites: list[str], chosen: str | None) -> None:
    class Offer(Apt):
        def names(self, prefix: str) -> list[str]:
            return ["linux-source", "linux-source-6.12", "linux-source-7.2", "linux-source-7.3"]

        def candidates(self, package: str) -> list[Candidate]:
            versions = {"linux-source-7.2": "7.2.12-1", "linux-source-7.3": "7.3.4-1~bpo13+1"}
            suite = suites[0] if package.endswith("7.3") else suites[-1]
            return [Candidate(package, versions[package], suite)] if package in versions else []

    newest = next(want for want in WANTS if want.name == "newest")
    found = trees.choose(Offer(), newest, everywhere=False)
    assert (found.version if found else None) == chosen


# Trees


def test_trees_that_are_given_serve_by_their_release(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = ["6.12.3", "6.6.80", "7.2.1", "7.3.9"]
    paths = [source_tree(tmp_path / release, release) for release in releases]
    monkeypatch.setenv("VFIOGEN_TREES", ":".join(map(str, paths)))
    assert [tree.name for tree in given_trees()] == ["6.12", "6.6.80", "7.2.1", "newest"]
    assert further_names() == ["6.6.80", "7.2.1"]
    assert find_tree("newest").source == paths[3]
    assert find_tree("6.6.80").release == Release(6, 6, 80)
    with pytest.raises(UnavailableError, match=r"VFIOGEN_TREES.*6\.1"):
        find_tree("6.1")


def test_a_given_tree_that_is_none_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFIOGEN_TREES", "/no/such/tree")
    with pytest.raises(UnavailableError, match="/no/such/tree"):
        given_trees()
    assert further_names() == []


def test_a_configured_tree_is_used_as_it_is(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source_tree(tmp_path / "linux", "6.12.3")
    (path / "include/generated").mkdir()
    (path / "include/generated/autoconf.h").write_text("")
    monkeypatch.setenv("VFIOGEN_TREES", str(path))
    assert find_tree("6.12").ready == path


def test_the_highest_version_in_the_cache_is_used(cache: Path) -> None:
    for version in ("7.2.12-1", "7.3.4-1~bpo13+1", "7.3.10-1"):
        package = f"linux-source-{version[:3]}"
        about = cache / "trees" / f"{package}-{version}" / "about.json"
        about.parent.mkdir(parents=True)
        about.write_text(json.dumps({"package": package, "version": version}))
    tree = find_tree("newest")
    assert tree.release == Release(7, 3, 10)
    assert tree.source == tree.work / "source"


def test_without_apt_the_message_says_what_to_pass(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    for name in NAMES:
        with pytest.raises(UnavailableError) as error:
            find_tree(name)
        message = str(error.value)
        assert "VFIOGEN_TREES" in message
        assert name in message
        assert "\n" not in message


def test_a_module_is_found_whatever_its_dashes(tmp_path: Path) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers/vfio-pci-core.ko").write_text("")
    prepared = Prepared(Tree("6.12", Release(6, 12), tmp_path, tmp_path), tmp_path)
    assert find_module(prepared, "vfio_pci_core") == tmp_path / "drivers/vfio-pci-core.ko"
    assert find_module(prepared, "vfio") is None


# The cache


def test_a_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "tree"
    stale = tmp_path / "tree.partial"
    stale.mkdir()
    (stale / "left").write_text("")
    with contextlib.suppress(ZeroDivisionError), appearing(target) as partial:
        assert not (partial / "left").exists()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with appearing(target) as partial:
        (partial / "file").write_text("")
        assert not target.exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["tree", "file"]


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VFIOGEN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache/vfiogen"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg/vfiogen"
    monkeypatch.setenv("VFIOGEN_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"


def test_a_lock_can_be_taken_again(cache: Path) -> None:
    for _ in range(2):
        with locked("one"), locked("other"):
            assert (cache / "locks/one").exists()


# The command


def test_a_cache_that_cannot_be_written_to_is_one_line(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.write_text("")
    assert main(["fetch", "newest"]) == 1
    assert capsys.readouterr().err == f"{cache}/locks: Not a directory\n"


def test_a_stop_is_told_by_the_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_name: str) -> Tree:
        raise KeyboardInterrupt

    monkeypatch.setattr(trees, "find_tree", stopped)
    assert main(["fetch", "newest"]) == 130
    assert capsys.readouterr().err == ""
