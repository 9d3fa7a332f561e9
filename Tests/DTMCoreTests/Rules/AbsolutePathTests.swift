import DTMCore
import Testing

@Suite("Paths from the root")
struct AbsolutePathTests {
    @Test("Paths in the kernel's form are taken", arguments: ["/", "/a", "/a/b.c", "/...", "/a b", "/.a/..b"])
    func valid(text: String) {
        #expect(AbsolutePath(text)?.description == text)
    }

    @Test("Others are not", arguments: ["", "a", "./a", "//", "/a/", "/a//b", "/.", "/a/.", "/..", "/a/../b", "/a\0b"])
    func invalid(text: String) {
        #expect(AbsolutePath(text) == nil)
    }

    @Test(
        "A path contains itself and what lies below, and no neighbour of a longer name",
        arguments: [
            ("/a", "/a", true), ("/a", "/a/b", true), ("/a", "/ab", false), ("/a/b", "/a", false), ("/", "/a", true),
            ("/a", "/b/a", false),
        ])
    func contains(outer: String, inner: String, isInside: Bool) throws {
        let path = try #require(AbsolutePath(outer))
        #expect(path.contains(try #require(AbsolutePath(inner))) == isInside)
    }

    @Test(
        "The system's unit is the first below the slices, whatever is named below it",
        arguments: [
            ("/system.slice/redis.service", "redis.service"),
            ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/redis.service", "user@1000.service"),
            ("/user.slice/user-1000.slice/session-2.scope", "session-2.scope"), ("/init.scope", "init.scope"),
            ("/system.slice/redis.service/redis2.service", "redis.service"), ("/system.slice", nil), ("/", nil),
            ("/docker/redis.service", nil), ("", nil), ("/../system.slice/redis.service", nil),
        ])
    func unit(cgroup: String, unit: String?) {
        #expect(SystemdUnit.ofSystem(cgroup: cgroup) == unit)
    }

    @Test("A digest has 32 bytes")
    func digest() {
        #expect(SHA256Value(String(repeating: "aB", count: 32))?.description == String(repeating: "ab", count: 32))
        #expect(SHA256Value(bytes: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(SHA256Value(bytes: [UInt8](repeating: 1, count: 33)) == nil)
        #expect(SHA256Value(String(repeating: "a", count: 63)) == nil)
    }
}
