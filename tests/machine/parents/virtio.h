/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects count: one that isn't destroyed is left over. A device has 5000 bytes of parts. */
#define PCI_VENDOR_ID_REDHAT_QUMRANET 0x1af4
#define VIRTIO_RESOURCE_OBJ_DEV_PARTS 0
#define VIRTIO_RESOURCE_OBJ_DEV_PARTS_TYPE_GET 0
#define VIRTIO_RESOURCE_OBJ_DEV_PARTS_TYPE_SET 1
#define VIRTIO_ADMIN_CMD_DEV_PARTS_METADATA_TYPE_SIZE 0
#define VIRTIO_ADMIN_CMD_DEV_PARTS_GET_TYPE_ALL 1
#define VIRTIO_ADMIN_CMD_DEV_MODE_F_STOPPED 0

struct virtio_admin_cmd_resource_obj_cmd_hdr { __le16 type; u8 reserved[2]; __le32 id; };
static void *objects[4];

static int virtio_pci_admin_obj_create(struct pci_dev *pdev, u16 type, u8 kind, u32 *id)
{
	for (*id = 0; *id < ARRAY_SIZE(objects) && objects[*id]; ++*id)
		;
	if (*id == ARRAY_SIZE(objects))
		machine_fault("objects aren't destroyed");
	objects[*id] = machine_pointer("create", 1, true);
	return objects[*id] ? 0 : -EIO;
}

static int virtio_pci_admin_obj_destroy(struct pci_dev *pdev, u16 type, u32 id)
{
	if (id >= ARRAY_SIZE(objects) || !objects[id])
		machine_fault("there is no object %u", id);
	machine_put("destroy", objects[id]);
	objects[id] = NULL;
	return 0;
}

static int virtio_pci_admin_dev_parts_metadata_get(struct pci_dev *pdev, u16 type, u32 id, u8 what, u32 *size)
{
	if (!objects[id])
		machine_fault("there is no object %u", id);
	*size = 5000;
	return machine_errno("size");
}

static int virtio_pci_admin_dev_parts_get(struct pci_dev *pdev, u16 type, u32 id, u8 what,
					  struct scatterlist *list, u32 *size)
{
	memset((void *)list[0].page, 0x5a, PAGE_SIZE);
	*size = 4990;
	if (machine_errno("get"))
		return -EIO;
	machine_give(4990, 0);
	return 0;
}

static int virtio_pci_admin_dev_parts_set(struct pci_dev *pdev, struct scatterlist *list)
{
	const struct virtio_admin_cmd_resource_obj_cmd_hdr *prefix = (void *)list[0].page;

	if (!objects[prefix->id] || *(const u8 *)(prefix + 1) != 0x5a)
		machine_fault("what is set isn't what was got");
	return machine_errno("set");
}

/* No other stubs are wanted of these. */
#define virtio_pci_admin_obj_create virtio_pci_admin_obj_create
#define virtio_pci_admin_obj_destroy virtio_pci_admin_obj_destroy
#define virtio_pci_admin_dev_parts_metadata_get virtio_pci_admin_dev_parts_metadata_get
#define virtio_pci_admin_dev_parts_get virtio_pci_admin_dev_parts_get
#define virtio_pci_admin_dev_parts_set virtio_pci_admin_dev_parts_set
