// What Swift can't import of ncurses: variadic functions, the macros of attributes and keys, and `stdscr`, which is a global
// variable. Everything here is for one thread. No state: a header's statics would exist once for each object file.
#ifndef DTM_CNCURSES_SHIM_H
#define DTM_CNCURSES_SHIM_H

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

// <wchar.h> declares it for X/Open sources alone.
extern int wcwidth(wchar_t character);

// In how many columns the C library, and so ncurses, shows a character; -1 when it does not.
static inline int dtm_curses_width(wchar_t character) { return wcwidth(character); }

enum { DTM_CURSES_BOLD = 1, DTM_CURSES_DIM = 2, DTM_CURSES_UNDERLINE = 4, DTM_CURSES_REVERSE = 8 };

enum dtm_curses_key {
    DTM_CURSES_NONE = 0,
    DTM_CURSES_CHARACTER,
    DTM_CURSES_UP, DTM_CURSES_DOWN, DTM_CURSES_LEFT, DTM_CURSES_RIGHT,
    DTM_CURSES_PAGE_UP, DTM_CURSES_PAGE_DOWN, DTM_CURSES_HOME, DTM_CURSES_END,
    DTM_CURSES_ENTER, DTM_CURSES_BACKSPACE, DTM_CURSES_DELETE, DTM_CURSES_BACK_TAB,
    DTM_CURSES_WHEEL_UP, DTM_CURSES_WHEEL_DOWN, DTM_CURSES_CLICK,
    DTM_CURSES_OTHER,
};

// Takes the terminal of standard input and output. 0, or -1 when its type is not known.
static inline int dtm_curses_begin(void) {
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (screen == NULL) return -1;
    set_term(screen);
    set_escdelay(25);
    raw();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    scrollok(stdscr, FALSE);
    curs_set(0);
    mouseinterval(0);
    mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    return 0;
}

static inline void dtm_curses_end(void) {
    if (stdscr != NULL && !isendwin()) endwin();
}

// After dtm_curses_end, or when something else has drawn: everything is drawn anew by the next refresh.
static inline void dtm_curses_redraw(void) { clearok(curscr, TRUE); }

static inline void dtm_curses_resize(int rows, int columns) { resizeterm(rows, columns); }

static inline int dtm_curses_colors(void) { return has_colors() ? COLORS : 0; }

static inline int dtm_curses_color_pairs(void) { return has_colors() ? COLOR_PAIRS : 0; }

// A colour of -1 is the terminal's own.
static inline void dtm_curses_set_pair(int pair, int foreground, int background) {
    init_pair((short)pair, (short)foreground, (short)background);
}

static inline void dtm_curses_erase(void) { erase(); }

// Text ends with 0.
static inline void dtm_curses_put(int row, int column, const wchar_t *text, unsigned flags, int pair) {
    attr_t attributes = A_NORMAL;
    if (flags & DTM_CURSES_BOLD) attributes |= A_BOLD;
    if (flags & DTM_CURSES_DIM) attributes |= A_DIM;
    if (flags & DTM_CURSES_UNDERLINE) attributes |= A_UNDERLINE;
    if (flags & DTM_CURSES_REVERSE) attributes |= A_REVERSE;
    cchar_t cell;
    if (setcchar(&cell, text, attributes, (short)pair, NULL) == OK) mvadd_wch(row, column, &cell);
}

static inline void dtm_curses_refresh(void) { refresh(); }

// The cursor is shown at a place, or hidden when that is negative.
static inline void dtm_curses_cursor(int row, int column) {
    if (row < 0) {
        curs_set(0);
    } else {
        curs_set(1);
        move(row, column);
    }
}

// The next key that was pressed, without waiting: the character, or the row of the mouse.
static inline enum dtm_curses_key dtm_curses_next(uint32_t *value) {
    wint_t character = 0;
    MEVENT mouse;
    *value = 0;
    int kind;
    // resizeterm(3) puts a key of its own before what was pressed.
    do kind = get_wch(&character);
    while (kind == KEY_CODE_YES && character == KEY_RESIZE);
    if (kind == OK) {
        *value = (uint32_t)character;
        return DTM_CURSES_CHARACTER;
    }
    if (kind != KEY_CODE_YES) return DTM_CURSES_NONE;
    switch (character) {
    case KEY_UP: return DTM_CURSES_UP;
    case KEY_DOWN: return DTM_CURSES_DOWN;
    case KEY_LEFT: return DTM_CURSES_LEFT;
    case KEY_RIGHT: return DTM_CURSES_RIGHT;
    case KEY_PPAGE: return DTM_CURSES_PAGE_UP;
    case KEY_NPAGE: return DTM_CURSES_PAGE_DOWN;
    case KEY_HOME: return DTM_CURSES_HOME;
    case KEY_END: return DTM_CURSES_END;
    case KEY_ENTER: return DTM_CURSES_ENTER;
    case KEY_BACKSPACE: return DTM_CURSES_BACKSPACE;
    case KEY_DC: return DTM_CURSES_DELETE;
    case KEY_BTAB: return DTM_CURSES_BACK_TAB;
    case KEY_MOUSE:
        if (getmouse(&mouse) != OK) return DTM_CURSES_OTHER;
        *value = (uint32_t)mouse.y;
        if (mouse.bstate & BUTTON4_PRESSED) return DTM_CURSES_WHEEL_UP;
        if (mouse.bstate & BUTTON5_PRESSED) return DTM_CURSES_WHEEL_DOWN;
        return DTM_CURSES_CLICK;
    default: return DTM_CURSES_OTHER;
    }
}

#endif
