import DTMCore
import DTMPolicy
import Testing

@Suite("Rights on the control API")
struct APIRightsTests {
    private let rights = APIRights(managerUID: 990)
    private let stranger = LocalCaller(uid: 1000, gid: 1000, userName: "alice", groupNames: ["alice"])

    @Test("The manager's user, root and members of the group may steer")
    func steering() {
        let member = LocalCaller(uid: 1001, gid: 1001, supplementaryGroups: [50], groupNames: ["bob", "dtm"])
        let allowed = [LocalCaller(uid: 990, gid: 990), LocalCaller(uid: 0, gid: 0), member]
            .map { rights.decide(.steer, caller: $0) }
        #expect(allowed.map(\.allowed) == [true, true, true])
        #expect(allowed.map(\.rule) == ["manager", "root", "group:dtm"])
    }

    @Test("Anyone else may not, and the reason says who may")
    func refused() {
        let decision = rights.decide(.steer, caller: stranger)
        #expect(!decision.allowed)
        #expect(decision.reason.contains("uid 990"))
        #expect(decision.reason.contains("group dtm"))
    }

    @Test("Anyone may see what is theirs and ask to connect", arguments: [APIRight.viewOwn, .connect])
    func openRights(right: APIRight) {
        #expect(rights.decide(right, caller: stranger).allowed)
    }

    @Test("One sees one's own; who may steer sees all")
    func viewing() {
        #expect(rights.sees(stranger, ownedBy: 1000))
        #expect(!rights.sees(stranger, ownedBy: 1001))
        #expect(!rights.sees(stranger, ownedBy: nil))
        #expect(rights.sees(LocalCaller(uid: 0, gid: 0), ownedBy: 1001))
        #expect(rights.sees(LocalCaller(uid: 990, gid: 990), ownedBy: nil))
    }
}
