/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/mman.h>
#include "daemon/child.h"
#include "daemon/tasks.h"
#include "lib/memory.h"
#include "instance/apply.h"

struct uniform_filler {		/* in memory that the child shares with the daemon */
	uv_loop_t *loop;
	const char *instance;
	void (*done)(void *data);
	void *data;
	struct child *child;	/* NULL: no child is at work */
	bool again;		/* the child at work may have read former routes */
	/* Hashes of the contents that the map needs, and that it has; 0: unknown. */
	__u64 needed, written;
};

struct uniform_filler *uniform_filler_new(uv_loop_t *loop, const char *instance,
					  void (*done)(void *data), void *data)
{
	struct uniform_filler *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memory_there(f == MAP_FAILED ? NULL : f);
	*f = (struct uniform_filler){ .loop = loop, .instance = instance, .done = done,
				      .data = data };
	return f;
}

static int fill(void *data)
{
	struct uniform_filler *f = data;

	child_yields();
	f->written = uniform_write(f->instance);
	return 0;
}

static void on_filled(void *data, bool done)
{
	struct uniform_filler *f = data;

	f->child = NULL;
	if (!done)
		f->written = 0;
	if (f->again)
		uniform_filler_need(f, f->needed);
	f->done(f->data);
}

void uniform_filler_need(struct uniform_filler *f, __u64 hash)
{
	f->needed = hash;
	f->again = f->child;
	if (f->child || !hash || f->written == hash)
		return;
	f->written = 0;
	f->child = child_run(f->loop, fill, on_filled, f);
}

bool uniform_filler_has(const struct uniform_filler *f)
{
	return !f->child && f->needed && f->written == f->needed;
}
