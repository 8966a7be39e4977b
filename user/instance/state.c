/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The running configuration and its lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/config_image.h"
#include "dataplane/control.h"
#include "lib/log.h"
#include "instance/noted.h"
#include "instance/state.h"
#include "lib/text.h"
#include "lib/unasked.h"
#include "lib/yaml.h"

#define NEXT "running.yaml.new"		/* what is to run */
#define IMAGE "running.image"		/* of the one or the other, for who reads it next */

int state_lock(const char *instance)
{
	char path[STATE_PATH_LEN];
	int fd, rc;

	mkdir(STATE_DIR, 0755);
	state_path(path, instance, "");
	mkdir(path, 0755);
	state_path(path, instance, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return fd;
	rc = -errno;
	log_error("cannot lock %s: %s%s", path, strerror(-rc), geteuid() ? ": run as root" : "");
	if (fd >= 0)
		close(fd);
	return rc;
}

static void forget_failure(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "failed");
	unlink(path);
}

/* FNV-1a, of words, for texts may be of megabytes; never 0 */
static __u32 text_hash(const char *text, size_t n)
{
	__u64 h = 0xcbf29ce484222325ULL ^ n, word;
	__u32 folded;

	for (; n >= sizeof(word); n -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		h = (h ^ word) * 0x100000001b3ULL;
		h ^= h >> 32;			/* for what a multiplication moves up alone */
	}
	while (n--)
		h = (h ^ (unsigned char)*text++) * 0x100000001b3ULL;
	folded = h ^ h >> 32;
	return folded ?: 1;
}

static int write_whole(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "we");
	int rc = out ? 0 : -errno;

	if (!rc && (fwrite(text, 1, n, out) != n || fflush(out) || fsync(fileno(out))))
		rc = -errno;
	if (out && fclose(out) && !rc)
		rc = -errno;
	if (rc)
		unlink(path);
	return rc;
}

/* ---- the image: only to be quick, so whatever is wrong with it is no error ---- */

struct image_of {			/* the text, and the program, for no other can read it */
	__u64 device, inode, size, modified;
	__u32 hash, pad;
	__u64 text_size;
};

static bool image_of(__u32 hash, size_t n, struct image_of *ret)
{
	struct stat st;

	if (stat("/proc/self/exe", &st))
		return false;
	*ret = (struct image_of){ .device = st.st_dev, .inode = st.st_ino, .size = st.st_size, .text_size = n,
				  .modified = st.st_mtim.tv_sec * 1000000000ULL + st.st_mtim.tv_nsec, .hash = hash };
	return true;
}

/* A new file, for who reads the old one now */
static void image_write(const char *instance, const struct config *c, __u32 hash, size_t n)
{
	char path[STATE_PATH_LEN];
	struct image_of of;
	FILE *out;

	state_path(path, instance, IMAGE);
	unlink(path);
	out = image_of(hash, n, &of) ? fopen(path, "wxe") : NULL;
	if (!out)
		return;
	fwrite(&of, sizeof(of), 1, out);
	config_image_write(c, out);
	if (ferror(out) | fclose(out))
		unlink(path);
}

static int read_whole(const char *path, char **ret, size_t *ret_n)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	struct stat st;
	int rc = in && !fstat(fileno(in), &st) ? 0 : -errno;

	if (!rc && !(text = malloc(st.st_size + 1)))
		rc = -ENOMEM;
	if (!rc && fread(text, 1, st.st_size, in) != (size_t)st.st_size)
		rc = -EIO;
	if (in)
		fclose(in);
	if (rc) {
		free(text);
		return rc;
	}
	text[st.st_size] = '\0';
	*ret = text;
	*ret_n = st.st_size;
	return 0;
}

static int image_read(const char *instance, const char *text_path, struct config **ret)
{
	char path[STATE_PATH_LEN], *text = NULL, *image = NULL;
	size_t n = 0, n_image = 0;
	struct image_of of;
	int rc;

	state_path(path, instance, IMAGE);
	rc = read_whole(path, &image, &n_image) ?: read_whole(text_path, &text, &n);
	if (!rc && (n_image < sizeof(of) || !image_of(text_hash(text, n), n, &of) || memcmp(&of, image, sizeof(of))))
		rc = -EINVAL;
	rc = rc ?: config_image_read(image + sizeof(of), n_image - sizeof(of), ret);
	free(text);
	free(image);
	return rc;
}

/* ---- the text ---- */

static int take_next(const char *instance)
{
	char path[STATE_PATH_LEN], next[STATE_PATH_LEN];

	state_path(path, instance, "running.yaml");
	state_path(next, instance, NEXT);
	if (rename(next, path)) {
		int rc = -errno;

		log_error("cannot write %s: %s", path, strerror(-rc));
		return rc;
	}
	forget_failure(instance);
	return 0;
}

/* Takes no memory of the heap: a command that has none left must know it all the same */
static int file_hash(const char *path, __u32 *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;
	void *text;

	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) ? -errno : st.st_size ? 0 : -ENOENT;
	text = rc ? NULL : mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		rc = -errno;
	close(fd);
	if (!rc) {
		*ret = text_hash(text, st.st_size);
		munmap(text, st.st_size);
	}
	return rc;
}

/* Whether the maps are of the next configuration: the command that brought them there was killed before it could say so. -errno: it
 * cannot be told. */
static int next_runs(const char *instance)
{
	char path[STATE_PATH_LEN];
	__u32 runs, next = 0;
	int rc;

	state_path(path, instance, NEXT);
	rc = file_hash(path, &next) ?: control_config(instance, &runs);
	if (rc)
		return unasked(rc) ? rc : 0;
	return runs == next;
}

int state_settle(const char *instance)
{
	char path[STATE_PATH_LEN];
	int runs = next_runs(instance);

	if (runs)
		return runs < 0 ? runs : take_next(instance);
	state_path(path, instance, NEXT);
	unlink(path);
	state_path(path, instance, "running.yaml");
	if (access(path, F_OK)) {		/* the image was of what could not come up */
		state_path(path, instance, IMAGE);
		unlink(path);
	}
	return 0;
}

int state_prepare(const char *instance, const struct config *c, __u32 *ret_hash)
{
	char path[STATE_PATH_LEN], *text = NULL;
	size_t n;
	FILE *out = text_open(&text, &n);
	int rc = state_settle(instance);	/* what a killed command left there may run */

	rc = rc ?: out ? config_write(c, out) : -ENOMEM;
	if (out && fclose(out))
		rc = -ENOMEM;
	state_path(path, instance, NEXT);
	if (!rc && n > YAML_FILE_LIMIT) {	/* the next version of us would have to read it */
		log_error("written down, this configuration has %zu bytes, and %d are the most", n, YAML_FILE_LIMIT);
		free(text);
		return -EFBIG;
	}
	rc = rc ?: write_whole(path, text, n);
	if (rc) {
		log_error("cannot write %s: %s", path, strerror(-rc));
	} else {
		*ret_hash = text_hash(text, n);
		image_write(instance, c, *ret_hash, n);
	}
	free(text);
	return rc;
}

int state_write(const char *instance, const struct config *c)
{
	__u32 hash;

	return state_prepare(instance, c, &hash) ?: take_next(instance);
}

void state_note_failure(const char *instance)
{
	char path[STATE_PATH_LEN];
	int fd;

	state_path(path, instance, "failed");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
}

bool state_failed(const char *instance)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, "failed");
	return !access(path, F_OK);
}

int state_read(const char *instance, struct config **ret)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, next_runs(instance) > 0 ? NEXT : "running.yaml");
	if (access(path, R_OK))
		return -errno;
	return image_read(instance, path, ret) ? config_read(path, ret) : 0;
}

static void remove_file(const char *instance, const char *name)
{
	char path[STATE_PATH_LEN];

	state_path(path, instance, name);
	unlink(path);
}

void state_remove(const char *instance)
{
	static const char *const noted[] = NOTED_FILES;
	char beside[32];

	remove_file(instance, "running.yaml");
	remove_file(instance, NEXT);
	remove_file(instance, IMAGE);
	remove_file(instance, "names.new");	/* of who was killed while he wrote it: user/plan/answers.c */
	forget_failure(instance);
	for (size_t i = 0; i < sizeof(noted) / sizeof(*noted); i++) {
		snprintf(beside, sizeof(beside), "%s.new", noted[i]);
		remove_file(instance, noted[i]);
		remove_file(instance, beside);
	}
	remove_file(instance, "daemon");	/* whose daemon it was: user/daemon/daemon_state.c */
}
