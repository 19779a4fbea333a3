# SPDX-License-Identifier: GPL-2.0-only
"""The trees of the tests, and that each tool of the gate finds what it is there to find.

A gate that finds nothing proves nothing until it has been seen to find a fault.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels.build import Prepared
from tests.kernels.cocci import check_semantics
from tests.kernels.config import LAB, read_fragment, unmet
from tests.kernels.errors import UnavailableError
from tests.kernels.fixtures import Trees
from tests.kernels.gate import build_modules, check_documentation, check_style
from tests.kernels.intree import PARENT, laid_in
from tests.kernels.modinfo import read_modinfo
from tests.kernels.trees import Tree
from vfiogen.kernel.features import EXAMINED, features_of
from vfiogen.kernel.target import Kernel, kernel_from_tree

DATA = Path(__file__).parent / "data"
SPDX = "# SPDX-License-Identifier: GPL-2.0-only\n"
OPS = {
    "region-info-caps": ["get_region_info_caps = vfio_pci_ioctl_get_region_info"],
    "match-token-uuid": ["match_token_uuid = vfio_pci_core_match_token_uuid"],
    "iommufd-ops": [
        "bind_iommufd = vfio_iommufd_physical_bind",
        "unbind_iommufd = vfio_iommufd_physical_unbind",
        "attach_ioas = vfio_iommufd_physical_attach_ioas",
    ],
    "detach-ioas": ["detach_ioas = vfio_iommufd_physical_detach_ioas"],
}


def driver(kernel: Kernel, more: str = "") -> str:
    """Return a whole driver for a kernel, without a finding unless the file `more` has one."""
    ops = [f"\t.{op},\n" for name, several in OPS.items() if kernel.has(name) for op in several]
    text = (DATA / "plain.c").read_text().replace("/* operations */\n", "".join(ops))
    extra = (DATA / more).read_text().partition("\n")[2] if more else ""
    return text.replace("/* more */\n", f"\n{extra}" if extra else "")


def sources(directory: Path, kernel: Kernel, more: str = "") -> Path:
    directory.mkdir(parents=True)
    (directory / "plain.c").write_text(driver(kernel, more))
    (directory / "Makefile").write_text(f"{SPDX}obj-$(CONFIG_PLAIN) += plain.o\n")
    return directory


def image(directory: Path, kernel: Kernel, kconfig: str | None = None) -> Path:
    part = directory / "plain"
    part.mkdir(parents=True)
    (directory / "Kconfig").write_text(f'{SPDX}source "{PARENT}/vfiogen/plain/Kconfig"\n')
    (directory / "Makefile").write_text(f"{SPDX}obj-$(CONFIG_QAT_VFIO_PCI) += plain/\n")
    (part / "Kconfig").write_text(kconfig or (DATA / "Kconfig").read_text())
    (part / "plain.c").write_text(driver(kernel))
    (part / "more.c").write_text("// SPDX-License-Identifier: GPL-2.0-only\n")
    (part / "Makefile").write_text(
        f"{SPDX}obj-$(CONFIG_QAT_VFIO_PCI) += plain-vfio-pci.o\nplain-vfio-pci-y := plain.o\n"
        "plain-vfio-pci-$(CONFIG_QAT_VFIO_PCI_MORE) += more.o\n"
    )
    return directory


# Trees


def test_the_headers_of_a_tree_and_the_table_agree(tree: Tree) -> None:
    kernel = kernel_from_tree(tree.source)
    assert kernel.release == tree.release
    differing = sorted(kernel.features ^ features_of(tree.release))
    if differing and tree.release > EXAMINED.get(tree.release.line, tree.release):
        pytest.skip(f"the table doesn't know Linux {tree.release} yet: {', '.join(differing)}")
    assert differing == []


def test_an_output_directory_shows_what_its_source_shows(tree: Tree, trees: Trees) -> None:
    prepared = trees.prepared(tree.name)
    from_output, from_source = kernel_from_tree(prepared.directory), kernel_from_tree(tree.source)
    assert from_output.features == from_source.features
    assert from_output.release == from_source.release


def test_a_built_tree_is_configured_as_asked_and_knows_every_symbol(built: Prepared) -> None:
    assert built.linkable
    assert "CONFIG_VFIO_PCI_CORE=m" in built.config
    if built.of_lab:
        assert unmet(read_fragment(LAB, built.tree.release), built.directory / ".config") == []
        assert built.image.is_file()


# Modules


def test_a_plain_driver_passes_the_gate(built: Prepared, tmp_path: Path) -> None:
    directory = sources(tmp_path / "in", kernel_from_tree(built.directory))
    outcome = build_modules(built, directory, tmp_path / "out", {"PLAIN": "m"})
    assert outcome.findings == ()
    (module,) = outcome.modules
    info = read_modinfo(module)
    assert info.name == "plain"
    assert info.license == "GPL"
    assert info.authors == ("Nobody",)
    assert info.aliases == ("vfio_pci:v00001234d000011E8sv*sd*bc*sc*i*",)
    assert info.namespaces == ()
    assert info.depends == ("vfio", "vfio-pci-core")
    assert sorted(path.name for path in directory.iterdir()) == ["Makefile", "plain.c"]


def test_the_gate_finds_what_w1_warns_of(built: Prepared, tmp_path: Path) -> None:
    directory = sources(tmp_path / "in", kernel_from_tree(built.directory), "w1.c")
    outcome = build_modules(built, directory, tmp_path / "out", {"PLAIN": "m"})
    assert outcome.status != 0
    assert "unused-but-set-variable" in "".join(outcome.compiler)


def test_the_gate_finds_what_sparse_warns_of(built: Prepared, tmp_path: Path) -> None:
    directory = sources(tmp_path / "in", kernel_from_tree(built.directory), "sparse.c")
    outcome = build_modules(built, directory, tmp_path / "out", {"PLAIN": "m"})
    assert outcome.compiler == outcome.modpost == ()
    assert "incorrect type in return expression" in "".join(outcome.sparse)


def test_the_gate_finds_what_modpost_complains_of(built: Prepared, tmp_path: Path) -> None:
    kernel = kernel_from_tree(built.directory)
    directory = sources(tmp_path / "in", kernel, "modpost.c")
    outcome = build_modules(built, directory, tmp_path / "out", {"PLAIN": "m"}, sparse=False)
    found = "\n".join(outcome.modpost)
    assert outcome.status != 0
    assert "plain_nowhere" in found
    exported = "CONFIG_IOMMUFD_DRIVER=y" in built.config
    assert ("IOMMUFD" in found) is (kernel.has("iova-bitmap-iommufd") and exported)


def test_a_symbol_is_what_the_caller_sets_it_to(built: Prepared, tmp_path: Path) -> None:
    directory = sources(tmp_path / "in", kernel_from_tree(built.directory), "symbols.c")
    symbols = {"PLAIN": "m", "MORE": "y", "PCI_IOV": "n"}
    outcome = build_modules(built, directory, tmp_path / "out", symbols, sparse=False)
    assert outcome.findings == ()


# Files


def test_checkpatch_counts_and_can_be_told_to_ignore(newest: Tree, tmp_path: Path) -> None:
    kernel = kernel_from_tree(newest.source)
    clean, bad = tmp_path / "clean.c", tmp_path / "bad.c"
    clean.write_text(driver(kernel))
    bad.write_text(driver(kernel, "sizeof.c"))
    assert check_style(newest, [clean]).clean
    found = check_style(newest, [clean, bad])
    assert (found.errors, found.warnings, found.checks) == (0, 1, 0)
    assert "ALLOC_WITH_SIZEOF" in found.text
    assert check_style(newest, [bad], ignore=["ALLOC_WITH_SIZEOF"]).clean


def test_kernel_doc_finds_a_comment_that_is_wrong(newest: Tree) -> None:
    assert check_documentation(newest, [DATA / "plain.c"]) == ()
    assert "gone" in "".join(check_documentation(newest, [DATA / "wrong-comment.c"]))


def test_the_semantic_patches_find_a_fault(newest: Tree, tmp_path: Path) -> None:
    directory = sources(tmp_path / "in", kernel_from_tree(newest.source), "freed.c")
    try:
        (finding,) = check_semantics(newest, directory)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    assert "reference preceded by free" in finding


# In the tree


def test_an_image_is_built_in_the_tree_as_its_symbols_say(tree: Tree, tmp_path: Path) -> None:
    before = (tree.source / PARENT / "Kconfig").read_bytes()
    drivers = image(tmp_path / "image", kernel_from_tree(tree.source))
    with laid_in(tree, drivers) as lab:
        assert lab.symbols == ("QAT_VFIO_PCI", "QAT_VFIO_PCI_MORE")
        nothing = lab.build({"QAT_VFIO_PCI": "n"})
        module = lab.build({"QAT_VFIO_PCI": "m", "QAT_VFIO_PCI_MORE": "y"})
        inside = lab.build({"QAT_VFIO_PCI": "y", "QAT_VFIO_PCI_MORE": "n"})
    assert nothing.findings == module.findings == inside.findings == ()
    assert (nothing.modules, nothing.built_in) == ((), ())
    assert (module.modules, module.built_in) == (("plain/plain-vfio-pci.o",), ())
    assert (inside.modules, inside.built_in) == ((), ("plain/plain.o",))
    assert module.values == {"QAT_VFIO_PCI": "m", "QAT_VFIO_PCI_MORE": "y"}
    assert not (tree.source / PARENT / "vfiogen").exists()
    assert (tree.source / PARENT / "Kconfig").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("\tselect VFIO_PCI_ZDEV_KVM\n", "unmet direct dependencies", id="unmet"),
        pytest.param("\tbool\n", "warning", id="two-types"),
    ],
)
def test_what_kconfig_warns_of_is_found(newest: Tree, tmp_path: Path, line: str, says: str) -> None:
    known = "\tselect VFIO_PCI_CORE\n"
    kconfig = (DATA / "Kconfig").read_text().replace(known, known + line)
    with laid_in(newest, image(tmp_path / "image", kernel_from_tree(newest.source), kconfig)) as lab:
        outcome = lab.build({"QAT_VFIO_PCI": "y"})
    assert says in "\n".join(outcome.kconfig)
    assert outcome.findings


def test_a_symbol_that_nothing_defines_is_found(newest: Tree, tmp_path: Path) -> None:
    with laid_in(newest, image(tmp_path / "image", kernel_from_tree(newest.source))) as lab:
        outcome = lab.build({"QAT_VFIO_PCI": "m", "QAT_VFIO_PCI_MROE": "y"})
    assert "QAT_VFIO_PCI_MROE" in "\n".join(outcome.kconfig)
