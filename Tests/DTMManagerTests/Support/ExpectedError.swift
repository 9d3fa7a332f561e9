import DTMAPI
import Testing

/// Expects an error of the control client.
func expect(
    code: ControlClientError.Code, name: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was thrown; \(name) was expected", sourceLocation: sourceLocation)
    } catch let error as ControlClientError {
        #expect(error.code == code, sourceLocation: sourceLocation)
        #expect(error.codeName == name, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error) was thrown; \(name) was expected", sourceLocation: sourceLocation)
    }
}
