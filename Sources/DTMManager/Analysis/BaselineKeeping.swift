import DTMCore

/// What the analyst learnt outlives the manager, where there is a sealed state.
extension ControlParts {
    /// How often it is saved, besides at the end.
    static let baselineInterval = Duration.seconds(900)

    /// Goes on with what was learnt before; what can't be read is told, and learnt anew. Call it before the first reading.
    func restoreBaselines() async {
        guard let state else { return }
        do {
            guard let bytes = try await state.baselines() else { return }
            try await analyst.restore(bytes, at: recorder.clock.now())
        } catch {
            tell(Event.Kind.analysisUnreadable, error, "what is usual is learnt anew")
        }
    }

    /// Saves what was learnt. What can't be saved is told, and would be learnt again after a restart.
    func saveBaselines() async {
        guard let state, let bytes = await analyst.snapshot() else { return }
        do {
            try await state.save(baselines: bytes)
        } catch {
            tell(Event.Kind.analysisUnsaved, error, "what was learnt since the last save is lost with a restart")
        }
    }

    private func tell(_ kind: String, _ error: any Error, _ effect: String) {
        let described = error as? any DescribedError
        recorder.record(
            kind, .error,
            [
                "code": .string(described?.codeName ?? "failed"),
                "reason": .string(described?.message ?? "\(error)"), "effect": .string(effect),
            ])
    }
}
