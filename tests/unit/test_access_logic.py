# SPDX-License-Identifier: GPL-2.0-only
"""The rendered access logic of regions, compiled for user space and tried with every offset and width.

Functions are taken from rendered drivers as they are; thin stand-ins for the kernel's helpers are below
tests/access. A model of each device in the harness says what must come out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.golden.rendering import ROOT, combination_specs, project_specs, render

from vfiogen.kernel.target import kernel_from_release

HARNESS = ROOT / "tests" / "access"
RELEASES = ("6.1.192", "6.12.117", "7.3.4")
# What a harness takes from the sources: macros, structures and these functions, without the prefix.
FUNCTIONS = {
    "config-fields": "from_vfio show_field keep_field config_read config_is_own config_write reset_emulation",
    "bridge-config": "other_config_rw",
    "igd": (
        "from_vfio read_config32 show_field keep_field config_read config_is_own config_write "
        "find_opregion copy_piece opregion_rw opregion_release register_opregion init release"
    ),
    "device-info": "from_vfio add_capabilities core_info get_info",
    "ism": "from_vfio load_value bar_load bar_store bar_read bar_write bar_rw rw read write region_info",
    "clipped-bar": "from_vfio bar2_visible read write clipped_info",
    "virtio": (
        "from_vfio show_field keep_field config_read config_is_own config_write reset_emulation "
        "access_width in_field forward bar0_access bar0_rw read write"
    ),
    "record-kinds": (
        "state_size list_pages fill_version fill_coming add_head add_heads begin_record end_record"
        " write_records"
    ),
    "virtio-records": "list_pages begin_record end_record write_records",
    "nvgrace-gpu": (
        "from_vfio show_field keep_field config_read config_is_own config_write reset_emulation memory "
        "set_memory lock_memory copy_memory memory_rw read write vma_index vma_page memory_mmap"
    ),
}
# A harness that isn't named after a spec is of a part of one.
SPECS = {"virtio-records": "virtio"}
ABSENT = {
    *(("virtio", "6.1.192"), ("nvgrace-gpu", "6.1.192")),
    *(("virtio-records", "6.1.192"), ("virtio-records", "6.12.117")),
}
CASES = [(name, release) for name in FUNCTIONS for release in RELEASES if (name, release) not in ABSENT]
COMPILER = os.environ.get("CC", "gcc")


def extract(text: str, prefix: str, wanted: list[str]) -> str:
    """Return the macros, the structures and some functions of a driver's sources."""
    macros = re.findall(r"^#define (?:\w+)\t.*(?:\n\t.*)*$|^#define   \w+\t.*$", text, re.M)
    structures = re.findall(rf"^struct {prefix}_\w+ {{\n.*?^}};$", text, re.M | re.S)
    functions = []
    for name in wanted:
        found = re.search(
            rf"^(?:static )?\w[^;{{}}=]*?\b{prefix}_{name}\([^;{{]*\)\n{{\n.*?^}}$", text, re.M | re.S
        )
        assert found, f"{prefix}_{name} isn't rendered"
        functions.append(found[0])
    return "\n\n".join([*macros, *structures, *functions])


@pytest.mark.parametrize(("name", "release"), CASES)
def test_every_offset_and_width(name: str, release: str, tmp_path: Path) -> None:
    if shutil.which(COMPILER) is None:
        pytest.fail(f"{COMPILER} isn't installed")
    kernel = kernel_from_release(release)
    files, spec = [*project_specs(), *combination_specs()], SPECS.get(name, name)
    rendered = render([file for file in files if file.path.stem == spec], kernel)
    text = "\n".join(text for path, text in sorted(rendered.items()) if re.match(rf"{spec}/.*\.[ch]$", path))
    prefix = re.search(r"^struct (\w+)_device {$", text, re.M)
    assert prefix
    (tmp_path / "driver.inc").write_text(extract(text, prefix[1], FUNCTIONS[name].split()))
    program = tmp_path / "access"
    command = [
        *(COMPILER, "-std=gnu11", "-g", "-O1", "-Wall", "-Werror", "-Wno-unused-function"),
        *("-Wno-unused-but-set-variable", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        f"-DKERNEL={kernel.release.major * 100 + kernel.release.minor}" if kernel.release else "",
        *(f"-I{tmp_path}", f"-I{HARNESS}", str(HARNESS / f"{name}.c"), "-o", str(program)),
    ]
    subprocess.run(command, check=True)
    result = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.fullmatch(r"\d+ accesses\n", result.stdout)
