/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include "dataplane/map_info.h"
#include "lib/file.h"
#include "lib/log.h"
#include "dataplane/pins.h"

#ifndef BPF_FS_MAGIC
#define BPF_FS_MAGIC 0xcafe4a11
#endif
#define BPFFS "/sys/fs/bpf"

bool instance_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < INSTANCE_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

/* Checks a directory: it must belong to root or this user, and only the owner may write to it.
 * Returns 0, -ENOENT if there is none, or -EPERM after printing an error. */
static int check_owner(const char *path)
{
	struct stat is;

	if (lstat(path, &is))
		return -errno;
	if (S_ISDIR(is.st_mode) && (!is.st_uid || is.st_uid == geteuid()) &&
	    !(is.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	log_error("%s: other users could replace programs there, because it is %s of user %u with mode %04o: run `rm -r %s` and `chmod 0700 " BPFFS "`",
		  path, S_ISDIR(is.st_mode) ? "a directory" : "a file, not a directory,",
		  (unsigned int)is.st_uid, (unsigned int)is.st_mode & 07777, path);
	return -EPERM;
}

/* Returns 0 if check_owner() finds no fault, or nothing at all. */
static int check_owner_if_there(const char *path)
{
	int rc = check_owner(path);

	return rc == -ENOENT ? 0 : rc;
}

int pins_check_owner(const char *path)
{
	char target[PATH_MAX];
	struct stat is;
	bool followed = !lstat(path, &is) && S_ISLNK(is.st_mode) &&
			(!is.st_uid || is.st_uid == geteuid()) && realpath(path, target);

	return check_owner_if_there(followed ? target : path);
}

int pins_check_owners(const char *instance, const char *suffix)
{
	char path[PIN_LEN];

	snprintf(path, sizeof(path), PINS_DIR "/%s%s", instance, suffix);
	return check_owner_if_there(PINS_DIR) ?: check_owner_if_there(path);
}

int pins_prepare(void)
{
	struct statfs fs;

	if (!statfs(BPFFS, &fs) && (__u32)fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		int rc = -errno;

		log_error(BPFFS ": no BPF file system is mounted, and mounting one failed: %s: run `mount -t bpf -o mode=0700 bpf " BPFFS "` (in a container: give it the host's)", strerror(-rc));
		return rc;
	}
	return 0;
}

static void path_va(char path[PIN_LEN], const char *instance, const char *suffix,
		    const char *format, va_list args)
{
	int n = snprintf(path, PIN_LEN, PINS_DIR "/%s%s/", instance, suffix);

	vsnprintf(path + n, PIN_LEN - n, format, args);
}

void pin_path(char path[PIN_LEN], const char *instance, const char *suffix, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	path_va(path, instance, suffix, format, args);
	va_end(args);
}

int pins_exist(const char *instance)
{
	char path[PIN_LEN];
	int rc;

	pin_path(path, instance, "", "control");
	rc = access(path, F_OK) ? -errno : 1;
	if (rc == -ENOENT)
		return 0;
	if (rc == 1)
		return pins_check_owners(instance, "") ?: 1;
	log_error("cannot look for instance %s in " PINS_DIR ": %s%s", instance, strerror(-rc),
		  rc == -EACCES ? ": run as root" : "");
	return rc;
}

int pin_get(const char *instance, const char *format, ...)
{
	char path[PIN_LEN];
	va_list args;

	va_start(args, format);
	path_va(path, instance, "", format, args);
	va_end(args);
	return bpf_obj_get(path);
}

__u32 pin_map_id(const char *instance, const char *name)
{
	int map = pin_get(instance, "%s", name);
	__u32 id = map_info(map).id;

	fd_close(map);
	return id;
}

bool pin_exists(const char *instance, const char *name)
{
	char path[PIN_LEN];

	pin_path(path, instance, "", "%s", name);
	return !access(path, F_OK);
}

int pin_set(int fd, const char *instance, const char *suffix, const char *name)
{
	char path[PIN_LEN], beside[PIN_LEN];
	int rc;

	pin_path(path, instance, suffix, "%s", name);
	pin_path(beside, instance, suffix, "%s~new", name);
	unlink(beside);
	rc = bpf_obj_pin(fd, beside);
	if (!rc && rename(beside, path)) {
		rc = -errno;
		unlink(beside);
	}
	if (rc)
		log_error("cannot pin %s: %s", path, strerror(-rc));
	return rc;
}

void pin_remove(const char *instance, const char *format, ...)
{
	char path[PIN_LEN];
	va_list args;

	va_start(args, format);
	path_va(path, instance, "", format, args);
	va_end(args);
	unlink(path);
}

static const char *const subdirs[] = { "attach", "progs" };

/* Makes a directory for pins, or checks an existing one with check_owner(). Returns 0, or -errno
 * after printing an error. */
static int make_dir(const char *path)
{
	const char *hint = "";
	int rc;

	if (!mkdir(path, 0700))
		return 0;
	if (errno == EEXIST)
		return check_owner(path);
	rc = -errno;
	if (rc == -EROFS)
		hint = ": mount " BPFFS " writable";
	else if (rc == -EACCES || rc == -EPERM)
		hint = ": a security module forbids it: allow it (in a container: --security-opt apparmor=unconfined, with SELinux label=disable)";
	log_error("cannot make %s: %s%s", path, strerror(-rc), hint);
	return rc;
}

int pins_make_dirs(const char *instance, const char *suffix)
{
	char path[PIN_LEN];
	int rc;

	pin_path(path, instance, suffix, "%s", "");
	rc = make_dir(PINS_DIR) ?: make_dir(path);
	for (int i = 0; !rc && i < 2; i++) {
		pin_path(path, instance, suffix, "%s", subdirs[i]);
		rc = make_dir(path);
	}
	return rc;
}

int pins_commit(const char *instance)
{
	char from[PIN_LEN], to[PIN_LEN];

	snprintf(from, sizeof(from), PINS_DIR "/%s~new", instance);
	snprintf(to, sizeof(to), PINS_DIR "/%s", instance);
	return rename(from, to) ? -errno : 0;
}

static void remove_one(const char *directory, const char *name, bool link)
{
	char pin[PIN_LEN + 256];
	int fd;

	snprintf(pin, sizeof(pin), "%s/%s", directory, name);
	fd = link ? bpf_obj_get(pin) : -1;
	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	unlink(pin);
}

/* Removes the pins in a directory for which is_kept() returns false; NULL: all. links: first
 * detaches pinned links from their devices. */
static int remove_but(const char *path, bool links, pin_is_kept *is_kept, void *data)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	errno = dir ? 0 : errno;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR && (!is_kept || !is_kept(data, entry->d_name)))
			remove_one(path, entry->d_name, links);
		errno = 0;
	}
	if (errno && errno != ENOENT) {
		rc = -errno;
		log_error("cannot remove what is in %s: %s", path, strerror(-rc));
	}
	if (dir)
		closedir(dir);
	return rc;
}

int pins_remove_directory(const char *path, bool links)
{
	int rc = remove_but(path, links, NULL, NULL);

	rmdir(path);
	return rc;
}

void pins_remove_others(const char *instance, const char *directory, pin_is_kept *is_kept,
			void *data)
{
	char path[PIN_LEN];

	pin_path(path, instance, "", "%s", directory);
	remove_but(path, false, is_kept, data);
}

static bool is_finished(void *data, const char *name)
{
	size_t n = strlen(name), end = strlen("~new");

	return n < end || strcmp(name + n - end, "~new");
}

void pins_detach_unfinished(const char *instance)
{
	char path[PIN_LEN];

	pin_path(path, instance, "", "attach");
	remove_but(path, true, is_finished, NULL);
}

int pins_remove_all(const char *instance, const char *suffix)
{
	char path[PIN_LEN];
	int rc = pins_check_owners(instance, suffix);

	for (size_t i = 0; i < sizeof(subdirs) / sizeof(*subdirs) && !rc; i++) {
		pin_path(path, instance, suffix, "%s", subdirs[i]);
		rc = pins_remove_directory(path, !strcmp(subdirs[i], "attach"));
	}
	/* An instance exists as long as it has this pin, so it goes first. The next command removes
	 * other pins that a killed command leaves. */
	pin_path(path, instance, suffix, "control");
	if (!rc)
		unlink(path);
	snprintf(path, sizeof(path), PINS_DIR "/%s%s", instance, suffix);
	rc = rc ?: pins_remove_directory(path, false);
	if (!rc)
		rmdir(PINS_DIR);	/* fails while other instances have pins */
	return rc;
}

bool pins_program_uses(int program, __u32 map_id)
{
	__u32 ids[64], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = sizeof(ids) / sizeof(*ids),
				      .map_ids = (uintptr_t)ids };
	bool uses = false;

	if (map_id && !bpf_obj_get_info_by_fd(program, &info, &len))
		for (__u32 i = 0; i < info.nr_map_ids && i < sizeof(ids) / sizeof(*ids); i++)
			uses |= ids[i] == map_id;
	return uses;
}

/* Returns whether one of our programs pinned in this directory has this id. */
static bool has_one(const char *directory, __u32 id)
{
	static const char *const names[] = { "xdp", "tc", "tc_l3", "express", "tc_egress" };
	bool has = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !has; i++) {
		int fd = pin_get(directory, "progs/wgxdp_%s", names[i]);

		has = fd >= 0 && program_info(fd).id == id;
		fd_close(fd);
	}
	return has;
}

bool pins_have_program(__u32 program_id)
{
	DIR *dir = opendir(PINS_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = *entry->d_name != '.' &&
			strlen(entry->d_name) < INSTANCE_LEN + sizeof("~new") &&
			has_one(entry->d_name, program_id);
	if (dir)
		closedir(dir);
	return found;
}

bool pins_owner(__u32 program_id, const char *ours, char ret[INSTANCE_LEN])
{
	int program = bpf_prog_get_fd_by_id(program_id);
	DIR *dir = opendir(PINS_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (!instance_valid(entry->d_name) || !strcmp(entry->d_name, ours))
			continue;
		/* A component of libxdp's dispatcher has no pin of ours, but uses our maps. */
		found = has_one(entry->d_name, program_id) ||
			pins_program_uses(program, pin_map_id(entry->d_name, "control"));
		if (found)
			strcpy(ret, entry->d_name);
	}
	if (dir)
		closedir(dir);
	fd_close(program);
	return found;
}

/* ---- watching ---- */

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct pins_watch *w = event->data;

	if (!pins_exist(w->instance))
		w->gone(w->data);
}

int pins_watch(struct pins_watch *w, uv_loop_t *loop, const char *instance,
	       void (*gone)(void *data), void *data)
{
	struct stat is;

	if (stat(PINS_DIR, &is))
		return -errno;
	if (is.st_dev == w->is.st_dev && is.st_ino == w->is.st_ino)
		return 0;
	if (!w->gone)
		uv_fs_event_init(loop, &w->event);
	w->instance = instance;
	w->gone = gone;
	w->data = data;
	w->is = is;
	w->event.data = w;
	uv_fs_event_stop(&w->event);
	return uv_fs_event_start(&w->event, on_event, PINS_DIR, 0);
}
