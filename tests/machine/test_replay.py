# SPDX-License-Identifier: GPL-2.0-only
"""Every path of the model through the rendered C, under the sanitizers; and faults that have to be found."""

from __future__ import annotations

import pytest

from tests.golden.rendering import project_specs
from tests.machine.machines import Explored, Machines
from tests.machine.replay import MismatchError


def test_the_driver_does_what_the_model_says(explored: Explored) -> None:
    replay = explored.replay()
    coverage = replay.explore()
    assert coverage.missing(explored.machine) == []
    print(f"{explored.driver.name}: {len(coverage.states)} states, {coverage.paths} paths")


# What is wrong with a driver: its spec, what stands in its C, and what stands there instead.
FAULTS = {
    "unlock-dropped": ("edu", "\nout_unlock:\n\tmutex_unlock(&migf->lock);\n", "\nout_unlock:\n"),
    "file-not-put": ("edu", "\tif (ret) {\n\t\tfput(migf->filp);\n\t\treturn ERR_PTR(ret);", "\tif (ret) {\n\t\treturn ERR_PTR(ret);"),
    "state-moves-on-error": ("edu", "\t\tif (IS_ERR(filp))\n\t\t\tbreak;\n\t\tedu->mig_state = next;", "\t\tedu->mig_state = next;\n\t\tif (IS_ERR(filp))\n\t\t\tbreak;"),
    "file-not-disabled": ("edu", "\t(*migf)->disabled = true;\n", ""),
    "file-freed-early": ("edu", "return get_file(migf->filp);", "return migf->filp;"),
    "write-to-stale-file": ("edu", "\tret = edu_file_error(migf);\n\tif (ret)\n\t\tgoto out_unlock;\n\n\tif (check_add", "\tif (check_add"),
    "access-not-ended": ("edu", "\tstate->id = cpu_to_le32(readl(edu->bar0 + EDU_ID));\n\tedu_end_access(edu, cmd);\n", "\tstate->id = cpu_to_le32(readl(edu->bar0 + EDU_ID));\n"),
    "close-keeps-files": ("edu", "\tedu_lock_state(edu);\n\tedu_put_files(edu);\n\tmutex_unlock", "\tedu_lock_state(edu);\n\tmutex_unlock"),
    "lock-in-reset": ("edu", "\tatomic_inc(&edu->resets);", "\tatomic_inc(&edu->resets);\n\tmutex_lock(&edu->state_mutex);\n\tmutex_unlock(&edu->state_mutex);"),
    "reset-not-counted": ("edu", "\tatomic_inc(&edu->resets);\n", ""),
    "reset-keeps-state": ("edu", "\tedu->mig_state = VFIO_DEVICE_STATE_RUNNING;\n\tedu->resets_settled", "\tedu->resets_settled"),
    "early-end-accepted": ("edu", "\tif (migf->length != sizeof(migf->state))\n\t\treturn -EINVAL;\n", ""),
    "overflow": ("edu", " ||\n\t    end > sizeof(migf->state)", ""),
    "pre-copy-ends": ("qat", "migf->pre_copy ? -ENOMSG : 0", "0"),
    "parent-not-put": ("qat", "\tqat_vfmig_destroy(qat_vf->mdev);\n", ""),
    "parent-put-early": ("qat", "\tqat_vfmig_cleanup(qat_vf->mdev);\n\tqat_vfmig_destroy(qat_vf->mdev);\n", "\tqat_vfmig_destroy(qat_vf->mdev);\n\tqat_vfmig_cleanup(qat_vf->mdev);\n"),
    "suspend-twice": ("qat", "return ERR_PTR(qat_vfmig_resume(qat_vf->mdev));", "return ERR_PTR(qat_vfmig_suspend(qat_vf->mdev));"),
    "reset-not-told": ("qat", "\tqat_vfmig_reset(qat_vf->mdev);\n", ""),
    "undo-dropped": ("pds", "\tif (pds_vfio_resume(pds_vfio, PDS_LM_SUSPEND_RESUME_TYPE_P2P))\n\t\tpds_vfio_fail(pds_vfio);\n", ""),
    "lost-not-noticed": ("pds", "\tif (pds_vfio_resume(pds_vfio, PDS_LM_SUSPEND_RESUME_TYPE_P2P))\n\t\tpds_vfio_fail(pds_vfio);\n", "\tpds_vfio_resume(pds_vfio, PDS_LM_SUSPEND_RESUME_TYPE_P2P);\n"),
    "error-keeps-files": ("pds", "{\n\tpds_vfio_put_files(pds_vfio);\n\tpds_vfio->mig_state = VFIO_DEVICE_STATE_ERROR;", "{\n\tpds_vfio->mig_state = VFIO_DEVICE_STATE_ERROR;"),
    "area-not-unmapped": ("pds", "err_unmap:\n\tpds_vfio_unmap_area(pds_vfio, migf, DMA_FROM_DEVICE, &area);\n", "err_unmap:\n"),
    "mutex-not-destroyed": ("pds", "err_mutex:\n\tmutex_destroy(&pds_vfio->state_mutex);\n", "err_mutex:\n"),
    "client-not-unregistered": ("pds", "\tpds_vfio_unregister_client(pds_vfio);\nerr_core:", "err_core:"),
    "notifier-left": ("pds", "\tpdsc_unregister_notify(&pds_vfio->recovery);\n", ""),
    "end-not-told": ("xe", "\tif (!ret)\n\t\tret = xe_sriov_vfio_stop_copy_exit(xe_vfio->xe, xe_vfio->vfid);\n", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, machines: Machines) -> None:
    spec, right, wrong = FAULTS[name]
    explored = machines.get(next(file for file in project_specs() if file.path.stem == spec))
    if explored is None:
        pytest.skip(f"{spec} does not exist for {machines.kernel.release}")
    assert right in explored.driver.main
    replay = explored.changed(name, lambda text: text.replace(right, wrong))
    try:
        coverage = replay.explore()
    except MismatchError:
        return
    assert coverage.missing(explored.machine), "nobody has noticed"
