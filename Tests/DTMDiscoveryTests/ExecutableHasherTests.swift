import Crypto
@testable import DTMDiscovery
import FoundationEssentials
import Glibc
import Testing

extension KernelTests {
    @Suite("The hash of what a process runs")
    struct ExecutableHasherTests {}
}

extension KernelTests.ExecutableHasherTests {
    private func identity(_ pid: pid_t) throws -> ProcessIdentity {
        let bytes = try ProcessFileSystem(root: "/proc").read("\(pid)/stat")
        let stat = try #require(ProcessStat(bytes))
        return ProcessIdentity(pid: pid, startTicks: stat.startTicks)
    }

    @Test("It is the file that runs, even when another one stands at its path")
    func replacedOnDisk() throws {
        var template = Array("/tmp/dtm-hash-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let original = try Data(contentsOf: URL(fileURLWithPath: "/bin/sleep"))
        let path = "\(folder)/program"
        try original.write(to: URL(fileURLWithPath: path))
        chmod(path, 0o700)
        let program = try TestProgram(path, ["600"])
        unlink(path)
        try Data("other".utf8).write(to: URL(fileURLWithPath: path))
        var hasher = try ExecutableHasher()
        let digest = try hasher.digest(of: identity(program.pid))
        #expect(digest.sha256 == Array(SHA256.hash(data: original)))
        #expect(digest.size == Int64(original.count))
        #expect(digest.hexadecimal.count == 64)
        let again = try hasher.digest(of: identity(program.pid))
        #expect(again == digest)
    }

    @Test("A file is hashed by its path, and what is no file is refused without waiting for it")
    func files() throws {
        var template = Array("/tmp/dtm-hash-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var hasher = try ExecutableHasher()
        let own = try hasher.digest(ofFileAt: "/proc/self/exe")
        #expect(try hasher.digest(of: identity(getpid())) == own)
        mkfifo("\(folder)/pipe", 0o600)
        for path in [folder, "\(folder)/pipe", "\(folder)/nothing", "/dev/zero"] {
            var code: DiscoveryError.Code?
            do { _ = try hasher.digest(ofFileAt: path) } catch { code = error.code }
            #expect(code == .fileUnreadable, "\(path)")
        }
    }

    @Test("A process that is gone, and another one of the same PID, have none")
    func gone() throws {
        var hasher = try ExecutableHasher()
        let own = try identity(getpid())
        let other = ProcessIdentity(pid: own.pid, startTicks: own.startTicks + 1)
        var code: DiscoveryError.Code?
        do { _ = try hasher.digest(of: other) } catch { code = error.code }
        #expect(code == .processGone)
        _ = try hasher.digest(of: own)
    }
}
