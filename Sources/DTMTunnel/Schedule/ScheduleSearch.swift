public import DTMCore

/// Where a client looks when nobody tells it the endpoint: the likeliest candidates of the likeliest turns first.
///
/// The generation it heard last may be behind by forced rotations, the server may still be on the last epoch, and
/// clocks on two hosts differ; so a few neighbours of the expected turn follow its first candidates, and its further
/// ones come last.
public enum ScheduleSearch {
    /// A part of a turn's list of candidates.
    public struct Step: Hashable, Sendable {
        /// Whose list.
        public let turn: ScheduleTurn
        /// The numbers of the candidates in it; the list may be shorter.
        public let candidates: Range<Int>
    }

    /// How many forced rotations that were not heard of are looked for.
    public static let generationLookAhead: UInt32 = 3
    private static let near = 0..<8
    private static let neighbour = 0..<4

    /// The order of the search at `epoch` for who heard of `generation` last; no candidate of a turn comes twice.
    public static func steps(epoch: UInt64, generation: UInt32) -> [Step] {
        let expected = ScheduleTurn(epoch: epoch, generation: generation)
        var steps = [Step(turn: expected, candidates: near)]
        if epoch > 0 {
            steps.append(Step(turn: ScheduleTurn(epoch: epoch - 1, generation: generation), candidates: neighbour))
        }
        let ahead = min(generationLookAhead, .max - generation)
        steps += (0..<ahead).map {
            Step(turn: ScheduleTurn(epoch: epoch, generation: generation + 1 + $0), candidates: neighbour)
        }
        if epoch < .max {
            steps.append(Step(turn: ScheduleTurn(epoch: epoch + 1, generation: generation), candidates: 0..<1))
        }
        steps.append(Step(turn: expected, candidates: near.upperBound..<EndpointSchedule.maximumCandidates))
        return steps
    }
}
