package import ArgumentParser
import DTMAPI
import DTMCore
import DTMText

/// What the program exits with (`sysexits.h`).
package enum ExitStatus {
    package static let success: Int32 = 0
    package static let failed: Int32 = 1
    package static let degraded: Int32 = 2
    package static let usage: Int32 = 64
    package static let noManager: Int32 = 69
    package static let notPermitted: Int32 = 77
    package static let configuration: Int32 = 78
    /// 128 + SIGINT.
    package static let interrupted: Int32 = 130
    /// 128 + SIGPIPE.
    package static let outputClosed: Int32 = 141
}

/// A failure as the user sees it.
package struct CommandFailure: Error, Sendable {
    package let codeName: String
    package let message: String
    package let hint: String?
    /// Why, from the outermost cause to the innermost.
    package let causes: [String]
    package let exitStatus: Int32
    /// Nothing is said about it: the user ended the program, or whoever read its output did.
    package let isQuiet: Bool

    package init(
        codeName: String = "failed", message: String, hint: String? = nil, exitStatus: Int32 = ExitStatus.failed
    ) {
        self.init(
            codeName: codeName, message: message, hint: hint, causes: [], exitStatus: exitStatus, isQuiet: false)
    }

    private init(
        codeName: String, message: String, hint: String?, causes: [String], exitStatus: Int32, isQuiet: Bool
    ) {
        self.codeName = codeName
        self.message = message
        self.hint = hint
        self.causes = causes
        self.exitStatus = exitStatus
        self.isQuiet = isQuiet
    }

    /// Any error. What is a module's own keeps its words; a `configuration.` code gives 78, and so on.
    package init(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case is Output.Closed: self = .quiet(ExitStatus.outputClosed)
        case is CancellationError: self = .quiet(ExitStatus.interrupted)
        case let error as any DescribedError:
            self.init(
                codeName: error.codeName, message: error.message, hint: error.hint, causes: Self.causes(error),
                exitStatus: Self.exitStatus(of: error), isQuiet: false)
        default: self.init(message: "\(error)")
        }
    }

    private static func quiet(_ status: Int32) -> Self {
        Self(codeName: "", message: "", hint: nil, causes: [], exitStatus: status, isQuiet: true)
    }

    private static func exitStatus(of error: any DescribedError) -> Int32 {
        if let error = error as? ControlClientError { return error.exitStatus }
        return error.codeName.hasPrefix("configuration.") ? ExitStatus.configuration : ExitStatus.failed
    }

    /// A dead socket says all in its message; "connection refused" would add nothing.
    private static func causes(_ error: any DescribedError) -> [String] {
        if let error = error as? ControlClientError, error.code == .unreachable { return [] }
        guard let cause = error.cause else { return [] }
        guard let described = cause as? any DescribedError else { return ["\(cause)"] }
        return [described.message] + causes(described)
    }

    /// `dtm: …`, `because: …` and `hint: …`.
    package func lines(_ style: TextStyle) -> [String] {
        guard !isQuiet else { return [] }
        let text = message.split(separator: "\n", omittingEmptySubsequences: false).map { shown(String($0)) }
        return [style.paint("dtm:", .red) + " " + (text.first ?? "")] + text.dropFirst()
            + causes.map { "because: \(shown($0))" }
            + (hint.map { [style.paint("hint:", .bold) + " " + shown($0)] } ?? [])
    }

    /// Says what went wrong on standard error, as an ``APIErrorBody`` when scripts read it.
    ///
    /// - Returns: what to throw out of a command's `run()`.
    package func report(asJSON: Bool) -> ExitCode {
        let output = Output.standardError()
        if asJSON, !isQuiet {
            try? output.json(APIErrorBody(code: codeName, message: message, hint: hint))
        } else {
            try? output.lines(lines(output.style))
        }
        return ExitCode(exitStatus)
    }
}

/// Runs what a command does, and turns its errors into words on standard error and an exit status.
package func reporting(
    asJSON: Bool, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let error as ExitCode {
        throw error
    } catch {
        throw CommandFailure(error).report(asJSON: asJSON)
    }
}
