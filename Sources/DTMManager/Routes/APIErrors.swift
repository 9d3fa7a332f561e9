import DTMAPI
import DTMCore
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// Makes an ``APIErrorBody`` of every error that a route throws.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as ManagerError {
            return Self.answer(error)
        } catch let error as HTTPError where error.status == .notFound {
            return Self.answer(Self.unknownRoute(request))
        } catch let error as HTTPError {
            return Self.answer(
                ManagerError(.requestInvalid, error.body ?? error.status.reasonPhrase), status: error.status)
        } catch is NIOTooManyBytesError {
            return Self.answer(APIRequest.tooLarge)
        } catch let error as any DescribedError {
            return Self.answer(ManagerError(.failed, error.message, hint: error.hint))
        }
    }

    private static func unknownRoute(_ request: Request) -> ManagerError {
        ManagerError(
            .routeUnknown, "there is no \(request.method.rawValue) \(printable(request.uri.path, limit: 120))",
            hint: "this program and the manager may differ in version: dtm status says which one runs")
    }

    private static func answer(_ error: ManagerError, status: HTTPResponse.Status? = nil) -> Response {
        let because = error.cause.map { ": \($0)" } ?? ""
        let body = APIErrorBody(code: error.codeName, message: error.message + because, hint: error.hint)
        return (try? APIResponse.json(body, status: status ?? error.code.status))
            ?? Response(status: .internalServerError)
    }
}

extension ManagerError.Code {
    /// The status that goes with it.
    var status: HTTPResponse.Status {
        switch self {
        case .requestInvalid, .certificateRequestInvalid: .badRequest
        case .notPermitted, .connectDenied, .identityRevoked, .pidForeign, .passphraseNeeded, .passphraseWrong:
            .forbidden
        case .operatorSlowed, .operatorBusy: .tooManyRequests
        case .tunnelUnknown, .subjectUnknown, .pidUnknown, .certificateUnknown, .findingUnknown, .routeUnknown,
            .responseUnknown:
            .notFound
        case .tunnelNameTaken, .targetTaken, .subjectAmbiguous, .tunnelLimit, .hostingLimit, .responseState,
            .responseNotUndoable, .responseProtected, .responseBudget, .responsesStopped:
            .conflict
        case .requestTooLarge: .contentTooLarge
        case .targetRefused, .targetUnresolved, .targetOwn, .pidWithoutListener, .rangeTooSmall, .rangeBusy,
            .configurationRefused:
            .unprocessableContent
        case .dataPlaneUnavailable, .endpointLate, .stopping, .liveLimit: .serviceUnavailable
        case .homeUnusable, .socketBusy, .socketUnusable, .channelUnusable, .stateUnusable, .stateUnsaved, .failed:
            .internalServerError
        }
    }
}
