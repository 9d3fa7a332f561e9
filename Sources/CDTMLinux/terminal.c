#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// One terminal for a process, so one of each. Written before the handlers are set, only read by them.
static struct termios guard_settings;
static char guard_text[256];
static size_t guard_length;
static volatile sig_atomic_t guard_is_armed;

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

static void restore(void) {
    if (!guard_is_armed) return;
    guard_is_armed = 0;
    ssize_t written = write(STDOUT_FILENO, guard_text, guard_length);
    (void)written;
    tcsetattr(STDIN_FILENO, TCSANOW, &guard_settings);
}

// SA_RESETHAND: raised again, the signal does what it does by default.
static void restore_and_fail(int number) {
    restore();
    raise(number);
}

int dtm_terminal_guard(const char *text) {
    if (tcgetattr(STDIN_FILENO, &guard_settings) != 0) return -errno;
    guard_length = strnlen(text, sizeof guard_text);
    memcpy(guard_text, text, guard_length);
    guard_is_armed = 1;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = restore_and_fail;
    action.sa_flags = (int)SA_RESETHAND;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigaction(faults[i], &action, NULL);
    return 0;
}

void dtm_terminal_restore(void) { restore(); }

void dtm_terminal_rearm(void) { guard_is_armed = 1; }
