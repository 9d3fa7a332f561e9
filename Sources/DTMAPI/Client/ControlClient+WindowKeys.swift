import AsyncHTTPClient
import DTMCore
public import DTMSecrets
import Glibc
import NIOCore

/// The key of one window of a tunnel's schedule.
public struct WindowKey: Sendable {
    /// Which window: see ``WindowKeysFrame``.
    public let index: UInt64
    public let key: SharedSecret
}

/// What `GET /v1/tunnels/NAME/windows` gives.
public struct WindowKeyPair: Sendable {
    public let current: WindowKey
    public let next: WindowKey
}

extension ControlClient {
    /// `GET /v1/tunnels/NAME/windows`: the keys go from the network's buffers straight into locked memory, and the
    /// buffers are wiped. The kernel's copies, and what the HTTP parser read ahead, are out of reach.
    ///
    /// - Throws: ``ControlClientError``, `SecretsError` when there is no locked memory, `CancellationError`.
    public func windowKeys(for name: String) async throws -> WindowKeyPair {
        try await exchange(.get("tunnels", name, "windows"), within: timeouts.look) { body in
            var octets = SecretOctets()
            defer { octets.wipe() }
            for try await chunk in body { try octets.append(chunk) }
            return WindowKeyPair(current: try octets.windowKey(0), next: try octets.windowKey(1))
        }
    }
}

/// The buffers of one answer, kept as they came until they are copied out and wiped.
struct SecretOctets {
    private var chunks: [ByteBuffer] = []
    private var count = 0

    /// - Throws: `NIOTooManyBytesError` when there are more than a frame has; the chunk is wiped then as well.
    mutating func append(_ chunk: ByteBuffer) throws {
        chunks.append(chunk)
        count += chunk.readableBytes
        guard count <= WindowKeysFrame.totalBytes else {
            throw NIOTooManyBytesError(maxBytes: WindowKeysFrame.totalBytes)
        }
    }

    /// Entry `position` of the frame.
    func windowKey(_ position: Int) throws -> WindowKey {
        guard count == WindowKeysFrame.totalBytes else { throw WindowKeysFrame.short(count) }
        let start = position * WindowKeysFrame.entryBytes
        var index: UInt64 = 0
        withUnsafeMutableBytes(of: &index) { copy(from: start, into: $0) }
        let key = try SecretBytes(count: WindowKeysFrame.keyBytes) { copy(from: start + 8, into: $0) }
        return WindowKey(index: UInt64(bigEndian: index), key: SharedSecret(key))
    }

    private func copy(from start: Int, into target: UnsafeMutableRawBufferPointer) {
        var skipped = 0
        for chunk in chunks {
            chunk.withUnsafeReadableBytes { bytes in
                let low = max(start, skipped)
                let high = min(start + target.count, skipped + bytes.count)
                if low < high {
                    UnsafeMutableRawBufferPointer(rebasing: target[(low - start)...])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(low - skipped)..<(high - skipped)]))
                }
                skipped += bytes.count
            }
        }
    }

    /// Overwrites the buffers where they are.
    ///
    /// Writing through a ByteBuffer would copy it first when its storage is shared, as with the HTTP parser's, and wipe
    /// the copy. The bytes of a slice are read by nobody else: the parser has passed them, and its storage is copied,
    /// not moved, as long as this slice holds on to it.
    func wipe() {
        for chunk in chunks { Self.wipe(chunk) }
    }

    static func wipe(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}

extension WindowKeysFrame {
    fileprivate static func short(_ count: Int) -> ControlClientError {
        ControlClientError(
            .incompatible, message: "the manager sent window keys of \(count) bytes; they have \(totalBytes)",
            hint: "this program and the running manager may differ in version: restart the manager")
    }
}
