import ArgumentParser
import Glibc
import NIOCore
import NIOPosix

/// `make bench`.
@main
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dtm-bench",
        abstract: "Measure DTM beside programs that do the same, in one run.",
        subcommands: [AllCommand.self, DiscoveryCommand.self, CrowdCommand.self, TalkerCommand.self],
        defaultSubcommand: AllCommand.self)
}

/// What every part takes.
struct CommonOptions: ParsableArguments {
    @Flag(help: "Small amounts: to see whether it works, not for figures.")
    var quick = false

    @Option(help: "Put the tables into this document as well.")
    var write: String?

    @Option(help: "Stop everything after so many seconds.")
    var limitSeconds = 2_400

    var scale: Scale { quick ? .quick : .full }

    /// Runs `body` with what it starts ended and removed afterwards, on signals and when the time is up too.
    func supervised<Result>(_ body: (CleanupRegistry) throws -> Result) throws -> Result {
        signal(SIGPIPE, SIG_IGN)
        let registry = try CleanupRegistry()
        defer { registry.cleanUp() }
        try registry.watch(limitSeconds: limitSeconds)
        return try body(registry)
    }

    /// Prints what was measured, and puts it into the document.
    func publish(_ sections: [DocumentSection]) throws {
        print(sections.map(\.markdown).joined(separator: "\n"))
        if let write { try DocumentSection.write(sections, to: write) }
    }
}

/// All parts: DTM and its peers side by side, and discovery beside `ss`.
struct AllCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Measure tunnels beside stunnel, HAProxy and nginx stream, on loopback, discovery and the console.")

    @Option(help: "The program under test.")
    var dtm = ".build/release/dtm"

    @Option(help: "Where the peers' configurations are.")
    var configurations = "Benchmarks/peers"

    @Flag(help: "Measure the peers without DTM.")
    var peersOnly = false

    @Option(
        help:
            "What to measure, with commas: bulk, requests, connections, idle, rotation, state, discovery, console, analysis. All by default."
    )
    var measure: String?

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        try raiseFileLimit()
        let chosen = try chosenMeasures()
        guard peersOnly || access(dtm, X_OK) == 0 else {
            throw ValidationError("there is no program \(dtm): `make build` makes it, `--dtm` names another one")
        }
        try common.supervised { registry in
            let workshop = Workshop(registry: registry, configurations: configurations)
            var sections: [DocumentSection] = []
            if !chosen.isSubset(of: ["discovery", "console", "analysis"]) {
                sections.append(try measureTunnels(chosen, workshop: workshop).section)
            }
            if chosen.contains("discovery") {
                sections.append(
                    try DiscoveryRun(isQuick: common.quick, workshop: workshop, progress: progress).run().section)
            }
            if chosen.contains("analysis"), !peersOnly {
                sections.append(AnalysisRun(isQuick: common.quick, progress: progress).run())
            }
            if chosen.contains("console"), !peersOnly {
                sections.append(
                    try ConsoleRun(program: dtm, scale: common.scale, workshop: workshop, progress: progress).run()
                        .section)
            }
            try common.publish(sections)
        }
    }

    private func measureTunnels(_ chosen: Set<String>, workshop: Workshop) throws -> Report {
        let scale = common.scale
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let origin = try OriginServer.start(on: group)
        defer { origin.stop() }
        let contenders = contenders
        let measures = ComparedMeasure.allCases.filter { chosen.contains($0.rawValue) }
        try PeerCertificates(workshop: workshop).make()
        let compared = try ComparedRun(
            contenders: contenders, measures: measures, scale: scale, origin: origin, loop: group.next(),
            workshop: workshop, progress: progress
        ).run()
        var own: [OwnFigure] = []
        if chosen.contains("rotation"), !peersOnly {
            own = try RotationRun(
                program: dtm, target: origin.port, scale: scale, workshop: workshop, progress: progress
            ).run()
        }
        if chosen.contains("state"), !peersOnly {
            own += try StateRun(
                program: dtm, target: origin.port, scale: scale, workshop: workshop, progress: progress
            ).run()
        }
        return Report(
            contenders: contenders.map(\.name), compared: compared, own: own,
            machine: Machine(versions: versions(in: workshop)), scale: scale)
    }

    private var contenders: [any Contender] {
        let peers: [any Contender] = [PeerContender.stunnel, PeerContender.haproxy, PeerContender.nginx]
        return peersOnly ? peers : [DTMContender(program: dtm)] + peers
    }

    private func chosenMeasures() throws -> Set<String> {
        let known =
            ComparedMeasure.allCases.map(\.rawValue) + ["rotation", "state", "discovery", "console", "analysis"]
        guard let measure else { return Set(known) }
        let chosen = measure.split(separator: ",").map(String.init)
        guard chosen.allSatisfy(known.contains) else {
            throw ValidationError("--measure takes \(known.joined(separator: ", ")), not '\(measure)'")
        }
        return Set(chosen)
    }

    /// As each program names itself, or its package does.
    private func versions(in workshop: Workshop) -> [String] {
        let own = peersOnly ? [] : ["dtm \((try? workshop.run([dtm, "--version"])) ?? "?")"]
        return own
            + ["stunnel4", "haproxy", "nginx"].map { package in
                let version = try? workshop.run(["dpkg-query", "-W", "-f", "${Version}", package])
                return "\(package) \(version ?? "?")"
            }
    }

    private func progress(_ text: String) { complain(text) }

    /// A thousand idle connections take two descriptors each here and in every relay.
    private func raiseFileLimit() throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
