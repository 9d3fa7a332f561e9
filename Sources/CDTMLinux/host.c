#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

// Their numbers are the same on every architecture; the headers of Debian 11 lack the second.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

int dtm_landlock_abi(void) {
    // LANDLOCK_CREATE_RULESET_VERSION
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return version < 0 ? -errno : (int)version;
}

int dtm_try_secret_memory(void) {
    long memory = syscall(SYS_memfd_secret, O_CLOEXEC);
    if (memory < 0) return -errno;
    close((int)memory);
    return 0;
}

int dtm_clock_state(int64_t *maximum_error) {
    struct timex clock = {.modes = 0};
    if (adjtimex(&clock) < 0) return -errno;
    *maximum_error = clock.maxerror;
    return (clock.status & STA_UNSYNC) == 0;
}

static int end(void *unused) {
    (void)unused;
    return 0;
}

int dtm_try_user_namespace(void) {
    // The child shares this memory for an instant, as one of vfork's does, so that no copy of a secret comes to be; it has a stack
    // of its own, calls nothing, and no signal reaches a handler in it. It shares the descriptors as well: with copies of them it would
    // keep a listener alive that another thread closes meanwhile.
    _Alignas(16) char stack[16384];
    sigset_t all, before;
    sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure) return -failure;
    int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER | CLONE_NEWNET;
    pid_t child = clone(end, stack + sizeof stack, flags, NULL);
    int outcome = child < 0 ? -errno : 0;
    if (child > 0) {
        while (waitpid(child, NULL, __WCLONE) < 0 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return outcome;
}
