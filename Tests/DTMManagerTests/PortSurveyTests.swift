import DTMCore
import DTMPolicy
import Testing

@testable import DTMManager

@Suite struct PortSurveyTests {
    private let policy = AutoTunnelPolicy()

    private func survey(
        _ processes: [ApplicationObservation], hidden: [ObservedListener] = [], own: OwnParts = OwnParts()
    )
        -> [PortSighting]
    {
        PortSurvey.sightings(processes, unattributed: hidden, policy: policy, own: own) { _ in false }
    }

    @Test func `workers that hold their master's socket as another user are no strangers`() throws {
        let listener = try Samples.listener("127.0.0.1:7080", uid: 0)
        var master = Samples.process(10, "nginx", uid: 0, listener)
        master.startTicks = 5
        let workers = (11...13).map { pid in
            var worker = Samples.process(Int32(pid), "nginx", uid: 33, listener)
            worker.startTicks = 6
            return worker
        }
        let sightings = survey(workers + [master])
        #expect(sightings.count == 1)
        #expect(
            sightings.first?.holders == [PortHolder(application: "nginx", executable: "/usr/bin/nginx", uid: 0)])
        #expect(sightings.first?.decision?.isProtected == true)
    }

    @Test func `another socket at the same port is another holder`() throws {
        let first = try Samples.listener("127.0.0.1:7080")
        var second = try Samples.listener("127.0.0.2:7080")
        second.inode = 99
        let sightings = survey([Samples.process(10, "nginx", first), Samples.process(11, "nc", second)])
        #expect(sightings.first?.holders.count == 2)
    }

    @Test func `nothing is decided where somebody listens who can't be seen, nor about what is denied or DTM's own`()
        throws
    {
        let listener = try Samples.listener("127.0.0.1:7080")
        let nginx = Samples.process(10, "nginx", listener)
        #expect(survey([nginx], hidden: [listener]).first?.decision == nil)
        #expect(survey([nginx], own: OwnParts(processes: [10])).isEmpty)
        let plane = Samples.process(10, "dtm-dataplane", listener)
        #expect(survey([plane]).first?.decision?.isProtected == false)
    }
}
