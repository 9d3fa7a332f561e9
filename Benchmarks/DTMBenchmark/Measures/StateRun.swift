import Crypto
import DTMCore
import DTMSecrets
import DTMState
import FoundationEssentials
import Glibc

/// What sealed state and protected memory cost.
struct StateRun {
    let program: String
    let target: Int
    let scale: Scale
    let workshop: Workshop
    let progress: (String) -> Void

    private static let passphrase = "a passphrase of the benchmark"
    private static let contentBytes = 1 << 20

    func run() throws -> [OwnFigure] {
        var figures: [OwnFigure] = []
        for (step, measure) in [
            ("saves", saves), ("secrets in memory", memory),
            ("handshakes", { try HandshakeRun(rounds: max(20, scale.signatures / 20)).run() }),
            ("sealed starts", starts),
        ] {
            let clock = Stopwatch()
            figures += try measure()
            progress("\(step): \(Figure.text(clock.seconds)) s")
        }
        return figures
    }

    /// Both layers, two files, their flushes, the commit, and the removal of what is too old.
    private func saves() throws -> [OwnFigure] {
        let home = try folder("state")
        var content = StateContent()
        content.set("payload", .bytes((0..<Self.contentBytes).map { _ in .random(in: 0 ... .max) }))
        let cheap = PassphraseHash(passes: 1, memoryBytes: 8 << 20, salt: PassphraseHash.standard().salt)
        let store = try SealedStore.create(
            at: StatePlace(home: home), content: content,
            slots: [.passphrase(try secret(), hash: cheap, label: "benchmark")], openPGP: RNPProvider(),
            now: WallClock().now())
        let times = try (1...scale.saves).map { _ in
            let clock = Stopwatch()
            try store.save(content, at: WallClock().now())
            return clock.milliseconds
        }
        return [
            OwnFigure(
                title: "a save of 1 MB of state, median", value: Statistics.median(times) ?? .nan, target: 40,
                unit: "ms")
        ]
    }

    /// The same signature with the key at hand in ordinary memory, and unsealed for each one.
    private func memory() throws -> [OwnFigure] {
        let rounds = scale.signatures
        let plain = P256.Signing.PrivateKey()
        let scalar = try SecretBytes(count: 32) { buffer in
            plain.rawRepresentation.withUnsafeBytes { buffer.copyMemory(from: $0) }
        }
        let digest = SHA256.hash(data: [1, 2, 3])
        var ordinary: [Double] = []
        var protected: [Double] = []
        // In turn, so that both meet the same neighbours.
        for _ in 1...9 {
            let key = plain.rawRepresentation
            var clock = Stopwatch()
            for _ in 1...rounds { _ = try P256.Signing.PrivateKey(rawRepresentation: key).signature(for: digest) }
            ordinary.append(clock.milliseconds * 1_000 / Double(rounds))
            clock = Stopwatch()
            for _ in 1...rounds {
                _ = try scalar.withBytes { span in
                    try span.withUnsafeBytes { bytes in
                        let key = try P256.Signing.PrivateKey(rawRepresentation: bytes)
                        DeadStack.wipe()
                        return try key.signature(for: digest)
                    }
                }
                DeadStack.wipe()
            }
            protected.append(clock.milliseconds * 1_000 / Double(rounds))
        }
        let difference = (Statistics.median(protected) ?? .nan) - (Statistics.median(ordinary) ?? .nan)
        return [
            OwnFigure(title: "protected memory, per signature", value: difference, target: 15, unit: "µs"),
            OwnFigure(
                title: "a signature with a protected key ÷ one with an ordinary key",
                value: (Statistics.median(protected) ?? .nan) / (Statistics.median(ordinary) ?? .nan), target: 1.1,
                unit: ""),
        ]
    }

    /// From the start of the program until an endpoint accepts, sealed and not, the passphrase's own cost taken off.
    private func starts() throws -> [OwnFigure] {
        let hash = PassphraseHash.standard()
        let slot = try (1...3).map { _ in
            let clock = Stopwatch()
            _ = try hash.key(for: try secret().secret.bytes)
            return clock.milliseconds
        }
        let configuration = #"{"tunnels": [{"name": "t1", "target": "127.0.0.1:\#(target)"}]}"#
        var ephemeral: [Double] = []
        var sealed: [Double] = []
        let home = try folder("sealed")
        let file = "\(home)-passphrase"
        try ProcFile.write("\(Self.passphrase)\n", to: file)
        try workshop.run(
            [program, "state", "init", "--home", home, "--single-slot", "--passphrase-file", file], environment: [:])
        for _ in 1...scale.starts {
            ephemeral.append(try start(configuration, home: nil, []))
            sealed.append(try start(configuration, home: home, ["--passphrase-file", file]))
        }
        let beyond =
            (Statistics.median(sealed) ?? .nan) - (Statistics.median(ephemeral) ?? .nan)
            - (Statistics.median(slot) ?? .nan)
        return [
            OwnFigure(
                title: "Argon2id of a passphrase slot", value: Statistics.median(slot) ?? .nan, target: nil, unit: "ms"),
            OwnFigure(
                title: "a sealed start beyond an ephemeral one and the slot", value: beyond, target: 150, unit: "ms"),
        ]
    }

    private func start(_ configuration: String, home: String?, _ arguments: [String]) throws -> Double {
        let clock = Stopwatch()
        let manager = try DTMManager.launch(
            program, configuration: configuration, in: workshop, home: home, arguments: arguments)
        defer { manager.stop() }
        while true {
            let endpoint = (try? manager.tunnels().compactMap(\.endpoint))?.first
            if let endpoint, Loopback.accepts(host: endpoint.host, port: Int(endpoint.port)) {
                return clock.milliseconds
            }
            guard clock.seconds < 20 else { throw BenchmarkError("no tunnel accepts after 20 s: \(manager.errors)") }
        }
    }

    private func folder(_ name: String) throws -> String {
        var path = Array("\(workshop.directory)/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else { throw BenchmarkError("can't make a folder: \(systemError())") }
        return path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    private func secret() throws -> UnlockSecret {
        let bytes = Array(Self.passphrase.utf8)
        return try UnlockSecret(SharedSecret(try SecretBytes(count: bytes.count) { $0.copyBytes(from: bytes) }))
    }
}
