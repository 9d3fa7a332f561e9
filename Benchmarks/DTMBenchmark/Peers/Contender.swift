import Glibc

/// A kind of tunnel that is measured.
protocol Contender {
    var name: String { get }
    /// Starts both ends in front of the origin and returns when its local entry accepts. Throws when it does not in
    /// time.
    func start(target: Int, in workshop: Workshop) throws -> RunningTunnel
}

/// Both ends of a tunnel at work. The caller stops it.
struct RunningTunnel {
    let name: String
    /// The port of 127.0.0.1 where plain connections go in.
    let entry: Int
    let processes: [ChildProcess]
    let workshop: Workshop

    /// CPU seconds of both ends so far.
    var cpuSeconds: Double { ProcessTree.cpuSeconds(of: processes.map(\.pid)) }
    /// Bytes of memory of both ends.
    var memoryBytes: Double { ProcessTree.memoryBytes(of: processes.map(\.pid)) }

    func stop() {
        for process in processes.reversed() { workshop.stop(process) }
    }
}

/// What every contender needs to start: a directory with certificates, configurations, and the clean-up.
struct Workshop {
    let registry: CleanupRegistry
    /// Where the peers' configurations are kept.
    let configurations: String

    var directory: String { registry.directory }

    /// Starts a program that is killed when the benchmark ends, however it ends.
    func start(_ arguments: [String], environment: [String: String] = [:], log: String) throws(BenchmarkError)
        -> ChildProcess
    {
        let process = try ChildProcess.start(
            arguments, environment: environment, errorsTo: "\(directory)/\(log)")
        registry.add(process.pid)
        return process
    }

    func stop(_ process: ChildProcess) {
        process.stop()
        registry.remove(process.pid)
    }

    /// Runs a program to its end and returns its output. Throws with its errors when it fails.
    @discardableResult
    func run(_ arguments: [String], environment: [String: String] = [:]) throws(BenchmarkError) -> String {
        let log = "run-\(arguments[0].split(separator: "/").last ?? "program").log"
        let process = try start(arguments, environment: environment, log: log)
        defer { registry.remove(process.pid) }
        let (output, status) = try process.finish(withinMilliseconds: 30_000)
        guard status == 0 else {
            let errors = ProcFile.read("\(directory)/\(log)")?.suffix(1_000) ?? ""
            throw BenchmarkError("`\(arguments.joined(separator: " "))` exited with \(status): \(output)\n\(errors)")
        }
        return output
    }

    /// Writes a configuration of the peers with its places filled in, and returns its path.
    func configuration(_ file: String, listen: Int, target: Int, modules: String = "") throws(BenchmarkError) -> String
    {
        guard let template = ProcFile.read("\(configurations)/\(file)") else {
            throw BenchmarkError("can't read \(configurations)/\(file): start this in the project's folder")
        }
        let values = [
            "DIRECTORY": directory, "LISTEN": "\(listen)", "TARGET": "\(target)", "MODULES": modules,
        ]
        let path = "\(directory)/\(listen)-\(file)"
        try ProcFile.write(fill(template, with: values), to: path)
        return path
    }

    private func fill(_ template: String, with values: [String: String]) -> String {
        let parts = template.split(separator: "@", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            index.isMultiple(of: 2) ? String(part) : values[String(part)] ?? "@\(part)@"
        }.joined()
    }
}
