import DTMCore

/// Slows down who tries passphrases: after each wrong one its user has to wait twice as long. A pure value; what it
/// knows ends with the manager.
struct PassphraseThrottle: Sendable {
    private struct Record {
        var failures: Int
        var notBefore: Timestamp
    }

    private var records: [UInt32: Record] = [:]

    /// After the first wrong one.
    static let firstPause = Duration.milliseconds(500)
    /// The longest, which the seventh reaches.
    static let longestPause = Duration.seconds(30)
    /// A user who was quiet for so long starts anew.
    static let memory = Duration.seconds(3_600)
    /// How many users are remembered. Those who may steer are few; should there be more, they share one record.
    static let maximumUsers = 64
    private static let others = UInt32.max

    /// How long `uid` has to wait; nil when not at all.
    func pause(of uid: UInt32, at now: Timestamp) -> Duration? {
        guard let record = records[key(uid)], record.notBefore > now else { return nil }
        return record.notBefore - now
    }

    /// How many wrong ones came from `uid` since the last right one.
    func failures(of uid: UInt32) -> Int { records[key(uid)]?.failures ?? 0 }

    mutating func failed(_ uid: UInt32, at now: Timestamp) {
        records = records.filter { now - $0.value.notBefore < Self.memory }
        let key = key(uid)
        let failures = (records[key]?.failures ?? 0) + 1
        let pause = min(Self.firstPause * (1 << min(failures - 1, 6)), Self.longestPause)
        records[key] = Record(failures: failures, notBefore: now + pause)
    }

    mutating func succeeded(_ uid: UInt32) { records[uid] = nil }

    private func key(_ uid: UInt32) -> UInt32 {
        records[uid] != nil || records.count < Self.maximumUsers ? uid : Self.others
    }
}
