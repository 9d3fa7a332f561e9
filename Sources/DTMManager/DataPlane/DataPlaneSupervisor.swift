import DTMCore
import DTMPlan
import DTMSecrets
import ServiceLifecycle
import Synchronization

/// Talks to the data plane: takes the links that the launcher hands over, one after the other, and carries messages
/// both ways.
final class DataPlaneSupervisor: Sendable {
    /// What is known of the data plane.
    struct Status: Hashable, Sendable {
        /// Nil while there is none.
        var pid: Int32?
        /// How its secrets are protected; nil while there is none.
        var memory: MemoryReport?
        var appliedVersion: UInt64 = 0
        var isDrained = false
        /// How many have said hello.
        var starts: UInt64 = 0
    }

    private let registry: TunnelRegistry
    private let certificates: CertificateService
    private let outbox: DataPlaneOutbox
    private let recorder: EventRecorder
    private let drainSeconds: Double
    private let memory: ManagerMemory
    private let desk: ProtectionDesk
    private let state = Mutex(Status())
    private let links: AsyncStream<ControlEnd>
    private let link: AsyncStream<ControlEnd>.Continuation
    private let current = Mutex<ControlEnd?>(nil)
    /// One that must not be told anything. Its link ends with this process: were it closed before, the launcher would
    /// start another data plane, to no avail.
    private let refused = Mutex<ControlEnd?>(nil)
    /// Notified when ``status`` changes.
    let changes = Signal()

    init(
        registry: TunnelRegistry, certificates: CertificateService, outbox: DataPlaneOutbox, recorder: EventRecorder,
        drainSeconds: Double, memory: ManagerMemory, desk: ProtectionDesk
    ) {
        self.memory = memory
        self.desk = desk
        self.registry = registry
        self.certificates = certificates
        self.outbox = outbox
        self.recorder = recorder
        self.drainSeconds = drainSeconds
        (links, link) = AsyncStream<ControlEnd>.makeStream(bufferingPolicy: .bufferingNewest(4))
    }

    var status: Status { state.withLock { $0 } }

    /// Takes over the socket to a data plane; one that was there before is given up.
    func adopt(_ descriptor: CInt) {
        do {
            let end = try ControlEnd(adopting: descriptor)
            current.withLock { $0 }?.close()
            link.yield(end)
        } catch {
            recorder.record(Event.Kind.dataPlaneLost, .error, ["reason": .string(error.message)])
        }
    }

    /// Drains the data plane: no new connections, and the end of the process when the last has ended or the time is
    /// over.
    private func drain() async {
        guard status.pid != nil, outbox.send(.drain(milliseconds: milliseconds(drainSeconds))) else { return }
        _ = await changes.first(within: .seconds(drainSeconds + 2)) { [self] in
            status.isDrained || status.pid == nil ? true : nil
        }
    }

    /// - Throws: `SecretsError` when this data plane protects secrets less than the configuration requires. It has been
    ///   told none then.
    private func serve(_ end: ControlEnd) async throws(SecretsError) {
        let inbox = DataPlaneInbox()
        do {
            try end.start(onMessage: { inbox.put($0) }, onEnd: { inbox.end($0) })
        } catch {
            return lost(error)
        }
        current.withLock { $0 = end }
        // A hello comes first, or the link ends: it is told nothing before.
        var batch = await inbox.next()
        if case .hello(let hello)? = batch.messages.first { try await greet(hello, at: end) }
        await handle(batch.messages)
        while !batch.isLast {
            batch = await inbox.next()
            await handle(batch.messages)
        }
        outbox.disconnect()
        current.withLock { $0 = nil }
        end.close()
        await registry.linkLost()
        lost(batch.failure)
    }

    private func greet(_ hello: DataPlaneHello, at end: ControlEnd) async throws(SecretsError) {
        do {
            try memory.admit(hello.memory)
        } catch {
            recorder.recordReduction(hello.memory, of: VerifiedProcess.dataPlane.rawValue, .error)
            current.withLock { $0 = nil }
            refused.withLock { $0 = end }
            throw error
        }
        recorder.recordReduction(hello.memory, of: VerifiedProcess.dataPlane.rawValue)
        outbox.connect(end)
        await registry.linkOpened()
    }

    private func handle(_ messages: [DataPlaneMessage]) async {
        for message in messages {
            switch message {
            case .hello(let hello): said(hello)
            case .planApplied(let version): state.withLock { $0.appliedVersion = version }
            case .certificateRequest(let subject, let der): await answer(der, for: subject)
            case .verified(let lapses): desk.take(lapses, of: .dataPlane)
            case .drained:
                state.withLock { $0.isDrained = true }
                changes.notify()
            default: break
            }
        }
        await registry.observe(messages)
    }

    private func said(_ hello: DataPlaneHello) {
        state.withLock { status in
            status.pid = hello.pid
            status.memory = hello.memory
            status.isDrained = false
            status.starts += 1
        }
        desk.dataPlaneStarted()
        recorder.record(
            Event.Kind.dataPlaneStarted, .notice,
            ["pid": .integer(Int64(hello.pid)), "memory": .string(hello.memory.name)])
        changes.notify()
    }

    private func lost(_ failure: PlanError?) {
        let wasExpected = state.withLock { status in
            defer {
                status.pid = nil
                status.memory = nil
            }
            return status.isDrained
        }
        desk.dataPlaneEnded()
        changes.notify()
        guard !wasExpected else { return }
        recorder.record(
            Event.Kind.dataPlaneLost, .error, ["reason": .string(failure?.message ?? "the process ended")])
    }

    private func answer(_ request: [UInt8], for subject: CredentialSubject) async {
        guard let record = await registry.record(subject.tunnel) else { return }
        do {
            let credential = try await certificates.issue(request, to: subject)
            outbox.send(.credential(subject, chain: credential.chain))
            if !subject.isProbe { await registry.certificateIssued(credential) }
            changes.notify()
            let isRenewal = credential.figures.renewals > 0
            recorder.record(
                isRenewal ? Event.Kind.certificateRenewed : Event.Kind.certificateIssued,
                subject.isProbe ? .debug : .info,
                tunnel: record.name,
                [
                    "serial": .string(credential.figures.serial.description),
                    "notAfter": .string(credential.figures.notAfter.rfc3339),
                    "role": .string(subject.isProbe ? "probe" : "listener"),
                ])
        } catch {
            recorder.record(
                Event.Kind.tunnelRotationFailed, .error, tunnel: record.name,
                ["step": "credential", "reason": .string(error.message)])
        }
    }
}

extension DataPlaneSupervisor: Service {
    /// Serves link after link; at the graceful shutdown drains the data plane and returns.
    ///
    /// - Throws: `SecretsError` when a data plane protects secrets less than the configuration requires.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                for await end in links { try await serve(end) }
            }
            group.addTask { [self] in
                try? await gracefulShutdown()
                if !Task.isCancelled { await drain() }
                link.finish()
                current.withLock { $0 }?.close()
            }
            // The first that fails ends the other.
            while try await group.next() != nil {}
        }
    }
}

extension CredentialSubject {
    var tunnel: TunnelID {
        switch self {
        case .listener(let id), .probe(let id): id
        }
    }
}
