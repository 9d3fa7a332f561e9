import AsyncHTTPClient
import DTMConfiguration
import DTMCore
import DTMNotify
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Tells one receiver one thing, once.
protocol NotificationSending: Sendable {
    func send(_ notification: DTMNotify.Notification, to receiver: NotificationReceiver) async -> AttemptResult
}

/// Somebody who is told.
enum NotificationReceiver: Hashable, Sendable {
    case webhook(WebhookConfiguration)
    case command(CommandHookConfiguration)

    var name: String {
        switch self {
        case .webhook(let webhook): webhook.name.text
        case .command(let command): command.name.text
        }
    }

    /// As status and events have it.
    var kind: String {
        switch self {
        case .webhook: "webhook"
        case .command: "command"
        }
    }

    /// Where it is, without what may be a capability.
    var place: String {
        switch self {
        case .webhook(let webhook): webhook.url.description
        case .command(let command): command.path.text
        }
    }

    var limits: Outbox.Limits {
        let limits = settings
        return Outbox.Limits(
            minimumSeverity: limits.minimumSeverity, minimumRisk: limits.minimumRisk,
            maximumPerMinute: limits.maximumPerMinute)
    }

    var timeout: Duration { .milliseconds(Int64(settings.timeoutSeconds * 1_000)) }

    private var settings: NotificationLimits {
        switch self {
        case .webhook(let webhook): webhook.limits
        case .command(let command): command.limits
        }
    }
}

extension NotificationSettings {
    var receivers: [NotificationReceiver] {
        webhooks.map(NotificationReceiver.webhook) + commands.map(NotificationReceiver.command)
    }
}

/// Over HTTP, and by starting programs.
struct NotificationSender: NotificationSending {
    /// `EX_TEMPFAIL` of sysexits.h: a program that ends with it is started again later.
    static let temporaryFailure: Int32 = 75
    let http: HTTPClient
    let keys: NotificationKeys
    let hooks: any HookStarting
    let files: HookFile
    /// What receivers compare with their own clock.
    let wall: any TimeSource

    /// Redirects are not followed, certificates are verified, and no proxy is asked.
    static func client(on group: any EventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        // Attempts are made again by whoever counts them.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    func send(_ notification: DTMNotify.Notification, to receiver: NotificationReceiver) async -> AttemptResult {
        do {
            let body = try notification.body()
            switch receiver {
            case .webhook(let webhook): return await post(body, notification.id, webhook, within: receiver.timeout)
            case .command(let command):
                try files.check(command.path)
                return result(
                    of: await hooks.run(HookOrder(path: command.path.text, input: body, limit: receiver.timeout)))
            }
        } catch let error as any DescribedError {
            return .refused(error.message)
        } catch {
            return .refused("\(error)")
        }
    }

    private func post(
        _ body: [UInt8], _ id: String, _ webhook: WebhookConfiguration, within limit: Duration
    ) async -> AttemptResult {
        var request = HTTPClientRequest(url: webhook.url.text)
        request.method = .POST
        request.headers = ["content-type": "application/json", "user-agent": "dtm/\(DTMVersion.text)"]
        do {
            let key = try keys.key(webhook.key)
            for header in key.headers(id: id, time: wall.now(), body: body) {
                request.headers.add(name: header.name, value: header.value)
            }
        } catch {
            return .refused((error as? any DescribedError)?.message ?? "\(error)")
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await http.execute(
                request, deadline: .now() + .nanoseconds(limit.wholeNanoseconds))
            // Nobody reads what it says besides: letting go of the body ends the exchange.
            let code = Int(response.status.code)
            if (200..<300).contains(code) { return .accepted }
            return .status(
                code, retryAfter: response.headers.first(name: "retry-after").flatMap(RetryPolicy.retryAfter))
        } catch {
            return .unreachable(Self.words(error, limit))
        }
    }

    private static func words(_ error: any Error, _ limit: Duration) -> String {
        let first = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
        if let failure = first as? IOError { return "no connection: \(String(cString: strerror(failure.errnoCode)))" }
        return switch error as? HTTPClientError {
        case HTTPClientError.deadlineExceeded?: "no answer within \(Int(limit.inSeconds.rounded())) s"
        case HTTPClientError.connectTimeout?: "no connection in time"
        case HTTPClientError.remoteConnectionClosed?: "the receiver hung up without an answer"
        default: printable("\(error)", limit: 200)
        }
    }

    private func result(of outcome: HookOutcome) -> AttemptResult {
        switch outcome {
        case .exited(0, _): return .accepted
        case .exited(let code, let output):
            let said =
                output.split(whereSeparator: \.isNewline).last.map { ": \(printable(String($0), limit: 160))" } ?? ""
            let words = "the program ended with \(code)\(said)"
            return code == Self.temporaryFailure ? .unreachable(words) : .refused(words)
        case .signalled(let signal): return .refused("the program was ended by signal \(signal)")
        case .timedOut: return .refused("the program did not end in time and was ended with all that it had started")
        case .cancelled: return .unreachable("it was ended with the manager, or for another configuration")
        case .notStarted(let reason): return .refused(reason)
        }
    }
}
