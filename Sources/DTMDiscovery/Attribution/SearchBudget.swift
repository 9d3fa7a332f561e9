/// How much processor time searches for the holders of connections may take: for one user, and for all together. A pure
/// value; times are in nanoseconds.
///
/// A search of every process is dear, and anybody can ask for one by a connection that no process is found for. So each
/// user pays for his connections, and who has used up his share gets cheap answers alone until time has passed. The
/// total is there for whoever has many users at his command, as user namespaces give them (`subuid(5)`).
struct SearchBudget {
    private struct Account {
        var rest: Int64
        var updated: Int64
    }

    /// What of a core searches may take.
    private let userShare: Double
    private let totalShare: Double
    /// For how long what is not used is saved.
    private let savings: Int64
    /// Only users who do not have the whole of it.
    private var users: [UInt32: Account] = [:]
    private var total: Account?

    /// An hour: whoever costs more has waited long enough then.
    private static let maximumCost: Int64 = 3_600_000_000_000
    /// The most users that are kept apart.
    static let maximumUsers = 256

    init(limits: InventoryLimits) {
        userShare = limits.userSearchShare
        totalShare = limits.searchShare
        savings = limits.searchSavings
    }

    /// What a search for a connection of `user` may take now; 0 when it may not be.
    mutating func allowance(of user: UInt32, at now: Int64) -> Int64 {
        let own = Self.rest(users[user], at: now, userShare, savings)
        return max(0, min(own, Self.rest(total, at: now, totalShare, savings)))
    }

    /// How many users are kept apart now.
    var userCount: Int { users.count }

    /// Notes what one took. It may have been more than allowed: then the next one has to wait the longer.
    mutating func charge(_ cost: Int64, to user: UInt32, at now: Int64) {
        let cost = min(max(0, cost), Self.maximumCost)
        if users[user] == nil, users.count >= Self.maximumUsers { forgetRichest(at: now) }
        users[user] = Self.account(Self.rest(users[user], at: now, userShare, savings) - cost, now)
        total = Self.account(Self.rest(total, at: now, totalShare, savings) - cost, now)
    }

    private static func account(_ rest: Int64, _ now: Int64) -> Account {
        Account(rest: max(-maximumCost, rest), updated: now)
    }

    private static func rest(_ account: Account?, at now: Int64, _ share: Double, _ savings: Int64) -> Int64 {
        let whole = Int64(share * Double(savings))
        guard let account else { return whole }
        guard now > account.updated else { return min(whole, account.rest) }
        let elapsed = Double(now) - Double(account.updated)
        return Int64(min(Double(whole), Double(account.rest) + share * elapsed))
    }

    /// Who has the most loses the least by being taken for somebody new.
    private mutating func forgetRichest(at now: Int64) {
        let richest = users.max { left, right in
            Self.rest(left.value, at: now, userShare, savings) < Self.rest(right.value, at: now, userShare, savings)
        }
        if let richest { users[richest.key] = nil }
    }
}
