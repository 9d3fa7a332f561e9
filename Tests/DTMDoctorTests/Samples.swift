import Glibc
import Testing

@testable import DTMDoctor

/// A host on which every check passes; tests spoil one thing at a time.
enum Samples {
    static let home = "/home/ada/.dtm"

    static let settings = DoctorSettings(
        home: home, configuration: .valid(path: "\(home)/config.json", tunnels: 2, warnings: []),
        manager: .answers(version: "1.2.3"), endpoints: [EndpointRange(ports: 5_000...6_000, hopsAddresses: true)],
        skippedPorts: [5_432, 6_379], maximumConnections: 8_192, maximumTunnels: 256, logBytes: 60 << 20,
        protection: .init(control: "secret", dataPlane: "secret", reason: nil, lapses: []))

    static var healthy: HostFacts {
        HostFacts(
            settings: settings,
            process: ProcessFacts(
                uid: 1_000, capabilities: .known([.sysPtrace, .readSearch, .netAdmin]), lockedBytesLimit: 8 << 20,
                descriptorLimit: 1 << 20),
            kernel: KernelFacts(
                release: .known("6.12.0"), socketLookUp: .worked, procOptions: .known(["rw", "nosuid"]),
                userNamespace: .worked, namespaceSettings: [:], landlockABI: .known(6),
                clock: .known(ClockFacts(isSynchronised: true, maximumError: 20_000))),
            memory: MemoryFacts(
                pageBytes: 4_096, secretMemory: .worked, ptraceScope: .known(1), corePattern: .known("core"),
                swaps: .known([])),
            network: NetworkFacts(
                listeners: .known([]), outgoingPorts: .known(32_768...60_999), reservedPorts: .known([])),
            home: HomeFacts(
                folders: .known([folder(home)]), parents: [folder("/home", owner: 0, mode: 0o755)],
                files: [PathFacts(path: "\(home)/logs/dtm.json", kind: .hidden, owner: 1_000, permissions: 0o600)],
                sockets: .known([SocketFacts(path: "\(home)/run/control.sock", answers: .known(true))]),
                processes: .known([ProcessEntry(role: "control", pid: 42, isRunning: true, isSupervised: true)]),
                volume: .known(VolumeFacts(path: home, freeBytes: 1 << 30, isReadOnly: false, logBytes: 0))))
    }

    static func folder(_ path: String, owner: UInt32 = 1_000, mode: UInt32 = 0o700) -> PathFacts {
        PathFacts(path: path, kind: .hidden, owner: owner, permissions: mode)
    }

    /// What a check says of the healthy host after `spoil`.
    static func examine(_ code: String, _ spoil: (inout HostFacts) -> Void = { _ in }) throws -> HealthResult {
        var facts = healthy
        spoil(&facts)
        return try #require(HealthRegistry.checks.first { $0.code == code }).examine(facts)
    }
}

/// A folder of one test, gone with this object; short, since sockets go into it.
final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/dtm-doctor-XXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
        }
    }

    deinit { remove(path) }

    /// Writes a file, and makes the folders above it.
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        makeFolders(above: name)
        let file = try #require(fopen("\(path)/\(name)", "w"))
        defer { fclose(file) }
        #expect(fputs(text, file) >= 0)
        chmod("\(path)/\(name)", mode)
    }

    func makeFolder(_ name: String, mode: mode_t = 0o700) {
        makeFolders(above: name)
        mkdir("\(path)/\(name)", mode)
        chmod("\(path)/\(name)", mode)
    }

    private func makeFolders(above name: String) {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o700)
        }
    }

    /// Binds a socket; nobody answers at it once its descriptor is closed.
    func bindSocket(_ name: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("\(path)/\(name)".utf8)
        try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let outcome = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(outcome == 0)
        return descriptor
    }

    private func remove(_ path: String) {
        for name in HostFiles(root: "").names(path, limit: 10_000).value ?? [] { remove("\(path)/\(name)") }
        if rmdir(path) != 0 { unlink(path) }
    }
}
