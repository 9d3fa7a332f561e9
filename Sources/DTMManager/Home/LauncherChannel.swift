import DTMCore
import DTMPlan
import Glibc
import NIOPosix

/// What the launcher orders.
enum LauncherOrder: Sendable {
    /// The socket to a data plane; it belongs to the receiver.
    case link(CInt)
    case drain
    case now
    case reload
    /// The launcher has ended.
    case gone
}

/// The channel to the launcher: reads on a thread of its own, because reading waits.
final class LauncherChannel: Sendable {
    private let channel: ProcessChannel
    private let threads: NIOThreadPool

    /// Takes over the descriptor.
    ///
    /// - Throws: `channel.unusable` when it is not one.
    init(descriptor: CInt) throws(ManagerError) {
        do {
            channel = try ProcessChannel(adopting: OwnedDescriptor(adopting: descriptor))
        } catch {
            throw ManagerError(
                .channelUnusable, "the channel to the launcher can't be used: \(error.message)",
                hint: "this program is started by dtm up, not by hand")
        }
        threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
    }

    /// Says that the manager serves.
    func sendReady() {
        // A launcher that is gone is noticed by whoever reads.
        try? channel.send(.ready)
    }

    /// Says that this process ends for good.
    func sendFinal() { try? channel.send(.final) }

    /// Waits for one order.
    func next() async -> LauncherOrder {
        (try? await threads.runIfActive { [self] in read() }) ?? .gone
    }

    /// Wakes whoever waits in ``next()``, who then hears that the launcher is gone.
    /// What this process still has to say goes out all the same.
    func wake() { _ = shutdown(channel.descriptor, Int32(SHUT_RD)) }

    /// Ends the thread, once nobody needs orders.
    func close() async {
        wake()
        try? await threads.shutdownGracefully()
    }

    private func read() -> LauncherOrder {
        do {
            switch try channel.receive() {
            case .link(let descriptor)?: return .link(descriptor.release())
            case .drain?: return .drain
            case .now?: return .now
            case .reload?: return .reload
            case .ready?: return read()
            case .final?: return read()
            case nil: return .gone
            }
        } catch {
            return .gone
        }
    }
}
