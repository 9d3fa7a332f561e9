import FoundationEssentials
import Glibc
import Testing

extension BuiltProgram {
    @Suite("20 faults of saving")
    struct StateFaults {
        /// A command that changes the state, and what may be there when it was cut short.
        private struct Change {
            var name: String
            var arguments: [String]
            /// What `dtm state verify` may say when it was cut short: a refusal that asks for the same command again.
            var unfinished: String?
            /// A generation that may be in force besides the one before and the one after: the one that was gone back to.
            var mayEndAt: UInt64?
        }

        private static let changes = [
            Change(name: "a save", arguments: ["recover", "--generation", "3"]),
            Change(
                name: "a recovery", arguments: ["recover", "--generation", "1"],
                unfinished: "this host has seen generation",
                mayEndAt: 1),
            Change(name: "a new key slot", arguments: ["slots", "add", "--operator-key", "KEY", "--single-slot"]),
            Change(name: "a key slot less", arguments: ["slots", "remove", "SLOT"]),
            Change(name: "a new root key", arguments: ["rekey", "--operator-key", "KEY", "--single-slot"]),
        ]

        @Test("Whatever system call of a change fails or is the last one, the state opens, as it was before or after")
        func everyCall() throws {
            let ground = try FaultGround()
            for change in Self.changes {
                try ground.reset()
                try everyCall(of: change, ground)
            }
        }

        private func everyCall(of change: Change, _ ground: FaultGround) throws {
            let clean = try ground.run(change.arguments)
            try #require(clean.outcome.status == 0, "\(clean.outcome.errors)")
            let after = try #require(try ground.look().generation)
            // What only looks at the state can fail, and can't hurt it.
            let calls = clean.calls.filter { BuiltProgram.isSoak || $0.changes }
            let reachable = calls.filter { $0.aim != nil }
            #expect(calls.allSatisfy { $0.aim != nil || !$0.changes || $0.name == "close" || $0.name == "openat" })
            #expect(reachable.count { $0.name == "write" } >= 1 && reachable.count { $0.name == "fsync" } >= 2)
            var count = 0
            for (fault, call) in Self.selected(reachable, all: change.name == "a save") {
                count += 1
                let what = Comment(rawValue: "\(change.name): \(fault) at \(call)")
                try ground.reset()
                let faulted = try ground.run(change.arguments, (fault, at: call))
                #expect(call.isHit(by: fault, faulted, clean: clean.calls), "it did not come to it; \(what)")
                if let hit = faulted.calls.first(where: \.isInjected) { Self.expectNoRetry(faulted.calls, hit, what) }
                try expectWhole(ground, change, after, isDone: faulted.outcome.status == 0, what)
            }
            print("\(change.name): \(count) faults in \(reachable.count) of \(calls.count) calls")
        }

        /// All of them for a soak. Otherwise each call of a save once, those that put bytes on the disk with each fault,
        /// and a few of what is rarer.
        private static func selected(_ calls: [TracedCall], all: Bool) -> [(CallFault, TracedCall)] {
            let step = all || BuiltProgram.isSoak ? 1 : max(1, calls.count / 3)
            return stride(from: 0, to: calls.count, by: step).flatMap { index -> [(CallFault, TracedCall)] in
                let call = calls[index]
                let possible = CallFault.allCases.filter { $0 != .full || call.canFill }
                if BuiltProgram.isSoak || (all && call.name == "write") { return possible.map { ($0, call) } }
                return [(possible[index / step % possible.count], call)]
            }
        }

        /// A file whose flush failed is not flushed again, and does not get its name (`fsync(2)`: the kernel may have
        /// dropped what it could not write, and says so once).
        private static func expectNoRetry(_ calls: [TracedCall], _ hit: TracedCall, _ what: Comment) {
            guard hit.name == "fsync", let name = hit.fileName,
                calls.contains(where: { $0.arguments.contains("\"\(name)\", O_WRONLY|O_CREAT") })
            else { return }
            #expect(calls.count { $0.name == "fsync" && $0.fileName == name } == 1, what)
            #expect(!calls.contains { $0.name == "renameat" && $0.gives(name) }, what)
        }

        private func expectWhole(
            _ ground: FaultGround, _ change: Change, _ after: UInt64, isDone: Bool, _ what: Comment
        ) throws {
            let (found, problems) = try ground.look()
            var newest = try #require(found, "\(problems); \(what)")
            if problems.isEmpty {
                let allowed = [ground.before, after] + [change.mayEndAt].compactMap(\.self)
                #expect(isDone ? newest == after : allowed.contains(newest), what)
            } else {
                let isAsked = change.unfinished.map { text in problems.contains { $0.contains(text) } } ?? false
                #expect(isAsked, "\(problems); \(what)")
                let again = try ground.state(change.arguments)
                #expect(again.status == 0, "\(again.errors); \(what)")
                newest = try #require(try ground.look().generation, what)
            }
            // What was left unfinished is gone with the next save, and does not stand in its way.
            let saved = try ground.state(["recover", "--generation", "\(newest)"])
            #expect(saved.status == 0, "\(saved.errors); \(what)")
            #expect(try ground.look().problems.isEmpty, what)
            #expect(try ground.unfinished().isEmpty, what)
        }

        @Test("A file that is torn, or half of a new one, is noticed")
        func control() throws {
            let ground = try FaultGround()
            #expect(try ground.look().problems.isEmpty)
            for (name, length) in [
                ("state/generation-0000000003.pgp", 100), ("state/generation-0000000003.head.pgp", 300),
                ("state/recipient.pgp", 200), ("witness.pgp", 50), ("state/generation-0000000003.pgp", 0),
            ] {
                try ground.reset()
                #expect(truncate("\(ground.sealed.home)/\(name)", off_t(length)) == 0)
                #expect(try !ground.look().problems.isEmpty, "\(name)")
            }
            try ground.reset()
            _ = try ground.sealed.directory.write("home/state/.new-17", "left over")
            #expect(try ground.unfinished() == [".new-17"])
        }
    }
}

extension TracedCall {
    /// The name of the file that its first descriptor is of.
    fileprivate var fileName: String? {
        arguments.split(separator: ">").first?.split(separator: "/").last.map(String.init)
    }

    /// Whether it gives the file of that name another one.
    fileprivate func gives(_ name: String) -> Bool { arguments.contains("\"\(name)\", ") }
}

/// A sealed home with three generations, two slots and one key that opens it without work, to be broken again and again.
private final class FaultGround {
    let sealed: SealedHome
    let before: UInt64 = 3
    private let tracer: CallTracer
    private let key: String
    private let original: String
    /// What gpg made of each message.
    private var keys: [[UInt8]: String] = [:]

    init() throws {
        sealed = try SealedHome(operatorKey: true)
        tracer = CallTracer(directory: sealed.directory, folder: sealed.home)
        original = sealed.directory.file("original")
        key = sealed.directory.file("key")
        try open()
        for generation in ["1", "2"] {
            let saved = try state(["recover", "--generation", generation])
            try #require(saved.status == 0, "\(saved.errors)")
        }
        try FileManager.default.copyItem(atPath: sealed.home, toPath: original)
    }

    func reset() throws {
        try FileManager.default.removeItem(atPath: sealed.home)
        try FileManager.default.copyItem(atPath: original, toPath: sealed.home)
        try open()
    }

    /// Gets the key that opens the state, of whatever slot there is.
    private func open() throws {
        let messages = try sealed.files("state/slots").filter { $0.hasSuffix(".key.pgp") && hasSlot($0) }
        let file = try #require(messages.first)
        let message = contents(of: file)
        if keys[message] == nil {
            let opened = try sealed.gpg(["--decrypt", file])
            try #require(opened.status == 0, "\(opened.errors)")
            keys[message] = opened.output
        }
        try sealed.directory.write("key", keys[message] ?? "")
    }

    private func hasSlot(_ message: String) -> Bool { access(message.dropLast(8) + ".pgp", F_OK) == 0 }

    private func filled(_ arguments: [String]) throws -> [String] {
        try arguments.map { argument in
            switch argument {
            case "KEY": sealed.directory.file("operator.asc")
            case "SLOT":
                try #require(
                    try sealed.files("state/slots").first { file in
                        file.hasSuffix(".pgp") && !file.hasSuffix(".key.pgp")
                            && access(file.dropLast(4) + ".key.pgp", F_OK) != 0
                    }?.split(separator: "/").last.map { String($0.dropLast(4)) })
            default: argument
            }
        } + ["--passphrase-file", key]
    }

    func run(
        _ arguments: [String], _ fault: (CallFault, at: TracedCall)? = nil
    ) throws -> (outcome: Outcome, calls: [TracedCall]) {
        try tracer.run(
            [try BuiltProgram.path(), "state"] + (try filled(arguments)) + ["--home", sealed.home], fault,
            environment: ["HOME": sealed.home])
    }

    func state(_ arguments: [String]) throws -> Outcome { try sealed.state(try filled(arguments)) }

    // MARK: What is there

    private struct Verified: Decodable {
        struct Generation: Decodable {
            var generation: UInt64
            var committed: Bool
            var code: String?
        }
        var whole: Bool
        var generations: [Generation]
        var problems: [String]
    }

    /// The generation in force, and what `dtm state verify` finds wrong.
    func look() throws -> (generation: UInt64?, problems: [String]) {
        try open()
        let outcome = try sealed.state(["verify", "--json", "--passphrase-file", key])
        guard let verified = try? outcome.decode(Verified.self) else { return (nil, [outcome.errors]) }
        let generation = verified.generations.last { $0.committed && $0.code == nil }?.generation
        guard verified.whole, outcome.status == 0 else {
            return (generation, ["not whole"] + verified.problems + verified.generations.compactMap(\.code))
        }
        return (generation, [])
    }

    /// Files under names that say that they are not finished.
    func unfinished() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: sealed.home)
            .filter { $0.contains(".new-") || $0.contains(".rekey") }.compactMap { $0.split(separator: "/").last }
            .map(String.init)
    }
}
