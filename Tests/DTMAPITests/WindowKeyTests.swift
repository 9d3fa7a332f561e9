import DTMTestSupport
import DTMSecrets
import NIOCore
import Testing

@testable import DTMAPI

@Suite struct WindowKeyTests {
    private let frame = (0..<UInt8(WindowKeysFrame.totalBytes)).map { $0 }

    private func bytes(of key: WindowKey) -> [UInt8] {
        key.key.bytes.withBytes { span in
            (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
    }

    @Test func `However the frame is cut, both keys come out`() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in SeededGenerator.rounds(100) {
            var octets = SecretOctets()
            for piece in frame.cut(by: &generator) { try octets.append(ByteBuffer(bytes: piece)) }
            let first = try octets.windowKey(0)
            let second = try octets.windowKey(1)
            #expect(first.index == 0x0001_0203_0405_0607)
            #expect(second.index == 0x2829_2a2b_2c2d_2e2f)
            #expect(bytes(of: first) == Array(frame[8..<40]))
            #expect(bytes(of: second) == Array(frame[48..<80]))
        }
    }

    @Test(arguments: [0, 1, 79])
    func `A frame that is too short gives no key`(length: Int) throws {
        var octets = SecretOctets()
        try octets.append(ByteBuffer(bytes: frame.prefix(length)))
        #expect(throws: ControlClientError.self) { _ = try octets.windowKey(0) }
    }

    @Test func `A frame that is too long is refused`() throws {
        var octets = SecretOctets()
        try octets.append(ByteBuffer(bytes: frame))
        #expect(throws: NIOTooManyBytesError.self) { try octets.append(ByteBuffer(bytes: [0])) }
    }

    @Test func `Wiping reaches the storage that others share`() throws {
        let shared = ByteBuffer(bytes: frame)
        var octets = SecretOctets()
        try octets.append(shared)
        octets.wipe()
        #expect(shared.readableBytesView.allSatisfy { $0 == 0 })
    }

    @Test func `The client hands out the keys of an answer`() async throws {
        let frame = frame
        try await ScriptedServer.with(reply: { _ in .pieces([Array(frame[..<33]), Array(frame[33...])]) }) { server in
            try await ControlClient.withClient(at: server.locator) { client in
                let keys = try await client.windowKeys(for: "redis")
                #expect(keys.current.index == 0x0001_0203_0405_0607)
                #expect(bytes(of: keys.next) == Array(frame[48..<80]))
            }
            #expect(server.requests.map(\.uri) == ["/v1/tunnels/redis/windows"])
        }
    }

    @Test func `An endless answer in the place of keys is cut short`() async throws {
        let pieces = [[UInt8]](repeating: [UInt8](repeating: 1, count: 50), count: 9)
        try await ScriptedServer.with(reply: { _ in .pieces(pieces) }) { server in
            await #expect(throws: ControlClientError.incompatible("", cause: nil)) {
                try await ControlClient.withClient(at: server.locator) { client in
                    _ = try await client.windowKeys(for: "redis")
                }
            }
        }
    }
}
