#ifndef CDTMLINUX_H
#define CDTMLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Shims for what Swift can't import: macros, variadic calls, raw netlink, structures with flexible members.
//
// Every function returns a value of 0 or more on success and a negated errno on failure; errno itself says nothing
// afterwards. No function keeps state, allocates, or takes ownership of a descriptor that it is given; wipe_allocator.c alone
// has two flags for each thread.

// MARK: descriptors.c

/// Sends one message of one byte, and with it a descriptor unless `descriptor` is -1, over a SOCK_SEQPACKET socket.
///
/// Why C: the CMSG_* macros do not import. Gone when swift-system has SCM_RIGHTS.
int dtm_send_descriptor(int socket, uint8_t type, int descriptor);

/// Receives one message and at most one descriptor, which then has CLOEXEC and belongs to the caller; `*received` is -1
/// when none came. Returns the message's length, 0 at the peer's end.
///
/// -EMSGSIZE: the message is longer than `capacity`. -EPROTO: more than one descriptor, or something else in the control data.
/// All that was received is closed in both cases.
///
/// Why C: as `dtm_send_descriptor`.
ssize_t dtm_receive_descriptor(int socket, uint8_t *bytes, size_t capacity, int *received);

// MARK: process.c

/// No core files, no ptrace by the same user, /proc/PID owned by root: prctl(2), PR_SET_DUMPABLE 0.
///
/// Why C: prctl is variadic, and variadic functions do not import. The same holds for the next five.
int dtm_prctl_dumpable_off(void);

/// Never more privileges by execve: prctl(2), PR_SET_NO_NEW_PRIVS.
int dtm_prctl_no_new_privs(void);

/// What the two above set: 0 or 1, or a negative errno; 2 for a dump that root alone may read (fs.suid_dumpable).
int dtm_prctl_is_dumpable(void);
int dtm_prctl_has_no_new_privs(void);

/// Names the calling thread, as ps and top show it; the kernel keeps 15 bytes.
int dtm_prctl_set_name(const char *name);

/// The signal that this process gets when the *thread* that started it ends; 0 for none.
int dtm_prctl_parent_death_signal(int signal);

/// Who is at the other end of a Unix stream socket, as the kernel saw it at connect: SO_PEERCRED, unix(7).
///
/// Why C: struct ucred needs _GNU_SOURCE.
int dtm_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);

/// A descriptor that stands for a process and not for its number: pidfd_open(2). It has CLOEXEC.
///
/// Why C: no wrapper in the C library before glibc 2.36. Gone when that is the oldest one supported.
int dtm_pidfd_open(pid_t pid);

/// Lets a process that is started take the foreground of a terminal before it runs: posix_spawn_file_actions_addtcsetpgrp_np.
/// `actions` is a posix_spawn_file_actions_t.
///
/// Why C: glibc declares it for GNU sources alone, which Swift's module of it is not.
int dtm_spawn_takes_terminal(void *actions, int terminal);

/// Lets a process that is started close every descriptor from `from` on, after all that `actions` asked for before:
/// posix_spawn_file_actions_addclosefrom_np. `actions` is a posix_spawn_file_actions_t. A function of glibc that does not import.
///
/// Returns 0 or -errno.
int dtm_spawn_closes_from(void *actions, int from);

/// Lets a process that is started begin in a folder: posix_spawn_file_actions_addchdir_np. As above.
///
/// Returns 0 or -errno.
int dtm_spawn_starts_in(void *actions, const char *folder);

/// Lets a process that is started have a session and a process group of its own, no signal blocked and none ignored.
/// `attributes` is a posix_spawnattr_t; POSIX_SPAWN_SETSID does not import.
///
/// Returns 0 or -errno.
int dtm_spawn_stands_alone(void *attributes);

/// A pipe whose ends are closed on exec: pipe2, which does not import. `ends` has room for two. Returns 0 or -errno.
int dtm_pipe(int *ends);

/// A file in memory, closed on exec: memfd_create, which does not import. Returns the descriptor or -errno.
int dtm_memory_file(const char *name);

/// How many processors this thread may run on: sched_getaffinity(2), which taskset and cgroups' cpusets set.
///
/// Why C: the CPU_* macros do not import.
int dtm_usable_processors(void);

/// A counter that wakes whoever reads it, with CLOEXEC and blocking: eventfd(2).
///
/// Why C: sys/eventfd.h is not part of Swift's Glibc module. Gone when it is.
int dtm_eventfd(void);

/// Keeps memory from being swapped out, from the first touch of each of its pages on: mlock2(2) with MLOCK_ONFAULT.
///
/// Why C: the C library's module for Swift leaves mlock2 out.
int dtm_lock_when_touched(void *start, size_t length);

// MARK: tcp.c

/// How many connections wait in the accept queue of a listener, and how long that queue may get: TCP_INFO's tcpi_unacked
/// and tcpi_sacked, which mean this for a socket in the state LISTEN. -EINVAL for any other socket.
///
/// Why C: struct tcp_info has bit fields, which do not import.
int dtm_tcp_queue(int listener, uint32_t *waiting, uint32_t *backlog);

/// Makes a listener ignore new connections, silently: segments with SYN and without ACK are dropped. The last ACK of a
/// handshake that has begun, and everything on a connection that waits to be accepted, pass.
///
/// The filter sees a segment from its TCP header on. Accepted sockets inherit it and lose nothing by it. SO_ATTACH_FILTER, socket(7).
///
/// Why C: the BPF_* macros do not import.
int dtm_syn_filter(int listener);

// MARK: sockdiag.c

/// An IP address and a TCP port.
struct dtm_tcp_address {
    /// In network order; the first 4 bytes for IPv4, the rest is not looked at.
    uint8_t bytes[16];
    /// In host order.
    uint16_t port;
    /// 4 or 6.
    uint8_t version;
};

/// A socket for look-ups, with CLOEXEC: NETLINK_SOCK_DIAG, sock_diag(7). One thread at a time may use it.
///
/// Why C: netlink's macros and flexible structures do not import. The same holds for the next two.
int dtm_sock_diag_open(void);

/// Who owns the socket of this host that is bound to `local` and connected to `remote`: the user who made it, and its inode.
///
/// To learn who connects to a socket of ours, pass the peer's address as `local` and our own as `remote`.
///
/// -ENOENT: no such connection. -ENOTCONN: there is one and no process holds it any more (TIME_WAIT, a closed socket that
/// still sends), or not yet; the kernel would report it as root's, so it is never reported as anybody's.
/// -EINVAL: an address of no version, or of two different ones.
int dtm_lookup_loopback_owner(
    int diag, const struct dtm_tcp_address *local, const struct dtm_tcp_address *remote, uint32_t *uid, uint32_t *inode);

/// How many handshakes with a listener at `local` have begun and are not complete (SYN_RECV). Walks the kernel's whole table of
/// connections: not for every second.
int dtm_count_handshakes(int diag, const struct dtm_tcp_address *local, uint32_t *count);

// MARK: processevents.c

/// A socket on which the kernel tells of processes that begin, end, execute a program or change their user, with CLOEXEC and not
/// blocking: NETLINK_CONNECTOR with CN_IDX_PROC, Documentation/driver-api/connector.rst. `dtm_sock_diag_receive` reads it.
///
/// The kernel answers the request with an event whose `ack` is `token` + 1 and that holds an error number, 0 for consent. In another
/// user or PID namespace than the first it does not answer at all; in another network namespace this call fails (-ECONNREFUSED).
///
/// Why C: as `dtm_sock_diag_open`.
///
/// - buffer: how many bytes of events may wait.
int dtm_process_events_open(uint32_t token, int buffer);

// MARK: sockdump.c

/// Which sockets to list.
struct dtm_socket_query {
    /// AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC for TCP of both versions of IP.
    uint8_t family;
    /// IPPROTO_TCP or IPPROTO_UDP; not looked at for AF_UNIX.
    uint8_t protocol;
    /// A set of states, bit n for the state n of `include/net/tcp_states.h`.
    uint32_t states;
    /// What to tell of each: bit n-1 for the attribute n of linux/inet_diag.h; UDIAG_SHOW_* of linux/unix_diag.h.
    uint32_t details;
    /// Comes back in every message of the answer.
    uint32_t sequence;
};

/// Asks for all sockets of a kind; the answer is fetched with `dtm_sock_diag_receive`. -EINVAL: no such family.
///
/// Why C: as `dtm_sock_diag_open`. The same holds for the next two.
int dtm_sock_diag_request_dump(int diag, const struct dtm_socket_query *query);

/// Asks for the one TCP socket that is bound to `local` and connected to `remote`. The kernel falls back to a listener when
/// there is none: the answer must be compared with what was asked. -EINVAL: addresses of no version, or of two.
int dtm_sock_diag_request_one(
    int diag, const struct dtm_tcp_address *local, const struct dtm_tcp_address *remote, uint32_t sequence);

/// One datagram from the kernel; what other processes sent is passed over. -EMSGSIZE: it was longer than `capacity`.
/// -ENOBUFS: the kernel had to drop one. -EAGAIN: none came within the socket's limit of time.
ssize_t dtm_sock_diag_receive(int diag, void *buffer, size_t capacity);

/// The next entries of an open directory in the kernel's own form, many at a time; 0 at the end: getdents64(2).
///
/// Why C: the C library's module for Swift leaves getdents64 out, and readdir hands out one entry at a time from memory of its own.
ssize_t dtm_directory_entries(int directory, void *buffer, size_t capacity);

/// Blocks the signals for this thread and those it starts, and makes a descriptor with CLOEXEC that they can be read from: signalfd(2).
///
/// Why C: the C library's module for Swift leaves sys/signalfd.h out.
int dtm_signal_descriptor(const int *signals, int count);

/// The number of one pending signal from such a descriptor; -EAGAIN when there is none.
int dtm_next_signal(int descriptor);

/// Marks every descriptor from `first` on CLOEXEC, whoever opened it: close_range(2) with CLOSE_RANGE_CLOEXEC.
///
/// Why C: the C library's module for Swift leaves close_range out.
int dtm_close_on_exec_from(int first);

// MARK: files.c

/// What is at a path.
struct dtm_file_facts {
    /// The type and the permissions, as `S_IFMT` and `S_IFSOCK` take them apart.
    uint32_t mode;
    uint32_t owner;
    uint64_t device;
    uint64_t inode;
};

/// Looks at a path: stat(2), or lstat(2) when links are not to be followed.
///
/// Why C: `struct stat` belongs to whichever of glibc's and NIO's Clang modules the compiler happens to load first, so that a Swift
/// module that uses both can't rely on seeing its members. Gone when NIO's module no longer includes <sys/stat.h>.
int dtm_file_facts(const char *path, int follow_links, struct dtm_file_facts *facts);

/// Lets two paths change places in one step: renameat2(2), RENAME_EXCHANGE.
///
/// Why C: glibc declares it for GNU sources alone, which Swift's module of it is not.
int dtm_exchange(const char *one, const char *other);

// MARK: host.c

/// The version of Landlock's ABI, from 1: landlock(7). -ENOSYS and -EOPNOTSUPP: the kernel has none, or it is switched off.
///
/// Why C: there is no wrapper in the C library, and syscall(2) is variadic. The same holds for the next one.
int dtm_landlock_abi(void);

/// Whether the kernel gives memory that it can't read itself: memfd_secret(2). What it gave is let go at once.
int dtm_try_secret_memory(void);

/// 1 when something keeps the system's clock in time, 0 when nothing does: STA_UNSYNC of adjtimex(2). Sets the largest error that
/// the clock may have, in microseconds. Changes nothing.
///
/// Why C: the C library's module for Swift leaves sys/timex.h out.
int dtm_clock_state(int64_t *maximum_error);

/// Whether this process may make a user namespace and in it a network namespace: makes both for a child that ends at once, clone(2).
///
/// Why C: clone does not import, and what a child of it may do is known to a C compiler alone.
int dtm_try_user_namespace(void);

// MARK: protected.c

/// Memory that the kernel itself can't read: memfd_secret(2).
#define DTM_MEMORY_SECRET 1
/// Memory that is locked, left out of core dumps and empty in a child: mlock(2), madvise(2).
#define DTM_MEMORY_LOCKED 2

/// Maps `length` bytes, whole pages, between two pages that nobody may touch. A child of fork has neither.
///
/// Why C: memfd_secret has no wrapper, and the whole is one transaction that must leave nothing half done.
///
/// Returns NULL and sets `error` to an errno when the kernel refuses any part of it.
void *dtm_protected_map(size_t length, int kind, int *error);

/// Overwrites and unmaps what dtm_protected_map gave, its guards included.
void dtm_protected_unmap(void *base, size_t length);

/// 0, or a negative errno.
int dtm_protected_read_only(void *base, size_t length);

/// A descriptor of memory that the kernel itself can't read, for a process that hands it on and never maps it: memfd_secret(2). A
/// negative errno where there is none.
int dtm_secret_descriptor(size_t length);

/// Has the memory overwritten when the process ends, in whatever way it can notice. -ENOSPC when too many are.
///
/// Why C: a signal handler may call no Swift.
int dtm_wipe_at_end(void *base, size_t length);

void dtm_wipe_at_end_no_more(void *base);

/// Overwrites all of it now. Safe in a signal handler.
void dtm_wipe_registered(void);

/// Whether that has begun: what is in the memory since then is no secret, and no key.
int dtm_is_wiped(void);

/// Sets the handlers for signals that end the process by a fault, and for exit(3). The default then takes its course, so that the
/// exit status and who watches see the same as without.
int dtm_wipe_on_fatal_signals(void);
// MARK: wipe_allocator.c

/// From now on, whether `free` and `realloc` overwrite what they give back, when this thread calls them. Other threads pay for one
/// comparison.
///
/// Why C: an executable replaces `free` for the libraries that it loads by defining it (librnp and Botan leave copies of secret
/// numbers in memory that they give back). Gone when RNP clears them itself.
void dtm_wipe_what_this_thread_frees(int wanted);

/// From now on, whether what a library prints to standard error with fprintf, on this thread, is dropped.
///
/// Why C: as the one before. Debian builds librnp so that it prints each refusal, whatever RNP_LOG_CONSOLE says. Gone when it does not.
void dtm_silence_diagnostics_of_this_thread(int wanted);

/// Whether this build replaces `free` and `realloc` at all: 1, or 0 under a sanitizer, which has its own.
int dtm_wipes_freed_memory(void);

// terminal.c

/// Notes the settings of the terminal at standard input as they are now, and what to write to leave it as it was. From then on a
/// fault (SIGSEGV, SIGABRT, …) puts both back before it ends the process.
///
/// Why C: a signal handler may call no Swift.
int dtm_terminal_guard(const char *text);

/// Puts the settings back and writes that text, once.
void dtm_terminal_restore(void);

/// Makes the next fault or ``dtm_terminal_restore`` do it again.
void dtm_terminal_rearm(void);

// MARK: network.c

/// Puts this process, which must have one thread, into a new network namespace whose only interface is a loopback that is up:
/// unshare(2), user_namespaces(7), netdevice(7). Without the right to do so it becomes, in a new user namespace, the user
/// that it was and none else; `*mapped` then is 1.
///
/// Why C: unshare needs _GNU_SOURCE, and struct ifreq's unions do not import.
int dtm_enter_own_network(int *mapped);

/// Becomes another user for good, without supplementary groups: setgroups(2), setresgid(2), setresuid(2).
///
/// Why C: the latter two need _GNU_SOURCE.
int dtm_become(uid_t uid, gid_t gid);

#endif
