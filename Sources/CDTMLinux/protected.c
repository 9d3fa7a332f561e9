#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *fail(void *reserved, size_t whole, int code, int *error) {
    if (reserved != MAP_FAILED) munmap(reserved, whole);
    *error = code;
    return NULL;
}

static int fill_secret(void *base, size_t length) {
    int memory = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (memory < 0) return errno;
    int code = 0;
    if (ftruncate(memory, (off_t)length) != 0
        || mmap(base, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0) == MAP_FAILED)
        code = errno;
    close(memory);
    return code;
}

static int fill_locked(void *base, size_t length) {
    if (mprotect(base, length, PROT_READ | PROT_WRITE) != 0) return errno;
    if (mlock(base, length) != 0) return errno;
    if (madvise(base, length, MADV_DONTDUMP) != 0) return errno;
    // A child of fork gets zeros. Kernels before 4.14 do not know it; not inheriting the pages at all does as well.
    madvise(base, length, MADV_WIPEONFORK);
    return 0;
}

void *dtm_protected_map(size_t length, int kind, int *error) {
    size_t page = page_size();
    if (length == 0 || length % page != 0) return fail(MAP_FAILED, 0, EINVAL, error);
    size_t whole = length + 2 * page;
    char *reserved = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return fail(MAP_FAILED, 0, errno, error);
    void *base = reserved + page;
    int code = kind == DTM_MEMORY_SECRET ? fill_secret(base, length) : fill_locked(base, length);
    if (code == 0 && madvise(base, length, MADV_DONTFORK) != 0) code = errno;
    if (code != 0) return fail(reserved, whole, code, error);
    // The pages are there from now on: memory that runs out later must not end the program in the middle of a signature.
    memset(base, 0, length);
    *error = 0;
    return base;
}

void dtm_protected_unmap(void *base, size_t length) {
    size_t page = page_size();
    mprotect(base, length, PROT_READ | PROT_WRITE);
    explicit_bzero(base, length);
    munmap((char *)base - page, length + 2 * page);
}

int dtm_protected_read_only(void *base, size_t length) {
    return mprotect(base, length, PROT_READ) == 0 ? 0 : -errno;
}

int dtm_secret_descriptor(size_t length) {
    int memory = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (memory < 0) return -errno;
    if (ftruncate(memory, (off_t)length) == 0) return memory;
    int code = errno;
    close(memory);
    return -code;
}

// MARK: the end of the process

enum { registered_most = 256 };

static struct {
    _Atomic(uintptr_t) base;
    _Atomic(size_t) length;
} registered[registered_most];

int dtm_wipe_at_end(void *base, size_t length) {
    for (int index = 0; index < registered_most; index++) {
        uintptr_t none = 0;
        // The length comes first: whoever sees the address sees it too.
        if (atomic_load(&registered[index].base) != 0) continue;
        atomic_store(&registered[index].length, length);
        if (atomic_compare_exchange_strong(&registered[index].base, &none, (uintptr_t)base)) {
            atomic_store(&registered[index].length, length);
            return 0;
        }
    }
    return -ENOSPC;
}

void dtm_wipe_at_end_no_more(void *base) {
    for (int index = 0; index < registered_most; index++) {
        uintptr_t own = (uintptr_t)base;
        if (atomic_compare_exchange_strong(&registered[index].base, &own, 0)) return;
    }
}

static atomic_bool wiped;

int dtm_is_wiped(void) { return atomic_load(&wiped); }

void dtm_wipe_registered(void) {
    atomic_store(&wiped, true);
    for (int index = 0; index < registered_most; index++) {
        char *base = (char *)atomic_load(&registered[index].base);
        if (base == NULL) continue;
        size_t length = atomic_load(&registered[index].length);
        if (mprotect(base, length, PROT_READ | PROT_WRITE) == 0) explicit_bzero(base, length);
    }
}

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};

/// SA_RESETHAND has put the default back: the instruction that faulted faults again, or the signal is raised again.
static void end(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    dtm_wipe_registered();
    // Sent by somebody, or by abort(3) or a trap: it does not come again by itself.
    if (info == NULL || info->si_code <= 0 || signal_number == SIGABRT || signal_number == SIGTRAP || signal_number == SIGSYS)
        raise(signal_number);
}

int dtm_wipe_on_fatal_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = end;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK;
    for (size_t index = 0; index < sizeof fatal / sizeof fatal[0]; index++) {
        struct sigaction present;
        if (sigaction(fatal[index], NULL, &present) != 0) return -errno;
        // Somebody else's handler stays: a sanitizer's, or the backtracer's.
        if (present.sa_handler != SIG_DFL && present.sa_sigaction != end) continue;
        if (sigaction(fatal[index], &action, NULL) != 0) return -errno;
    }
    return atexit(dtm_wipe_registered) == 0 ? 0 : -ENOMEM;
}
