import DTMCore

extension SocketOwner: FramePart {
    static var leastBytes: Int { 8 }

    func append(to writer: inout FrameWriter) {
        writer.integer(uid)
        writer.integer(inode)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        let uid = try reader.integer(UInt32.self, "owner.uid")
        self.init(uid: uid, inode: try reader.integer(UInt32.self, "owner.inode"))
    }
}

extension FlowStart: FramePart {
    static var leastBytes: Int { 37 + Endpoint.leastBytes }

    func append(to writer: inout FrameWriter) throws(PlanError) {
        try writer.part(tunnel)
        writer.integer(connection)
        try writer.text(identity, in: PlanBounds.flowIdentity)
        try writer.part(startedAt)
        try writer.optional(peer)
        try writer.part(local)
        try writer.optional(owner)
        try writer.optional(targetSide)
    }

    init(from reader: inout FrameReader) throws(PlanError) {
        self.init(
            tunnel: try reader.part(TunnelID.self),
            connection: try reader.integer(UInt64.self, "flowBegan.connection"),
            identity: try reader.text(in: PlanBounds.flowIdentity),
            startedAt: try reader.part(Timestamp.self),
            peer: try reader.optional(Endpoint.self, "flowBegan.peer"),
            local: try reader.part(Endpoint.self),
            owner: try reader.optional(SocketOwner.self, "flowBegan.owner"),
            targetSide: try reader.optional(Endpoint.self, "flowBegan.targetSide"))
    }
}
