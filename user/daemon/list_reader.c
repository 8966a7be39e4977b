/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements list_reader.h. The child writes the difference to a file in memory, which the daemon
 * maps when the child has ended.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "daemon/child.h"
#include "daemon/list_reader.h"
#include "dataplane/followed_lists.h"
#include "plan/lists.h"
#include "lib/memory.h"

struct list_reader {
	const char *instance;
	struct list_config from;
	__u32 id;
	int fd;				/* the file in memory */
	struct child *child;
	list_read_done *done;		/* NULL: the result is not wanted any more */
	void *data;
};

static int write_difference(int fd, const struct list_difference *head, const struct list_keys *add,
			    const struct list_keys *del)
{
	FILE *out = fdopen(fd, "w");

	fwrite(head, sizeof(*head), 1, out);
	fwrite(add->list, sizeof(*add->list), add->n, out);
	fwrite(del->list, sizeof(*del->list), del->n, out);
	return fclose(out) ? -errno : 0;
}

/* Runs in the child. */
static int read_list(void *data)
{
	struct list_reader *r = data;
	struct list_difference head = { 0 };
	struct list_keys add = { 0 }, del = { 0 };
	struct list_content content;
	struct followed_list is;
	struct dataplane *dp = NULL;
	int rc = 0;

	child_yields();
	head.rc = list_read(&r->from, &content, &head.kind);
	if (!head.rc) {
		head.n = content.keys.n;
		rc = dataplane_open(r->instance, &dp) ?:
		     !dp->running || !dataplane_list_find(dp, &r->from, &r->id, &is) ? -ENOENT :
		     dataplane_list_compare(dp, r->id, &content.keys, &add, &del);
	}
	head.skipped = content.skipped;
	head.n_add = add.n;
	head.n_del = del.n;
	head.used = clock() / (CLOCKS_PER_SEC / 1000);
	return rc ?: write_difference(r->fd, &head, &add, &del);
}

/* Maps what the child has written. */
static struct list_difference *map_difference(int fd)
{
	struct stat is = { 0 };
	struct list_difference *d;

	fstat(fd, &is);
	d = mmap(NULL, is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return d == MAP_FAILED ? NULL : d;
}

static void on_read(void *data, bool done)
{
	struct list_reader *r = data;
	struct list_difference *d = done && r->done ? map_difference(r->fd) : NULL;

	close(r->fd);
	if (r->done)
		r->done(r->data, d);
	free(r);
}

struct list_reader *list_reader_start(uv_loop_t *loop, const char *instance,
				      const struct list_config *from, __u32 id,
				      list_read_done *done, void *data)
{
	struct list_reader *r = xcalloc(1, sizeof(*r));

	*r = (struct list_reader){ .instance = instance, .from = *from, .id = id, .done = done,
				   .data = data, .fd = memfd_create("wgxdp-list", MFD_CLOEXEC) };
	r->child = child_run(loop, read_list, on_read, r);
	return r;
}

void list_reader_stop(struct list_reader *r)
{
	if (!r)
		return;
	r->done = NULL;
	child_stop(r->child);
}

struct list_difference *list_difference_new(size_t n)
{
	struct list_difference *d = mmap(NULL, sizeof(*d) + n * sizeof(*d->keys),
					 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0);

	return memory_there(d == MAP_FAILED ? NULL : d);
}

void list_difference_free(struct list_difference *d)
{
	if (d)
		munmap(d, sizeof(*d) + (d->n_add + d->n_del) * sizeof(*d->keys));
}
