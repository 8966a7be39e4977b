/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The set of generated files, and the functions that make a directory match it. First all files are
 * compared. Then each file that differs is written beside its place. Only then are these files
 * renamed. A failure before that leaves the directory as it was.
 */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>
#include "gen/gen_diff.h"
#include "gen/gen_files.h"
#include "lib/grow.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/text.h"

enum what { SAME, ADD, CHANGE, REMOVE, KEEP };

struct made_file {
	char *path;
	char *text, *old; /* contents as they should be, and as they are; NULL: no file */
	size_t n;
	mode_t mode;
	enum what what;
	__u64 last;			/* hash of the text that the last run generated; 0: none */
	bool edited;	/* edited by hand: the file does not have the text of the last run */
};

struct gen_files {
	struct made_file *list;
	size_t n;
	FILE *open;			/* stream of the file being written */
	char *text; /* text of `open`; it is not in the list, which may move */
	size_t text_n;
};

/* ---- the set ---- */

struct gen_files *gen_files_new(void)
{
	return xcalloc(1, sizeof(struct gen_files));
}

static void end_file(struct gen_files *f)
{
	struct made_file *last;

	if (!f->open)
		return;
	fclose(f->open);
	f->open = NULL;
	last = &f->list[f->n - 1];
	last->text = f->text;
	last->n = f->text_n;
}

void gen_files_free(struct gen_files *f)
{
	end_file(f);
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].path);
		free(f->list[i].text);
		free(f->list[i].old);
	}
	free(f->list);
	free(f);
}

static struct made_file *new_file(struct gen_files *f, char *path)
{
	struct made_file *file = append(f->list, f->n);

	file->path = path;
	return file;
}

FILE *gen_file(struct gen_files *f, mode_t mode, const char *format, ...)
{
	va_list args;

	end_file(f);
	va_start(args, format);
	new_file(f, xvasprintf(format, args))->mode = mode;
	va_end(args);
	f->open = text_open(&f->text, &f->text_n);
	return f->open;
}

void gen_files_remove(struct gen_files *f, const char *format, ...)
{
	va_list args;

	end_file(f);
	va_start(args, format);
	new_file(f, xvasprintf(format, args));
	va_end(args);
}

const char *gen_files_next(struct gen_files *f, const char *prefix, size_t *at)
{
	while (*at < f->n) {
		const char *path = f->list[(*at)++].path;

		if (!strncmp(path, prefix, strlen(prefix)))
			return path;
	}
	return NULL;
}

/* ---- comparing ---- */

/* Returns the rank of a file in the order of writing. The state that later runs need comes first,
 * and the list of written files last. */
static int rank(const char *path)
{
	return !strcmp(path, GEN_WRITTEN) ? 2 : strncmp(path, GEN_STATE, strlen(GEN_STATE)) ? 1 : 0;
}

static int by_path(const void *a, const void *b)
{
	const struct made_file *one = a, *other = b;

	return rank(one->path) - rank(other->path) ?: strcmp(one->path, other->path);
}

static int sort_by_path(struct gen_files *f)
{
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), by_path);
	for (size_t i = 0; i < f->n; i++) {
		bool twice = i && !strcmp(f->list[i - 1].path, f->list[i].path);

		if (!twice && tree_path_valid(f->list[i].path))
			continue;
		log_error("%s: %s", f->list[i].path, twice ?
			  "two hosts or interfaces have the same name: rename one of them" :
			  "this cannot be the name of a file: rename the host or interface");
		return -EINVAL;
	}
	return 0;
}

/* Returns the mode of the directory that contains the file: TREE_PRIVATE if the file has keys. The
 * host's root and its /etc are never private, because copying them to the host keeps their
 * modes. */
static mode_t parent_mode(const struct made_file *file)
{
	const char *below = strchr(file->path, '/');

	if (file->mode & 077 || !below)
		return 0755;
	if (!strncmp(file->path, GEN_STATE, strlen(GEN_STATE)))
		return TREE_PRIVATE;
	if (!strncmp(below, "/etc/", 5))
		below += 4;
	return strchr(below + 1, '/') ? TREE_PRIVATE : 0755;
}

int gen_files_read(int dir, const char *directory, const char *path, struct tree_file *ret)
{
	int rc = dir < 0 ? -ENOENT : tree_read(dir, path, ret);

	if (rc && rc != -ENOENT)
		log_error("%s/%s: %s", directory, path, rc == -ELOOP ?
			  "the file or one of its directories is a symbolic link: replace it with "
			  "a plain one" :
			  rc == -EISDIR ? "this path is not a plain file: remove it" :
			  strerror(-rc));
	return rc;
}

static int compare_all(struct gen_files *f, int dir, const char *directory)
{
	for (size_t i = 0; i < f->n; i++) {
		struct made_file *file = &f->list[i];
		struct tree_file is = { 0 };
		int rc = gen_files_read(dir, directory, file->path, &is);

		if (rc && rc != -ENOENT)
			return rc;
		file->old = is.text;
		if (!file->text)
			file->what = rc ? SAME : REMOVE;
		else if (rc)
			file->what = ADD;
		else if (is.n != file->n ||
			 memcmp(is.text, file->text, is.n) || is.mode != file->mode ||
			 (parent_mode(file) == TREE_PRIVATE && is.parent_mode & 077))
			file->what = CHANGE;
	}
	return 0;
}

/* Returns the hash of a text; never 0, which stands for no text. */
static __u64 text_hash(const char *text)
{
	return hash_bytes(HASH_START, text, strlen(text)) ?: 1;
}

/* Notes the hash of a file that an earlier run wrote. Appends the file if it is no longer
 * generated. */
static void add_removal(struct gen_files *f, size_t n_asked, int dir, const char *path, __u64 last)
{
	struct made_file *file, key = { .path = (char *)path };
	struct tree_file is;

	if (!rank(path))
		return;
	file = bsearch(&key, f->list, n_asked, sizeof(key), by_path);
	if (file)
		file->last = last;
	if (file || tree_read(dir, path, &is))
		return;		/* the file is now a link or a directory, so we did not write it */
	file = new_file(f, xstrdup(path));
	file->old = is.text;
	file->what = REMOVE;
	file->last = last;
}

/* Reads the list of files that an earlier run wrote, and appends the files that are no longer
 * generated. */
static int find_obsolete(struct gen_files *f, int dir, const char *directory)
{
	size_t n_asked = f->n;
	struct tree_file is = { 0 };
	int rc = gen_files_read(dir, directory, GEN_WRITTEN, &is);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	for (char *at = is.text, *line; (line = strsep(&at, "\n"));) {
		unsigned long long last;
		int n = 0;

		if (sscanf(line, "%llx %n", &last, &n) == 1 && n)
			add_removal(f, n_asked, dir, line + n, last);
	}
	free(is.text);
	return 0;
}

static void list_written(struct gen_files *f)
{
	size_t n = f->n;
	FILE *out = gen_file(f, 0600, GEN_WRITTEN);

	fputs("# The files that `wgxdp gen hosts` wrote here, each with its hash. It removes those "
	      "that the topology no longer needs.\n", out);
	for (size_t i = 0; i < n; i++)
		if (rank(f->list[i].path))
			fprintf(out, "%016llx %s\n", text_hash(f->list[i].text), f->list[i].path);
	end_file(f);
}

/* Decides what happens to files that were edited by hand. An edit is kept if the generated text is
 * that of the last run. If it is another text, GEN_WRITE prints the difference and an error, and
 * returns -EEXIST. */
static int mind_edits(struct gen_files *f, const char *directory, enum gen_how how)
{
	int rc = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct made_file *file = &f->list[i];
		bool same = file->old && file->text && !strcmp(file->old, file->text);

		file->edited = file->old && !same && rank(file->path) == 1 &&
			file->last != text_hash(file->old);
		if (!file->edited || how == GEN_REPLACE)
			continue;
		if (file->text && file->last == text_hash(file->text)) {
			file->what = KEEP;
		} else if (how == GEN_WRITE) {
			gen_diff(file->path, file->old, file->text);
			log_error("%s/%s: the file was edited by hand, and the topology changes it "
				  "too, so nothing was written: add --replace to overwrite it",
				  directory, file->path);
			rc = -EEXIST;
		}
	}
	return rc;
}

/* ---- writing ---- */

/* Writes all new files beside their places. On failure it removes them again. */
static int write_beside(struct gen_files *f, int dir, const char *directory)
{
	struct tree_made made = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < f->n; i++) {
		struct made_file *file = &f->list[i];

		if (file->what == ADD || file->what == CHANGE)
			rc = tree_put(dir, file->path, file->text, file->n, file->mode,
				      parent_mode(file), &made);
		if (rc)
			log_error("cannot write %s/%s: %s; nothing was changed", directory,
				  file->path, strerror(-rc));
	}
	while (rc && i--)
		tree_settle(dir, f->list[i].path, false);
	tree_end(dir, &made, !rc);
	return rc;
}

/* Renames all new files to their places, then prints their names. Printing comes last, because a
 * closed pipe, as with head(1), kills this process. */
static int rename_all(struct gen_files *f, int dir, const char *directory)
{
	static const char *const said[] = { [ADD] = "added", [CHANGE] = "changed",
					    [REMOVE] = "removed" };
	size_t n = 0;
	int rc = 0;

	syncfs(dir);		/* after a crash each file is complete, the old or the new one */
	for (; !rc && n < f->n; n++) {
		struct made_file *file = &f->list[n];

		if (file->what == SAME || file->what == KEEP)
			continue;
		rc = file->what == REMOVE ? tree_remove(dir, file->path) :
		     tree_settle(dir, file->path, true);
		if (rc)
			log_error("cannot write %s/%s: %s", directory, file->path, strerror(-rc));
	}
	for (size_t i = 0; i + !!rc < n; i++)
		if (f->list[i].what != SAME && f->list[i].what != KEEP)
			log_info("%s %s", said[f->list[i].what], f->list[i].path);
	return rc;
}

static int report(const struct gen_files *f, enum gen_how how)
{
	static const char *const said[] = { [ADD] = "add", [CHANGE] = "change",
					    [REMOVE] = "remove", [KEEP] = "keep" };
	int rc = 0;

	for (size_t i = 0; !rc && i < f->n; i++) {
		const struct made_file *file = &f->list[i];

		if (file->what == SAME)
			continue;
		if (how == GEN_CHECK)
			log_info("%s %s%s", said[file->what], file->path,
				 file->edited ? " (edited by hand)" : "");
		else if (file->what == KEEP)
			log_info("%s: the file was edited by hand, and is kept", file->path);
		else if (!file->old || !file->text || strcmp(file->old, file->text))
			rc = gen_diff(file->path, file->old, file->text);
		else
			log_info("%s: other users may read this file: run chmod %04o on it",
				 file->path, file->mode);
	}
	return rc;
}

int gen_files_bring(struct gen_files *f, int dir, const char *directory, enum gen_how how,
		    size_t *ret_differs)
{
	size_t differs = 0;
	int rc;

	end_file(f);
	rc = sort_by_path(f);
	if (rc)
		return rc;
	list_written(f);
	rc = compare_all(f, dir, directory) ?: find_obsolete(f, dir, directory) ?:
	     mind_edits(f, directory, how);
	if (rc)
		return rc;
	qsort(f->list, f->n, sizeof(*f->list), by_path);
	for (size_t i = 0; i < f->n; i++)
		differs += f->list[i].what != SAME && f->list[i].what != KEEP;
	if (!GEN_WRITES(how))
		rc = report(f, how);
	else if (differs)
		rc = write_beside(f, dir, directory) ?: rename_all(f, dir, directory);
	for (size_t i = 0; !rc && GEN_WRITES(how) && i < f->n; i++)
		if (f->list[i].what == KEEP)
			log_info("kept %s, which was edited by hand", f->list[i].path);
	if (!rc)
		*ret_differs = differs;
	return rc;
}
