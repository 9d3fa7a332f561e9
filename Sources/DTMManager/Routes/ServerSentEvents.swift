import AsyncAlgorithms
import DTMAPI
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// One item of a stream (HTML Standard, section 9.2).
enum ServerSentItem: Sendable {
    case event(name: String, id: UInt64?, data: [UInt8])
    /// Clients pass over it; it shows that the connection lives.
    case comment(String)
    /// Nothing follows.
    case end

    static func event(_ name: String, id: UInt64? = nil, _ value: some Encodable) throws -> Self {
        .event(name: name, id: id, data: try APIJSON.encode(value))
    }

    var buffer: ByteBuffer {
        switch self {
        case .end: return ByteBuffer()
        case .comment(let text): return ByteBuffer(string: ": \(text)\n\n")
        case .event(let name, let id, let data):
            var buffer = ByteBuffer(string: "event: \(name)\n")
            if let id { buffer.writeString("id: \(id)\n") }
            buffer.writeString("data: ")
            buffer.writeBytes(data)
            buffer.writeString("\n\n")
            return buffer
        }
    }
}

/// Serves streams.
enum ServerSentEvents {
    /// Between two comments.
    static let heartbeat: Duration = .seconds(15)

    /// An answer that lasts until `items` end, the client goes, or the manager stops. Nothing piles up for a client
    /// that is slow: the next item is taken when the last was written.
    static func response<Items: AsyncSequence & Sendable>(
        to request: Request, _ items: Items
    ) -> Response where Items.Element == ServerSentItem, Items.Failure == Never, Items.AsyncIterator: SendableMetatype {
        let beats = AsyncTimerSequence(interval: heartbeat, clock: .continuous).map { _ in ServerSentItem.comment("") }
        let all = merge(chain(items, [ServerSentItem.end].async), beats).cancelOnGracefulShutdown()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    // The first bytes tell the client that the stream stands, also when nothing happens for long.
                    try await writer.write(ServerSentItem.comment("dtm").buffer)
                    for try await item in all {
                        if case .end = item { break }
                        try await writer.write(item.buffer)
                    }
                }
                try await writer.finish(nil)
            })
    }
}
