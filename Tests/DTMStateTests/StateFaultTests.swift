import DTMSecrets
import Glibc
import Testing

@testable import DTMState

/// What a disk that fails, and a process that is killed, leave behind: each call to the kernel fails in turn.
@Suite struct StateFaultTests {
    let template: StateHome
    let root: SharedSecret

    init() throws {
        template = try StateHome()
        let store = try template.create(sample(1))
        root = store.rootKey
        for number in 2...4 { try store.save(sample(number), at: moment(Int64(number))) }
    }

    private func saveCalls() throws -> Int {
        let home = try StateHome(copying: template)
        let store = try home.open(root: root).store
        return try FaultPlan.count { try store.save(sample(5), at: moment(5)) }
    }

    @Test func `Each file is flushed before it has its name, and its folder after that, in the right order`() throws {
        let home = try StateHome(copying: template)
        let store = try home.open(root: root).store
        let plan = FaultPlan(nil)
        _ = try plan.run { try store.save(sample(5), at: moment(5)) }.get()
        // The content, the commit, the witness.
        let file: [FileCall] = [.open, .write, .flush, .close, .rename, .flush]
        #expect(Array(plan.calls.prefix(18)) == file + file + file)
        #expect(plan.calls[18] == .list)
    }

    // MARK: A disk that fails

    @Test(arguments: [(EIO, StateError.Code.io), (ENOSPC, .full), (EROFS, .readOnly)])
    func `A call of a save that fails leaves the old state or the new one in force`(
        errorNumber: Int32, code: StateError.Code
    ) throws {
        let calls = try saveCalls()
        #expect(calls > 25)
        var outcomes: [String: Int] = [:]
        for number in 0..<calls {
            let home = try StateHome(copying: template)
            let store = try home.open(root: root).store
            let plan = FaultPlan(number, errorNumber)
            let result = plan.run { try store.save(sample(5), at: moment(5)) }
            let place = "call \(number), \(String(describing: plan.failed))"
            let (_, found) = try home.open(root: root)
            switch result {
            case .success:
                #expect(try plain(found) == plain(sample(5)), "\(place)")
                outcomes[store.witnessProblem == nil ? "saved" : "saved without a witness", default: 0] += 1
            case .failure(let error):
                #expect((error as? StateError)?.code == code, "\(place): \(error)")
                let again = Result { try store.save(sample(6), at: moment(6)) }
                if case .failure(let second) = again {
                    // The flush of the commit: nobody knows which of them a crash would leave.
                    #expect(plan.failed == .flush && (second as? StateError)?.code == code, "\(place): \(second)")
                    expectRefusal(code) { try store.verifyOnDisk() }
                    #expect(try [plain(sample(4)), plain(sample(5))].contains(plain(found)), "\(place)")
                    outcomes["refuses to go on", default: 0] += 1
                } else {
                    #expect(try plain(found) == plain(sample(4)), "\(place)")
                    #expect(try plain(home.open(root: root).content) == plain(sample(6)), "\(place)")
                    try store.verifyOnDisk()
                    outcomes["failed", default: 0] += 1
                }
            }
            try home.open(root: root).store.save(sample(7), at: moment(7))
            #expect(try home.files().allSatisfy { $0.hasSuffix(".pgp") }, "\(place)")
        }
        // Six calls write the content, five the commit, and then comes its flush.
        #expect(outcomes["failed"] == 11 && outcomes["refuses to go on"] == 1, "\(outcomes)")
        #expect(outcomes["saved without a witness"] == 6, "\(outcomes)")
    }

    @Test func `A witness that could not be written is told of until it can be`() throws {
        let home = try StateHome(copying: template)
        let store = try home.open(root: root).store
        let plan = FaultPlan(12)
        _ = try plan.run { try store.save(sample(5), at: moment(5)) }.get()
        #expect(store.witnessProblem?.code == .io)
        expectRefusal(.io) { try store.verifyOnDisk() }
        try store.save(sample(6), at: moment(6))
        #expect(store.witnessProblem == nil)
        try store.verifyOnDisk()
    }

    @Test func `An interrupted call is made again`() throws {
        let home = try StateHome(copying: template)
        let store = try home.open(root: root).store
        let calls = FaultPlan(nil)
        _ = try calls.run { try store.save(sample(5), at: moment(5)) }.get()
        for number in calls.calls.indices where calls.calls[number] == .write {
            _ = try FaultPlan(number, EINTR).run { try store.save(sample(6), at: moment(6)) }.get()
        }
        let reading = FaultPlan(nil)
        _ = try reading.run { try home.open(root: root) }.get()
        for number in reading.calls.indices where reading.calls[number] == .read {
            _ = try FaultPlan(number, EINTR).run { try home.open(root: root) }.get()
        }
        #expect(try plain(home.open(root: root).content) == plain(sample(6)))
    }

    @Test func `A call of an opening that fails is an error, never an older or an empty state`() throws {
        let home = try StateHome(copying: template)
        let before = try home.tree()
        let calls = try FaultPlan.count { _ = try home.open(root: root) }
        var failures = 0
        for number in 0..<calls {
            let plan = FaultPlan(number)
            switch plan.run({ try home.open(root: root) }) {
            case .success(let opened):
                #expect(try plain(opened.content) == plain(sample(4)), "\(String(describing: plan.failed))")
            case .failure(let error):
                failures += 1
                #expect((error as? StateError)?.code == .io, "\(error)")
            }
        }
        #expect(failures > 15)
        #expect(try home.tree() == before)
        let place = home.place
        #expect(try (0..<3).allSatisfy { number in try FaultPlan(number).run { place.isSealed }.get() })
    }

    // MARK: A process that is killed

    @Test func `A save that is killed at any step leaves the old state or the new one`() throws {
        let calls = try saveCalls()
        var outcomes = (old: 0, new: 0)
        for number in 0..<calls {
            let home = try StateHome(copying: template)
            let store = try home.open(root: root).store
            _ = FaultPlan(number, EIO, .onwards).run { try store.save(sample(5), at: moment(5)) }
            let (again, found) = try home.open(root: root)
            if try plain(found) == plain(sample(4)) {
                outcomes.old += 1
            } else {
                #expect(try plain(found) == plain(sample(5)), "call \(number)")
                outcomes.new += 1
            }
            // And it goes on from there, with nothing left over.
            try again.save(sample(6), at: moment(6))
            #expect(try plain(home.open(root: root).content) == plain(sample(6)))
            #expect(try home.verify().findings.isWhole)
            #expect(try home.files().allSatisfy { $0.hasSuffix(".pgp") }, "call \(number)")
            #expect(try home.files(in: "state").count { $0.contains("generation") } == 6, "call \(number)")
        }
        #expect(outcomes.old == 11 && outcomes.new == calls - 11)
    }

    @Test func `A making that is killed at any step leaves a whole state or none`() throws {
        func create(_ home: StateHome) throws -> Result<SealedStore, any Error> {
            Result { try home.create(sample(1)) }
        }
        let calls = try FaultPlan.count { _ = try create(StateHome()).get() }
        var outcomes = (absent: 0, whole: 0)
        for number in 0..<calls {
            let home = try StateHome()
            _ = FaultPlan(number, EIO, .onwards).run { try home.create(sample(1)) }
            if home.place.isSealed {
                outcomes.whole += 1
                #expect(try plain(home.open().content) == plain(sample(1)), "call \(number)")
            } else {
                outcomes.absent += 1
                expectRefusal(.absent) { try home.open() }
                try home.create(sample(2))
                #expect(try plain(home.open().content) == plain(sample(2)), "call \(number)")
            }
            #expect(try home.verify().findings.isWhole)
            #expect(try home.files().allSatisfy { $0.hasSuffix(".pgp") }, "call \(number)")
        }
        #expect(outcomes.absent > 20 && outcomes.whole > 0, "\(outcomes)")
    }

    @Test func `A making that fails at any step leaves none`() throws {
        let calls = try FaultPlan.count { _ = try StateHome().create(sample(1)) }
        for number in 0..<calls {
            let home = try StateHome()
            let plan = FaultPlan(number)
            let result = plan.run { try home.create(sample(1)) }
            if case .success = result {
                #expect(try home.verify().findings.isWhole)
            } else {
                #expect(!home.place.isSealed, "call \(number), \(String(describing: plan.failed))")
                try home.create(sample(2))
                #expect(try plain(home.open().content) == plain(sample(2)))
            }
        }
    }

    @Test func `A recovery that is killed at any step can be made again`() throws {
        func recover(_ home: StateHome) throws { _ = try home.recover(2) }
        let calls = try FaultPlan.count { try recover(StateHome(copying: template)) }
        for number in 0..<calls {
            let home = try StateHome(copying: template)
            _ = FaultPlan(number, EIO, .onwards).run { try recover(home) }
            // What is there meanwhile is a state that was, or an error that says so.
            do {
                let found = try plain(home.open(root: root).content)
                #expect(try [2, 3, 4].map { try plain(sample($0)) }.contains(found))
            } catch let error as StateError {
                #expect(error.code == .rolledBack, "call \(number): \(error)")
            }
            #expect(try plain(home.recover(2).content) == plain(sample(2)), "call \(number)")
            let (store, content) = try home.open(root: root)
            #expect(try plain(content) == plain(sample(2)))
            try store.verifyOnDisk()
        }
    }

    @Test func `A change of slots that is killed or fails at any step leaves the others`() throws {
        let key = try template.openPGP.generateKeyPair(userID: "operator").publicKey
        for extent in [FaultPlan.Extent.once, .onwards] {
            func add(_ store: SealedStore) throws { try store.addSlot(.operatorKey(key, label: "card"), at: moment(9)) }
            func opened() throws -> (StateHome, SealedStore) {
                let home = try StateHome(copying: template)
                return (home, try home.open(root: root).store)
            }
            let calls = try opened()
            for number in 0..<(try FaultPlan.count { try add(calls.1) }) {
                let (home, store) = try opened()
                let result = FaultPlan(number, EIO, extent).run { try add(store) }
                let slots = try SealedStore.slots(at: home.place, openPGP: home.openPGP)
                #expect(slots.problems.isEmpty && (1...2).contains(slots.slots.count))
                if case .failure = result, extent == .once { #expect(slots.slots.count == 1, "call \(number)") }
                try home.open().store.verifyOnDisk()
            }
            func prepared() throws -> (StateHome, SealedStore, SlotID) {
                let (home, store) = try opened()
                return (home, store, try store.addSlot(.operatorKey(key, label: "card"), at: moment(9)))
            }
            let sample = try prepared()
            for number in 0..<(try FaultPlan.count { try sample.1.removeSlot(sample.2) }) {
                let (home, store, id) = try prepared()
                _ = FaultPlan(number, EIO, extent).run { try store.removeSlot(id) }
                #expect(throws: Never.self) { try home.open() }
                try? store.removeSlot(id)
                #expect(try SealedStore.slots(at: home.place, openPGP: home.openPGP).slots.count == 1)
                try store.verifyOnDisk()
            }
        }
    }
}
