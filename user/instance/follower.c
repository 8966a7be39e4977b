/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "instance/follower.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/paths.h"

#define HOLD_TRIES 60
#define HOLD_US 50000

static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

int follower_hold(int fd)
{
	struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	struct flock lock = whole_file();
	int rc;

	for (int i = 0; i < HOLD_TRIES; i++) {
		rc = fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
		if (rc != -EWOULDBLOCK)
			break;
		usleep(HOLD_US);
	}
	if (!rc)
		futimens(fd, now);	/* the file's time tells since when the daemon runs */
	return rc;
}

void follower_leave(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (fd >= 0)
		fcntl(fd, F_OFD_SETLK, &lock);
}

/* The mark of follower_dismiss() in the file, instead of a configuration file's name. */
static const char dismissed[] = "taken down\n";

void follower_dismiss(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];
	int fd;

	run_state_path(path, instance, "daemon");
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, dismissed, strlen(dismissed)) < 0)
			log_warning("cannot write %s: %s", path, strerror(errno));
		close(fd);
	}
	unlink(path);
}

bool follower_is_dismissed(int fd)
{
	char text[sizeof(dismissed)] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 && !strcmp(text, dismissed);
}

bool follower_runs(const char *instance, __s64 *ret_since)
{
	struct flock lock = whole_file();
	char path[RUN_STATE_PATH_LEN];
	bool runs = false;
	struct stat st;
	int fd;

	*ret_since = 0;
	run_state_path(path, instance, "daemon");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && !fstat(fd, &st)) {
		runs = lock.l_type != F_UNLCK;
		*ret_since = runs ? st.st_mtim.tv_sec : 0;
	}
	fd_close(fd);
	return runs;
}

static bool has_name(const struct backend_config *b)
{
	struct address a;

	return (*b->ipv4 && address_parse(b->ipv4, &a)) || (*b->ipv6 && address_parse(b->ipv6, &a));
}

const char *follower_needed(const struct config *c)
{
	for (size_t i = 0; i < c->n_services; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]); j++) {
			const struct backend_config *b = backend_at(&c->services[i], j);

			if (has_name(b))
				return "a backend's name";
			if (backend_has_standby(b))
				return "standby";
			if (c->services[i].guard.challenge_above)
				return "challenge";
		}
	for (size_t i = 0; i < c->n_services; i++)
		if (c->services[i].n_allow_lists || c->services[i].n_deny_lists)
			return "a list that another program keeps";
	return *c->blind.device ? "blind" : c->n_endpoints ? "endpoints" : c->n_learn ? "learn" :
	       c->follow.n_wireguard || c->follow.n_tables ? "follow" :
	       c->announce.table ? "announce" : c->n_ddns ? "ddns" :
	       c->n_exporter ? "exporter" : NULL;
}
