import DTMCore
import DTMSecrets
import FoundationEssentials
import Glibc
import Testing

@testable import DTMState

/// A home of its own for one test, with a sealed state in it; removed with all in it at the end.
final class StateHome: Sendable {
    let path: String
    let openPGP = RNPProvider()
    static let passphrase = "correct horse battery staple"

    var place: StatePlace { StatePlace(home: path) }

    init() throws {
        // In memory where that is possible: what is tested is the order of the calls, not the disk.
        let folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(folder)/dtm-state-XXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            String(cString: try #require(buffer.baseAddress.flatMap { mkdtemp($0) }))
        }
    }

    /// With the same content as another.
    init(copying other: StateHome) throws {
        path = other.path + "-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.copyItem(atPath: other.path, toPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    // MARK: The state

    @discardableResult
    func create(
        _ content: StateContent = StateContent(), slots: [NewSlot]? = nil, at seconds: Int64 = 1_000
    ) throws -> SealedStore {
        try SealedStore.create(
            at: place, content: content, slots: slots ?? [try cheapSlot()], openPGP: openPGP, now: moment(seconds))
    }

    func open(_ text: String = StateHome.passphrase) throws -> (store: SealedStore, content: StateContent) {
        try SealedStore.open(at: place, unlockedBy: unlock(text), openPGP: openPGP)
    }

    /// Without the work of a passphrase.
    func open(root: SharedSecret) throws -> (store: SealedStore, content: StateContent) {
        try SealedStore.open(at: place, root: root, openPGP: openPGP)
    }

    func verify() throws -> (findings: StateFindings, content: StateContent?) {
        try SealedStore.verify(at: place, unlockedBy: unlock(), openPGP: openPGP)
    }

    func recover(_ generation: UInt64, at seconds: Int64 = 5_000) throws -> (store: SealedStore, content: StateContent)
    {
        try SealedStore.recover(
            generation: generation, at: place, unlockedBy: unlock(), openPGP: openPGP, now: moment(seconds))
    }

    // MARK: Its files

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(other)")
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

    /// Copies a folder or file over what is there.
    func replace(_ name: String, from other: StateHome, named source: String? = nil) throws {
        if has(name) { try remove(name) }
        try FileManager.default.copyItem(atPath: "\(other.path)/\(source ?? name)", toPath: "\(path)/\(name)")
    }

    /// Every file below a folder, with paths from the home; sorted.
    func files(in folder: String = "") throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: "\(path)/\(folder)")
        let prefix = folder.isEmpty ? "" : folder + "/"
        return names.map { prefix + $0 }.filter { Self.kind("\(path)/\($0)") == S_IFREG }.sorted()
    }

    private static func kind(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    /// What is there: each path with its mode and, of a file, its content.
    func tree() throws -> [String: [UInt8]] {
        var tree: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            let head = Array("\(status.st_mode) \(status.st_size) ".utf8)
            tree[name] =
                head
                + (status.st_mode & S_IFMT == S_IFREG && status.st_size < 1 << 26 ? Digest.of(try bytes(name)) : [])
        }
        return tree
    }

    func slotFile() throws -> String {
        try #require(try files(in: "state/slots").first { !$0.hasSuffix(".key.pgp") })
    }
}

// MARK: Values

func moment(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

func unlock(_ text: String = StateHome.passphrase) throws -> UnlockSecret { try UnlockSecret(password(text)) }

/// One pass over 8 MiB, so that tests do not wait.
func cheapHash(_ seed: Int = 1) -> PassphraseHash {
    PassphraseHash(passes: 1, memoryBytes: 8 << 20, salt: bytes(PassphraseHash.saltBytes, seed: seed))
}

func cheapSlot(_ text: String = StateHome.passphrase, label: String = "test") throws -> NewSlot {
    .passphrase(try unlock(text), hash: cheapHash(), label: label)
}

/// A content with both kinds of section.
func sample(_ number: Int) throws -> StateContent {
    var content = StateContent()
    content.set("number", .bytes(Array("number \(number)".utf8)))
    content.set("empty", .bytes([]))
    content.set("short-secret", .secret(try secret(bytes(32, seed: number))))
    content.set("long-secret", .secret(try secret(bytes(5_000, seed: number + 1))))
    return content
}

/// What a content holds, to be compared.
func plain(_ content: StateContent) -> [String: [UInt8]] {
    content.sections.mapValues { section in
        switch section {
        case .bytes(let bytes): [0] + bytes
        case .secret(let secret): [1] + copy(secret)
        }
    }
}

/// Expects a failure with one of these codes, and a message that says something.
@discardableResult
func expectRefusal<Value>(
    _ codes: StateError.Code..., of what: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) -> StateError? {
    do {
        _ = try body()
        Issue.record("did not fail with \(codes) \(what())", sourceLocation: sourceLocation)
    } catch let error as StateError {
        #expect(codes.contains(error.code), "\(error.code): \(error) \(what())", sourceLocation: sourceLocation)
        #expect(!error.message.isEmpty, sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(error) \(what())", sourceLocation: sourceLocation)
    }
    return nil
}

extension StateHome {
    /// How many descriptors this process has open.
    static func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
}
