public import DTMAPI
import DTMCore
public import DTMSecrets
import Glibc

/// The console: what a manager does, live, on a terminal, steered by single keys.
///
/// One thread, the main one, draws and waits for keys, in poll(2); tasks besides it talk to the manager and put what they
/// hear into a mailbox. All decisions are ``ConsoleModel``'s.
@MainActor
public final class Console {
    private let terminal: CursesTerminal
    private let signals: ConsoleSignals
    private let mailbox = Mailbox()
    private var model: ConsoleModel
    private let start = ContinuousClock.now
    private var ending: ConsoleEnding?
    private var calls: AsyncStream<ConsoleCall>.Continuation?
    private let askPassphrase: PassphraseQuestion
    /// Whether something is to be drawn before the next beat.
    private var isUrgent = true
    private var drawnAt: ContinuousClock.Instant?

    /// Between two screens that nobody asked for.
    private static let beat = Duration.milliseconds(500)

    /// Asks for the operator's passphrase at the terminal, which nothing else uses meanwhile; nil when none is given.
    public typealias PassphraseQuestion = @MainActor () throws -> SharedSecret?

    /// Takes the terminal.
    ///
    /// - Throws: ``ConsoleError``; then the terminal is as it was.
    public init(
        options: ConsoleOptions, signals: ConsoleSignals, askPassphrase: @escaping PassphraseQuestion
    ) throws(ConsoleError) {
        self.askPassphrase = askPassphrase
        self.signals = signals
        terminal = try CursesTerminal(options: options)
        let size = terminal.size
        model = ConsoleModel(
            options: options, canvas: Canvas(rows: size.rows, columns: size.columns, glyphs: terminal.glyphs))
    }

    /// Shows the manager at `locator` until somebody quits, and gives the terminal back.
    public func run(at locator: ControlSocketLocator) async -> ConsoleEnding {
        let client = ControlClient(at: locator)
        let (stream, continuation) = AsyncStream<ConsoleCall>.makeStream()
        calls = continuation
        let mailbox = mailbox
        let suffix = model.options.suffix
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await LiveFeed(client: client, mailbox: mailbox).run() }
            group.addTask { await EffectRunner(client: client, mailbox: mailbox, suffix: suffix).run(stream) }
            // Blocks this thread, which is none of those that tasks run on.
            loop()
            continuation.finish()
            group.cancelAll()
        }
        await client.shutdown()
        return ending ?? .quit
    }

    private func loop() {
        defer { terminal.end() }
        while ending == nil {
            drawIfDue()
            wait()
            readSignals()
            readKeys()
            for news in mailbox.take() {
                switch news {
                case .outcome, .lost: isUrgent = true
                // The first, and the one after a loss.
                case .update(let update): isUrgent = isUrgent || update.isSnapshot
                }
                perform(model.apply(news))
            }
            perform(model.tick(at: ContinuousClock.now - start))
        }
    }

    private func drawIfDue() {
        let now = ContinuousClock.now
        let isDue = drawnAt.map { now - $0 >= Self.beat } ?? true
        guard isUrgent || isDue else { return }
        // Seconds go by in every screen, so a beat draws always: it costs the terminal what changed.
        terminal.show(ConsoleView.grid(model))
        isUrgent = false
        drawnAt = now
    }

    private func wait() {
        let due = drawnAt.map { max(.zero, Self.beat - (ContinuousClock.now - $0)) } ?? .zero
        var interests = [STDIN_FILENO, signals.descriptor, mailbox.descriptor].filter { $0 >= 0 }
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let milliseconds = CInt(
            clamping: due.components.seconds * 1_000 + due.components.attoseconds / 1_000_000_000_000_000 + 1)
        guard poll(&interests, nfds_t(interests.count), milliseconds) > 0 else { return }
        // A terminal that is gone is the end; it would be readable for ever.
        if interests[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 { ending = .signal(SIGHUP) }
    }

    private func readSignals() {
        while let number = signals.next() {
            switch number {
            case SIGWINCH: takeSize()
            case SIGTSTP: suspend()
            case SIGCONT: break
            default: ending = .signal(number)
            }
        }
    }

    private func readKeys() {
        while ending == nil, let key = terminal.nextKey() {
            isUrgent = true
            perform(model.handle(key))
        }
    }

    private func takeSize() {
        let size = terminal.size
        model.canvas.rows = size.rows
        model.canvas.columns = size.columns
        terminal.resize(to: size)
        isUrgent = true
    }

    private func perform(_ wanted: [Effect]) {
        for effect in wanted {
            switch effect {
            case .end(let how): ending = how
            case .suspend: suspend()
            case .redraw:
                terminal.redraw()
                isUrgent = true
            case .confirm(let effect): confirm(effect)
            default: calls?.yield(ConsoleCall(effect: effect))
            }
        }
    }

    private func confirm(_ effect: Effect) {
        terminal.end()
        defer {
            terminal.resume()
            takeSize()
        }
        do {
            guard let secret = try askPassphrase() else {
                return model.say("nothing was changed: no passphrase was given")
            }
            calls?.yield(ConsoleCall(effect: effect, passphrase: secret))
        } catch {
            model.say("nothing was changed: \((error as? any DescribedError)?.message ?? "\(error)")")
        }
    }

    /// Gives the terminal back and stops, as Ctrl-Z does with programs of the line; goes on after `fg`.
    private func suspend() {
        terminal.end()
        raise(SIGSTOP)
        terminal.resume()
        takeSize()
    }
}
