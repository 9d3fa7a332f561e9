#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(int socket) {
    int failure = -errno;
    close(socket);
    return failure;
}

int dtm_process_events_open(uint32_t token, int buffer) {
    int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
    if (events < 0) return -errno;
    // Without CAP_NET_ADMIN the buffer is as large as net.core.rmem_max allows.
    if (setsockopt(events, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(events, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
    if (bind(events, (struct sockaddr *)&group, sizeof group) != 0) return failed(events);
    // By hand: struct cn_msg ends with an array of no fixed length.
    enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
    struct cn_msg message = {
        .id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC}, .seq = token, .ack = token, .len = sizeof operation};
    unsigned char request[NLMSG_SPACE(sizeof message + sizeof operation)] = {0};
    struct nlmsghdr header = {.nlmsg_len = NLMSG_LENGTH(sizeof message + sizeof operation), .nlmsg_type = NLMSG_DONE};
    memcpy(request, &header, sizeof header);
    memcpy(request + NLMSG_HDRLEN, &message, sizeof message);
    memcpy(request + NLMSG_HDRLEN + sizeof message, &operation, sizeof operation);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    while (sendto(events, request, header.nlmsg_len, MSG_NOSIGNAL, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        if (errno != EINTR) return failed(events);
    return events;
}
