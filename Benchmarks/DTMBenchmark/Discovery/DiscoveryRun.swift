import DTMDiscovery
import FoundationEssentials
import Glibc

/// Measures discovery: this machine as it is, and then with a crowd of processes, in a network of their own if that may be.
struct DiscoveryRun {
    let isQuick: Bool
    let workshop: Workshop
    /// Told what happens, for a person who waits.
    let progress: (String) -> Void

    func run() throws -> DiscoveryReport {
        try CrowdLimits.check(processes: scale.crowdProcesses)
        guard let program = try? workshop.run(["readlink", "/proc/\(getpid())/exe"]) else {
            throw BenchmarkError("can't tell where this program is")
        }
        let loadBefore = Machine.load
        let ordinary = try measureOrdinary()
        let samples = try measureCrowd(with: program)
        return DiscoveryReport(
            ordinary: ordinary, crowd: samples, isIsolated: isRoot, scale: scale,
            machine: Machine(versions: [(try? workshop.run(["ss", "-V"])) ?? "ss"]),
            load: (loadBefore, Machine.load))
    }

    private var scale: Scale { isQuick ? .quick : .full }
    private var isRoot: Bool { geteuid() == 0 }

    private func measureOrdinary() throws -> OrdinarySamples {
        var inventory = try LiveInventory()
        for _ in 0..<3 { _ = try inventory.tick() }
        let picture = inventory.picture()
        let ticks = try SteadyTicks.costs(&inventory, seconds: scale.discoverySeconds)
        progress(
            "the ordinary machine, \(picture.processes.count) processes: \(Figure.text(Statistics.mean(ticks))) ms")
        return OrdinarySamples(processes: picture.processes.count, ticks: ticks)
    }

    /// In a process of its own, whose memory is discovery's alone.
    private func measureCrowd(with program: String) throws -> CrowdSamples {
        var arguments = [program, "crowd"]
        if isQuick { arguments.append("--quick") }
        if isRoot { arguments = ["unshare", "-n"] + arguments + ["--new-network"] }
        let crowd = try workshop.start(arguments, log: "crowd.log")
        defer { workshop.stop(crowd) }
        while let line = try crowd.readLine(withinMilliseconds: 600_000) {
            guard line.hasPrefix("{") else {
                progress(line)
                continue
            }
            return try JSONDecoder().decode(CrowdSamples.self, from: Data(line.utf8))
        }
        throw BenchmarkError(ProcFile.read("\(workshop.directory)/crowd.log") ?? "the crowd was not measured")
    }
}

/// Ticks on the machine as it is.
struct OrdinarySamples {
    let processes: Int
    let ticks: [Double]
}
