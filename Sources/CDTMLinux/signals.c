#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int dtm_signal_descriptor(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -errno;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int dtm_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t length;
    do length = read(descriptor, &info, sizeof info);
    while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    return length == sizeof info ? (int)info.ssi_signo : -EIO;
}

int dtm_close_on_exec_from(int first) {
    return syscall(SYS_close_range, (unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}
