/// Ports where people expect a certain service: a tunnel must not turn up there, and no listener of a service may find
/// its port held by one.
///
/// Control computes the list once and hands the same one to the data plane and to connectors: each side would else skip
/// by its own host's files and compute other endpoints.
public enum WellKnownPorts {
    /// Where the system lists its services (`services(5)`).
    public static let servicesPath = "/etc/services"
    /// How much of the services list is read, in bytes.
    public static let maximumServicesBytes = 1 << 20

    /// What is common on servers and on developers' machines, beside what the system lists; ascending.
    public static let builtIn: [UInt16] = [
        // Mail, web, names, files and remote access.
        21, 22, 23, 25, 53, 80, 88, 110, 111, 119, 135, 139, 143, 179, 389, 443, 445, 465, 514, 515, 548, 554, 587, 631,
        636,
        853, 873, 990, 993, 995, 1080, 1194, 1433, 1521, 1701, 1723, 1883, 1900, 2049, 2181, 2375, 2376, 2379, 2380,
        3000,
        3128, 3260, 3306, 3389, 3478, 3689, 4000, 4222, 4369, 4444, 4500, 4567, 4848,
        // 5000–6000, the default range: UPnP, AirPlay and the container registry; adb; SIP; Vite; XMPP; mDNS;
        // PostgreSQL; adb over TCP; Kibana; AMQP; CoAP; VNC; CouchDB; WinRM; X11.
        5000, 5001, 5037, 5060, 5061, 5173, 5222, 5269, 5353, 5355, 5432, 5433, 5555, 5601, 5671, 5672, 5683, 5684,
        5800,
        5900, 5901, 5902, 5903, 5984, 5985, 5986, 6000,
        // X11's further displays, Redis, Kubernetes, IRC, Cassandra, web development, search, queues, model servers.
        6001, 6002, 6003, 6004, 6005, 6006, 6007, 6379, 6443, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668,
        6669,
        6697, 7000, 7001, 7474, 7687, 8000, 8008, 8080, 8081, 8086, 8123, 8125, 8200, 8332, 8333, 8443, 8500, 8529,
        8600,
        8834, 8883, 8888, 9000, 9042, 9090, 9091, 9092, 9093, 9100, 9160, 9200, 9300, 9418, 9999, 10000, 10250, 11211,
        11434, 15672, 19999, 25565, 25672, 26257, 27015, 27017, 27018, 28015, 28017, 32400, 50051, 51413, 51820, 61613,
        61616,
    ]

    /// The ports of `range` to skip: the built-in ones and those of `services`, ascending and without repeats.
    ///
    /// - Parameter services: What ``tcpPorts(ofServices:)`` read; empty when the system has no list.
    public static func skipped(in range: ClosedRange<UInt16>, services: [UInt16] = []) -> [UInt16] {
        Set(builtIn).union(services).filter(range.contains).sorted()
    }

    /// The TCP ports of a services list (`services(5)`: `name port/protocol aliases… # comment`), ascending and without
    /// repeats. A line that is not of this form is passed over, as the system's own reader does; what follows
    /// ``maximumServicesBytes`` is not read.
    public static func tcpPorts(ofServices text: [UInt8]) -> [UInt16] {
        let lines = text.prefix(maximumServicesBytes).split(separator: UInt8(ascii: "\n"))
        return Set(lines.compactMap(tcpPort(ofLine:))).sorted()
    }

    private static func tcpPort(ofLine line: ArraySlice<UInt8>) -> UInt16? {
        let fields = line.prefix { $0 != UInt8(ascii: "#") }.split(maxSplits: 2, whereSeparator: isBlank)
        guard fields.count >= 2 else { return nil }
        let parts = fields[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].elementsEqual("tcp".utf8) else { return nil }
        return decimal(parts[0])
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let value = digits.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
        return value == 0 ? nil : UInt16(exactly: value)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
