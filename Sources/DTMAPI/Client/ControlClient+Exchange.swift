import AsyncHTTPClient
import DTMCore
import DTMSecrets
import Glibc
import NIOCore
import NIOHTTP1

extension ControlClient {
    /// The longest answer to a call: an inventory of some thousand processes with their connections fits.
    static let maximumAnswerBytes = 64 << 20
    /// The longest answer that says what went wrong.
    static let maximumErrorBytes = 1 << 20

    /// One request: what, where, and with what.
    struct Call: Sendable {
        var method: HTTPMethod
        /// The path's segments; each is escaped.
        var segments: [String]
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        /// JSON.
        var body: [UInt8]?
        /// The operator's passphrase, which then is the body.
        var passphrase: SharedSecret?

        static func get(_ segments: String..., query: [(name: String, value: String)] = []) -> Self {
            Self(method: .GET, segments: segments, query: query)
        }

        static func post(_ segments: String..., body: some Encodable) throws -> Self {
            Self(method: .POST, segments: segments, body: try APIJSON.encode(body))
        }

        static func put(_ segments: String..., body: some Encodable) throws -> Self {
            Self(method: .PUT, segments: segments, body: try APIJSON.encode(body))
        }

        static func post(_ segments: String...) -> Self { Self(method: .POST, segments: segments) }

        /// For messages.
        var what: String { "\(method.rawValue) \(target)" }

        /// The path with the query.
        var target: String {
            let path = (["", "v1"] + segments.map(percentEncoded)).joined(separator: "/")
            let pairs = query.map { "\($0.name)=\(percentEncoded($0.value))" }
            return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
        }

        /// With the passphrase in it, to be wiped when it was sent.
        var passphraseBuffer: ByteBuffer? {
            passphrase.map { secret in
                var buffer = ByteBuffer()
                buffer.reserveCapacity(secret.bytes.count)
                secret.bytes.withBytes { bytes in bytes.withUnsafeBytes { raw in _ = buffer.writeBytes(raw) } }
                return buffer
            }
        }

        func request(to socket: String) -> HTTPClientRequest {
            var request = HTTPClientRequest(url: "http+unix://\(percentEncoded(socket))\(target)")
            request.method = method
            request.headers.add(name: "Host", value: "localhost")
            for header in headers { request.headers.add(name: header.name, value: header.value) }
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(body)
            }
            return request
        }
    }

    /// Makes a call and reads its answer.
    ///
    /// - Throws: ``ControlClientError``, and `CancellationError` when the task is cancelled.
    func perform<Answer: Decodable & Sendable>(
        _ call: Call, as type: Answer.Type, within limit: Duration
    ) async throws -> Answer {
        try await exchange(call, within: limit) { body in
            let buffer = try await body.collect(upTo: Self.maximumAnswerBytes)
            return try APIJSON.decode(type, from: buffer.readableBytesView)
        }
    }

    /// Makes a call and lets `read` take the body of a successful answer.
    func exchange<Value: Sendable>(
        _ call: Call, within limit: Duration, read: @escaping @Sendable (HTTPClientResponse.Body) async throws -> Value
    ) async throws -> Value {
        let socket = try locator.locate()
        return try await translating(call, socket, limit) {
            try await withDeadline(limit) {
                try await read(try await open(call, at: socket, within: limit).body)
            }
        }
    }

    /// Makes a call whose answer is a stream: returns when its head is there.
    func stream(_ call: Call) async throws -> ServerSentEventSequence {
        let socket = try locator.locate()
        var call = call
        call.headers.append(("Accept", "text/event-stream"))
        let limit = timeouts.look
        let response = try await translating(call, socket, limit) { [call] in
            try await open(call, at: socket, within: limit)
        }
        return ServerSentEventSequence(
            body: response.body, socket: socket, what: call.what, silence: timeouts.silence)
    }

    /// Sends the request, once more while the manager's queue is full, and returns when a successful head is there.
    private func open(_ call: Call, at socket: String, within limit: Duration) async throws -> HTTPClientResponse {
        let deadline = NIODeadline.now() + .nanoseconds(limit.wholeNanoseconds)
        let passphrase = call.passphraseBuffer
        // When the answer's head is there the manager has read the body: nobody else reads this buffer any more.
        defer { if let passphrase { SecretOctets.wipe(passphrase) } }
        let response = try await retryingWhileBusy {
            var request = call.request(to: socket)
            if let passphrase {
                request.headers.replaceOrAdd(name: "Content-Type", value: "application/octet-stream")
                request.body = .bytes(passphrase)
            }
            return try await http.execute(request, deadline: deadline)
        }
        guard (200..<300).contains(response.status.code) else {
            let body = try await withDeadline(limit) {
                try await response.body.collect(upTo: Self.maximumErrorBytes)
            }
            throw ControlClientError(
                status: Int(response.status.code), body: body.readableBytesView, to: call.what)
        }
        return response
    }

    /// A Unix socket whose queue is full refuses with EAGAIN instead of letting the caller wait (`connect(2)`). Nothing
    /// has been sent then, so that trying again is safe for every call.
    private func retryingWhileBusy(
        _ operation: () async throws -> HTTPClientResponse
    ) async throws -> HTTPClientResponse {
        for pause in [10, 40, 160, 640] {
            do {
                return try await operation()
            } catch let error as IOError where error.errnoCode == EAGAIN {
                try await Task.sleep(for: .milliseconds(pause))
            }
        }
        return try await operation()
    }

    private func translating<Value: Sendable>(
        _ call: Call, _ socket: String, _ limit: Duration, _ operation: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await operation()
        } catch {
            throw ControlClientError.translating(error, socket: socket, what: call.what, limit: limit)
        }
    }
}

/// Everything but the unreserved characters as `%XX` (RFC 3986, section 2.1).
func percentEncoded(_ text: String) -> String {
    let unreserved = Set("-._~".utf8)
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        case _ where unreserved.contains(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
        default: result += "%" + Hexadecimal.encode([byte])
        }
    }
    return result
}
