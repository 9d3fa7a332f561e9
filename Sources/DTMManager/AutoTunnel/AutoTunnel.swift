import DTMConfiguration
import DTMCore
import DTMPolicy
import ServiceLifecycle

/// Gives every application that listens and that policy admits a tunnel of its own accord, and takes it away a grace
/// period after the application is gone.
///
/// Life: construct → ``run()`` beside the service that looks at the host and calls ``take(_:)``.
actor AutoTunnel: Service {
    /// What one look at the host found.
    struct Look: Sendable {
        var processes: [ApplicationObservation]
        var unattributed: [ObservedListener]
        var own: OwnParts
    }

    private let registry: TunnelRegistry
    private let protection: Protection
    private let configuration: ConfigurationKeeper
    private let recorder: EventRecorder
    private let clock: any TimeSource
    private var ledger = AutoTunnelLedger()
    private let switchState: AutoTunnelSwitch
    private let looks: AsyncStream<Look>
    private let sink: AsyncStream<Look>.Continuation

    init(
        registry: TunnelRegistry, protection: Protection, configuration: ConfigurationKeeper, recorder: EventRecorder,
        clock: any TimeSource, switchState: AutoTunnelSwitch
    ) {
        self.registry = registry
        self.protection = protection
        self.configuration = configuration
        self.recorder = recorder
        self.clock = clock
        self.switchState = switchState
        // A look that nobody took in time says nothing that the next does not.
        (looks, sink) = AsyncStream<Look>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes what a look found; returns at once.
    nonisolated func take(_ look: Look) { sink.yield(look) }

    func run() async throws {
        await withDiscardingTaskGroup { tasks in
            for await look in looks.cancelOnGracefulShutdown() { await decide(look, &tasks) }
            tasks.cancelAll()
        }
    }

    private func decide(_ look: Look, _ tasks: inout DiscardingTaskGroup) async {
        let settings = await configuration.current.configuration
        let records = await registry.records
        let made = ledger.tunnels
        let policy = settings.autoTunnel.policy
        let sightings = PortSurvey.sightings(
            look.processes, unattributed: look.unattributed, policy: policy, own: look.own
        ) { place in
            records.contains { record in
                !made.contains(record.id) && place.listeners.contains { $0.isBehind(record) }
            }
        }
        let steps = ledger.look(
            sightings, policy: policy, limits: settings.autoTunnel.limits, makesNew: switchState.isOn(settings),
            standing: Set(records.map(\.id)),
            at: clock.now())
        for step in steps { await perform(step, &tasks) }
    }

    private func perform(_ step: AutoTunnelLedger.Step, _ tasks: inout DiscardingTaskGroup) async {
        switch step {
        case .protect(let port, let target, let holder, let reason):
            // Waiting for its first endpoint must not hold up the removal of another.
            tasks.addTask { await self.protect(port, target, holder, reason) }
        case .remove(let tunnel, let port, let reason):
            let name = await registry.record(tunnel)?.name
            recorder.record(
                Event.Kind.autoTunnelRemoved, .notice, tunnel: name,
                ["port": .integer(Int64(port)), "reason": .string(reason)])
            await protection.remove(tunnel)
        case .limitReached(let port, let holder):
            recorder.record(
                Event.Kind.autoTunnelFailed, .warning, app: holder.application,
                [
                    "port": .integer(Int64(port)),
                    "reason": .string(
                        "there are as many automatic tunnels as there may be (autoTunnel.maximumTunnels, "
                            + "autoTunnel.maximumPerApplication): further listeners of \(holder) get none"),
                ])
        case .changedHands(let port, let former, let present):
            recorder.record(
                Event.Kind.portChangedHands, .warning, app: former.application,
                [
                    "port": .integer(Int64(port)), "from": .string("\(former)"), "to": .string("\(present)"),
                    "effect":
                        "no tunnel leads there until the first holder is back; dtm protect HOST:PORT decides otherwise",
                ])
        }
    }

    private func protect(_ port: UInt16, _ target: Target, _ holder: PortHolder, _ reason: String) async {
        do {
            let record = try await protection.protectAutomatically(target, port: port, holder: holder)
            ledger.made(record.id, at: port)
            recorder.record(
                Event.Kind.autoTunnelMade, .notice, tunnel: record.name, app: holder.application,
                ["port": .integer(Int64(port)), "reason": .string(reason)])
        } catch {
            ledger.failed(port: port, at: clock.now())
            recorder.record(
                Event.Kind.autoTunnelFailed, .warning, app: holder.application,
                ["port": .integer(Int64(port)), "reason": .string(error.message)])
        }
    }
}
