/// A look at the whole host that answers more than one question: many consoles then cost no more than one.
///
/// An answer is never older than its question, since a script that has just started a server expects to see it. So who asks
/// soon after a look waits for the next, together with all who ask meanwhile.
struct SharedLook: Sendable {
    /// The shortest time from the beginning of one look to that of the next.
    static let span = Duration.milliseconds(250)

    let view: ApplicationView
    let begun: ContinuousClock.Instant

    /// Whether it may answer a question that came at `asked`.
    func answers(asked: ContinuousClock.Instant) -> Bool { begun >= asked }

    /// How long the next look has to wait.
    func remainder(at now: ContinuousClock.Instant) -> Duration { max(.zero, Self.span - begun.duration(to: now)) }
}
