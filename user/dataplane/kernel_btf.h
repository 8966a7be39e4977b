/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the layout of the kernel's structures from its BTF. The programs that count unsent packets
 * need it.
 */
#pragma once

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

struct member_place {
	const char *of, *member; /* names of the structure and of its member */
	int offset;		 /* in bytes; -ENOENT: not found */
};

/* Sets the offset of each of n members from a file with raw BTF. If the file is missing or cannot
 * be read, all offsets are -ENOENT. Malformed data ends the search. */
void btf_find(const char *path, struct member_place *places, int n);
