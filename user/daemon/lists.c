/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A notification about elements of a set becomes a few changes of the map. In all other cases (a
 * file changed, a set came or went, a notification was lost) a child reads the list again as a
 * whole, and the loop writes the differences in portions.
 */
#include <errno.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>
#include "config/config.h"
#include "config/config_sections.h"
#include "daemon/child.h"
#include "daemon/tasks.h"
#include "dataplane/followed_lists.h"
#include "plan/lists.h"
#include "instance/run_state.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "net/nft_set.h"

struct list_difference {
	int rc;				/* result of list_read() */
	struct nft_set_kind kind;	/* for a set of nftables */
	__u32 skipped;			/* lines or elements that were left out */
	__u32 used;			/* CPU time of the reading, in ms */
	/* Number of prefixes in the list, of those to add, and of those to remove. */
	size_t n, n_add, n_del;
	struct source_key keys[];	/* prefixes to add, then those to remove */
};

struct list_reader;

/* Called in the daemon's loop. d: NULL if the child has failed; the callee frees it with
 * list_difference_free(). */
typedef void list_read_done(void *data, struct list_difference *d);

/* ---- reading in a child ----
 * Reading, sorting and comparing a large list takes seconds. The child writes the difference to
 * a file in memory, which the daemon maps when the child has ended. */

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

static void on_child_ended(void *data, bool done)
{
	struct list_reader *r = data;
	struct list_difference *d = done && r->done ? map_difference(r->fd) : NULL;

	close(r->fd);
	if (r->done)
		r->done(r->data, d);
	free(r);
}

/* Starts reading. id: the list's id in the maps. The result exists until done() is called. */
static struct list_reader *list_reader_start(uv_loop_t *loop, const char *instance,
				      const struct list_config *from, __u32 id,
				      list_read_done *done, void *data)
{
	struct list_reader *r = xcalloc(1, sizeof(*r));

	*r = (struct list_reader){ .instance = instance, .from = *from, .id = id, .done = done,
				   .data = data, .fd = memfd_create("wgxdp-list", MFD_CLOEXEC) };
	r->child = child_run(loop, read_list, on_child_ended, r);
	return r;
}

/* Ends reading. done() is not called. */
static void list_reader_stop(struct list_reader *r)
{
	if (!r)
		return;
	r->done = NULL;
	child_stop(r->child);
}

/* Returns an empty difference with room for n keys. */
static struct list_difference *list_difference_new(size_t n)
{
	struct list_difference *d = mmap(NULL, sizeof(*d) + n * sizeof(*d->keys),
					 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0);

	return memory_there(d == MAP_FAILED ? NULL : d);
}

static void list_difference_free(struct list_difference *d)
{
	if (d)
		munmap(d, sizeof(*d) + (d->n_add + d->n_del) * sizeof(*d->keys));
}

#define BURST_MS 10		/* changes of this time are written together */
/* Most ms that changes wait for the end of their transaction. */
#define TRANSACTION_MS 5000
/* Time in ms without a change of a file until it is read: its writer may not be done. */
#define QUIET_MS 100
#define UNREAD_MS 5000	/* most ms that a file which goes on changing is not read */
#define TICK_MS 1000
/* Interval of reading a list again that was unreadable, and of opening the instance again. */
#define RETRY_MS 5000
/* Elements of some sets time out without a notification. These sets are read again each second, but
 * reading takes at most one SHARE-th of a CPU. */
#define SHARE 20
/* A list that changes all the time is read for at most one part in FILE_SHARE of the time. */
#define FILE_SHARE 4
#define PORTION 500		/* differences that are written at once: that takes some ms */

struct change {
	struct source_key key;
	bool del;
	size_t number;			/* later changes have larger ones */
};

struct follow {
	struct list_config from;
	__u32 id;			/* its id when it was last used */
	bool dirty;			/* read the list again, not before `due` */
	uint64_t due;			/* in ms of the loop's clock; of no use if not dirty */
	uint64_t since;			/* time at which it became dirty; of no use if not dirty */
	uint64_t next;			/* time at which it becomes dirty by itself; 0: never */
	bool tried;
	int rc;				/* result of the last attempt to read it */
	size_t n_prefixes;		/* a file had so many when it was read last */
	struct stat file;		/* the file that was read last */
	uv_fs_event_t *directory;	/* watch of the file's directory, or NULL */
	struct nft_join join;		/* joins the elements in notifications */
	bool join_deletes;
	struct change *changes;
	size_t n_changes;
	struct lists *lists;
	struct list_reader *reader;	/* NULL: no child is reading the list */
	uint64_t began, took;		/* start of the last reading, and its CPU time, in ms */
	/* Differences that the child has found or that notifications told, and how many of them are
	 * written; NULL: none. told: each portion changes the list's number of prefixes. */
	struct list_difference *difference;
	size_t written;
	bool told;
	bool made_room;		/* the prefixes to remove were removed first, for lack of room */
};

struct lists {
	uv_loop_t *loop;
	const char *instance;
	void (*full)(void *data);
	void *data;
	struct follow **list;
	size_t n;
	uv_poll_t nft;
	int fd;				/* socket for notifications; -1: none */
	uv_timer_t soon, tick;
	/* Time in ms since which a transaction of nftables has not ended; 0: none is open. */
	uint64_t open_since;
};

static void on_soon(uv_timer_t *timer);

static void make_dirty(struct lists *l, struct follow *f, uint64_t wait)
{
	uint64_t now = uv_now(l->loop);

	if (!f->dirty)
		f->since = now;
	f->dirty = true;
	f->due = now + wait < f->since + UNREAD_MS ? now + wait : f->since + UNREAD_MS;
	if (f->due < f->began + FILE_SHARE * f->took)
		f->due = f->began + FILE_SHARE * f->took;
	f->n_changes = 0;
	f->join.first.family = 0;
	timer_repeat(&l->soon, true, on_soon, wait, 0);
}

/* ---- notifications of nftables ---- */

struct notified {
	struct follow *f;
	bool del;
	struct list_keys keys;
};

static void join_element(void *data, const struct nft_element *e)
{
	struct notified *n = data;

	nft_join(&n->f->join, e, &n->keys);
}

static void add_change(struct follow *f, const struct source_key *key, bool del)
{
	struct change *c = append(f->changes, f->n_changes);

	*c = (struct change){ .key = *key, .del = del, .number = f->n_changes };
}

static void add_elements(struct lists *l, struct follow *f, bool del, const struct nlattr *elements)
{
	struct notified n = { .f = f, .del = del };
	__u32 skipped = 0;

	f->join.broken |= f->join.first.family && f->join_deletes != del;
	f->join_deletes = del;
	nft_elements_each(elements, &f->join.kind, join_element, &n, &skipped);
	for (size_t i = 0; i < n.keys.n; i++)
		add_change(f, &n.keys.list[i], del);
	list_keys_free(&n.keys);
	if (skipped || f->join.broken)
		make_dirty(l, f, BURST_MS);
	else
		timer_repeat(&l->soon, true, on_soon, BURST_MS, 0);
}

/* Returns whether the list is the named set, or in the named table if the set is "". */
static bool is_named(const struct follow *f, const char *name)
{
	size_t n = strlen(name);

	return f->from.source == LIST_NFT_SET &&
	       (!strcmp(f->from.name, name) ||
		(n && name[n - 1] == ' ' && !strncmp(f->from.name, name, n)));
}

static void on_change(void *data, enum nft_change change, const char *name,
		      const struct nlattr *elements)
{
	struct lists *l = data;

	if (change == NFT_DONE || change == NFT_LOST)
		l->open_since = 0;
	else if (elements && !l->open_since)
		l->open_since = uv_now(l->loop);
	for (size_t i = 0; i < l->n; i++) {
		struct follow *f = l->list[i];

		if (f->from.source != LIST_NFT_SET || (name && !is_named(f, name)))
			continue;
		if (change == NFT_LOST || change == NFT_SETS)
			make_dirty(l, f, BURST_MS);
		else if (change == NFT_DONE && f->join.first.family)
			make_dirty(l, f, BURST_MS);	/* a range up to the last address */
		else if (elements && f->reader && !f->tried)
			make_dirty(l, f, BURST_MS);	/* the kind of the set is not known yet */
		else if (elements && !f->dirty && !f->rc)
			add_elements(l, f, change == NFT_DELETED, elements);
	}
}

static void on_nft(uv_poll_t *poll, int status, int events)
{
	struct lists *l = poll->data;

	/* libuv stops polling after an error of the socket, such as an overrun: start it again. */
	if (status) {
		uv_poll_start(poll, UV_READABLE, on_nft);
		on_change(l, NFT_LOST, NULL, NULL);
	}
	nft_watch_read(l->fd, on_change, l);
}

static void watch_nft(struct lists *l)
{
	if (l->fd >= 0)
		return;
	l->fd = nft_watch();
	if (l->fd < 0) {
		log_warning("cannot follow the sets of nftables: %s: `wgxdp reload` reads them", strerror(-l->fd));
		return;
	}
	uv_poll_init(l->loop, &l->nft, l->fd);
	l->nft.data = l;
	uv_poll_start(&l->nft, UV_READABLE, on_nft);
}

/* ---- files ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void check_file(struct lists *l, struct follow *f)
{
	struct stat now = { 0 };

	stat(f->from.name, &now);
	if (!is_same_file(&now, &f->file)) {
		f->file = now;
		make_dirty(l, f, QUIET_MS);
	}
}

static void on_directory(uv_fs_event_t *handle, const char *name, int events, int status)
{
	struct lists *l = handle->data;

	for (size_t i = 0; i < l->n; i++)
		if (l->list[i]->directory == handle)
			check_file(l, l->list[i]);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void unwatch_file(struct follow *f)
{
	if (f->directory)
		uv_close((uv_handle_t *)f->directory, on_closed);
	f->directory = NULL;
}

/* Watches the directory of the file, so that a file which replaces it is noticed too. */
static void watch_file(struct lists *l, struct follow *f)
{
	char path[LIST_NAME_LEN];

	if (f->directory)
		return;
	strcpy(path, f->from.name);
	f->directory = xcalloc(1, sizeof(*f->directory));
	uv_fs_event_init(l->loop, f->directory);
	f->directory->data = l;
	if (uv_fs_event_start(f->directory, on_directory, dirname(path), 0))
		unwatch_file(f);	/* there is no such directory yet: on_tick() tries again */
}

/* ---- writing ---- */

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return list_key_compare(&x->key, &y->key) ?:
	       (x->number > y->number) - (x->number < y->number);
}

/* Sorts the changes into additions and removals: the last one of each prefix counts. All are
 * sorted before the first is written: a transaction may remove a client and add it again. */
static struct list_difference *sort_changes(struct follow *f)
{
	struct list_difference *d;
	size_t n = 0, written = 0;

	qsort(f->changes, f->n_changes, sizeof(*f->changes), compare_changes);
	for (size_t i = 0; i < f->n_changes; i++)
		if (i + 1 == f->n_changes ||
		    list_key_compare(&f->changes[i].key, &f->changes[i + 1].key))
			f->changes[n++] = f->changes[i];
	f->n_changes = 0;
	d = list_difference_new(n);
	for (int del = 0; del < 2; del++) {
		for (size_t i = 0; i < n; i++)
			if (f->changes[i].del == del)
				d->keys[written++] = f->changes[i].key;
		*(del ? &d->n_del : &d->n_add) = written - d->n_add;
	}
	return d;
}

static void report_read(struct follow *f, int rc, size_t n)
{
	bool grew = f->from.source == LIST_FILE && !rc && n != f->n_prefixes;

	if (f->tried && rc == f->rc && !grew)
		return;
	if (rc)
		list_warn(&f->from, rc);
	else
		log_event("%s: the list has %zu prefixes", f->from.name, n);
	if (!rc)
		f->n_prefixes = n;
}

/* Sets when the list is read again by itself. */
static void schedule_next(struct lists *l, struct follow *f)
{
	uint64_t wait = f->rc && f->rc != -ENOENT ? RETRY_MS : !f->join.kind.silent ? 0 :
			SHARE * f->took > TICK_MS ? SHARE * f->took : TICK_MS;

	f->next = wait ? uv_now(l->loop) + wait : 0;
}

static void begin_writing(struct follow *f, struct list_difference *d, bool told)
{
	f->difference = d;
	f->written = 0;
	f->told = told;
	f->made_room = false;
}

/* Called when the child has read the list. The differences are written later. */
static void on_read(void *data, struct list_difference *d)
{
	struct follow *f = data;
	struct lists *l = f->lists;
	int rc = d ? d->rc : -EIO;
	uint64_t used = d ? d->used : 0;

	f->reader = NULL;
	report_read(f, rc, d ? d->n : 0);
	f->rc = rc;
	if (!rc) {
		f->join.kind = d->kind;
		begin_writing(f, d, false);
	} else {
		list_difference_free(d);
	}
	f->tried = true;
	f->took = used;
	schedule_next(l, f);
	timer_repeat(&l->soon, true, on_soon, 1, 0);
}

static void read_again(struct lists *l, struct follow *f)
{
	f->dirty = false;
	if (f->from.source == LIST_FILE)
		stat(f->from.name, &f->file);
	f->join = (struct nft_join){ .kind = f->join.kind };
	f->began = uv_now(l->loop);
	list_difference_free(f->difference);
	f->difference = NULL;
	f->reader = list_reader_start(l->loop, l->instance, &f->from, f->id, on_read, f);
}

/* Writes the next PORTION differences, or notes at the end that the list was read. Returns whether
 * there is more to write. */
static bool write_portion(struct lists *l, const struct dataplane *dp, struct follow *f)
{
	static const struct list_keys none;
	struct list_difference *d = f->difference;
	struct list_keys add, del;
	size_t left = d->n_add + d->n_del - f->written, n = left < PORTION ? left : PORTION;
	size_t adds = f->written >= d->n_add ? 0 :
		      d->n_add - f->written < n ? d->n_add - f->written : n;
	int rc;

	add = (struct list_keys){ d->keys + f->written, adds };
	del = (struct list_keys){ d->keys + f->written + adds, n - adds };
	/* The number grows first, so that a pass enlarges the hints once, before they are dense. */
	if (n && !f->written && d->n_add > d->n_del && !f->told)
		dataplane_list_count(dp, f->id, d->n);
	rc = n ? dataplane_list_change(dp, f->id, &add, &del, f->told) : 0;
	if (rc == -ENOSPC && d->n_del && !f->made_room) {
		/* The former prefixes go first. */
		f->made_room = true;
		del = (struct list_keys){ d->keys + d->n_add, d->n_del };
		return !dataplane_list_change(dp, f->id, &none, &del, f->told);
	}
	f->written += n;
	if (!rc && f->written < d->n_add + d->n_del)
		return true;
	if (!rc && f->written && !f->told)
		dataplane_list_count(dp, f->id, d->n);
	if (!rc && !f->told)
		dataplane_list_note(dp, f->id, LIST_READ, d->skipped);
	if (rc)
		f->next = uv_now(l->loop) + RETRY_MS;
	list_difference_free(d);
	f->difference = NULL;
	memory_give_back();
	return f->n_changes;
}

/* Writes the first portion of what notifications told. Returns whether there is more to write. */
static bool write_changes(struct lists *l, const struct dataplane *dp, struct follow *f)
{
	begin_writing(f, sort_changes(f), true);
	return write_portion(l, dp, f);
}

/* Notes that the list could not be read. */
static void note_unread(const struct dataplane *dp, struct follow *f,
			const struct followed_list *is)
{
	if (f->tried && f->rc && is->state == LIST_READ)
		dataplane_list_note(dp, f->id, LIST_KEPT, is->skipped);
}

/* Returns the shorter of two waits in ms; 0: none. */
static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a && a < b ? a : b;
}

/* Writes everything that is due. Returns the time in ms until the next list is due; 0: none. */
static uint64_t write_due(struct lists *l, const struct dataplane *dp)
{
	uint64_t now = uv_now(l->loop), wait = 0;
	struct followed_list is;

	for (size_t i = 0; i < l->n; i++) {
		struct follow *f = l->list[i];

		if (f->reader)
			continue;		/* on_read() calls this again */
		if (f->dirty && f->due > now)
			wait = sooner(wait, f->due - now);
		if (!dataplane_list_find(dp, &f->from, &f->id, &is))
			continue;
		note_unread(dp, f, &is);
		if (f->difference ? write_portion(l, dp, f) :
		    f->n_changes && !f->dirty && write_changes(l, dp, f))
			wait = sooner(wait, 1);
		else if (f->dirty && f->due <= now)
			read_again(l, f);
	}
	return wait;
}

static void on_soon(uv_timer_t *timer)
{
	struct lists *l = timer->data;
	struct dataplane *dp = NULL;
	uint64_t wait = 0;
	bool full = false;
	int lock, rc;

	/* Elements that a transaction removes and adds again must not be missing in between. */
	if (l->open_since && uv_now(l->loop) - l->open_since < TRANSACTION_MS) {
		timer_repeat(timer, true, on_soon, BURST_MS, 0);
		return;
	}
	lock = run_state_try_lock(l->instance);
	rc = lock < 0 ? lock : dataplane_open(l->instance, &dp);
	if (rc) {
		wait = rc == -EAGAIN ? LOCKED_MS : RETRY_MS;
	} else if (dp->running) {
		wait = write_due(l, dp);
		full = dataplane_hints_are_dense(dp);
	}
	dataplane_close(dp);
	if (lock >= 0) {
		flock(lock, LOCK_UN);	/* children that read lists have copies of the fd */
		close(lock);
	}
	if (wait)
		timer_repeat(&l->soon, true, on_soon, wait, 0);
	if (full)
		l->full(l->data);
}

static void on_tick(uv_timer_t *timer)
{
	struct lists *l = timer->data;
	uint64_t now = uv_now(l->loop);

	for (size_t i = 0; i < l->n; i++) {
		struct follow *f = l->list[i];

		if (f->next && f->next <= now && !f->dirty)
			make_dirty(l, f, BURST_MS);
		if (f->from.source == LIST_FILE) {
			watch_file(l, f);
			check_file(l, f);
		}
	}
}

struct lists *lists_new(uv_loop_t *loop, const char *instance, void (*full)(void *data), void *data)
{
	struct lists *l = xcalloc(1, sizeof(*l));

	*l = (struct lists){ .loop = loop, .instance = instance, .full = full, .data = data,
			     .fd = -1 };
	timer_init(loop, &l->soon, l);
	timer_init(loop, &l->tick, l);
	return l;
}

/* Takes the list out of l->list, or makes it. */
static struct follow *take_follow(struct lists *l, const struct list_config *from)
{
	struct follow *f;

	for (size_t i = 0; i < l->n; i++)
		if (l->list[i] && config_list_equal(&l->list[i]->from, from)) {
			f = l->list[i];
			l->list[i] = NULL;
			return f;
		}
	f = xcalloc(1, sizeof(*f));
	*f = (struct follow){ .from = *from, .lists = l, .dirty = true };
	return f;
}

static void follow_free(struct follow *f)
{
	if (!f)
		return;
	unwatch_file(f);
	list_reader_stop(f->reader);
	list_difference_free(f->difference);
	free(f->changes);
	free(f);
}

/* Reads lists again that the maps have lost. */
static void check_maps(struct lists *l)
{
	struct dataplane *dp = NULL;
	struct followed_list is;

	if (!l->n)
		return;
	if (dataplane_open(l->instance, &dp)) {
		timer_repeat(&l->soon, true, on_soon, RETRY_MS, 0);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct follow *f = l->list[i];

		if (dataplane_list_find(dp, &f->from, &f->id, &is) && f->tried && !f->rc &&
		    is.state == LIST_WAITING && !f->reader && !f->difference)
			f->dirty = true;
		if (f->dirty)
			make_dirty(l, f, 0);
	}
	dataplane_close(dp);
}

void lists_reconfigure(struct lists *l, const struct config *c)
{
	const struct list_config **all;
	size_t n = lists_of(c, &all);
	struct follow **list = xcalloc(n, sizeof(*list));
	bool sets = false;

	for (size_t i = 0; i < n; i++)
		list[i] = take_follow(l, all[i]);
	free(all);
	for (size_t i = 0; i < l->n; i++)
		follow_free(l->list[i]);
	free(l->list);
	l->list = list;
	l->n = n;
	for (size_t i = 0; i < l->n; i++) {
		sets |= l->list[i]->from.source == LIST_NFT_SET;
		if (l->list[i]->from.source == LIST_FILE)
			watch_file(l, l->list[i]);
	}
	if (sets)
		watch_nft(l);
	check_maps(l);
	timer_repeat(&l->tick, l->n, on_tick, TICK_MS, TICK_MS);
}
