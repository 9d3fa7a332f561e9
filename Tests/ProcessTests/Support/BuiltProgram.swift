import Glibc
import Testing

/// The tests of the program as it was built, against real servers and clients. One after another: they measure, and
/// they fill the machine.
@Suite(.serialized)
enum BuiltProgram {
    /// The program, from the environment: `make test` and `make soak` set it.
    static func path() throws -> String {
        try #require(
            variable("DTM_PROGRAM"), "DTM_PROGRAM is not set; run make test, or set it to the path of a built dtm")
    }

    /// True for loads of full size: `make soak`.
    static let isSoak = variable("DTM_SOAK") == "1"

    /// A load: smaller in CI, never absent.
    static func size<Value>(ci: Value, soak: Value) -> Value { isSoak ? soak : ci }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Waits until a condition holds, for at most `limit`.
func eventually(_ limit: Duration = .seconds(10), _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try condition() { return true }
        // Not for time to pass, but for the processor to do something else: the condition decides.
        poll(nil, 0, 5)
    }
    return try condition()
}

/// Waits until there is a value, for at most `limit`.
func awaited<Value>(
    _ what: Comment, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Value?
) throws -> Value {
    var value: Value?
    _ = try eventually(limit) {
        value = try body()
        return value != nil
    }
    return try #require(value, what, sourceLocation: sourceLocation)
}
