import Glibc
import Testing

@testable import DTMConfiguration

/// A directory that is removed with everything in it when the value ends.
private final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/dtm-configuration-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        // fchmod, for the umask takes bits away from what open is told.
        try #require(fchmod(descriptor, mode) == 0)
    }

    func makeDirectory(_ name: String) { mkdir("\(path)/\(name)", 0o700) }

    deinit {
        for name in ["work/config/config.json", "home/config.json", "system.json", "named.json", "pipe", "link"] {
            unlink("\(path)/\(name)")
        }
        for name in ["work/config", "work", "home", ""] { rmdir("\(path)/\(name)") }
    }
}

@Suite struct LocatorTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["work", "work/config", "home"] { directory.makeDirectory(name) }
    }

    private func locator(commandLine: String? = nil, environment: String? = nil) -> ConfigurationLocator {
        ConfigurationLocator(
            commandLine: commandLine.map { "\(directory.path)/\($0)" },
            environment: environment.map { $0.isEmpty ? "" : "\(directory.path)/\($0)" },
            home: "\(directory.path)/home", workingDirectory: "\(directory.path)/work",
            systemPath: "\(directory.path)/system.json")
    }

    private func load(
        _ locator: ConfigurationLocator, after previous: LoadedConfiguration? = nil
    ) throws(ConfigurationError) -> LoadedConfiguration {
        try ConfigurationLoader(locator: locator, managerUID: getuid()).load(after: previous)
    }

    private func failure(_ locator: ConfigurationLocator) -> ConfigurationError? {
        do {
            _ = try load(locator)
            return nil
        } catch {
            return error
        }
    }

    private func interval(_ seconds: Int) -> String { "{\"rotation\": {\"intervalSeconds\": \(seconds)}}" }

    @Test("The first place that has a file wins") func order() throws {
        #expect(try load(locator()).path == nil)
        #expect(try load(locator()).configuration == .defaults)
        for (seconds, name) in [(3, "system.json"), (4, "home/config.json"), (5, "work/config/config.json")] {
            try directory.write(name, interval(seconds))
            let loaded = try load(locator(environment: ""))
            #expect(loaded.path == "\(directory.path)/\(name)")
            #expect(loaded.configuration.rotation.intervalSeconds == Double(seconds))
        }
        try directory.write("named.json", interval(6))
        #expect(try load(locator(environment: "named.json")).configuration.rotation.intervalSeconds == 6)
        #expect(
            try load(locator(commandLine: "named.json", environment: "absent")).path?.hasSuffix("named.json") == true)
    }

    @Test("The places are those that the documentation lists") func places() {
        let locator = ConfigurationLocator(commandLine: nil, environment: nil, home: "/h")
        #expect(locator.places.map(\.path) == ["./config/config.json", "/h/config.json", "/etc/dtm/config.json"])
    }

    @Test("A file that is named and missing is an error that says who named it") func missing() throws {
        try directory.write("home/config.json", "{}")
        #expect(failure(locator(commandLine: "absent"))?.code == .notFound)
        #expect(failure(locator(commandLine: "absent"))?.message.hasSuffix("which --config names") == true)
        #expect(failure(locator(environment: "absent"))?.message.hasSuffix("which DTM_CONFIG names") == true)
        #expect(failure(locator(commandLine: "home/config.json/x"))?.code == .notFound)
    }

    @Test(
        "A file that others may write is refused, and the search ends there",
        arguments: [0o620, 0o602, 0o666] as [mode_t])
    func writable(mode: mode_t) throws {
        try directory.write("work/config/config.json", "{}", mode: mode)
        try directory.write("home/config.json", "{}")
        let error = failure(locator())
        #expect(error?.code == .writableByOthers)
        #expect(error?.message.contains("0\(String(mode, radix: 8))") == true)
    }

    @Test("Only regular files are read, and a pipe does not hold up the start") func irregular() throws {
        #expect(failure(locator(commandLine: "home"))?.code == .notRegularFile)
        try #require(mkfifo("\(directory.path)/pipe", 0o600) == 0)
        #expect(failure(locator(commandLine: "pipe"))?.code == .notRegularFile)
    }

    @Test("A link is followed where it is named and refused where it was found") func links() throws {
        try directory.write("named.json", interval(7))
        try #require(symlink("\(directory.path)/named.json", "\(directory.path)/link") == 0)
        #expect(try load(locator(commandLine: "link")).configuration.rotation.intervalSeconds == 7)
        try #require(symlink("\(directory.path)/named.json", "\(directory.path)/home/config.json") == 0)
        #expect(failure(locator())?.code == .symbolicLink)
    }

    @Test("A file of more than 1 MiB is refused") func size() throws {
        try directory.write("named.json", "{}" + String(repeating: " ", count: (1 << 20) - 2))
        #expect(failure(locator(commandLine: "named.json")) == nil)
        try directory.write("named.json", "{}" + String(repeating: " ", count: (1 << 20) - 1))
        #expect(failure(locator(commandLine: "named.json"))?.code == .tooLarge)
    }

    @Test("The owner must be the manager's user or root") func owner() {
        func refusal(owner: UInt32, mode: UInt32 = S_IFREG | 0o600, size: Int64 = 0) -> ConfigurationError.Code? {
            ConfigurationFile.refusal(
                of: ConfigurationFile.Facts(owner: owner, mode: mode, size: size), path: "/c", managerUID: 1_000)?.code
        }
        #expect(refusal(owner: 1_000) == nil)
        #expect(refusal(owner: 0) == nil)
        #expect(refusal(owner: 1_001) == .foreignOwner)
        #expect(refusal(owner: 0, mode: S_IFREG | 0o666) == .writableByOthers)
        #expect(refusal(owner: 0, mode: S_IFCHR | 0o600) == .notRegularFile)
        #expect(refusal(owner: 0, size: 1 << 21) == .tooLarge)
    }

    @Test("A problem in the file names the file") func source() throws {
        try directory.write("named.json", "{\"x\": 1}")
        #expect(failure(locator(commandLine: "named.json"))?.source == "\(directory.path)/named.json")
        #expect(failure(locator(commandLine: "named.json"))?.code == .invalid)
    }

    @Test("A file that was in force and is gone does not mean the defaults") func vanished() throws {
        try directory.write("home/config.json", interval(8))
        let loaded = try load(locator())
        unlink("\(directory.path)/home/config.json")
        let error = #expect(throws: ConfigurationError.self) { try load(locator(), after: loaded) }
        #expect(error?.code == .notFound)
        let defaults = LoadedConfiguration(configuration: .defaults, path: nil)
        #expect(try load(locator(), after: defaults) == defaults)
    }

    @Test("A key in a file that others may read is worth a warning, and is lent") func exposedKey() throws {
        try directory.write("named.json", #"{"openai_api_key": "sk-1"}"#, mode: 0o644)
        let loader = ConfigurationLoader(locator: locator(commandLine: "named.json"), managerUID: getuid())
        var key: [UInt8] = []
        let loaded = try loader.load { key = Array($0) }
        #expect(key == Array("sk-1".utf8))
        #expect(loaded.warnings.count == 1)
        try directory.write("named.json", #"{"openai_api_key": "sk-1"}"#, mode: 0o600)
        #expect(try loader.load().warnings.isEmpty)
        try directory.write("named.json", "{}", mode: 0o644)
        #expect(try loader.load().warnings.isEmpty)
    }
}
