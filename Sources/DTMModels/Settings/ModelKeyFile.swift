public import DTMCore
public import DTMSecrets
import Glibc

/// Who has the keys of models. The manager's sealed state is one.
public protocol ModelKeySupply: Sendable {
    /// The key for `endpoint`; nil when there is none.
    ///
    /// - Throws: when there should be one and it can't be had.
    func key(for endpoint: ModelEndpoint) async throws -> SharedSecret?
}

/// Keys from files and systemd credentials, and the one that the manager keeps.
public struct ModelKeyFiles: ModelKeySupply {
    /// The longest key in bytes.
    public static let maximumBytes = 512

    private let credentials: String?
    private let kept: SharedSecret?

    /// - Parameters:
    ///   - credentials: the value of `CREDENTIALS_DIRECTORY` (systemd.exec(5)).
    ///   - kept: what ``ModelKeySource/kept`` stands for.
    public init(credentials: String?, kept: SharedSecret? = nil) {
        self.credentials = credentials
        self.kept = kept
    }

    /// - Throws: ``ModelKeyError``.
    public func key(for endpoint: ModelEndpoint) throws -> SharedSecret? {
        switch endpoint.key {
        case .none: return nil
        case .kept: return kept
        case .file(let path): return try Self.read(path)
        case .credential(let name):
            guard let credentials else { throw ModelKeyError(.noCredentials, "the credential \(name)") }
            guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
                throw ModelKeyError(.name, "a credential")
            }
            return try Self.read("\(credentials)/\(name)")
        }
    }

    /// Reads a key straight into protected memory. White space at its end is no part of it.
    static func read(_ path: String) throws -> SharedSecret {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw ModelKeyError(.unreadable, path) }
        defer { close(descriptor) }
        try check(descriptor, path)
        let buffer = try SecretBytes(count: maximumBytes + 2) { target in
            var count = 0
            while count < target.count {
                let read = Glibc.read(descriptor, target.baseAddress?.advanced(by: count), target.count - count)
                if read < 0 && errno == EINTR { continue }
                guard read >= 0 else { throw ModelKeyError(.unreadable, path) }
                if read == 0 { break }
                count += read
            }
        }
        return SharedSecret(try buffer.prefix(try length(of: buffer, path)))
    }

    private static func check(_ descriptor: Int32, _ path: String) throws(ModelKeyError) {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw ModelKeyError(.notRegularFile, path)
        }
        guard facts.st_uid == geteuid() || facts.st_uid == 0 else { throw ModelKeyError(.foreignOwner, path) }
        guard facts.st_mode & 0o077 == 0 else { throw ModelKeyError(.exposed, path) }
    }

    private static func length(of buffer: borrowing SecretBytes, _ path: String) throws(ModelKeyError) -> Int {
        let length: Int? = buffer.withBytes { span in
            span.withUnsafeBytes { bytes in
                let end = bytes.firstIndex(of: 0) ?? bytes.count
                let key = bytes[..<end].prefix { !Self.isSpace($0) }
                let isKey = (1...maximumBytes).contains(key.count) && key.allSatisfy { (0x21...0x7e).contains($0) }
                return isKey && bytes[key.endIndex...].allSatisfy { Self.isSpace($0) || $0 == 0 } ? key.count : nil
            }
        }
        guard let length else { throw ModelKeyError(.content, path) }
        return length
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}

/// Why a key can't be had.
public struct ModelKeyError: DescribedError, Equatable {
    /// What went wrong; equality compares these alone.
    public enum Code: String, Sendable, CaseIterable {
        case unreadable, notRegularFile, foreignOwner, exposed, content, noCredentials, name
    }

    public let code: Code
    /// The file's path, or what else it is about.
    private let place: String

    init(_ code: Code, _ place: String) {
        self.code = code
        self.place = place
    }

    public var codeName: String { "models.key.\(code.rawValue)" }

    public var message: String {
        switch code {
        case .unreadable: "\(place) can't be read as the key of a model"
        case .notRegularFile: "\(place) is no regular file"
        case .foreignOwner: "\(place) belongs neither to this user nor to root"
        case .exposed: "\(place) can be read by others than its owner"
        case .content: "\(place) holds no key: 1 to \(ModelKeyFiles.maximumBytes) visible ASCII characters"
        case .noCredentials: "\(place) can't be had: the manager was given no credentials"
        case .name: "\(place) has a name that is no file's"
        }
    }

    public var hint: String? {
        switch code {
        case .exposed: "chmod 600 the file"
        case .foreignOwner: "chown the file to the manager's user"
        case .noCredentials: "add LoadCredential= to the unit, or use a key file"
        case .unreadable, .notRegularFile, .content, .name: nil
        }
    }

    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
