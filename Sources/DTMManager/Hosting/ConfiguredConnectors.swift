import DTMConfiguration
import DTMConnector
import DTMCore
import ServiceLifecycle

/// Runs the connectors of `connectors[]`, and makes each reload true: what is gone from the file ends, what is new
/// begins, and what stayed is not touched.
struct ConfiguredConnectors: Service {
    let parts: ControlParts
    let managerUID: UInt32

    private static let firstPause = Duration.milliseconds(250)
    private static let longestPause = Duration.seconds(5)

    func run() async throws {
        await withDiscardingTaskGroup { tasks in
            var running: [ConnectorConfiguration: Signal] = [:]
            let reloads = parts.configuration.changes.subscribe()
            await reconcile(&running, &tasks)
            for await _ in reloads.cancelOnGracefulShutdown() { await reconcile(&running, &tasks) }
            tasks.cancelAll()
        }
    }

    private func reconcile(_ running: inout [ConnectorConfiguration: Signal], _ tasks: inout DiscardingTaskGroup) async
    {
        let wanted = Set(await parts.configuration.current.configuration.connectors)
        for (connector, stop) in running where !wanted.contains(connector) {
            stop.finish()
            running[connector] = nil
        }
        for connector in wanted where running[connector] == nil {
            let stop = Signal()
            running[connector] = stop
            let stopped = stop.subscribe()
            tasks.addTask { await keep(connector, until: stopped) }
        }
    }

    /// Runs one until it is stopped; begins it again when it fails, as when its tunnel is not there yet.
    private func keep(_ connector: ConnectorConfiguration, until stopped: AsyncStream<Void>) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { for await _ in stopped {} }
            tasks.addTask { await keep(connector) }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    private func keep(_ connector: ConnectorConfiguration) async {
        var pause = Self.firstPause
        var lastProblem: String?
        while !Task.isCancelled {
            do {
                try await hosted(connector).run { _ in
                    parts.recorder.record(
                        Event.Kind.connectorListening, .notice, tunnel: connector.tunnel,
                        ["place": .string(connector.place.description)])
                }
            } catch {
                guard !Task.isCancelled else { return }
                let problem = (error as? any DescribedError)?.message ?? "\(error)"
                if problem != lastProblem { report(problem, connector) }
                lastProblem = problem
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func hosted(_ connector: ConnectorConfiguration) -> HostedConnector {
        let offer: ConnectorOffer =
            switch connector.place {
            case .tcp(let endpoint): .tcp(host: endpoint.address.description, port: endpoint.port)
            case .unix(let path): .unix(path: path)
            }
        return HostedConnector(
            tunnel: connector.tunnel, offer: offer, onlyUser: connector.allowAnyLocal ? nil : managerUID,
            judge: parts.judge, controlSocket: parts.controlSocket)
    }

    private func report(_ problem: String, _ connector: ConnectorConfiguration) {
        parts.recorder.record(
            Event.Kind.connectorFailed, .warning, tunnel: connector.tunnel,
            ["place": .string(connector.place.description), "reason": .string(problem)])
    }
}
