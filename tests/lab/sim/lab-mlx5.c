// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for mlx5_core: its command interface, as far as the driver of a
 * virtual function reaches it. An image is a snapshot of the start of BAR 0,
 * in pages that the driver maps for the physical function. A save may be asked
 * for at once; else it takes some time, and is told in atomic context.
 *
 * In debugfs at lab_mlx5/gone: "1" takes the first virtual function from its
 * driver as SR-IOV's end does, "0" gives it back. At lab_mlx5/anew, "1" gives
 * that function initial data to be saved again.
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/irqflags.h>
#include <linux/mlx5/cq.h>
#include <linux/mlx5/device.h>
#include <linux/mlx5/driver.h>
#include <linux/mlx5/vport.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vfio.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "sim.h"

#define VFS		2
#define KEYS		32
#define FIRST_ID	0x40
#define MAGIC		0x584c4d42
#define BODY		256
#define CHUNK		4096	/* as much of an image as a save gives, in chunks */

struct lab_mlx5_image {
	__le32 magic;
	__le32 crc;
	u8 body[BODY];
	u8 padding[6000];	/* so that it takes more than a page */
} __packed;

struct lab_mlx5_key {
	__be64 *pages;		/* or NULL */
	u32 number;
	u32 domain;
};

struct lab_mlx5_vf {
	void __iomem *bar;
	bool initiator_stopped;
	bool responder_stopped;
	bool asked;		/* to be tracked, whatever came of it */
	bool tracked;
	bool chunked;
	bool anew;		/* has initial data that wasn't saved */
	u32 saved;		/* the checksum of what was saved last */
	/* What goes in chunks, and how much of it has gone or come. */
	struct lab_mlx5_image image;
	u32 gone;
	u32 come;
	struct blocking_notifier_head listeners;
};

struct lab_mlx5_save {
	int vf;
	u32 key;
	u32 size;
	bool incremental;
	bool track;
};

/* A save on its way. */
struct lab_mlx5_job {
	struct work_struct work;
	struct mlx5_async_work *context;
	struct lab_mlx5_save save;
	int error;
};

static struct mlx5_core_dev *core;
static struct mlx5_hca_cap caps[2];
static struct lab_mlx5_vf vfs[VFS];
static struct lab_mlx5_key keys[KEYS];
static DEFINE_MUTEX(lock);	/* protects the keys and the functions */
static atomic_t domains;
static struct workqueue_struct *queue;
static struct lab_bridge *bridge;
static struct dentry *dir;

static void reset_vf(unsigned int device, int vf)
{
	vfs[vf].initiator_stopped = false;
	vfs[vf].responder_stopped = false;
	vfs[vf].asked = false;
	vfs[vf].tracked = false;
	vfs[vf].gone = 0;
	vfs[vf].come = 0;
}

static const struct lab_function functions[] = {
	{
		.vendor = PCI_VENDOR_ID_MELLANOX,
		.device = 0x101d,
		.vf_device = 0x101e,
		.class = PCI_CLASS_NETWORK_ETHERNET,
		.vfs = VFS,
		.vf_vectors = 2,
		.bars = { SZ_4K },
		.vf_bars = { [0] = SZ_16K, [LAB_MSIX_BAR] = SZ_4K },
		.vf_reset = reset_vf,
	},
};

/* The handle is locked while it is borrowed. */
struct mlx5_core_dev *mlx5_vf_get_core_dev(struct pci_dev *pdev)
{
	if (!pdev->is_virtfn || !lab_is_simulated(pdev) ||
	    lab_injected("get_core_dev"))
		return NULL;
	mutex_lock(&core->intf_state_mutex);
	lab_hold(1);
	return core;
}
EXPORT_SYMBOL(mlx5_vf_get_core_dev);

void mlx5_vf_put_core_dev(struct mlx5_core_dev *mdev)
{
	lab_hold(-1);
	mutex_unlock(&mdev->intf_state_mutex);
}
EXPORT_SYMBOL(mlx5_vf_put_core_dev);

int mlx5_sriov_blocking_notifier_register(struct mlx5_core_dev *mdev, int vf_id,
					  struct notifier_block *nb)
{
	int ret = lab_injected("notifier_register");

	if (ret)
		return ret;
	lab_hold(1);
	return blocking_notifier_chain_register(&vfs[vf_id].listeners, nb);
}
EXPORT_SYMBOL(mlx5_sriov_blocking_notifier_register);

void mlx5_sriov_blocking_notifier_unregister(struct mlx5_core_dev *mdev,
					     int vf_id,
					     struct notifier_block *nb)
{
	lab_expect(!blocking_notifier_chain_unregister(&vfs[vf_id].listeners,
						       nb),
		   "unknown listener");
	lab_hold(-1);
}
EXPORT_SYMBOL(mlx5_sriov_blocking_notifier_unregister);

/* Protection domains and memory keys */

int mlx5_core_alloc_pd(struct mlx5_core_dev *mdev, u32 *pdn)
{
	int ret = lab_injected("alloc_pd");

	if (ret)
		return ret;
	*pdn = 0x1000 + atomic_inc_return(&domains);
	lab_hold(1);
	return 0;
}
EXPORT_SYMBOL(mlx5_core_alloc_pd);

int mlx5_core_dealloc_pd(struct mlx5_core_dev *mdev, u32 pdn)
{
	int i;

	guard(mutex)(&lock);
	for (i = 0; i < KEYS; i++)
		lab_expect(!keys[i].pages || keys[i].domain != pdn,
			   "dealloc_pd while it has keys");
	lab_hold(-1);
	return 0;
}
EXPORT_SYMBOL(mlx5_core_dealloc_pd);

static int fill_key(struct lab_mlx5_key *key, u32 *in, int inlen)
{
	void *context = MLX5_ADDR_OF(create_mkey_in, in, memory_key_mkey_entry);
	__be64 *list = MLX5_ADDR_OF(create_mkey_in, in, klm_pas_mtt);

	key->number = MLX5_GET64(mkc, context, len) >> PAGE_SHIFT;
	key->domain = MLX5_GET(mkc, context, pd);
	lab_expect(MLX5_GET(mkc, context, log_page_size) == PAGE_SHIFT &&
		   MLX5_GET(mkc, context, lw) && MLX5_GET(mkc, context, lr),
		   "rights of a key");
	lab_expect(inlen >= MLX5_ST_SZ_BYTES(create_mkey_in) +
		   key->number * sizeof(*list) &&
		   MLX5_GET(create_mkey_in, in,
			    translations_octword_actual_size) * 2 >= key->number,
		   "size of a key's list");
	key->pages = kvmemdup(list, key->number * sizeof(*list), GFP_KERNEL);
	return key->pages ? 0 : -ENOMEM;
}

int mlx5_core_create_mkey(struct mlx5_core_dev *mdev, u32 *mkey, u32 *in,
			  int inlen)
{
	int i, ret = lab_injected("create_mkey");

	if (ret)
		return ret;
	guard(mutex)(&lock);
	for (i = 0; i < KEYS; i++)
		if (!keys[i].pages) {
			*mkey = i << 8;
			lab_hold(1);
			ret = fill_key(&keys[i], in, inlen);
			if (ret)
				lab_hold(-1);
			return ret;
		}
	return -ENOSPC;
}
EXPORT_SYMBOL(mlx5_core_create_mkey);

static struct lab_mlx5_key *find_key(u32 mkey)
{
	u32 number = mkey >> 8;
	bool known = number < KEYS && keys[number].pages;

	lab_expect(known, "unknown key");
	return known ? &keys[number] : NULL;
}

int mlx5_core_destroy_mkey(struct mlx5_core_dev *mdev, u32 mkey)
{
	struct lab_mlx5_key *key;

	guard(mutex)(&lock);
	key = find_key(mkey);
	if (!key)
		return -EINVAL;
	kvfree(key->pages);
	key->pages = NULL;
	lab_hold(-1);
	return 0;
}
EXPORT_SYMBOL(mlx5_core_destroy_mkey);

static int move(u32 mkey, void *data, size_t size, bool write)
{
	struct lab_mlx5_key *key = find_key(mkey);
	size_t part;
	int i, ret = 0;

	if (!key || (size_t)key->number << PAGE_SHIFT < size)
		return -EINVAL;
	for (i = 0; size && !ret; i++, data += part, size -= part) {
		part = min_t(size_t, size, PAGE_SIZE);
		ret = write ? lab_dma_write(core->pdev,
					    be64_to_cpu(key->pages[i]), data,
					    part) :
			      lab_dma_read(core->pdev,
					   be64_to_cpu(key->pages[i]), data,
					   part);
	}
	return ret;
}

/* Images */

static int vf_of(u16 id)
{
	lab_expect(id >= FIRST_ID && id < FIRST_ID + VFS, "function's ID");
	return clamp(id - FIRST_ID, 0, VFS - 1);
}

static u32 checksum(const struct lab_mlx5_image *image)
{
	return crc32_le(~0, image->body, sizeof(*image) -
			offsetof(struct lab_mlx5_image, body));
}

static void take(struct lab_mlx5_vf *vf, struct lab_mlx5_image *image)
{
	image->magic = cpu_to_le32(MAGIC);
	memcpy_fromio(image->body, vf->bar, BODY);
	memset(image->padding, 0x5a, sizeof(image->padding));
	image->crc = cpu_to_le32(checksum(image));
}

/* Tracking that was asked for has to be ended, though the function be refused. */
static struct lab_mlx5_save parse_save(void *in)
{
	struct lab_mlx5_save request = {
		.vf = vf_of(MLX5_GET(save_vhca_state_in, in, vhca_id)),
		.key = MLX5_GET(save_vhca_state_in, in, mkey),
		.size = MLX5_GET(save_vhca_state_in, in, size),
		.incremental = MLX5_GET(save_vhca_state_in, in, incremental),
		.track = MLX5_GET(save_vhca_state_in, in, set_track),
	};

	if (request.track)
		vfs[request.vf].asked = true;
	return request;
}

/* A part of an image that has been taken; what is tracked goes whole. */
static int save_part(const struct lab_mlx5_save *request, void *out)
{
	struct lab_mlx5_vf *vf = &vfs[request->vf];
	u32 part = sizeof(vf->image) - vf->gone;
	int ret;

	if (vf->chunked && !request->track)
		part = min_t(u32, part, CHUNK);
	if (request->size < part)
		return -EINVAL;
	ret = move(request->key, (u8 *)&vf->image + vf->gone, part, true);
	if (ret)
		return ret;
	vf->gone = (vf->gone + part) % sizeof(vf->image);
	MLX5_SET(save_vhca_state_out, out, actual_image_size, part);
	MLX5_SET(save_vhca_state_out, out, next_required_umem_size,
		 vf->gone ? min_t(u32, sizeof(vf->image) - vf->gone, CHUNK) : 0);
	return 0;
}

static int save(const struct lab_mlx5_save *request, void *out)
{
	struct lab_mlx5_vf *vf = &vfs[request->vf];
	int ret;

	lockdep_assert_held(&lock);
	if (vf->gone && request->incremental && !request->track)
		return save_part(request, out);
	/*
	 * Tracking can't begin while it is stopped, nor go on unbegun; while
	 * it runs, it is saved to be tracked, or to be so no more.
	 */
	if ((request->track && vf->initiator_stopped) ||
	    (request->incremental && !vf->tracked) ||
	    (!request->track && !vf->responder_stopped && !vf->asked))
		return -EPERM;
	vf->gone = 0;
	/* Who ends the tracking of a function that runs has no use for its image. */
	if (!request->track && !vf->responder_stopped) {
		vf->asked = false;
		vf->tracked = false;
		MLX5_SET(save_vhca_state_out, out, actual_image_size,
			 min_t(u32, request->size, CHUNK));
		return 0;
	}
	take(vf, &vf->image);
	ret = save_part(request, out);
	if (ret)
		return ret;
	vf->asked = request->track;
	vf->tracked = request->track;
	vf->anew = false;
	vf->saved = le32_to_cpu(vf->image.crc);
	return 0;
}

static void finish_save(struct work_struct *work)
{
	struct lab_mlx5_job *job = container_of(work, struct lab_mlx5_job, work);
	struct mlx5_async_work *context = job->context;
	struct mlx5_async_ctx *ctx = context->ctx;
	unsigned long flags;
	int ret = job->error;

	if (!ret) {
		guard(mutex)(&lock);
		ret = save(&job->save, context->out);
	}
	/* What the firmware says is in its answer. */
	if (ret == -EPERM) {
		MLX5_SET(save_vhca_state_out, context->out, status,
			 MLX5_CMD_STAT_BAD_RES_STATE_ERR);
		ret = -EREMOTEIO;
	}
	kfree(job);
	local_irq_save(flags);
	context->user_callback(ret, context);
	local_irq_restore(flags);
	if (atomic_dec_and_test(&ctx->num_inflight))
		complete(&ctx->inflight_done);
}

static int load(int number, u32 mkey, u32 size)
{
	struct lab_mlx5_vf *vf = &vfs[number];
	struct lab_mlx5_image *image = &vf->image;
	int ret;

	if (!vf->responder_stopped)
		return -EPERM;
	if (size > sizeof(*image) - vf->come)
		return -EINVAL;
	ret = move(mkey, (u8 *)image + vf->come, size, false);
	if (ret)
		return ret;
	vf->come = (vf->come + size) % sizeof(*image);
	if (vf->come)
		return 0;
	if (image->magic != cpu_to_le32(MAGIC) ||
	    image->crc != cpu_to_le32(checksum(image)))
		return -EINVAL;
	memcpy_toio(vf->bar, image->body, BODY);
	return 0;
}

/* An image is as large as any; while it runs, one that is as the last isn't needed. */
static int query(int number, bool incremental, bool chunked, void *out)
{
	struct lab_mlx5_image *image __free(kvfree) =
		kvzalloc(sizeof(*image), GFP_KERNEL);
	struct lab_mlx5_vf *vf = &vfs[number];
	u32 size = sizeof(*image);

	if (!image)
		return -ENOMEM;
	if (incremental && !vf->asked)
		return -EINVAL;
	lab_expect(!chunked || MLX5_CAP_GEN_2(core, migration_in_chunks),
		   "chunks that aren't offered");
	vf->chunked = chunked;
	take(vf, image);
	if (incremental && !vf->responder_stopped &&
	    vf->saved == le32_to_cpu(image->crc))
		size = 0;
	if (vf->anew)
		size = sizeof(*image);
#ifdef VFIO_PRECOPY_INFO_REINIT
	MLX5_SET(query_vhca_migration_state_out, out, migration_state,
		 vf->anew ? MLX5_QUERY_VHCA_MIG_STATE_OPER_MIGRATION_INIT :
			    MLX5_QUERY_VHCA_MIG_STATE_OPER_MIGRATION_DIRTY);
#endif
	MLX5_SET(query_vhca_migration_state_out, out, required_umem_size, size);
	/* Nothing of the headers that the driver puts between chunks. */
	MLX5_SET64(query_vhca_migration_state_out, out, remaining_total_size,
		   size);
	return 0;
}

/* Initiators stop before responders, and start after them. */
static int suspend(struct lab_mlx5_vf *vf, u16 mode)
{
	vf->gone = 0;
	vf->come = 0;
	if (mode == MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR) {
		if (vf->initiator_stopped)
			return -EPERM;
		vf->initiator_stopped = true;
		return 0;
	}
	if (!vf->initiator_stopped || vf->responder_stopped)
		return -EPERM;
	vf->responder_stopped = true;
	return 0;
}

static int resume(struct lab_mlx5_vf *vf, u16 mode)
{
	if (mode == MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_RESPONDER) {
		if (!vf->responder_stopped)
			return -EPERM;
		vf->responder_stopped = false;
		return 0;
	}
	if (!vf->initiator_stopped || vf->responder_stopped)
		return -EPERM;
	vf->initiator_stopped = false;
	return 0;
}

/* Commands */

int mlx5_vport_get_other_func_cap(struct mlx5_core_dev *dev, u16 vport,
				  void *out, u16 opmod)
{
	void *found = MLX5_ADDR_OF(query_hca_cap_out, out, capability);
	int ret = lab_injected("get_other_func_cap");

	lab_expect(vport && vport <= VFS, "number of a function");
	if (opmod == MLX5_CAP_GENERAL_2)
		MLX5_SET(cmd_hca_cap_2, found, migratable, 1);
	if (opmod == MLX5_CAP_GENERAL)
		MLX5_SET(cmd_hca_cap, found, vhca_id, FIRST_ID + vport - 1);
	return ret;
}
EXPORT_SYMBOL(mlx5_vport_get_other_func_cap);

static int query_cap(void *in, void *out)
{
	u16 function = MLX5_GET(query_hca_cap_in, in, function_id);
	int ret = lab_injected("query_hca_cap");

	lab_expect(MLX5_GET(query_hca_cap_in, in, other_function) && function &&
		   function <= VFS, "number of a function");
	MLX5_SET(query_hca_cap_out, out, capability.cmd_hca_cap.vhca_id,
		 FIRST_ID + function - 1);
	return ret;
}

static int name_and_suspend(struct lab_mlx5_vf *vf, u16 mode)
{
	int ret = lab_injected(mode ? "suspend_responder" : "suspend_initiator");

	return ret ?: suspend(vf, mode);
}

static int name_and_resume(struct lab_mlx5_vf *vf, u16 mode)
{
	int ret = lab_injected(mode ? "resume_initiator" : "resume_responder");

	return ret ?: resume(vf, mode);
}

int mlx5_cmd_exec(struct mlx5_core_dev *dev, void *in, int in_size, void *out,
		  int out_size)
{
	u16 opcode = MLX5_GET(suspend_vhca_in, in, opcode);
	u16 mode = MLX5_GET(suspend_vhca_in, in, op_mod);
	u16 id = MLX5_GET(suspend_vhca_in, in, vhca_id);
	struct lab_mlx5_save request;
	int ret;

	if (opcode == MLX5_CMD_OP_QUERY_HCA_CAP)
		return query_cap(in, out);

	guard(mutex)(&lock);
	switch (opcode) {
	case MLX5_CMD_OP_SUSPEND_VHCA:
		return name_and_suspend(&vfs[vf_of(id)], mode);
	case MLX5_CMD_OP_RESUME_VHCA:
		return name_and_resume(&vfs[vf_of(id)], mode);
	case MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE:
		ret = lab_injected("query");
		return ret ?: query(vf_of(id),
				    MLX5_GET(query_vhca_migration_state_in, in,
					     incremental),
				    MLX5_GET(query_vhca_migration_state_in, in,
					     chunk), out);
	case MLX5_CMD_OP_SAVE_VHCA_STATE:
		ret = lab_injected("save");
		request = parse_save(in);
		return ret ?: save(&request, out);
	case MLX5_CMD_OP_LOAD_VHCA_STATE:
		ret = lab_injected("load");
		return ret ?: load(vf_of(id),
				   MLX5_GET(load_vhca_state_in, in, mkey),
				   MLX5_GET(load_vhca_state_in, in, size));
	default:
		lab_expect(false, "unknown command");
		return -EINVAL;
	}
}
EXPORT_SYMBOL(mlx5_cmd_exec);

void mlx5_cmd_init_async_ctx(struct mlx5_core_dev *dev,
			     struct mlx5_async_ctx *ctx)
{
	ctx->dev = dev;
	/* One is for the context itself. */
	atomic_set(&ctx->num_inflight, 1);
	init_completion(&ctx->inflight_done);
}
EXPORT_SYMBOL(mlx5_cmd_init_async_ctx);

void mlx5_cmd_cleanup_async_ctx(struct mlx5_async_ctx *ctx)
{
	if (!atomic_dec_and_test(&ctx->num_inflight))
		wait_for_completion(&ctx->inflight_done);
}
EXPORT_SYMBOL(mlx5_cmd_cleanup_async_ctx);

int mlx5_cmd_exec_cb(struct mlx5_async_ctx *ctx, void *in, int in_size,
		     void *out, int out_size, mlx5_async_cbk_t callback,
		     struct mlx5_async_work *work)
{
	struct lab_mlx5_job *job;
	int ret = lab_injected("start_save");

	lab_expect(MLX5_GET(save_vhca_state_in, in, opcode) ==
		   MLX5_CMD_OP_SAVE_VHCA_STATE, "unknown command");
	if (ret)
		return ret;
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	if (!atomic_inc_not_zero(&ctx->num_inflight)) {
		lab_expect(false, "command of a context that is gone");
		kfree(job);
		return -EIO;
	}
	work->ctx = ctx;
	work->user_callback = callback;
	work->out = out;
	job->context = work;
	job->error = lab_injected("save");
	job->save = parse_save(in);
	INIT_WORK(&job->work, finish_save);
	queue_work(queue, &job->work);
	return 0;
}
EXPORT_SYMBOL(mlx5_cmd_exec_cb);

void mlx5_cmd_out_err(struct mlx5_core_dev *dev, u16 opcode, u16 op_mod,
		      void *out)
{
}
EXPORT_SYMBOL(mlx5_cmd_out_err);

/* Dirty tracking, which isn't offered */

int mlx5_comp_eqn_get(struct mlx5_core_dev *dev, u16 vecidx, int *eqn)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mlx5_comp_eqn_get);

unsigned int mlx5_comp_vectors_max(struct mlx5_core_dev *dev)
{
	return 1;
}
EXPORT_SYMBOL(mlx5_comp_vectors_max);

int mlx5_core_create_cq(struct mlx5_core_dev *dev, struct mlx5_core_cq *cq,
			u32 *in, int inlen, u32 *out, int outlen)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mlx5_core_create_cq);

int mlx5_core_destroy_cq(struct mlx5_core_dev *dev, struct mlx5_core_cq *cq)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mlx5_core_destroy_cq);

int mlx5_db_alloc_node(struct mlx5_core_dev *dev, struct mlx5_db *db, int node)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(mlx5_db_alloc_node);

void mlx5_db_free(struct mlx5_core_dev *dev, struct mlx5_db *db)
{
}
EXPORT_SYMBOL_GPL(mlx5_db_free);

int mlx5_eq_notifier_register(struct mlx5_core_dev *dev, struct mlx5_nb *nb)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mlx5_eq_notifier_register);

int mlx5_eq_notifier_unregister(struct mlx5_core_dev *dev, struct mlx5_nb *nb)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL(mlx5_eq_notifier_unregister);

void mlx5_fill_page_frag_array(struct mlx5_frag_buf *frag_buf, __be64 *pas)
{
}
EXPORT_SYMBOL_GPL(mlx5_fill_page_frag_array);

int mlx5_frag_buf_alloc_node(struct mlx5_core_dev *dev, int size,
			     struct mlx5_frag_buf *buf, int node)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(mlx5_frag_buf_alloc_node);

void mlx5_frag_buf_free(struct mlx5_core_dev *dev, struct mlx5_frag_buf *buf)
{
}
EXPORT_SYMBOL_GPL(mlx5_frag_buf_free);

struct mlx5_uars_page *mlx5_get_uars_page(struct mlx5_core_dev *mdev)
{
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL(mlx5_get_uars_page);

void mlx5_put_uars_page(struct mlx5_core_dev *mdev, struct mlx5_uars_page *up)
{
}
EXPORT_SYMBOL(mlx5_put_uars_page);

bool mlx5_is_roce_on(struct mlx5_core_dev *dev)
{
	return false;
}
EXPORT_SYMBOL(mlx5_is_roce_on);

/* debugfs */

static ssize_t set_gone(struct file *file, const char __user *text, size_t size,
			loff_t *pos)
{
	bool gone;
	int ret = kstrtobool_from_user(text, size, &gone);

	if (ret)
		return ret;
	blocking_notifier_call_chain(&vfs[0].listeners,
				     gone ? MLX5_PF_NOTIFY_DISABLE_VF :
				     MLX5_PF_NOTIFY_ENABLE_VF, NULL);
	return size;
}

static const struct file_operations gone_fops = {
	.owner = THIS_MODULE,
	.write = set_gone,
};

static ssize_t set_anew(struct file *file, const char __user *text, size_t size,
			loff_t *pos)
{
	bool anew;
	int ret = kstrtobool_from_user(text, size, &anew);

	if (ret)
		return ret;
	guard(mutex)(&lock);
	vfs[0].anew = anew;
	return size;
}

static const struct file_operations anew_fops = {
	.owner = THIS_MODULE,
	.write = set_anew,
};

/* Coming and going */

static void set_caps(void)
{
	MLX5_SET(cmd_hca_cap, caps[0].cur, migration, 1);
	MLX5_SET(cmd_hca_cap_2, caps[1].cur, migration_multi_load, 1);
	MLX5_SET(cmd_hca_cap_2, caps[1].cur, migration_tracking_state, 1);
	MLX5_SET(cmd_hca_cap_2, caps[1].cur, migration_in_chunks, 1);
#ifdef VFIO_PRECOPY_INFO_REINIT
	MLX5_SET(cmd_hca_cap_2, caps[1].cur, migration_state, 1);
#endif
	core->caps.hca[MLX5_CAP_GENERAL] = &caps[0];
	core->caps.hca[MLX5_CAP_GENERAL_2] = &caps[1];
}

static int set_up(void)
{
	int i;

	core->pdev = lab_get_function(bridge, 0);
	core->device = &core->pdev->dev;
	mutex_init(&core->intf_state_mutex);
	set_caps();
	dma_set_mask_and_coherent(core->device, DMA_BIT_MASK(64));
	for (i = 0; i < VFS; i++) {
		BLOCKING_INIT_NOTIFIER_HEAD(&vfs[i].listeners);
		vfs[i].bar = lab_map_vf_bar(core->pdev, i, 0);
		if (!vfs[i].bar)
			return -ENOMEM;
	}
	queue = alloc_workqueue("lab_mlx5", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

static void tear_down(void)
{
	int i;

	if (queue)
		destroy_workqueue(queue);
	for (i = 0; i < VFS; i++)
		if (vfs[i].bar)
			iounmap(vfs[i].bar);
	pci_dev_put(core->pdev);
	lab_bridge_destroy(bridge);
	kvfree(core);
}

static int __init lab_mlx5_init(void)
{
	int ret;

	core = kvzalloc(sizeof(*core), GFP_KERNEL);
	if (!core)
		return -ENOMEM;
	bridge = lab_bridge_create(7, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge)) {
		kvfree(core);
		return PTR_ERR(bridge);
	}
	ret = set_up();
	if (ret) {
		tear_down();
		return ret;
	}
	dir = debugfs_create_dir("lab_mlx5", NULL);
	debugfs_create_file("gone", 0200, dir, NULL, &gone_fops);
	debugfs_create_file("anew", 0200, dir, NULL, &anew_fops);
	return 0;
}

static void __exit lab_mlx5_exit(void)
{
	int i;

	debugfs_remove(dir);
	for (i = 0; i < KEYS; i++)
		lab_expect(!keys[i].pages, "destroy_mkey forgotten");
	tear_down();
}

module_init(lab_mlx5_init);
module_exit(lab_mlx5_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated mlx5 for tests");
