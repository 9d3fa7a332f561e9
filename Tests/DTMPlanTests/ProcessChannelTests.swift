import CDTMLinux
import Glibc
import DTMSecrets
import Testing

@testable import DTMPlan

@Suite(.timeLimit(.minutes(1))) struct ProcessChannelTests {
    private enum Kind: Equatable { case link, drain, now, reload, ready, final, end }

    /// What came, without its descriptor.
    private func receive(_ channel: borrowing ProcessChannel) throws -> Kind {
        guard let message = try channel.receive() else { return .end }
        switch consume message {
        case .link: return .link
        case .drain: return .drain
        case .now: return .now
        case .reload: return .reload
        case .ready: return .ready
        case .final: return .final
        }
    }

    @Test("Messages arrive in order, and then the end")
    func messages() throws {
        let pair = try SocketPair.messages()
        let child = try ProcessChannel(adopting: pair.second)
        do {
            let launcher = try ProcessChannel(adopting: pair.first)
            try launcher.send(.drain)
            try launcher.send(.now)
            try launcher.send(.reload)
            try launcher.send(.ready)
            try launcher.send(.final)
        }
        for kind in [Kind.drain, .now, .reload, .ready, .final, .end, .end] { #expect(try receive(child) == kind) }
    }

    @Test("A link comes with its socket, which works and is closed on execve")
    func links() throws {
        let pair = try SocketPair.messages()
        let launcher = try ProcessChannel(adopting: pair.first)
        let child = try ProcessChannel(adopting: pair.second)
        let link = try SocketPair.stream()
        try launcher.send(.link(link.first))
        guard let message = try child.receive(), case .link(let received) = consume message else {
            throw PlanTestError.unexpectedMessage
        }
        let flags = fcntl(received.number, F_GETFD)
        #expect(flags & FD_CLOEXEC != 0)
        let control = try ControlEnd(adopting: received)
        let dataPlane = try DataPlaneEnd(adopting: link.second)
        let hello = DataPlaneHello(protocolVersion: PlanProtocol.version, pid: 9, memory: .init(backing: .secret))
        try dataPlane.send(.hello(hello))
        #expect(dataPlane.finish(within: .seconds(60)))
        var messages: [DataPlaneMessage] = []
        try control.run { messages.append($0) }
        #expect(messages == [.hello(hello)])
    }

    @Test("Sending to a process that has ended says so and raises no signal")
    func deadPeer() throws {
        let pair = try SocketPair.messages()
        let launcher = try ProcessChannel(adopting: pair.first)
        do { let _ = try ProcessChannel(adopting: pair.second) }
        var code: PlanError.Code?
        do throws(PlanError) { try launcher.send(.drain) } catch { code = error.code }
        #expect(code == .closed)
        #expect(try receive(launcher) == .end)
    }

    @Test("An unknown message, a link without a socket and a socket without a link are refused")
    func refuses() throws {
        let pair = try SocketPair.messages()
        let sender = pair.first.release()
        let child = try ProcessChannel(adopting: pair.second)
        #expect(dtm_send_descriptor(sender, 0x77, -1) == 0)
        expect(.type) { try receive(child) }
        #expect(dtm_send_descriptor(sender, 1, -1) == 0)
        expect(.descriptor) { try receive(child) }
        #expect(dtm_send_descriptor(sender, 2, sender) == 0)
        expect(.descriptor) { try receive(child) }
        #expect(send(sender, [2, 2] as [UInt8], 2, 0) == 2)
        expect(.system) { try receive(child) }
        #expect(dtm_send_descriptor(sender, 2, -1) == 0)
        #expect(try receive(child) == .drain)
        close(sender)
    }

    @Test("A stream socket is no channel")
    func refusesStreams() throws {
        let pair = try SocketPair.stream()
        let stream = pair.first.release()
        expect(.descriptor) { _ = try ProcessChannel(adopting: OwnedDescriptor(adopting: stream)) }
    }
}
