// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * corpus_TARGET SECONDS SEED [FILE]...: a fuzz target with the sanitizers of the unit tests, without libFuzzer. Runs
 * each file of the corpus once, then random changes of them for SECONDS of CPU time. If a run ends the process, its input
 * is in the file corpus_TARGET.input.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 256 << 10, CHANGES = 5, MORE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static struct input {
	size_t n;
	uint8_t b[LONGEST];
	int runs;
} *now;					/* shared with the parent */
static struct kept {
	size_t n;
	uint8_t *b;
} *files;
static int n_files;
static uint64_t state;

static size_t any(size_t n)		/* below n */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n ? (state >> 16) % n : 0;
}

static void read_file(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f || ((now->n = fread(now->b, 1, LONGEST, f)) == LONGEST)) {
		perror(path);
		exit(2);
	}
	fclose(f);
	files[n_files].b = malloc(now->n + 1);
	memcpy(files[n_files].b, now->b, now->n);
	files[n_files++].n = now->n;
}

/* A part of another file replaces n bytes at `at`, or is inserted there (n is 0) */
static void splice(size_t at, size_t n)
{
	const struct kept *from = &files[any(n_files)];
	size_t begin = any(from->n), more = any(from->n - begin + 1);

	if (now->n - n + more > LONGEST)
		return;
	memmove(now->b + at + more, now->b + at + n, now->n - at - n);
	memcpy(now->b + at, from->b + begin, more);
	now->n += more - n;
}

static void change(void)
{
	static const uint8_t edges[] = { 0, 1, 4, 0x7f, 0x80, 0xff, '\n', ' ', '"' };
	size_t at = any(now->n), n = any(now->n - at + 1);

	switch (any(5)) {
	case 0: now->b[at] ^= 1 << any(8); break;
	case 1: now->b[at] = any(2) ? any(256) : edges[any(sizeof(edges))]; break;
	case 2: splice(at, n); break;
	case 3: splice(at, 0); break;
	case 4: memmove(now->b + at, now->b + at + n, now->n - at - n), now->n -= n; break;
	}
}

static void run(const struct kept *from, int changes)
{
	uint8_t *exact;			/* ASan finds a read beyond its end */

	memcpy(now->b, from->b, now->n = from->n);
	while (changes-- && now->n < from->n + MORE)
		change();
	exact = malloc(now->n);
	memcpy(exact, now->b, now->n);
	LLVMFuzzerTestOneInput(exact, now->n);
	free(exact);
	now->runs++;
}

static void run_all(double seconds)
{
	clock_t end;

	for (int i = 0; i < n_files; i++)
		run(&files[i], 0);
	for (end = clock() + seconds * CLOCKS_PER_SEC; clock() < end;)
		run(&files[any(n_files)], 1 + any(CHANGES));
}

int main(int argc, char **argv)
{
	int status = 0;
	char path[256];

	now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	files = calloc(argc, sizeof(*files));
	if (argc < 4 || now == MAP_FAILED || !files)
		return 2;
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	for (char **file = argv + 3; *file; file++)
		read_file(*file);
	if (!fork()) {
		if (LLVMFuzzerInitialize)
			LLVMFuzzerInitialize(&argc, &argv);
		if (!freopen("/dev/null", "w", stdout))
			return 2;
		run_all(atof(argv[1]));
		return 0;
	}
	wait(&status);
	printf("%d files, %d runs\n", n_files, now->runs);
	if (!status)
		return 0;
	snprintf(path, sizeof(path), "%s.input", argv[0]);
	FILE *f = fopen(path, "w");
	if (f && fwrite(now->b, 1, now->n, f) == now->n && !fclose(f))
		fprintf(stderr, "the input is in %s\n", path);
	return 1;
}
