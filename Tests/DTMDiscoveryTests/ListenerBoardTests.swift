import DTMCore
@testable import DTMDiscovery
import Testing

@Suite("Who listens where, from look to look")
struct ListenerBoardTests {
    private let place = ObservedListener.Place.ip(Endpoint(address: .v4(0x7f00_0001), port: 6_379))

    private func listener(_ inode: UInt64, _ transport: SocketTransport = .tcp, port: UInt16 = 6_379)
        -> ObservedListener
    {
        ObservedListener(
            transport: transport, place: .ip(Endpoint(address: .v4(0x7f00_0001), port: port)), uid: 7, inode: inode)
    }

    private func owner(_ pid: Int32, start: UInt64 = 1, uid: UInt32 = 7, _ executable: String? = "/bin/a")
        -> ListenerOwner
    {
        ListenerOwner(
            process: ProcessIdentity(pid: pid, startTicks: start), uid: uid, executable: executable, application: "a")
    }

    private func settle(_ board: inout ListenerBoard, _ owners: [UInt64: ListenerOwner]) -> [InventoryEvent] {
        var events: [InventoryEvent] = []
        board.settle(tick: 1, owner: { owners[$0] }, &events)
        return events
    }

    @Test("A listener begins and ends once")
    func life() {
        var board = ListenerBoard(limits: InventoryLimits())
        board.add(listener(1))
        #expect(settle(&board, [1: owner(40)]) == [.startedListening(listener(1), owner: owner(40))])
        #expect(settle(&board, [1: owner(40)]).isEmpty)
        board.remove(listener(1))
        #expect(settle(&board, [:]) == [.stoppedListening(listener(1), owner: owner(40))])
        #expect(board.inodes.isEmpty)
    }

    @Test("Several sockets of one place are one listener, whose owner is the earliest")
    func shared() {
        var board = ListenerBoard(limits: InventoryLimits())
        board.add(listener(1))
        board.add(listener(2))
        let owners = [1: owner(41, start: 9), 2: owner(42, start: 3)] as [UInt64: ListenerOwner]
        #expect(settle(&board, owners) == [.startedListening(listener(1), owner: owner(42, start: 3))])
        board.remove(listener(1))
        #expect(settle(&board, owners).isEmpty)
    }

    @Test("Another holder of the same place took it over, be it at once, after a while, or by another socket")
    func takeovers() {
        var board = ListenerBoard(limits: InventoryLimits())
        board.add(listener(1))
        _ = settle(&board, [1: owner(40)])
        board.touch(1)
        let second = owner(50, uid: 8)
        #expect(
            settle(&board, [1: second]) == [
                .takenOver(listener(1), from: owner(40), to: second, [.process, .user])
            ])
        board.remove(listener(1))
        board.add(listener(2))
        let third = owner(60, uid: 8, "/bin/evil")
        #expect(
            settle(&board, [2: third]) == [
                .takenOver(listener(2), from: second, to: third, [.process, .executable])
            ])
        board.remove(listener(2))
        _ = settle(&board, [:])
        board.add(listener(3))
        let fourth = owner(70)
        #expect(
            settle(&board, [3: fourth]) == [
                .startedListening(listener(3), owner: fourth),
                .takenOver(listener(3), from: third, to: fourth, [.process, .user, .executable]),
            ])
    }

    @Test("An owner that becomes known later is told, and compared with the one before")
    func identifiedLater() {
        var board = ListenerBoard(limits: InventoryLimits())
        board.add(listener(1))
        #expect(settle(&board, [:]) == [.startedListening(listener(1), owner: nil)])
        board.touch(1)
        #expect(settle(&board, [1: owner(40)]) == [.identified(listener(1), owner: owner(40))])
        board.touch(1)
        #expect(settle(&board, [:]).isEmpty)
        board.touch(1)
        let other = owner(50, start: 5)
        #expect(settle(&board, [1: other]) == [.takenOver(listener(1), from: owner(40), to: other, [.process])])
    }

    @Test("A UDP port of the kernel's choice is not taken over by whoever gets it next")
    func ephemeral() {
        var board = ListenerBoard(limits: InventoryLimits())
        board.add(listener(1, .udp, port: 40_000))
        _ = settle(&board, [1: owner(40)])
        board.remove(listener(1, .udp, port: 40_000))
        _ = settle(&board, [:])
        board.add(listener(2, .udp, port: 40_000))
        #expect(settle(&board, [2: owner(41)]).count == 1)
    }

    @Test("Peers are told once, and no more than are told apart")
    func peers() {
        var limits = InventoryLimits()
        limits.peers = 2
        var board = ListenerBoard(limits: limits)
        board.add(listener(1))
        _ = settle(&board, [:])
        var events: [InventoryEvent] = []
        for uid in [1, 1, 2, 3, 2] as [UInt32] { board.accept(1, peer: .user(uid), process: nil, &events) }
        #expect(events.count == 2)
        #expect(board.wasTruncated)
    }

    @Test("Places that nobody listens at any more are forgotten when there are too many")
    func departed() {
        var limits = InventoryLimits()
        limits.departedPlaces = 8
        var board = ListenerBoard(limits: limits)
        for round in 1...100 as ClosedRange<UInt16> {
            board.add(listener(UInt64(round), port: round))
            _ = settle(&board, [UInt64(round): owner(40)])
            board.remove(listener(UInt64(round), port: round))
            var events: [InventoryEvent] = []
            board.settle(tick: UInt64(round), owner: { _ in nil }, &events)
        }
        board.add(listener(200, port: 100))
        let last = owner(41, start: 2)
        #expect(settle(&board, [200: last]).count == 2)
        board.add(listener(201, port: 1))
        #expect(settle(&board, [201: last]).count == 1)
    }

    @Test("An executable that can't be read is not taken for another; the application's name stands in for it")
    func unreadableExecutable() {
        #expect(owner(40, nil).differences(from: owner(40)).isEmpty)
        var other = owner(40, nil)
        other.application = "b"
        #expect(other.differences(from: owner(40)) == [.executable])
    }
}
