import DTMCore
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import DTMTunnel

@Suite("Closing a connection")
struct TransportHandlerTests {
    /// A NIO channel with a ``TransportHandler`` and the other end of it.
    private func withPair(_ body: (any Channel, BlockingSocket) async throws -> Void) async throws {
        let server = try BlockingServer()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(TransportHandler()) }
            }
            .connect(to: server.endpoint.socketAddress).get()
        try await body(channel, try server.accept())
        try? await channel.close()
    }

    /// Far more than the buffers of both sockets.
    private static let much = 32 << 20

    @Test("loses nothing that was written, though the peer is slow to read")
    func nothingIsLost() async throws {
        try await withPair { channel, peer in
            channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
            channel.close(promise: nil)
            #expect(peer.receive(exactly: Self.much)?.count == Self.much)
            #expect(peer.receive() == [])
            try await channel.closeFuture.get()
        }
    }

    @Test("a second close waits for what the first one waits for")
    func closedTwice() async throws {
        try await withPair { channel, peer in
            channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
            let first = channel.closeFuture
            channel.close(promise: nil)
            let second = channel.eventLoop.makePromise(of: Void.self)
            channel.close(promise: second)
            #expect(peer.receive(exactly: Self.much)?.count == Self.much)
            #expect(peer.receive() == [])
            try await first.get()
            try await second.futureResult.get()
        }
    }

    @Test("breaking off is a reset, also in the middle of a close that waits")
    func abort() async throws {
        for closesFirst in [false, true] {
            try await withPair { channel, peer in
                channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
                let closed = channel.eventLoop.makePromise(of: Void.self)
                if closesFirst { channel.close(promise: closed) } else { closed.succeed() }
                channel.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
                try await channel.closeFuture.get()
                #expect(peer.receiveAll() == nil)
                // Whoever asked for the close is told.
                try? await closed.futureResult.get()
            }
        }
    }

    @Test("ends by itself when the peer goes away meanwhile")
    func peerGoes() async throws {
        try await withPair { channel, peer in
            channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
            channel.close(promise: nil)
            peer.reset()
            try await channel.closeFuture.get()
            #expect(!channel.isActive)
        }
    }

    @Test("ends by itself when the peer does not read for too long")
    func lingerLimit() async throws {
        let server = try BlockingServer()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TransportHandler(lingerLimit: .milliseconds(100)))
                }
            }
            .connect(to: server.endpoint.socketAddress).get()
        let peer = try server.accept()
        channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
        channel.close(promise: nil)
        try await channel.closeFuture.get()
        // What the kernel had taken is all there is.
        #expect((peer.receiveAll()?.count ?? 0) < Self.much)
    }
}
