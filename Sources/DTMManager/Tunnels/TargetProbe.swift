import DTMCore
import DTMPlan
import NIOCore
import NIOPosix

/// Finds out whether somebody listens at a target.
protocol TargetProbing: Sendable {
    /// Nil when a connection came about; otherwise why none did.
    func probe(_ destination: TargetPlan) async -> String?
}

/// Connects and closes at once, without a byte.
struct ConnectingProbe: TargetProbing {
    let group: any EventLoopGroup
    let timeout: TimeAmount = .seconds(3)

    func probe(_ destination: TargetPlan) async -> String? {
        switch destination {
        case .unix(let path):
            return await attempt { try await $0.connect(unixDomainSocketPath: path).get() }
        case .tcp(let endpoints):
            var failure: String? = "it has no address"
            for endpoint in endpoints {
                failure = await attempt {
                    try await $0.connect(host: endpoint.address.description, port: Int(endpoint.port)).get()
                }
                if failure == nil { return nil }
            }
            return failure
        }
    }

    private func attempt(_ connect: (ClientBootstrap) async throws -> any Channel) async -> String? {
        do {
            let channel = try await connect(ClientBootstrap(group: group).connectTimeout(timeout))
            try? await channel.close()
            return nil
        } catch let error as IOError {
            return errnoText(error.errnoCode)
        } catch let error as NIOConnectionError {
            let cause = error.connectionErrors.first?.error as? IOError
            return cause.map { errnoText($0.errnoCode) } ?? "no connection came about"
        } catch is ChannelError {
            return "no answer within \(timeout.nanoseconds / 1_000_000_000) s"
        } catch {
            return "no connection came about"
        }
    }
}
