/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_saver.h. Only one process at a time writes the file.
 */
#include "daemon/blind_saver.h"
#include "lib/timer.h"

static int save(void *data)
{
	const struct saver *s = data;

	child_yields();
	return sites_save(s->sites);
}

static void on_saved(void *data, bool done)
{
	struct saver *s = data;

	s->child = NULL;
	s->ended = clock_ms();
}

/* Children use at most a twentieth of the time. */
void saver_begin(struct saver *s)
{
	s->due = s->child || clock_ms() - s->ended < 19 * (s->ended - s->began);
	if (s->due)
		return;
	s->began = clock_ms();
	s->child = child_run(s->loop, save, on_saved, s);
}

void saver_tick(struct saver *s)
{
	if (s->due)
		saver_begin(s);
}

int saver_now(struct saver *s)
{
	if (s->child)
		child_stop(s->child);
	s->due = false;
	return sites_save(s->sites);
}
