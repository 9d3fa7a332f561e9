#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for a few more descriptors than the one that is expected: those that fit are seen and closed, those that
// do not are closed by the kernel, which then sets MSG_CTRUNC.
enum { descriptorRoom = 8 };

int dtm_send_descriptor(int socket, uint8_t type, int descriptor) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &type, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor != -1) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    for (;;) {
        if (sendmsg(socket, &message, MSG_NOSIGNAL) == 1) return 0;
        if (errno != EINTR) return -errno;
    }
}

// Takes the one descriptor that is allowed and closes every other; returns whether there was anything but that one.
static int take_descriptors(struct msghdr *message, int *received) {
    int surplus = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            surplus = 1;
            continue;
        }
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*received == -1) {
                *received = descriptor;
            } else {
                close(descriptor);
                surplus = 1;
            }
        }
    }
    return surplus;
}

ssize_t dtm_receive_descriptor(int socket, uint8_t *bytes, size_t capacity, int *received) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(descriptorRoom * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *received = -1;
    ssize_t length;
    do {
        length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    if (length < 0) return -errno;
    int surplus = take_descriptors(&message, received);
    int refusal = surplus || (message.msg_flags & MSG_CTRUNC) ? EPROTO : message.msg_flags & MSG_TRUNC ? EMSGSIZE : 0;
    if (!refusal) return length;
    if (*received != -1) close(*received);
    *received = -1;
    return -refusal;
}
