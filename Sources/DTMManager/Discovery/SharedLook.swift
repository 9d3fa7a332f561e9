/// A look at the whole host that answers more than one question: many consoles then cost no more than one.
struct SharedLook: Sendable {
    /// How long after it began a look still answers.
    static let span = Duration.milliseconds(250)

    let view: ApplicationView
    let begun: ContinuousClock.Instant

    /// Whether it may answer a question that came at `asked`: it was begun after that, while the question waited for its
    /// turn, or shortly before.
    func answers(asked: ContinuousClock.Instant) -> Bool { begun.duration(to: asked) < Self.span }
}
