import DTMCore
import DTMSecrets
import Glibc
import Testing

@testable import DTMModels

struct SettingsTests {
    @Test(
        "URLs that are taken",
        arguments: [
            ("https://api.openai.com/v1", "api.openai.com"), ("https://models.example:8443/", "models.example"),
            ("http://127.0.0.1:11434", "127.0.0.1"), ("http://127.9.9.9/v1", "127.9.9.9"),
            ("http://localhost:8000/v1/", "localhost"), ("http://[::1]:8000", "[::1]"),
            ("https://10.0.0.1", "10.0.0.1"),
        ])
    func taken(text: String, host: String) throws {
        let url = try #require(ModelURL(text))
        #expect(url.host == host && !url.description.hasSuffix("/"))
    }

    @Test(
        "URLs that are not",
        arguments: [
            "", "api.openai.com", "ftp://api.openai.com", "http://api.openai.com/v1", "http://10.0.0.1",
            "http://localhost.evil.example", "http://127.0.0.1.evil.example", "https://", "https:///v1",
            "https://user:password@host", "https://host/v1?key=1", "https://host/v1#x", "https://host:0",
            "https://host:x",
            "https://host:99999", "https://ho st", "https://host/\n", "https://[::1", "https://[zz]", "HTTPS://host",
            "http://[::2]:80", "https://hôst",
        ])
    func refused(text: String) { #expect(ModelURL(text) == nil) }

    @Test func `Limits outside their bounds count as the nearest bound`() throws {
        var endpoint = ModelEndpoint(
            provider: .ollama, url: try #require(ModelURL("http://127.0.0.1:1")), model: "m")
        endpoint.requestsPerMinute = -5
        endpoint.dailyTokens = .max
        endpoint.temperature = .nan
        let member = PanelMember(endpoint, at: Timestamp(seconds: 0))
        #expect(member.endpoint.requestsPerMinute == 1 && member.endpoint.dailyTokens == 1_000_000_000)
        #expect(member.endpoint.temperature == nil)
    }

    /// Lends the path of a file with this content and mode, in a folder of its own.
    private func withFile(_ content: String, mode: mode_t, _ body: (String) throws -> Void) throws {
        var template = Array("/tmp/dtm-models-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        let path = try #require(folder) + "/key"
        defer {
            unlink(path)
            if let folder { rmdir(folder) }
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
        #expect(fchmod(descriptor, mode) == 0)
        #expect(write(descriptor, content, content.utf8.count) == content.utf8.count)
        close(descriptor)
        try body(path)
    }

    private func text(_ secret: SharedSecret) -> String {
        secret.bytes.withBytes { span in span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func `A key is read from a private file, without the line's end`() throws {
        try withFile("sk-1234\n", mode: 0o600) { path in
            #expect(text(try ModelKeyFiles.read(path)) == "sk-1234")
            let folder = String(path.dropLast("/key".count))
            var endpoint = ModelEndpoint(
                provider: .openAI, url: try #require(ModelURL("https://a.test")), model: "m")
            endpoint.key = .credential(name: "key")
            #expect(try ModelKeyFiles(credentials: folder).key(for: endpoint).map(text) == "sk-1234")
            #expect(throws: ModelKeyError(.noCredentials, "")) {
                try ModelKeyFiles(credentials: nil).key(for: endpoint)
            }
            endpoint.key = .credential(name: "../key")
            #expect(throws: ModelKeyError(.name, "")) { try ModelKeyFiles(credentials: folder).key(for: endpoint) }
        }
    }

    @Test("A file that others can read holds no key", arguments: [mode_t(0o644), 0o640, 0o604])
    func exposed(mode: mode_t) throws {
        try withFile("sk-1234", mode: mode) { path in
            _ = #expect(throws: ModelKeyError(.exposed, "")) { try ModelKeyFiles.read(path) }
        }
    }

    @Test(
        "What is no key is refused",
        arguments: ["", "\n", "two words", "sk-\u{e9}", String(repeating: "x", count: 513)])
    func content(text: String) throws {
        try withFile(text, mode: 0o600) { path in
            _ = #expect(throws: ModelKeyError(.content, "")) { try ModelKeyFiles.read(path) }
        }
    }

    @Test func `What is no file is refused`() {
        #expect(throws: ModelKeyError(.notRegularFile, "")) { try ModelKeyFiles.read("/dev/null") }
        #expect(throws: ModelKeyError(.unreadable, "")) { try ModelKeyFiles.read("/nowhere/key") }
    }
}
