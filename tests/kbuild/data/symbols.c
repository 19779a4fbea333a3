// SPDX-License-Identifier: GPL-2.0-only
#if !IS_MODULE(CONFIG_PLAIN) || !IS_BUILTIN(CONFIG_MORE) || defined(CONFIG_PCI_IOV)
#error "the symbols are not what the test set them to"
#endif
