/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Draws the screen: a title, a list that scrolls, a line of keys. Each key and each reading draws
 * all of it, so that the terminal may change its size at any time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "show/top.h"

#ifdef WITH_NCURSES
#define NCURSES_NOMACROS
#include <ncurses.h>
#include "lib/library.h"
#include "lib/log.h"

#define FUNCTIONS(X) X(newterm) X(set_term) X(cbreak) X(noecho) X(keypad) X(curs_set) X(endwin) \
	X(move) X(clrtoeol) X(attron) X(attroff) X(addnstr) X(mvprintw) X(printw) X(erase) \
	X(refresh) X(timeout) X(getch) X(stdscr) X(LINES) X(COLS)

static struct library_functions {	/* the last three are variables of ncurses */
	FUNCTIONS(LIBRARY_POINTER)
} nc;

#define NUMBER 10		/* columns for a number and the blank before it */
#define NAME_MIN 12

static int offset;			/* rows above the screen, by scrolling */
static bool editing;			/* true: keys go to the filter */

int top_screen_begin(void)
{
	static const struct library_function list[] = { FUNCTIONS(LIBRARY_FUNCTION) };
	char why[LIBRARY_WHY_LEN];
	SCREEN *screen;

	if (LIBRARY_OPEN(&library_ncurses, list, &nc, why)) {
		log_warning("top: cannot open the screen, so tables are printed: %s", why);
		return -EOPNOTSUPP;
	}
	screen = nc.newterm(NULL, stdout, stdin);
	if (!screen)
		return -EOPNOTSUPP;
	nc.set_term(screen);
	nc.cbreak();
	nc.noecho();
	nc.keypad(*nc.stdscr, TRUE);
	nc.curs_set(0);
	return 0;
}

void top_screen_end(void)
{
	nc.endwin();
}

/* Draws a line: a name and as many of the n numbers as the screen has room for. */
static void draw_row(int y, const char *name, const char (*number)[16], int n, bool head)
{
	int room = *nc.COLS - NAME_MIN, shown = room / NUMBER < n ? room / NUMBER : n,
	    width = *nc.COLS - shown * NUMBER - 1;

	if (width > 44)
		width = 44;
	nc.move(y, 0);
	nc.clrtoeol();
	if (head)
		nc.attron(A_BOLD);
	nc.addnstr(name, width);
	for (int i = 0; i < shown; i++)
		nc.mvprintw(y, width + i * NUMBER, "%*s", NUMBER, number[i]);
	nc.attroff(A_BOLD);
}

static void draw_head(int y, enum top_kind kind, enum top_unit unit)
{
	bool both = kind == TOP_SERVICE || kind == TOP_PEER;
	char number[4][16] = { "", "", "", "" };

	if (kind != TOP_REASON)
		strcpy(number[0], top_unit_names[unit]);
	if (both)
		strcpy(number[1], "back");
	if (kind != TOP_PAIR) {
		strcpy(number[2], "dropped");
		strcpy(number[3], "passed");
	}
	draw_row(y, top_kind_names[kind], number, 4, true);
}

static void draw_one(int y, const struct top_row *r, enum top_unit unit)
{
	bool both = r->kind == TOP_SERVICE || r->kind == TOP_PEER;
	char number[4][16] = { "", "", "", "" }, name[sizeof(r->name) + 2];

	if (r->kind != TOP_REASON)
		top_format(number[0], top_in_unit(&r->rate, unit, false));
	if (both)
		top_format(number[1], top_in_unit(&r->rate, unit, true));
	if (r->kind != TOP_PAIR) {
		top_format(number[2], r->rate.dropped);
		top_format(number[3], r->rate.passed);
	}
	snprintf(name, sizeof(name), "  %s", r->name);
	draw_row(y, name, number, 4, false);
}

static void draw_screen(const struct top *t, const char *instance, const struct top_view *v)
{
	int y = 1, line = 0, kind = -1;

	nc.erase();
	nc.move(0, 0);
	nc.attron(A_REVERSE);
	nc.printw("wgxdp %s", instance);
	nc.attroff(A_REVERSE);
	if (*nc.COLS > 60)
		nc.printw("  by %s, each %.1f s%s%s", top_sort_names[v->sort], v->interval,
			  *v->filter ? ", only " : "", v->filter);
	for (size_t i = 0; i < t->n && y < *nc.LINES - 1; i++) {
		if ((int)t->rows[i].kind != kind) {
			kind = t->rows[i].kind;
			if (line++ >= offset)
				draw_head(y++, kind, v->unit);
		}
		if (y < *nc.LINES - 1 && line++ >= offset)
			draw_one(y++, &t->rows[i], v->unit);
	}
	nc.move(*nc.LINES - 1, 0);
	nc.attron(A_BOLD);
	if (editing)
		nc.printw("filter: %s_", v->filter);
	else
		nc.addnstr(*nc.COLS > 60 ? "q quit  s sort  u units  / filter  + - interval  "
			   "arrows scroll" : "q s u / + - arrows", *nc.COLS - 1);
	nc.attroff(A_BOLD);
	nc.refresh();
}

/* Handles a key while the user edits the filter: adds it, deletes a character, or ends editing. */
static void edit_filter(struct top_view *v, int key)
{
	size_t n = strlen(v->filter);

	if (key == '\n' || key == KEY_ENTER || key == 27)
		editing = false;
	if (key == 27)
		*v->filter = '\0';
	else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && n)
		v->filter[n - 1] = '\0';
	else if (key >= ' ' && key < 127 && n + 1 < sizeof(v->filter))
		v->filter[n] = key, v->filter[n + 1] = '\0';
}

static bool handle_key(struct top_view *v, int key, int rows)
{
	switch (key) {
	case 'q':
		return false;
	case 's':
		v->sort = top_sort_names[v->sort + 1] ? v->sort + 1 : TOP_BY_RATE;
		break;
	case 'u':
		v->unit = top_unit_names[v->unit + 1] ? v->unit + 1 : TOP_BITS;
		break;
	case '/':
		editing = true;
		*v->filter = '\0';
		break;
	case '+':
		v->interval = v->interval * 2 < 3600 ? v->interval * 2 : 3600;
		break;
	case '-':
		v->interval = v->interval / 2 > 0.1 ? v->interval / 2 : 0.1;
		break;
	case KEY_DOWN:
	case KEY_NPAGE:
		offset += key == KEY_DOWN ? 1 : *nc.LINES - 2;
		offset = offset < rows ? offset : rows - 1;
		break;
	case KEY_UP:
	case KEY_PPAGE:
		offset -= key == KEY_UP ? 1 : *nc.LINES - 2;
		offset = offset > 0 ? offset : 0;
	}
	return true;
}

bool top_screen_show(const struct top *t, const char *instance, struct top_view *v,
		     bool (*ended)(void))
{
	double began = top_now(), left;

	while ((left = began + v->interval - top_now()) > 0 && !ended()) {
		struct top shown = { .rows = malloc((t->n + 1) * sizeof(*t->rows)), .n = t->n };
		bool go;
		int key;

		if (!shown.rows)
			return false;
		if (t->n)
			memcpy(shown.rows, t->rows, t->n * sizeof(*t->rows));
		top_sort(&shown, v->sort, v->unit, v->filter);
		draw_screen(&shown, instance, v);
		nc.timeout(left * 1000 + 1);
		key = nc.getch();
		go = true;
		if (key != ERR && editing)
			edit_filter(v, key);
		else if (key != ERR)
			go = handle_key(v, key, shown.n + 4);
		top_free(&shown);
		if (!go)
			return false;
	}
	return !ended();
}
#else
int top_screen_begin(void)
{
	return -EOPNOTSUPP;
}

void top_screen_end(void)
{
}

bool top_screen_show(const struct top *t, const char *instance, struct top_view *v,
		     bool (*ended)(void))
{
	return false;
}
#endif
