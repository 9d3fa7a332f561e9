import DTMAPI

/// Follows the manager's live stream and comes back to it for as long as the console is there.
struct LiveFeed: Sendable {
    let client: ControlClient
    let mailbox: Mailbox

    private static let firstPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(2)

    /// Ends when its task is cancelled.
    func run() async {
        var pause = Self.firstPause
        while !Task.isCancelled {
            do {
                for try await update in try await client.live() {
                    pause = Self.firstPause
                    mailbox.put(.update(update))
                }
                mailbox.put(.lost("the manager has ended"))
            } catch is CancellationError {
                return
            } catch {
                mailbox.put(.lost((error as? ControlClientError)?.message ?? "\(error)"))
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }
}
