import DTMTestSupport
import DTMCore
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import DTMTunnel

@Suite("Closing a connection")
struct TransportHandlerTests {
    /// A NIO channel with a ``TransportHandler`` and the other end of it.
    private func withPair(
        lingerLimit: TimeAmount = .minutes(10), _ body: (any Channel, BlockingSocket) async throws -> Void
    ) async throws {
        let server = try BlockingServer()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TransportHandler(lingerLimit: lingerLimit))
                }
            }
            .connect(to: server.endpoint.socketAddress).get()
        try await body(channel, try server.accept())
        channel.triggerUserOutboundEvent(TransportHandler.Request.abort, promise: nil)
        try? await channel.closeFuture.get()
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

    @Test("closing the output loses nothing either, whether the peer has ended before or does meanwhile")
    func outputAlone() async throws {
        for endsBefore in [true, false] {
            try await withPair { channel, peer in
                if endsBefore { peer.endSending() }
                channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
                channel.close(mode: .output, promise: nil)
                if !endsBefore { peer.endSending() }
                #expect(peer.receive(exactly: Self.much)?.count == Self.much)
                #expect(peer.receive() == [])
                try await channel.closeFuture.get()
            }
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

    @Test("a peer that takes nothing for too long gets a reset, never a clean end of half of it")
    func lingerLimit() async throws {
        for mode in [CloseMode.all, .output] {
            try await withPair(lingerLimit: .milliseconds(100)) { channel, peer in
                channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
                channel.close(mode: mode, promise: nil)
                try await channel.closeFuture.get()
                #expect(peer.receiveAll() == nil)
            }
        }
    }

    @Test("a peer that is slow and takes something now and then gets all")
    func slowPeer() async throws {
        try await withPair(lingerLimit: .milliseconds(100)) { channel, peer in
            channel.writeAndFlush(ByteBuffer(repeating: 5, count: Self.much), promise: nil)
            channel.close(promise: nil)
            var received = 0
            while let bytes = peer.receive(1 << 20), !bytes.isEmpty {
                received += bytes.count
                // The peer is slow on purpose: nothing is waited for.
                poll(nil, 0, 5)
            }
            #expect(received == Self.much)
        }
    }
}
