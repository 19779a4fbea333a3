// SPDX-License-Identifier: GPL-2.0-only
/* Device info with every size of buffer, for cores with capabilities of several lengths and without any. */

#define vfio_device_info vfio_device_info_of_host
#include "kernel.h"
#undef vfio_device_info

struct vfio_device_info {
	u32 argsz, flags, num_regions, num_irqs, cap_offset;
#if KERNEL >= 606
	u32 pad;
#endif
};

struct vfio_device_info_cap_zpci_base {
	struct vfio_info_cap_header header;
	u64 start_dma, end_dma;
	u16 pchid, vfn, fmb_length;
	u8 pft, gid;
	u32 fh, ccdf_err_length;
};

struct vfio_device_info_cap_zpci_util {
	struct vfio_info_cap_header header;
	u32 size;
	u8 util_str[];
};

#define CORE_FLAGS (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET)
#define CORE_ID 0x77
#define MOST_CORE 4
#define MOST 400

/* How many capabilities the core has, and how many bytes each has behind its header. */
static int core_count;
static size_t core_payload;
static u32 status;

struct devinfo_device;
static u32 devinfo_read32(struct devinfo_device *devinfo, void *addr)
{
	return status;
}

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	return -EINVAL;
}

static u64 devinfo_read64(struct devinfo_device *devinfo, void *addr)
{
	return 0x1122334455667788ULL;
}

static u16 pci_dev_id(struct pci_dev *pdev)
{
	return 0x5678;
}

static long vfio_pci_core_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct vfio_device_info info = {}, *to = (void *)arg;
	size_t each = sizeof(struct vfio_info_cap_header) + core_payload;
	size_t minsz = 16;
	int i;

	expect(cmd == VFIO_DEVICE_GET_INFO);
	if (copy_from_user(&info, to, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	minsz = min_t(size_t, info.argsz, sizeof(info));
	info.flags = CORE_FLAGS;
	info.num_regions = 9;
	info.num_irqs = 5;
	if (core_count) {
		info.flags |= VFIO_DEVICE_FLAGS_CAPS;
		if (info.argsz < sizeof(info) + core_count * each) {
			info.argsz = sizeof(info) + core_count * each;
		} else {
			info.cap_offset = sizeof(info);
			for (i = 0; i < core_count; i++) {
				struct vfio_info_cap_header header = { .id = CORE_ID + i, .version = 1 };
				char payload[64];
				char *at = (char *)arg + sizeof(info) + i * each;

				if (i + 1 < core_count)
					header.next = sizeof(info) + (i + 1) * each;
				memset(payload, 0xc0 + i, sizeof(payload));
				if (copy_to_user(at, &header, sizeof(header)) ||
				    copy_to_user(at + sizeof(header), payload, core_payload))
					return -EFAULT;
			}
		}
	}
	return copy_to_user(to, &info, minsz) ? -EFAULT : 0;
}

#include "driver.inc"

static struct devinfo_device device = { .core_device.pdev = &the_pdev };

static struct vfio_info_cap_header read_header(const char *buf, size_t argsz, size_t at)
{
	struct vfio_info_cap_header header;

	expect(at >= sizeof(struct vfio_device_info));
	expect(at + sizeof(header) <= argsz);
	memcpy(&header, buf + at, sizeof(header));
	return header;
}

/* Sees the driver's own capabilities, then all of the core's, each with what is in it. */
static void see_chain(const char *buf, size_t argsz, size_t at)
{
	struct vfio_device_info_cap_zpci_base base;
	struct vfio_device_info_cap_zpci_util util;
	struct vfio_info_cap_header header = read_header(buf, argsz, at);
	size_t i;
	int n;

	expect(header.id == VFIO_DEVICE_INFO_CAP_ZPCI_BASE && !(at % 8));
	expect(header.version == (KERNEL >= 703 ? 3 : 2));
	memcpy(&base, buf + at, sizeof(base));
	expect(base.end_dma == 0x1122334455667788ULL && base.fh == status && base.vfn == 0x5678);
	expect(base.pchid == 0x1234 && base.pft == 1 && base.gid == 2);
	if (status & 1) {
		at = header.next;
		header = read_header(buf, argsz, at);
		expect(header.id == VFIO_DEVICE_INFO_CAP_ZPCI_UTIL && header.version == 1 && !(at % 8));
		memcpy(&util, buf + at, sizeof(util));
		expect(util.size == sizeof(the_pdev.saved_config_space));
		expect(at + sizeof(util) + util.size <= argsz);
		for (i = 0; i < util.size; i++)
			expect((u8)buf[at + sizeof(util) + i] == 0x5a);
	}
	for (n = 0; n < core_count; n++) {
		at = header.next;
		header = read_header(buf, argsz, at);
		expect(header.id == CORE_ID + n);
		for (i = 0; i < core_payload; i++)
			expect((u8)buf[at + sizeof(header) + i] == 0xc0 + n);
	}
	expect(!header.next);
}

static size_t needed(void)
{
	size_t core = sizeof(struct vfio_device_info) + core_count * (8 + core_payload);
	size_t own = sizeof(struct vfio_device_info_cap_zpci_base);

	if (status & 1)
		own += ALIGN(sizeof(struct vfio_device_info_cap_zpci_util) + 64, 8);
	return ALIGN(core, 8) + own;
}

static void ask(size_t argsz)
{
	char *buf = user_buffer(max(argsz, 4), 0x33);
	struct vfio_device_info info = {};
	long ret;

	memcpy(buf, &(u32){ argsz }, 4);
	ret = devinfo_get_info(&device.core_device.vdev, (void *)buf);
	if (argsz < 16) {
		expect(ret == -EINVAL);
		free(buf);
		return;
	}
	expect(!ret);
	memcpy(&info, buf, min(argsz, sizeof(info)));
	expect(info.flags == (CORE_FLAGS | VFIO_DEVICE_FLAGS_CAPS));
	expect(info.num_regions == 9 && info.num_irqs == 5);
	if (argsz < needed()) {
		expect(info.argsz == needed());
		expect(argsz < 20 || !info.cap_offset);
	} else {
		expect(info.argsz == argsz);
		see_chain(buf, argsz, info.cap_offset);
	}
	free(buf);
}

/* What lies behind the buffer faults: there is an error then, and never a write beyond. */
static void ask_short(size_t argsz, size_t there)
{
	char *buf = user_buffer(max(there, 4), 0x33);
	long ret;

	memcpy(buf, &(u32){ argsz }, min(there, 4));
	user_end = buf + there;
	ret = devinfo_get_info(&device.core_device.vdev, (void *)buf);
	expect(there >= argsz || argsz < 16 || there < 4 || argsz < needed() || ret == -EFAULT);
	user_end = NULL;
	free(buf);
}

int main(void)
{
	size_t argsz, there;

	the_pdev.device = 0x1234;
	memset(the_pdev.saved_config_space, 0x5a, sizeof(the_pdev.saved_config_space));
	for (core_count = 0; core_count <= MOST_CORE; core_count++) {
		for (core_payload = 4; core_payload <= 40; core_payload += 4) {
			for (status = 0; status < 2; status++) {
				for (argsz = 0; argsz <= MOST; argsz++)
					ask(argsz);
				for (there = 0; there < needed(); there++)
					ask_short(needed(), there);
			}
		}
	}
	printf("%ld accesses\n", accesses);
	return 0;
}
