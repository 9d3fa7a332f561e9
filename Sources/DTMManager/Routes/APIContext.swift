import DTMCore
import DTMPolicy
import FoundationEssentials
import Hummingbird
import NIOCore

/// What belongs to one request: the connection it came by, and who is at its other end.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Set by ``CallerMiddleware``, before any route sees the request.
    var peer: LocalCaller?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// Who calls.
    ///
    /// - Throws: `permission.denied` when that is not known.
    var caller: LocalCaller {
        get throws(ManagerError) {
            guard let peer else { throw ManagerError(.notPermitted, "the kernel does not say who calls") }
            return peer
        }
    }
}

/// Finds out who calls, and says it to the routes.
struct CallerMiddleware: RouterMiddleware {
    let callers: CallerDirectory

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.peer = try await callers.caller(on: context.channel)
        return try await next(request, context)
    }
}
