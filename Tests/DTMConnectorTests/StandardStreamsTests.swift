import Glibc
import Testing

@testable import DTMConnector

@Suite("Standard streams for an event loop", .serialized)
struct StandardStreamsTests {
    private func isPipeOrSocket(_ descriptor: CInt) -> Bool { lseek(descriptor, 0, SEEK_CUR) < 0 && errno == ESPIPE }

    @Test("a file and a device come as pipes, and what is written arrives in the file before it is over")
    func files() async throws {
        var name = Array("/tmp/dtm-stream-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        try #require(file >= 0)
        unlink(name)
        let nothing = open("/dev/null", O_RDONLY)
        let streams = try StandardStreams.open(input: nothing, output: file)
        #expect(isPipeOrSocket(streams.input) && isPipeOrSocket(streams.output))
        var byte: UInt8 = 0
        #expect(read(streams.input, &byte, 1) == 0)
        let text = [UInt8](repeating: 7, count: 300_000)
        var written = 0
        while written < text.count {
            written += text[written...].withUnsafeBytes { write(streams.output, $0.baseAddress, $0.count) }
        }
        close(streams.output)
        await streams.finish()
        #expect(lseek(file, 0, SEEK_END) == off_t(text.count))
        for descriptor in [file, nothing, streams.input] { close(descriptor) }
    }

    @Test("the contents of a file come whole, then its end")
    func contents() throws {
        var name = Array("/tmp/dtm-stream-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        try #require(file >= 0)
        unlink(name)
        #expect(write(file, "all of it", 9) == 9)
        lseek(file, 0, SEEK_SET)
        var ends: [CInt] = [0, 0]
        let outcome = pipe(&ends)
        try #require(outcome == 0)
        let streams = try StandardStreams.open(input: file, output: ends[1])
        var bytes = [UInt8](repeating: 0, count: 100)
        var count = 0
        while case let part = read(streams.input, &bytes[count], bytes.count - count), part > 0 { count += part }
        #expect(bytes.prefix(count) == Array("all of it".utf8)[...])
        for descriptor in [file, ends[0], ends[1], streams.input, streams.output] { close(descriptor) }
    }

    @Test("a pipe is used as it is, and a closed stream is told")
    func pipes() throws {
        var ends: [CInt] = [0, 0]
        let outcome = pipe(&ends)
        try #require(outcome == 0)
        let streams = try StandardStreams.open(input: ends[0], output: ends[1])
        #expect(write(streams.output, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(streams.input, &byte, 1) == 1)
        for descriptor in [ends[0], ends[1], streams.input, streams.output] { close(descriptor) }
        #expect(throws: ConnectorError(.stdio, "")) { try StandardStreams.open(input: -1, output: 1) }
    }
}
