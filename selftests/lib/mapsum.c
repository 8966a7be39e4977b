// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mapsum INSTANCE [MAP]...: prints a line for each of these pinned maps, or for all of them: its name, the number of
 * elements, and a sum over all keys and values of every CPU. For a ring buffer it sums how much was ever written. Equal
 * lines before and after mean that nothing has changed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned long long add(unsigned long long sum, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3ULL;
	return sum;
}

static unsigned long long written(int fd, const struct bpf_map_info *info)
{
	long page = sysconf(_SC_PAGESIZE);
	unsigned long *at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	unsigned long long n = at == MAP_FAILED ? 0 : *at;

	if (at != MAP_FAILED)
		munmap(at, page);
	return n;
}

/* A sum that does not depend on the order of the entries, which a hash does not guarantee */
static unsigned long long elements(int fd, const struct bpf_map_info *info, unsigned long *n)
{
	int percpu = info->type == BPF_MAP_TYPE_PERCPU_ARRAY || info->type == BPF_MAP_TYPE_PERCPU_HASH;
	size_t size = percpu ? (info->value_size + 7UL) / 8 * 8 * libbpf_num_possible_cpus() : info->value_size;
	void *key = calloc(1, info->key_size), *next = calloc(1, info->key_size), *value = calloc(1, size);
	unsigned long long sum = 0;
	int rc = bpf_map_get_next_key(fd, NULL, next);

	for (; !rc; rc = bpf_map_get_next_key(fd, key, next)) {
		memcpy(key, next, info->key_size);
		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		sum += add(add(0xcbf29ce484222325ULL, key, info->key_size), value, size);
		++*n;
	}
	free(key);
	free(next);
	free(value);
	return sum;
}

static int is_asked(int argc, char **argv, const char *map)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], map))
			return 1;
	return argc <= 2;
}

int main(int argc, char **argv)
{
	char path[512];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/fs/bpf/wgxdp/%s", argc > 1 ? argv[1] : "default");
	dir = opendir(path);
	if (!dir) {
		perror(path);
		return 1;
	}
	while ((e = readdir(dir))) {
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);
		unsigned long n = 0;
		unsigned long long sum;
		int fd;

		if (*e->d_name == '.' || !strcmp(e->d_name, "progs") || !strcmp(e->d_name, "attach") ||
		    !is_asked(argc, argv, e->d_name))
			continue;
		snprintf(path, sizeof(path), "/sys/fs/bpf/wgxdp/%s/%s", argc > 1 ? argv[1] : "default", e->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len)) {
			perror(path);
			return 1;
		}
		sum = info.type == BPF_MAP_TYPE_RINGBUF ? written(fd, &info) : elements(fd, &info, &n);
		printf("%s %lu %llx\n", e->d_name, n, sum);
		close(fd);
	}
	closedir(dir);
	return 0;
}
