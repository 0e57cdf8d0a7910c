// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <unistd.h>

#include "top-screen.h"

/* Lines that are no rows: summary, an empty one, titles; the keys at the end. */
#define HEAD_LINES 3
#define FOOT_LINES 1

static SCREEN *screen;
static size_t first; /* row in the first line */

int top_screen_open(struct error *err)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return error_set(err, TL_CONSOLE, ENOTTY,
				 "top: this is no terminal; -b prints to "
				 "anything");
	setlocale(LC_CTYPE, "");
	screen = newterm(term, stdout, stdin);
	if (!screen)
		return error_set(err, TL_CONSOLE, ENODEV,
				 "top: no description of terminal '%.40s' "
				 "here: install ncurses-base, or use -b",
				 term ? term : "");
	set_term(screen);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	first = 0;
	return 0;
}

void top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

static void put_line(int y, attr_t attr, const char *text)
{
	if (y >= LINES)
		return;
	attrset((int)attr);
	mvaddnstr(y, 0, text, COLS);
	clrtoeol();
	if (attr & A_REVERSE)
		mvchgat(y, 0, -1, A_REVERSE, 0, NULL);
	attrset(A_NORMAL);
}

void top_screen_draw(const char *summary, const struct top_table *table,
		     const struct top_options *options, const char *note)
{
	const size_t room = LINES > HEAD_LINES + FOOT_LINES
				    ? (size_t)(LINES - HEAD_LINES - FOOT_LINES)
				    : 0;
	char text[512];
	size_t i;

	if (first + room > table->nr)
		first = table->nr > room ? table->nr - room : 0;
	erase();
	put_line(0, A_NORMAL, summary);
	top_head_format(options, text, sizeof(text));
	put_line(2, A_REVERSE, text);
	for (i = 0; i < room && first + i < table->nr; i++) {
		const struct top_row *row = &table->row[first + i];

		top_row_format(row, options->trace, text, sizeof(text));
		put_line(HEAD_LINES + (int)i, row->vcpu < 0 ? A_BOLD : A_NORMAL,
			 text);
	}
	put_line(LINES - 1, A_DIM, note);
	refresh();
}

/* TOP_NONE for a key that means nothing. */
static enum top_key meaning_of(int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 3: /* Ctrl-C, where the terminal makes no signal of it */
		return TOP_QUIT;
	case 'v':
		return TOP_VCPUS;
	case '<':
	case KEY_LEFT:
		return TOP_LEFT;
	case '>':
	case KEY_RIGHT:
		return TOP_RIGHT;
	case 'n':
		return TOP_BY_NAME;
	case 'c':
	case 'P':
		return TOP_BY_CPU;
	case 'e':
		return TOP_BY_EXITS;
	case 't':
		return TOP_TRACE;
	case ' ':
		return TOP_REFRESH;
	case KEY_DOWN:
	case 'j':
		first++;
		return TOP_REDRAW;
	case KEY_UP:
	case 'k':
		first -= first > 0;
		return TOP_REDRAW;
	case KEY_NPAGE:
		first += (size_t)LINES / 2;
		return TOP_REDRAW;
	case KEY_PPAGE:
		first -= first > (size_t)LINES / 2 ? (size_t)LINES / 2 : first;
		return TOP_REDRAW;
	case KEY_RESIZE:
	case 12: /* Ctrl-L */
		clear();
		return TOP_REDRAW;
	}
	return TOP_NONE;
}

enum top_key top_screen_key(int ms)
{
	timeout(ms);
	return meaning_of(getch());
}
