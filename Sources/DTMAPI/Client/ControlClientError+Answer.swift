import AsyncHTTPClient
import DTMCore
import Glibc
import NIOCore
import NIOHTTP1

extension ControlClientError {
    /// What an answer that is no success means. `body` is an ``APIErrorBody``, unless something else answered.
    init(status: Int, body: some Sequence<UInt8>, to what: String) {
        let content = (try? APIJSON.decode(APIErrorBody.self, from: body))?.error
        self.init(
            Self.code(status: status, name: content?.code ?? ""), name: content?.code,
            message: content?.message ?? "the manager answered \(what) with HTTP status \(status)", hint: content?.hint)
    }

    private static func code(status: Int, name: String) -> Code {
        if name.hasPrefix("configuration."), status == 400 || status == 422 { return .configuration }
        if name == "operator.passphrase_needed" { return .passphraseNeeded }
        switch status {
        case 400: return .usage
        case 401, 403: return .notPermitted
        case 404: return .notFound
        case 409: return .conflict
        default: return .failed
        }
    }

    /// What an error of the HTTP client or of the network means; `CancellationError` stays what it is.
    static func translating(_ error: any Error, socket: String, what: String, limit: Duration) -> any Error {
        switch error {
        case is ControlClientError, is CancellationError: error
        case is DeadlinePassed: timedOut(socket, after: limit.inSeconds)
        case let error as HTTPClientError: translating(error, socket: socket, limit: limit)
        case let error as IOError: translating(error, socket: socket)
        case HTTPParserError.invalidEOFState: brokenOff(at: socket, cause: error)
        case is NIOTooManyBytesError, is HTTPParserError, is DecodingError: incompatible(what, cause: error)
        default: Self(.failed, message: "\(what) failed at \(socket)", cause: error)
        }
    }

    private static func translating(_ error: HTTPClientError, socket: String, limit: Duration) -> any Error {
        switch error {
        case .cancelled: CancellationError()
        case .deadlineExceeded, .readTimeout, .connectTimeout, .getConnectionFromPoolTimeout:
            timedOut(socket, after: limit.inSeconds)
        default: brokenOff(at: socket, cause: error)
        }
    }

    private static func translating(_ error: IOError, socket: String) -> Self {
        switch error.errnoCode {
        case ECONNREFUSED, ENOENT: nobodyAnswers(at: socket, cause: error)
        case EACCES, EPERM: denied(socket)
        case ECONNRESET, EPIPE: brokenOff(at: socket, cause: error)
        case EAGAIN:
            Self(
                .failed, message: "the manager at \(socket) has too many callers waiting",
                hint: "try again in a moment", cause: error)
        default: Self(.unreachable, message: "\(socket) could not be reached", hint: startHint, cause: error)
        }
    }
}
