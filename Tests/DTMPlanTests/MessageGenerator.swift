import DTMTestSupport
import DTMCore
import DTMPlan
import DTMSecrets

/// Random messages of every kind, within the bounds of the protocol and often at their edges.
struct MessageGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: 0
        case 1: .max
        case 2: .min
        default: .random(in: .min ... .max, using: &random)
        }
    }

    mutating func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func bytes(_ lengths: ClosedRange<Int>) -> [UInt8] { (0..<count(lengths)).map { _ in integer() } }

    mutating func text(_ lengths: ClosedRange<Int>) -> String {
        random.text(of: "abcdef019.-_/: éß漢", lengths: lengths)
    }

    mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? {
        Bool.random(using: &random) ? make(&self) : nil
    }

    mutating func list<Value>(_ counts: ClosedRange<Int>, _ make: (inout Self) -> Value) -> [Value] {
        (0..<count(counts)).map { _ in make(&self) }
    }

    mutating func any<Value>(_ values: [Value], or other: Value) -> Value {
        values.randomElement(using: &random) ?? other
    }

    mutating func tunnel() -> TunnelID { TunnelID(high: integer(), low: integer()) }

    mutating func time() -> Timestamp { Timestamp(nanoseconds: integer()) }

    mutating func endpoint(ports: ClosedRange<UInt16> = 0...65_535) -> Endpoint {
        Endpoint(
            address: Bool.random(using: &random) ? .v4(integer()) : .v6(high: integer(), low: integer()),
            port: .random(in: ports, using: &random))
    }

    mutating func turn() -> ScheduleTurn { ScheduleTurn(epoch: integer(), generation: integer()) }

    mutating func subject() -> CredentialSubject {
        Bool.random(using: &random) ? .listener(tunnel()) : .probe(tunnel())
    }
}

extension MessageGenerator {
    mutating func schedule() -> ScheduleParameters {
        let lowest: UInt16 = integer()
        return ScheduleParameters(
            intervalMilliseconds: .random(in: 200 ... .max, using: &random), lowestPort: lowest,
            highestPort: .random(in: lowest ... .max, using: &random),
            skippedPorts: Set(list(0...20) { $0.integer(UInt16.self) }).sorted(),
            addressMode: any(AddressMode.allCases, or: .hop))
    }

    mutating func tunnelPlan() -> TunnelPlan {
        TunnelPlan(
            id: tunnel(), schedule: schedule(), overlapMilliseconds: integer(), generation: integer(),
            target: Bool.random(using: &random)
                ? .tcp(list(1...16) { $0.endpoint(ports: 1...65_535) }) : .unix(path: "/" + text(0...30)),
            proxyProtocol: .random(using: &random),
            limits: TunnelLimits(
                maximumConnections: integer(), handshakeTimeoutMilliseconds: integer(),
                connectTimeoutMilliseconds: integer(),
                idleTimeoutMilliseconds: integer(), maximumAgeMilliseconds: integer()),
            decoys: .random(in: 0...1_000, using: &random))
    }

    mutating func plan() -> Plan {
        Plan(
            version: integer(), trustDomain: text(1...60), trustBundle: list(0...3) { $0.bytes(1...40) },
            revokedSerials: list(0...5) { $0.bytes(1...20) }.compactMap(SerialNumber.init(bytes:)),
            revokedIdentities: list(0...4) { $0.text(1...40) },
            throttledIdentities: list(0...4) { $0.text(1...40) },
            maximumLeafLifetimeSeconds: .random(in: 1...UInt32(Int32.max), using: &random),
            maximumConnections: integer(), verificationMilliseconds: .random(in: 1_000...3_600_000, using: &random),
            tunnels: Dictionary(grouping: list(0...4) { $0.tunnelPlan() }, by: \.id).compactMap { $0.value.first })
    }

    /// One of every kind but the window key, which has no form in ordinary bytes.
    mutating func controlMessages() -> [ControlMessage] {
        [
            .hello(
                ControlHello(protocolVersion: PlanProtocol.version, anchor: ClockAnchor(offsetNanoseconds: integer()))),
            .plan(plan()),
            .credential(subject(), chain: list(1...4) { $0.bytes(1...60) }),
            .drain(milliseconds: integer()),
            .renew(subject()),
        ]
    }

    mutating func flow() -> FlowRecord {
        FlowRecord(
            tunnel: tunnel(), connection: integer(), identity: text(0...80), startedAt: time(), endedAt: time(),
            bytesIn: integer(), bytesOut: integer(), ending: any(FlowRecord.Ending.allCases, or: .finished),
            owner: maybe { SocketOwner(uid: $0.integer(), inode: $0.integer()) })
    }

    mutating func flowStart() -> FlowStart {
        FlowStart(
            tunnel: tunnel(), connection: integer(), identity: text(0...80), startedAt: time(),
            peer: maybe { $0.endpoint() }, local: endpoint(),
            owner: maybe { SocketOwner(uid: $0.integer(), inode: $0.integer()) },
            targetSide: maybe { $0.endpoint() })
    }

    mutating func incident() -> Incident {
        Incident(
            tunnel: maybe { $0.tunnel() }, kind: any(Incident.Kind.allCases, or: .decoyTouched), at: time(),
            count: integer(),
            peer: maybe { $0.endpoint() }, local: maybe { $0.endpoint() }, identity: maybe { $0.text(0...60) },
            reason: text(0...100), cause: maybe { $0.any(Incident.Cause.allCases, or: .gone) },
            owner: maybe { SocketOwner(uid: $0.integer(), inode: $0.integer()) },
            sent: maybe { SentBytes(count: $0.integer(), first: $0.bytes(0...64)) })
    }

    mutating func rotation() -> RotationReport {
        RotationReport(
            tunnel: tunnel(), turn: turn(), endpoint: endpoint(), candidate: integer(),
            previous: maybe { $0.endpoint() },
            nextAt: time(), switchMicroseconds: integer(), handshakeMicroseconds: integer())
    }

    mutating func counters() -> TunnelCounters {
        TunnelCounters(
            active: integer(), total: integer(), rejected: integer(), failed: integer(), bytesIn: integer(),
            bytesOut: integer(), decoys: integer())
    }

    mutating func memory() -> MemoryReport {
        MemoryReport(backing: maybe { $0.any(MemoryProtection.Backing.allCases, or: .locked) }, refusalCode: integer())
    }

    /// One of every kind.
    mutating func dataPlaneMessages() -> [DataPlaneMessage] {
        [
            .hello(DataPlaneHello(protocolVersion: PlanProtocol.version, pid: integer(), memory: memory())),
            .planApplied(version: integer()),
            .certificateRequest(subject(), der: bytes(1...100)),
            .windowKeyWanted(tunnel: tunnel(), window: integer()),
            .rotated(rotation()),
            .rotationFailed(
                RotationFailure(
                    tunnel: tunnel(), turn: turn(), step: any(["key", "bind", "credential", "handshake"], or: "key"),
                    reason: text(0...60))),
            .listeners(
                tunnel: tunnel(),
                list(0...12) { ListenerReport(endpoint: $0.endpoint(), role: $0.any(ListenerRole.allCases, or: .live)) }
            ),
            .flowBegan(flowStart()),
            .flow(flow()),
            .incident(incident()),
            .counters(tunnel: tunnel(), counters()),
            .verified(list(0...4) { $0.text(0...60) }),
            .drained,
        ]
    }
}
