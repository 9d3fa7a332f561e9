import DTMAPI
import DTMCore
import Glibc

/// One attack, carried out by the attacking process: see ``Attack/title``.
struct AttackRun {
    let order: AttackOrder
    var report = AttackerReport()
    var dice: Dice
    private let begin = ContinuousClock.now
    /// What is kept open: who closes at once is harder to name, and holds nothing.
    private var held: [(socket: ProbeSocket, place: LoopbackPlace)] = []
    private var nextHeld = 0
    private let mostHeld: Int

    init(_ order: AttackOrder) {
        self.order = order
        dice = Dice(seed: order.seed)
        mostHeld = max(16, DescriptorLimit.raise(to: 65_536) - 64)
    }

    var ports: ClosedRange<UInt16> { order.lowestPort...max(order.lowestPort, order.highestPort) }
    var isOver: Bool { (ContinuousClock.now - begin).inSeconds >= order.limitSeconds }

    mutating func carryOut() {
        switch order.attack {
        case .rangeSweep: sweep(ports)
        case .fullSweep:
            sweep(1...UInt16.max)
            probeRandomPlaces()
        case .procReader, .slowScan: probeListed()
        case .replay: connectToPlace(saying: .silence)
        case .bypass:
            if let path = order.path { connectToUnixSocket(path) } else { connectToPlace(saying: .text) }
        case .squatter: squat()
        case .flood: flood()
        case .follower: follow()
        case .expiredCertificate: showExpired()
        }
        for entry in held { judge(entry.socket.receiveNow(), from: entry.place.description) }
    }

    // MARK: Scanners

    private mutating func sweep(_ ports: ClosedRange<UInt16>) {
        for port in ports where !isOver {
            guard let place = LoopbackPlace(address: LoopbackPlace.first, port: port) else { continue }
            probe(place)
        }
    }

    private mutating func probeRandomPlaces() {
        for _ in 0..<order.count where !isOver {
            guard let place = randomPlace() else { continue }
            probe(place)
        }
    }

    private mutating func probeListed() {
        for place in sockets().listeners.shuffled(using: &dice).prefix(order.count) where !isOver { probe(place) }
    }

    /// Any of the range at any hopping address.
    private mutating func randomPlace() -> LoopbackPlace? {
        LoopbackPlace(
            address: UInt32.random(in: 0x7f00_0100...0x7fff_fffe, using: &dice),
            port: UInt16.random(in: ports, using: &dice))
    }

    func sockets() -> SocketList {
        SocketList((try? TextFile.read("/proc/net/tcp")) ?? "", ports: ports)
    }

    private mutating func probe(_ place: LoopbackPlace) {
        pace()
        report.probe(at: WallClock().now().milliseconds)
        guard let socket = ProbeSocket.connect(to: place), socket.ownEnd != place else { return }
        answer(place)
        socket.send(Array("PING\r\n".utf8))
        keep(socket, at: place)
    }

    /// Waits for the moment of the next probe.
    private func pace() {
        guard order.rate > 0 else { return }
        let due = begin + .seconds(Double(report.probes) / order.rate)
        let left = due - ContinuousClock.now
        if left > .zero { usleep(UInt32(clamping: left.wholeNanoseconds / 1_000)) }
    }

    // MARK: One place

    private mutating func connectToPlace(saying opening: Opening) {
        guard let place = order.place.flatMap({ LoopbackPlace($0) }) else { return }
        report.probe(at: WallClock().now().milliseconds)
        guard let socket = ProbeSocket.connect(to: place) else { return }
        answer(place)
        socket.send(opening.bytes(&dice) ?? [])
        // Long enough for a look of the inventory at who is connected.
        judge(socket.receive(), from: place.description)
        keep(socket, at: place)
    }

    /// An application behind a Unix socket has no port: its folder's mode says who comes in.
    private mutating func connectToUnixSocket(_ path: String) {
        report.probe(at: WallClock().now().milliseconds)
        guard let connection = UnixConnection(path: path) else { return }
        connection.send(Array("PING\r\n".utf8))
        judge(connection.answer(), from: "unix:\(path)")
    }

    private mutating func squat() {
        for place in sockets().listeners where !isOver {
            report.probe(at: WallClock().now().milliseconds)
            guard let socket = ProbeSocket.listen(at: place) else { continue }
            report.taken += 1
            keep(socket, at: place)
        }
        for _ in 0..<order.count where !isOver {
            guard let place = randomPlace(), let socket = ProbeSocket.listen(at: place) else { continue }
            report.probe(at: WallClock().now().milliseconds)
            answer(place)
            keep(socket, at: place)
        }
    }

    // MARK: The live endpoint

    /// Listeners that somebody else than this process is connected through. Waits until there is one.
    private mutating func followed() -> [LoopbackPlace] {
        while !isOver {
            let places = sockets().followed(without: Set(held.compactMap(\.socket.ownEnd)))
            if !places.isEmpty { return places }
            usleep(20_000)
        }
        report.problem = "nobody was connected: there was no one to follow"
        return []
    }

    private mutating func flood() {
        let places = followed()
        guard !places.isEmpty else { return }
        let count = min(order.count, mostHeld)
        while report.probes < count, !isOver {
            for place in places {
                report.probe(at: WallClock().now().milliseconds)
                // Behind a queue that is full there is no second wait: the flood is as good as it gets.
                guard let socket = ProbeSocket.connect(to: place, patience: 100) else { continue }
                answer(place)
                socket.send(Opening.firstHalf(&dice))
                keep(socket, at: place)
            }
        }
    }

    private mutating func follow() {
        let tls = TLSAttempts()
        defer { tls.end() }
        guard let contexts = try? openingContexts() else {
            report.problem = "its TLS could not be set up"
            return
        }
        var places: [LoopbackPlace] = []
        while report.probes < order.count, !isOver {
            let turn = report.probes % Opening.allCases.count
            // It moves on, and its clients show where to.
            if turn == 0 || places.isEmpty { places = followed() }
            guard let place = places.randomElement(using: &dice) else { return }
            report.probe(at: WallClock().now().milliseconds)
            answer(place)
            if let context = contexts[Opening.allCases[turn]] {
                if tls.isLetIn(at: place, context) { report.accepted += 1 }
            } else if let socket = ProbeSocket.connect(to: place) {
                socket.send(Opening.allCases[turn].bytes(&dice) ?? [])
                keep(socket, at: place, atMost: 64)
            } else {
                places = []
            }
        }
    }

    private func openingContexts() throws -> [Opening: TLSContext] {
        [
            .noCertificate: try TLSAttempts.context(nil),
            .otherProtocol: try TLSAttempts.context(nil, protocolName: "http/1.1"),
            .foreignCertificate: try TLSAttempts.context(try TLSAttempts.foreignCredential()),
        ]
    }

    private mutating func showExpired() {
        do {
            let theft = try StolenCertificate()
            let tls = TLSAttempts()
            defer { tls.end() }
            let context = try TLSAttempts.context((theft.chain, theft.key))
            guard let place = LoopbackPlace(theft.place) else { return }
            for _ in 0..<order.count where !isOver {
                report.probe(at: WallClock().now().milliseconds)
                answer(place)
                if tls.isLetIn(at: place, context) { report.accepted += 1 }
            }
        } catch {
            report.problem = "\(error)"
        }
    }

    // MARK: What is kept

    private mutating func answer(_ place: LoopbackPlace) {
        report.answer(place.description, at: WallClock().now().milliseconds)
    }

    private mutating func keep(_ socket: ProbeSocket, at place: LoopbackPlace, atMost most: Int? = nil) {
        let most = min(mostHeld, most ?? mostHeld)
        if held.count < most { return held.append((socket, place)) }
        let index = nextHeld % most
        nextHeld += 1
        judge(held[index].socket.receiveNow(), from: held[index].place.description)
        held[index] = (socket, place)
    }

    private mutating func judge(_ answer: [UInt8], from place: String) {
        if Opening.isForeign(answer) { report.foreign.insert(place) }
    }
}
