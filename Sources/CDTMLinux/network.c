#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    size_t length = strlen(text);
    ssize_t written = write(file, text, length);
    int outcome = written < 0 ? -errno : (size_t)written == length ? 0 : -EIO;
    close(file);
    return outcome;
}

/// The same numbers inside as outside; a process may map its own alone, and no groups (user_namespaces(7)).
static int map_own_ids(uid_t uid, gid_t gid) {
    char text[64];
    int outcome = write_file("/proc/self/setgroups", "deny");
    if (outcome != 0 && outcome != -ENOENT) return outcome;
    snprintf(text, sizeof text, "%u %u 1", uid, uid);
    outcome = write_file("/proc/self/uid_map", text);
    if (outcome != 0) return outcome;
    snprintf(text, sizeof text, "%u %u 1", gid, gid);
    return write_file("/proc/self/gid_map", text);
}

static int raise_loopback(void) {
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sock < 0) return -errno;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int outcome = ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    close(sock);
    return outcome;
}

int dtm_enter_own_network(int *mapped) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    *mapped = 0;
    if (unshare(CLONE_NEWNET) != 0) {
        if (errno != EPERM) return -errno;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return -errno;
        *mapped = 1;
        int outcome = map_own_ids(uid, gid);
        if (outcome != 0) return outcome;
    }
    return raise_loopback();
}

int dtm_become(uid_t uid, gid_t gid) {
    if (setgroups(0, NULL) != 0) return -errno;
    if (setresgid(gid, gid, gid) != 0) return -errno;
    if (setresuid(uid, uid, uid) != 0) return -errno;
    return 0;
}

