/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Lets a child process write an answer into a file in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/child.h"
#include "daemon/render.h"

struct rendering {
	const struct web *web;		/* data of the web server; only the child uses it */
	const struct web_request *request;
	render_done *done;
	void *data;
	int file;
};

static bool write_all(int fd, const void *data, size_t n)
{
	ssize_t wrote;

	for (const char *at = data; n; at += wrote, n -= wrote) {
		wrote = write(fd, at, n);
		if (wrote <= 0)
			return false;
	}
	return true;
}

/* Writes the answer, in the child. It passes pointers to string constants to the daemon, where they
 * are valid because the child is its fork. */
static int write_answer(void *data)
{
	const struct rendering *d = data;
	struct web_answer a;

	return web_answer(d->web, d->request, &a) || !write_all(d->file, &a, sizeof(a)) ||
	       !write_all(d->file, a.text, a.size);
}

static void on_ended(void *data, bool done)
{
	struct rendering *d = data;
	struct web_answer a;
	struct stat is;

	if (!done || pread(d->file, &a, sizeof(a), 0) != sizeof(a) || fstat(d->file, &is)) {
		close(d->file);
		d->done(d->data, -1, 0, 0, NULL);
	} else {
		d->done(d->data, d->file, sizeof(a), is.st_size - sizeof(a), &a);
	}
	free(d);
}

int render(uv_loop_t *loop, const struct web *w, const struct web_request *r, render_done *done,
	   void *data)
{
	struct rendering *d = malloc(sizeof(*d));
	int rc;

	if (!d)
		return -ENOMEM;
	*d = (struct rendering){
		.web = w, .request = r, .done = done, .data = data,
		.file = memfd_create("answer", MFD_CLOEXEC)
	};
	rc = d->file < 0 ? -errno :
	     child_run(loop, write_answer, on_ended, d, NULL);
	if (rc) {
		if (d->file >= 0)
			close(d->file);
		free(d);
	}
	return rc;
}
