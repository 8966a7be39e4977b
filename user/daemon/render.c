/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An answer that is written by a child process into a file in memory. The child is a copy of the
 * daemon: it has its configuration, and shares nothing with the loop. When it ends, the pipe that
 * only it holds open ends too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/render.h"

#define SECONDS_MAX 60			/* the child is ended then */

struct rendering {
	render_done *done;
	void *data;
	uv_poll_t poll;			/* of the pipe */
	int pipe, file;
	pid_t child;
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

/* In the child. The addresses of constants are the same here and there. */
static void write_answer(int file, const struct web *w, const struct web_request *r)
{
	struct web_answer a;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS_MAX);
	_exit(web_answer(w, r, &a) || !write_all(file, &a, sizeof(a)) ||
	      !write_all(file, a.text, a.size));
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
	struct rendering *d = poll->data;
	struct web_answer a;
	struct stat is;
	int how = -1;

	uv_poll_stop(poll);
	close(d->pipe);
	while (waitpid(d->child, &how, 0) < 0 && errno == EINTR)
		;
	if (how || pread(d->file, &a, sizeof(a), 0) != sizeof(a) || fstat(d->file, &is)) {
		close(d->file);
		d->done(d->data, -1, 0, 0, NULL);
	} else {
		d->done(d->data, d->file, sizeof(a), is.st_size - sizeof(a), &a);
	}
	uv_close((uv_handle_t *)poll, on_poll_closed);
}

int render(uv_loop_t *loop, const struct web *w, const struct web_request *r, render_done *done,
	   void *data)
{
	struct rendering *d = malloc(sizeof(*d));
	int pipe[2] = { -1, -1 }, rc;

	if (!d)
		return -ENOMEM;
	*d = (struct rendering){ .done = done, .data = data, .poll.data = d };
	d->file = memfd_create("answer", MFD_CLOEXEC);
	rc = d->file < 0 || pipe2(pipe, O_CLOEXEC | O_NONBLOCK) ? -errno :
	     uv_poll_init(loop, &d->poll, pipe[0]);
	if (rc) {
		if (d->file >= 0)
			close(d->file);
		if (pipe[0] >= 0) {
			close(pipe[0]);
			close(pipe[1]);
		}
		free(d);
		return rc;
	}
	d->pipe = pipe[0];
	d->child = fork();
	if (!d->child)
		write_answer(d->file, w, r);
	rc = d->child < 0 ? -errno : 0;
	close(pipe[1]);
	if (!rc) {
		uv_poll_start(&d->poll, UV_READABLE | UV_DISCONNECT, on_end);
		return 0;
	}
	close(d->file);
	close(d->pipe);
	uv_close((uv_handle_t *)&d->poll, on_poll_closed);
	return rc;
}
