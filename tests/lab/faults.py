# SPDX-License-Identifier: GPL-2.0-only
"""Deliberate faults in rendered C, each with the test that has to find it.

A fault replaces text that occurs once in a file of a driver, main.c unless told. `killer` is what pytest's
-k selects: one test, or two of which one prepares what the other finds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong, where, and which test finds it."""

    name: str
    driver: str
    old: str
    new: str
    killer: str
    file: str = "main.c"


def _removed(name: str, driver: str, old: str, killer: str) -> Fault:
    return Fault(name, driver, old, "", killer)


FAULTS = (
    # Locks
    Fault(
        "read-without-lock",
        "edu",
        """\
	mutex_lock(&migf->lock);
	ret = edu_file_error(migf);
	if (ret)
		goto out_unlock;

	count = min(""",
        """\
	ret = edu_file_error(migf);
	if (ret)
		goto out_unlock;

	count = min(""",
        "test_the_end_of_a_stream_stays_the_end",
    ),
    Fault(
        "reset-takes-the-mutex",
        "edu",
        "	atomic_inc(&edu->resets);\n	/* Who goes to sleep now sees the count. */\n",
        """\
	atomic_dec(&edu->resets);
	mutex_lock(&edu->state_mutex);
	edu_put_files(edu);
	edu->mig_state = VFIO_DEVICE_STATE_RUNNING;
	mutex_unlock(&edu->state_mutex);
""",
        "test_user_copies_may_fault_into_the_device",
    ),
    _removed(
        "mutex-not-initialised",
        "edu",
        "	mutex_init(&migf->lock);\n",
        "test_the_end_of_a_stream_stays_the_end",
    ),
    # Descriptors
    Fault(
        "file-enabled-after-reset",
        "edu",
        "	atomic_inc(&edu->resets);\n	/* Who goes to sleep now sees the count. */\n",
        "	atomic_dec(&edu->resets);\n",
        "test_descriptors_are_stale_after_a_reset",
    ),
    Fault(
        "file-enabled-after-close",
        "qat",
        "	qat_vf_put_files(qat_vf);\n	mutex_unlock(&qat_vf->state_mutex);\n\n	qat_vfmig_close(",
        "	mutex_unlock(&qat_vf->state_mutex);\n\n	qat_vfmig_close(",
        "test_descriptors_are_stale_after_a_close",
    ),
    _removed(
        "file-enabled-after-a-change-of-state",
        "edu",
        "	(*migf)->disabled = true;\n",
        "test_descriptors_are_stale_after_a_change_of_state",
    ),
    _removed(
        "file-is-no-stream",
        "edu",
        "	stream_open(migf->filp->f_inode, migf->filp);\n",
        "test_the_end_of_a_stream_stays_the_end",
    ),
    Fault(
        "module-may-go-under-its-files",
        "edu",
        "	.owner = THIS_MODULE,\n	.read = edu_save_read,\n",
        "	.read = edu_save_read,\n",
        "test_the_module_stays_while_a_descriptor_is_open",
    ),
    # Memory
    Fault(
        "file-not-freed",
        "edu",
        "	mutex_destroy(&migf->lock);\n	kfree(migf);\n	return 0;\n",
        "	mutex_destroy(&migf->lock);\n	return 0;\n",
        "test_the_end_of_a_stream_stays_the_end",
    ),
    Fault(
        "file-not-freed-after-an-error",
        "edu",
        "		mutex_destroy(&migf->lock);\n		kfree(migf);\n		return ERR_PTR(ret);\n",
        "		mutex_destroy(&migf->lock);\n		return ERR_PTR(ret);\n",
        "test_memory_may_run_out and STOP_COPY",
    ),
    _removed(
        "area-not-freed",
        "pds",
        "	vfree(migf->data);\n",
        "test_a_stream_read_in_pieces_is_the_same and 4096",
    ),
    _removed(
        "name-not-freed", "pds", "	kfree(name);\n", "test_pds_is_a_client_of_its_parent_while_it_is_bound"
    ),
    _removed(
        "pages-not-freed", "pds", "	kvfree(pages);\n", "test_a_stream_read_in_pieces_is_the_same and 4096"
    ),
    # References
    _removed("put-forgotten", "edu", "	fput((*migf)->filp);\n", "test_nothing_is_leaked"),
    Fault(
        "put-forgotten-after-an-error",
        "qat",
        """\
		fput(migf->filp);
		return ERR_PTR(ret);
	}

	/* One reference""",
        """\
		return ERR_PTR(ret);
	}

	/* One reference""",
        "test_an_error_of_a_command_is_told or test_nothing_is_leaked",
    ),
    Fault(
        "parent-not-put-after-an-error",
        "qat",
        "err_put:\n	qat_vfmig_destroy(mdev);\n",
        "err_put:\n",
        "test_an_error_at_probe_is_told or test_nothing_is_leaked",
    ),
    Fault(
        "client-not-unregistered",
        "pds",
        "	pds_vfio_unregister_client(pds_vfio);\n	mutex_destroy(",
        "	mutex_destroy(",
        "test_pds_is_a_client_of_its_parent_while_it_is_bound",
    ),
    _removed(
        "parent-not-told-of-close",
        "qat",
        "	qat_vfmig_close(qat_vf->mdev);\n",
        "test_devices_open_and_close_again_and_again",
    ),
    # Data
    Fault(
        "bound-off-by-one",
        "edu",
        "	    end > sizeof(migf->state)) {",
        "	    end > sizeof(migf->state) + 1) {",
        "test_a_wrong_stream_is_refused and trailing",
    ),
    Fault(
        "id-not-compared",
        "edu",
        " || state->id != expected->id)",
        ")",
        "test_a_wrong_stream_is_refused and other-id",
    ),
    _removed(
        "early-end-taken",
        "edu",
        "	if (migf->length != sizeof(migf->state))\n		return -EINVAL;\n",
        "test_a_wrong_stream_is_refused and truncated",
    ),
    Fault(
        "register-swapped",
        "edu",
        "cpu_to_le64(readq(edu->bar0 + EDU_DMA_DST))",
        "cpu_to_le64(readq(edu->bar0 + EDU_DMA_SRC))",
        "test_a_state_arrives_at_another_device",
    ),
    Fault(
        "position-moves-on-a-fault",
        "edu",
        """\
	if (copy_to_user(buf, (u8 *)&migf->state + migf->pos, count)) {
		ret = -EFAULT;
		goto out_unlock;
	}

	migf->pos += count;
""",
        """\
	migf->pos += count;
	if (copy_to_user(buf, (u8 *)&migf->state + migf->pos - count, count)) {
		ret = -EFAULT;
		goto out_unlock;
	}
""",
        "test_bad_addresses_lose_nothing",
    ),
    Fault(
        "end-for-now-lost",
        "qat",
        "migf->pre_copy ? -ENOMSG : 0",
        "0",
        "test_pre_copy_ends_for_now_and_goes_on",
    ),
    Fault(
        "end-never-comes",
        "qat",
        "	migf->pre_copy = false;\n",
        "",
        "test_pre_copy_ends_for_now_and_goes_on",
    ),
    Fault(
        "more-is-an-error",
        "qat",
        "	migf->error = ret == -EAGAIN ? 0 : ret;\n",
        "	migf->error = ret;\n",
        "test_a_state_arrives_at_another_device",
    ),
    # Regions
    _removed(
        "reset-not-counted",
        "nvgrace",
        "	atomic_inc(&nvgrace_gpu->resets);\n",
        "test_memory_is_waited_for_after_a_reset",
    ),
    Fault(
        "first-page-everywhere",
        "nvgrace",
        "	pfn = PHYS_PFN(memory->base) + nvgrace_gpu_vma_page(vma) +\n",
        "	pfn = PHYS_PFN(memory->base) +\n",
        "test_memory_is_the_same_by_read_and_by_mapping",
    ),
    Fault(
        "mapped-beyond-memory",
        "nvgrace",
        "end > memory->length)",
        "end > memory->size)",
        "test_nothing_is_beyond_memory",
    ),
    Fault(
        "wrong-byte-of-a-field",
        "nvgrace",
        "mask = bits >> (i - at) * 8;",
        "mask = bits >> (i - pos) * 8;",
        "test_config_space_reads_the_same_in_any_pieces",
    ),
    # Records
    Fault(
        "rest-left-out",
        "mlx5",
        "	migf->next = pre_copy ? 0 : next;\n",
        "	migf->next = 0;\n",
        "test_a_state_comes_back_to_the_same_device",
    ),
    _removed(
        "initial-data-not-told",
        "mlx5",
        "			info.flags |= VFIO_PRECOPY_INFO_REINIT;\n",
        "test_initial_data_comes_again",
    ),
    Fault(
        "pre-copy-error-is-told",
        "mlx5",
        """\
		if (mlx5vf_save_pre_copy(migf->mlx5vf, migf))
			migf->follows = false;
""",
        """\
		ret = mlx5vf_save_pre_copy(migf->mlx5vf, migf);
""",
        "test_an_error_in_pre_copy_is_made_up_for",
    ),
    Fault(
        "end-not-told",
        "mlx5",
        "	if (!ret && migf->told) {\n",
        "	if (!ret && migf->follows) {\n",
        "test_who_gives_up_ends_what_was_asked_for",
    ),
    Fault(
        "command-about-several-fields",
        "virtio",
        "return min_t(u64, count, ends[i] - offset);",
        "return count;",
        "test_any_pieces_read_the_same",
        "admin_legacy.c",
    ),
    Fault(
        "answers-without-decoding",
        "virtio",
        "if (!(virtiovf->command & PCI_COMMAND_IO))\n",
        "if (!virtiovf->core_device.pdev)\n",
        "test_nobody_answers_before_decoding_is_on",
        "admin_legacy.c",
    ),
    Fault(
        "address-outlives-a-reset",
        "virtio",
        "	virtiovf->bar0_register = 0;\n",
        "",
        "test_fields_that_are_kept_start_anew",
        "admin_legacy.c",
    ),
    Fault(
        "pointer-is-written",
        "igd",
        "	case 0xfc ... 0xff:\n		return true;\n",
        "	case 0xfc ... 0xff:\n		return false;\n",
        "test_the_pointer_is_one_of_the_users_own",
    ),
    Fault(
        "version-of-absolute-places",
        "igd",
        "igd->vbt_size > 0 && igd->version == 0x200 ? 0x201 :",
        "igd->vbt_size > 0 && igd->version == 0x200 ? 0x200 :",
        "test_the_opregion_has_its_vbt_behind_it",
    ),
    Fault(
        "past-the-end-of-a-bridge",
        "igd",
        "if (write || pos >= other->cfg_size)",
        "if (write)",
        "test_the_bridges_are_those_of_the_machine",
    ),
    Fault(
        "memory-without-decoding",
        "nvlink2",
        "	return __vfio_pci_memory_enabled(vdev);\n",
        "	return vdev->pdev;\n",
        "test_memory_may_need_decoding",
    ),
    _removed(
        "speed-untold",
        "nvlink2",
        "	lnkspd->link_speed = nvlink2->speed;\n",
        "test_memory_is_described",
    ),
    # Surroundings
    _removed(
        "memory-left-on",
        "edu",
        """\
	if (!(cmd & PCI_COMMAND_MEMORY))
		pci_write_config_word(edu->core_device.pdev, PCI_COMMAND, cmd);
""",
        "test_memory_decoding_may_be_off",
    ),
    _removed(
        "no-mapping",
        "generic",
        "	.mmap = vfio_pci_core_mmap,\n",
        "test_a_bar_is_the_same_by_read_and_by_mapping",
    ),
    # What is told and saved of records
    Fault(
        "headers-not-counted",
        "mlx5",
        "	*length += sizeof(struct mlx5vf_record) *\n",
        "	*length += 0 *\n",
        "test_the_size_is_at_least_what_there_is_to_read",
    ),
    Fault(
        "changes-not-saved",
        "mlx5",
        "	if (!room && migf->follows && pre_copy)\n",
        "	if (migf->follows)\n",
        "test_what_changes_while_it_is_saved_arrives",
    ),
    # What a write has refused
    Fault(
        "refused-once",
        "qat",
        "	migf->error = ret == -EAGAIN ? 0 : ret;\n	return migf->error;\n",
        "	return ret == -EAGAIN ? 0 : ret;\n",
        "test_what_a_write_refuses_stays_refused",
    ),
    Fault(
        "parent-not-told-of-a-stream",
        "qat",
        "	qat_vfmig_reset(qat_vf->mdev);\n	qat_vf->resuming = migf;\n",
        "	qat_vf->resuming = migf;\n",
        "test_what_a_write_refuses_stays_refused",
    ),
)
