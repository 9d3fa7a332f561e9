#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int send_request(int diag, const void *request, size_t length) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    for (;;) {
        if (sendto(diag, request, length, MSG_NOSIGNAL, (struct sockaddr *)&kernel, sizeof kernel) >= 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

static struct nlmsghdr header(size_t length, uint16_t type, uint16_t flags, uint32_t sequence) {
    return (struct nlmsghdr){
        .nlmsg_len = (uint32_t)length, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = sequence};
}

static int request_unix(int diag, const struct dtm_socket_query *query) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = header(sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, query->sequence),
        .body = {.sdiag_family = AF_UNIX, .udiag_states = query->states, .udiag_show = query->details},
    };
    return send_request(diag, &request, sizeof request);
}

// The older request covers both versions of IP, so that the kernel walks its table of connections once and not twice.
static int request_any_tcp(int diag, const struct dtm_socket_query *query) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req body;
    } request = {
        .header = header(sizeof request, TCPDIAG_GETSOCK, NLM_F_DUMP, query->sequence),
        .body = {.idiag_ext = (uint8_t)query->details, .idiag_states = query->states},
    };
    return send_request(diag, &request, sizeof request);
}

static int request_inet(int diag, const struct dtm_socket_query *query) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = header(sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, query->sequence),
        .body = {
            .sdiag_family = query->family,
            .sdiag_protocol = query->protocol,
            .idiag_ext = (uint8_t)query->details,
            .idiag_states = query->states,
        },
    };
    return send_request(diag, &request, sizeof request);
}

int dtm_sock_diag_request_dump(int diag, const struct dtm_socket_query *query) {
    if (query->family == AF_UNIX) return request_unix(diag, query);
    if (query->family == AF_UNSPEC && query->protocol == IPPROTO_TCP) return request_any_tcp(diag, query);
    if (query->family == AF_INET || query->family == AF_INET6) return request_inet(diag, query);
    return -EINVAL;
}

int dtm_sock_diag_request_one(
    int diag, const struct dtm_tcp_address *local, const struct dtm_tcp_address *remote, uint32_t sequence) {
    if (local->version != remote->version || (local->version != 4 && local->version != 6)) return -EINVAL;
    size_t length = local->version == 4 ? 4 : 16;
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = header(sizeof request, SOCK_DIAG_BY_FAMILY, 0, sequence),
        .body = {
            .sdiag_family = local->version == 4 ? AF_INET : AF_INET6,
            .sdiag_protocol = IPPROTO_TCP,
            .idiag_states = UINT32_MAX,
            .id = {
                .idiag_sport = htons(local->port),
                .idiag_dport = htons(remote->port),
                .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
            },
        },
    };
    memcpy(request.body.id.idiag_src, local->bytes, length);
    memcpy(request.body.id.idiag_dst, remote->bytes, length);
    return send_request(diag, &request, sizeof request);
}

ssize_t dtm_sock_diag_receive(int diag, void *buffer, size_t capacity) {
    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t senderLength = sizeof sender;
        ssize_t length = recvfrom(diag, buffer, capacity, MSG_TRUNC, (struct sockaddr *)&sender, &senderLength);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return -errno;
        if (sender.nl_pid != 0) continue;
        return (size_t)length > capacity ? -EMSGSIZE : length;
    }
}

ssize_t dtm_directory_entries(int directory, void *buffer, size_t capacity) {
    ssize_t length = getdents64(directory, buffer, capacity);
    return length < 0 ? -errno : length;
}
