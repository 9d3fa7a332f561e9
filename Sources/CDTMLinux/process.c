#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int outcome(long result) { return result < 0 ? -errno : (int)result; }

int dtm_prctl_dumpable_off(void) { return outcome(prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L)); }

int dtm_prctl_no_new_privs(void) { return outcome(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L)); }

int dtm_prctl_is_dumpable(void) { return outcome(prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L)); }

int dtm_prctl_has_no_new_privs(void) { return outcome(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L)); }

int dtm_prctl_set_name(const char *name) { return outcome(prctl(PR_SET_NAME, name, 0L, 0L, 0L)); }

int dtm_prctl_parent_death_signal(int signal) {
    return outcome(prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0L, 0L, 0L));
}

int dtm_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
    // A socket without a peer answers with pid 0 and the ids -1, which would read as an ordinary id.
    if (length != sizeof credentials || credentials.uid == (uid_t)-1) return -ENOTCONN;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

int dtm_pidfd_open(pid_t pid) { return outcome(syscall(SYS_pidfd_open, pid, 0)); }

int dtm_usable_processors(void) {
    cpu_set_t set;
    // More than 1,024 processors do not fit and are -EINVAL: the caller then counts them all.
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -errno;
    return CPU_COUNT(&set);
}

int dtm_eventfd(void) { return outcome(eventfd(0, EFD_CLOEXEC)); }

int dtm_lock_when_touched(void *start, size_t length) { return outcome(mlock2(start, length, MLOCK_ONFAULT)); }

int dtm_spawn_takes_terminal(void *actions, int terminal) {
    return -posix_spawn_file_actions_addtcsetpgrp_np(actions, terminal);
}

int dtm_spawn_closes_from(void *actions, int from) { return -posix_spawn_file_actions_addclosefrom_np(actions, from); }

int dtm_spawn_starts_in(void *actions, const char *folder) {
    return -posix_spawn_file_actions_addchdir_np(actions, folder);
}

int dtm_spawn_stands_alone(void *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawnattr_setsigmask(attributes, &none);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(attributes, &all);
    if (failure == 0)
        failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return -failure;
}

int dtm_memory_file(const char *name) { return outcome(memfd_create(name, MFD_CLOEXEC)); }

int dtm_pipe(int *ends) { return outcome(pipe2(ends, O_CLOEXEC)); }
