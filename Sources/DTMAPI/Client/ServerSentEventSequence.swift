import AsyncHTTPClient
import DTMCore
import NIOCore

/// The events of one answer. Ends when the server ends the answer; throws ``ControlClientError`` when it breaks off or
/// falls silent.
struct ServerSentEventSequence: AsyncSequence, Sendable {
    typealias Element = ServerSentEvent

    let body: HTTPClientResponse.Body
    let socket: String
    let what: String
    let silence: Duration

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: body.makeAsyncIterator(), socket: socket, what: what, silence: silence)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: HTTPClientResponse.Body.AsyncIterator
        let socket: String
        let what: String
        let silence: Duration
        var parser = ServerSentEventParser()
        /// What one chunk brought and nobody has taken yet, the last first.
        var pending: [ServerSentEvent] = []

        mutating func next() async throws -> ServerSentEvent? {
            while pending.isEmpty {
                guard let chunk = try await nextChunk() else { return nil }
                pending = try events(of: chunk).reversed()
            }
            return pending.removeLast()
        }

        private mutating func nextChunk() async throws -> ByteBuffer? {
            do {
                return try await base.next()
            } catch {
                throw ControlClientError.translating(error, socket: socket, what: what, limit: silence)
            }
        }

        private mutating func events(of chunk: ByteBuffer) throws -> [ServerSentEvent] {
            do {
                return try parser.append(chunk.readableBytesView)
            } catch {
                throw ControlClientError.incompatible(what, cause: error)
            }
        }
    }
}
