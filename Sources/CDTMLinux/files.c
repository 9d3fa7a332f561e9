#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int dtm_file_facts(const char *path, int follow_links, struct dtm_file_facts *facts) {
    struct stat status;
    if ((follow_links ? stat(path, &status) : lstat(path, &status)) != 0) return -errno;
    facts->mode = status.st_mode;
    facts->owner = status.st_uid;
    facts->device = status.st_dev;
    facts->inode = status.st_ino;
    return 0;
}

int dtm_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : -errno;
}
