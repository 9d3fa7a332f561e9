import ArgumentParser
import FoundationEssentials
import Glibc

/// `dtm-bench discovery`: this part alone.
struct DiscoveryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discovery",
        abstract: "Measure discovery beside `ss -tanpi` on a machine with 2,000 processes and 10,000 sockets.",
        discussion: """
            As root the processes get a network of their own, and nothing else on the host sees their sockets. Without \
            root their listeners are on the host's loopback while it lasts.
            """)

    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.supervised { registry in
            let workshop = Workshop(registry: registry, configurations: "")
            let report = try DiscoveryRun(isQuick: common.quick, workshop: workshop, progress: complain).run()
            try common.publish([report.section])
        }
    }
}

/// What `discovery` starts in a network of its own: makes the crowd, measures, prints what it does line by line, and at
/// the end the samples as JSON.
struct CrowdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "crowd", shouldDisplay: false)

    @Flag var quick = false
    @Flag(help: "This is a new network, whose loopback interface is down.") var newNetwork = false

    func run() throws {
        // Not to outlive whoever reads this.
        signal(SIGPIPE, SIG_DFL)
        if newNetwork { try Loopback.bringUp() }
        let samples = try CrowdRun(scale: quick ? .quick : .full) { Self.say($0) }.run()
        Self.say(String(decoding: try JSONEncoder().encode(samples), as: UTF8.self))
    }

    /// At once, which `print` does not into a pipe.
    private static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        write(1, line, line.count)
    }
}

/// A process that makes one connection after another to `port`, says on each who it is, and ends with the listener.
struct TalkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "talker", shouldDisplay: false)

    @Argument var port: Int
    @Flag(help: "Wait for a byte of standard input, and make one connection alone.") var afterInput = false

    func run() throws {
        let name = Array("\(getpid())\n".utf8)
        var byte: UInt8 = 0
        if afterInput, read(0, &byte, 1) <= 0 { return }
        while true {
            let connection = Loopback.connected(port: port)
            guard connection >= 0, write(connection, name, name.count) == name.count else { return }
            // Until the other end closes.
            while read(connection, &byte, 1) > 0 {}
            close(connection)
            if afterInput { return }
        }
    }
}
