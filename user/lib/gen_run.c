/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/gen_run.h"
#include "lib/log.h"
#include "lib/memory.h"

int run_text(const char *text, size_t n)
{
	int fd = memfd_create("gen", MFD_CLOEXEC);

	/* wg(8) warns about files that all users may read, as new memory files are. */
	if (fchmod(fd, 0600) || pwrite(fd, text, n, 0) != (ssize_t)n)
		memory_there(NULL);
	return fd;
}

int run_program(char **words, int in, int out, int err)
{
	const int fds[] = { in, out, err };
	posix_spawn_file_actions_t files;
	int status, rc;
	pid_t pid;

	fflush(stdout);
	posix_spawn_file_actions_init(&files);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			posix_spawn_file_actions_adddup2(&files, fds[i], i);
	rc = posix_spawnp(&pid, words[0], &files, NULL, words, environ);
	posix_spawn_file_actions_destroy(&files);
	if (rc) {
		log_error("cannot run `%s`: %s", words[0], strerror(rc));
		return -rc;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGPIPE)
		return -EPIPE;		/* the reader has closed the pipe: no message */
	log_error("the command `%s` was ended by signal %d", words[0], WTERMSIG(status));
	return -EIO;
}
