import DTMSecrets
import Glibc

/// Frames from a socket, one after the other.
///
/// Where a direction carries secrets it asks the socket for exactly the part it is at: a secret is read from the socket
/// into protected memory and never stands in the buffer. Elsewhere it reads ahead.
struct FrameStream<Message: PlanMessage>: ~Copyable {
    private let core: LinkCore
    private var buffer: [UInt8]
    private var start = 0
    private var end = 0
    private var hasHello = false

    /// How much the buffer grows at a time, and keeps: a length that a peer gives costs memory only as its bytes come.
    private static var step: Int { 64 << 10 }

    init(of core: LinkCore) {
        self.core = core
        buffer = []
    }

    /// The next message; nil at the end between two frames, and when the link was closed.
    mutating func next() throws(PlanError) -> Message? {
        if core.isStopping { return nil }
        guard try fill(PlanProtocol.headerBytes, orEnd: true) else { return nil }
        let (type, length) = try header()
        guard let secretBytes = Message.secretBytes(inFrameOfType: type) else { throw .type(type) }
        let ordinary = length - secretBytes
        guard ordinary >= 0 else { throw .truncated("windowKey.key", needed: secretBytes, left: length) }
        try fill(ordinary, orEnd: false)
        let secret = secretBytes > 0 ? try readSecret(secretBytes) : nil
        let message = try decode(type: type, length: ordinary, secret: secret)
        start += ordinary
        releaseLargeBuffer()
        try checkHello(message)
        return message
    }

    private mutating func header() throws(PlanError) -> (type: UInt8, length: Int) {
        var reader = FrameReader(buffer, start..<start + PlanProtocol.headerBytes)
        let length = Int(try reader.integer(UInt32.self, "length"))
        guard length <= Message.maximumPayloadBytes else {
            throw .size(PlanBound("length", 0...Message.maximumPayloadBytes, "bytes"), length)
        }
        let type = try reader.integer(UInt8.self, "type")
        start += PlanProtocol.headerBytes
        return (type, length)
    }

    private func decode(type: UInt8, length: Int, secret: SharedSecret?) throws(PlanError) -> Message {
        var reader = FrameReader(buffer, start..<start + length)
        let message = try Message(type: type, from: &reader, secret: secret)
        try reader.finish()
        return message
    }

    private mutating func checkHello(_ message: borrowing Message) throws(PlanError) {
        guard message.isHello != hasHello else {
            throw .hello(hasHello ? "a second hello came" : "the first message that came is not a hello")
        }
        hasHello = true
    }

    /// Reads until `count` bytes are there; false at an orderly end before the first of them.
    @discardableResult
    private mutating func fill(_ count: Int, orEnd mayEnd: Bool) throws(PlanError) -> Bool {
        while end - start < count {
            makeRoom(count)
            let wanted = Message.carriesSecrets ? min(buffer.count - end, count - (end - start)) : buffer.count - end
            let number = core.socket.number
            let offset = end
            let received = buffer.withUnsafeMutableBytes { bytes in
                read(number, into: UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + wanted]))
            }
            if received < 0 { throw .system("read", CInt(-received)) }
            if received == 0 {
                if core.isStopping || (mayEnd && end == start) { return false }
                throw .truncated("frame", needed: count, left: end - start)
            }
            end += received
        }
        return true
    }

    /// Moves what is left to the front, and makes the buffer larger by one step when it is full.
    private mutating func makeRoom(_ count: Int) {
        if start == end {
            start = 0
            end = 0
        } else if start > 0, start + count > buffer.count {
            let left = start..<end
            buffer.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[left])) }
            end -= start
            start = 0
        }
        if end == buffer.count { buffer += [UInt8](repeating: 0, count: Self.step) }
    }

    private mutating func releaseLargeBuffer() {
        if start == end, buffer.count > 2 * Self.step { buffer = [] }
        if buffer.isEmpty {
            start = 0
            end = 0
        }
    }

    private func readSecret(_ count: Int) throws(PlanError) -> SharedSecret {
        let number = core.socket.number
        do {
            let bytes = try SecretBytes(count: count) { memory in
                var filled = 0
                while filled < memory.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: memory[filled...])
                    let received = read(number, into: rest)
                    if received < 0 { throw PlanError.system("read", CInt(-received)) }
                    if received == 0 { throw PlanError.truncated("windowKey.key", needed: count, left: filled) }
                    filled += received
                }
            }
            return SharedSecret(bytes)
        } catch let error as PlanError {
            throw error
        } catch {
            throw .secretMemory(error)
        }
    }
}

/// read(2) again after an interruption; the negated errno when it fails; 0 at the end, and a reset is an end: the other
/// process went with data unread.
private func read(_ descriptor: CInt, into memory: UnsafeMutableRawBufferPointer) -> Int {
    while true {
        let count = Glibc.read(descriptor, memory.baseAddress, memory.count)
        if count >= 0 { return count }
        if errno == ECONNRESET { return 0 }
        if errno != EINTR { return -Int(errno) }
    }
}
