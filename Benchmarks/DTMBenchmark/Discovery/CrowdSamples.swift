/// What was measured on the crowded machine, in milliseconds of CPU unless said otherwise.
struct CrowdSamples: Codable {
    /// As the picture has them, with what else runs on the host.
    var processes = 0
    var sockets = 0
    var refreshes: [Double] = []
    var ss: [Double] = []
    /// A second apart.
    var ticks: [Double] = []
    var owners: [Double] = []
    var holders: [Double] = []
    /// As `holders`, of connections that no look had seen.
    var newHolders: [Double] = []
    /// As `newHolders`, of processes that never held a socket before.
    var firstHolders: [Double] = []
    /// Connections for which no process was found.
    var unanswered = 0
    /// Of ticks without a pause, with churn.
    var churnTicks: [Double] = []
    /// How many processes began a second meanwhile, on the whole host.
    var churnRate = 0.0
    /// The fewest and the most processes that were on the host then: whoever starts many of his own shows as growth.
    var churnProcesses: [Int] = []
    /// Bytes: before the ticks with churn that count, and after each tenth of them.
    var residents: [Double] = []

    mutating func noteChurnProcesses(_ count: Int) {
        churnProcesses = [min(churnProcesses.first ?? count, count), max(churnProcesses.last ?? count, count)]
    }
}
