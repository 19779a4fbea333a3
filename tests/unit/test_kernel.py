# SPDX-License-Identifier: GPL-2.0-only
"""Kernel releases, the table of features, and what a tree shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vfiogen.diagnostics import VfiogenError, listing, quote
from vfiogen.kernel.features import FEATURES, changes_inside, features_of
from vfiogen.kernel.release import Release, Thresholds, states_patch_level
from vfiogen.kernel.target import (
    Kernel,
    kernel_from_release,
    kernel_from_tree,
    read_release,
    strip_comments,
)

# What the headers of released kernels showed, each column one release.
COLUMNS = [
    "6.1.192",
    "6.2.0",
    "6.3.0",
    "6.4.0",
    "6.5.0",
    "6.6.0",
    "6.6.87",
    "6.8.0",
    "6.9.0",
    "6.10.0",
    "6.11.0",
    "6.12.10",
    "6.12.95",
    "6.13.0",
    "6.14.0",
    "6.17.0",
    "6.18.0",
    "6.18.44",
    "6.19.0",
    "7.0.0",
    "7.1.5",
    "7.2.13",
    "7.3.4",
]
MATRIX = """
iommufd-ops            .1111111111111111111111
detach-ioas            .....111111111111111111
pasid-ops              ...............11111111
match-token-uuid       ...............11111111
region-info-caps       ..................11111
mig-data-size          .1111111111111111111111
pre-copy               .1111111111111111111111
precopy-info-v2        ....................111
combine-ranges         .....111111111111111111
iova-bitmap-iommufd    .......1111111111111111
setup-barmap           .......11111111111111..
get-iomap              .....................11
core-iorw              .......1111111111111111
range-intersect        ........111111111111111
do-io-rw               ........111111111111111
do-io-rw-width         ............1....111111
vmf-insert-pfn         .................111111
memory-enabled         ..................11111
dmabuf-ops             ..................11111
dmabuf-phys-vec        ...................1111
set-params             111111111111111111111..
import-ns-string       .............1111111111
guard-mutex            1...1111111111111111111
kzalloc-obj            .................1.1111
vm-flags-set           ..111111111111111111111
huge-fault-order       .....111111111111111111
pfn-t                  111111111111111........
timer-container-of     ...............11111111
linux-unaligned-h      ...........111111111111
hrtimer-setup          .............1111111111
alloc-pages-bulk-array 11111111111111.........
eventfd-signal-1arg    .......1111111111111111
sriov-active           1................1..111
kconfig-select-core    ....1111111111111111111
"""


def matrix() -> Iterator[tuple[str, str, bool]]:
    for row in MATRIX.split("\n"):
        if row.strip():
            name, marks = row.split()
            assert len(marks) == len(COLUMNS)
            yield from ((name, at, mark == "1") for at, mark in zip(COLUMNS, marks, strict=True))


def problem_of(error: pytest.ExceptionInfo[VfiogenError]) -> tuple[str, str, str]:
    problem = error.value.problem
    return problem.code, problem.message, " | ".join(map(str, problem.hints))


# Releases


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.12", Release(6, 12)),
        ("6.12.95", Release(6, 12, 95)),
        ("v7.3.4", Release(7, 3, 4)),
        (" 7.3.4\n", Release(7, 3, 4)),
        ("6.12.95+deb13-amd64", Release(6, 12, 95)),
        ("7.3.4-1~bpo13", Release(7, 3, 4)),
        ("7.3.4-1~bpo13+1", Release(7, 3, 4)),
        ("7.4.0-rc3", Release(7, 4)),
        ("6.12~rc2", Release(6, 12)),
    ],
)
def test_a_release_is_read(text: str, release: Release) -> None:
    assert Release.parse(text) == release


@pytest.mark.parametrize(
    "text", ["", "6", "6.", "six", "6.12.x", "6.12 95", "6.12.95.1", "-6.12", "6.12\n7", "99999.1"]
)
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(VfiogenError) as error:
        Release.parse(text)
    code, message, hints = problem_of(error)
    assert code == "kernel-release"
    assert quote(text) in message
    assert "x.y.z" in hints


def test_releases_are_ordered_by_number() -> None:
    texts = ["7.0", "6.9.2", "6.12.9", "6.12.10", "6.2"]
    ordered = sorted(map(Release.parse, texts))
    assert list(map(str, ordered)) == ["6.2.0", "6.9.2", "6.12.9", "6.12.10", "7.0.0"]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("6.12", False),
        ("6.12.0", True),
        ("6.12.95+deb13-amd64", True),
        ("6.1.0-50-amd64", False),
        ("6.8.0-45-generic", False),
        ("7.4.0-rc3", True),
    ],
)
def test_an_abi_number_is_no_patch_level(text: str, stated: bool) -> None:
    assert states_patch_level(text) is stated


@pytest.mark.parametrize(
    ("release", "reached"),
    [
        ("6.12.63", False),
        ("6.12.64", True),
        ("6.13.12", False),
        ("6.18.3", False),
        ("6.18.4", True),
        ("6.19", True),
        ("7.0", True),
    ],
)
def test_a_threshold_of_a_stable_line_holds_in_that_line_only(release: str, reached: bool) -> None:
    thresholds = Thresholds.of(["6.18.4", "6.19", "6.12.64"])
    assert thresholds.reached(Release.parse(release)) is reached


# The table


def test_the_table_agrees_with_what_headers_of_released_kernels_showed() -> None:
    wrong = [(name, at) for name, at, shown in matrix() if FEATURES[name].present(Release.parse(at)) != shown]
    assert wrong == []


PROVEN_BY_TREES = {"vfio-debugfs-root", "huge-pfnmap", "pfn-address-space", "zap-by-mapping"}


def test_every_feature_is_in_the_matrix_or_proven_by_the_trees_of_the_tests() -> None:
    assert set(FEATURES) - {name for name, _, _ in matrix()} == PROVEN_BY_TREES


def test_every_feature_tells_some_supported_releases_apart() -> None:
    releases = [Release.parse(at) for at in COLUMNS]
    same = [name for name, row in FEATURES.items() if len({*map(row.present, releases)}) == 1]
    assert same == []


def test_names_and_descriptions_are_in_order() -> None:
    for name, row in FEATURES.items():
        assert name == row.name == name.lower().replace("_", "-")
        assert row.description
        assert not row.description.endswith(".")


# Kernels by release


def test_a_full_release_is_answered_by_the_table() -> None:
    kernel = kernel_from_release("6.12.95")
    assert kernel.origin == "table"
    assert kernel.tree is None
    assert kernel.release == Release(6, 12, 95)
    assert kernel.has("do-io-rw-width")
    assert not kernel.has("kzalloc-obj")
    assert kernel_from_release("6.12.97").has("kzalloc-obj")


def test_a_release_without_its_patch_level_is_taken_where_nothing_changed_inside_its_line() -> None:
    assert kernel_from_release("7.3").features == kernel_from_release("7.3.4").features


@pytest.mark.parametrize("text", ["6.12", "6.12-amd64", "6.1.0-50-amd64", "6.18"])
def test_a_release_without_a_patch_level_that_matters_is_refused_with_the_choices(
    text: str,
) -> None:
    with pytest.raises(VfiogenError) as error:
        kernel_from_release(text)
    code, message, hints = problem_of(error)
    assert code == "kernel-ambiguous"
    assert text in message
    for at, names in changes_inside(Release.parse(text).line).items():
        assert f"{at} changed {listing(names, 'and')}" in hints
    assert "--kernel-dir" in hints


@pytest.mark.parametrize("text", ["6.0", "5.15.3", "2.6.32"])
def test_a_release_that_is_too_old_is_refused(text: str) -> None:
    with pytest.raises(VfiogenError) as error:
        kernel_from_release(text)
    code, message, hints = problem_of(error)
    assert code == "kernel-unsupported"
    assert text in message
    assert "6.1" in hints


def test_a_release_later_than_the_table_is_taken_as_its_newest() -> None:
    assert kernel_from_release("9.1.2").features == features_of(Release(7, 3, 4))


def test_an_unknown_feature_is_a_fault_of_the_tool() -> None:
    with pytest.raises(KeyError, match="no-such-feature"):
        kernel_from_release("7.3.4").has("no-such-feature")


# Features of a spec


@pytest.mark.parametrize(("release", "there"), [("6.13.9", False), ("6.14", True), ("7.3", True)])
def test_a_feature_of_a_spec_follows_its_threshold(release: str, there: bool) -> None:
    kernel = kernel_from_release(release)
    assert kernel.declares("linux/virtio_pci_admin.h", "anything", "6.14") is there


def test_a_feature_of_a_spec_may_have_thresholds_of_stable_lines() -> None:
    since = ["6.19", "6.18.4", "6.12.64"]
    assert kernel_from_release("6.12.64").declares("linux/x.h", "x", since)
    assert not kernel_from_release("6.12.63").declares("linux/x.h", "x", since)
    assert not kernel_from_release("6.14.0").declares("linux/x.h", "x", since)


# Kernels by tree

VFIO_H = """
struct vfio_device_ops {
	char	*name;
	/* bind_iommufd was here once */
	void	(*detach_ioas)(struct vfio_device *vdev);
};
// int vfio_check_precopy_ioctl(struct vfio_device *vdev);
"""
MAKEFILE = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\nNAME = x\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {"include/linux/vfio.h": VFIO_H, "Makefile": MAKEFILE}
    return write(tmp_path / "linux", files)


def same(one: Kernel, other: Kernel) -> bool:
    return (one.release, one.features, one.tree) == (other.release, other.features, other.tree)


def test_a_source_tree_is_probed(source: Path) -> None:
    kernel = kernel_from_tree(source)
    assert kernel.origin == "probe"
    assert kernel.tree == source
    assert kernel.release == Release(6, 12, 7)
    # Kconfig's style isn't in the headers: the release decides.
    assert kernel.features == {"detach-ioas", "kconfig-select-core"}


def test_the_table_is_not_asked_where_a_header_can_tell(source: Path) -> None:
    assert "iommufd-ops" in features_of(Release(6, 12, 7))
    assert not kernel_from_tree(source).has("iommufd-ops")


@pytest.mark.parametrize(
    "makefile", ["include {source}/Makefile\n", "# made\nexport X\ninclude {source}/Makefile\n"]
)
def test_an_output_directory_is_followed_by_its_makefile(source: Path, tmp_path: Path, makefile: str) -> None:
    out = write(tmp_path / "out", {"Makefile": makefile.format(source=source)})
    assert same(kernel_from_tree(out), kernel_from_tree(source))


def test_an_output_directory_is_followed_by_its_link(source: Path, tmp_path: Path) -> None:
    out = write(tmp_path / "out", {"include/config/kernel.release": "6.12.7-lab\n"})
    (out / "source").symlink_to(source)
    assert same(kernel_from_tree(out), kernel_from_tree(source))


def test_a_headers_package_is_followed_to_its_common_directory(tmp_path: Path) -> None:
    common = tmp_path / "usr/src/linux-headers-6.12.7-common"
    write(common, {"include/linux/vfio.h": VFIO_H, "Makefile": MAKEFILE})
    makefile = "include /usr/src/linux-headers-6.12.7-common/Makefile\n"
    flavour = write(tmp_path / "usr/src/linux-headers-6.12.7-amd64", {"Makefile": makefile})
    build = tmp_path / "lib/modules/6.12.7/build"
    build.parent.mkdir(parents=True)
    build.symlink_to(flavour)
    assert kernel_from_tree(flavour).tree == common
    assert same(kernel_from_tree(build), kernel_from_tree(flavour))


def test_the_makefile_names_the_release_before_an_abi_number_does(source: Path) -> None:
    write(source, {"include/config/kernel.release": "6.12.0-3-amd64\n"})
    assert read_release(source, source) == Release(6, 12, 7)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("include/config/kernel.release", "6.12.7-lab+\n"),
        ("include/generated/utsrelease.h", '#define UTS_RELEASE "6.12.7-lab+"\n'),
    ],
)
def test_a_build_records_its_release(tmp_path: Path, file: str, text: str) -> None:
    root = write(tmp_path, {"include/linux/vfio.h": VFIO_H, file: text})
    assert kernel_from_tree(root).release == Release(6, 12, 7)


def test_a_tree_that_does_not_name_its_release_is_taken_for_a_new_one(tmp_path: Path) -> None:
    kernel = kernel_from_tree(write(tmp_path, {"include/linux/vfio.h": VFIO_H}))
    assert kernel.release is None
    assert kernel.has("kconfig-select-core")


def test_a_tree_that_is_too_old_is_refused(source: Path) -> None:
    write(source, {"Makefile": MAKEFILE.replace("VERSION = 6", "VERSION = 5")})
    with pytest.raises(VfiogenError) as error:
        kernel_from_tree(source)
    assert problem_of(error)[0] == "kernel-unsupported"


@pytest.mark.parametrize(
    ("made", "says"), [(None, "doesn't exist"), ("file", "isn't a directory"), ("dir", "vfio.h")]
)
def test_what_is_no_kernel_is_refused_in_one_line(tmp_path: Path, made: str | None, says: str) -> None:
    path = tmp_path / "kernel"
    if made == "file":
        path.write_text("")
    if made == "dir":
        path.mkdir()
    with pytest.raises(VfiogenError) as error:
        kernel_from_tree(path)
    code, message, hints = problem_of(error)
    assert code == "kernel-dir"
    assert str(path) in message
    assert says in message
    assert "\n" not in message
    assert "source tree" in hints


def test_a_makefile_that_includes_itself_ends(tmp_path: Path) -> None:
    write(tmp_path, {"Makefile": f"include {tmp_path}/Makefile\n"})
    with pytest.raises(VfiogenError):
        kernel_from_tree(tmp_path)


def test_a_tree_answers_for_the_features_of_a_spec_by_its_headers(source: Path) -> None:
    write(
        source,
        {
            "include/linux/parent.h": "int parent_save(void); /* parent_load */\n",
            "include/uapi/linux/parent.h": "#define PARENT_FLAG 1\n",
        },
    )
    kernel = kernel_from_tree(source)
    assert kernel.declares("linux/parent.h", "parent_save", "9.9")
    assert kernel.declares("linux/parent.h", "PARENT_FLAG", "9.9")
    assert not kernel.declares("linux/parent.h", "parent_sav", "6.1")
    assert not kernel.declares("linux/parent.h", "parent_load", "6.1")
    assert not kernel.declares("linux/absent.h", "parent_save", "6.1")


def test_comments_go_and_literals_stay() -> None:
    text = "a /* b\n * c */ \"d // e\" // f\ng '/*' h"
    assert strip_comments(text) == "a   \"d // e\"  \ng '/*' h"


def test_a_kernel_is_a_value(source: Path) -> None:
    assert kernel_from_tree(source) == kernel_from_tree(source)
    assert len({kernel_from_release("7.3"), kernel_from_release("7.3.0")}) == 1
