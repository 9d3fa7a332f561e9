import DTMCore
import DTMPlan
import Glibc
import NIOPosix

/// Finds the addresses of targets. Control resolves names, so that the data plane never has to.
protocol NameResolving: Sendable {
    /// The addresses of a host name, in the order in which they are to be tried; empty when it has none.
    func addresses(of host: String) async -> [IPAddress]
}

/// `getaddrinfo(3)`, on threads of their own because it may take its time.
struct SystemNameResolver: NameResolving {
    let threads: NIOThreadPool

    func addresses(of host: String) async -> [IPAddress] {
        (try? await threads.runIfActive { Self.lookUp(host) }) ?? []
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var found: [IPAddress] = []
        var next = first
        while let entry = next {
            if let address = address(entry.pointee), !found.contains(address) { found.append(address) }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// By way of the text: the members of the address structures can't be relied on beside NIO (see `dtm_file_facts`).
    private static func address(_ entry: addrinfo) -> IPAddress? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let outcome = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard outcome == 0 else { return nil }
        return IPAddress(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}

/// Where the bytes for a target go.
struct TargetResolver: Sendable {
    let names: any NameResolving

    /// The most addresses that a plan takes.
    static let maximumAddresses = 16

    /// The addresses of a target's host; empty for a Unix socket, and for a name that has none.
    func addresses(of target: Target) async -> [IPAddress] {
        guard case .tcp(let host, _) = target else { return [] }
        if let address = IPAddress(host) { return [address] }
        return await names.addresses(of: host)
    }

    /// - Throws: `target.unresolved` when the name has no address.
    func destination(of target: Target) async throws(ManagerError) -> TargetPlan {
        let addresses = await addresses(of: target)
        return try Self.destination(of: target, addresses: addresses)
    }

    /// The destination of a target that needs no resolution; nil for one with a name.
    static func literalDestination(of target: Target) -> TargetPlan? {
        switch target {
        case .unix(let path): .unix(path: path)
        case .tcp(let host, let port): IPAddress(host).map { .tcp([Endpoint(address: $0, port: port)]) }
        }
    }

    static func destination(of target: Target, addresses: [IPAddress]) throws(ManagerError) -> TargetPlan {
        switch target {
        case .unix(let path): return .unix(path: path)
        case .tcp(let host, let port):
            guard !addresses.isEmpty else {
                throw ManagerError(
                    .targetUnresolved, "the host name \(host) of the target \(target) has no address",
                    hint: "check the name, or write an address")
            }
            return .tcp(addresses.prefix(maximumAddresses).map { Endpoint(address: $0, port: port) })
        }
    }
}

extension Target {
    /// Whether it names its host by a name, which may come to mean another address.
    var hasName: Bool {
        guard case .tcp(let host, _) = self else { return false }
        return IPAddress(host) == nil
    }
}

extension TargetPlan {
    /// Whether both may lead to the same socket.
    func overlaps(_ other: Self) -> Bool {
        switch (self, other) {
        case (.tcp(let ours), .tcp(let theirs)): !Set(ours).isDisjoint(with: theirs)
        case (.unix(let ours), .unix(let theirs)): ours == theirs
        default: false
        }
    }
}
