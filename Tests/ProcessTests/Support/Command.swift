import DTMAPI
import Glibc
import Testing

/// What a program that has ended left behind.
struct Outcome {
    var ending: Ending
    var output: String
    var errors: String
    var took: Duration

    var status: CInt {
        switch ending {
        case .exited(let status): status
        case .signalled(let number): 128 + number
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try APIJSON.decode(type, from: output.utf8)
    }

    /// What `--json` says on standard error.
    func failure() throws -> APIErrorBody { try APIJSON.decode(APIErrorBody.self, from: errors.utf8) }
}

/// Runs a program to its end.
func run(
    _ program: String, _ arguments: [String], in directory: TestDirectory, environment: [String: String] = [:],
    input: String? = nil, limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation
) throws -> Outcome {
    let begin = ContinuousClock.now
    let child = try ChildProgram(
        .init(
            program: program, arguments: arguments, environment: basicEnvironment.merging(environment) { $1 },
            directory: directory.path, hasInput: input != nil))
    if let input { child.send(input) }
    child.closeInput()
    let ending = try #require(
        child.wait(limit), "\(program) \(arguments) did not end: \(child.output) \(child.errors)",
        sourceLocation: sourceLocation)
    return Outcome(
        ending: ending, output: child.output, errors: child.errors, took: begin.duration(to: .now))
}

/// What every program of a test may know of its surroundings.
var basicEnvironment: [String: String] {
    ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "NO_COLOR": "1"]
        .merging(libraryPath.map { ["LD_LIBRARY_PATH": $0] } ?? [:]) { $1 }
}

/// A build for debugging finds Swift's libraries by it when they are not where they were at build time.
private var libraryPath: String? { getenv("LD_LIBRARY_PATH").map { String(cString: $0) } }
