import DTMCore

/// The kernel's numbers, from `linux/netlink.h`, `linux/sock_diag.h`, `linux/inet_diag.h`, `linux/unix_diag.h` and `linux/tcp.h`.
/// All fields are in the machine's byte order but for addresses and ports. See `netlink(7)`, `sock_diag(7)`.
enum SockDiagProtocol {
    static let headerBytes = 16
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    /// `NLM_F_DUMP_INTR`: the table changed while it was walked.
    static let interrupted: UInt16 = 0x10
    /// `TCPDIAG_GETSOCK`, the type of answers to the older request.
    static let olderAnswer: UInt16 = 18
    /// `SOCK_DIAG_BY_FAMILY`.
    static let answer: UInt16 = 20

    static let attributeHeaderBytes = 4
    /// `NLA_TYPE_MASK`: two bits of a type are flags.
    static let attributeTypeMask: UInt16 = 0x3fff

    static let ipv4: UInt8 = 2
    static let ipv6: UInt8 = 10
    static let unix: UInt8 = 1
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17

    /// `struct inet_diag_msg`.
    static let inetBytes = 72
    /// `INET_DIAG_INFO`: `struct tcp_info`.
    static let tcpInfo: UInt16 = 2
    static let tcpInfoRequest: UInt32 = 1 << 1
    /// `INET_DIAG_CGROUP_ID`.
    static let controlGroup: UInt16 = 21

    /// `struct unix_diag_msg`.
    static let unixBytes = 16
    static let unixName: UInt16 = 0
    static let unixUID: UInt16 = 7
    /// `UDIAG_SHOW_NAME` and `UDIAG_SHOW_UID`.
    static let unixRequest: UInt32 = 0x1 | 0x40

    /// The longest name of a Unix socket (`unix(7)`).
    static let maximumUnixName = 108

    static func states(_ states: [SocketState]) -> UInt32 { states.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }
    static let listening = states([.listen])
    /// Those that a process can hold and that have a peer: TIME_WAIT and half-open ones belong to nobody.
    static let connected = states([
        .established, .synSent, .finWait1, .finWait2, .closeWait, .lastAck, .closing,
    ])
    static let datagram = states([.established, .closed])
}
