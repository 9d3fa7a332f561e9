#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

int dtm_sock_diag_open(void) {
    int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (diag < 0) return -errno;
    // The kernel answers within the call that asks; the limit is there so that nothing can ever wait for good.
    struct timeval limit = {.tv_sec = 1};
    if (setsockopt(diag, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0) return diag;
    int failure = -errno;
    close(diag);
    return failure;
}

static size_t address_length(uint8_t version) { return version == 4 ? 4 : version == 6 ? 16 : 0; }

static void describe(struct request *request, const struct dtm_tcp_address *local, uint16_t flags) {
    memset(request, 0, sizeof *request);
    request->header.nlmsg_len = sizeof *request;
    request->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request->header.nlmsg_flags = NLM_F_REQUEST | flags;
    request->body.sdiag_family = local->version == 4 ? AF_INET : AF_INET6;
    request->body.sdiag_protocol = IPPROTO_TCP;
    request->body.idiag_states = UINT32_MAX;
    request->body.id.idiag_sport = htons(local->port);
    memcpy(request->body.id.idiag_src, local->bytes, address_length(local->version));
    request->body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request->body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

static int ask(int diag, const struct request *request) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    for (;;) {
        if (sendto(diag, request, sizeof *request, MSG_NOSIGNAL, (struct sockaddr *)&kernel, sizeof kernel) >= 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

static int failure_in(const struct nlmsghdr *header) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return -EPROTO;
    int error = ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
    return error < 0 ? error : -EPROTO;
}

// The kernel falls back to a listener when no connection matches, and reports sockets that no process holds as
// those of root, with the inode 0: neither is an owner.
static int owner_in(
    const struct inet_diag_msg *found, const struct request *asked, uint32_t *uid, uint32_t *inode) {
    if (found->idiag_state == TCP_LISTEN || found->id.idiag_sport != asked->body.id.idiag_sport
        || found->id.idiag_dport != asked->body.id.idiag_dport)
        return -ENOENT;
    if (found->idiag_state == TCP_TIME_WAIT || found->idiag_state == TCP_SYN_RECV || found->idiag_inode == 0)
        return -ENOTCONN;
    *uid = found->idiag_uid;
    *inode = found->idiag_inode;
    return 0;
}

int dtm_lookup_loopback_owner(
    int diag, const struct dtm_tcp_address *local, const struct dtm_tcp_address *remote, uint32_t *uid, uint32_t *inode) {
    size_t length = address_length(local->version);
    if (length == 0 || local->version != remote->version) return -EINVAL;
    struct request request;
    describe(&request, local, 0);
    request.body.id.idiag_dport = htons(remote->port);
    memcpy(request.body.id.idiag_dst, remote->bytes, length);
    request.header.nlmsg_seq = (uint32_t)local->port << 16 | remote->port;
    int failure = ask(diag, &request);
    if (failure) return failure;
    union {
        struct nlmsghdr header;
        char bytes[8192];
    } reply;
    for (;;) {
        ssize_t received = dtm_sock_diag_receive(diag, &reply, sizeof reply);
        if (received < 0) return (int)received;
        if (!NLMSG_OK(&reply.header, received)) return -EPROTO;
        if (reply.header.nlmsg_seq != request.header.nlmsg_seq) continue;
        if (reply.header.nlmsg_type == NLMSG_ERROR) return failure_in(&reply.header);
        if (reply.header.nlmsg_type != SOCK_DIAG_BY_FAMILY
            || reply.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            return -EPROTO;
        return owner_in(NLMSG_DATA(&reply.header), &request, uid, inode);
    }
}

// Adds the handshakes with `local` in one datagram to `*count`; 1 when the dump is complete.
static int count_in(
    const struct nlmsghdr *header, ssize_t length, const struct dtm_tcp_address *local, uint32_t *count) {
    for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
        if (header->nlmsg_type == NLMSG_DONE) return 1;
        if (header->nlmsg_type == NLMSG_ERROR) return failure_in(header);
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return -EPROTO;
        const struct inet_diag_msg *found = NLMSG_DATA(header);
        if (found->id.idiag_sport == htons(local->port)
            && memcmp(found->id.idiag_src, local->bytes, address_length(local->version)) == 0)
            *count += 1;
    }
    return 0;
}

int dtm_count_handshakes(int diag, const struct dtm_tcp_address *local, uint32_t *count) {
    if (address_length(local->version) == 0) return -EINVAL;
    struct request request;
    describe(&request, local, NLM_F_DUMP);
    request.body.idiag_states = 1u << TCP_SYN_RECV;
    request.header.nlmsg_seq = (uint32_t)local->port << 16;
    int outcome = ask(diag, &request);
    if (outcome) return outcome;
    *count = 0;
    union {
        struct nlmsghdr header;
        char bytes[32768];
    } reply;
    do {
        ssize_t received = dtm_sock_diag_receive(diag, &reply, sizeof reply);
        if (received < 0) return (int)received;
        if (reply.header.nlmsg_seq != request.header.nlmsg_seq) continue;
        outcome = count_in(&reply.header, received, local, count);
    } while (outcome == 0);
    return outcome < 0 ? outcome : 0;
}
