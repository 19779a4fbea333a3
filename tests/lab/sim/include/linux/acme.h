/* SPDX-License-Identifier: GPL-2.0-only */
/* What the made-up acme_core would export. */
#ifndef _LINUX_ACME_H
#define _LINUX_ACME_H

struct acme_core;
struct pci_dev;

struct acme_core *acme_core_get(struct pci_dev *pf);
void acme_core_put(struct acme_core *core);
int acme_pause(struct acme_core *core, int vf);
int acme_resume(struct acme_core *core, int vf);
void acme_reset(struct acme_core *core, int vf);

#endif
