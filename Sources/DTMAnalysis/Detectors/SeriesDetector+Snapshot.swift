extension SeriesDetector {
    /// The largest snapshot that is read.
    public static let snapshotLimit = 24_576
    private static let mark: UInt64 = 0x3144_5f4d_5444  // "DTM_D1"

    /// All that was learnt, as bytes: versioned, of a fixed size for a version.
    public func snapshot() -> [UInt8] {
        var copy = self
        var coder = StateCoder()
        // Writing does not throw: only what is read is checked.
        try? copy.code(&coder)
        return coder.bytes
    }

    /// Goes on where the detector that wrote `snapshot` was.
    ///
    /// - Throws: ``DetectorStateError`` for what no detector of this version has written.
    public init(snapshot: [UInt8]) throws {
        guard snapshot.count <= Self.snapshotLimit else {
            throw DetectorStateError(
                .tooLong, "a baseline has \(snapshot.count) bytes; allowed are \(Self.snapshotLimit)")
        }
        self.init()
        var coder = StateCoder(reading: snapshot)
        try code(&coder)
        try coder.finish()
    }

    private mutating func code(_ coder: inout StateCoder) throws {
        var mark = Self.mark
        try coder.code(&mark)
        guard mark == Self.mark else {
            throw DetectorStateError(.notAState, "a baseline does not begin as one of this version")
        }
        try codeState(&coder)
    }
}
