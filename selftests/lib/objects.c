/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * objects DIRECTORY: prints the links, programs and maps that are pinned below it, as KIND ID, with maps that are not
 * pinned (constants).
 * objects -g FILE: succeeds if none of the objects that FILE lists exists any more.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints the object of a descriptor, and the maps of a program. The kernel reports the kind only in fdinfo. */
static int print_object(int fd)
{
	char path[64], line[256], kind[8] = "";
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info), maps[256], id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "link_id: %u", &id) == 1)
			strcpy(kind, "link");
		else if (strcmp(kind, "link") && sscanf(line, "prog_id: %u", &id) == 1)
			strcpy(kind, "prog");
		else if (sscanf(line, "map_id: %u", &id) == 1)
			strcpy(kind, "map");
		if (!strcmp(kind, "link"))
			break;
	}
	fclose(f);
	if (!*kind)
		return -1;
	printf("%s %u\n", kind, id);
	if (strcmp(kind, "prog"))
		return 0;
	info.map_ids = (__u64)(unsigned long)maps;
	info.nr_map_ids = sizeof(maps) / sizeof(*maps);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -1;
	for (__u32 i = 0; i < info.nr_map_ids; i++)
		printf("map %u\n", maps[i]);
	return 0;
}

static int print_pin(const char *path, const struct stat *status, int type, struct FTW *at)
{
	int fd, rc;

	if (type != FTW_F)
		return 0;
	fd = bpf_obj_get(path);
	rc = fd < 0 || print_object(fd);
	if (rc)
		perror(path);
	close(fd);
	return rc;
}

static int none_exists(const char *list)
{
	char kind[8];
	unsigned int id;
	FILE *f = fopen(list, "r");
	int fd = -1;

	if (!f) {
		perror(list);
		return 2;
	}
	while (fscanf(f, "%7s %u", kind, &id) == 2) {
		fd = !strcmp(kind, "link") ? bpf_link_get_fd_by_id(id) :
		     !strcmp(kind, "prog") ? bpf_prog_get_fd_by_id(id) : bpf_map_get_fd_by_id(id);
		if (fd >= 0 || errno != ENOENT) {
			printf("%s %u is there\n", kind, id);
			return 1;
		}
	}
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "-g"))
		return none_exists(argv[2]);
	return argc != 2 || nftw(argv[1], print_pin, 16, FTW_PHYS) ? 1 : 0;
}
