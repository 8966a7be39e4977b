/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements kernel_btf.h. libbpf would copy and index all types of the kernel, which takes a third
 * of the time of `wgxdp up`. This file reads each type once and copies nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/kernel_btf.h"
#include "lib/file.h"

#define BTF_MOST (64 << 20) /* bytes; Debian's kernels have 5 to 7 MB */

/* Returns the size of a type in bytes, with the records that follow its head; 0: unknown kind. */
static size_t type_size(const struct btf_type *t)
{
	static const struct {
		unsigned char once, each; /* bytes after the head, and for each of vlen records */
	} kinds[] = {
		[BTF_KIND_INT] = { sizeof(__u32), 0 },
		[BTF_KIND_PTR] = { 0, 0 },
		[BTF_KIND_ARRAY] = { sizeof(struct btf_array), 0 },
		[BTF_KIND_STRUCT] = { 0, sizeof(struct btf_member) },
		[BTF_KIND_UNION] = { 0, sizeof(struct btf_member) },
		[BTF_KIND_ENUM] = { 0, sizeof(struct btf_enum) },
		[BTF_KIND_FUNC_PROTO] = { 0, sizeof(struct btf_param) },
		[BTF_KIND_VAR] = { sizeof(struct btf_var), 0 },
		[BTF_KIND_DATASEC] = { 0, sizeof(struct btf_var_secinfo) },
		[BTF_KIND_DECL_TAG] = { sizeof(struct btf_decl_tag), 0 },
		[BTF_KIND_TYPE_TAG] = { 0, 0 },
		[BTF_KIND_ENUM64] = { 0, sizeof(struct btf_enum64) },
	};
	unsigned int kind = BTF_INFO_KIND(t->info);

	if (!kind || kind >= sizeof(kinds) / sizeof(*kinds))
		return 0;
	return sizeof(*t) + kinds[kind].once + BTF_INFO_VLEN(t->info) * kinds[kind].each;
}

struct strings {
	const char *data;
	size_t size;
};

static bool name_is(struct strings s, __u32 at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at < s.size && n <= s.size - at && !memcmp(s.data + at, name, n);
}

static void find_in_struct(const struct btf_type *t, struct strings s, struct member_place *place)
{
	const struct btf_member *m = (const void *)(t + 1);
	/* with kind_flag, the offset shares its word with the size of a bit-field */
	bool shares = BTF_INFO_KFLAG(t->info);
	unsigned int n = BTF_INFO_VLEN(t->info);

	for (; n--; m++)
		if (name_is(s, m->name_off, place->member))
			place->offset = (shares ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset) / 8;
}

static void find(const char *data, size_t size, struct member_place *places, int n)
{
	const struct btf_header *h = (const void *)data;
	const struct btf_type *t;
	struct strings s;
	size_t at, end;

	if (size < sizeof(*h) || h->magic != BTF_MAGIC)
		return;
	at = (size_t)h->hdr_len + h->type_off;
	end = at + h->type_len;
	s = (struct strings){ data + (size_t)h->hdr_len + h->str_off, h->str_len };
	if (end > size || at % sizeof(__u32) || (size_t)h->hdr_len + h->str_off + h->str_len > size)
		return;
	for (size_t len; at + sizeof(*t) <= end; at += len) {
		t = (const void *)(data + at);
		len = type_size(t);
		if (!len || len > end - at)
			return;
		for (int i = 0; BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT && i < n; i++)
			if (places[i].offset < 0 && name_is(s, t->name_off, places[i].of))
				find_in_struct(t, s, &places[i]);
	}
}

/* Kernels before 6.16 refuse to map the file. It has some megabytes. */
void btf_find(const char *path, struct member_place *places, int n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *data = MAP_FAILED;
	size_t size;

	for (int i = 0; i < n; i++)
		places[i].offset = -ENOENT;
	if (fd < 0)
		return;
	if (!fstat(fd, &status) && status.st_size > 0)
		data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED) {
		find(data, status.st_size, places, n);
		munmap(data, status.st_size);
	} else if (!file_read_fd(fd, BTF_MOST, &data, &size)) {
		find(data, size, places, n);
		free(data);
	}
	close(fd);
}
