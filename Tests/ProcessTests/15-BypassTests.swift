import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    @Suite("15 past a tunnel")
    struct Bypass {
        @Test("A direct connection to a fronted application is told with its program; those through the tunnel are not")
        func direct() throws {
            let manager = try Manager()
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis")
            let through = try Connection(manager, to: "redis").socket()
            try through.ping()
            let begin = ContinuousClock.now
            let client = try ChildProgram(
                .init(
                    program: "redis-cli", arguments: ["-p", "\(redis.port)", "BLPOP", "never", "60"],
                    environment: basicEnvironment, directory: manager.directory.path))
            let event = try manager.event(Event.Kind.tunnelBypassed)
            print("the bypass was an event \(begin.duration(to: .now)) after the start of its program")
            #expect(event.severity == .warning && event.tunnel == "redis")
            #expect(event.detail["pid"] == .integer(Int64(client.pid)))
            #expect("\(event.detail["executable"] ?? "")".contains("redis-cli"))
            #expect(event.detail["target"] == .string(redis.target))
            try through.ping()
            // Once more by another program: looks go on, and the connection through the tunnel was there in all of them.
            let other = try ChildProgram(
                .init(
                    program: "socat", arguments: ["-", "TCP:\(redis.target)"], environment: basicEnvironment,
                    directory: manager.directory.path, hasInput: true))
            try manager.event(Event.Kind.tunnelBypassed) { $0.detail["pid"] == .integer(Int64(other.pid)) }
            let told = try manager.events().filter { $0.kind == Event.Kind.tunnelBypassed }
            #expect(
                Set(told.compactMap { $0.detail["pid"] }) == [.integer(Int64(client.pid)), .integer(Int64(other.pid))])
        }
    }
}
