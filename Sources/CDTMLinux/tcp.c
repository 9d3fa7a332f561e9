#define _GNU_SOURCE
#include "CDTMLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

int dtm_tcp_queue(int listener, uint32_t *waiting, uint32_t *backlog) {
    struct tcp_info information = {0};
    socklen_t length = sizeof information;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &information, &length) != 0) return -errno;
    if (length < offsetof(struct tcp_info, tcpi_lost) || information.tcpi_state != TCP_LISTEN) return -EINVAL;
    *waiting = information.tcpi_unacked;
    *backlog = information.tcpi_sacked;
    return 0;
}

int dtm_syn_filter(int listener) {
    enum { flagsOffset = 13, syn = 0x02, ack = 0x10 };
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flagsOffset),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn | ack),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    if (setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) return -errno;
    return 0;
}
