import DTMConfiguration
import DTMCore
import DTMDiscovery
import DTMPlan
import ServiceLifecycle

/// Looks at the host once an interval, records what changed, and passes the picture on to auto-tunnel.
///
/// Whatever `refresh` finds besides, as for `dtm apps`, is told by the next look: events are returned to whoever looks.
struct InventoryService: Service {
    let inventory: HostInventory
    let parts: ControlParts
    let clock: any TimeSource
    let autoTunnel: AutoTunnel
    let own: @Sendable () async -> OwnParts

    /// In how many looks at least one takes the whole picture, without which nothing that went on for a while is noticed.
    private static let pictureTicks = 5

    func run() async throws { try? await cancelWhenGracefulShutdown { try await lookAgainAndAgain() } }

    private func lookAgainAndAgain() async throws {
        var watch = ListenerWatch()
        var bypasses = BypassWatch()
        var programs = ApplicationProgramWatch()
        var ticks = 0
        var lastProblem: String?
        while !Task.isCancelled {
            let settings = await parts.configuration.current.configuration.discovery
            if settings.enabled {
                do {
                    try await look(&watch, &bypasses, &programs, tick: ticks)
                    lastProblem = nil
                } catch {
                    report(error, &lastProblem)
                }
                ticks += 1
            }
            try await Task.sleep(for: .milliseconds(Int64(settings.intervalSeconds * 1_000)))
        }
    }

    private func look(
        _ watch: inout ListenerWatch, _ bypasses: inout BypassWatch, _ programs: inout ApplicationProgramWatch,
        tick: Int
    ) async throws {
        let events = try await inventory.tick()
        let own = await own()
        parts.recorder.record(watch.events(for: events, own: own, isFirst: tick == 0, at: clock.now()))
        guard tick % Self.pictureTicks == 0 || events.contains(where: { $0.concernsListeners(besides: own) }) else {
            return
        }
        let picture = try await inventory.picture()
        await note(&bypasses, picture, own)
        await parts.analyst.note(picture.processes, besides: own.processes)
        if tick % Self.pictureTicks == 0 { try await note(&programs, picture, own) }
        autoTunnel.take(.init(processes: picture.processes, unattributed: picture.unattributed, own: own))
    }

    /// The files of what runs behind a tunnel.
    private func note(
        _ programs: inout ApplicationProgramWatch, _ picture: InventoryPicture, _ own: OwnParts
    ) async throws {
        let fronted = Set(await parts.registry.records.compactMap(\.draft.application))
        let looks = picture.processes.filter { fronted.contains($0.application) && !own.processes.contains($0.pid) }
            .prefix(ApplicationProgramWatch.maximumProcesses)
            .compactMap { process in
                process.executable.map {
                    ApplicationProgramWatch.Look(
                        process: .init(pid: process.pid, startTicks: process.startTicks), app: process.application,
                        uid: process.uid, path: $0)
                }
            }
        parts.recorder.record(programs.look(try await inventory.looking(at: looks), at: clock.now()))
    }

    private func note(_ bypasses: inout BypassWatch, _ picture: InventoryPicture, _ own: OwnParts) async {
        let records = await parts.registry.records
        var fronts: [Endpoint: TunnelID] = [:]
        for record in records {
            guard case .some(.tcp(let endpoints)) = record.destination else { continue }
            for endpoint in endpoints { fronts[endpoint.unmapped] = record.id }
        }
        let sightings = bypasses.look(
            picture.processes, fronts: fronts,
            own: .init(processes: own.processes, ends: await parts.registry.knownTargetSides()), at: clock.now())
        for sighting in sightings {
            let record = records.first { $0.id == sighting.tunnel }
            parts.recorder.record(
                Event.Kind.tunnelBypassed, .warning, tunnel: record?.name, app: record?.draft.application,
                sighting.detail)
        }
    }

    private func report(_ error: any Error, _ lastProblem: inout String?) {
        guard !(error is CancellationError) else { return }
        let problem = (error as? any DescribedError)?.message ?? "\(error)"
        guard problem != lastProblem else { return }
        lastProblem = problem
        parts.recorder.record(Event.Kind.discoveryFailed, .error, ["reason": .string(problem)])
    }
}

extension InventoryEvent {
    /// Whether it says something about who listens or who connects, DTM's own listeners aside.
    fileprivate func concernsListeners(besides own: OwnParts) -> Bool {
        switch self {
        case .appeared, .gone: false
        case .startedListening(let listener, let owner), .stoppedListening(let listener, let owner):
            !own.owns(listener, owner)
        case .identified(let listener, let owner): !own.owns(listener, owner)
        case .takenOver(let listener, _, let present, _): !own.owns(listener, present)
        case .newPeer(let listener, _, _): !own.owns(listener)
        }
    }
}

extension BypassWatch.Sighting {
    fileprivate var detail: [String: DetailValue] {
        var detail: [String: DetailValue] = [
            "client": .string(client.description), "target": .string(target.description),
        ]
        if let uid { detail["uid"] = .integer(Int64(uid)) }
        guard let process else {
            detail["reason"] = .string("the process behind it can't be seen")
            return detail
        }
        detail["pid"] = .integer(Int64(process.pid))
        detail["program"] = .string(process.name)
        if let executable = process.executable { detail["executable"] = .string(executable) }
        detail["user"] = .string(process.user)
        return detail
    }
}
