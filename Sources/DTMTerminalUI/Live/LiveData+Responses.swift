import DTMAPI

extension LiveData {
    /// What is done about a finding, what waits first.
    func responses(about finding: FindingReport) -> [ResponseList.Entry] {
        guard let responses else { return [] }
        return (responses.pending + responses.active).filter { entry in
            // Those aim at the tunnel; the others at whoever is responsible, through whichever tunnel.
            let isOfTunnel = ["rotate", "raise-decoys"].contains(entry.rung)
            return entry.subject == finding.subject && (!isOfTunnel || entry.tunnel == finding.tunnel)
        }
    }

    /// The response with this id that waits or is in force.
    func response(_ id: String) -> ResponseList.Entry? {
        responses.flatMap { list in (list.pending + list.active).first { $0.id == id } }
    }
}

extension ResponseList.Entry {
    /// Whether it waits for a person.
    var isPending: Bool { state == "proposed" }
}
