import Glibc
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Overwrites window keys in the HTTP server's buffers as soon as the kernel has them.
///
/// NIO hands the buffer of a body on to the socket as it is, and frees it afterwards with what it holds. Nobody else has
/// these buffers: each is made for one answer. What the kernel keeps until the client has read it is out of reach.
final class AnswerWipe: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The type of body that holds secrets, and of no other.
    static let secretType = "application/octet-stream"

    private var isSecret = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isSecret = head.headerFields[.contentType] == Self.secretType
        case .body(let buffer) where isSecret:
            let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
            context.write(data, promise: promise)
            // Written, or never to be: a connection that breaks fails the promise.
            return promise.futureResult.whenComplete { _ in Self.wipe(buffer) }
        case .body, .end: break
        }
        context.write(data, promise: promise)
    }

    /// In place: to write to a buffer whose storage somebody shares would copy it first, and wipe the copy.
    static func wipe(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
