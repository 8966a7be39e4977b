/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * nomemory.so, for LD_PRELOAD: lets allocations of the program fail, but not those of its children. If the program crashes, the last
 * lines on standard error are `crashed:` and the functions on the stack, innermost first.
 *
 *   NOMEMORY_AT=N      the number of the allocation that fails (malloc, calloc, realloc and their callers in libraries; 0: none)
 *   NOMEMORY_FROM=N    this allocation and all later ones fail
 *   NOMEMORY_CRASHES   the program crashes, as if it used the result unchecked
 *   NOMEMORY_WHERE=FILE  write the chain of calls of the first failed allocation
 *   NOMEMORY_OUT=FILE  append at the end: `count N`. With NOMEMORY_PLACES also `place N` for the first allocation of each chain of
 *                      calls, so that a test needs to try each place only once
 */
#include <execinfo.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum { PLACES = 1 << 16, DEPTH = 24 };

static long at, from, count;
static bool look_for_places, crashes, begun;
static const char *out, *where;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seen[PLACES];
static long first[PLACES];
static __thread bool within;

static void note_place(long n)
{
	void *chain[DEPTH];
	uint64_t hash = 1;
	int depth;

	within = true;
	depth = backtrace(chain, DEPTH);
	within = false;
	for (int i = 2; i < depth; i++)
		hash = (hash ^ (uintptr_t)chain[i]) * 0x100000001b3ULL;
	hash = hash ?: 1;
	pthread_mutex_lock(&lock);
	for (unsigned int i = hash >> 40; ; i++) {
		if (seen[i % PLACES] == hash)
			break;
		if (seen[i % PLACES])
			continue;
		seen[i % PLACES] = hash;
		first[i % PLACES] = n;
		break;
	}
	pthread_mutex_unlock(&lock);
}

/* Writes the chain of calls of the first failed allocation */
static void tell_chain(void)
{
	int fd = where ? open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	void *chain[DEPTH];

	if (fd < 0)
		return;
	within = true;
	backtrace_symbols_fd(chain, backtrace(chain, DEPTH), fd);
	within = false;
	close(fd);
}

static bool fails(void)
{
	long n;

	if (!begun || within)
		return false;
	n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	if (look_for_places)
		note_place(n);
	if ((!at || n != at) && (!from || n < from))
		return false;
	if (n == (at ?: from))
		tell_chain();
	if (crashes)
		abort();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p = memalign(alignment, size);

	if (p)
		*ret = p;
	return p ? 0 : ENOMEM;
}

/* Prints the functions on the stack, and lets the program crash */
static void on_crash(int signal_number)
{
	void *chain[DEPTH];
	int depth;

	begun = false;
	depth = backtrace(chain, DEPTH);
	if (write(STDERR_FILENO, "crashed:\n", 9) == 9 && depth > 2)
		backtrace_symbols_fd(chain + 2, depth - 2, STDERR_FILENO);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? atol(text) : 0;
}

static void __attribute__((constructor)) begin(void)
{
	void *warm[2];

	at = number("NOMEMORY_AT");
	from = number("NOMEMORY_FROM");
	look_for_places = getenv("NOMEMORY_PLACES");
	crashes = getenv("NOMEMORY_CRASHES");
	out = getenv("NOMEMORY_OUT");
	where = getenv("NOMEMORY_WHERE");
	unsetenv("LD_PRELOAD");
	backtrace(warm, 2);		/* loads its library */
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	begun = true;
}

static void __attribute__((destructor)) end(void)
{
	char line[64];
	int fd;

	begun = false;
	fd = out ? open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	for (int i = 0; i < PLACES; i++)
		if (seen[i] && write(fd, line, snprintf(line, sizeof(line), "place %ld\n", first[i])) < 0)
			break;
	if (write(fd, line, snprintf(line, sizeof(line), "count %ld\n", count)) < 0)
		_exit(125);
	close(fd);
}
