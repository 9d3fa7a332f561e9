import DTMCore
import NIOCore
import NIOSSL
import NIOTLS

/// What came of one attempt at one endpoint.
enum AttemptOutcome {
    /// Ours: what the server sent after its status frame is the application's.
    case accepted(any Channel, early: ByteBuffer)
    case moved([Endpoint])
    case refused(StatusFrame.Refusal, reason: String)
    /// Nothing listens there, or it does not answer.
    case unreachable
    /// It took the connection and sent nothing, or no whole handshake, until the time was up.
    case silent
    /// Another tunnel of the same manager.
    case otherTunnel
    /// Somebody who is not of our manager.
    case impostor(reason: String)
    /// The server turned our certificate down.
    case identityNotAccepted
}

/// A client's end of a handshake, up to the status frame. Belongs to the event loop of its channel.
final class ClientHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let check: PeerCheck
    private let outcome: EventLoopPromise<AttemptOutcome>
    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?
    private var received = ByteBuffer()
    private var handshakeIsComplete = false
    private var isDone = false

    init(check: PeerCheck, outcome: EventLoopPromise<AttemptOutcome>, timeout: TimeAmount) {
        self.check = check
        self.outcome = outcome
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.finish(context, self.handshakeIsComplete ? .unreachable : .silent)
        }
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { finish(context, .unreachable) }

    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard !isDone, handshakeIsComplete else { return }
        do {
            guard let frame = try StatusFrame.read(from: &received) else {
                context.read()
                return
            }
            conclude(context, frame)
        } catch {
            finish(context, .impostor(reason: "the server sent no status frame"))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            guard case .success? = check.verdict, negotiated == TunnelTLS.applicationProtocol else {
                finish(context, .impostor(reason: "the server showed no certificate, or speaks another protocol"))
                return
            }
            handshakeIsComplete = true
            context.read()
        } else if case .inputClosed? = event as? ChannelEvent, !isDone {
            finish(context, .unreachable)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDone else { return }
        finish(context, outcome(of: error))
    }

    func channelInactive(context: ChannelHandlerContext) { finish(context, .unreachable) }

    private func outcome(of error: any Error) -> AttemptOutcome {
        if handshakeIsComplete {
            // TLS 1.3: the server's verdict on our certificate comes after our handshake is complete, as an alert.
            return error is BoringSSLError ? .identityNotAccepted : .unreachable
        }
        switch check.verdict {
        case .failure(let refusal)?:
            return refusal.code == "wrongTunnel" ? .otherTunnel : .impostor(reason: refusal.message)
        case .success?: return .unreachable
        case nil:
            guard case .handshakeFailed(.sslError(let stack))? = error as? NIOSSLError,
                !String(describing: stack).contains("eof"), !String(describing: stack).contains("EOF")
            else { return .unreachable }
            return .impostor(reason: "the server does not speak TLS 1.3 as a tunnel does")
        }
    }

    private func conclude(_ context: ChannelHandlerContext, _ frame: StatusFrame) {
        switch frame {
        case .accepted:
            isDone = true
            timer?.cancel()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            outcome.succeed(.accepted(context.channel, early: received))
        case .moved(let endpoints): finish(context, .moved(endpoints))
        case .refused(let refusal, let reason): finish(context, .refused(refusal, reason: reason))
        }
    }

    private func finish(_ context: ChannelHandlerContext, _ result: AttemptOutcome) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        outcome.succeed(result)
        // The server's goodbye has to be read, or closing waits for it until it gives up.
        context.read()
        context.close(promise: nil)
    }
}
