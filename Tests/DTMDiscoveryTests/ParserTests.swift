import DTMTestSupport
import DTMCore
@testable import DTMDiscovery
import Testing

@Suite("Reading /proc")
struct ParserTests {
    static let stat =
        "17 (cat) R 5 17 11 0 -1 4194304 102 0 0 0 30 12 0 0 20 0 3 0 137646 3133440 390 18446744073709551615\n"
    static let status = """
        Name:\tredis-server
        Umask:\t0022
        Uid:\t1000\t113\t1000\t1000
        Gid:\t1000\t120\t1000\t1000
        Groups:\t27 100
        VmLck:\t     64 kB
        VmRSS:\t    1672 kB

        """
    static let tcp = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   113        0 5001 1 00000000d822eba6 100 0 0 10 0
           1: 0100007F:18EB 0100007F:C350 01 00000000:00000000 00:00000000 00000000   113        0 5002 1 00000000d822eba7 20 4 30 10 -1

        """
    static let tcp6 = """
          sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6001 1 00000000d822eba8 100 0 0 10 0
           1: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6002 1 00000000d822eba9 100 0 0 10 0

        """
    static let unix = """
        Num       RefCount Protocol Flags    Type St Inode Path
        000000008949f5ab: 00000003 00000000 00000000 0001 03 7001 /run/connected
        000000008949f5ac: 00000002 00000000 00010000 0001 01 7002 /run/with blank.sock
        000000008949f5ad: 00000002 00000000 00010000 0001 01 7003 @abstract
        000000008949f5ae: 00000002 00000000 00010000 0001 01 7004

        """

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("stat: fields are found behind the name")
    func statFields() throws {
        let stat = try #require(ProcessStat(bytes(Self.stat)))
        #expect(stat.pid == 17)
        #expect(stat.name == "cat")
        #expect(stat.state == .running)
        #expect(stat.parent == 5)
        #expect(stat.cpuTicks == 42)
        #expect(stat.threads == 3)
        #expect(stat.startTicks == 137_646)
    }

    @Test(
        "stat: a name may hold blanks, parentheses and what looks like fields",
        arguments: ["a b", ")", "(", "x) S 1 1 1", ") Z 9 (", "", "a)(b"])
    func statNames(name: String) throws {
        let text = Self.stat.split(separator: "cat").joined(separator: name)
        let stat = try #require(ProcessStat(bytes(text)))
        #expect(stat.name == name)
        #expect(stat.parent == 5)
        #expect(stat.state == .running)
    }

    @Test("stat: a name can't steer a terminal, and need not be UTF-8")
    func statControls() throws {
        var text = bytes("17 (a")
        text += [0x1b, 0x0a, 0xff, 0x7f]
        text += bytes(String(Self.stat.dropFirst(7)))
        #expect(ProcessStat(text)?.name == "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}")
    }

    @Test(
        "stat: what is cut or is no number is no stat",
        arguments: ["", "17", "17 (cat", "17 (cat)", "17 (cat) R 5 17", "x (cat) R 5", ")17 (", "-1 (cat) R 5 17 11"])
    func statBroken(text: String) {
        #expect(ProcessStat(bytes(text)) == nil)
    }

    @Test("status: the effective ids and the sizes in bytes")
    func statusFields() throws {
        let status = try #require(ProcessStatus(bytes(Self.status)))
        #expect(status.uid == 113)
        #expect(status.gid == 120)
        #expect(status.residentBytes == 1_672 * 1_024)
        #expect(status.lockedBytes == 64 * 1_024)
    }

    @Test("status: a thread of the kernel has no memory")
    func statusKernel() throws {
        let status = try #require(ProcessStatus(bytes("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n")))
        #expect(status.residentBytes == 0)
    }

    @Test("status: without ids it is none; a later line can't change one that was read")
    func statusBroken() {
        #expect(ProcessStatus(bytes("Gid:\t0\t0\t0\t0\n")) == nil)
        #expect(ProcessStatus(bytes("Uid:\t0\t0\nGid:\t0\t0\t0\t0\n")) == nil)
        #expect(ProcessStatus(bytes("Uid:\t1\t1\t1\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"))?.uid == 1)
    }

    @Test("smaps_rollup: the proportional size")
    func rollup() {
        let text =
            "5646845a8000-7ffda5235000 ---p 00000000 00:00 0 [rollup]\nRss: 1768 kB\nPss:       346 kB\nPss_Dirty: 116 kB\n"
        #expect(SmapsRollup.proportionalBytes(bytes(text)) == 346 * 1_024)
        #expect(SmapsRollup.proportionalBytes([]) == nil)
    }

    @Test("net/tcp: listeners and connections")
    func tcpRows() throws {
        let rows = SocketTable.rows(bytes(Self.tcp), transport: .tcp)
        try #require(rows.count == 2)
        #expect(rows[0].local == Endpoint("127.0.0.1:6379"))
        #expect(rows[0].isListener)
        #expect(!rows[0].isConnection)
        #expect(rows[0].uid == 113)
        #expect(rows[0].inode == 5_001)
        #expect(rows[1].remote == Endpoint("127.0.0.1:50000"))
        #expect(rows[1].isConnection)
        #expect(rows[1].state == .established)
    }

    @Test("net/tcp6: addresses come as words in the machine's order")
    func tcp6Rows() throws {
        let rows = SocketTable.rows(bytes(Self.tcp6), transport: .tcp6)
        try #require(rows.count == 2)
        #expect(rows[0].local == Endpoint("[::1]:80"))
        #expect(rows[1].local.address.unmapped == IPAddress("127.0.0.1"))
    }

    @Test("net/udp: bound without a peer waits for others")
    func udpRows() throws {
        let row =
            "  17: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 900 2 000 0\n"
        let rows = SocketTable.rows(bytes(row), transport: .udp)
        #expect(rows.first?.isListener == true)
        #expect(SocketTable.rows(bytes(row), transport: .tcp).first?.isListener == false)
    }

    @Test("net/unix: named sockets that listen, blanks in names kept")
    func unixRows() {
        let rows = UnixSocketTable.listeners(bytes(Self.unix))
        #expect(rows == [.init(inode: 7_002, path: "/run/with blank.sock"), .init(inode: 7_003, path: "@abstract")])
    }

    @Test("net/unix: a name with a line feed can't take over another socket's name")
    func unixForgery() {
        let forged = "000000008949f5af: 00000002 00000000 00010000 0001 01 7002 /run/forged\n"
        let rows = UnixSocketTable.listeners(bytes(Self.unix + forged))
        #expect(rows.map(\.path) == ["@abstract"])
        #expect(UnixSocketTable.listeners(bytes(forged + Self.unix)).map(\.path) == ["@abstract"])
    }

    @Test(
        "cgroup: the unified path, or systemd's, or the root",
        arguments: [
            ("0::/system.slice/nginx.service\n", "/system.slice/nginx.service"),
            ("9:name=systemd:/a\n1:cpu:/b\n0::/\n", "/a"), ("4:memory:/m\n0::/\n", "/"), ("", "/"),
            ("0:/x\n:::\n", "/"),
            ("0::/a:b\n", "/a:b"),
        ])
    func cgroups(text: String, path: String) {
        #expect(ControlGroup.path(bytes(text)) == path)
    }

    @Test(
        "cgroup: services are told from sessions",
        arguments: [
            ("/system.slice/nginx.service", "nginx.service"), ("/user.slice/user-1000.slice/session-1.scope", nil),
            ("/user.slice/user-1000.slice/user@1000.service/init.scope", nil),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/redis.service", "redis.service"),
            ("/system.slice/docker.service/workers", "docker.service"), ("/", nil),
        ] as [(String, String?)])
    func services(path: String, service: String?) {
        #expect(ControlGroup.service(path) == service)
    }

    @Test("No input makes a parser fail", arguments: [1, 2, 3, 4] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let texts = [
            Self.stat, Self.status, Self.tcp, Self.tcp6, Self.unix, "0::/system.slice/a.service\n", "Pss: 1 kB\n",
        ]
        for _ in SeededGenerator.rounds(150) {
            for text in texts {
                let input = random.mutated(Array(text.utf8))
                if let stat = ProcessStat(input) { #expect(stat.pid >= 0 && stat.threads >= 0) }
                _ = ProcessStatus(input)
                _ = SmapsRollup.proportionalBytes(input)
                #expect(SocketTable.rows(input, transport: .tcp).count <= 12)
                _ = SocketTable.rows(input, transport: .udp6)
                #expect(
                    Set(UnixSocketTable.listeners(input).map(\.inode)).count == UnixSocketTable.listeners(input).count)
                #expect(ControlGroup.path(input).utf8.first == UInt8(ascii: "/"))
            }
        }
    }

    @Test("Numbers that do not fit are refused, not wrapped")
    func overflow() {
        let tooLarge: UInt32? = ByteFields.decimal(Array("4294967296".utf8)[...])
        let largest: UInt32? = ByteFields.decimal(Array("4294967295".utf8)[...])
        let signed: Int32? = ByteFields.decimal(Array("2147483648".utf8)[...])
        #expect(tooLarge == nil)
        #expect(largest == .max)
        #expect(signed == nil)
        #expect(ProcessStatus.kibibytes(Array(" 18446744073709551615 kB".utf8)[...]) == .max)
    }
}
