/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages are for people: a fuzz target of a parser closes standard error. libFuzzer has its own output.
 */
#ifndef FUZZ_QUIET_H
#define FUZZ_QUIET_H

#include <string.h>
#include "fuzz_must.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

static FILE *aloud, *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	aloud = stderr;
	nowhere = fopen("/dev/null", "w");
	return 0;
}

/* libfyaml 0.7.12 leaks a kilobyte with some unterminated quotes */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

/* Keeps freed memory from being reused for long enough */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:malloc_context_size=8";
}

static inline void hush(void)
{
	stderr = nowhere;
}

static inline void speak(void)
{
	stderr = aloud;
}

/* Returns the bytes as a text that ends at the first zero; the caller calls free() */
static inline char *bytes_as_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
